// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The shape of a discovery strategy: a state machine that asks for I/O and is resumed with the outcome.
#ifndef PEERKIT_DISCOVERY_STRATEGY_HPP
#define PEERKIT_DISCOVERY_STRATEGY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/error.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Largest document a strategy asks for unless it is told otherwise.
inline constexpr std::size_t default_document_limit = std::size_t{32} << 20U;

// ---- What a strategy can ask for, and what it is resumed with ---------------------------------------------------

struct elapsed {};
struct http_reply {
    unsigned status = 0;
    std::string body{};
};
struct command_exit {
    int status = 0;            ///< exit status; 128 + n when ended by signal n
    std::string output{};      ///< standard output
    std::string diagnostics{}; ///< the first 4 KiB of standard error, never mixed into `output`
};
struct file_text {
    std::string text{};
};
struct resolved {
    std::vector<ip_address> addresses{};
};

/// Resume me at `at`, or later; at once if it has passed.
struct wait_until {
    using outcome_type = elapsed;
    time_point at = never;
    [[nodiscard]] friend bool operator==(wait_until const&, wait_until const&) = default;
};

/// GET over a unix-domain socket: HTTP/1.1 with the Host header given, no Origin, no Referer, closed afterwards; the
/// reply may be chunked. Any HTTP status is an `http_reply`. Errors `unavailable`, `timed_out`, `too_large`,
/// `bad_reply`.
struct http_get {
    using outcome_type = http_reply;
    std::string socket_path{};
    std::string host{};
    std::string target{}; ///< "/path?query"
    duration timeout = std::chrono::seconds{5};
    std::size_t max_bytes = default_document_limit; ///< of the body
    [[nodiscard]] friend bool operator==(http_get const&, http_get const&) = default;
};

/// Runs a program found through PATH, without a shell, standard input closed; kills it when the time is over.
/// Any exit status is a `command_exit`. Errors `unavailable` (cannot be started), `timed_out`, `too_large`.
struct run_command {
    using outcome_type = command_exit;
    std::vector<std::string> argv{};
    duration timeout = std::chrono::seconds{8};
    std::size_t max_bytes = default_document_limit; ///< of standard output
    [[nodiscard]] friend bool operator==(run_command const&, run_command const&) = default;
};

/// Reads a whole file. Errors `unavailable`, `too_large`.
struct read_file {
    using outcome_type = file_text;
    std::string path{};
    std::size_t max_bytes = default_document_limit;
    [[nodiscard]] friend bool operator==(read_file const&, read_file const&) = default;
};

/// Looks up the addresses of a host name as the system's resolver knows it; the outcome holds at least one.
/// Errors `unresolved`, `timed_out`, `unavailable`.
struct resolve_name {
    using outcome_type = resolved;
    std::string host{};
    duration timeout = std::chrono::seconds{5};
    [[nodiscard]] friend bool operator==(resolve_name const&, resolve_name const&) = default;
};

/// One thing to be done by a driver. A driver that cannot do one answers with the error `unsupported`.
using effect = std::variant<wait_until, http_get, run_command, read_file, resolve_name>;

/// What became of an effect: its `outcome_type`, or why not.
using outcome = std::variant<elapsed, http_reply, command_exit, file_text, resolved, error>;

/// The error in `got`, or `unexpected_answer` if it answers another question: for the branch where `std::get_if` of
/// the hoped-for alternative gave nothing.
[[nodiscard]] inline error why_not(outcome const& got) noexcept {
    if (auto const* failed = std::get_if<error>(&got)) return *failed;
    return discovery_error::unexpected_answer;
}

// ---- A step ----------------------------------------------------------------------------------------------------

/// Something the host should be told while the strategy goes on.
struct notice {
    enum class severity : std::uint8_t { info, warning };
    severity level = severity::warning;
    error what;
    std::string text{}; ///< which strategy, name or entry it is about, for people
};

/// What a strategy wants next: effects to be carried out, or the end of this run; notices with either.
class step {
public:
    /// Carry out all of these at the same time, wait for every one, resume with one outcome each in the same order.
    [[nodiscard]] static step ask(std::vector<effect> effects) noexcept {
        if (effects.empty()) return failed(discovery_error::stalled);
        step made;
        made.effects_ = std::move(effects);
        return made;
    }
    [[nodiscard]] static step ask(effect one) {
        std::vector<effect> effects;
        effects.push_back(std::move(one));
        return ask(std::move(effects));
    }
    /// The run is over. No candidates is an answer: nobody is there.
    [[nodiscard]] static step found(std::vector<candidate> candidates) noexcept {
        step made;
        made.answer_ = std::move(candidates);
        return made;
    }
    /// The run is over without an answer; what an earlier run found stays good.
    [[nodiscard]] static step failed(error why) noexcept {
        step made;
        made.answer_ = fail(why);
        return made;
    }

    /// Adds a notice; returns the step, so that it can be chained.
    [[nodiscard]] step with(notice told) && {
        notices_.push_back(std::move(told));
        return std::move(*this);
    }
    [[nodiscard]] step with(std::vector<notice> told) && {
        for (notice& n : told) notices_.push_back(std::move(n));
        return std::move(*this);
    }

    /// True if there is an answer and nothing to be carried out.
    [[nodiscard]] bool ended() const noexcept { return effects_.empty(); }
    [[nodiscard]] std::vector<notice>& notices() noexcept { return notices_; }
    [[nodiscard]] std::vector<notice> const& notices() const noexcept { return notices_; }
    /// Not empty exactly if the step has not ended.
    [[nodiscard]] std::vector<effect>& effects() noexcept { return effects_; }
    [[nodiscard]] std::vector<effect> const& effects() const noexcept { return effects_; }
    /// Meaningful when `ended()`.
    [[nodiscard]] result<std::vector<candidate>>& answer() noexcept { return answer_; }
    [[nodiscard]] result<std::vector<candidate>> const& answer() const noexcept { return answer_; }

private:
    step() = default;

    std::vector<notice> notices_;
    std::vector<effect> effects_;
    result<std::vector<candidate>> answer_;
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

/// `s.resume(outcomes, now)` goes on with the outcomes of the effects asked for last, in their order.
template <typename S>
concept HasStrategyResume = requires(S& strategy, std::span<outcome> outcomes, time_point now) {
    { strategy.resume(outcomes, now) } -> std::same_as<step>;
};

/// A way of finding peers, without any I/O of its own.
///
/// A driver (`net/` with Asio, `sim/` in virtual time, a test by hand) runs it like this, once per refresh:
/// @code
/// discovery::step next = strategy.begin(clock.now());
/// while (!next.ended()) {
///     tell_host(next.notices());
///     auto outcomes = carry_out_all(next.effects());          // concurrently; one outcome per effect, in order
///     next = strategy.resume(outcomes, clock.now());
/// }
/// tell_host(next.notices());
/// use(next.answer());
/// @endcode
/// Dropping a run is allowed between any two calls; `begin` starts afresh. A strategy may keep what it learned
/// between runs. `resume` may move from the outcomes. Calls are never concurrent. A strategy does not throw and does
/// not block. See docs/concepts/discovery_strategy.md.
template <typename S>
concept DiscoveryStrategy = HasStrategyMove<S> && HasStrategyName<S> && HasStrategyBegin<S> && HasStrategyResume<S>;

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
                  "`discovery::step resume(std::span<discovery::outcome> outcomes, time_point now)`; "
                  "see docs/concepts/discovery_strategy.md");
    return DiscoveryStrategy<S>;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
