// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the engine keeps for the length of a packet or a stream: where it came from, what is answered, what is awaited.
#ifndef PEERKIT_GOSSIP_ENGINE_STATE_HPP
#define PEERKIT_GOSSIP_ENGINE_STATE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/anti_entropy.hpp>
#include <peerkit/gossip/error.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/membership/entry_store.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/wire/digest.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/user_message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace gossip::detail {

/// What a stream is there for.
enum class purpose : std::uint8_t { exchange, probe, serve, request, fetch };

/// One stream, dialled or accepted.
struct stream_state {
    stream_id id{};
    purpose use = purpose::serve;
    exchange_reason reason = exchange_reason::periodic;
    bool exchanging = false; ///< `exchange_begin` was received
    ip_endpoint where{};
    wire::frame_binding sends{};
    wire::frame_binding receives{};
    time_point deadline = never;
    std::size_t received = 0;
    std::uint64_t news_before = 0;         ///< records taken over when the exchange began
    std::uint32_t alive_before = 0;        ///< members then, the partner not counted if it has just come
    std::uint32_t brought = 0;             ///< members that came with its frames, the partner not among them
    short_id partner{};                    ///< whom it was dialled for, if that is known; then who sent the last frame
    std::uint8_t tried = 0;                ///< bit per announced address of that member: dialled for this exchange
    std::uint64_t nonce = 0;               ///< of the probe or request it was dialled for
    std::optional<gossip_error> refused{}; ///< the latest refusal of something it carried
};
/// Where a message came from.
struct origin {
    ip_endpoint source{};
    short_id sender{};
    bool over_stream = false;
    bool in_exchange = false; ///< or in a comparison: what is held, and not what is new
    bool as_dead = false;     ///< the record comes with an accusation of death
    bool introduced = false;  ///< by the host: not passed on
};
/// What the answer to one packet will hold.
struct reply {
    struct wanted {
        short_id subject;
        std::uint64_t known;
    };
    /// Members whose entries one packet compares.
    static constexpr std::size_t most_marks = 32;
    /// What the packet says about digests; the bodies point into it.
    struct comparison {
        wire::digest_kind kind;
        std::uint32_t members;
        std::uint64_t sum;
        byte_view sums, listing, pull;
        std::array<byte_view, most_marks> marks;
        std::size_t mark_count = 0;
    };
    static constexpr std::size_t most = 8;
    std::optional<comparison> compared{};
    std::array<std::uint64_t, 4> acks;
    std::array<wanted, most> wants;
    std::array<membership::slot, most> announces;
    std::array<membership::entry_store::id, 4> entries; ///< newer than what was said
    std::uint8_t ack_count = 0;
    std::uint8_t want_count = 0;
    std::uint8_t announce_count = 0;
    std::uint8_t entry_count = 0;
    bool accuse_sender = false; ///< the sender is held suspect or dead: tell it, so that it can refute
    bool answered = false;      ///< something of ours was answered
    bool contact_made = false;  ///< a hello of ours was answered
    bool sender_was_alive = false;

    void ack(std::uint64_t nonce) noexcept {
        if (ack_count < acks.size()) acks[ack_count++] = nonce;
    }
    void want(short_id subject, std::uint64_t known) noexcept {
        for (std::size_t i = 0; i < want_count; ++i) {
            if (wants[i].subject == subject) return;
        }
        if (want_count < most) wants[want_count++] = {subject, known};
    }
    void announce(membership::slot at) noexcept {
        for (std::size_t i = 0; i < announce_count; ++i) {
            if (announces[i] == at) return;
        }
        if (announce_count < most) announces[announce_count++] = at;
    }
    void entry(membership::entry_store::id at) noexcept {
        if (entry_count < entries.size()) entries[entry_count++] = at;
    }
    [[nodiscard]] bool empty() const noexcept {
        return ack_count == 0 && want_count == 0 && announce_count == 0 && entry_count == 0 && !accuse_sender;
    }
};

/// Dialled to fetch these broadcasts.
struct fetch_job {
    stream_id stream{};
    std::array<wire::broadcast_range, 8> ranges{};
    std::size_t count = 0;
};
/// A broadcast that is probably on its way.
struct asked_for {
    short_id origin{};
    std::uint64_t session = 0;
    std::uint64_t sequence = 0;
    time_point until{};
};

} // namespace gossip::detail
PEERKIT_END_NAMESPACE

#endif
