// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a registry must not forget, in SQLite: its nodes, those that are gone, and the writes that wait for the root.
#ifndef PEERKIT_STORE_REGISTRY_DATABASE_HPP
#define PEERKIT_STORE_REGISTRY_DATABASE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/registry_snapshot.hpp>
#include <peerkit/store/sqlite_connection.hpp>
#include <peerkit/store/sqlite_schema.hpp>
#include <peerkit/store/state_directory.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// The database of a registry. One process has it at a time: the file `<database>.lock` beside it is locked. People may
/// read it with other programs while the registry runs; the view `node_list` is meant for them.
///
/// Calls block on the disk. For one thread at a time. docs/store.md has the tables.
/// @code
/// auto db = store::registry_database::open("/var/lib/registry/registry.sqlite");
/// if (!db) return fail(db.error());
/// auto known = db->load();
/// ...
/// auto done = db->apply(changes);      // durable, all of them or none
/// @endcode
class registry_database {
public:
    /// Opens the database, or makes it; its directory, too, for this user only. An older schema is brought up to date.
    /// @par Errors those of `state_directory::open`; `damaged` (restore a snapshot), `newer_format`, `not_ours`,
    /// `not_regular`, `busy`, `unusable`, `read_only`, `full`, `database_failed`
    [[nodiscard]] static result<registry_database> open(std::string const& path) {
        auto const [directory, name] = detail::split_path(path);
        auto place = state_directory::open(directory, name + ".lock");
        if (!place) return fail(place.error());
        if (auto const made = place->make(name.c_str()); !made) return fail(made.error());
        auto db = sqlite_connection::open(place->path(name));
        if (!db) return fail(db.error());
        // Before anything is written: what is not ours, or of a later version, stays as it is.
        if (auto const known = schema_version(*db, registry_schema); !known) return fail(known.error());
        // 32 MiB of changes between two checkpoints: most pages are then written once for many changes.
        auto const ready = db->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                       "PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -16384",
                                       "open");
        if (!ready) return fail(ready.error());
        if (auto const done = migrate(*db, registry_schema); !done) return fail(done.error());
        return registry_database{std::move(*place), std::move(*db)};
    }

    /// Everything stored.
    /// @par Errors `damaged` (field: the table), `busy`, `unusable`, `database_failed`
    [[nodiscard]] result<registry::saved_state> load() {
        registry::saved_state found;
        for (auto const part : {&registry_database::read_meta, &registry_database::read_nodes,
                                &registry_database::read_tombstones, &registry_database::read_queue}) {
            if (auto const done = (this->*part)(found); !done) return fail(done.error());
        }
        return found;
    }

    /// Makes changes durable in one transaction, in their order; if it fails, none of them happened.
    /// @par Errors `bad_record`; `full`, `read_only`, `unusable`, `busy`, `damaged`, `database_failed`
    [[nodiscard]] result<void> apply(std::span<registry::durable_change const> changes) {
        if (changes.empty()) return {};
        auto transaction = sqlite_transaction::begin(db_);
        if (!transaction) return fail(transaction.error());
        for (registry::durable_change const& change : changes) {
            auto const done = std::visit([this](auto const& one) { return put(one); }, change);
            if (!done) return done;
        }
        return transaction->commit();
    }

    /// Writes a copy of everything to `<directory>/registry-<number>.sqlite`, one file that `restore_registry` takes,
    /// and takes away all but the newest `keep` (at least 1). @returns the path of the copy
    /// @par Errors those of `state_directory::open`; `full`, `read_only`, `unusable`, `database_failed`
    [[nodiscard]] result<std::string> write_snapshot(std::string const& directory, std::size_t keep) {
        return write_registry_snapshot(db_, directory, keep);
    }

private:
    registry_database(state_directory place, sqlite_connection db) noexcept
        : place_{std::move(place)}, db_{std::move(db)} {}

    /// Statements that run for every change are prepared once.
    enum statement : std::size_t {
        put_node,
        put_figures,
        drop_node,
        drop_figures,
        put_tombstone,
        drop_tombstone,
        touch,
        put_meta,
        forget,
        put_write,
        drop_write,
        statements
    };
    [[nodiscard]] static constexpr std::string_view text_of(statement which) noexcept {
        switch (which) {
        case put_node:
            return "INSERT INTO nodes (id, name, address, domain, registry, found_by, status, version, first_seen_ms,"
                   " lease, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO UPDATE"
                   " SET name = ?2, address = ?3, domain = ?4, registry = ?5, found_by = ?6, status = ?7, version = ?8,"
                   " first_seen_ms = ?9, lease = ?10, record = ?11";
        case put_figures: return "INSERT OR REPLACE INTO figures VALUES (?1, ?2, ?3, ?4)";
        case drop_node: return "DELETE FROM nodes WHERE id = ?1";
        case drop_figures: return "DELETE FROM figures WHERE id = ?1";
        case put_tombstone: return "INSERT OR REPLACE INTO tombstones VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        case drop_tombstone: return "DELETE FROM tombstones WHERE id = ?1";
        case touch: return "UPDATE figures SET last_heartbeat_ms = ?2, uptime_ms = ?3, standing = ?4 WHERE id = ?1";
        case put_meta: return "INSERT OR REPLACE INTO meta VALUES (1, ?1, ?2, ?3)";
        case forget: return "DELETE FROM tombstones WHERE version <= ?1";
        case put_write: return "INSERT OR REPLACE INTO queue VALUES (?1, ?2)";
        case drop_write: return "DELETE FROM queue WHERE number = ?1";
        case statements: break;
        }
        return {};
    }
    /// Runs a statement with these values.
    template <typename... Values>
    [[nodiscard]] result<void> run(statement which, Values const&... values) {
        if (!prepared_[which]) {
            auto made = db_.prepare(text_of(which));
            if (!made) return fail(made.error());
            prepared_[which] = std::move(*made);
        }
        int index = 0;
        (prepared_[which]->bind(++index, values), ...);
        return prepared_[which]->run();
    }
    [[nodiscard]] static std::int64_t number(std::uint64_t value) noexcept { return static_cast<std::int64_t>(value); }

    [[nodiscard]] result<void> put(registry::row_put const& change) {
        registry::node_row const& row = change.row;
        byte_view const id = row.id.bytes;
        if (!wire::record_view::parse(row.record)) return fail(store_error::bad_record, 0, "record");
        wire::record_view const record = row.view();
        std::string const address = record.address_count() == 0 ? std::string{} : record.gossip_endpoint(0).to_string();
        auto done = run(put_node, id, record.name(), std::string_view{address}, std::string_view{row.domain},
                        std::string_view{row.registry}, std::string_view{row.found_by},
                        std::int64_t{static_cast<std::uint8_t>(row.status)}, number(row.version), row.first_seen_ms,
                        byte_view{row.lease.bytes}, byte_view{row.record});
        if (done) done = run(put_figures, id, row.last_heartbeat_ms, row.uptime_ms, std::int64_t{row.standing});
        return done ? run(drop_tombstone, id) : done;
    }
    [[nodiscard]] result<void> put(registry::row_removed const& change) {
        registry::tombstone const& gone = change.gone;
        byte_view const id = gone.id.bytes;
        auto done = run(drop_node, id);
        if (done) done = run(drop_figures, id);
        return done ? run(put_tombstone, id, std::string_view{gone.domain}, std::string_view{gone.name},
                          number(gone.incarnation), number(gone.version), gone.removed_ms, std::int64_t{gone.expired})
                    : done;
    }
    [[nodiscard]] result<void> put(registry::row_touched const& change) {
        return run(touch, byte_view{change.id.bytes}, change.last_heartbeat_ms, change.uptime_ms,
                   std::int64_t{change.standing});
    }
    [[nodiscard]] result<void> put(registry::table_reset const& change) {
        auto const done = db_.execute("DELETE FROM nodes; DELETE FROM figures; DELETE FROM tombstones", "reset");
        return done ? run(put_meta, number(change.epoch), std::int64_t{0}, std::int64_t{0}) : done;
    }
    [[nodiscard]] result<void> put(registry::table_at const& change) {
        auto const done = run(put_meta, number(change.epoch), number(change.version), number(change.floor));
        return done ? run(forget, number(change.floor)) : done;
    }
    [[nodiscard]] result<void> put(registry::write_queued const& change) {
        return run(put_write, number(change.number), byte_view{change.bytes});
    }
    [[nodiscard]] result<void> put(registry::write_done const& change) {
        return run(drop_write, number(change.number));
    }

    /// Calls `take(row)` for every row; false: the row cannot be ours.
    template <typename Take>
    [[nodiscard]] result<void> each(char const* table, std::string_view sql, Take take) {
        auto rows = db_.prepare(sql);
        if (!rows) return fail(rows.error());
        for (std::uint64_t index = 0;; ++index) {
            auto const row = rows->step();
            if (!row) return fail(row.error());
            if (!*row) return {};
            if (!take(*rows)) return fail(store_error::damaged, index, table);
        }
    }
    [[nodiscard]] static std::uint64_t whole(sqlite_statement const& row, int column) noexcept {
        return static_cast<std::uint64_t>(row.integer(column));
    }
    [[nodiscard]] result<void> read_meta(registry::saved_state& to) {
        return each("meta", "SELECT epoch, version, floor FROM meta", [&](sqlite_statement const& row) {
            to.epoch = whole(row, 0), to.version = whole(row, 1), to.floor = whole(row, 2);
            return true;
        });
    }
    [[nodiscard]] result<void> read_nodes(registry::saved_state& to) {
        return each(
            "nodes",
            "SELECT n.id, record, domain, registry, found_by, status, version, first_seen_ms, lease,"
            " last_heartbeat_ms, uptime_ms, standing FROM nodes n LEFT JOIN figures f ON f.id = n.id"
            " ORDER BY version",
            [&](sqlite_statement const& from) {
                registry::node_row row;
                row.id = node_id::from_bytes(from.blob(0));
                row.record.assign(from.blob(1).begin(), from.blob(1).end());
                row.domain = from.text(2);
                row.registry = from.text(3);
                row.found_by = from.text(4);
                row.status = from.integer(5) == 0 ? registry::node_status::online : registry::node_status::offline;
                row.version = whole(from, 6);
                row.first_seen_ms = from.integer(7);
                if (from.blob(8).size() != row.lease.bytes.size()) return false;
                copy_bytes(from.blob(8), row.lease.bytes);
                row.last_heartbeat_ms = from.integer(9);
                row.uptime_ms = from.integer(10);
                row.standing = static_cast<std::uint16_t>(from.integer(11));
                auto const record = wire::record_view::parse(row.record);
                if (!record || record->id() != row.id || row.domain.size() > registry::max_domain ||
                    row.registry.size() > registry::max_registry_text || row.found_by.size() > registry::max_found_by ||
                    from.integer(11) < 0 || from.integer(11) > registry::node_row::best_standing) {
                    return false;
                }
                to.rows.push_back(std::move(row));
                return true;
            });
    }
    [[nodiscard]] result<void> read_tombstones(registry::saved_state& to) {
        return each(
            "tombstones",
            "SELECT id, domain, name, incarnation, version, removed_ms, expired FROM tombstones ORDER BY version",
            [&](sqlite_statement const& from) {
                if (from.blob(0).size() != node_id::size) return false;
                to.removed.push_back({node_id::from_bytes(from.blob(0)), std::string{from.text(1)},
                                      std::string{from.text(2)}, whole(from, 3), whole(from, 4), from.integer(5),
                                      from.integer(6) != 0});
                return true;
            });
    }
    [[nodiscard]] result<void> read_queue(registry::saved_state& to) {
        return each("queue", "SELECT number, bytes FROM queue ORDER BY number", [&](sqlite_statement const& from) {
            to.queue.push_back({whole(from, 0), {from.blob(1).begin(), from.blob(1).end()}});
            return true;
        });
    }

    state_directory place_;
    sqlite_connection db_;
    std::array<std::optional<sqlite_statement>, statements> prepared_; // after db_: must not outlive it
};

} // namespace store
PEERKIT_END_NAMESPACE

#endif
