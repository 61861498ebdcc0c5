// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Bounds how long a strategy may take.
#ifndef PEERKIT_DISCOVERY_WITH_TIMEOUT_HPP
#define PEERKIT_DISCOVERY_WITH_TIMEOUT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/nested.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Runs `Strategy` for `limit` at most: then everything it has under way is cancelled and the run fails with
/// `timed_out`, at `limit` in milliseconds. An answer that is there first is passed on as it is. Keeps the name of
/// what it holds.
///
/// What the strategy had found until then is lost: prefer a strategy's own bound where it has one (`dns_pattern`
/// answers with the names it resolved in time).
///
/// @code
/// discovery::with_timeout bounded{std::move(tailnet), std::chrono::seconds{5}};
/// @endcode
template <typename Strategy>
class with_timeout {
    static_assert(check_strategy<Strategy>());

public:
    /// `duration::max()`: no bound.
    with_timeout(Strategy inner, duration limit) noexcept
        : inner_{std::move(inner)}, limit_{std::max(limit, duration::zero())} {}

    [[nodiscard]] std::string_view name() const noexcept { return inner_.name(); }

    [[nodiscard]] step begin(time_point now) {
        runs_.clear();
        step out = step::wait();
        auto ended = runs_.begin(strategy, inner_, now, out);
        if (time_point const at = saturating_add(now, limit_); !ended && at != never) {
            runs_.ask(timer, 0, wait_until{at}, out);
        }
        return go_on(std::move(ended), std::move(out));
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (runs_.leaving()) return runs_.resume_farewell(which, std::move(got), now, inner_);
        auto const whose = runs_.arrived(which);
        if (!whose) return runs_.unexpected();
        step out = step::wait();
        if (whose->run == timer) return runs_.end(step::failed(too_late()), std::move(out));
        auto ended = runs_.resume(*whose, inner_, std::move(got), now, out);
        return go_on(std::move(ended), std::move(out));
    }
    [[nodiscard]] step farewell(time_point now) { return runs_.farewell(now, inner_); }

    [[nodiscard]] Strategy& inner() noexcept { return inner_; }

private:
    static constexpr std::size_t strategy = 0, timer = 1;

    [[nodiscard]] step go_on(std::optional<nested_end> ended, step out) {
        if (!ended) return out;
        step last = ended->answer ? step::found(std::move(*ended->answer)) : step::failed(ended->answer.error());
        return runs_.end(std::move(last), std::move(out), std::move(ended->watches));
    }
    [[nodiscard]] error too_late() const noexcept {
        auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit_).count();
        return {discovery_error::timed_out, static_cast<std::uint64_t>(ms)};
    }

    Strategy inner_;
    duration limit_;
    nested_runs<2> runs_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
