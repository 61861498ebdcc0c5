// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: one key at two places, at another place, and names and keys that were forgotten.
#include "support.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

using namespace scenario;
using peerkit::sim::birth;
using peerkit::sim::default_node;

namespace {

/// Nodes of which some are born with the key of another.
struct with_copies {
    default_nodes nodes;
    std::map<node_index, node_index> copies; ///< of whom
    std::shared_ptr<std::map<node_index, std::uint64_t>> seeds =
        std::make_shared<std::map<node_index, std::uint64_t>>();

    std::unique_ptr<default_node> operator()(birth const& b) const {
        seeds->emplace(b.index, b.identity_seed);
        birth mine = b;
        if (auto const of = copies.find(b.index); of != copies.end()) mine.identity_seed = seeds->at(of->second);
        return nodes(mine);
    }
};

} // namespace

TEST_CASE("a key that is used by two nodes at once: both are told, and the place changes hands at most once a minute") {
    default_nodes const nodes;
    default_world world{peerkit::sim::options_for(nodes, 61), with_copies{nodes, {{10, 3}}}};
    world.spawn_many(10);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
    world.run_for(2min);
    auto const key = world.id_of(3);
    std::set<node_index> told;
    world.on_event([&](node_index observer, peerkit::gossip::event const& e) {
        if (e.kind == event_kind::conflict && e.subject == key) told.insert(observer);
    });
    world.spawn();
    // What node 0 shows is looked at every 100 ms for half an hour.
    int changes = 0, looks = 0, dead = 0;
    auto place = world.node(0).find(key)->endpoint();
    for (; looks < 30 * 600; ++looks) {
        world.run_for(100ms);
        auto const seen = world.node(0).find(key);
        REQUIRE(seen);
        dead += seen->state() == member_state::dead ? 1 : 0;
        if (seen->endpoint() == place) continue;
        place = seen->endpoint();
        ++changes;
    }
    MESSAGE("changed hands " << changes << " times in 30 minutes, dead for " << dead / 10.0 << " s");
    CHECK(changes >= 1);
    CHECK(changes <= 30);
    CHECK(told.count(3) == 1);
    CHECK(told.count(10) == 1);
    // Everybody else agrees on one of the two, and on each other.
    for (node_index i = 0; i < 10; ++i) {
        if (i == 3) continue;
        CHECK(world.node(i).find(key)->endpoint() == place);
        for (node_index k = 0; k < 10; ++k) {
            if (k != 3) CHECK(world.sees(i, k, member_state::alive));
        }
    }
}

TEST_CASE("a key whose first holder has crashed is taken over at another address within seconds") {
    default_nodes const nodes;
    default_world world{peerkit::sim::options_for(nodes, 62), with_copies{nodes, {{10, 3}}}};
    world.spawn_many(10);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
    world.run_for(2min);
    auto const key = world.id_of(3);
    world.crash(3);
    bool seen_dead = false;
    SUBCASE("before anyone noticed") {}
    SUBCASE("after its death was seen") {
        seen_dead = true;
        world.run_for(60s);
    }
    world.spawn();
    auto const took = world.run_until(
        [&] {
            for (node_index i = 0; i < 10; ++i) {
                if (i == 3) continue;
                auto const seen = world.node(i).find(key);
                if (!seen || seen->endpoint() != world.endpoint_of(10) || seen->state() != member_state::alive)
                    return false;
            }
            return true;
        },
        60s);
    INFO(seen_dead);
    REQUIRE(took);
    CHECK(*took < 10s);
}

namespace {

/// Tombstones last for two minutes, so that partitions can outlive them.
default_nodes forgetful() {
    default_nodes nodes;
    nodes.tunables.tombstone_time = 2min;
    nodes.tunables.exchange_period = 10s;
    nodes.tunables.contact_period = 5s;
    return nodes;
}
std::uint64_t ups(default_world const& world) { return world.statistics().count(event_kind::member_up); }

} // namespace

TEST_CASE("who crashed and was forgotten does not come back through one who slept meanwhile and still believes in it") {
    default_nodes const nodes = forgetful();
    default_world world{peerkit::sim::options_for(nodes, 63), nodes};
    world.spawn_many(12);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
    world.run_for(30s);
    world.pause(5);
    world.run_for(1s);
    auto const key = world.id_of(7);
    world.crash(7);
    REQUIRE(world.run_until([&] { return !world.node(0).find(key) && !world.node(11).find(key); }, 10min));
    world.run_for(30s);
    int up = 0;
    world.on_event([&](node_index observer, peerkit::gossip::event const& e) {
        if (e.kind == event_kind::member_up && e.subject == key && observer != 5) ++up;
    });
    world.resume(5);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 5min);
    INFO(world.report());
    REQUIRE(took);
    world.run_for(2min);
    CHECK(up == 0);
    CHECK(world.gone(7));
}

TEST_CASE("halves that were apart for longer than tombstones last become one again, and a crash meanwhile stays one") {
    default_nodes const nodes = forgetful();
    default_world world{peerkit::sim::options_for(nodes, 64), nodes};
    world.spawn_many(16);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
    world.run_for(30s);
    std::vector<node_index> left, right;
    for (node_index i = 0; i < 16; ++i) (i < 8 ? left : right).push_back(i);
    world.net().partition({left, right});
    world.run_for(1min);
    world.crash(3);
    world.run_for(10min);
    for (node_index i = 0; i < 16; ++i) {
        if (i != 3) CHECK(world.node(i).alive_count() == (i < 8 ? 7 : 8));
        if (i >= 8) CHECK_FALSE(world.node(i).find(world.id_of(0))); // forgotten
    }
    world.net().heal();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 10min);
    REQUIRE(took);
    MESSAGE("one again after " << peerkit::sim::trace::seconds(*took) << " s");
    INFO(world.report());
    CHECK(*took < 3min);
    CHECK(world.gone(3));
    std::uint64_t const before = ups(world);
    world.run_for(5min);
    CHECK(ups(world) == before); // nobody flaps
}

namespace {

/// Nodes whose names must be unique; node 10 has the name of node 3.
struct with_unique_names {
    default_nodes nodes;
    peerkit::gossip::name_policy policy;

    std::unique_ptr<default_node> operator()(birth const& b) const {
        auto o = nodes.options_for(b);
        o.names = policy;
        if (b.index == 10) o.self.name = "n3";
        return std::make_unique<default_node>(peerkit::crypto::fake_identity{b.identity_seed},
                                              peerkit::crypto::fake_sealing{nodes.network_key},
                                              peerkit::seeded_rng{b.rng_seed}, std::move(o));
    }
};

} // namespace

TEST_CASE("two nodes with one name: everybody keeps the same one, the first or the last as the policy says") {
    using peerkit::gossip::name_policy;
    auto policy = name_policy::refuse;
    SUBCASE("the first") {}
    SUBCASE("the last") { policy = name_policy::replace; }
    default_nodes const nodes;
    default_world world{peerkit::sim::options_for(nodes, 65), with_unique_names{nodes, policy}};
    world.spawn_many(10);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
    world.run_for(1min);
    world.spawn();
    world.run_for(1min);
    node_index const kept = policy == name_policy::refuse ? 3 : 10, lost = policy == name_policy::refuse ? 10 : 3;
    for (int look = 0; look < 60; ++look) {
        world.run_for(1s);
        for (node_index i = 0; i < 10; ++i) {
            if (i == 3) continue;
            CHECK(world.sees(i, kept, member_state::alive));
            CHECK_FALSE(world.counts(i, lost));
        }
    }
    // When the one that has the name is gone, the other gets it.
    world.leave(kept);
    CHECK(world.run_until([&] { return world.everyone_sees(lost, member_state::alive); }, 2min));
}
