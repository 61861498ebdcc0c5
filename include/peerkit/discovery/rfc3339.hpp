// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// RFC 3339 timestamps as other programs' documents carry them.
#ifndef PEERKIT_DISCOVERY_RFC3339_HPP
#define PEERKIT_DISCOVERY_RFC3339_HPP

#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Seconds since 1970-01-01T00:00:00Z of a timestamp such as "2026-10-03T11:19:28.1204059+09:00": `Z` or an offset,
/// a fraction of any length (dropped, towards the past). None for anything else, and for year 1, which Go programs
/// write where they know no time. Wall-clock time: for showing to people, never for protocol decisions.
[[nodiscard]] constexpr std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept {
    std::size_t at = 0;
    bool fine = true;
    auto const number = [&](std::size_t digits, std::int64_t low, std::int64_t high) {
        std::int64_t value = 0;
        for (std::size_t i = 0; i < digits; ++i, ++at) {
            if (at >= text.size() || text[at] < '0' || text[at] > '9') {
                fine = false;
                return value;
            }
            value = value * 10 + (text[at] - '0');
        }
        fine = fine && value >= low && value <= high;
        return value;
    };
    auto const skip = [&](char upper, char other) {
        fine = fine && at < text.size() && (text[at] == upper || text[at] == other);
        ++at;
    };

    std::int64_t const year = number(4, 1, 9999);
    skip('-', '-');
    std::int64_t const month = number(2, 1, 12);
    skip('-', '-');
    bool const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    std::int64_t const days = month == 2 ? (leap ? 29 : 28) : 30 + (month + month / 8) % 2;
    std::int64_t const day = number(2, 1, days);
    skip('T', 't');
    std::int64_t const hour = number(2, 0, 23);
    skip(':', ':');
    std::int64_t const minute = number(2, 0, 59);
    skip(':', ':');
    std::int64_t const second = number(2, 0, 60);
    if (fine && at < text.size() && text[at] == '.') {
        std::size_t const digits = ++at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        fine = at > digits;
    }
    if (!fine || at >= text.size()) return std::nullopt;
    std::int64_t offset = 0;
    if (char const zone = text[at++]; zone == '+' || zone == '-') {
        offset = number(2, 0, 23) * 60;
        skip(':', ':');
        offset += number(2, 0, 59);
        if (zone == '-') offset = -offset;
    } else if (zone != 'Z' && zone != 'z') {
        return std::nullopt;
    }
    if (!fine || at != text.size() || year == 1) return std::nullopt;

    // Days of the civil calendar, counted in 400-year eras that begin on 1 March (Hinnant, "chrono-compatible
    // low-level date algorithms"): the leap day is the last day of its year.
    std::int64_t const shifted = month > 2 ? year : year - 1;
    std::int64_t const era = shifted / 400, year_of_era = shifted % 400;
    std::int64_t const day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    std::int64_t const day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    std::int64_t const epoch_days = era * 146097 + day_of_era - 719468;
    return ((epoch_days * 24 + hour) * 60 + minute - offset) * 60 + second;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
