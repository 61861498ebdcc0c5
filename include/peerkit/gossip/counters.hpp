// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a node counts: everything it sends, receives and refuses.
#ifndef PEERKIT_GOSSIP_COUNTERS_HPP
#define PEERKIT_GOSSIP_COUNTERS_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Totals since the node was made. Plain numbers; read them from the node's own thread.
struct counters {
    std::uint64_t datagrams_received = 0;
    std::uint64_t datagrams_accepted = 0; ///< opened and well formed
    std::uint64_t datagrams_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t frames_received = 0; ///< on streams
    std::uint64_t frames_sent = 0;
    std::uint64_t stream_bytes_sent = 0;
    std::uint64_t packets_compressed = 0; ///< sent so, in datagrams and on streams
    std::uint64_t bytes_saved = 0;        ///< by that
    std::uint64_t packets_expanded = 0;   ///< received compressed
    std::uint64_t probes = 0;             ///< own probes begun
    std::uint64_t probes_failed = 0;      ///< own probes without any answer
    std::uint64_t probes_by_helper = 0;   ///< answered through a helper only
    std::uint64_t probes_by_stream = 0;   ///< answered on a stream only
    std::uint64_t probes_unsure = 0;      ///< failed, but no helper said anything either: nobody was accused
    std::uint64_t nacks_received = 0;
    std::uint64_t accusations = 0;        ///< members asked others about before anybody was told
    std::uint64_t accusations_let_go = 0; ///< of those, heard by others
    std::uint64_t inquiries = 0;          ///< probes for members that asked, and along the ring
    std::uint64_t looks = 0;              ///< last pings before a member is held dead
    std::uint64_t signatures_checked = 0;
    std::uint64_t duplicates = 0;           ///< records already held, byte for byte
    std::uint64_t refutations = 0;          ///< own incarnations minted to refute
    std::uint64_t exchanges = 0;            ///< completed state exchanges, both roles
    std::uint64_t comparisons = 0;          ///< of digests, both roles
    std::uint64_t records_repaired = 0;     ///< records sent because a comparison found that they were missing
    std::uint64_t pauses = 0;               ///< times this node noticed that it had slept
    std::uint64_t messages_skipped = 0;     ///< unknown message types passed over
    std::uint64_t broadcasts_delivered = 0; ///< of others, handed to the host
    std::uint64_t broadcasts_repeated = 0;  ///< heard before
    std::uint64_t broadcasts_fetched = 0;   ///< asked for because they had been missed, or are large
    std::uint64_t broadcasts_dropped = 0;   ///< pushed out of the store before they had been told to anybody
    std::uint64_t messages_delivered = 0;   ///< messages and requests of others, handed to the host
    std::uint64_t requests_repeated = 0;    ///< requests of others that were heard before
    std::uint64_t entries_learnt = 0;       ///< versions of other members' entries taken over
    std::uint64_t entries_repeated = 0;     ///< held already, byte for byte
    std::uint64_t entries_repaired = 0;     ///< sent because a comparison found them missing
    std::uint64_t malformed = 0;            ///< frames and records that do not decode, or do not open
    /// Refusals by `gossip_error` value.
    std::array<std::uint64_t, gossip_error_count> refusals{};

    [[nodiscard]] std::uint64_t refused(gossip_error why) const noexcept {
        return refusals[static_cast<std::size_t>(why)];
    }
    void refuse(gossip_error why) noexcept { ++refusals[static_cast<std::size_t>(why)]; }
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
