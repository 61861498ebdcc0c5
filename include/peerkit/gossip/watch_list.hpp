// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Who sends heartbeats to whom: to the three before it on the ring, who listen for them.
#ifndef PEERKIT_GOSSIP_WATCH_LIST_HPP
#define PEERKIT_GOSSIP_WATCH_LIST_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/ring.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/member_table.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// The three members before this node on the ring, whom it sends heartbeats, and the three behind it, with the time
/// each was last heard. In a cluster of up to four everybody watches everybody. Suspects beat and are listened to.
class watch_list {
public:
    static constexpr std::size_t most = 3;
    struct watched {
        short_id key{};
        time_point heard{};
    };

    /// Members came or went; to be rebuilt with the next period.
    void stale() noexcept { known_ = false; }
    [[nodiscard]] bool known() const noexcept { return known_; }
    /// Looks all members over. Whoever is listened to already keeps its time, whoever is new has the whole of it.
    void rebuild(membership::member_table const& table, short_id self, time_point now) noexcept {
        std::array<watched, most> const before = watched_;
        std::size_t const listened = watched_count_;
        std::array<std::uint64_t, most> ahead{}, behind{};
        watcher_count_ = watched_count_ = 0;
        std::uint64_t const own = ring_place(self, 0);
        table.for_each([&](membership::slot, membership::member const& row) {
            if (row.key == self || row.state > membership::member_state::suspect) return;
            std::uint64_t const place = ring_place(row.key, 0);
            if (std::size_t const at = take(behind, watcher_count_, own - place); at != most) {
                shift(watchers_, at);
                watchers_[at] = row.key;
            }
            if (std::size_t const at = take(ahead, watched_count_, place - own); at != most) {
                shift(watched_, at);
                watched_[at] = {row.key, now};
            }
        });
        for (std::size_t i = 0; i < watched_count_; ++i) {
            for (std::size_t k = 0; k < listened; ++k) {
                if (before[k].key == watched_[i].key) watched_[i].heard = before[k].heard;
            }
        }
        known_ = true;
    }
    void heard(short_id key, time_point now) noexcept {
        for (std::size_t i = 0; i < watched_count_; ++i) {
            if (watched_[i].key == key) watched_[i].heard = now;
        }
    }
    /// This node slept for `gap`, and could hear nobody.
    void postpone(duration gap) noexcept {
        for (watched& w : watched_) w.heard = saturating_add(w.heard, gap);
    }
    /// Calls `f(key)` for everybody to send a heartbeat to.
    template <typename F>
    void for_each_watcher(F&& f) const {
        for (std::size_t i = 0; i < watcher_count_; ++i) f(watchers_[i]);
    }
    /// Calls `f(key)` for everybody unheard for longer than `silence`; each is given as much time again.
    template <typename F>
    void for_each_silent(duration silence, time_point now, F&& f) {
        for (std::size_t i = 0; i < watched_count_; ++i) {
            if (now - watched_[i].heard <= silence) continue;
            watched_[i].heard = now;
            f(watched_[i].key);
        }
    }

private:
    /// Where `distance` belongs among the nearest so far, which are moved for it; `most` if nowhere.
    static std::size_t take(std::array<std::uint64_t, most>& nearest, std::size_t& count,
                            std::uint64_t distance) noexcept {
        std::size_t at = 0;
        while (at < count && nearest[at] < distance) ++at;
        if (at == most) return most;
        if (count < most) ++count;
        shift(nearest, at);
        nearest[at] = distance;
        return at;
    }
    template <typename T>
    static void shift(std::array<T, most>& list, std::size_t at) noexcept {
        for (std::size_t i = most - 1; i > at; --i) list[i] = list[i - 1];
    }

    std::array<short_id, most> watchers_{};
    std::array<watched, most> watched_{};
    std::size_t watcher_count_ = 0;
    std::size_t watched_count_ = 0;
    bool known_ = false;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
