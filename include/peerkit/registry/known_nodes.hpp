// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The last good list of a registry, and whether to believe the next one.
#ifndef PEERKIT_REGISTRY_KNOWN_NODES_HPP
#define PEERKIT_REGISTRY_KNOWN_NODES_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/registry/client_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Keeps what a registry listed last. A list that lacks more than half of those known is not believed at once: a
/// registry that was just restarted knows only some; until it says so twice, those that are missing stay.
/// Not thread-safe.
class known_nodes {
public:
    static constexpr std::size_t doubt_from = 4; ///< fewer may all be gone at once
    static constexpr duration churn_within =
        std::chrono::seconds{5}; ///< a list as before, so soon after a watch began ...
    static constexpr duration least_quiet = std::chrono::seconds{1};    ///< ... means not to watch for so long, doubled
    static constexpr duration longest_quiet = std::chrono::seconds{30}; ///< up to this

    explicit known_nodes(client_options const& o)
        : self_{o.self}, most_{o.max_candidates}, keep_{o.keep}, second_look_{o.second_look} {}

    /// A new list.
    /// @returns `fewer_found` with the number if it is not believed yet
    [[nodiscard]] std::optional<error> take(std::vector<discovery::candidate> found, node_id const& me,
                                            time_point now) {
        using discovery::candidate;
        std::erase_if(found, [&](candidate const& c) { return me && c.id == me; });
        static_cast<void>(discovery::drop_self(found, self_));
        if (found.size() > most_) found.erase(found.begin() + static_cast<std::ptrdiff_t>(most_), found.end());
        for (candidate& c : found) c.source = discovery::provenance::registry;

        watch_ended(!doubted_ && told_ && found == all_, now);
        if (!doubted_ && good(now) && all_.size() >= doubt_from && found.size() < all_.size() / 2) {
            std::size_t const count = found.size();
            doubted_ = found;
            // In this order: of a node that is in both, the newer words count.
            found.insert(found.end(), std::make_move_iterator(all_.begin()), std::make_move_iterator(all_.end()));
            static_cast<void>(discovery::merge_duplicates(found));
            all_ = std::move(found);
            look_again_ = saturating_add(now, second_look_);
            return error{discovery::discovery_error::fewer_found, count};
        }
        all_ = std::move(found);
        believe(now);
        return std::nullopt;
    }
    /// The last list is still right.
    void confirmed(time_point now) {
        watch_ended(!doubted_ && told_, now);
        if (doubted_) all_ = std::move(*doubted_);
        believe(now);
    }

    [[nodiscard]] std::vector<discovery::candidate> const& all() const noexcept { return all_; }
    /// Whether there is a list that is not too old.
    [[nodiscard]] bool good(time_point now) const noexcept { return told_ && now - *told_ <= keep_; }
    /// When a list that is not believed is to be asked for again; else `never`.
    [[nodiscard]] time_point look_again_at() const noexcept { return look_again_; }
    /// From when on a change should be watched for: later than `now` if watches ended and nothing had changed. If it is
    /// `now`, a watch is taken to begin.
    [[nodiscard]] time_point watch_from(time_point now) noexcept {
        if (now < watch_at_) return watch_at_;
        if (!watched_since_) watched_since_ = now;
        return now;
    }

private:
    /// A watch that is refused ends as soon as one whose change is none: `same`, and soon after it began. A list that
    /// was asked for while nobody watched tells nothing of watches.
    void watch_ended(bool same, time_point now) noexcept {
        bool const early = same && watched_since_ && now - *watched_since_ < churn_within;
        if (early) {
            quiet_ = std::clamp(quiet_ * 2, least_quiet, longest_quiet);
            watch_at_ = saturating_add(now, quiet_);
        } else if (!same || watched_since_) {
            quiet_ = {};
            watch_at_ = now;
        }
        watched_since_.reset();
    }
    void believe(time_point now) noexcept {
        doubted_.reset();
        told_ = now;
        look_again_ = never;
    }

    discovery::own_identity self_;
    std::size_t most_;
    duration keep_, second_look_;
    std::vector<discovery::candidate> all_;
    std::optional<std::vector<discovery::candidate>> doubted_; ///< the list that is not believed yet
    std::optional<time_point> told_;                           ///< when the last good list came
    time_point look_again_ = never;
    duration quiet_{};                          ///< the last pause between two watches
    time_point watch_at_ = time_point::min();   ///< not before
    std::optional<time_point> watched_since_{}; ///< none: nobody watches
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
