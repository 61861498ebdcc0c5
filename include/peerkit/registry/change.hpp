// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How a registry's state travels: pages of changes to other registries, single changes to its disk.
#ifndef PEERKIT_REGISTRY_CHANGE_HPP
#define PEERKIT_REGISTRY_CHANGE_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/node_row.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Where somebody is who follows a registry's changes.
///
/// A state is named by epoch and version. `since` is the version up to which everything is known. Who fetches
/// everything begins with `since` 0 and takes `base` from the first page: what was removed up to there cannot be in
/// any page, so it need not be remembered. Who holds a whole state asks with `base` equal to `since`.
struct change_cursor {
    std::uint64_t epoch = 0;
    std::uint64_t since = 0;
    std::uint64_t base = 0;
    [[nodiscard]] friend constexpr bool operator==(change_cursor const&, change_cursor const&) noexcept = default;
};

/// What happened between two versions, at most so much: each node once, as it is now. Rows and removals ascend by
/// version; no node is in both.
struct change_page {
    std::uint64_t epoch = 0;
    std::uint64_t since = 0;
    std::uint64_t to = 0;                ///< everything up to here is in this page or before it
    std::uint64_t base = 0;              ///< to be given with the next request, see `change_cursor`
    bool more = false;                   ///< more is known already: ask again at once
    std::optional<std::uint64_t> hash{}; ///< of the whole state at `to`; not said while there is more
    std::vector<node_row> rows{};
    std::vector<tombstone> removed{};
};

/// The same, as it lies in a table. Valid until the table changes.
struct change_view {
    std::uint64_t epoch = 0;
    std::uint64_t since = 0;
    std::uint64_t to = 0;
    std::uint64_t base = 0;
    bool more = false;
    std::optional<std::uint64_t> hash{};
    std::vector<node_row const*> rows{};
    std::vector<tombstone const*> removed{};

    [[nodiscard]] change_page to_page() const {
        change_page page{epoch, since, to, base, more, hash, {}, {}};
        for (auto const* const row : rows) page.rows.push_back(*row);
        for (auto const* const gone : removed) page.removed.push_back(*gone);
        return page;
    }
};

/// A row is new or has changed. The state's version is at least the row's.
struct row_put {
    node_row row{};
};
/// A row is gone. The state's version is at least the tombstone's.
struct row_removed {
    tombstone gone{};
};
/// The figures of a row's heartbeats. They may be stored later than what else happens: nothing is lost but figures.
struct row_touched {
    node_id id{};
    std::int64_t last_heartbeat_ms = 0;
    std::int64_t uptime_ms = 0;
    std::uint16_t standing = 0;
};
/// All rows and tombstones are forgotten; what follows is another state, version and floor 0. Queued writes stay.
struct table_reset {
    std::uint64_t epoch = 0;
};
/// Where the state is now: `version` of the last change, `floor` of the last removal that is not remembered any more
/// (tombstones up to there are forgotten). Rows and tombstones stay as they are, also where the epoch is another.
struct table_at {
    std::uint64_t epoch = 0;
    std::uint64_t version = 0;
    std::uint64_t floor = 0;
};
/// A write was taken for the root. `bytes` are for `queued_write::decode`. Replaces what had that number.
struct write_queued {
    std::uint64_t number = 0;
    std::vector<std::byte> bytes{};
};
/// The root answered: the write of that number is done with.
struct write_done {
    std::uint64_t number = 0;
};

/// One change to make durable. The changes of one call belong together: in one transaction, in their order, before
/// the answer to the call is sent.
using durable_change = std::variant<row_put, row_removed, row_touched, table_reset, table_at, write_queued, write_done>;

/// What was stored: the sum of all changes.
struct saved_state {
    std::uint64_t epoch = 0;   ///< 0: nothing was ever stored
    std::uint64_t version = 0; ///< as the last `table_at` said
    std::uint64_t floor = 0;
    std::vector<node_row> rows{};
    std::vector<tombstone> removed{};
    std::vector<write_queued> queue{}; ///< ascending by number
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
