// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Time as the core sees it: steady, injected, saturating.
#ifndef PEERKIT_CORE_CLOCK_HPP
#define PEERKIT_CORE_CLOCK_HPP

#include <peerkit/detail/config.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE

using duration = std::chrono::nanoseconds;

/// Tag of the core's time line. It has no `now()`: the core is told the time, it never asks.
struct steady_time {
    using rep = std::chrono::nanoseconds::rep;
    using period = std::chrono::nanoseconds::period;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<steady_time>;
    static constexpr bool is_steady = true;
};

/// A moment on a steady clock whose zero is arbitrary but fixed for the life of a node.
using time_point = steady_time::time_point;

/// "Never": the deadline of a timer that is not armed.
inline constexpr time_point never = time_point::max();

/// `clock.now()` can be called.
template <typename T>
concept ClockHasNow = requires(T& clock) { clock.now(); };

/// `clock.now()` gives a moment of the core's own time line, not of another clock's.
template <typename T>
concept ClockTellsTimePoint = requires(T& clock) {
    { clock.now() } -> std::same_as<time_point>;
};

/// A source of steady time, for shells. Never goes back, is not set by a wall clock. See
/// docs/concepts/clock.md.
template <typename T>
concept SteadyClock = ClockHasNow<T> && ClockTellsTimePoint<T>;

/// True for a `SteadyClock`; for anything else does not compile, and says in one sentence what is missing.
/// @code static_assert(peerkit::check_clock<my_clock>()); @endcode
template <typename T>
[[nodiscard]] consteval bool check_clock() noexcept {
    static_assert(ClockHasNow<T>, "peerkit: a SteadyClock needs `now()`; see docs/concepts/clock.md");
    if constexpr (ClockHasNow<T>) {
        static_assert(ClockTellsTimePoint<T>, "peerkit: a SteadyClock needs `now()` to return peerkit::time_point, "
                                              "not another clock's time; see docs/concepts/clock.md");
    }
    return SteadyClock<T>;
}

/// `at + delay`, held at `never` instead of wrapping. A delay below zero counts as zero.
[[nodiscard]] constexpr time_point saturating_add(time_point at, duration delay) noexcept {
    if (delay <= duration::zero()) return at;
    if (at.time_since_epoch() > duration::max() - delay) return never;
    return at + delay;
}

/// std::chrono::steady_clock as a `SteadyClock`.
struct system_steady_clock {
    [[nodiscard]] time_point now() const noexcept {
        return time_point{std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch())};
    }
};

PEERKIT_END_NAMESPACE

#endif
