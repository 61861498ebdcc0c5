// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Members that came, changed and went within a quiet period, as one batch.
#ifndef PEERKIT_GOSSIP_MEMBER_CHANGES_HPP
#define PEERKIT_GOSSIP_MEMBER_CHANGES_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// What became of a member between the beginning of a batch and its end.
enum class change_kind : std::uint8_t {
    joined,   ///< it is a member now and was not
    updated,  ///< it was and is one, and says something else of itself, or was away in between
    departed, ///< it was a member and is not
};

[[nodiscard]] constexpr std::string_view to_string(change_kind kind) noexcept {
    switch (kind) {
    case change_kind::joined: return "joined";
    case change_kind::updated: return "updated";
    case change_kind::departed: return "departed";
    }
    return "unknown";
}

struct member_change {
    change_kind kind{};
    event latest{}; ///< the last event of the member in the batch: its id, the cause, who said so
};

/// Turns events of members into batches: a rack that fails, or a cluster that starts, is one call of the host.
/// Suspicions and refutations are left out, and so is who came and went within one batch. Not thread safe.
class member_changes {
public:
    struct options {
        duration quiet = std::chrono::seconds{1};   ///< a batch is over when nothing came for so long ...
        duration longest = std::chrono::seconds{5}; ///< ... or so long after its first event ...
        std::size_t most = 1024;                    ///< ... or when so many members are in it
    };

    member_changes() : member_changes(options{}) {}
    explicit member_changes(options chosen) noexcept : options_{chosen} {}

    /// Takes up an event if it is of a member that came, changed or went.
    void add(event const& e, time_point now) {
        bool const up = e.kind == event_kind::member_up;
        bool const gone = e.kind == event_kind::member_dead || e.kind == event_kind::member_left;
        if (!up && !gone && e.kind != event_kind::member_updated) return;
        if (entries_.empty()) first_ = now;
        last_ = now;
        auto const found =
            std::lower_bound(entries_.begin(), entries_.end(), e.subject,
                             [](entry const& one, node_id const& id) { return one.latest.subject < id; });
        if (found == entries_.end() || found->latest.subject != e.subject) {
            entries_.insert(found, {e, !up, !gone});
        } else {
            found->latest = e;
            found->is = !gone;
        }
    }
    /// When the batch should be taken; `never` while there is none.
    [[nodiscard]] time_point due() const noexcept {
        if (entries_.empty()) return never;
        if (entries_.size() >= options_.most) return last_;
        return std::min(saturating_add(last_, options_.quiet), saturating_add(first_, options_.longest));
    }
    /// The batch, in the order of the members' ids; the next one begins.
    [[nodiscard]] std::vector<member_change> take() {
        std::vector<member_change> batch;
        for (entry const& one : std::exchange(entries_, {})) {
            if (!one.was && !one.is) continue;
            change_kind const kind = !one.was  ? change_kind::joined
                                     : !one.is ? change_kind::departed
                                               : change_kind::updated;
            batch.push_back({kind, one.latest});
        }
        return batch;
    }

private:
    struct entry {
        event latest{};
        bool was = false; ///< a member before the batch
        bool is = false;  ///< a member now
    };

    options options_;
    std::vector<entry> entries_; ///< by id
    time_point first_{};
    time_point last_{};
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
