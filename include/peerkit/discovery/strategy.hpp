// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The shape of a discovery strategy: a state machine that asks for I/O and is resumed with the outcome.
#ifndef PEERKIT_DISCOVERY_STRATEGY_HPP
#define PEERKIT_DISCOVERY_STRATEGY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

// ---- A step ----------------------------------------------------------------------------------------------------

/// Something the host should be told while the strategy goes on.
struct notice {
    enum class severity : std::uint8_t { info, warning };
    severity level = severity::warning;
    error what;
    std::string text{}; ///< which strategy, name or entry it is about, for people
};

/// Names one effect among those that a run has under way. Free to be used again once its outcome has arrived.
using ticket = std::uint32_t;

/// An effect to be carried out, and the name its outcome comes back with.
struct request {
    ticket id = 0;
    effect what;
};

/// What a strategy wants next: effects to be begun, effects no longer wanted, or the end of this run; notices with any.
///
/// Every effect that is begun is under way until its outcome arrives, it is cancelled, or the run ends, which cancels
/// the rest. A strategy that neither ends nor has anything under way fails with `stalled`.
class step {
public:
    /// Begin this one.
    [[nodiscard]] static step ask(effect one, ticket id = 0) {
        step made;
        made.ask_also(id, std::move(one));
        return made;
    }
    /// Begin all of these at the same time, under the tickets 0, 1, ...
    [[nodiscard]] static step ask(std::vector<effect> effects) {
        step made;
        made.requests_.reserve(effects.size());
        for (effect& one : effects) made.ask_also(static_cast<ticket>(made.requests_.size()), std::move(one));
        return made;
    }
    /// Nothing new: what is under way goes on.
    [[nodiscard]] static step wait() noexcept { return {}; }
    /// The run is over. No candidates is an answer: nobody is there.
    [[nodiscard]] static step found(std::vector<candidate> candidates) noexcept {
        step made;
        made.answer_.emplace(std::move(candidates));
        return made;
    }
    /// The run is over without an answer; what an earlier run found stays good.
    [[nodiscard]] static step failed(error why) noexcept {
        step made;
        made.answer_.emplace(fail(why));
        return made;
    }

    /// Begin this one, too.
    void ask_also(ticket id, effect one) { requests_.push_back({id, std::move(one)}); }
    /// This one is not wanted any more: its outcome never arrives. Carried out before anything is begun.
    void cancel(ticket id) { cancelled_.push_back(id); }

    /// Adds a notice; returns the step, so that it can be chained.
    [[nodiscard]] step with(notice told) && {
        notices_.push_back(std::move(told));
        return std::move(*this);
    }
    [[nodiscard]] step with(std::vector<notice> told) && {
        for (notice& n : told) notices_.push_back(std::move(n));
        return std::move(*this);
    }
    /// For the last step of a run: something that, once done, is a reason to look again before the next refresh is due.
    [[nodiscard]] step watching(effect change) && {
        watches_.push_back(std::move(change));
        return std::move(*this);
    }

    /// True if there is an answer and nothing to be carried out.
    [[nodiscard]] bool ended() const noexcept { return answer_.has_value(); }
    [[nodiscard]] std::vector<notice>& notices() noexcept { return notices_; }
    [[nodiscard]] std::vector<notice> const& notices() const noexcept { return notices_; }
    /// Empty if the step has ended.
    [[nodiscard]] std::vector<request>& requests() noexcept { return requests_; }
    [[nodiscard]] std::vector<request> const& requests() const noexcept { return requests_; }
    [[nodiscard]] std::vector<ticket>& cancelled() noexcept { return cancelled_; }
    [[nodiscard]] std::vector<ticket> const& cancelled() const noexcept { return cancelled_; }
    /// Effects that run until the next run begins. Empty unless the step has ended.
    [[nodiscard]] std::vector<effect>& watches() noexcept { return watches_; }
    [[nodiscard]] std::vector<effect> const& watches() const noexcept { return watches_; }
    /// Only when `ended()`.
    [[nodiscard]] result<std::vector<candidate>>& answer() noexcept { return *answer_; }
    [[nodiscard]] result<std::vector<candidate>> const& answer() const noexcept { return *answer_; }

private:
    step() = default;

    std::vector<notice> notices_;
    std::vector<request> requests_;
    std::vector<ticket> cancelled_;
    std::vector<effect> watches_;
    std::optional<result<std::vector<candidate>>> answer_;
};

// ---- The concept -----------------------------------------------------------------------------------------------

/// A strategy can be moved into the place it will live in, without throwing.
template <typename S>
concept HasStrategyMove = std::move_constructible<S> && std::is_nothrow_move_constructible_v<S>;

/// `s.name()` names the strategy in logs and candidates; the text lives as long as the strategy.
template <typename S>
concept HasStrategyName = requires(S const& strategy) {
    { strategy.name() } noexcept -> std::same_as<std::string_view>;
};

/// `s.begin(now)` starts a run, abandoning one that has not ended.
template <typename S>
concept HasStrategyBegin = requires(S& strategy, time_point now) {
    { strategy.begin(now) } -> std::same_as<step>;
};

/// `s.resume(which, outcome, now)` goes on with the outcome of one effect.
template <typename S>
concept HasStrategyResume = requires(S& strategy, ticket which, outcome got, time_point now) {
    { strategy.resume(which, std::move(got), now) } -> std::same_as<step>;
};

/// `s.farewell(now)`, which a strategy may have: begins a last run, abandoning one that has not ended, in which the
/// strategy takes back what it has told others of this node. Its candidates and watches are not used.
template <typename S>
concept HasStrategyFarewell = requires(S& strategy, time_point now) {
    { strategy.farewell(now) } -> std::same_as<step>;
};

/// A way of finding peers, without any I/O of its own.
///
/// A driver (`net/` with Asio, `sim/` in virtual time, a test by hand) runs it like this, once per refresh:
/// @code
/// discovery::step next = strategy.begin(clock.now());
/// for (;;) {
///     tell_host(next.notices());
///     if (next.ended()) break;
///     forget(next.cancelled());
///     begin_all(next.requests());                             // they run at the same time
///     auto [which, got] = wait_for_one_of_those_under_way();
///     next = strategy.resume(which, std::move(got), clock.now());
/// }
/// use(next.answer());                                         // and cancel what is still under way
/// @endcode
/// Dropping a run is allowed between any two calls; `begin` starts afresh. A strategy may keep what it learned
/// between runs. When the node leaves, `say_farewell` begins one more run, cut short after a moment; `begin` may still
/// follow it. Calls are never concurrent. A strategy does not throw and does not block.
/// See docs/concepts/discovery_strategy.md.
template <typename S>
concept DiscoveryStrategy = HasStrategyMove<S> && HasStrategyName<S> && HasStrategyBegin<S> && HasStrategyResume<S>;

/// Begins the farewell of a strategy; of one that has none it is over at once.
template <DiscoveryStrategy S>
[[nodiscard]] step say_farewell(S& strategy, time_point now) {
    if constexpr (HasStrategyFarewell<S>) {
        return strategy.farewell(now);
    } else {
        return step::found({});
    }
}

/// Says which member `S` lacks, one sentence each. Put it beside your type:
/// @code static_assert(peerkit::discovery::check_strategy<my_strategy>()); @endcode
template <typename S>
consteval bool check_strategy() {
    static_assert(HasStrategyMove<S>, "peerkit: a discovery strategy must be movable without throwing; "
                                      "see docs/concepts/discovery_strategy.md");
    static_assert(HasStrategyName<S>, "peerkit: a discovery strategy needs `std::string_view name() const noexcept`; "
                                      "see docs/concepts/discovery_strategy.md");
    static_assert(HasStrategyBegin<S>, "peerkit: a discovery strategy needs `discovery::step begin(time_point now)`; "
                                       "see docs/concepts/discovery_strategy.md");
    static_assert(HasStrategyResume<S>,
                  "peerkit: a discovery strategy needs "
                  "`discovery::step resume(discovery::ticket which, discovery::outcome got, time_point now)`; "
                  "see docs/concepts/discovery_strategy.md");
    // It may be missing, but not be misspelt.
    if constexpr (requires { &S::farewell; }) {
        static_assert(HasStrategyFarewell<S>, "peerkit: the farewell of a discovery strategy is "
                                              "`discovery::step farewell(time_point now)`; "
                                              "see docs/concepts/discovery_strategy.md");
    }
    return DiscoveryStrategy<S>;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
