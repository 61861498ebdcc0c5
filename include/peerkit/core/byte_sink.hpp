// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Bytes written one after the other into memory that grows and is used again; numbers of variable length.
#ifndef PEERKIT_CORE_BYTE_SINK_HPP
#define PEERKIT_CORE_BYTE_SINK_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

/// Writes forward into its own memory: what `byte_writer` is for a caller's buffer, for bytes that stay in this process
/// or go to a file. `clear` keeps the memory, so that a sink in a loop soon allocates nothing. Big-endian.
/// @code
/// byte_sink out;
/// out.u8(3);
/// out.varint(300);             // two bytes
/// out.text("db1");             // its length, then the bytes
/// save(out.bytes());
/// @endcode
class byte_sink {
public:
    [[nodiscard]] byte_view bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    void clear() noexcept { bytes_.clear(); }
    /// What was written; the sink is empty afterwards, and without memory.
    [[nodiscard]] std::vector<std::byte> take() noexcept { return std::exchange(bytes_, {}); }

    void raw(byte_view from) { bytes_.insert(bytes_.end(), from.begin(), from.end()); }
    void u8(std::uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
    void u16(std::uint16_t value) { integer(value); }
    void u32(std::uint32_t value) { integer(value); }
    void u64(std::uint64_t value) { integer(value); }
    /// Seven bits a byte, the lowest first, 1 to 10 bytes (as in Protocol Buffers).
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7U) u8(static_cast<std::uint8_t>(value | 0x80U));
        u8(static_cast<std::uint8_t>(value));
    }
    /// Bytes preceded by their length.
    void block(byte_view from) {
        varint(from.size());
        raw(from);
    }
    void text(std::string_view from) { block(as_bytes(from)); }

private:
    template <std::unsigned_integral T>
    void integer(T value) {
        std::size_t const at = bytes_.size();
        bytes_.resize(at + sizeof value);
        store_big(bytes_.data() + at, value);
    }

    std::vector<std::byte> bytes_;
};

/// Reads what `byte_sink::varint` wrote. Zero and a failed reader for a number that ends too early, or does not fit 64
/// bits.
[[nodiscard]] constexpr std::uint64_t read_varint(byte_reader& from) noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        std::uint64_t const part = from.u8();
        if (!from) return 0;
        std::uint64_t const bits = part & 0x7fU;
        if (shift == 63 && bits > 1) break;
        value |= bits << shift;
        if (part < 0x80) return value;
    }
    static_cast<void>(from.bytes(from.remaining() + 1)); // longer than any number
    return 0;
}
/// Reads what `byte_sink::block` wrote: a view, empty and a failed reader if there is not so much.
[[nodiscard]] constexpr byte_view read_block(byte_reader& from) noexcept {
    std::uint64_t const size = read_varint(from);
    return from.bytes(size > from.remaining() ? from.remaining() + 1 : static_cast<std::size_t>(size));
}
[[nodiscard]] inline std::string_view read_text(byte_reader& from) noexcept { return as_text(read_block(from)); }

PEERKIT_END_NAMESPACE

#endif
