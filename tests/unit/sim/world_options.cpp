// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/world_options.hpp.
#include <peerkit/sim/world_options.hpp>

#include <doctest/doctest.h>

using namespace peerkit;

TEST_CASE("a world is calm and watched unless it is told otherwise") {
    sim::world_options const o{};
    sim::network net;
    net.set_default(o.link);
    CHECK(net.calm());
    CHECK(o.invariants.enabled);
    CHECK(o.intruder.packets_per_second == 0);
    CHECK(o.timer_lateness == duration::zero());
    CHECK(o.max_violations > 0);
}
