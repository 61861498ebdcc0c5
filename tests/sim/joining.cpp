// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: nodes find each other through one of them, and then it is quiet.
#include "support.hpp"

#include <doctest/doctest.h>

using namespace scenario;

TEST_CASE("200 nodes that all join through one see each other") {
    cluster world{200, 11};
    INFO(world.report());
    REQUIRE(world.joined);
    MESSAGE("joined after " << peerkit::sim::trace::seconds(*world.joined) << " s");
    CHECK(*world.joined < 60s);
    CHECK(deaths(world) == 0);
    CHECK(world.statistics().count(event_kind::member_suspected) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("nodes that arrive one after another find each other through the first") {
    cluster world{0, 12};
    world.spawn_many(20, 30s);
    world.run_for(31s);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 10s);
    INFO(world.report());
    REQUIRE(took);
    CHECK(world.size() == 20);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a settled cluster sends probes and nothing else") {
    cluster world{50, 13};
    REQUIRE(world.joined);
    world.run_for(4min);
    auto const before = world.statistics();
    world.run_for(60s);
    auto const after = world.statistics();
    double const per_node_second = static_cast<double>(after.datagrams_sent - before.datagrams_sent) / 50 / 60;
    CHECK(per_node_second > 1.8); // a ping and an ack
    CHECK(per_node_second < 2.2);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a seed that comes late is found, because discovery does not stop") {
    cluster world{0, 14};
    world.set_seeds({5}); // not born yet
    world.spawn_many(5);
    world.run_for(60s);
    CHECK_FALSE(world.all_see_all());
    world.spawn();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node whose discovery fails at first joins when it works") {
    cluster world{5, 15};
    REQUIRE(world.joined);
    bool works = false;
    auto const first = world.endpoint_of(0);
    auto answer = [&](peerkit::time_point) -> peerkit::sim::discovery_answer {
        if (!works) return peerkit::fail(peerkit::sim::sim_error::discovery_unavailable);
        peerkit::discovery::candidate found;
        found.addresses = {first};
        return std::vector{found};
    };
    world.at(world.elapsed(), [&] {
        world.set_seeds({});
        node_index const late = world.spawn();
        world.set_discovery(late, std::make_unique<peerkit::sim::scripted_discovery>(answer, 20ms));
    });
    world.run_for(60s);
    CHECK(world.statistics().count(event_kind::discovery_failed) > 2);
    CHECK_FALSE(world.all_see_all());
    works = true;
    auto const took = world.run_until([&] { return world.all_see_all(); }, 30s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}
