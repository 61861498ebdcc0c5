// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the sweep over seeds and its tests share: how a plan is lived through by peerkit's nodes.
#ifndef PEERKIT_TESTS_SIM_SWEEP_HPP
#define PEERKIT_TESTS_SIM_SWEEP_HPP

#include <peerkit/sim/default_world.hpp>
#include <peerkit/sim/plan.hpp>
#include <peerkit/sim/shrink.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sweep {

using namespace peerkit;
using namespace std::chrono_literals;

/// Lives `p` through with nodes of that kind.
template <typename Node, typename Policies>
[[nodiscard]] sim::verdict run(sim::plan const& p, sim::basic_nodes<Policies> const& nodes) {
    auto options = sim::options_for(nodes, p.seed);
    // Views cost most in large worlds: what is looked at per call is the same share of them.
    options.invariants.views_per_call = 2 + p.nodes / 10;
    sim::world<Node> world{p.options(options), [&nodes](sim::birth const& b) { return nodes.template make<Node>(b); }};
    return sim::live_through(world, p);
}
/// With peerkit's own nodes.
[[nodiscard]] inline sim::verdict run(sim::plan const& p) { return run<sim::default_node>(p, sim::default_nodes{}); }
/// The smallest plan found that goes wrong in the same way.
template <typename Run>
[[nodiscard]] sim::plan shrink(sim::plan const& p, sim::verdict const& found, Run const& again,
                               std::size_t tries = 400) {
    return sim::shrink(
        p,
        [&](sim::plan const& q) {
            sim::verdict const v = again(q);
            return !v.fine() && v.broken == found.broken;
        },
        tries);
}

} // namespace sweep

#endif
