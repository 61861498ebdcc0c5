// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a replica's nodes look like with the writes the replica has not yet got back from the root.
#ifndef PEERKIT_REGISTRY_PENDING_WRITES_HPP
#define PEERKIT_REGISTRY_PENDING_WRITES_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/node_query.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/node_table.hpp>
#include <peerkit/registry/write_queue.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Rows and removals laid over the replicated table: while the root is away, those who register here see each other.
/// One for each node with a write in the queue, and for each whose write the root took but that has not come back with
/// the changes yet; so as many as the queue may hold and a few. Not thread safe.
class pending_writes {
public:
    struct entry {
        std::optional<node_row> row{}; ///< none: taken out
        std::uint64_t write = 0;       ///< number of the node's last write
        std::uint64_t confirmed = 0;   ///< version of the root's state that has it; 0: the root has not answered
    };

    /// Grows with every change: part of the name of what readers see.
    [[nodiscard]] std::uint64_t edits() const noexcept { return edits_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] entry const* find(node_id const& id) const noexcept {
        auto const at = entries_.find(id);
        return at != entries_.end() ? &at->second : nullptr;
    }
    /// The node as readers see it, or null.
    [[nodiscard]] node_row const* find_row(node_id const& id, node_table const& table) const noexcept {
        entry const* const laid = find(id);
        if (laid == nullptr) return table.find(id);
        return laid->row ? &*laid->row : nullptr;
    }
    /// Whether somebody else has this name in what readers see. Linear in the number of entries.
    [[nodiscard]] bool taken(std::string_view domain, std::string_view name, node_id const& by,
                             node_table const& table) const {
        for (auto const& [id, laid] : entries_) {
            if (id != by && laid.row && laid.row->domain == domain && laid.row->name() == name) return true;
        }
        node_row const* const holder = table.find_name(domain, name);
        return holder != nullptr && holder->id != by && find(holder->id) == nullptr;
    }

    void registered(std::uint64_t write, node_row row) {
        ++edits_;
        node_id const id = row.id;
        entries_[id] = {std::move(row), write, 0};
    }
    void removed(std::uint64_t write, node_id const& id) {
        ++edits_;
        entries_[id] = {std::nullopt, write, 0};
    }
    /// The root took the write.
    void confirm(queued_write const& write, lease_id const& lease, std::uint64_t version, node_table const& table) {
        auto const at = entries_.find(write.id());
        if (at == entries_.end() || at->second.write != write.number) return;
        if (version <= table.version()) {
            entries_.erase(at);
            ++edits_;
            return;
        }
        at->second.confirmed = version;
        if (at->second.row) at->second.row->lease = lease;
    }
    /// The root refused the write.
    void drop(queued_write const& write) {
        auto const at = entries_.find(write.id());
        if (at == entries_.end() || at->second.write != write.number) return;
        entries_.erase(at);
        ++edits_;
    }
    /// The table has come to another version: what the root confirmed up to there is in it. In another epoch everything
    /// confirmed counts as arrived, for versions of two epochs cannot be compared.
    void arrived(std::uint64_t version, bool other_epoch) {
        for (auto at = entries_.begin(); at != entries_.end();) {
            bool const in = at->second.confirmed != 0 && (other_epoch || at->second.confirmed <= version);
            at = in ? entries_.erase(at) : std::next(at);
        }
    }

    /// As `node_table::list`, of both.
    [[nodiscard]] node_listing list(node_query const& query, node_table const& table) const {
        if (entries_.empty()) return table.list(query);
        node_listing page;
        std::size_t const limit = std::clamp<std::size_t>(query.limit, 1, node_query::max_limit);
        auto laid = query.after ? entries_.upper_bound(*query.after) : entries_.begin();
        auto const offer = [&](node_row const& row) { // false: the page is full
            if (!query.matches(row)) return true;
            if (page.rows.size() == limit) {
                page.next = page.rows.back()->id;
                return false;
            }
            page.rows.push_back(&row);
            return true;
        };
        bool full = false;
        table.for_each_behind(query.after, [&](node_row const& row) {
            for (; !full && laid != entries_.end() && laid->first < row.id; ++laid) {
                full = laid->second.row && !offer(*laid->second.row);
            }
            if (full) return false;
            if (laid != entries_.end() && laid->first == row.id) return true; // comes with the next one
            full = !offer(row);
            return !full;
        });
        for (; !full && laid != entries_.end(); ++laid) full = laid->second.row && !offer(*laid->second.row);
        return page;
    }

private:
    std::map<node_id, entry> entries_;
    std::uint64_t edits_ = 0;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
