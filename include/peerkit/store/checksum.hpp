// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// CRC-64/XZ: notices damage of stored documents. Nobody is kept from forging one.
#ifndef PEERKIT_STORE_CHECKSUM_HPP
#define PEERKIT_STORE_CHECKSUM_HPP

#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace store {
namespace detail {

/// Eight tables, so that eight bytes are taken at a time (Kounavis and Berry, "slicing by 8").
using crc_tables = std::array<std::array<std::uint64_t, 256>, 8>;
[[nodiscard]] constexpr crc_tables make_crc_tables() noexcept {
    crc_tables made{};
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
        std::uint64_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xc96c5795d7870f42U : 0U);
        made[0][byte] = crc;
    }
    for (std::size_t table = 1; table < 8; ++table) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            std::uint64_t const before = made[table - 1][byte];
            made[table][byte] = (before >> 8U) ^ made[0][before & 0xffU];
        }
    }
    return made;
}
inline constexpr crc_tables crc_table = make_crc_tables();

} // namespace detail

/// CRC-64 with the polynomial of ECMA-182, reflected, as in the xz format. Notices every change within 64 neighbouring
/// bits, so every flipped bit and byte; a cut-off end escapes it once in 2^64.
[[nodiscard]] constexpr std::uint64_t checksum(std::string_view text) noexcept {
    std::uint64_t crc = ~std::uint64_t{0};
    auto const byte = [text](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(text[i])}; };
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        for (std::size_t k = 0; k < 8; ++k) crc ^= byte(i + k) << (8 * k);
        std::uint64_t next = 0;
        for (std::size_t k = 0; k < 8; ++k) next ^= detail::crc_table[7 - k][crc >> (8 * k) & 0xffU];
        crc = next;
    }
    for (; i < text.size(); ++i) crc = (crc >> 8U) ^ detail::crc_table[0][(crc ^ byte(i)) & 0xffU];
    return ~crc;
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
