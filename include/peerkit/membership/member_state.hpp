// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The four states of a member and their order.
#ifndef PEERKIT_MEMBERSHIP_MEMBER_STATE_HPP
#define PEERKIT_MEMBERSHIP_MEMBER_STATE_HPP

#include <peerkit/detail/config.hpp>

#include <compare>
#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// What one node holds of another. At equal incarnation a higher value wins; `left` is final for its incarnation.
enum class member_state : std::uint8_t {
    alive = 0,   ///< reachable as far as known
    suspect = 1, ///< accused of not answering, may still refute
    dead = 2,    ///< the accusation was not refuted in time; kept as a tombstone
    left = 3,    ///< said goodbye itself; kept as a tombstone
};

[[nodiscard]] constexpr std::string_view to_string(member_state state) noexcept {
    switch (state) {
    case member_state::alive: return "alive";
    case member_state::suspect: return "suspect";
    case member_state::dead: return "dead";
    case member_state::left: return "left";
    }
    return "unknown";
}

/// Position of a view of one subject in the lattice that all merges climb: lexicographic (incarnation, state).
struct standing {
    std::uint64_t incarnation = 0;
    member_state state = member_state::alive;
    [[nodiscard]] friend constexpr auto operator<=>(standing const&, standing const&) noexcept = default;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
