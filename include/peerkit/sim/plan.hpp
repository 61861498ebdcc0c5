// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A whole course of events as a value: drawn from a seed, lived through in two phases, written down as a program.
#ifndef PEERKIT_SIM_PLAN_HPP
#define PEERKIT_SIM_PLAN_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/sim/birth.hpp>
#include <peerkit/sim/incident.hpp>
#include <peerkit/sim/invariants.hpp>
#include <peerkit/sim/property.hpp>
#include <peerkit/sim/statistics.hpp>
#include <peerkit/sim/trace.hpp>
#include <peerkit/sim/world_options.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// How large plans may become.
struct plan_bounds {
    std::uint32_t nodes_least = 3;
    std::uint32_t nodes_most = 40;
    duration faults_most = std::chrono::minutes{10};
    duration patience = std::chrono::minutes{3};
};

/// What a world lives through: nodes join, faults strike until `faults` is over, everything is put right, and then
/// three things are asked: all see all within `patience`, for `rest` nobody says anything about anybody, and when one
/// of them crashes at last, all others find out. The same plan takes the same course every time.
struct plan {
    std::uint64_t seed = 1;
    std::uint32_t nodes = 5;
    duration join_within{};
    duration faults = std::chrono::minutes{5};
    duration patience = std::chrono::minutes{3};
    duration rest = std::chrono::minutes{1};
    std::uint32_t strangers = 0; ///< packets of the intruder per second
    duration timer_lateness{};
    std::vector<incident> incidents;

    [[nodiscard]] friend bool operator==(plan const&, plan const&) noexcept = default;

    /// A plan by chance. Which kinds of incident it has is drawn first: one without some of them finds what their noise
    /// would hide (swarm testing, Groce et al. 2012).
    [[nodiscard]] static plan draw(std::uint64_t seed, plan_bounds const& bounds = {}) {
        seeded_rng dice{seed ^ 0x706c616eULL};
        plan p;
        p.seed = seed;
        std::uint64_t const span = bounds.nodes_most - bounds.nodes_least;
        // Small worlds more often than large ones: they cost less and find most.
        std::uint64_t const one = uniform(dice, span + 1), two = uniform(dice, span + 1);
        p.nodes = bounds.nodes_least + static_cast<std::uint32_t>(std::min(one, two));
        p.join_within = uniform(dice, duration{std::chrono::seconds{10}});
        duration const least = p.join_within + std::chrono::minutes{1};
        p.faults = least + uniform(dice, std::max(bounds.faults_most - least, duration{1}));
        p.patience = bounds.patience;
        if (happens(dice, 300'000)) p.strangers = 20 + static_cast<std::uint32_t>(uniform(dice, std::uint64_t{200}));
        if (happens(dice, 300'000)) p.timer_lateness = uniform(dice, duration{std::chrono::milliseconds{50}});
        std::vector<incident_kind> dealt;
        for (std::size_t kind = 0; kind < incident_kinds; ++kind) {
            if (happens(dice, 300'000)) dealt.push_back(static_cast<incident_kind>(kind));
        }
        if (dealt.empty()) return p;
        auto const busy = static_cast<std::uint64_t>((p.faults - p.join_within) / std::chrono::seconds{5});
        for (std::uint64_t k = 1 + uniform(dice, busy); k-- > 0;) {
            auto const kind = dealt[static_cast<std::size_t>(uniform(dice, std::uint64_t{dealt.size()}))];
            incident made = incident::draw(kind, p.nodes, p.join_within, p.faults, dice);
            // With its clock wrong a node cannot tell its lives apart, and what a stranger replays may pass.
            if (p.strangers != 0 && (kind == incident_kind::crash || kind == incident_kind::power_off))
                made.amount = std::min(made.amount, std::uint32_t{1});
            p.incidents.push_back(made);
        }
        std::stable_sort(p.incidents.begin(), p.incidents.end(),
                         [](incident const& a, incident const& b) { return a.when < b.when; });
        return p;
    }

    /// What a world needs to be told at its beginning. Bounds that follow from the nodes are in `base`.
    [[nodiscard]] world_options options(world_options base) const {
        base.seed = seed;
        base.intruder.packets_per_second = strangers;
        base.timer_lateness = timer_lateness;
        return base;
    }
    /// How long it takes at most.
    [[nodiscard]] duration length() const noexcept { return faults + patience + rest; }

    /// The body of a program that does the same.
    [[nodiscard]] std::string code() const {
        auto const ms = [](duration d) { return std::to_string((d.count() + 999'999) / 1'000'000) + "ms"; };
        std::string made = "auto options = sim::options_for(nodes, " + std::to_string(seed) + ");\n";
        if (strangers != 0) made += "options.intruder.packets_per_second = " + std::to_string(strangers) + ";\n";
        if (timer_lateness != duration::zero()) made += "options.timer_lateness = " + ms(timer_lateness) + ";\n";
        made += "sim::default_world world{options, nodes};\n";
        made += "world.spawn_many(" + std::to_string(nodes) + ", " + ms(join_within) + ");\n";
        for (incident const& i : incidents) made += i.code() + "\n";
        made += "world.run_for(" + ms(faults) + ");\nsim::put_right(world);\n";
        made += "world.run_until([&] { return world.all_see_all(); }, " + ms(patience) + ");\n";
        return made + "world.run_for(" + ms(rest) + ");\n";
    }
};

/// Ends every fault: the network is as new, whoever is down or stands still runs.
template <typename World>
void put_right(World& world) {
    world.net().restore();
    for (node_index i = 0; i < world.size(); ++i) {
        if (world.paused(i)) world.resume(i);
        detail::revive(world, i, memory::kept);
    }
}

/// What became of a plan.
struct verdict {
    property broken = property::none;                   ///< the first thing that went wrong ...
    std::string what;                                   ///< ... in a sentence; empty if all is well
    std::string report;                                 ///< of the world, if something went wrong
    std::array<std::uint32_t, incident_kinds> struck{}; ///< incidents carried out, by kind
    std::uint64_t seconds = 0;                          ///< node-seconds lived
    std::uint64_t trace_hash = 0;
    world_statistics statistics;

    [[nodiscard]] bool fine() const noexcept { return what.empty(); }
};

/// Lives a plan through in a new world, which is what `plan.options(...)` made of the options.
///
/// @code
/// sim::default_nodes nodes;
/// auto const p = sim::plan::draw(42);
/// sim::default_world world{p.options(sim::options_for(nodes, 0)), nodes};
/// if (auto const v = sim::live_through(world, p); !v.fine()) puts((v.what + "\n" + p.code()).c_str());
/// @endcode
template <typename World>
[[nodiscard]] verdict live_through(World& world, plan const& p) {
    verdict found;
    auto const fail = [&](property broken, std::string what) {
        if (!found.fine()) return;
        found.broken = broken;
        found.what = std::move(what);
    };
    duration lived = world.elapsed();
    auto const look = [&] {
        found.seconds +=
            world.running() * static_cast<std::uint64_t>((world.elapsed() - lived) / std::chrono::seconds{1});
        lived = world.elapsed();
        if (world.violation_count() != 0) fail(world.violations().front().broken, world.violations().front().text());
    };
    for (incident const& i : p.incidents) {
        if (i.when >= p.faults) continue;
        incident due = i;
        due.lasts = std::min(due.lasts, p.faults - due.when);
        world.at(due.when, [&world, &found, due] {
            if (std::max(due.node, due.other) >= world.size()) return; // not born in this world
            ++found.struck[static_cast<std::size_t>(due.what)];
            due.carry_out(world);
        });
    }
    world.spawn_many(p.nodes, p.join_within);
    while (world.elapsed() < p.faults && found.fine()) {
        world.run_for(std::min(duration{std::chrono::seconds{10}}, p.faults - world.elapsed()));
        look();
    }
    if (found.fine()) {
        put_right(world);
        bool const all =
            world.run_until([&] { return world.all_see_all(); }, p.patience, std::chrono::milliseconds{100})
                .has_value();
        world.check_all();
        look();
        if (!all)
            fail(property::convergence, "not all see all " + trace::seconds(p.patience) + " s after the last fault");
    }
    if (found.fine()) {
        // What was under way in the storm comes to its end first.
        world.run_for(std::chrono::seconds{30});
        auto const doubts = [&world] {
            auto const& s = world.statistics();
            return s.count(gossip::event_kind::member_suspected) + s.count(gossip::event_kind::member_dead);
        };
        std::uint64_t const before = doubts();
        world.run_for(p.rest);
        world.check_all();
        look();
        if (doubts() != before)
            fail(property::accuracy, "somebody was suspected or declared dead although all is well");
        if (!world.all_see_all()) fail(property::convergence, "all saw all, and then did not");
    }
    if (found.fine() && world.running() > 1) {
        node_index victim = static_cast<node_index>(p.seed % world.size());
        while (!world.up(victim)) victim = static_cast<node_index>((victim + 1) % world.size());
        world.crash(victim);
        bool const known =
            world.run_until([&] { return world.gone(victim); }, p.patience, std::chrono::milliseconds{100}).has_value();
        look();
        if (!known) fail(property::completeness, "not all found out that node " + std::to_string(victim) + " is gone");
    }
    if (!found.fine()) found.report = world.report();
    found.trace_hash = world.trace_hash();
    found.statistics = world.statistics();
    return found;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
