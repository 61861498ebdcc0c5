// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: loss, duplication, reordering, damage, blocked datagrams, sleep and clocks: nobody dies who lives.
#include "support.hpp"

#include <doctest/doctest.h>

using namespace scenario;

TEST_CASE("20 % loss for an hour kills nobody wrongly among 30") {
    cluster world{30, 41};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(20)});
    world.run_for(full() ? peerkit::duration{10h} : peerkit::duration{1h});
    INFO(world.report());
    CHECK(world.statistics().lost > 10'000);
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("half of all datagrams twice and half of them out of order: nothing changes") {
    cluster world{30, 42};
    REQUIRE(world.joined);
    world.net().set_default({.duplicate = percent(50), .reorder = percent(50), .reorder_delay = 80ms});
    std::uint64_t told = 0;
    world.run_for(10s); // updates of the join may still be under way
    world.on_event([&](node_index, peerkit::gossip::event const& e) {
        if (e.kind <= event_kind::member_removed) ++told;
    });
    world.run_for(20min);
    INFO(world.report());
    CHECK(world.statistics().duplicated > 10'000);
    CHECK(world.statistics().reordered > 10'000);
    CHECK(told == 0);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("nodes join and leave through a storm of duplicates, delays and damage") {
    cluster world{0, 43};
    world.net().set_default(
        {.loss = percent(5), .duplicate = percent(30), .reorder = percent(30), .corrupt = percent(5)});
    world.spawn_many(20, 20s);
    world.run_for(20s);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 2min));
    world.leave(3);
    world.crash(4);
    auto const took = world.run_until([&] { return world.gone(3) && world.gone(4); }, 2min);
    INFO(world.report());
    REQUIRE(took);
    CHECK(world.statistics().corrupted > 50);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node whose datagrams are blocked stays alive by its streams") {
    cluster world{10, 44};
    REQUIRE(world.joined);
    world.net().block_datagrams(3);
    world.run_for(20min);
    INFO(world.report());
    CHECK(world.statistics().blocked > 100);
    CHECK(world.statistics().count(event_kind::datagrams_blocked) > 0);
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node whose datagrams are blocked from the beginning joins all the same") {
    cluster world{10, 45};
    REQUIRE(world.joined);
    node_index const blocked = 10;
    world.net().block_datagrams(blocked);
    CHECK(world.spawn() == blocked);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 3min);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that slept accuses nobody when it wakes") {
    cluster world{16, 46};
    REQUIRE(world.joined);
    std::uint64_t accused = 0;
    world.on_event([&](node_index observer, peerkit::gossip::event const& e) {
        if (e.kind == event_kind::member_suspected && observer == 5 && e.why == peerkit::gossip::cause::probe_failed)
            ++accused;
        if (e.kind == event_kind::member_dead && world.index_of(e.subject) != 5) ++accused;
    });
    for (int i = 0; i < 30; ++i) {
        world.pause_for(5, peerkit::duration{700ms} + peerkit::uniform(world.rng(), peerkit::duration{20s}));
        world.run_for(40s);
        CHECK_FALSE(world.paused(5));
    }
    INFO(world.report());
    CHECK(accused == 0);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 30s));
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("nodes that sleep most of the time make nobody else die") {
    node_index const count = full() ? 128 : 32, sleepers = full() ? 8 : 2;
    cluster world{count, 47};
    REQUIRE(world.joined);
    std::uint64_t wrong = 0;
    world.on_event([&](node_index, peerkit::gossip::event const& e) {
        if (e.kind == event_kind::member_dead && world.index_of(e.subject) >= sleepers) ++wrong;
    });
    for (node_index i = 0; i < sleepers; ++i) {
        for (int k = 0; k < 60; ++k) {
            world.after(i * 1s + k * 10s, [&world, i] { world.pause_for(i, 10s - 5ms); });
        }
    }
    world.run_for(11min);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 2min);
    INFO(world.report());
    CHECK(wrong == 0);
    CHECK(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("clocks that leap, and run fast or slow, accuse nobody") {
    cluster world{16, 48};
    REQUIRE(world.joined);
    for (node_index i = 0; i < 16; ++i) world.set_drift(i, (static_cast<int>(i) - 8) * 1000); // within 1 %
    for (int i = 0; i < 20; ++i) {
        world.after(i * 30s, [&world, i] {
            world.leap_clock(static_cast<node_index>(i % 16), peerkit::duration{1h} * (i % 3 == 0 ? 200 : 1));
        });
    }
    world.run_for(11min);
    INFO(world.report());
    CHECK(deaths(world) == 0);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("timers that are late by up to 300 ms do no harm") {
    cluster world{20, 49, {}, [](peerkit::sim::world_options& o) { o.timer_lateness = 300ms; }};
    REQUIRE(world.joined);
    world.run_for(20min);
    INFO(world.report());
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}
