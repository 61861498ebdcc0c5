// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Compressed plaintexts: the policy that makes and expands them, and the container they travel in.
#ifndef PEERKIT_WIRE_COMPRESSION_HPP
#define PEERKIT_WIRE_COMPRESSION_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Numbers of algorithms in a compressed packet. A number never changes its meaning.
namespace compression_algorithms {
inline constexpr std::uint8_t none = 0;
inline constexpr std::uint8_t lz4_block = 1; ///< LZ4 block format, no dictionary
} // namespace compression_algorithms

/// `T::algorithm`: what the policy writes and reads; `none` (0) switches compression off.
template <typename T>
concept HasCompressionAlgorithm = requires {
    { T::algorithm } -> std::convertible_to<std::uint8_t>;
};

/// `c.compress(from, to)`: how many bytes it wrote, 0 if they do not fit.
template <typename T>
concept HasCompress = requires(T& compression, byte_view from, byte_span to) {
    { compression.compress(from, to) } noexcept -> std::same_as<std::size_t>;
};

/// `c.expand(from, to)`: whether `from` is whole and fills `to` exactly. Never writes outside of `to`.
template <typename T>
concept HasExpand = requires(T const& compression, byte_view from, byte_span to) {
    { compression.expand(from, to) } noexcept -> std::same_as<bool>;
};

/// Makes plaintexts smaller before they are sealed. See docs/concepts/compression.md.
template <typename T>
concept Compression = HasCompressionAlgorithm<T> && HasCompress<T> && HasExpand<T>;

/// Says in one sentence what `T` lacks to be a `Compression` policy.
template <typename T>
consteval bool check_compression() {
    static_assert(HasCompressionAlgorithm<T>,
                  "peerkit: a compression policy needs `static constexpr std::uint8_t algorithm`; "
                  "see docs/concepts/compression.md");
    static_assert(HasCompress<T>, "peerkit: a compression policy needs "
                                  "`std::size_t compress(byte_view from, byte_span to) noexcept`; "
                                  "see docs/concepts/compression.md");
    static_assert(HasExpand<T>, "peerkit: a compression policy needs "
                                "`bool expand(byte_view from, byte_span to) const noexcept`; "
                                "see docs/concepts/compression.md");
    return true;
}

/// The default: nothing is compressed, and compressed packets are refused as any unknown message is.
struct no_compression {
    static constexpr std::uint8_t algorithm = compression_algorithms::none;
    [[nodiscard]] std::size_t compress(byte_view, byte_span) noexcept { return 0; }
    [[nodiscard]] bool expand(byte_view, byte_span) const noexcept { return false; }
};

/// A plaintext that holds another one: marker, algorithm, size of what it expands to, block. Its marker is no message
/// type, so what is expanded cannot hold a compressed packet again: there is one level.
struct compressed_packet {
    static constexpr std::byte marker{40};
    /// Marker, algorithm, expanded size.
    static constexpr std::size_t head = 6;
    /// The most a block may grow by. LZ4 itself ends at 255; honest packets stay below 20.
    static constexpr std::size_t most_ratio = 64;

    std::uint8_t algorithm = compression_algorithms::none;
    std::size_t expanded = 0; ///< bytes; at least 1
    byte_view block;

    /// Whether a plaintext says that it is compressed.
    [[nodiscard]] static constexpr bool is(byte_view plain) noexcept { return !plain.empty() && plain[0] == marker; }

    /// Reads the head of a plaintext of which `is` holds. Nothing is expanded.
    /// @param most what the place it was received at has room for, in bytes
    /// @par Errors `truncated`; `bad_expansion` for a size that is 0, above `most`, or above `most_ratio` times the
    /// block; position is the size.
    [[nodiscard]] static result<compressed_packet> parse(byte_view plain, std::size_t most) noexcept {
        if (!is(plain) || plain.size() <= head) return fail(wire_error::truncated, plain.size(), "compressed packet");
        compressed_packet read;
        read.algorithm = std::to_integer<std::uint8_t>(plain[1]);
        read.expanded = load_big<std::uint32_t>(plain.data() + 2);
        read.block = plain.subspan(head);
        if (read.expanded == 0 || read.expanded > most || read.expanded > read.block.size() * most_ratio)
            return fail(wire_error::bad_expansion, read.expanded, "expanded size");
        return read;
    }

    /// Replaces the `size` bytes of plaintext at the front of `room` by a compressed packet if that saves at least an
    /// eighth. Returns the size of the plaintext that is there then, the old one if nothing was done.
    /// @param scratch at least `size` bytes, overwritten
    template <Compression C>
    [[nodiscard]] static std::size_t write(C& compression, byte_span room, std::size_t size,
                                           byte_span scratch) noexcept {
        std::size_t const most = size - size / 8;
        if (size == 0 || size > room.size() || scratch.size() < size || most <= head) return size;
        std::size_t const block = compression.compress(room.first(size), scratch.first(most - head));
        if (block == 0 || size > block * most_ratio) return size;
        room[0] = marker;
        room[1] = static_cast<std::byte>(C::algorithm);
        store_big(room.data() + 2, static_cast<std::uint32_t>(size));
        copy_bytes(scratch.first(block), room.subspan(head));
        return head + block;
    }

    /// Expands a plaintext of which `is` holds into the front of `room`, whose size is the most it may become.
    /// @return the expanded plaintext, the front of `room`
    /// @par Errors those of `parse`; `bad_compression` for another algorithm than the policy's, and for a block that is
    /// damaged or does not expand to what it says.
    template <Compression C>
    [[nodiscard]] static result<byte_span> expand(C const& compression, byte_view plain, byte_span room) noexcept {
        auto const packet = parse(plain, room.size());
        if (!packet) return fail(packet.error());
        if (C::algorithm == compression_algorithms::none || packet->algorithm != C::algorithm)
            return fail(wire_error::bad_compression, packet->algorithm, "algorithm");
        byte_span const to = room.first(packet->expanded);
        if (!compression.expand(packet->block, to)) return fail(wire_error::bad_compression, head, "block");
        return to;
    }
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
