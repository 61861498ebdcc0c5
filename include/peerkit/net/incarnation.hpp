// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The incarnation a starting node takes: above what was stored, and above the clock.
#ifndef PEERKIT_NET_INCARNATION_HPP
#define PEERKIT_NET_INCARNATION_HPP

#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The wall clock in microseconds: the lowest incarnation a starting node takes. Nobody reads it as a time.
[[nodiscard]] inline std::uint64_t wall_clock_incarnation() noexcept {
    auto const since = std::chrono::system_clock::now().time_since_epoch();
    auto const micros = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
    return micros > 0 ? static_cast<std::uint64_t>(micros) : 1;
}

/// The next incarnation to start with: above the stored one, and above every one minted by the clock before. A clock
/// that was set back costs nothing as long as the store is there.
[[nodiscard]] constexpr std::uint64_t next_incarnation(std::uint64_t stored, std::uint64_t clock) noexcept {
    return std::clamp<std::uint64_t>(std::max(stored + 1, clock), 1, limits::incarnation - 1);
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
