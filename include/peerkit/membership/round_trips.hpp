// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How long members take to answer: smoothed round trips and their variation, two bytes a member.
#ifndef PEERKIT_MEMBERSHIP_ROUND_TRIPS_HPP
#define PEERKIT_MEMBERSHIP_ROUND_TRIPS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/slot_column.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// What is known of the way to a member and back.
struct round_trip {
    duration smoothed{};
    duration variation{};
    /// RFC 6298 section 2: an answer that takes longer is most likely not coming.
    [[nodiscard]] constexpr duration timeout() const noexcept { return smoothed + 4 * variation; }
    [[nodiscard]] friend constexpr bool operator==(round_trip const&, round_trip const&) noexcept = default;
};

/// Round trips by the rule of RFC 6298 (smoothed by 1/8, variation by 1/4), kept in 16 bits: ten for the smoothed value
/// from a microsecond to a minute in steps of 3 % or a microsecond, six for the variation as a part of it, from 1/64 to
/// 15 times. What is kept moves by at least one step towards each sample that differs, so that rounding holds nothing
/// back. Samples must be unambiguous (Karn): of an answer that belongs to one ping only.
///
/// @code
/// trips.note(at, now - sent);
/// if (auto const known = trips.estimate(at)) retry_after = known->timeout();
/// @endcode
class round_trips {
public:
    /// A longer sample counts as this long.
    static constexpr duration longest = std::chrono::minutes{1};

    void note(slot at, duration sample) {
        std::uint64_t const taken = microseconds(sample);
        std::uint16_t const held = codes_[at];
        if (held == 0) return codes_.set(at, packed(trip_code(taken), part_code(taken / 2, taken)));
        unsigned const trip = held >> part_bits, part = held & part_mask;
        std::uint64_t const smoothed = trip_value(trip);
        std::uint64_t const variation = part_of(smoothed, part);
        std::uint64_t const off = smoothed < taken ? taken - smoothed : smoothed - taken;
        std::uint64_t const varies = variation - variation / 4U + off / 4U;
        unsigned const trip_next = stepped(trip, trip_code(smoothed - smoothed / 8U + taken / 8U), trip_code(taken));
        // The variation is a part of the smoothed value, which has just changed.
        std::uint64_t const base = trip_value(trip_next);
        unsigned const part_next = stepped(part_code(variation, base), part_code(varies, base), part_code(off, base));
        codes_.set(at, packed(trip_next, part_next));
    }
    /// None before the first sample.
    [[nodiscard]] std::optional<round_trip> estimate(slot at) const noexcept {
        std::uint16_t const held = codes_[at];
        if (held == 0) return std::nullopt;
        std::uint64_t const smoothed = trip_value(held >> part_bits);
        return round_trip{of(smoothed), of(part_of(smoothed, held & part_mask))};
    }
    /// The slot is somebody else's from now on.
    void forget(slot at) noexcept { codes_.clear(at); }

private:
    static constexpr unsigned part_bits = 6, part_mask = 63;

    [[nodiscard]] static constexpr std::uint64_t microseconds(duration sample) noexcept {
        auto const held = std::clamp(sample, duration{std::chrono::microseconds{1}}, longest);
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(held).count());
    }
    [[nodiscard]] static constexpr duration of(std::uint64_t microseconds) noexcept {
        return std::chrono::microseconds{static_cast<std::chrono::microseconds::rep>(microseconds)};
    }

    // Small floating-point numbers: an exponent above a mantissa of `Bits`, at the smallest without a leading one.
    template <unsigned Bits>
    [[nodiscard]] static constexpr std::uint64_t decoded(unsigned code) noexcept {
        unsigned const exponent = code >> Bits;
        std::uint64_t const mantissa = code & ((1U << Bits) - 1U);
        return exponent == 0 ? mantissa : (mantissa | 1U << Bits) << (exponent - 1U);
    }
    template <unsigned Bits>
    [[nodiscard]] static constexpr unsigned encoded(std::uint64_t value) noexcept {
        auto const width = static_cast<unsigned>(std::bit_width(value));
        if (width <= Bits) return static_cast<unsigned>(value);
        unsigned const shift = width - Bits - 1U;
        // To the nearest: a carry out of the mantissa raises the exponent, as it should.
        std::uint64_t const half = shift == 0 ? 0 : std::uint64_t{1} << (shift - 1U);
        return static_cast<unsigned>((value + half) >> shift) + (shift << Bits);
    }
    [[nodiscard]] static constexpr std::uint64_t trip_value(unsigned code) noexcept { return decoded<5>(code); }
    [[nodiscard]] static constexpr unsigned trip_code(std::uint64_t value) noexcept {
        return std::max(1U, encoded<5>(value)); // code 0: nothing known
    }
    /// Codes of the variation stand for so many 1/64 of the smoothed value.
    [[nodiscard]] static constexpr std::uint64_t part_of(std::uint64_t smoothed, unsigned code) noexcept {
        return (smoothed * decoded<3>(code) + 32U) / 64U;
    }
    [[nodiscard]] static constexpr unsigned part_code(std::uint64_t variation, std::uint64_t smoothed) noexcept {
        return std::min(part_mask, encoded<3>((variation * 64U + smoothed / 2U) / smoothed));
    }
    [[nodiscard]] static constexpr std::uint16_t packed(unsigned trip, unsigned part) noexcept {
        return static_cast<std::uint16_t>(trip << part_bits | part);
    }
    /// Where smoothing leads, but one step towards the sample at least.
    [[nodiscard]] static constexpr unsigned stepped(unsigned from, unsigned smoothed, unsigned sample) noexcept {
        if (smoothed != from || sample == from) return smoothed;
        return sample > from ? from + 1U : from - 1U;
    }

    slot_column<std::uint16_t> codes_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
