// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::detector: the plan every detector starts from.
#include <peerkit/gossip/detector.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("the full plan is the timetable of the tunables") {
    gossip::tunables const t = gossip::wan();
    gossip::probe_plan const p = gossip::full_plan(t);
    CHECK(p.tries == t.direct_tries);
    CHECK(p.waves == 2);
    CHECK(p.helpers == t.helpers);
    CHECK(p.retry == t.probe_retry);
    CHECK(p.helpers_after == t.helpers_after);
    CHECK(p.helpers_again == t.helpers_again);
    CHECK(p.verdict_after == t.verdict_after);
    CHECK(p.helpers_retry);
    CHECK(p.nacks);
}

TEST_CASE("far members are pinged less often, near ones as before, and never into the helpers' time") {
    gossip::probe_plan const p = gossip::full_plan(gossip::wan());
    CHECK(gossip::stretched(p, 5ms).retry == p.retry);
    CHECK(gossip::stretched(p, 350ms).retry == 350ms);
    CHECK(gossip::stretched(p, 10s).retry * (p.tries - 1) < p.helpers_after);
    CHECK(gossip::stretched(p, 10s).retry > 390ms);
    gossip::probe_plan one = p;
    one.tries = 1;
    CHECK(gossip::stretched(one, 10s).retry == p.retry);
}
