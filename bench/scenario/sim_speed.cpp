// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How fast the simulator runs a settled cluster of 1,000: timers, pings and acks of real nodes, fake cryptography.
#include <peerkit/sim/default_world.hpp>

#include <support/measure.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;

constexpr std::size_t nodes_in_world = 1000;

/// A thousand nodes that know each other and have nothing more to tell. Made once: settling takes longer than what is
/// measured then.
sim::default_world* settled(bool checked) {
    static std::unique_ptr<sim::default_world> worlds[2];
    auto& world = worlds[checked ? 1 : 0];
    if (!world) {
        sim::default_nodes const nodes;
        auto options = sim::options_for(nodes, 1);
        options.invariants.enabled = checked;
        world = std::make_unique<sim::default_world>(options, nodes);
        world->spawn_many(nodes_in_world);
        if (!world->acquaint_all()) return nullptr;
        world->run_for(2min);
    }
    return world.get();
}

/// A node-period is one probe: a timer, a ping and an ack.
void node_periods(benchmark::State& state) {
    bool const checked = state.range(0) != 0;
    sim::default_world* const world = settled(checked);
    if (world == nullptr) return state.SkipWithError("a node refused an introduction");
    auto const before = world->statistics();
    duration spent{};
    std::uint64_t periods = 0;
    for (auto _ : state) {
        auto const begin = std::chrono::steady_clock::now();
        world->run_for(gossip::lan().probe_period * 20);
        spent += std::chrono::steady_clock::now() - begin;
        periods += nodes_in_world * 20;
    }
    if (world->violation_count() != 0) return state.SkipWithError("an invariant does not hold");
    double const rate = static_cast<double>(periods) / std::chrono::duration<double>{spent}.count();
    auto const& after = world->statistics();
    state.counters["datagrams_per_node_period"] =
        static_cast<double>(after.datagrams_sent - before.datagrams_sent) / static_cast<double>(periods);
    state.counters["node_periods_per_s"] = rate;
    if (!checked) measure::report("sim.node_periods_per_s", rate);
}
[[maybe_unused]] auto const* const registered = [] {
    auto* const made = benchmark::RegisterBenchmark("node_periods", node_periods)->ArgName("invariants")->Arg(0);
    if (!measure::quick()) made->Arg(1);
    return made->Unit(benchmark::kMillisecond)->MinTime(measure::quick() ? 0.5 : 1.0);
}();

} // namespace
