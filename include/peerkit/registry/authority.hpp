// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The root's decisions: who is registered under which name, who is online, who is forgotten.
#ifndef PEERKIT_REGISTRY_AUTHORITY_HPP
#define PEERKIT_REGISTRY_AUTHORITY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/counters.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/heartbeat_watch.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/node_table.hpp>
#include <peerkit/registry/registry_options.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// The rules of a root, applied to writes whose signatures were checked already:
/// - A name in a domain belongs to the key that came first, until that row has expired or was taken out and
///   `name_hold` is over.
/// - An incarnation never goes back, and one incarnation is one announcement.
/// - A new announcement of a node has a new lease; the same one keeps it, whoever asks how often.
/// - Where the table is full, the node that has been offline for longest makes room; nobody who is online does.
///
/// Appends what has to be stored to `changes`. Not thread safe.
class authority {
public:
    authority(registry_options const& o, time_point now) : options_{o}, watch_{o, now} {}

    [[nodiscard]] heartbeat_watch const& watch() const noexcept { return watch_; }

    /// Everybody in the table that is online gets the whole time to be heard again.
    void restore(node_table const& table, time_point now) {
        watch_.clear(now);
        sources_.clear();
        source_of_.clear();
        table.for_each([&](node_row const& row) {
            if (row.status == node_status::online) {
                watch_.heard(row.id, 0, now);
            } else {
                watch_.set_offline(row.id, now);
            }
        });
    }
    /// A replica asked something: it is there.
    heartbeat_watch::replica_number heard_replica(caller const& from, time_point now) {
        return from.is_replica() ? watch_.heard_replica(from.replica, from.role, now) : 0;
    }

    /// @param source a number for whoever asks, to bound its rows; 0: no bound
    /// @param lease for a new announcement
    /// @par Errors `stale_record`, `conflicting_record`, `name_taken`, `table_full`, `too_many`.
    result<write_answer> register_node(registration&& asked, node_table& table, caller const& from,
                                       std::uint64_t source, lease_id lease, moment const& at,
                                       std::vector<durable_change>& changes, registry_counters& count) {
        auto const via = heard_replica(from, at.now);
        wire::record_view const record = wire::record_view::trusted(asked.record);
        node_id const id = record.id();
        node_row const* const known = table.find(id);
        if (known != nullptr && record.incarnation() == known->incarnation()) {
            if (!equal(record.bytes(), known->record)) return fail(registry_error::conflicting_record, 0, "record");
            if (known->domain == asked.domain)
                return refresh(std::move(asked), *known, table, via, lease, at, changes, count);
        }
        if (auto const ok = check_age(record, known, table, from); !ok) return fail(ok.error());
        if (auto const ok = check_name_free(asked.domain, record.name(), id, table, at.now); !ok)
            return fail(ok.error());
        if (known == nullptr) {
            if (auto const ok = make_room(table, source, at, changes, count); !ok) return fail(ok.error());
        }
        node_row row{.id = id,
                     .record = std::move(asked.record),
                     .domain = std::move(asked.domain),
                     .registry = std::move(asked.registry),
                     .found_by = std::move(asked.found_by)};
        row.lease = asked.lease ? asked.lease : lease;
        row.first_seen_ms = known != nullptr ? known->first_seen_ms : at.unix_ms;
        row.last_heartbeat_ms = at.unix_ms;
        if (known != nullptr) {
            row.uptime_ms = known->uptime_ms;
            row.standing = known->standing;
        }
        count_heartbeat(row, watch_.heard(id, via, at.now));
        ++(known != nullptr ? count.changed : count.registered);
        count_source(id, source);
        return put(std::move(row), table, changes);
    }
    /// @par Errors `unknown_node` if the node is not here or the lease is another.
    result<write_answer> beat(heartbeat const& asked, node_table& table, moment const& at,
                              std::vector<durable_change>& changes, registry_counters& count) {
        node_row const* const known = table.find(asked.id);
        if (known == nullptr || !known->lease.admits(asked.lease))
            return fail(registry_error::unknown_node, 0, "lease");
        return beat(*known, 0, table, at, changes, count);
    }
    /// Heartbeats that a replica checked. Those of nodes that are not here are passed over.
    void beats(std::span<node_id const> ids, node_table& table, caller const& from, moment const& at,
               std::vector<durable_change>& changes, registry_counters& count) {
        auto const via = heard_replica(from, at.now);
        for (node_id const& id : ids) {
            if (node_row const* const known = table.find(id)) (void)beat(*known, via, table, at, changes, count);
        }
    }
    /// @par Errors as `beat`.
    result<write_answer> deregister(deregistration const& asked, node_table& table, moment const& at,
                                    std::vector<durable_change>& changes, registry_counters& count) {
        node_row const* const known = table.find(asked.id);
        if (known == nullptr || !known->lease.admits(asked.lease))
            return fail(registry_error::unknown_node, 0, "lease");
        remove(asked.id, table, at, false, changes);
        ++count.removed;
        return write_answer{write_answer::kind::removed, false, asked.id, {}, table.version(), {}};
    }
    /// Calls offline who is due, and forgets who has been that for long.
    void tick(node_table& table, moment const& at, std::vector<durable_change>& changes, registry_counters& count) {
        for (node_id const& id : watch_.due_offline(at.now)) {
            node_row row = *table.find(id);
            row.status = node_status::offline;
            watch_.set_offline(id, at.now);
            (void)put(std::move(row), table, changes);
            ++count.offline;
        }
        for (node_id const& id : watch_.due_expired(at.now)) {
            remove(id, table, at, true, changes);
            ++count.expired;
        }
        if (table.forget_removals(at.now, options_.remember_removals)) {
            changes.push_back(table_at{table.epoch(), table.version(), table.floor()});
        }
    }
    [[nodiscard]] time_point next_deadline() const noexcept { return watch_.next_deadline(); }

private:
    [[nodiscard]] static result<void> check_age(wire::record_view record, node_row const* known,
                                                node_table const& table, caller const& from) {
        if (known != nullptr && record.incarnation() < known->incarnation()) {
            return fail(registry_error::stale_record, known->incarnation(), "record");
        }
        // Who proves to hold the key may come back with the announcement that was taken out; a replica's queue may not
        // bring it back. Who merely was silent for too long may be back there, too.
        tombstone const* const gone = table.find_removed(record.id());
        if (gone != nullptr &&
            record.incarnation() < gone->incarnation + (from.is_replica() && !gone->expired ? 1U : 0U)) {
            return fail(registry_error::stale_record, gone->incarnation, "record");
        }
        return {};
    }
    [[nodiscard]] result<void> check_name_free(std::string const& domain, std::string_view name, node_id const& id,
                                               node_table const& table, time_point now) const {
        node_row const* const holder = table.find_name(domain, name);
        if (holder != nullptr && holder->id != id) return fail(registry_error::name_taken, 0, "node_name");
        tombstone const* const before = table.find_held_name(domain, name, now, options_.name_hold);
        if (before != nullptr && before->id != id) return fail(registry_error::name_taken, 0, "node_name");
        return {};
    }
    [[nodiscard]] result<void> make_room(node_table& table, std::uint64_t source, moment const& at,
                                         std::vector<durable_change>& changes, registry_counters& count) {
        if (source != 0) {
            auto const held = sources_.find(source);
            if (held != sources_.end() && held->second >= options_.rows_of_source) {
                return fail(registry_error::too_many, held->second, "source");
            }
        }
        if (!table.full()) return {};
        node_id const* const oldest = watch_.longest_offline();
        if (oldest == nullptr) return fail(registry_error::table_full, 60, "nodes");
        remove(node_id{*oldest}, table, at, true, changes);
        ++count.evicted;
        return {};
    }
    /// The same announcement again: a heartbeat, and perhaps other texts.
    result<write_answer> refresh(registration&& asked, node_row const& known, node_table& table,
                                 heartbeat_watch::replica_number via, lease_id lease, moment const& at,
                                 std::vector<durable_change>& changes, registry_counters& count) {
        ++count.refreshed;
        if (known.lease && known.registry == asked.registry && known.found_by == asked.found_by) {
            auto answer = beat(known, via, table, at, changes, count);
            if (answer) answer->what = write_answer::kind::registered;
            return answer;
        }
        node_row row = known;
        row.registry = std::move(asked.registry);
        row.found_by = std::move(asked.found_by);
        if (!row.lease) row.lease = asked.lease ? asked.lease : lease;
        row.status = node_status::online;
        row.last_heartbeat_ms = at.unix_ms;
        count_heartbeat(row, watch_.heard(row.id, via, at.now));
        return put(std::move(row), table, changes);
    }
    result<write_answer> beat(node_row const& known, heartbeat_watch::replica_number via, node_table& table,
                              moment const& at, std::vector<durable_change>& changes, registry_counters& count) {
        ++count.heartbeats;
        write_answer answer{write_answer::kind::beaten, false, known.id, known.lease, 0, options_.heartbeat_interval};
        duration const elapsed = watch_.heard(known.id, via, at.now);
        if (known.status == node_status::offline) {
            node_row row = known;
            row.status = node_status::online;
            row.last_heartbeat_ms = at.unix_ms;
            (void)put(std::move(row), table, changes);
        } else {
            node_row figures = {
                .last_heartbeat_ms = at.unix_ms, .uptime_ms = known.uptime_ms, .standing = known.standing};
            count_heartbeat(figures, elapsed);
            row_touched const touched{known.id, at.unix_ms, figures.uptime_ms, figures.standing};
            table.touch(touched);
            changes.push_back(touched);
        }
        answer.version = table.version();
        return answer;
    }
    /// Uptime and standing after a heartbeat that came so long after the last: each one that should have come between
    /// counts as missed; one that comes much too early counts for nothing.
    void count_heartbeat(node_row& row, duration elapsed) const noexcept {
        duration const believed = std::min(elapsed, options_.offline_after());
        row.uptime_ms += std::chrono::duration_cast<std::chrono::milliseconds>(believed).count();
        duration const interval = options_.heartbeat_interval;
        if (elapsed < interval / 2) return;
        std::int64_t const missed = std::min<std::int64_t>((elapsed - interval / 2) / interval, 32);
        std::int32_t standing = row.standing;
        for (std::int64_t i = 0; i < missed; ++i) standing -= standing / 8;
        row.standing = static_cast<std::uint16_t>(standing + (node_row::best_standing - standing + 7) / 8);
    }
    result<write_answer> put(node_row&& row, node_table& table, std::vector<durable_change>& changes) {
        auto const stored = table.put(std::move(row));
        if (!stored) return fail(stored.error());
        changes.push_back(row_put{**stored});
        return write_answer{write_answer::kind::registered, false, (*stored)->id, (*stored)->lease, table.version(),
                            options_.heartbeat_interval};
    }
    void remove(node_id const& id, node_table& table, moment const& at, bool expired,
                std::vector<durable_change>& changes) {
        watch_.forget(id);
        if (auto const from = source_of_.find(id); from != source_of_.end()) {
            auto const held = sources_.find(from->second);
            if (--held->second == 0) sources_.erase(held);
            source_of_.erase(from);
        }
        std::uint64_t const floor = table.floor();
        if (tombstone const* const gone = table.remove(id, at, expired)) changes.push_back(row_removed{*gone});
        if (table.floor() != floor) changes.push_back(table_at{table.epoch(), table.version(), table.floor()});
    }
    /// Counts a row to the source that registered it first.
    void count_source(node_id const& id, std::uint64_t source) {
        if (source != 0 && source_of_.emplace(id, source).second) ++sources_[source];
    }

    registry_options options_;
    heartbeat_watch watch_;
    std::map<std::uint64_t, std::size_t> sources_; ///< rows of each; of those registered in this life
    std::map<node_id, std::uint64_t> source_of_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
