// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs a strategy again after a while when it failed.
#ifndef PEERKIT_DISCOVERY_WITH_RETRY_HPP
#define PEERKIT_DISCOVERY_WITH_RETRY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/nested.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// How often and when to try again.
struct retry_options {
    /// Bound of the first delay; doubles with every retry ... Zero: no delays.
    duration base = std::chrono::milliseconds{500};
    duration cap = std::chrono::seconds{10}; ///< ... up to this
    unsigned attempts = 4;                   ///< runs in all, the first one included; 0 counts as 1
    bool on_empty = false;                   ///< also when the answer is that nobody is there
};

/// Runs `Strategy` again when it failed, after a random delay below a bound that doubles each time: exponential
/// backoff with full jitter, so that nodes started together do not ask together. When the attempts are used up, the
/// last answer or failure is that of the run. The host is told of every failure that is followed by a retry.
///
/// A node looks for peers again and again by itself; this is for sources that are worth a second try at once. Give
/// every node a generator of its own, or one seeded from its own randomness. Keeps the name of what it holds.
///
/// @code
/// discovery::with_retry steady{std::move(names), {.attempts = 3}, seeded_rng{seed}};
/// @endcode
template <typename Strategy, typename Random = seeded_rng>
class with_retry {
    static_assert(check_strategy<Strategy>());
    static_assert(check_rng<Random>());

public:
    with_retry(Strategy inner, retry_options options, Random rng) noexcept
        : inner_{std::move(inner)}, options_{options}, rng_{std::move(rng)} {
        options_.cap = std::max(options_.cap, duration::zero());
        options_.base = std::clamp(options_.base, duration::zero(), options_.cap);
        options_.attempts = std::max(options_.attempts, 1U);
    }

    [[nodiscard]] std::string_view name() const noexcept { return inner_.name(); }

    [[nodiscard]] step begin(time_point now) {
        runs_.clear();
        attempt_ = 1;
        bound_ = options_.base;
        step out = step::wait();
        auto ended = runs_.begin(strategy, inner_, now, out);
        return go_on(std::move(ended), now, std::move(out));
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (runs_.leaving()) return runs_.resume_farewell(which, std::move(got), now, inner_);
        auto const whose = runs_.arrived(which);
        if (!whose) return runs_.unexpected();
        step out = step::wait();
        auto ended = whose->run == pause ? runs_.begin(strategy, inner_, now, out)
                                         : runs_.resume(*whose, inner_, std::move(got), now, out);
        return go_on(std::move(ended), now, std::move(out));
    }
    [[nodiscard]] step farewell(time_point now) { return runs_.farewell(now, inner_); }

    /// Runs of the strategy that the run last begun has had so far.
    [[nodiscard]] unsigned attempts() const noexcept { return attempt_; }
    [[nodiscard]] Strategy& inner() noexcept { return inner_; }

private:
    static constexpr std::size_t strategy = 0, pause = 1;

    [[nodiscard]] step go_on(std::optional<nested_end> ended, time_point now, step out) {
        if (!ended) return out;
        bool const again = !ended->answer || (options_.on_empty && ended->answer->empty());
        if (!again || attempt_ >= options_.attempts) {
            step last = ended->answer ? step::found(std::move(*ended->answer)) : step::failed(ended->answer.error());
            return runs_.end(std::move(last), std::move(out), std::move(ended->watches));
        }
        ++attempt_;
        duration const delay = uniform(rng_, bound_);
        bound_ = bound_ > options_.cap / 2 ? options_.cap : bound_ * 2;
        out.notices().push_back({notice::severity::warning,
                                 ended->answer ? error{discovery_error::nobody_found} : ended->answer.error(),
                                 told(delay)});
        runs_.ask(pause, 0, wait_until{saturating_add(now, delay)}, out);
        return out;
    }
    [[nodiscard]] std::string told(duration delay) const {
        auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
        return std::string{name()} + " is asked again in " + std::to_string(ms) + " ms, attempt " +
               std::to_string(attempt_) + " of " + std::to_string(options_.attempts);
    }

    Strategy inner_;
    retry_options options_;
    Random rng_;
    nested_runs<2> runs_;
    unsigned attempt_ = 0;
    duration bound_{}; ///< of the next delay
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
