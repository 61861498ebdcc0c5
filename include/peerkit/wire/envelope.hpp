// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What surrounds the plaintext of a datagram or stream frame: head, additional data, tail.
#ifndef PEERKIT_WIRE_ENVELOPE_HPP
#define PEERKIT_WIRE_ENVELOPE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>
#include <peerkit/wire/message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Sealing suites (`envelope::suite`).
namespace suites {
inline constexpr std::uint8_t open = 0;              ///< no secrecy, damage is noticed
inline constexpr std::uint8_t xchacha20poly1305 = 1; ///< network key, XChaCha20-Poly1305
} // namespace suites

/// 24 bytes: session, counter, random, big-endian, as they stand in the head of a frame.
using nonce_view = std::span<std::byte const, 24>;

/// The head of a frame, in clear but covered by the seal. Layout in docs/wire.md.
struct envelope {
    static constexpr std::uint8_t format_version = 1;
    /// Bytes in front of the sealed part: version, flags, key id, sender, nonce.
    static constexpr std::size_t head = 38;
    /// Bytes behind the plaintext: the tag.
    static constexpr std::size_t tail = 16;
    /// Bytes of the head in front of the nonce; they open the additional data.
    static constexpr std::size_t before_nonce = 14;
    /// The shortest frame: one message without a body.
    static constexpr std::size_t min_frame = head + tail + message_head;

    std::uint8_t suite = 0;
    bool addressed = false; ///< sealed for one receiver: its node id is part of the additional data
    bool stream = false;    ///< a frame of a stream, not a datagram
    std::uint32_t key_id = 0;
    short_id sender{};         ///< claimed by the sender; any holder of the network key may claim any
    std::uint64_t session = 0; ///< of the sender; grows with each of its starts
    std::uint64_t counter = 0; ///< unique within the session
    std::uint64_t random = 0;  ///< makes the nonce unpredictable and unique across nodes

    /// Reads the head and checks what can be checked without a key.
    /// @par Errors `truncated`, `bad_version`, `bad_flags`, `bad_suite`, `frame_too_large`.
    [[nodiscard]] static result<envelope> decode(byte_view frame) noexcept {
        if (frame.size() < min_frame) return fail(wire_error::truncated, frame.size(), "frame");
        if (frame[0] != std::byte{format_version}) return fail(wire_error::bad_version, 0, "frame version");
        auto const flags = std::to_integer<unsigned>(frame[1]);
        if ((flags & 0xc0U) != 0) return fail(wire_error::bad_flags, 1, "frame flags");
        envelope e;
        e.suite = static_cast<std::uint8_t>(flags & 0x0fU);
        e.addressed = (flags & addressed_bit) != 0;
        e.stream = (flags & stream_bit) != 0;
        if (e.suite > suites::xchacha20poly1305) return fail(wire_error::bad_suite, 1, "suite");
        if (frame.size() > (e.stream ? limits::stream_frame : limits::datagram)) {
            return fail(wire_error::frame_too_large, frame.size(), "frame");
        }
        e.key_id = load_big<std::uint32_t>(frame.data() + 2);
        e.sender = static_cast<short_id>(load_big<std::uint64_t>(frame.data() + 6));
        e.session = load_big<std::uint64_t>(frame.data() + 14);
        e.counter = load_big<std::uint64_t>(frame.data() + 22);
        e.random = load_big<std::uint64_t>(frame.data() + 30);
        return e;
    }
    void encode(std::span<std::byte, head> to) const noexcept {
        to[0] = std::byte{format_version};
        to[1] = static_cast<std::byte>((suite & 0x0fU) | (addressed ? addressed_bit : 0U) | (stream ? stream_bit : 0U));
        store_big(to.data() + 2, key_id);
        store_big(to.data() + 6, static_cast<std::uint64_t>(sender));
        store_big(to.data() + 14, session);
        store_big(to.data() + 22, counter);
        store_big(to.data() + 30, random);
    }

    [[nodiscard]] friend constexpr bool operator==(envelope const&, envelope const&) noexcept = default;

private:
    static constexpr unsigned addressed_bit = 0x10;
    static constexpr unsigned stream_bit = 0x20;
};

static_assert(envelope::head + envelope::tail <= limits::sealing_overhead);
static_assert(envelope::before_nonce + 24 == envelope::head);

/// The nonce inside a frame, which must hold at least a head.
[[nodiscard]] inline nonce_view nonce_of(byte_view frame) noexcept {
    return nonce_view{frame.data() + envelope::before_nonce, 24};
}

/// Ties a frame to its stream, its place in it and its direction, so that frames cannot be moved, dropped,
/// repeated or turned back unnoticed. `binding` is the nonce of the dialer's first frame, zeros in that frame
/// itself; `index` counts from 0 in each direction.
///
/// @code
/// wire::frame_binding mine; // of the dialer
/// auto first = crypto::seal_frame(sealing, head, network, peer, &mine, buffer, plain);
/// mine = mine.following(first);   // index 1, bound to the nonce of the first frame
/// @endcode
struct frame_binding {
    static constexpr std::uint8_t dialer = 0;
    static constexpr std::uint8_t acceptor = 1;

    std::array<std::byte, 24> binding{};
    std::uint32_t index = 0;
    std::uint8_t direction = dialer; ///< the side that sends the frame

    /// The binding of the next frame in the same direction; `frame` is the frame this one was used for.
    [[nodiscard]] frame_binding following(byte_view frame) const noexcept {
        frame_binding next{*this};
        if (direction == dialer && index == 0) copy_bytes(nonce_of(frame), next.binding);
        ++next.index;
        return next;
    }
    /// The binding of the acceptor's first frame; `first` is the dialer's first frame.
    [[nodiscard]] static frame_binding of_acceptor(byte_view first) noexcept {
        frame_binding made;
        copy_bytes(nonce_of(first), made.binding);
        made.direction = acceptor;
        return made;
    }
    [[nodiscard]] friend constexpr bool operator==(frame_binding const&, frame_binding const&) noexcept = default;
};

/// The additional data of a frame, built without allocation.
class additional_data {
public:
    static constexpr std::size_t datagram_size = envelope::before_nonce + 16 + node_id::size;
    static constexpr std::size_t stream_size = datagram_size + 24 + 4 + 1;

    /// `frame` holds at least an encoded head. `receiver` counts only if the frame is addressed.
    additional_data(byte_view frame, network_id const& network, node_id const& receiver, bool addressed,
                    frame_binding const* binding) noexcept {
        std::byte* to = bytes_.data();
        std::memcpy(to, frame.data(), envelope::before_nonce);
        to += envelope::before_nonce;
        std::memcpy(to, network.bytes.data(), network.bytes.size());
        to += network.bytes.size();
        if (addressed) {
            std::memcpy(to, receiver.bytes.data(), node_id::size);
        } else {
            std::memset(to, 0, node_id::size);
        }
        to += node_id::size;
        if (binding != nullptr) {
            std::memcpy(to, binding->binding.data(), binding->binding.size());
            store_big(to + 24, binding->index);
            to[28] = std::byte{binding->direction};
            to += 29;
        }
        size_ = static_cast<std::size_t>(to - bytes_.data());
    }

    [[nodiscard]] byte_view bytes() const noexcept { return {bytes_.data(), size_}; }

private:
    std::array<std::byte, stream_size> bytes_;
    std::size_t size_;
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
