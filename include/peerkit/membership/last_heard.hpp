// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// When each member was last heard itself, two bytes a member.
#ifndef PEERKIT_MEMBERSHIP_LAST_HEARD_HPP
#define PEERKIT_MEMBERSHIP_LAST_HEARD_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/slot_column.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// Moments in steps of two seconds. What is longer ago than 36 hours is taken for more recent, by a multiple of that:
/// nobody who counts as alive is silent for so long. For explanations only, no decision is made by it.
class last_heard {
public:
    static constexpr duration step = std::chrono::seconds{2};

    void note(slot at, time_point now) { moments_.set(at, static_cast<std::uint16_t>(steps(now) % cycle + 1)); }
    /// None if the member was not heard since it is in the table.
    /// @param before not after this, such as now, or when the member died
    [[nodiscard]] std::optional<time_point> find(slot at, time_point before) const noexcept {
        std::uint16_t const held = moments_[at];
        if (held == 0) return std::nullopt;
        std::int64_t const last = steps(before);
        std::int64_t const ago = (last % cycle - (held - 1) + cycle) % cycle;
        return time_point{step * (last - ago)};
    }
    /// The slot is somebody else's from now on.
    void forget(slot at) noexcept { moments_.clear(at); }

private:
    static constexpr std::int64_t cycle = 0xffff;

    [[nodiscard]] static constexpr std::int64_t steps(time_point at) noexcept { return at.time_since_epoch() / step; }

    slot_column<std::uint16_t> moments_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
