// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Base64 of RFC 4648, strict: how bytes travel inside JSON.
#ifndef PEERKIT_CORE_BASE64_HPP
#define PEERKIT_CORE_BASE64_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace detail {

inline constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// For each place in a group of four: what a character adds to the 24 bits; bit 31 says that it is no digit.
using base64_places = std::array<std::array<std::uint32_t, 256>, 4>;
[[nodiscard]] constexpr base64_places make_base64_places() noexcept {
    base64_places made{};
    for (std::size_t place = 0; place < 4; ++place) {
        for (std::uint32_t& each : made[place]) each = 0x80000000U;
        for (std::size_t digit = 0; digit < 64; ++digit) {
            made[place][static_cast<unsigned char>(base64_digits[digit])] = static_cast<std::uint32_t>(digit)
                                                                            << (18U - 6U * place);
        }
    }
    return made;
}
inline constexpr base64_places base64_table = make_base64_places();

} // namespace detail

/// Characters that `bytes` bytes become.
[[nodiscard]] constexpr std::size_t base64_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }

/// Appends the text of `bytes`, with padding.
inline void append_base64(byte_view bytes, std::string& to) {
    std::size_t const start = to.size();
    to.resize(start + base64_size(bytes.size()), '=');
    char* out = to.data() + start;
    auto const at = [bytes](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
    auto const put = [&out](std::uint32_t bits, std::size_t digits) {
        for (std::size_t i = 0; i < digits; ++i) out[i] = detail::base64_digits[bits >> (18U - 6U * i) & 63U];
        out += digits;
    };
    std::size_t i = 0;
    for (; i + 3 <= bytes.size(); i += 3) put(at(i) << 16U | at(i + 1) << 8U | at(i + 2), 4);
    if (bytes.size() - i == 1) put(at(i) << 16U, 2);
    if (bytes.size() - i == 2) put(at(i) << 16U | at(i + 1) << 8U, 3);
}
[[nodiscard]] inline std::string to_base64(byte_view bytes) {
    std::string text;
    append_base64(bytes, text);
    return text;
}

/// Writes what `text` stands for to the front of `out` and returns how many bytes that is. Exactly one text stands for
/// some bytes: digits of the standard alphabet, padded, unused bits zero, nothing in between.
/// @par Errors `bad_base64` with the offset of what is wrong, or the length of the text if that is; `too_long` with the
/// size it takes if `out` is smaller. What is in `out` after an error is not specified.
[[nodiscard]] inline result<std::size_t> from_base64(std::string_view text, byte_span out) noexcept {
    if (text.size() % 4 != 0) return fail(core_error::bad_base64, text.size(), "length");
    if (text.empty()) return 0;
    std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::size_t const size = text.size() / 4 * 3 - padding;
    if (out.size() < size) return fail(core_error::too_long, size, "base64");

    auto const bits = [text](std::size_t place, std::size_t i) {
        return detail::base64_table[place][static_cast<unsigned char>(text[i])];
    };
    auto const wrong = [&](std::size_t first, std::size_t last) {
        while (first < last && bits(0, first) < 0x80000000U) ++first;
        return fail(core_error::bad_base64, first, "digit");
    };
    std::byte* to = out.data();
    std::size_t const whole = text.size() - (padding != 0 ? 4 : 0);
    for (std::size_t i = 0; i < whole; i += 4) {
        std::uint32_t const group = bits(0, i) | bits(1, i + 1) | bits(2, i + 2) | bits(3, i + 3);
        if (group >= 0x80000000U) return wrong(i, i + 4);
        to[0] = static_cast<std::byte>(group >> 16U);
        to[1] = static_cast<std::byte>(group >> 8U & 0xffU);
        to[2] = static_cast<std::byte>(group & 0xffU);
        to += 3;
    }
    if (padding == 0) return size;
    std::uint32_t const last = bits(0, whole) | bits(1, whole + 1) | (padding == 1 ? bits(2, whole + 2) : 0U);
    if (last >= 0x80000000U) return wrong(whole, text.size() - padding);
    if ((last & (padding == 1 ? 0xffU : 0xffffU)) != 0) {
        return fail(core_error::bad_base64, text.size() - padding - 1, "unused bits");
    }
    to[0] = static_cast<std::byte>(last >> 16U);
    if (padding == 1) to[1] = static_cast<std::byte>(last >> 8U & 0xffU);
    return size;
}
/// The same into bytes of their own.
[[nodiscard]] inline result<std::vector<std::byte>> from_base64(std::string_view text) {
    std::vector<std::byte> bytes(text.size() / 4 * 3);
    auto const size = from_base64(text, byte_span{bytes});
    if (!size) return fail(size.error());
    bytes.resize(*size);
    return bytes;
}

PEERKIT_END_NAMESPACE

#endif
