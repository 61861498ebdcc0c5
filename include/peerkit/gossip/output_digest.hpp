// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Everything a node wants done because of one input, as a number: equal numbers, equal outputs.
#ifndef PEERKIT_GOSSIP_OUTPUT_DIGEST_HPP
#define PEERKIT_GOSSIP_OUTPUT_DIGEST_HPP

#include <peerkit/core/byte_sink.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/word_hash.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/outbox.hpp>

#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Made once per input, by the recorder and by the replay alike. What is sent counts as it was before it was sealed
/// (`sealed`), so that no key is needed to come to the same number. Errors count as "there is one": those of a shell
/// cannot be made again where the shell is not. Resists nobody; see `word_hash`.
class output_digest {
public:
    void clear() noexcept {
        hash_ = word_hash{seed};
        room_.clear();
    }
    /// A frame that is about to be sealed.
    void sealed(byte_view nonce, byte_view ad, byte_view text) noexcept {
        hash_.part(nonce);
        hash_.part(ad);
        hash_.part(text);
    }
    /// The actions of `out` from `first` on.
    void actions(outbox const& out, std::size_t first) {
        for (std::size_t i = first; i < out.size(); ++i) {
            action const a = out[i];
            bool const ciphertext = a.kind == action_kind::send_datagram || a.kind == action_kind::send_frame;
            room_.u8(static_cast<std::uint8_t>(a.kind));
            room_.u32(static_cast<std::uint32_t>(a.stream));
            room_.varint(a.bytes.size());
            place(a.to);
            if (a.what != nullptr) told(*a.what);
            if (a.message != nullptr) delivered(*a.message);
            if (!ciphertext && !a.bytes.empty()) hash_.part(a.bytes);
        }
    }
    /// What a call returned, as a number: 0 for an error.
    [[nodiscard]] static std::uint64_t returned(result<void> const& from) noexcept { return from ? 1 : 0; }
    template <typename T>
    [[nodiscard]] static std::uint64_t returned(result<T> const& from) noexcept {
        return from ? static_cast<std::uint64_t>(*from) << 1U | 1U : 0;
    }
    /// The number of what the call returned, and when the node wants to be called again.
    [[nodiscard]] std::uint32_t finish(std::uint64_t returned, time_point deadline) {
        room_.u64(returned);
        room_.u64(static_cast<std::uint64_t>(deadline.time_since_epoch().count()));
        hash_.part(room_.bytes());
        std::uint64_t const all = hash_.value();
        clear();
        return static_cast<std::uint32_t>(all ^ all >> 32U);
    }

private:
    static constexpr std::uint64_t seed = 0x6f757470757473ULL;

    void place(ip_endpoint const& where) {
        room_.u8(static_cast<std::uint8_t>(where.address.family()));
        room_.raw(where.address.bytes());
        room_.u16(where.port);
    }
    void told(event const& e) {
        room_.u8(static_cast<std::uint8_t>(e.kind));
        room_.u8(static_cast<std::uint8_t>(e.why));
        room_.raw(e.subject.bytes);
        room_.u64(e.incarnation);
        room_.u64(static_cast<std::uint64_t>(e.by));
        place(e.where);
        room_.u8(e.what ? 1 : 0);
        room_.u32(e.count);
        room_.u64(static_cast<std::uint64_t>(e.age.count()));
        for (short_id const who : e.accuser_list()) room_.u64(static_cast<std::uint64_t>(who));
        room_.text(e.key.view());
        room_.u64(e.version);
    }
    void delivered(delivery const& d) {
        room_.u8(static_cast<std::uint8_t>(d.kind));
        room_.raw(d.from.bytes);
        room_.text(d.topic.view());
        room_.u64(static_cast<std::uint64_t>(d.request));
        room_.u64(d.session);
        room_.u64(d.sequence);
        room_.u8(d.why ? 1 : 0);
    }

    word_hash hash_{seed};
    byte_sink room_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
