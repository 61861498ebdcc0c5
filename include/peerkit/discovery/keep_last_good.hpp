// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Answers a failed run with what the last good one found.
#ifndef PEERKIT_DISCOVERY_KEEP_LAST_GOOD_HPP
#define PEERKIT_DISCOVERY_KEEP_LAST_GOOD_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/nested.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// How long an answer is good for when no better one is to be had.
struct keep_options {
    duration max_age = std::chrono::hours{24};                       ///< since the run that found it ended
    std::size_t max_times = std::numeric_limits<std::size_t>::max(); ///< failed runs in a row that it answers
    /// An answer that lost more than so many per cent of the last good one is not believed before the next run says
    /// so, too: a registry that was just restarted knows only half. From 100 on every answer is believed at once.
    unsigned doubt_losses_above = 100;
};

/// Runs `Strategy`; when it fails, answers with the candidates of its last good run, and tells the host why and how old
/// they are. So an error never makes the list shorter; an answer does, the answer that nobody is there included. With
/// nobody to remember, or if it was too long ago or used too often, the failure is passed on.
///
/// Remembers one answer, from run to run, in memory. The candidates are as they were found, times to live included.
/// An answer that is doubted (`doubt_losses_above`) is completed with what was lost. Keeps the name of what it holds.
///
/// @code
/// discovery::keep_last_good steady{std::move(names), {.max_age = std::chrono::hours{1}}};
/// @endcode
template <typename Strategy>
class keep_last_good {
    static_assert(check_strategy<Strategy>());

public:
    explicit keep_last_good(Strategy inner, keep_options options = {}) noexcept
        : inner_{std::move(inner)}, options_{options} {
        options_.doubt_losses_above = std::min(options_.doubt_losses_above, 100U);
    }

    [[nodiscard]] std::string_view name() const noexcept { return inner_.name(); }

    [[nodiscard]] step begin(time_point now) {
        runs_.clear();
        step out = step::wait();
        auto ended = runs_.begin(0, inner_, now, out);
        return go_on(std::move(ended), now, std::move(out));
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (runs_.leaving()) return runs_.resume_farewell(which, std::move(got), now, inner_);
        auto const whose = runs_.arrived(which);
        if (!whose) return runs_.unexpected();
        step out = step::wait();
        auto ended = runs_.resume(*whose, inner_, std::move(got), now, out);
        return go_on(std::move(ended), now, std::move(out));
    }
    [[nodiscard]] step farewell(time_point now) { return runs_.farewell(now, inner_); }

    /// Failed runs, since the last good one, that were answered with what it had found.
    [[nodiscard]] std::size_t times_kept() const noexcept { return times_; }
    [[nodiscard]] Strategy& inner() noexcept { return inner_; }

private:
    [[nodiscard]] step go_on(std::optional<nested_end> ended, time_point now, step out) {
        if (!ended) return out;
        std::vector<candidate> found;
        if (!ended->answer) {
            if (kept_.empty() || now - since_ > options_.max_age || times_ >= options_.max_times) {
                return runs_.end(step::failed(ended->answer.error()), std::move(out), std::move(ended->watches));
            }
            ++times_;
            found = kept_;
            out.notices().push_back(
                {notice::severity::warning, ended->answer.error(), told("failed, the last good answer stays", now)});
        } else if (found = std::move(*ended->answer); doubtful(found.size(), now)) {
            doubted_ = true;
            out.notices().push_back({notice::severity::warning, error{discovery_error::fewer_found, found.size()},
                                     told("found fewer, the last good answer stays for now", now)});
            found.insert(found.end(), kept_.begin(), kept_.end());
            static_cast<void>(merge_duplicates(found));
        } else {
            kept_ = found;
            since_ = now;
            times_ = 0;
            doubted_ = false;
        }
        return runs_.end(step::found(std::move(found)), std::move(out), std::move(ended->watches));
    }
    [[nodiscard]] bool doubtful(std::size_t now_found, time_point now) const noexcept {
        if (doubted_ || now_found >= kept_.size() || now - since_ > options_.max_age) return false;
        std::size_t const lost = kept_.size() - now_found;
        return lost > kept_.size() / 100 * options_.doubt_losses_above +
                          kept_.size() % 100 * options_.doubt_losses_above / 100;
    }
    [[nodiscard]] std::string told(std::string_view what, time_point now) const {
        auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
        return std::string{name()}.append(" ").append(what) + ": " + std::to_string(kept_.size()) +
               " candidates, found " + std::to_string(seconds) + " s ago";
    }

    Strategy inner_;
    keep_options options_;
    nested_runs<1> runs_;
    std::vector<candidate> kept_; ///< empty: nothing to fall back on
    time_point since_{};          ///< when it was found
    std::size_t times_ = 0;
    bool doubted_ = false; ///< the last answer was, so the next one like it is believed
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
