// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: nodes that start with nothing but what they remember, and the order in which a node starts.
#include "support.hpp"

#include <peerkit/sim/error.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace scenario;
using peerkit::sim::discovery_answer;
using peerkit::sim::memory;
using peerkit::sim::scripted_discovery;
using peerkit::sim::sim_error;

namespace {

default_nodes remembering() {
    default_nodes nodes;
    nodes.remembers = true;
    return nodes;
}
/// Every source of discovery is down from now on.
void lose_discovery(default_world& world, duration after = 50ms) {
    for (node_index i = 0; i < world.size(); ++i) {
        auto answer = [](peerkit::time_point) -> discovery_answer {
            return peerkit::fail(sim_error::discovery_unavailable);
        };
        world.set_discovery(i, std::make_unique<scripted_discovery>(std::move(answer), after));
    }
}
void restart_all(default_world& world, memory what) {
    for (node_index i = 0; i < world.size(); ++i) {
        if (!world.up(i)) world.restart(i, what);
    }
}

} // namespace

TEST_CASE("after a power failure everywhere a cluster comes back from what its nodes remember, without discovery") {
    cluster world{20, 501, remembering()};
    REQUIRE(world.joined);
    world.run_for(10s);
    for (node_index i = 0; i < 20; ++i) world.power_off(i);
    lose_discovery(world);
    world.run_for(1h);
    bool const remembers = [] {
        bool yes = true;
        SUBCASE("with their memory") {}
        SUBCASE("and not if that is lost, too") { yes = false; }
        return yes;
    }();
    restart_all(world, remembers ? memory::kept : memory::lost);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    CHECK(took.has_value() == remembers);
    if (took) {
        MESSAGE("together again after " << peerkit::sim::trace::seconds(*took) << " s");
        CHECK(*took < 10s);
        CHECK(world.statistics().count(event_kind::peers_recalled) == 20);
        PEERKIT_CHECK_WORLD(world);
    }
}

TEST_CASE("a cluster whose nodes all said goodbye comes back from what they remember") {
    cluster world{8, 502, remembering()};
    REQUIRE(world.joined);
    for (node_index i = 0; i < 8; ++i) {
        world.leave(i);
        world.run_for(2s);
    }
    world.run_for(1min);
    for (node_index i = 0; i < 8; ++i) REQUIRE_FALSE(world.up(i));
    lose_discovery(world);
    restart_all(world, memory::kept);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that was away when its cluster changed finds it by the few peers that are still there") {
    cluster world{10, 503, remembering()};
    REQUIRE(world.joined);
    world.run_for(10s);
    world.crash(9);
    world.run_for(1min);
    for (node_index i = 0; i < 8; ++i) world.power_off(i);
    for (int i = 0; i < 5; ++i) world.spawn(); // they know of node 8 only
    lose_discovery(world);
    for (node_index i = 10; i < 15; ++i) world.allow_destination(8, world.endpoint_of(i));
    world.call(8, [&](auto& n, auto now, auto& out) {
        for (node_index i = 10; i < 15; ++i) n.contact(world.endpoint_of(i), now, out);
    });
    world.run_for(1min);
    world.restart(9, memory::kept);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("nodes that never meet again keep what they remember over many starts") {
    cluster world{3, 504, remembering()};
    REQUIRE(world.joined);
    lose_discovery(world);
    world.crash(1);
    world.crash(2);
    for (int i = 0; i < 3; ++i) {
        world.crash(0);
        world.restart(0, memory::kept);
        world.run_for(2h); // longer than any tombstone is held
        CHECK(world.remembered(0).size() == 2);
    }
    restart_all(world, memory::kept);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 5min);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("what comes before a node listens waits for it, however slow its discovery is") {
    cluster world{2, 505};
    REQUIRE(world.joined);
    std::vector<std::pair<event_kind, duration>> told;
    world.on_event([&](node_index i, peerkit::gossip::event const& e) {
        if (i == 2) told.emplace_back(e.kind, world.elapsed());
    });
    duration const begun = world.elapsed();
    duration slow{};
    SUBCASE("300 ms") { slow = 300ms; }
    SUBCASE("5 s, for which it does not wait") { slow = 5s; }
    // It is born with the default discovery, which is replaced at once by one that takes its time.
    world.spawn();
    auto nobody = [](peerkit::time_point) -> discovery_answer { return std::vector<peerkit::discovery::candidate>{}; };
    world.set_discovery(2, std::make_unique<scripted_discovery>(std::move(nobody), slow));
    world.crash(2);
    world.restart(2, memory::lost);
    told.clear();
    world.allow_destination(0, world.endpoint_of(2));
    world.call(0, [&](auto& n, auto now, auto& out) { n.contact(world.endpoint_of(2), now, out); });
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 30s));
    duration heard{}, up{};
    for (auto const& [kind, when] : told) {
        if (kind == event_kind::listening) heard = when;
        if (kind == event_kind::member_up && up == duration{}) up = when;
    }
    duration const expected = std::min<duration>(slow, 1s);
    CHECK(heard - begun >= expected);
    CHECK(heard - begun <= expected + 5ms);
    CHECK(up >= heard);
    CHECK(up - heard <= 100ms); // the call that waited is answered, nobody had to call again
    PEERKIT_CHECK_WORLD(world);
}
