// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: partitions heal, whatever their shape; one-way links do not evict anyone.
#include "support.hpp"

#include <doctest/doctest.h>

#include <numeric>

using namespace scenario;

namespace {

std::vector<node_index> range(node_index from, node_index to) {
    std::vector<node_index> made(to - from);
    std::iota(made.begin(), made.end(), from);
    return made;
}

} // namespace

TEST_CASE("two halves of 200, separated for longer than every timeout but the tombstones', become one again") {
    cluster world{200, 31};
    REQUIRE(world.joined);
    world.run_for(30s);
    world.net().partition({range(0, 100), range(100, 200)});
    world.run_for(full() ? peerkit::duration{1h} : peerkit::duration{5min});
    CHECK(world.gone(0) == false);
    for (node_index i = 0; i < 200; ++i) {
        CHECK(world.node(i).alive_count() == 100);
    }
    world.net().heal();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 2min);
    INFO(world.report());
    REQUIRE(took);
    MESSAGE("healed after " << peerkit::sim::trace::seconds(*took) << " s");
    CHECK(*took < 60s);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("halves that heal although no seed is left in one of them") {
    cluster world{20, 32};
    REQUIRE(world.joined);
    world.run_for(30s);
    world.set_seeds({}); // nobody is found by discovery any more
    world.net().partition({range(0, 10), range(10, 20)});
    world.run_for(3min);
    world.net().heal();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 2min);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node alone for minutes comes back, and has not accused itself") {
    cluster world{20, 33};
    REQUIRE(world.joined);
    world.run_for(10s);
    world.net().partition({{6}});
    REQUIRE(world.run_until([&] { return world.everyone_sees(6, member_state::dead); }, 60s));
    world.run_for(3min);
    CHECK(world.node(6).running());
    world.net().heal();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a partition that comes and goes leaves no wrong entry") {
    cluster world{24, 34};
    REQUIRE(world.joined);
    for (int i = 0; i < 12; ++i) {
        world.net().partition({range(0, 8), range(8, 16)}); // and the rest: three groups
        world.run_for(peerkit::uniform(world.rng(), peerkit::duration{20s}));
        world.net().heal();
        world.run_for(peerkit::uniform(world.rng(), peerkit::duration{20s}));
    }
    auto const took = world.run_until([&] { return world.all_see_all(); }, 2min);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a link that works one way only is masked by helpers: nobody dies") {
    cluster world{12, 35};
    REQUIRE(world.joined);
    world.net().cut(2, 5);
    world.run_for(full() ? peerkit::duration{2h} : peerkit::duration{15min});
    INFO(world.report());
    CHECK(world.statistics().cut > 10);
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a link cut in both directions is masked by helpers: nobody dies") {
    cluster world{12, 36};
    REQUIRE(world.joined);
    world.net().cut(2, 5);
    world.net().cut(5, 2);
    world.run_for(15min);
    INFO(world.report());
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("two groups joined by one node only: nobody dies for long, and healing mends everything") {
    cluster world{11, 37};
    REQUIRE(world.joined);
    for (node_index a = 0; a < 5; ++a) {
        for (node_index b = 5; b < 10; ++b) {
            world.net().cut(a, b);
            world.net().cut(b, a);
        }
    }
    world.run_for(10min);
    INFO(world.report());
    // The bridge is never in doubt.
    for (node_index i = 0; i < 10; ++i) CHECK(world.counts(i, 10));
    world.net().heal();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 2min);
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a node that hears nothing accuses, and is not believed about the healthy") {
    cluster world{20, 38};
    REQUIRE(world.joined);
    world.net().set_ingress_loss(4, percent(80));
    std::uint64_t wrong = 0;
    world.on_event([&](node_index observer, peerkit::gossip::event const& e) {
        if (e.kind == event_kind::member_dead && observer != 4 && world.index_of(e.subject) != 4) ++wrong;
    });
    world.run_for(full() ? peerkit::duration{5h} : peerkit::duration{20min});
    INFO(world.report());
    CHECK(wrong == 0);
    PEERKIT_CHECK_WORLD(world);
}
