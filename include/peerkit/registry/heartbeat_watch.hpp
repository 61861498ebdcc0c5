// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Who has been heard of lately, directly or through which replica; who is due to be called offline or forgotten.
#ifndef PEERKIT_REGISTRY_HEARTBEAT_WATCH_HPP
#define PEERKIT_REGISTRY_HEARTBEAT_WATCH_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/registry_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Heartbeats as a root sees them. Decides nothing on one node alone:
/// - While the replica that hands on a node's heartbeats is silent itself, the node is believed to be with it. Not so
///   with a replica inside a node's process, whose silence is the node's.
/// - While fewer than half of those online are heard of, it is the registry that is cut off, and nobody is called
///   offline (self-preservation, as Eureka does it).
/// - After that, and where ticks themselves came late (a suspended machine), all get their whole time again.
///
/// Times are steady. About 200 bytes a node. Not thread safe.
class heartbeat_watch {
public:
    /// Number of a replica; 0: none, the node itself was heard.
    using replica_number = std::uint32_t;
    static constexpr std::size_t max_replicas = 256;

    heartbeat_watch(registry_options const& o, time_point now)
        : offline_after_{o.offline_after()}, expire_after_{o.expire_after}, interval_{o.heartbeat_interval},
          fresh_within_{o.heartbeat_interval + o.heartbeat_interval / 2 + o.heartbeat_grace},
          replica_hold_{o.replica_hold}, preservation_limit_{o.preservation_limit},
          preservation_min_{o.preservation_min}, judged_from_{now}, ticked_{now} {}

    [[nodiscard]] std::size_t online() const noexcept { return by_heard_.size(); }
    [[nodiscard]] bool knows(node_id const& id) const noexcept { return nodes_.count(id) != 0; }
    /// Nobody is called offline now, because most have fallen silent at once.
    [[nodiscard]] bool preserving() const noexcept { return preserving_; }

    /// A request of a replica: it is there. Its number, 0 if there are more replicas than are told apart.
    replica_number heard_replica(std::string_view name, registry_role role, time_point now) {
        auto found = replicas_.find(name);
        if (found == replicas_.end()) {
            if (replicas_.size() >= max_replicas) return 0;
            found = replicas_.emplace(std::string{name}, static_cast<replica_number>(contacts_.size() + 1)).first;
            contacts_.push_back({now, now, role});
        }
        contact& c = contacts_[found->second - 1];
        if (now - c.last > interval_) c.since = now;
        c.last = std::max(c.last, now);
        c.role = role;
        return found->second;
    }

    /// The node is online now; how long it had not been heard of, zero for one that was not online.
    duration heard(node_id const& id, replica_number via, time_point now) {
        note_time(now);
        auto const [at, fresh] = nodes_.try_emplace(id);
        state& s = at->second;
        duration elapsed{};
        if (fresh) {
            by_heard_.emplace(now, id);
        } else if (s.online) {
            elapsed = std::max(now - std::max(s.since, judged_from_), duration::zero());
            auto held = by_heard_.extract({s.since, id});
            held.value().first = now;
            by_heard_.insert(std::move(held));
        } else {
            by_offline_.erase({s.since, id});
            by_heard_.emplace(now, id);
        }
        s = {now, via, true};
        return elapsed;
    }
    /// The node is offline since now, whether it was known or not.
    void set_offline(node_id const& id, time_point now) {
        forget(id);
        nodes_[id] = {now, 0, false};
        by_offline_.emplace(now, id);
    }
    void forget(node_id const& id) {
        auto const at = nodes_.find(id);
        if (at == nodes_.end()) return;
        (at->second.online ? by_heard_ : by_offline_).erase({at->second.since, id});
        nodes_.erase(at);
    }
    void clear(time_point now) {
        nodes_.clear(), by_heard_.clear(), by_offline_.clear();
        judged_from_ = ticked_ = now;
        preserving_since_ = never;
        preserving_ = false;
    }
    /// The node that has been offline for longest, or null.
    [[nodiscard]] node_id const* longest_offline() const noexcept {
        return by_offline_.empty() ? nullptr : &by_offline_.begin()->second;
    }

    /// Who is to be called offline now, those silent for longest first. Linear in the number of nodes if somebody is
    /// due, at most once a second.
    [[nodiscard]] std::vector<node_id> due_offline(time_point now) {
        note_time(now);
        std::vector<node_id> due;
        if (by_heard_.empty() || now < look_at()) return due;
        looked_ = now;
        std::size_t judged = 0, fresh = 0;
        for (auto const& [since, id] : by_heard_) {
            contact const* const c = contact_of(nodes_.find(id)->second.via);
            if (c != nullptr && held(*c, now)) continue;
            ++judged;
            bool const of_replica = c != nullptr && c->role != registry_role::integrated;
            time_point const from = std::max({since, judged_from_, of_replica ? c->since : since});
            if (now - from <= fresh_within_) ++fresh;
            if (now - from >= offline_after_) due.push_back(id);
        }
        bool const most_silent = judged >= preservation_min_ && fresh * 2 < judged;
        if (!most_silent) {
            if (preserving_) { // they come back one by one
                judged_from_ = now;
                due.clear();
            }
            preserving_since_ = never;
            preserving_ = false;
        } else if (!due.empty()) {
            if (preserving_since_ == never) preserving_since_ = now;
            preserving_ = now - preserving_since_ < preservation_limit_;
            if (preserving_) due.clear();
        }
        return due;
    }
    /// Who has been offline for so long that it is to be forgotten.
    [[nodiscard]] std::vector<node_id> due_expired(time_point now) const {
        std::vector<node_id> due;
        for (auto const& [since, id] : by_offline_) {
            if (now - since < expire_after_) break;
            due.push_back(id);
        }
        return due;
    }
    /// When to ask again; `never` if nobody can be due.
    [[nodiscard]] time_point next_deadline() const noexcept {
        time_point next = never;
        if (!by_heard_.empty()) next = std::min(look_at(), saturating_add(ticked_, interval_ / 2));
        if (!by_offline_.empty()) {
            next = std::min(next, saturating_add(by_offline_.begin()->first, expire_after_));
        }
        return next;
    }

private:
    struct state {
        time_point since{}; ///< heard last, or offline since
        replica_number via = 0;
        bool online = false;
    };
    struct contact {
        time_point since{}; ///< heard of without a gap
        time_point last{};
        registry_role role = registry_role::secondary;
    };
    using order = std::set<std::pair<time_point, node_id>>;

    [[nodiscard]] contact const* contact_of(replica_number number) const noexcept {
        return number != 0 ? &contacts_[number - 1] : nullptr;
    }
    [[nodiscard]] bool held(contact const& c, time_point now) const noexcept {
        duration const silent = now - c.last;
        return c.role != registry_role::integrated && silent > interval_ && silent < replica_hold_;
    }
    [[nodiscard]] time_point look_at() const noexcept {
        time_point const due = saturating_add(std::max(by_heard_.begin()->first, judged_from_), offline_after_);
        time_point const again = saturating_add(looked_, std::chrono::seconds{1});
        return preserving_ ? again : std::max(due, again);
    }
    void note_time(time_point now) noexcept {
        if (now - ticked_ > interval_) judged_from_ = now;
        ticked_ = std::max(ticked_, now);
    }

    duration offline_after_, expire_after_, interval_, fresh_within_, replica_hold_, preservation_limit_;
    std::size_t preservation_min_;
    time_point judged_from_, ticked_;
    time_point looked_ = time_point::min();
    time_point preserving_since_ = never;
    bool preserving_ = false;
    std::map<node_id, state> nodes_;
    order by_heard_, by_offline_;
    std::map<std::string, replica_number, std::less<>> replicas_;
    std::vector<contact> contacts_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
