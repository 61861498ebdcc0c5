// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/node_clock.hpp.
#include <peerkit/sim/node_clock.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("a clock without drift is the world's, from another zero") {
    sim::node_clock const c{100s};
    CHECK(c.to_node(time_point{5s}) == time_point{105s});
    CHECK(c.to_world(time_point{105s}) == time_point{5s});
    CHECK(c.to_world(never) == never);
}

TEST_CASE("the moment found for a node's deadline is the first at which its clock shows it") {
    seeded_rng rng{3};
    for (int i = 0; i < 20'000; ++i) {
        auto const drift = static_cast<std::int32_t>(uniform(rng, std::uint64_t{400'001})) - 200'000;
        sim::node_clock const c{uniform(rng, duration{1h}), drift};
        time_point const local = time_point{2h} + uniform(rng, duration{100h});
        time_point const world = c.to_world(local);
        REQUIRE(c.to_node(world) >= local);
        REQUIRE(c.to_node(world - 1ns) < local);
    }
}

TEST_CASE("a fast clock gains what it is told to") {
    sim::node_clock const c{0s, 1000};
    CHECK(c.to_node(time_point{1000s}) == time_point{1001s});
}

TEST_CASE("a change of rate makes no step, a leap does") {
    sim::node_clock c{0s, 500};
    time_point const now{777s};
    time_point const shown = c.to_node(now);
    c.set_drift(-20'000, now);
    CHECK(c.to_node(now) == shown);
    c.leap(1h);
    CHECK(c.to_node(now) == shown + 1h);
}
