// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Ten thousand nodes in one process, each of which knows all the others: time and memory. Long form only.
#include <peerkit/sim/default_world.hpp>

#include <support/measure.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>

#include <sys/resource.h>

namespace {

using namespace peerkit;

constexpr std::size_t nodes_in_world = 10'000;
constexpr int periods = 100;

double peak_gib() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) / (1024.0 * 1024.0); // kilobytes on Linux
}

/// Everybody is introduced to everybody, a hundred periods pass, and everybody still knows everybody.
void full_view(benchmark::State& state) {
    sim::default_nodes nodes;
    nodes.tunables.max_members = nodes_in_world + 100;
    // Members are remembered as places to call, too. Nobody is called here.
    nodes.discovery.max_candidates = 16;
    nodes.discovery.max_strangers = 8;
    nodes.discovery.find_names = false;
    auto options = sim::options_for(nodes, 1);
    options.invariants.enabled = false;
    for (auto _ : state) {
        auto const begin = std::chrono::steady_clock::now();
        sim::default_world world{options, nodes};
        world.spawn_many(nodes_in_world);
        if (!world.acquaint_all()) return state.SkipWithError("a node refused an introduction");
        auto const ready = std::chrono::steady_clock::now();
        world.run_for(nodes.tunables.probe_period * periods);
        if (!world.all_see_all()) return state.SkipWithError("somebody was lost");
        std::chrono::duration<double> const all = std::chrono::steady_clock::now() - begin;
        std::chrono::duration<double> const setup = ready - begin;
        state.counters["setup_s"] = setup.count();
        state.counters["node_periods_per_s"] =
            static_cast<double>(nodes_in_world) * periods / (all.count() - setup.count());
        measure::report("sim.full_10k.wall_s", all.count());
        measure::report("sim.full_10k.gib", peak_gib());
    }
}
[[maybe_unused]] auto const* const registered =
    measure::quick() ? nullptr
                     : benchmark::RegisterBenchmark("full_view", full_view)->Iterations(1)->Unit(benchmark::kSecond);

} // namespace
