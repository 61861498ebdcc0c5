// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs of strategies inside the run of another strategy: what every combinator is built on.
#ifndef PEERKIT_DISCOVERY_NESTED_HPP
#define PEERKIT_DISCOVERY_NESTED_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
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
    std::size_t candidates = 0; ///< how many it found
    time_point begun{};         ///< meaningless while `not_tried`
    duration took{};            ///< from its begin to its end; zero while it is running

    void begins(time_point now) noexcept {
        state = outcome_kind::running;
        begun = now;
    }
    void ends(result<std::vector<candidate>> const& answer, time_point now) noexcept {
        took = now - begun;
        if (!answer) {
            state = outcome_kind::failed;
            why = answer.error();
            return;
        }
        state = answer->empty() ? outcome_kind::empty : outcome_kind::found;
        candidates = answer->size();
    }
};

/// What the lists of strategies share: the strategies, and how each of them fared.
template <typename... Strategies>
class strategy_list {
public:
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

protected:
    static constexpr std::size_t size = sizeof...(Strategies);

    explicit strategy_list(Strategies... strategies) noexcept : strategies_{std::move(strategies)...} {}

    std::tuple<Strategies...> strategies_;
    std::array<attempt, sizeof...(Strategies)> attempts_{};
};

/// How a nested run ended.
struct nested_end {
    result<std::vector<candidate>> answer;
    std::vector<effect> watches{};
};

/// Keeps the tickets of up to `Runs` runs apart that share the run of one strategy around them: gives every effect of
/// a nested run a ticket of the outer run, knows whose an arriving outcome is, and cancels what is still under way when
/// a nested run ends. An outer strategy that asks for effects of its own does so under a run number of its own.
///
/// A nested strategy that breaks the rules of its shape (a ticket used twice, one cancelled that it does not have,
/// nothing under way) breaks its own run at most, never the outer one. Bookkeeping takes memory for the largest number
/// of effects that were under way at the same time, and is reused from run to run. Not thread-safe.
///
/// @code
/// step begin(time_point now) {
///     runs_.clear();
///     step out = step::wait();
///     if (auto ended = runs_.begin(0, inner_, now, out)) return runs_.end(step::found(...), std::move(out));
///     return out;
/// }
/// @endcode
template <std::size_t Runs>
class nested_runs {
public:
    /// Whose outcome has arrived, and the ticket it was asked for with.
    struct arrival {
        std::size_t run;
        ticket id;
    };

    /// To be called when the outer run begins: whatever was under way before is not any more.
    void clear() noexcept {
        slots_.clear();
        free_.clear();
        under_way_.fill(0);
        leaving_ = false;
    }
    /// The outcome with ticket `outer` is there; none if no such effect is under way.
    [[nodiscard]] std::optional<arrival> arrived(ticket outer) noexcept {
        if (outer >= slots_.size() || slots_[outer].run == Runs) return std::nullopt;
        arrival const found{slots_[outer].run, slots_[outer].inner};
        release(outer);
        return found;
    }
    /// What to answer to an outcome that `arrived` does not know: nothing, as long as anything is under way.
    [[nodiscard]] step unexpected() const noexcept {
        for (std::size_t const n : under_way_) {
            if (n != 0) return step::wait();
        }
        return step::failed(discovery_error::unexpected_answer);
    }

    /// Begins a run of `strategy`, after cancelling what is left of an earlier one with this number, and passes on its
    /// first step. @returns how it ended, if it did already.
    template <DiscoveryStrategy S>
    [[nodiscard]] std::optional<nested_end> begin(std::size_t run, S& strategy, time_point now, step& out) {
        cancel(run, out);
        return pass_on(run, strategy.begin(now), out);
    }
    /// Resumes `strategy` and passes on its step. @returns how the run ended, if it did.
    template <DiscoveryStrategy S>
    [[nodiscard]] std::optional<nested_end> resume(arrival const& whose, S& strategy, outcome got, time_point now,
                                                   step& out) {
        return pass_on(whose.run, strategy.resume(whose.id, std::move(got), now), out);
    }
    /// Asks for an effect on behalf of a run.
    void ask(std::size_t run, ticket inner, effect what, step& out) {
        ticket outer = static_cast<ticket>(slots_.size());
        if (free_.empty()) {
            slots_.push_back({inner, run});
            free_.reserve(slots_.capacity()); // so that giving tickets back never allocates
        } else {
            outer = free_.back();
            free_.pop_back();
            slots_[outer] = {inner, run};
        }
        ++under_way_[run];
        out.ask_also(outer, std::move(what));
    }
    /// Cancels everything that a run has under way. Not in a step that begins effects of the same run.
    void cancel(std::size_t run, step& out) {
        for (ticket outer = 0; under_way_[run] != 0; ++outer) {
            if (slots_[outer].run != run) continue;
            release(outer);
            out.cancel(outer);
        }
    }
    [[nodiscard]] std::size_t under_way(std::size_t run) const noexcept { return under_way_[run]; }

    /// The end of the outer run: `last`, after the notices of `out`, with reasons to look again early.
    [[nodiscard]] step end(step last, step out, std::vector<effect> watches = {}) {
        clear();
        std::vector<notice> told = std::move(out.notices());
        for (notice& n : last.notices()) told.push_back(std::move(n));
        last.notices() = std::move(told);
        last.watches() = std::move(watches);
        return last;
    }

    /// The farewell of the outer strategy: that of all its strategies, at the same time. It fails with the first
    /// failure; of several strategies each that fails is a notice, too.
    template <DiscoveryStrategy... S>
    [[nodiscard]] step farewell(time_point now, S&... strategies) {
        static_assert(sizeof...(S) <= Runs);
        clear();
        leaving_ = true;
        remaining_ = sizeof...(S);
        failed_.reset();
        step out = step::wait();
        std::size_t run = 0;
        (left(strategies, sizeof...(S), pass_on(run++, say_farewell(strategies, now), out), out), ...);
        return parted(std::move(out));
    }
    /// Until `clear`, outcomes belong to farewells; they go to `resume_farewell`.
    [[nodiscard]] bool leaving() const noexcept { return leaving_; }
    template <DiscoveryStrategy... S>
    [[nodiscard]] step resume_farewell(ticket outer, outcome got, time_point now, S&... strategies) {
        auto const whose = arrived(outer);
        if (!whose) return unexpected();
        step out = step::wait();
        std::size_t run = 0;
        auto const resume_it = [&](auto& strategy) {
            if (run++ == whose->run)
                left(strategy, sizeof...(S), resume(*whose, strategy, std::move(got), now, out), out);
        };
        (resume_it(strategies), ...);
        return parted(std::move(out));
    }

private:
    struct slot {
        ticket inner;
        std::size_t run; ///< `Runs`: free
    };

    [[nodiscard]] std::optional<nested_end> pass_on(std::size_t run, step said, step& out) {
        for (notice& n : said.notices()) out.notices().push_back(std::move(n));
        if (said.ended()) {
            cancel(run, out);
            return nested_end{std::move(said.answer()), std::move(said.watches())};
        }
        for (ticket const inner : said.cancelled()) {
            for (ticket outer = 0; outer < slots_.size(); ++outer) {
                if (slots_[outer].run != run || slots_[outer].inner != inner) continue;
                release(outer);
                out.cancel(outer);
                break;
            }
        }
        for (request& r : said.requests()) ask(run, r.id, std::move(r.what), out);
        if (under_way_[run] == 0) return nested_end{fail(discovery_error::stalled)};
        return std::nullopt;
    }
    void release(ticket outer) noexcept {
        --under_way_[slots_[outer].run];
        slots_[outer].run = Runs;
        free_.push_back(outer);
    }

    template <typename S>
    void left(S const& strategy, std::size_t of, std::optional<nested_end> ended, step& out) {
        if (!ended) return;
        --remaining_;
        if (ended->answer) return;
        if (!failed_) failed_ = ended->answer.error();
        if (of > 1) {
            out.notices().push_back({notice::severity::warning, ended->answer.error(),
                                     std::string{strategy.name()} + " could not say farewell"});
        }
    }
    [[nodiscard]] step parted(step out) {
        if (remaining_ != 0) return out;
        return end(failed_ ? step::failed(*failed_) : step::found({}), std::move(out));
    }

    std::vector<slot> slots_; ///< by outer ticket
    std::vector<ticket> free_;
    std::array<std::size_t, Runs> under_way_{};
    std::size_t remaining_ = 0;   ///< farewells that have not ended
    std::optional<error> failed_; ///< why the first of them could not be said
    bool leaving_ = false;
};

/// Calls `use` with the element of a tuple whose index is known at run time; with the last one if there is none such.
template <std::size_t I = 0, typename Tuple, typename Use>
decltype(auto) use_nth(Tuple& all, std::size_t index, Use&& use) {
    if constexpr (I + 1 < std::tuple_size_v<Tuple>) {
        if (index != I) return use_nth<I + 1>(all, index, std::forward<Use>(use));
    }
    return use(std::get<I>(all));
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
