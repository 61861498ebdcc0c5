// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// An IPv4 or IPv6 address as a plain value: parse, print (RFC 5952), classify.
#ifndef PEERKIT_CORE_IP_ADDRESS_HPP
#define PEERKIT_CORE_IP_ADDRESS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

enum class ip_family : std::uint8_t { none = 0, v4 = 4, v6 = 6 };

/// An IP address, or none. IPv4-mapped IPv6 addresses become IPv4, so one host has one spelling.
class ip_address {
public:
    constexpr ip_address() noexcept = default;

    [[nodiscard]] static constexpr ip_address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                                 std::uint8_t d) noexcept {
        ip_address made;
        made.family_ = ip_family::v4;
        made.bytes_ = {std::byte{a}, std::byte{b}, std::byte{c}, std::byte{d}};
        return made;
    }
    /// From 4 or 16 bytes in network order; any other size gives none.
    [[nodiscard]] static constexpr ip_address from_bytes(byte_view from) noexcept {
        ip_address made;
        if (from.size() != 4 && from.size() != 16) return made;
        bool mapped = from.size() == 16;
        for (std::size_t i = 0; mapped && i < 12; ++i) mapped = from[i] == (i < 10 ? std::byte{0} : std::byte{0xff});
        byte_view const kept = mapped ? from.subspan(12) : from;
        made.family_ = kept.size() == 4 ? ip_family::v4 : ip_family::v6;
        for (std::size_t i = 0; i < kept.size(); ++i) made.bytes_[i] = kept[i];
        return made;
    }
    /// Parses dotted IPv4 (no leading zeros, four parts) or IPv6 (RFC 4291, no zone). @par Errors `empty`,
    /// `bad_address`.
    [[nodiscard]] static constexpr result<ip_address> parse(std::string_view text) noexcept {
        if (text.empty()) return fail(core_error::empty, 0, "address");
        // Every IPv6 address has a colon within its first five characters.
        bool v6 = false;
        for (std::size_t i = 0; i < text.size() && i < 5; ++i) v6 = v6 || text[i] == ':';
        ip_address const made = v6 ? parse_v6(text) : parse_v4(text);
        if (made.family_ == ip_family::none) return fail(core_error::bad_address, 0, "address");
        return made;
    }

    [[nodiscard]] constexpr ip_family family() const noexcept { return family_; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return family_ != ip_family::none; }
    /// 0, 4 or 16 bytes in network order.
    [[nodiscard]] constexpr byte_view bytes() const noexcept {
        std::size_t const size = family_ == ip_family::v4 ? 4 : family_ == ip_family::v6 ? 16 : 0;
        return byte_view{bytes_.data(), size};
    }

    [[nodiscard]] constexpr bool is_unspecified() const noexcept {
        return family_ == ip_family::none || all_zero(0, 16);
    }
    [[nodiscard]] constexpr bool is_loopback() const noexcept {
        return family_ == ip_family::v4 ? at(0) == 127 : family_ == ip_family::v6 && all_zero(0, 15) && at(15) == 1;
    }
    [[nodiscard]] constexpr bool is_link_local() const noexcept {
        return family_ == ip_family::v4 ? at(0) == 169 && at(1) == 254
                                        : family_ == ip_family::v6 && at(0) == 0xfe && (at(1) & 0xc0U) == 0x80;
    }
    /// Multicast, and the IPv4 broadcast address.
    [[nodiscard]] constexpr bool is_multicast() const noexcept {
        if (family_ == ip_family::v4) {
            return (at(0) & 0xf0U) == 0xe0 || (at(0) == 255 && at(1) == 255 && at(2) == 255 && at(3) == 255);
        }
        return family_ == ip_family::v6 && at(0) == 0xff;
    }
    /// RFC 1918 or unique local (RFC 4193).
    [[nodiscard]] constexpr bool is_private() const noexcept {
        if (family_ == ip_family::v4) {
            return at(0) == 10 || (at(0) == 172 && (at(1) & 0xf0U) == 16) || (at(0) == 192 && at(1) == 168);
        }
        return family_ == ip_family::v6 && (at(0) & 0xfeU) == 0xfc;
    }
    /// A tailnet address: 100.64.0.0/10 without 100.115.92.0/23, or fd7a:115c:a1e0::/48.
    [[nodiscard]] constexpr bool is_overlay() const noexcept {
        if (family_ == ip_family::v4) {
            return at(0) == 100 && (at(1) & 0xc0U) == 64 && !(at(1) == 115 && (at(2) & 0xfeU) == 92);
        }
        return family_ == ip_family::v6 && at(0) == 0xfd && at(1) == 0x7a && at(2) == 0x11 && at(3) == 0x5c &&
               at(4) == 0xa1 && at(5) == 0xe0;
    }

    /// Text in the canonical form of RFC 5952; "-" for none.
    [[nodiscard]] std::string to_string() const {
        if (family_ == ip_family::none) return "-";
        std::string text;
        if (family_ == ip_family::v4) {
            for (std::size_t i = 0; i < 4; ++i) {
                if (i != 0) text.push_back('.');
                text.append(std::to_string(at(i)));
            }
            return text;
        }
        auto const [gap, gap_size] = longest_zero_run();
        for (std::size_t i = 0; i < 8; ++i) {
            if (i == gap) {
                text.append("::");
                i += gap_size - 1;
                continue;
            }
            if (!text.empty() && text.back() != ':') text.push_back(':');
            append_group(text, load_big<std::uint16_t>(&bytes_[2 * i]));
        }
        return text;
    }

    [[nodiscard]] friend constexpr bool operator==(ip_address const&, ip_address const&) noexcept = default;
    [[nodiscard]] friend constexpr auto operator<=>(ip_address const&, ip_address const&) noexcept = default;

private:
    struct zero_run {
        std::size_t first;
        std::size_t size;
    };

    [[nodiscard]] constexpr unsigned at(std::size_t i) const noexcept { return std::to_integer<unsigned>(bytes_[i]); }
    [[nodiscard]] constexpr bool all_zero(std::size_t first, std::size_t last) const noexcept {
        for (std::size_t i = first; i < last; ++i) {
            if (at(i) != 0) return false;
        }
        return true;
    }
    [[nodiscard]] constexpr zero_run longest_zero_run() const noexcept {
        zero_run best{8, 1};
        for (std::size_t i = 0; i < 8; ++i) {
            std::size_t end = i;
            while (end < 8 && all_zero(2 * end, 2 * end + 2)) ++end;
            if (end - i > best.size) best = {i, end - i};
            if (end > i) i = end;
        }
        return best;
    }
    static void append_group(std::string& text, unsigned group) {
        constexpr std::string_view digits = "0123456789abcdef";
        bool started = false;
        for (unsigned shift = 16; shift > 0;) {
            shift -= 4;
            unsigned const digit = group >> shift & 15U;
            if (digit != 0 || started || shift == 0) {
                text.push_back(digits[digit]);
                started = true;
            }
        }
    }

    [[nodiscard]] static constexpr ip_address parse_v4(std::string_view text) noexcept {
        std::array<std::byte, 4> parts{};
        std::size_t at = 0;
        for (std::size_t part = 0; part < 4; ++part) {
            if (part != 0 && (at == text.size() || text[at++] != '.')) return {};
            std::size_t const start = at;
            unsigned value = 0;
            for (; at < text.size() && at - start < 3; ++at) {
                unsigned const digit = static_cast<unsigned char>(text[at]) - unsigned{'0'};
                if (digit > 9) break;
                value = value * 10 + digit;
            }
            if (at == start || value > 255 || (text[start] == '0' && at - start > 1)) return {};
            parts[part] = static_cast<std::byte>(value);
        }
        return at == text.size() ? from_bytes(parts) : ip_address{};
    }
    [[nodiscard]] static constexpr ip_address parse_v6(std::string_view text) noexcept {
        std::array<std::byte, 16> bytes{};
        std::size_t filled = 0, gap = 17, at = 0;
        if (text.size() > 45) return {};
        if (text.starts_with("::")) {
            gap = 0;
            at = 2;
        }
        while (at < text.size()) {
            // One group: up to four hexadecimal digits, or the dotted tail.
            std::size_t const start = at;
            unsigned value = 0;
            for (; at < text.size() && text[at] != ':' && text[at] != '.'; ++at) {
                unsigned const c = static_cast<unsigned char>(text[at]);
                unsigned const decimal = c - '0', letter = (c | 0x20U) - 'a';
                if ((decimal > 9 && letter > 5) || at - start == 4) return {};
                value = value << 4U | (decimal <= 9 ? decimal : letter + 10);
            }
            if (at < text.size() && text[at] == '.') {
                ip_address const tail = parse_v4(text.substr(start));
                if (!tail || filled > 12) return {};
                for (std::size_t k = 0; k < 4; ++k) bytes[filled++] = tail.bytes_[k];
                break;
            }
            if (at == start || filled > 14) return {};
            store_big(&bytes[filled], static_cast<std::uint16_t>(value));
            filled += 2;
            if (at == text.size()) break;
            if (++at == text.size()) return {};
            if (text[at] == ':') {
                if (gap != 17) return {};
                gap = filled;
                ++at;
            }
        }
        if (gap == 17) return filled == 16 ? from_bytes(bytes) : ip_address{};
        if (filled > 14) return {};
        std::array<std::byte, 16> spread{};
        for (std::size_t k = 0; k < gap; ++k) spread[k] = bytes[k];
        for (std::size_t k = gap; k < filled; ++k) spread[16 - filled + k] = bytes[k];
        return from_bytes(spread);
    }

    std::array<std::byte, 16> bytes_{};
    ip_family family_ = ip_family::none;
};

PEERKIT_END_NAMESPACE

#endif
