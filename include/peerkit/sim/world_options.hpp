// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Everything a world can be told at its beginning.
#ifndef PEERKIT_SIM_WORLD_OPTIONS_HPP
#define PEERKIT_SIM_WORLD_OPTIONS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/sim/intruder.hpp>
#include <peerkit/sim/invariants.hpp>
#include <peerkit/sim/network.hpp>
#include <peerkit/sim/streams.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// The options of a `world`. All of it but the seed can be left alone.
struct world_options {
    std::uint64_t seed = 1;
    link_conditions link{};
    stream_options streams{};
    invariant_options invariants{};
    intruder_options intruder{};
    duration discovery_delay = std::chrono::milliseconds{50}; ///< of the default discovery
    duration timer_lateness{};                                ///< every timer is late by up to this
    std::size_t socket_buffer = 256;                          ///< datagrams waiting for a paused node
    std::size_t trace_lines = 32;                             ///< kept for `report`
    std::size_t max_violations = 32;                          ///< kept; all are counted
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
