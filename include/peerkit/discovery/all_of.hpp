// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs strategies at the same time and merges what they find.
#ifndef PEERKIT_DISCOVERY_ALL_OF_HPP
#define PEERKIT_DISCOVERY_ALL_OF_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/nested.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// A strategy made of strategies: runs all of them at the same time and ends when every one has ended. An answer if at
/// least one answered, be it that nobody is there; the failures of the others are notices that name them. Fails with
/// `all_failed` if every one failed.
///
/// Candidates come in the order of the strategies, whichever was done first, and those that are the same node are
/// merged (`merge_duplicates`): the earlier strategy gives the place in the list, provenance, name, identity and time
/// to live, a later one adds addresses and labels that are new, and whatever the earlier one did not know.
///
/// It takes as long as the slowest one: put `with_timeout` around one that may be silent. What any of them watches for
/// is watched.
///
/// @code
/// discovery::all_of sources{std::move(seeds), discovery::with_timeout{std::move(tailnet), std::chrono::seconds{5}}};
/// @endcode
template <typename... Strategies>
class all_of : public strategy_list<Strategies...> {
    static_assert(sizeof...(Strategies) > 0, "peerkit: all_of needs at least one strategy");
    // One sentence for each member that one of them lacks; the compiler names the strategy.
    static_assert((check_strategy<Strategies>() && ...));

public:
    explicit all_of(Strategies... strategies) noexcept : list{std::move(strategies)...} {}

    [[nodiscard]] std::string_view name() const noexcept { return "all_of"; }

    [[nodiscard]] step begin(time_point now) {
        runs_.clear();
        attempts_.fill(attempt{});
        running_ = size;
        step out = step::wait();
        for (std::size_t i = 0; i < size; ++i) {
            attempts_[i].begins(now);
            use_nth(strategies_, i,
                    [&](auto& strategy) { note(i, strategy, runs_.begin(i, strategy, now, out), now, out); });
        }
        return running_ == 0 ? merged(std::move(out)) : std::move(out);
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (runs_.leaving()) {
            return std::apply([&](auto&... s) { return runs_.resume_farewell(which, std::move(got), now, s...); },
                              strategies_);
        }
        auto const whose = runs_.arrived(which);
        if (!whose) return runs_.unexpected();
        step out = step::wait();
        use_nth(strategies_, whose->run, [&](auto& strategy) {
            note(whose->run, strategy, runs_.resume(*whose, strategy, std::move(got), now, out), now, out);
        });
        return running_ == 0 ? merged(std::move(out)) : std::move(out);
    }
    /// That of all of them, at the same time.
    [[nodiscard]] step farewell(time_point now) {
        return std::apply([&](auto&... strategy) { return runs_.farewell(now, strategy...); }, strategies_);
    }

private:
    using list = strategy_list<Strategies...>;
    using list::attempts_, list::size, list::strategies_;

    /// Remembers how a strategy ended, if it did.
    template <typename S>
    void note(std::size_t i, S const& strategy, std::optional<nested_end> ended, time_point now, step& out) {
        if (!ended) return;
        --running_;
        attempts_[i].ends(ended->answer, now);
        if (!ended->answer) {
            out.notices().push_back(
                {notice::severity::warning, ended->answer.error(), std::string{strategy.name()} + " found nobody"});
        } else {
            for (candidate& c : *ended->answer) {
                if (c.strategy.empty()) c.strategy = c.strategy.cut(strategy.name());
            }
        }
        ends_[i] = std::move(ended);
    }
    [[nodiscard]] step merged(step out) {
        bool answered = false;
        std::vector<candidate> found;
        std::vector<effect> watches;
        for (std::optional<nested_end>& end : ends_) {
            std::move(end->watches.begin(), end->watches.end(), std::back_inserter(watches));
            if (end->answer && !answered) {
                found = std::move(*end->answer);
                answered = true;
            } else if (end->answer) {
                std::move(end->answer->begin(), end->answer->end(), std::back_inserter(found));
            }
            end.reset();
        }
        if (!answered) {
            return runs_.end(step::failed(error{discovery_error::all_failed, size}), std::move(out),
                             std::move(watches));
        }
        static_cast<void>(merge_duplicates(found));
        return runs_.end(step::found(std::move(found)), std::move(out), std::move(watches));
    }

    nested_runs<size> runs_;
    std::array<std::optional<nested_end>, size> ends_{};
    std::size_t running_ = 0;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
