// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::plain_swim.
#include <peerkit/gossip/plain_swim.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace std::chrono_literals;

static_assert(gossip::check_failure_detector<gossip::plain_swim>());

TEST_CASE("plain SWIM pings once, asks helpers once and accuses, however often that was wrong") {
    gossip::plain_swim d;
    auto const t = gossip::lan();
    for (int i = 0; i < 20; ++i) {
        auto const p = d.plan(t);
        CHECK(p.tries == 1);
        CHECK(p.waves == 1);
        CHECK(p.helpers_after == 500ms);
        CHECK(p.verdict_after < d.period(t));
        CHECK_FALSE(p.nacks);
        CHECK_FALSE(p.helpers_retry);
        CHECK(d.period(t) == 1s);
        CHECK(d.failed({short_id{1}, 3, 0}));
        d.refuted();
    }
}

TEST_CASE("plain SWIM's suspicion has one length, which grows with the logarithm of the members") {
    gossip::plain_swim const d;
    auto const of = [&](std::size_t members) { return d.suspicion(gossip::lan(), members); };
    CHECK(of(10).shortest == 4s);
    CHECK(of(10).longest == 4s);
    CHECK(of(10).after(0) == of(10).after(5));
    CHECK(of(1000).shortest > 11900ms);
    CHECK(of(1000).shortest < 12100ms);
}
