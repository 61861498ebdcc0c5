// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Byte spans, hexadecimal text and big-endian cursors that cannot overrun.
#ifndef PEERKIT_CORE_BYTES_HPP
#define PEERKIT_CORE_BYTES_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

using byte_view = std::span<std::byte const>;
using byte_span = std::span<std::byte>;

[[nodiscard]] inline byte_view as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span{text.data(), text.size()});
}
[[nodiscard]] inline std::string_view as_text(byte_view bytes) noexcept {
    return bytes.empty() ? std::string_view{}
                         : std::string_view{reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline bool equal(byte_view left, byte_view right) noexcept {
    return left.size() == right.size() && (left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0);
}
/// Copies `from` to the front of `to`, which must be at least as long; an empty copy touches nothing.
inline void copy_bytes(byte_view from, byte_span to) noexcept {
    if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

/// Unsigned big-endian integers, 1 to 8 bytes. The caller guarantees the size. Spelled out rather than looped: g++ 12
/// makes one load or store and a byte swap of this, but a loop of the other.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_big(std::byte const* from) noexcept {
    auto const at = [from](std::size_t i) { return std::to_integer<std::uint64_t>(from[i]); };
    if constexpr (sizeof(T) == 8) {
        return at(0) << 56U | at(1) << 48U | at(2) << 40U | at(3) << 32U | at(4) << 24U | at(5) << 16U | at(6) << 8U |
               at(7);
    } else if constexpr (sizeof(T) == 4) {
        return static_cast<T>(at(0) << 24U | at(1) << 16U | at(2) << 8U | at(3));
    } else if constexpr (sizeof(T) == 2) {
        return static_cast<T>(at(0) << 8U | at(1));
    } else {
        return static_cast<T>(at(0));
    }
}
template <std::unsigned_integral T>
constexpr void store_big(std::byte* to, T value) noexcept {
    auto const put = [to, value](std::size_t i, unsigned shift) {
        to[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> shift & 0xffU);
    };
    if constexpr (sizeof(T) == 8) {
        put(0, 56), put(1, 48), put(2, 40), put(3, 32), put(4, 24), put(5, 16), put(6, 8), put(7, 0);
    } else if constexpr (sizeof(T) == 4) {
        put(0, 24), put(1, 16), put(2, 8), put(3, 0);
    } else if constexpr (sizeof(T) == 2) {
        put(0, 8), put(1, 0);
    } else {
        put(0, 0);
    }
}

/// Reads forward through untrusted bytes. The first read past the end sets a sticky failure; every later read
/// gives zero or an empty span, so a decoder may read a whole layout and ask once.
///
/// @code
/// byte_reader in{packet};
/// auto nonce = in.u64();
/// auto body = in.bytes(in.u16());
/// if (!in) return fail(wire_error::truncated, in.position());
/// @endcode
class byte_reader {
    // Ahead of its callers: clang 14 evaluates them in constant expressions only if this is defined before
    // them.
    template <std::unsigned_integral T>
    constexpr T integer() noexcept {
        byte_view const taken = bytes(sizeof(T));
        return failed_ ? T{0} : load_big<T>(taken.data());
    }

public:
    constexpr explicit byte_reader(byte_view bytes) noexcept : bytes_{bytes} {}

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return !failed_; }
    /// Offset of the next byte, or of the read that failed.
    [[nodiscard]] constexpr std::size_t position() const noexcept { return position_; }
    [[nodiscard]] constexpr std::size_t remaining() const noexcept { return bytes_.size() - position_; }

    [[nodiscard]] constexpr byte_view bytes(std::size_t count) noexcept {
        if (failed_ || count > remaining()) {
            failed_ = true;
            return {};
        }
        byte_view const taken = bytes_.subspan(position_, count);
        position_ += count;
        return taken;
    }
    [[nodiscard]] constexpr std::uint8_t u8() noexcept { return integer<std::uint8_t>(); }
    [[nodiscard]] constexpr std::uint16_t u16() noexcept { return integer<std::uint16_t>(); }
    [[nodiscard]] constexpr std::uint32_t u32() noexcept { return integer<std::uint32_t>(); }
    [[nodiscard]] constexpr std::uint64_t u64() noexcept { return integer<std::uint64_t>(); }
    /// Bytes preceded by their u8 length.
    [[nodiscard]] constexpr byte_view short_bytes() noexcept { return bytes(u8()); }

private:
    byte_view bytes_;
    std::size_t position_ = 0;
    bool failed_ = false;
};

/// Writes forward into a caller's buffer. A write that does not fit sets a sticky failure and writes nothing.
class byte_writer {
    // Ahead of its callers: clang 14 evaluates them in constant expressions only if this is defined before
    // them.
    template <std::unsigned_integral T>
    constexpr void integer(T value) noexcept {
        if (byte_span const room = claim(sizeof(T)); !room.empty()) store_big(room.data(), value);
    }

public:
    constexpr explicit byte_writer(byte_span bytes) noexcept : bytes_{bytes} {}

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return !failed_; }
    [[nodiscard]] constexpr std::size_t position() const noexcept { return position_; }
    [[nodiscard]] constexpr std::size_t remaining() const noexcept { return bytes_.size() - position_; }
    [[nodiscard]] constexpr byte_span written() const noexcept { return bytes_.first(position_); }

    /// Room for `count` bytes to be filled by the caller, or an empty span.
    [[nodiscard]] constexpr byte_span claim(std::size_t count) noexcept {
        if (failed_ || count > remaining()) {
            failed_ = true;
            return {};
        }
        byte_span const room = bytes_.subspan(position_, count);
        position_ += count;
        return room;
    }
    constexpr void bytes(byte_view from) noexcept {
        if (byte_span const room = claim(from.size()); !failed_) {
            for (std::size_t i = 0; i < from.size(); ++i) room[i] = from[i];
        }
    }
    constexpr void u8(std::uint8_t value) noexcept { integer(value); }
    constexpr void u16(std::uint16_t value) noexcept { integer(value); }
    constexpr void u32(std::uint32_t value) noexcept { integer(value); }
    constexpr void u64(std::uint64_t value) noexcept { integer(value); }
    /// Bytes preceded by their u8 length, both or neither; longer than 255 is a failure.
    constexpr void short_bytes(byte_view from) noexcept {
        if (from.size() > 0xff || from.size() >= remaining()) {
            failed_ = true;
            return;
        }
        u8(static_cast<std::uint8_t>(from.size()));
        bytes(from);
    }
    /// Forgets everything written after `position`, and any failure: undo for a message that did not fit. A
    /// position not yet reached forgets nothing: the cursor never moves forward over bytes nobody wrote.
    constexpr void rewind(std::size_t position) noexcept {
        if (position < position_) position_ = position;
        failed_ = false;
    }

private:
    byte_span bytes_;
    std::size_t position_ = 0;
    bool failed_ = false;
};

/// Lower-case hexadecimal text of `bytes`.
[[nodiscard]] inline std::string to_hex(byte_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (std::byte const b : bytes) {
        text.push_back(digits[std::to_integer<std::size_t>(b >> 4U)]);
        text.push_back(digits[std::to_integer<std::size_t>(b & std::byte{15})]);
    }
    return text;
}

namespace detail {

/// The value of a hexadecimal digit, or 16.
[[nodiscard]] constexpr unsigned hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
    return 16U;
}
/// Eight characters at a time, one in each byte of a word: identities are read in lists of thousands.
[[nodiscard]] constexpr bool are_hex_digits(std::uint64_t eight) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U, high = 0x8080808080808080U;
    // Bit 7 of each byte: it is at least `from`. Holds for bytes below 0x80.
    auto const at_least = [](std::uint64_t word, unsigned from) { return word + ones * (0x80U - from); };
    std::uint64_t const low = eight & ~high, folded = low | ones * 0x20U;
    std::uint64_t const decimal = at_least(low, '0') & ~at_least(low, '9' + 1);
    std::uint64_t const letter = at_least(folded, 'a') & ~at_least(folded, 'f' + 1);
    return ((decimal | letter) & ~eight & high) == high;
}
/// What eight digits stand for; the first is the most significant.
[[nodiscard]] constexpr std::uint32_t hex_value(std::uint64_t eight) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    std::uint64_t digits = (eight & ones * 15U) + (eight >> 6U & ones) * 9U; // letters have bit 6
    digits = (digits | digits >> 4U) & 0x00ff00ff00ff00ffU;
    digits = (digits | digits >> 8U) & 0x0000ffff0000ffffU;
    return static_cast<std::uint32_t>(digits | digits >> 16U);
}

} // namespace detail

/// Fills `out` from exactly `2 * out.size()` hexadecimal digits, either case; on error `out` is untouched.
/// @par Errors `bad_hex` with the offset of the first wrong digit (field "digit"), or with the length of the
/// text if that is wrong (field "length").
[[nodiscard]] inline result<void> from_hex(std::string_view text, byte_span out) noexcept {
    if (text.size() != out.size() * 2) return fail(core_error::bad_hex, text.size(), "length");
    auto const eight = [text](std::size_t i) { return load_big<std::uint64_t>(as_bytes(text).data() + i); };
    std::size_t const whole = text.size() / 8 * 8;
    bool good = true;
    for (std::size_t i = 0; i < whole; i += 8) good = good && detail::are_hex_digits(eight(i));
    for (std::size_t i = whole; i < text.size(); ++i) good = good && detail::hex_digit(text[i]) < 16;
    if (!good) {
        std::size_t i = 0;
        while (detail::hex_digit(text[i]) < 16) ++i;
        return fail(core_error::bad_hex, i, "digit");
    }
    for (std::size_t i = 0; i < whole; i += 8) store_big(out.data() + i / 2, detail::hex_value(eight(i)));
    for (std::size_t i = whole; i < text.size(); i += 2) {
        out[i / 2] = static_cast<std::byte>(detail::hex_digit(text[i]) << 4U | detail::hex_digit(text[i + 1]));
    }
    return {};
}

PEERKIT_END_NAMESPACE

#endif
