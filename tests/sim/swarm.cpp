// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios by chance: random faults in random measure, then fair weather in which everything has to be well.
#include "support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace scenario;

namespace {

/// Which faults a run was dealt; a run without some of them finds what their noise would hide.
struct hand {
    bool loss, duplicates, reordering, damage, partitions, cuts, crashes, pauses, leaps, blocks, strangers;

    explicit hand(peerkit::seeded_rng& rng) {
        for (bool* b : {&loss, &duplicates, &reordering, &damage, &partitions, &cuts, &crashes, &pauses, &leaps,
                        &blocks, &strangers}) {
            *b = peerkit::happens(rng, 400'000);
        }
    }
};

struct faults {
    default_world& world;
    hand dealt;
    node_index count;

    std::uint32_t up_to(std::uint32_t most) {
        return static_cast<std::uint32_t>(peerkit::uniform(world.rng(), std::uint64_t{most} + 1));
    }
    node_index anyone() { return up_to(count - 1); }

    void weather() {
        peerkit::sim::link_conditions c;
        c.latency_max = peerkit::duration{1ms} + peerkit::uniform(world.rng(), peerkit::duration{40ms});
        if (dealt.loss) c.loss = up_to(percent(30));
        if (dealt.duplicates) c.duplicate = up_to(percent(50));
        if (dealt.reordering) c.reorder = up_to(percent(50));
        if (dealt.damage) c.corrupt = up_to(percent(5));
        world.net().set_default(c);
    }
    void strike() {
        node_index const a = anyone(), b = anyone();
        switch (up_to(7)) {
        case 0:
            if (dealt.partitions) {
                for (node_index i = 0; i < count; ++i) world.net().set_group(i, up_to(2) == 0 ? 1 : 0);
            }
            break;
        case 1:
            if (dealt.cuts && a != b) world.net().cut(a, b);
            break;
        case 2:
            if (dealt.crashes && world.up(a)) {
                if (up_to(1) == 0)
                    world.crash(a);
                else
                    world.power_off(a);
            }
            break;
        case 3:
            // With its clock wrong a node cannot tell its lives apart, and a replay from an earlier one may pass.
            if (!world.up(a)) world.restart(a, static_cast<peerkit::sim::memory>(up_to(dealt.strangers ? 1 : 2)));
            break;
        case 4:
            if (dealt.pauses) world.pause_for(a, peerkit::uniform(world.rng(), peerkit::duration{20s}));
            break;
        case 5:
            if (dealt.leaps) world.leap_clock(a, peerkit::uniform(world.rng(), peerkit::duration{1h}));
            break;
        case 6:
            if (dealt.blocks) world.net().block_datagrams(a, up_to(1) == 0);
            break;
        default: world.net().heal(); break;
        }
    }
};

void live_through(std::uint64_t seed) {
    peerkit::seeded_rng dice{seed};
    hand const dealt{dice};
    auto const count = static_cast<node_index>(3 + peerkit::uniform(dice, std::uint64_t{18}));
    default_nodes nodes;
    auto options = peerkit::sim::options_for(nodes, seed);
    options.invariants.views_per_call = 10;
    if (dealt.strangers) options.intruder.packets_per_second = 200;
    default_world world{options, nodes};
    faults chaos{world, dealt, count};

    world.spawn_many(count, 5s);
    world.run_for(5s);
    for (int i = 0; i < 60; ++i) {
        if (i % 10 == 0) chaos.weather();
        chaos.strike();
        world.run_for(peerkit::uniform(world.rng(), peerkit::duration{5s}));
    }

    world.net().restore();
    for (node_index i = 0; i < count; ++i) {
        if (!world.up(i))
            world.restart(i, peerkit::sim::memory::kept);
        else
            world.resume(i);
    }
    auto const well = world.run_until([&] { return world.all_see_all(); }, 3min, 100ms);
    world.check_all();
    INFO(world.report());
    CHECK(well);
    CHECK(world.violation_count() == 0);

    // What was under way in the storm may still come to its end; then nobody changes their mind about anybody.
    world.run_for(30s);
    auto const before = world.statistics();
    world.run_for(2min);
    CHECK(world.all_see_all());
    auto const after = world.statistics();
    CHECK(after.count(event_kind::member_suspected) == before.count(event_kind::member_suspected));
    CHECK(after.count(event_kind::member_dead) == before.count(event_kind::member_dead));
    CHECK(world.violation_count() == 0);
}

} // namespace

TEST_CASE("whatever happens, once it is over all see all, and nothing impossible was seen meanwhile") {
    std::uint64_t first = 1000, worlds = full() ? 2000 : 60;
    if (char const* const one = std::getenv("PEERKIT_SEED")) {
        first = std::strtoull(one, nullptr, 10);
        worlds = 1;
    }
    for (std::uint64_t seed = first; seed < first + worlds; ++seed) {
        INFO("PEERKIT_SEED=" << seed);
        live_through(seed);
    }
}
