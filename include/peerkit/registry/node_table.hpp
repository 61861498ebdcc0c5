// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The nodes a registry knows, by id, by name and by version; what was removed; what changed since.
#ifndef PEERKIT_REGISTRY_NODE_TABLE_HPP
#define PEERKIT_REGISTRY_NODE_TABLE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_query.hpp>
#include <peerkit/registry/node_row.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// What of a `node_table` does not agree with the rest of it.
enum class table_fault : std::uint8_t {
    none = 0,
    wrong_id,            ///< a row lies at another id than its own or its record's
    too_many_rows,       ///< more than the cap
    too_many_removals,   ///< more than the cap
    version_not_indexed, ///< a row cannot be found by its version
    version_index_size,  ///< there are versions without a row
    version_ahead,       ///< a row or removal is newer than the state
    name_not_indexed,    ///< a name leads to nobody
    name_index_wrong,    ///< a name leads to a node of another name
    removal_below_floor, ///< a removal is remembered that is said to be forgotten
    removed_and_present, ///< a node has a row and a tombstone
    removal_index,       ///< a tombstone cannot be found by its id or name
    wrong_hash,          ///< the hash is not that of the rows
};

/// The state of one registry: rows, removals, a version, an epoch, a hash.
///
/// Every change makes one new version, which the row or tombstone it touched carries from then on; so what changed
/// since a version is what has a higher one, and costs what changed, not what happened. Removals are remembered up to
/// a cap and for a time; who is further behind than that needs everything (`snapshot_needed`).
///
/// Every operation but `list`, `read` and `check_invariants` is logarithmic. Not thread safe.
class node_table {
public:
    struct options {
        std::size_t max_rows = 100'000;
        std::size_t max_removals = 20'000; ///< the oldest makes room for the next
    };

    node_table(options const& caps, std::uint64_t epoch) noexcept : caps_{caps}, epoch_{epoch} {}
    // The indexes lead to rows of this very table.
    node_table(node_table const&) = delete;
    node_table& operator=(node_table const&) = delete;
    node_table(node_table&&) = default;
    node_table& operator=(node_table&&) = default;
    ~node_table() = default;

    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] bool full() const noexcept { return rows_.size() >= caps_.max_rows; }
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    /// Of the last removal that is not remembered any more.
    [[nodiscard]] std::uint64_t floor() const noexcept { return floor_; }
    /// Equal in two tables with the same rows.
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

    /// Null if there is none. Valid until that row is removed.
    [[nodiscard]] node_row const* find(node_id const& id) const noexcept {
        auto const at = rows_.find(id);
        return at != rows_.end() ? &at->second.row : nullptr;
    }
    [[nodiscard]] node_row const* find_name(std::string_view domain, std::string_view name) const {
        auto const at = names_.find(full_name{name, domain});
        return at != names_.end() ? &(*at)->second.row : nullptr;
    }
    [[nodiscard]] tombstone const* find_removed(node_id const& id) const noexcept {
        auto const at = removed_ids_.find(id);
        return at != removed_ids_.end() ? &removed_.find(at->second)->second.gone : nullptr;
    }
    /// The newest removal of a node of that name, if it is not older than `hold`.
    [[nodiscard]] tombstone const* find_held_name(std::string_view domain, std::string_view name, time_point now,
                                                  duration hold) const {
        auto const named = removed_names_.find(name_key(domain, name));
        if (named == removed_names_.end()) return nullptr;
        held_removal const& held = removed_.find(named->second)->second;
        return now - held.at < hold ? &held.gone : nullptr;
    }

    /// Adds or replaces a row, which gets the next version. The row as it lies here.
    /// @par Errors `table_full` for a row more than the cap.
    result<node_row const*> put(node_row row) {
        auto const found = rows_.find(row.id);
        if (found == rows_.end() && full()) return fail(registry_error::table_full, 0, "nodes");
        row.version = ++version_;
        return store(std::move(row), found);
    }
    /// Takes a row out. Null if there is none; else the tombstone as it lies here.
    /// @param expired whether it is not by the node's own will
    tombstone const* remove(node_id const& id, moment const& at, bool expired = false) {
        auto const found = rows_.find(id);
        if (found == rows_.end()) return nullptr;
        tombstone gone = tombstone::of(found->second.row, at.unix_ms);
        gone.version = ++version_;
        gone.expired = expired;
        erase(found);
        return bury(std::move(gone), at.now);
    }
    /// Notes the figures of a heartbeat: no change that others hear of.
    bool touch(row_touched const& figures) noexcept {
        auto const found = rows_.find(figures.id);
        if (found == rows_.end()) return false;
        node_row& row = found->second.row;
        row.last_heartbeat_ms = figures.last_heartbeat_ms;
        row.uptime_ms = figures.uptime_ms;
        row.standing = figures.standing;
        return true;
    }
    /// Forgets removals that are older than `keep`. Whether there were any: the floor has moved.
    bool forget_removals(time_point now, duration keep) {
        std::uint64_t const before = floor_;
        while (!removed_.empty() && now - removed_.begin()->second.at >= keep) forget_oldest();
        return floor_ != before;
    }

    /// What changed behind `from`, at most `max_rows` rows and removals and about `max_bytes` bytes of records, at
    /// least one.
    /// @par Errors `snapshot_needed` if the epoch is another, the version is not reached yet, or removals since then
    /// are not remembered.
    [[nodiscard]] result<change_view> read(change_cursor from, std::size_t max_rows, std::size_t max_bytes) const {
        if (from == change_cursor{} || (from.since == 0 && from.base == 0 && from.epoch == epoch_)) {
            from = {epoch_, 0, version_};
        }
        if (from.epoch != epoch_) return fail(registry_error::snapshot_needed, 0, "epoch");
        if (from.since > version_ || from.base > version_)
            return fail(registry_error::snapshot_needed, version_, "since");
        if (std::max(from.since, from.base) < floor_) return fail(registry_error::snapshot_needed, floor_, "since");

        change_view view{.epoch = epoch_, .since = from.since, .to = version_, .base = from.base};
        auto row = versions_.upper_bound(from.since);
        auto gone = removed_.upper_bound(std::max(from.since, from.base));
        std::size_t bytes = 0, taken = 0;
        std::uint64_t last = from.since;
        while (row != versions_.end() || gone != removed_.end()) {
            if (taken != 0 && (taken >= max_rows || bytes >= max_bytes)) {
                view.more = true;
                view.to = last;
                break;
            }
            ++taken;
            if (gone == removed_.end() || (row != versions_.end() && row->first < gone->first)) {
                last = row->first;
                view.rows.push_back(&row->second->second.row);
                bytes += view.rows.back()->record.size() + overhead;
                ++row;
            } else {
                last = gone->first;
                view.removed.push_back(&gone->second.gone);
                bytes += overhead;
                ++gone;
            }
        }
        if (!view.more) view.hash = hash_;
        return view;
    }
    /// Takes over what another table said with `read`, asked for where this one is. Rows are not verified here. The
    /// figures of heartbeats and leases come along.
    /// @par Errors nothing has changed: `snapshot_needed` if the page is of another state or begins elsewhere;
    /// `malformed` if it is not in order; `table_full`. Everything has been taken over, but something before was
    /// wrong: `wrong_content`.
    result<void> apply(change_page&& page, time_point now) {
        if (page.epoch != epoch_ || page.since != version_) {
            return fail(registry_error::snapshot_needed, page.since, "since");
        }
        if (auto const ok = check_order(page); !ok) return ok;
        std::size_t size = rows_.size();
        for (auto const& gone : page.removed) size -= rows_.count(gone.id);
        for (auto const& row : page.rows) size += 1 - rows_.count(row.id);
        if (size > caps_.max_rows) return fail(registry_error::table_full, size, "nodes");
        version_ = page.to;
        for (auto& gone : page.removed) {
            if (auto const found = rows_.find(gone.id); found != rows_.end()) erase(found);
            bury(std::move(gone), now);
        }
        for (auto& row : page.rows) {
            auto const found = rows_.find(row.id);
            store(std::move(row), found);
        }
        if (page.hash && *page.hash != hash_) return fail(registry_error::wrong_content, page.to, "hash");
        return {};
    }
    /// Takes over what was stored. Tombstones count as put there `now`, less what the wall clock says has passed.
    /// @par Errors as `apply`.
    result<void> restore(saved_state&& saved, moment const& at) {
        epoch_ = saved.epoch;
        rows_.clear(), versions_.clear(), names_.clear(), removed_.clear(), removed_ids_.clear(),
            removed_names_.clear();
        version_ = hash_ = 0;
        change_page page{.epoch = saved.epoch, .to = saved.version};
        page.rows = std::move(saved.rows);
        auto const by_version = [](auto const& a, auto const& b) { return a.version < b.version; };
        std::sort(page.rows.begin(), page.rows.end(), by_version);
        if (auto const ok = apply(std::move(page), at.now); !ok) return ok;
        floor_ = saved.floor;
        std::sort(saved.removed.begin(), saved.removed.end(), by_version);
        for (auto& gone : saved.removed) {
            if (gone.version <= floor_ || gone.version > version_ || rows_.count(gone.id) != 0) continue;
            std::int64_t const passed = std::clamp<std::int64_t>(at.unix_ms - gone.removed_ms, 0, 86'400'000);
            bury(std::move(gone), at.now - std::chrono::milliseconds{passed});
        }
        return {};
    }
    /// The removals up to there are not known here: `read` answers nobody who is further behind.
    void raise_floor(std::uint64_t to) {
        while (!removed_.empty() && removed_.begin()->first <= to) forget_oldest();
        floor_ = std::max(floor_, to);
    }
    /// The same rows are another state from now on: nobody's version counts any more.
    void begin_epoch(std::uint64_t epoch) {
        epoch_ = epoch;
        raise_floor(version_);
    }

    /// A page of those that fit, ascending by id.
    [[nodiscard]] node_listing list(node_query const& query) const {
        node_listing page;
        std::size_t const limit = std::clamp<std::size_t>(query.limit, 1, node_query::max_limit);
        for_each_behind(query.after, [&](node_row const& row) {
            if (!query.matches(row)) return true;
            if (page.rows.size() == limit) {
                page.next = page.rows.back()->id;
                return false;
            }
            page.rows.push_back(&row);
            return true;
        });
        return page;
    }
    /// Calls `f(row)` for every row, ascending by id.
    template <typename F>
    void for_each(F&& f) const {
        for (auto const& [id, held] : rows_) f(held.row);
    }
    /// Calls `f(row)` for every row behind that id, ascending, until it says false.
    template <typename F>
    void for_each_behind(std::optional<node_id> const& after, F&& f) const {
        for (auto at = after ? rows_.upper_bound(*after) : rows_.begin(); at != rows_.end(); ++at) {
            if (!f(at->second.row)) return;
        }
    }
    template <typename F>
    void for_each_removed(F&& f) const {
        for (auto const& [version, held] : removed_) f(held.gone);
    }

    /// Linear; for tests.
    [[nodiscard]] table_fault check_invariants() const {
        if (rows_.size() > caps_.max_rows) return table_fault::too_many_rows;
        if (removed_.size() > caps_.max_removals) return table_fault::too_many_removals;
        std::uint64_t sum = 0;
        for (auto const& [id, held] : rows_) {
            node_row const& row = held.row;
            if (row.id != id || row.view().id() != id) return table_fault::wrong_id;
            if (row.version > version_) return table_fault::version_ahead;
            auto const version = versions_.find(row.version);
            if (version == versions_.end() || version->second->first != id) return table_fault::version_not_indexed;
            if (names_.count(name_of(row)) == 0) return table_fault::name_not_indexed;
            if (removed_ids_.count(id) != 0) return table_fault::removed_and_present;
            sum += row.content_hash();
        }
        if (versions_.size() != rows_.size()) return table_fault::version_index_size;
        for (auto const at : names_) {
            auto const held = rows_.find(at->first);
            if (held == rows_.end() || held != at) return table_fault::name_index_wrong;
        }
        if (!std::is_sorted(names_.begin(), names_.end(), by_name{})) return table_fault::name_index_wrong;
        for (auto const& [key, version] : removed_names_) {
            auto const at = removed_.find(version);
            if (at == removed_.end() || name_key(at->second.gone.domain, at->second.gone.name) != key) {
                return table_fault::removal_index;
            }
        }
        for (auto const& [version, held] : removed_) {
            if (version <= floor_) return table_fault::removal_below_floor;
            if (version > version_) return table_fault::version_ahead;
            auto const at = removed_ids_.find(held.gone.id);
            if (at == removed_ids_.end() || at->second != version) return table_fault::removal_index;
        }
        if (removed_.size() != removed_ids_.size()) return table_fault::removal_index;
        return sum == hash_ ? table_fault::none : table_fault::wrong_hash;
    }

private:
    /// What a row takes in a page beside its record, roughly.
    static constexpr std::size_t overhead = 300;

    struct held_row {
        node_row row;
        std::uint64_t hash = 0;
    };
    struct held_removal {
        tombstone gone;
        time_point at;
    };
    using row_map = std::map<node_id, held_row>;
    using removal_map = std::map<std::uint64_t, held_removal>;

    /// A name and its domain.
    using full_name = std::pair<std::string_view, std::string_view>;

    [[nodiscard]] static full_name name_of(node_row const& row) noexcept { return {row.name(), row.domain}; }
    /// Rows by name, which they hold themselves.
    struct by_name {
        using is_transparent = void;
        [[nodiscard]] static full_name of(row_map::const_iterator at) noexcept { return name_of(at->second.row); }
        [[nodiscard]] static full_name of(full_name const& name) noexcept { return name; }
        template <typename A, typename B>
        [[nodiscard]] bool operator()(A const& a, B const& b) const noexcept {
            return of(a) < of(b);
        }
    };

    [[nodiscard]] static std::string name_key(std::string_view domain, std::string_view name) {
        std::string key;
        key.reserve(domain.size() + 1 + name.size());
        return key.append(name).append(1, ' ').append(domain);
    }
    [[nodiscard]] static result<void> check_order(change_page const& page) noexcept {
        std::uint64_t last = page.since;
        for (auto const& row : page.rows) {
            if (row.version <= last || row.version > page.to) {
                return fail(registry_error::malformed, row.version, "version of a row");
            }
            last = row.version;
        }
        last = page.since;
        for (auto const& gone : page.removed) {
            if (gone.version <= last || gone.version > page.to) {
                return fail(registry_error::malformed, gone.version, "version of a removal");
            }
            last = gone.version;
        }
        return page.to < page.since ? fail(registry_error::malformed, page.to, "version") : result<void>{};
    }
    node_row const* store(node_row&& row, row_map::iterator found) {
        if (auto const gone = removed_ids_.find(row.id); gone != removed_ids_.end())
            exhume(removed_.find(gone->second));
        if (found == rows_.end()) {
            found = rows_.try_emplace(row.id).first;
        } else {
            unlink(found);
        }
        found->second.row = std::move(row);
        found->second.hash = found->second.row.content_hash();
        hash_ += found->second.hash;
        versions_[found->second.row.version] = found;
        names_.erase(found); // whoever has the same name
        names_.insert(found);
        return &found->second.row;
    }
    void unlink(row_map::iterator at) {
        hash_ -= at->second.hash;
        versions_.erase(at->second.row.version);
        // While pages of changes arrive, another node may have got the name before this one is heard to have lost it.
        auto const name = names_.find(at);
        if (name != names_.end() && *name == at) names_.erase(name);
    }
    void erase(row_map::iterator at) {
        unlink(at);
        rows_.erase(at);
    }
    tombstone const* bury(tombstone&& gone, time_point now) {
        if (auto const old = removed_ids_.find(gone.id); old != removed_ids_.end()) exhume(removed_.find(old->second));
        std::uint64_t const version = gone.version;
        removed_ids_[gone.id] = version;
        removed_names_[name_key(gone.domain, gone.name)] = version;
        auto const at = removed_.insert_or_assign(version, held_removal{std::move(gone), now}).first;
        while (removed_.size() > std::max<std::size_t>(caps_.max_removals, 1)) forget_oldest();
        return &at->second.gone;
    }
    void exhume(removal_map::iterator at) {
        tombstone const& gone = at->second.gone;
        auto const name = removed_names_.find(name_key(gone.domain, gone.name));
        if (name != removed_names_.end() && name->second == at->first) removed_names_.erase(name);
        removed_ids_.erase(gone.id);
        removed_.erase(at);
    }
    void forget_oldest() {
        floor_ = std::max(floor_, removed_.begin()->first);
        exhume(removed_.begin());
    }

    options caps_;
    std::uint64_t epoch_;
    std::uint64_t version_ = 0;
    std::uint64_t floor_ = 0;
    std::uint64_t hash_ = 0;
    row_map rows_;
    std::map<std::uint64_t, row_map::iterator> versions_;
    std::set<row_map::iterator, by_name> names_;
    removal_map removed_;
    std::map<node_id, std::uint64_t> removed_ids_;
    /// The newest removal of each name; none where that node came back: nobody else's hold of the name is newer.
    std::map<std::string, std::uint64_t> removed_names_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
