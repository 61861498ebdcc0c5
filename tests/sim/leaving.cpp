// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: a goodbye is seen by all, is never taken for a death and is never undone by old news.
#include "support.hpp"

#include <doctest/doctest.h>
#include <peerkit/sim/scenarios.hpp>

using namespace scenario;

TEST_CASE("a node that leaves is seen to leave by all, and nobody reports a death") {
    cluster world{40, 51};
    REQUIRE(world.joined);
    world.run_for(20s);
    REQUIRE(world.leave(11));
    auto const took = world.run_until([&] { return world.everyone_sees(11, member_state::left); }, 30s);
    INFO(world.report());
    REQUIRE(took);
    CHECK(*took < 10s);
    CHECK(world.run_until([&] { return !world.up(11); }, 10s));
    world.run_for(10min);
    CHECK(deaths(world) == 0);
    CHECK(world.everyone_sees(11, member_state::left));
    CHECK(world.statistics().count(event_kind::self_left) == 1);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a goodbye in the rain reaches all and is not taken for a death") {
    cluster world{30, 52, {}, [](peerkit::sim::world_options& o) {
                      o.link.loss = percent(20);
                      o.link.duplicate = percent(20);
                      o.link.reorder = percent(20);
                  }};
    REQUIRE(world.joined);
    world.leave(3);
    world.leave(17);
    auto const took = world.run_until(
        [&] { return world.everyone_sees(3, member_state::left) && world.everyone_sees(17, member_state::left); }, 60s);
    INFO(world.report());
    CHECK(took);
    world.run_for(5min);
    CHECK(world.everyone_sees(3, member_state::left));
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that slept through a goodbye does not bring the one who left back") {
    cluster world{20, 53};
    REQUIRE(world.joined);
    world.run_for(10s);
    world.pause(5);
    world.leave(6);
    world.run_for(90s);
    world.resume(5);
    auto const took =
        world.run_until([&] { return world.everyone_sees(6, member_state::left) && world.all_see_all(); }, 2min);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that left comes back when it is started again") {
    cluster world{15, 54};
    REQUIRE(world.joined);
    world.leave(6);
    REQUIRE(world.run_until([&] { return !world.up(6) && world.everyone_sees(6, member_state::left); }, 60s));
    SUBCASE("with what it stored") { REQUIRE(world.restart(6, peerkit::sim::memory::kept)); }
    SUBCASE("with nothing stored") { REQUIRE(world.restart(6, peerkit::sim::memory::lost)); }
    SUBCASE("with nothing stored and its clock wrong") {
        REQUIRE(world.restart(6, peerkit::sim::memory::lost_and_clock_wrong));
    }
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("who is to be away for less time than its goodbye takes comes back after it") {
    cluster world{8, 57};
    REQUIRE(world.joined);
    peerkit::sim::leave_for(world, 6, 10ms);
    world.run_for(10ms);
    CHECK(world.leaving(6));
    CHECK(world.run_until([&] { return world.up(6) && !world.leaving(6) && world.all_see_all(); }, 60s));
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a whole cluster can leave at once") {
    cluster world{12, 55};
    REQUIRE(world.joined);
    for (node_index i = 0; i < 12; ++i) world.leave(i);
    auto const took = world.run_until([&] { return world.running() == 0; }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}
