// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tries strategies in order until one of them finds somebody.
#ifndef PEERKIT_DISCOVERY_FIRST_OF_HPP
#define PEERKIT_DISCOVERY_FIRST_OF_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// How one strategy of a list fared in the run that was last begun.
struct attempt {
    enum class outcome_kind : std::uint8_t {
        not_tried, ///< an earlier one answered, or its turn has not come
        running,
        found,  ///< at least one candidate
        empty,  ///< an answer, but nobody
        failed, ///< see `why`
    };
    std::string_view strategy; ///< its name; lives as long as the list
    outcome_kind state = outcome_kind::not_tried;
    std::optional<error> why;
};

/// A strategy made of strategies: runs them one after the other, and ends with the first that finds at least one
/// candidate. Falls through a failure and through an empty answer, and tells the host of each failure. If none finds
/// anyone, the run fails with `all_failed` when every one failed, and is an empty answer otherwise.
///
/// Every run begins with the first strategy again, so a better source is taken up when it comes back. Lists nest.
///
/// @code
/// discovery::first_of sources{discovery::tailscale{options}, std::move(seeds)};
/// @endcode
template <typename... Strategies>
class first_of {
    static_assert(sizeof...(Strategies) > 0, "peerkit: first_of needs at least one strategy");
    // One sentence for each member that one of them lacks; the compiler names the strategy.
    static_assert((check_strategy<Strategies>() && ...));

public:
    explicit first_of(Strategies... strategies) noexcept : strategies_{std::move(strategies)...} {}

    [[nodiscard]] std::string_view name() const noexcept { return "first_of"; }

    [[nodiscard]] step begin(time_point now) {
        attempts_.fill(attempt{});
        current_ = 0;
        return go_on(begin_current(now), now);
    }
    [[nodiscard]] step resume(std::span<outcome> outcomes, time_point now) {
        return go_on(visit([&](auto& strategy) { return strategy.resume(outcomes, now); }), now);
    }

    /// One entry per strategy, in order: for health pages and reports.
    [[nodiscard]] std::array<attempt, sizeof...(Strategies)> attempts() const noexcept {
        auto all = attempts_;
        std::size_t i = 0;
        std::apply([&](auto const&... strategy) { ((all[i++].strategy = strategy.name()), ...); }, strategies_);
        return all;
    }
    /// The strategies themselves.
    template <std::size_t I>
    [[nodiscard]] auto& get() noexcept {
        return std::get<I>(strategies_);
    }

private:
    using kind = attempt::outcome_kind;

    /// Calls `use` with the current strategy.
    template <typename Use, std::size_t I = 0>
    auto visit(Use use) {
        if constexpr (I + 1 < sizeof...(Strategies)) {
            if (current_ != I) return visit<Use, I + 1>(use);
        }
        return use(std::get<I>(strategies_));
    }
    [[nodiscard]] step begin_current(time_point now) {
        attempts_[current_].state = kind::running;
        return visit([now](auto& strategy) { return strategy.begin(now); });
    }

    /// Passes on what the current strategy asks for; when it has ended, its answer or the next strategy's first step.
    [[nodiscard]] step go_on(step next, time_point now) {
        std::vector<notice> told;
        auto const with_all_told = [&told](step last) {
            for (notice& n : last.notices()) told.push_back(std::move(n));
            last.notices() = std::move(told);
            return last;
        };
        while (next.ended()) {
            for (notice& n : next.notices()) told.push_back(std::move(n));
            next.notices().clear();
            std::string_view const name = visit([](auto const& strategy) { return strategy.name(); });
            attempt& now_ended = attempts_[current_];
            if (!next.answer()) {
                now_ended.state = kind::failed;
                now_ended.why = next.answer().error();
                told.push_back({notice::severity::warning, *now_ended.why, std::string{name} + " found nobody"});
            } else if (next.answer()->empty()) {
                now_ended.state = kind::empty;
            } else {
                now_ended.state = kind::found;
                for (candidate& c : *next.answer()) {
                    if (c.strategy.empty()) c.strategy = c.strategy.cut(name);
                }
                return with_all_told(std::move(next));
            }
            if (current_ + 1 == sizeof...(Strategies)) return with_all_told(give_up());
            ++current_;
            next = begin_current(now);
        }
        return with_all_told(std::move(next));
    }
    [[nodiscard]] step give_up() const {
        for (attempt const& a : attempts_) {
            if (a.state == kind::empty) return step::found({});
        }
        return step::failed(error{discovery_error::all_failed, sizeof...(Strategies)});
    }

    std::tuple<Strategies...> strategies_;
    std::array<attempt, sizeof...(Strategies)> attempts_{};
    std::size_t current_ = 0;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
