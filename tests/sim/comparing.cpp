// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: digests bring together what gossip missed, under loss and churn, and a liar does not keep them busy.
#include "support.hpp"

#include <peerkit/sim/insider.hpp>

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <vector>

using namespace scenario;
namespace sim = peerkit::sim;
namespace wire = peerkit::wire;

namespace {

/// Totals of what all nodes count.
struct totals {
    std::uint64_t comparisons = 0, repaired = 0, stuck = 0, over = 0;
};
template <typename World>
totals count(World& world) {
    totals all;
    for (node_index i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        auto const& c = world.node(i).counters();
        all.comparisons += c.comparisons;
        all.repaired += c.records_repaired;
        all.stuck += c.refused(peerkit::gossip::gossip_error::never_agrees);
        all.over += c.refused(peerkit::gossip::gossip_error::comparison_over_budget);
    }
    return all;
}

} // namespace

TEST_CASE("in a settled cluster comparing costs two datagrams of 70 bytes per node and comparison, and no stream") {
    cluster world{100, 701};
    REQUIRE(world.joined);
    world.run_for(2min);
    auto const before = world.statistics();
    totals const begun = count(world);
    world.run_for(2min);
    auto const after = world.statistics();
    CHECK(count(world).repaired == begun.repaired);
    // Both sides of each count it; every 15 s, 20 % more or less.
    std::uint64_t const held = (count(world).comparisons - begun.comparisons) / 2;
    CHECK(held > 100 * 6);
    CHECK(held < 100 * 10);
    CHECK(after.dials == before.dials);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("what gossip misses at 20 % loss under churn is there soon after, and nobody is lost") {
    cluster world{60, 702};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(20)});
    std::vector<unsigned> lives(60, 0);
    for (int i = 0; i < 300; ++i) {
        world.after(200ms * i, [&world, &lives] {
            auto const who = static_cast<node_index>(peerkit::uniform(world.rng(), std::uint64_t{60}));
            if (!world.up(who)) return;
            world.crash(who);
            world.restart(who, sim::memory::kept);
            ++lives[who];
        });
    }
    world.run_for(60s);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 40s);
    INFO(world.report());
    REQUIRE(took);
    CHECK(std::accumulate(lives.begin(), lives.end(), 0U) > 200);
    CHECK(count(world).repaired > 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a large partition heals every time, and nobody stays behind") {
    std::size_t const nodes = full() ? 1000 : 200;
    for (std::uint64_t seed = 703; seed < (full() ? 713U : 705U); ++seed) {
        cluster world{nodes, seed};
        REQUIRE(world.joined);
        world.run_for(20s);
        for (node_index i = 0; i < nodes / 2; ++i) world.net().set_group(i, 1);
        world.run_for(4min);
        for (node_index i = 0; i < nodes; ++i) REQUIRE(world.node(i).alive_count() == nodes / 2);
        world.net().heal();
        auto const took = world.run_until([&] { return world.all_see_all(); }, 1min);
        INFO(world.report());
        REQUIRE(took);
        CHECK(*took < 30s);
        PEERKIT_CHECK_WORLD(world);
    }
}

TEST_CASE("a member whose digest never agrees is left alone, and keeps nobody from agreeing with the others") {
    constexpr node_index liar = 3;
    sim::default_nodes const nodes;
    auto options = sim::options_for(nodes, 720);
    options.invariants.timer_datagrams = 0; // a liar sends what it likes
    sim::insider_deeds deeds;
    auto const lies = std::make_shared<std::uint64_t>(0);
    // Says of every digest that its own is another, sends sums of nothing, and hears no listing.
    deeds.hears = [lies](sim::insider_hands& hands, wire::message const& m, peerkit::short_id sender,
                         peerkit::ip_endpoint const&) {
        if (m.type == wire::message_type::digest && m.flags == static_cast<int>(wire::digest_kind::ask)) {
            if (auto const* const to = hands.find(sender)) {
                ++*lies;
                hands.say(*to, [&](wire::packet_writer& packet) {
                    packet.digest(wire::digest_kind::answer, m.count, m.nonce + hands.rng());
                    packet.composed(wire::message_type::sums, [&](peerkit::byte_span room) {
                        wire::sums_writer body{room, 2, 2};
                        (void)body.add(0,
                                       std::array<std::uint32_t, 4>{static_cast<std::uint32_t>(hands.rng()), 1, 2, 3});
                        return body.size();
                    });
                });
            }
            return true;
        }
        return m.type == wire::message_type::listing || m.type == wire::message_type::sums;
    };
    sim::insider_world world{options, sim::with_insiders<sim::default_policies>{nodes, [deeds](sim::birth const& b) {
                                                                                    return b.index == liar
                                                                                               ? deeds
                                                                                               : sim::insider_deeds{};
                                                                                }}};
    world.spawn_many(6);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 1min));
    world.run_for(full() ? peerkit::duration{2h} : peerkit::duration{20min});
    CHECK(*lies > 20);
    CHECK(count(world).stuck > 0);
    // Asked by five others every 75 s each, it would have been asked 80 times in 20 minutes.
    CHECK(world.statistics().count(event_kind::member_dead) == 0);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}
