// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/default_world.hpp.
#include <peerkit/sim/default_world.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("peerkit's own nodes are described as asked and see each other's descriptions") {
    sim::default_nodes nodes;
    nodes.describe = [](sim::birth const& b, description& d) {
        if (b.index == 1) d.roles = {"worker"};
    };
    sim::default_world world{sim::options_for(nodes, 6), nodes};
    world.spawn("alpha");
    world.spawn("beta");
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 10s));
    auto const seen = world.node(0).find(world.id_of(1));
    REQUIRE(seen);
    CHECK(seen->record().name() == "beta");
    CHECK(seen->record().has_role("worker"));
    CHECK(seen->endpoint() == world.endpoint_of(1));
    CHECK(world.violation_count() == 0);
}

TEST_CASE("nodes with another key or another network do not see each other") {
    sim::default_nodes nodes;
    for (int what = 0; what < 2; ++what) {
        sim::default_nodes strange = nodes;
        if (what == 0)
            strange.network_key = 2;
        else
            strange.network.bytes[0] = std::byte{1};
        sim::default_world world{sim::options_for(nodes, 7),
                                 [&](sim::birth const& b) { return b.index == 1 ? strange(b) : nodes(b); }};
        world.spawn_many(3);
        world.run_for(30s);
        CHECK(world.sees(0, 2, membership::member_state::alive));
        CHECK_FALSE(world.counts(0, 1));
        CHECK_FALSE(world.counts(1, 0));
        CHECK(world.violation_count() == 0);
    }
}

TEST_CASE("a node that is described wrongly does not start, and the world says why") {
    sim::default_nodes nodes;
    nodes.describe = [](sim::birth const&, description& d) { d.name = "not a name"; };
    sim::default_world world{sim::options_for(nodes, 8), nodes};
    world.spawn();
    CHECK_FALSE(world.up(0));
    REQUIRE(world.violation_count() == 1);
    CHECK(world.violations()[0].what.find("did not start") == 0);
}

TEST_CASE("nodes that are acquainted need not join: they know each other at once, and hold each record once") {
    sim::default_nodes nodes;
    membership::shared_records const* shared = nullptr;
    sim::default_world world{sim::options_for(nodes, 9), [&](sim::birth const& b) {
                                 shared = b.shared;
                                 return nodes(b);
                             }};
    world.spawn_many(40);
    world.crash(3);
    CHECK_FALSE(world.all_see_all());
    REQUIRE(world.acquaint_all());
    CHECK(world.all_see_all());
    CHECK(world.elapsed() == duration::zero());
    CHECK(world.statistics().datagrams_sent == 0);
    CHECK_FALSE(world.counts(0, 3));
    CHECK(shared->size() == 39);
    CHECK(world.node(0).find(world.id_of(7))->record().bytes().data() ==
          world.node(9).find(world.id_of(7))->record().bytes().data());
    world.run_for(3min);
    CHECK(world.all_see_all());
    CHECK(world.statistics().count(gossip::event_kind::member_suspected) == 0);
    world.crash(5);
    CHECK(world.run_until([&] { return world.gone(5); }, 1min));
    CHECK(world.violation_count() == 0);
}
