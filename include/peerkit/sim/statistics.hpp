// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Counts of what happened in a world, in all and per node.
#ifndef PEERKIT_SIM_STATISTICS_HPP
#define PEERKIT_SIM_STATISTICS_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// One more than the last `gossip::event_kind`.
inline constexpr std::size_t event_kind_count = static_cast<std::size_t>(gossip::event_kind::announced) + 1;

/// What one node did since its birth, all its lives together.
struct node_statistics {
    std::uint64_t calls = 0; ///< calls into the node
    std::uint64_t ticks = 0; ///< of these, timers
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagram_bytes_sent = 0;
    std::uint64_t datagrams_received = 0;
    std::uint64_t dials = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t frame_bytes_sent = 0; ///< length prefixes included
};

/// What happened in the world. The counts of faults tell whether a fault that was asked for really struck.
struct world_statistics {
    std::uint64_t calls = 0;
    std::uint64_t ticks = 0;
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagram_bytes_sent = 0;
    std::uint64_t datagrams_delivered = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t corrupted = 0;
    std::uint64_t cut = 0;          ///< stopped by a partition or a one-way cut
    std::uint64_t blocked = 0;      ///< datagrams of nodes whose datagrams are blocked
    std::uint64_t nobody_there = 0; ///< sent to a node that was down or to an address outside the world
    std::uint64_t buffer_full = 0;  ///< dropped because a paused node's socket buffer was full
    std::uint64_t dials = 0;
    std::uint64_t streams_failed = 0; ///< ends of streams closed with an error: refused, timed out, reset
    std::uint64_t frames_sent = 0;
    std::uint64_t frame_bytes_sent = 0;
    std::uint64_t crashes = 0;
    std::uint64_t restarts = 0;
    std::uint64_t pauses = 0;
    std::uint64_t noise = 0;                              ///< packets of the intruder
    std::array<std::uint64_t, event_kind_count> events{}; ///< by `gossip::event_kind`

    [[nodiscard]] std::uint64_t count(gossip::event_kind kind) const noexcept {
        return events[static_cast<std::size_t>(kind)];
    }
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
