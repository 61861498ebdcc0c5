// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::lifeguard: the score of this node's own health.
#include <peerkit/gossip/lifeguard.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::lifeguard;

static_assert(gossip::check_failure_detector<lifeguard>());

TEST_CASE("behaviours 13 and 14: missing nacks, failures without helpers and refutations count against this node, "
          "answers for it") {
    lifeguard d;
    CHECK(d.score() == 0);
    CHECK(d.failed({short_id{1}, 3, 3}));
    CHECK(d.score() == 0);
    CHECK(d.failed({short_id{1}, 3, 1}));
    CHECK(d.score() == 2);
    CHECK(d.failed({short_id{1}, 0, 0}));
    CHECK(d.score() == 3);
    d.refuted();
    CHECK(d.score() == 4);
    d.answered(short_id{1}, false);
    CHECK(d.score() == 3);
    for (int i = 0; i < 9; ++i) d.answered(short_id{1}, true);
    CHECK(d.score() == 0);
}

TEST_CASE("behaviours 13 and 14: more nacks than helpers earn nothing, and the score ends at seven") {
    lifeguard d;
    CHECK(d.failed({short_id{1}, 3, 200}));
    CHECK(d.score() == 0);
    for (int i = 0; i < 9; ++i) CHECK(d.failed({short_id{1}, 3, 0}));
    CHECK(d.score() == lifeguard::worst);
}

TEST_CASE("behaviour 15: a bad score stretches the period and the patience of a probe, not its suspicion") {
    lifeguard d;
    auto const t = gossip::lan();
    auto const calm = d.plan(t);
    auto const before = d.suspicion(t, 100);
    d.refuted();
    CHECK(d.period(t) == 2s);
    CHECK(d.plan(t).verdict_after == calm.verdict_after + 1s);
    CHECK(d.plan(t).helpers_after == calm.helpers_after);
    CHECK(d.suspicion(t, 100).longest == before.longest);
}

TEST_CASE("the suspicion is memberlist's: 8 to 48 seconds for 100 members on a LAN, two confirmations") {
    auto const s = lifeguard{}.suspicion(gossip::lan(), 100);
    CHECK(s.shortest >= 7900ms);
    CHECK(s.shortest <= 8s);
    CHECK(s.longest == s.shortest * 6);
    CHECK(s.confirmations == 2);
    gossip::tunables t = gossip::lan();
    t.suspicion_factor = 1;
    CHECK(lifeguard{}.suspicion(t, 100).confirmations == 0);
}
