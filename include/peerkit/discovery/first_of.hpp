// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tries strategies in order until one of them finds somebody.
#ifndef PEERKIT_DISCOVERY_FIRST_OF_HPP
#define PEERKIT_DISCOVERY_FIRST_OF_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/nested.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// A strategy made of strategies: runs them one after the other, and ends with the first that finds at least one
/// candidate. Falls through a failure and through an empty answer, and tells the host of each failure. If none finds
/// anyone, the run fails with `all_failed` when every one failed, and is an empty answer otherwise.
///
/// Every run begins with the first strategy again, so a better source is taken up when it comes back: what those that
/// were tried watch for is watched, also by the ones that found nobody. Lists nest.
///
/// @code
/// discovery::first_of sources{std::move(tailnet), std::move(seeds)};
/// @endcode
template <typename... Strategies>
class first_of : public strategy_list<Strategies...> {
    static_assert(sizeof...(Strategies) > 0, "peerkit: first_of needs at least one strategy");
    // One sentence for each member that one of them lacks; the compiler names the strategy.
    static_assert((check_strategy<Strategies>() && ...));

public:
    explicit first_of(Strategies... strategies) noexcept : list{std::move(strategies)...} {}

    [[nodiscard]] std::string_view name() const noexcept { return "first_of"; }

    [[nodiscard]] step begin(time_point now) {
        runs_.clear();
        watches_.clear();
        attempts_.fill(attempt{});
        current_ = 0;
        step out = step::wait();
        auto ended = begin_current(now, out);
        return go_on(std::move(ended), now, std::move(out));
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (runs_.leaving()) {
            return std::apply([&](auto&... s) { return runs_.resume_farewell(which, std::move(got), now, s...); },
                              strategies_);
        }
        auto const whose = runs_.arrived(which);
        if (!whose) return runs_.unexpected();
        step out = step::wait();
        auto ended = use_nth(strategies_, current_,
                             [&](auto& strategy) { return runs_.resume(*whose, strategy, std::move(got), now, out); });
        return go_on(std::move(ended), now, std::move(out));
    }
    /// That of all of them, at the same time.
    [[nodiscard]] step farewell(time_point now) {
        return std::apply([&](auto&... strategy) { return runs_.farewell(now, strategy...); }, strategies_);
    }

private:
    using list = strategy_list<Strategies...>;
    using list::attempts_, list::size, list::strategies_;

    [[nodiscard]] std::optional<nested_end> begin_current(time_point now, step& out) {
        attempts_[current_].begins(now);
        return use_nth(strategies_, current_, [&](auto& strategy) { return runs_.begin(0, strategy, now, out); });
    }

    /// Waits for the current strategy; when it has ended, ends with its answer or begins the next one.
    [[nodiscard]] step go_on(std::optional<nested_end> ended, time_point now, step out) {
        while (ended) {
            std::string_view const name = use_nth(strategies_, current_, [](auto const& s) { return s.name(); });
            for (effect& change : ended->watches) watches_.push_back(std::move(change));
            attempts_[current_].ends(ended->answer, now);
            if (!ended->answer) {
                out.notices().push_back(
                    {notice::severity::warning, ended->answer.error(), std::string{name} + " found nobody"});
            } else if (!ended->answer->empty()) {
                for (candidate& c : *ended->answer) {
                    if (c.strategy.empty()) c.strategy = c.strategy.cut(name);
                }
                return runs_.end(step::found(std::move(*ended->answer)), std::move(out), std::move(watches_));
            }
            if (current_ + 1 == size) {
                return runs_.end(nobody(), std::move(out), std::move(watches_));
            }
            ++current_;
            ended = begin_current(now, out);
        }
        return out;
    }
    [[nodiscard]] step nobody() const {
        for (attempt const& a : attempts_) {
            if (a.state == attempt::outcome_kind::empty) return step::found({});
        }
        return step::failed(error{discovery_error::all_failed, size});
    }

    nested_runs<size> runs_; // one at a time, except when they say farewell
    std::vector<effect> watches_;
    std::size_t current_ = 0;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
