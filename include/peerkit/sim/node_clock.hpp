// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Each node's own steady clock: another zero, another rate, and leaps.
#ifndef PEERKIT_SIM_NODE_CLOCK_HPP
#define PEERKIT_SIM_NODE_CLOCK_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Maps the world's time to what one node's steady clock shows: `zero + elapsed + elapsed * drift`. No two nodes of a
/// world share a zero, so code that compares moments of different nodes fails here as it would outside.
class node_clock {
public:
    constexpr node_clock() noexcept = default;
    /// `drift` in millionths, faster if positive; |drift| < 1,000,000.
    constexpr node_clock(duration zero, std::int32_t drift = 0) noexcept : zero_{zero}, drift_{drift} {}

    [[nodiscard]] constexpr time_point to_node(time_point world) const noexcept {
        return world + zero_ + gained(world.time_since_epoch());
    }
    /// The first moment of the world at which the node's clock shows `local` or later; `never` stays `never`.
    [[nodiscard]] constexpr time_point to_world(time_point local) const noexcept {
        if (local == never) return never;
        if (drift_ == 0) return local - zero_;
        duration const shown = local - zero_ - time_point{};
        // shown = t + t * d / 1e6, so t is near shown - shown * d / (1e6 + d); the steps mend the rounding.
        duration::rep const rate = 1'000'000 + drift_;
        duration::rep const parts = shown.count() / rate, rest = shown.count() % rate;
        time_point guess{duration{parts * 1'000'000 + rest * 1'000'000 / rate}};
        while (to_node(guess) < local) guess += duration{1};
        while (guess > time_point{} && to_node(guess - duration{1}) >= local) guess -= duration{1};
        return guess;
    }

    /// The clock shows that much more from now on: a suspended machine whose steady clock ran on.
    constexpr void leap(duration ahead) noexcept { zero_ += ahead; }
    /// Changes the rate at `now` without a step.
    constexpr void set_drift(std::int32_t drift, time_point now) noexcept {
        time_point const shown = to_node(now);
        drift_ = drift;
        zero_ += shown - to_node(now);
    }

private:
    [[nodiscard]] constexpr duration gained(duration elapsed) const noexcept {
        duration::rep const million = elapsed.count() / 1'000'000, rest = elapsed.count() % 1'000'000;
        return duration{million * drift_ + rest * drift_ / 1'000'000};
    }

    duration zero_{};
    std::int32_t drift_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
