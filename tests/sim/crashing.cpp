// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: crashes are seen by all, and who comes back is taken back.
#include "support.hpp"

#include <doctest/doctest.h>

using namespace scenario;
using peerkit::sim::memory;

TEST_CASE("a crash is seen by all of 200") {
    cluster world{200, 21};
    REQUIRE(world.joined);
    world.run_for(30s);
    world.crash(77);
    auto const took = world.run_until([&] { return world.everyone_sees(77, member_state::dead); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    MESSAGE("seen by all after " << peerkit::sim::trace::seconds(*took) << " s");
    CHECK(*took < 30s);
    CHECK(deaths(world) == 199);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a machine that loses its power is seen by all, though nothing refuses a connection") {
    cluster world{20, 22};
    REQUIRE(world.joined);
    world.run_for(10s);
    world.power_off(4);
    auto const took = world.run_until([&] { return world.everyone_sees(4, member_state::dead); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    world.run_for(60s);
    CHECK(deaths(world) == 19);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that restarts with what it stored is back within seconds") {
    cluster world{30, 23};
    REQUIRE(world.joined);
    world.run_for(10s);
    world.crash(7);
    REQUIRE(world.run_until([&] { return world.everyone_sees(7, member_state::dead); }, 60s));
    REQUIRE(world.restart(7, memory::kept));
    auto const took = world.run_until([&] { return world.all_see_all(); }, 30s);
    INFO(world.report());
    REQUIRE(took);
    CHECK(*took < 10s);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that lost everything but its key is back within seconds, above the incarnation peers remember") {
    cluster world{30, 24};
    REQUIRE(world.joined);
    world.run_for(10s);
    std::uint64_t const remembered = world.minted(7);
    memory what = memory::lost;
    SUBCASE("after its death was seen") {
        world.crash(7);
        REQUIRE(world.run_until([&] { return world.everyone_sees(7, member_state::dead); }, 60s));
    }
    SUBCASE("before anyone noticed") { world.crash(7); }
    SUBCASE("with its clock at the beginning of time") {
        world.crash(7);
        what = memory::lost_and_clock_wrong;
    }
    SUBCASE("with its clock at the beginning of time, after its death was seen") {
        world.crash(7);
        REQUIRE(world.run_until([&] { return world.everyone_sees(7, member_state::dead); }, 60s));
        what = memory::lost_and_clock_wrong;
    }
    REQUIRE(world.restart(7, what));
    auto const took =
        world.run_until([&] { return world.all_see_all() && world.node(7).incarnation() > remembered; }, 60s);
    INFO(world.report());
    REQUIRE(took);
    CHECK(*took < 15s);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node restored from an old backup adopts what its peers remember of it") {
    cluster world{10, 25};
    REQUIRE(world.joined);
    std::uint64_t const remembered = world.minted(3);
    world.crash(3);
    REQUIRE(world.restart_with(3, remembered / 2));
    auto const took =
        world.run_until([&] { return world.all_see_all() && world.node(3).incarnation() > remembered; }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("when half of a cluster crashes at once, the other half knows all of it and nothing wrong") {
    std::size_t const half = full() ? 500 : 50;
    cluster world{2 * half, 26};
    REQUIRE(world.joined);
    world.run_for(60s);
    for (node_index i = 1; i < 2 * half; i += 2) world.crash(i);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 3min);
    INFO(world.report());
    REQUIRE(took);
    MESSAGE("all known after " << peerkit::sim::trace::seconds(*took) << " s");
    world.run_for(30s);
    CHECK(world.all_see_all());
    CHECK(deaths(world) == half * half);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("when all restart within seconds, half of them with nothing stored, no wrong entry is left") {
    node_index const count = full() ? 100 : 40;
    cluster world{count, 27};
    REQUIRE(world.joined);
    world.run_for(30s);
    for (node_index i = 0; i < count; ++i) {
        auto const wait = peerkit::uniform(world.rng(), peerkit::duration{5s});
        world.after(wait, [&world, i] {
            world.crash(i);
            world.restart(i, i % 2 == 0 ? memory::kept : i % 4 == 1 ? memory::lost : memory::lost_and_clock_wrong);
        });
    }
    world.run_for(65s);
    INFO(world.report());
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that crashes and restarts again and again does not unsettle the others") {
    cluster world{20, 28};
    REQUIRE(world.joined);
    for (int i = 0; i < 20; ++i) {
        world.crash(9);
        world.run_for(peerkit::uniform(world.rng(), peerkit::duration{12s}));
        world.restart(9, memory::kept);
        world.run_for(peerkit::uniform(world.rng(), peerkit::duration{6s}));
    }
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
    world.on_event([&](node_index observer, peerkit::gossip::event const& e) {
        INFO("observer " << observer);
        if (e.kind <= event_kind::member_removed) CHECK(world.index_of(e.subject) == 9);
    });
    world.run_for(2min);
    PEERKIT_CHECK_WORLD(world);
}
