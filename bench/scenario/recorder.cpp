// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a flight recorder costs: memory per hour of a quiet node, processor time per input.
//
// In the simulator, whose frames are as long as sealed ones; processor times are without sealing and signing.
#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/node/recorded_logic.hpp>
#include <peerkit/sim/default_world.hpp>

#include <support/measure.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <ratio>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;

using recorded_node = node::recorded_logic<sim::default_policies>;

/// A world whose first `recorded` nodes have recorders of that many bytes.
struct recorded_world {
    recorded_world(std::size_t nodes, std::size_t recorded, std::size_t bytes) {
        for (std::size_t i = 0; i < recorded; ++i) recorders.emplace_back(bytes);
        auto const make = [this](sim::birth const& b) {
            sim::basic_nodes<node::recording<sim::default_policies>> const made;
            auto* const to = b.index < recorders.size() ? &recorders[b.index] : nullptr;
            return std::make_unique<recorded_node>(
                gossip::recording_signing{crypto::fake_identity{b.identity_seed}, to},
                gossip::recording_sealing{crypto::fake_sealing{made.network_key}, to},
                gossip::recording_rng{seeded_rng{b.rng_seed}, to}, made.options_for(b),
                gossip::recording_announcements{gossip::accept_announcements{}, to});
        };
        sim::default_nodes const made;
        auto options = sim::options_for(made, 1);
        options.invariants.enabled = false;
        world = std::make_unique<sim::world<recorded_node>>(options, make);
        world->spawn_many(nodes);
    }
    std::deque<gossip::flight_recorder> recorders;
    std::unique_ptr<sim::world<recorded_node>> world;
};

void memory(std::size_t nodes, duration window) {
    recorded_world of{nodes, 1, std::size_t{256} << 20U};
    of.world->run_for(2min);
    gossip::flight_recorder const& recorder = of.recorders.front();
    std::size_t const before = recorder.used();
    std::uint64_t const inputs = recorder.inputs();
    of.world->run_for(window);
    double const hours = std::chrono::duration<double, std::ratio<3600>>{window}.count();
    auto const kept = static_cast<double>(recorder.used() - before);
    std::printf(
        "%zu nodes (lan, seed 1), quiet: a recorder keeps %.2f MiB per hour, %.1f inputs a second of %.0f bytes; "
        "joining took %.0f KiB\n",
        nodes, kept / 1048576 / hours, static_cast<double>(recorder.inputs() - inputs) / (hours * 3600),
        kept / static_cast<double>(recorder.inputs() - inputs), static_cast<double>(before) / 1024);
}

/// Processor seconds of one minute of a hundred nodes, per call into a node.
double per_call(std::size_t recorded) {
    recorded_world of{100, recorded, std::size_t{1} << 20U};
    of.world->run_for(1min);
    std::uint64_t const before = of.world->statistics().calls;
    double const took = measure::seconds([&] { of.world->run_for(5min); });
    return took / static_cast<double>(of.world->statistics().calls - before);
}

} // namespace

int main() {
    memory(5, 1h);
    memory(100, 1h);
    double without = 1, with = 1;
    for (int i = 0; i < 5; ++i) {
        without = std::min(without, per_call(0));
        with = std::min(with, per_call(100));
    }
    std::printf(
        "100 nodes, the simulator included: %.0f ns per call into a node without a recorder, %.0f ns with one\n",
        without * 1e9, with * 1e9);
}
