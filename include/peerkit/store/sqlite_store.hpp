// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A store in a SQLite database: the node's own configuration in one table, its peers in another.
#ifndef PEERKIT_STORE_SQLITE_STORE_HPP
#define PEERKIT_STORE_SQLITE_STORE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/sqlite_connection.hpp>
#include <peerkit/store/sqlite_schema.hpp>
#include <peerkit/store/state_directory.hpp>
#include <peerkit/store/store.hpp>
#include <peerkit/store/stored_state.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace store {

namespace detail {

// Version 1 knew neither where a peer answered last nor the registries that worked, and had nothing to be read by eye.
inline constexpr std::array<std::string_view, 2> node_schema_steps{
    "CREATE TABLE own (one INTEGER PRIMARY KEY CHECK (one = 1), owner BLOB NOT NULL, network BLOB NOT NULL,"
    " incarnation INTEGER NOT NULL, generation INTEGER NOT NULL);"
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE peers (id BLOB PRIMARY KEY, record BLOB NOT NULL, sources INTEGER NOT NULL,"
    " last_heard_ms INTEGER NOT NULL);",
    "CREATE TABLE registries (place INTEGER PRIMARY KEY, registry TEXT NOT NULL);"
    "ALTER TABLE peers ADD COLUMN last_endpoint TEXT;"
    "ALTER TABLE peers ADD COLUMN name TEXT;"
    "ALTER TABLE peers ADD COLUMN found_by TEXT;"
    "CREATE VIEW peer_list AS SELECT hex(id) AS id, name, found_by, last_endpoint,"
    " datetime(last_heard_ms / 1000, 'unixepoch') AS last_heard FROM peers;"};

} // namespace detail

/// "peer" in ASCII.
inline constexpr sqlite_schema node_schema{0x70656572, detail::node_schema_steps};

/// Keeps the state in `peerkit.sqlite` in a directory, which is made for this user only if there is none. A save is one
/// transaction that writes what changed, synced when it returns (WAL, `synchronous = FULL`). A database of an older
/// schema is brought up to date; one that SQLite finds damaged is renamed to `*.quarantined-1` (to -4), and told in
/// `loaded_state`. People may read the database with other programs while a node runs.
///
/// Calls block on the disk and, for two seconds, on other programs. Not thread-safe; may move between threads.
/// docs/store.md has the tables.
/// @code
/// config.store = store::sqlite_store{"/var/lib/example"};
/// @endcode
class sqlite_store {
public:
    static constexpr char const* file_name = "peerkit.sqlite";

    /// Touches nothing yet.
    explicit sqlite_store(std::string directory) noexcept : path_{std::move(directory)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "sqlite"; }
    [[nodiscard]] std::string const& directory() const noexcept { return path_; }

    /// @par Errors those of `state_directory::open`, `not_regular`; `newer_format`, `not_ours`: nothing is touched
    /// then; `unusable`, `read_only`, `full`, `busy`, `database_failed`
    [[nodiscard]] result<void> claim() {
        if (db_) return {};
        if (!place_) {
            auto opened = state_directory::open(path_);
            if (!opened) return fail(opened.error());
            place_ = std::move(*opened);
        }
        result<void> done = open();
        if (done || done.error() != store_error::damaged) return done;
        if (auto const aside = set_aside(done.error()); !aside) return aside;
        return open();
    }

    /// @par Errors those of `claim`
    [[nodiscard]] result<loaded_state> load() {
        if (auto const mine = claim(); !mine) return fail(mine.error());
        auto found = read();
        if (!found && found.error() == store_error::damaged) {
            if (auto const aside = set_aside(found.error()); !aside) return fail(aside.error());
            if (auto const again = claim(); !again) return fail(again.error());
            found = read();
        }
        if (!found) return found;
        held_ = head_of(found->state);
        generation_ = found->generation;
        found->quarantined = std::exchange(quarantined_, 0);
        found->damage = std::exchange(damage_, std::nullopt);
        return found;
    }

    /// @par Errors those of `load`, if nothing was loaded before; of `check_bounds`; `incarnation_back`; `unusable`,
    /// `read_only`, `full`, `busy`, `damaged`, `database_failed`
    [[nodiscard]] result<void> save(stored_state const& state) {
        if (!held_) {
            if (auto const found = load(); !found) return fail(found.error());
        }
        if (auto const later = check_successor(*held_, state); !later) return later;
        if (auto const fits = check_bounds(state); !fits) return fits;
        if (auto const done = write(state); !done) return done;
        held_ = head_of(state);
        ++generation_;
        return {};
    }

private:
    [[nodiscard]] result<void> open() {
        if (auto const made = place_->make(file_name); !made) return made;
        auto opened = sqlite_connection::open(place_->path(file_name));
        if (!opened) return fail(opened.error());
        // Before anything is written: what is not ours, or of a later version, stays as it is.
        if (auto const known = schema_version(*opened, node_schema); !known) return fail(known.error());
        if (auto const wal = opened->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "open"); !wal) {
            return wal;
        }
        if (auto const done = migrate(*opened, node_schema); !done) return fail(done.error());
        db_ = std::move(*opened);
        return {};
    }
    [[nodiscard]] result<void> set_aside(error why) {
        db_.reset();
        if (auto const done = place_->quarantine(file_name); !done) return done;
        // What they hold belongs to the database that is gone.
        for (char const* const rest : {"peerkit.sqlite-wal", "peerkit.sqlite-shm"}) {
            if (place_->has(rest)) (void)place_->quarantine(rest);
        }
        ++quarantined_;
        if (!damage_) damage_ = why;
        return {};
    }

    [[nodiscard]] result<loaded_state> read() {
        auto const sound = db_->integer("SELECT quick_check = 'ok' FROM pragma_quick_check(1)");
        if (!sound) return fail(sound.error());
        if (*sound == 0) return fail(store_error::damaged, 0, "quick check");
        loaded_state found;
        for (auto const part : {&sqlite_store::read_own, &sqlite_store::read_settings, &sqlite_store::read_registries,
                                &sqlite_store::read_peers}) {
            if (auto const done = (this->*part)(found); !done) return fail(done.error());
        }
        if (auto const fits = check_bounds(found.state); !fits) return fail(store_error::damaged, 0, "bounds");
        return found;
    }
    /// Calls `take(row)` for every row; what it finds wrong ends the reading.
    template <typename Take>
    [[nodiscard]] result<void> each(std::string_view sql, Take take) {
        auto rows = db_->prepare(sql);
        if (!rows) return fail(rows.error());
        for (;;) {
            auto const row = rows->step();
            if (!row) return fail(row.error());
            if (!*row) return {};
            if (auto const done = take(*rows); !done) return done;
        }
    }
    [[nodiscard]] static tl::unexpected<error> odd(char const* table) noexcept {
        return fail(store_error::damaged, 0, table);
    }
    [[nodiscard]] result<void> read_own(loaded_state& to) {
        return each("SELECT owner, network, incarnation, generation FROM own",
                    [&](sqlite_statement const& row) -> result<void> {
                        stored_state& state = to.state;
                        if (row.blob(0).size() != node_id::size) return odd("own");
                        if (row.blob(1).size() != state.network.bytes.size() || row.integer(2) < 0) return odd("own");
                        state.owner = node_id::from_bytes(row.blob(0));
                        copy_bytes(row.blob(1), state.network.bytes);
                        state.incarnation = static_cast<std::uint64_t>(row.integer(2));
                        to.generation = static_cast<std::uint64_t>(row.integer(3));
                        return {};
                    });
    }
    [[nodiscard]] result<void> read_settings(loaded_state& to) {
        return each("SELECT name, value FROM settings", [&](sqlite_statement const& row) -> result<void> {
            if (to.state.settings.size() == max_settings) return odd("settings");
            to.state.settings.emplace(row.text(0), row.text(1));
            return {};
        });
    }
    [[nodiscard]] result<void> read_registries(loaded_state& to) {
        return each("SELECT registry FROM registries ORDER BY place", [&](sqlite_statement const& row) -> result<void> {
            if (to.state.registries.size() == max_registries) return odd("registries");
            to.state.registries.emplace_back(row.text(0));
            return {};
        });
    }
    [[nodiscard]] result<void> read_peers(loaded_state& to) {
        return each("SELECT record, sources, last_endpoint, last_heard_ms FROM peers ORDER BY last_heard_ms DESC, id",
                    [&](sqlite_statement const& row) -> result<void> {
                        byte_view const record = row.blob(0);
                        auto const where = endpoint::parse(row.text(2), 0);
                        bool const called = !row.is_null(2);
                        if (to.state.peers.size() == max_peers || !wire::record_view::parse(record) ||
                            (called && (!where || !*where || where->is_host_name()))) {
                            ++to.left_out;
                            return {};
                        }
                        stored_peer peer;
                        peer.record.assign(record.begin(), record.end());
                        peer.sources = node::provenance_set::from_bits(static_cast<std::uint32_t>(row.integer(1)));
                        if (called) peer.last_endpoint = where->ip();
                        peer.last_heard_ms = row.integer(3);
                        to.state.peers.push_back(std::move(peer));
                        return {};
                    });
    }

    [[nodiscard]] result<void> write(stored_state const& state) {
        auto change = sqlite_transaction::begin(*db_);
        if (!change) return fail(change.error());
        for (auto const part : {&sqlite_store::write_own, &sqlite_store::write_settings,
                                &sqlite_store::write_registries, &sqlite_store::write_peers}) {
            if (auto const done = (this->*part)(state); !done) return done;
        }
        return change->commit();
    }
    [[nodiscard]] result<void> write_own(stored_state const& state) {
        auto put = db_->prepare("INSERT OR REPLACE INTO own VALUES (1, ?, ?, ?, ?)");
        if (!put) return fail(put.error());
        put->bind(1, byte_view{state.owner.bytes});
        put->bind(2, byte_view{state.network.bytes});
        put->bind(3, static_cast<std::int64_t>(state.incarnation));
        put->bind(4, static_cast<std::int64_t>(generation_ + 1));
        return put->run();
    }
    [[nodiscard]] result<void> write_settings(stored_state const& state) {
        if (auto const empty = db_->execute("DELETE FROM settings", "settings"); !empty) return empty;
        auto put = db_->prepare("INSERT INTO settings VALUES (?, ?)");
        if (!put) return fail(put.error());
        for (auto const& [name, value] : state.settings) {
            put->bind(1, std::string_view{name});
            put->bind(2, std::string_view{value});
            if (auto const done = put->run(); !done) return done;
        }
        return {};
    }
    [[nodiscard]] result<void> write_registries(stored_state const& state) {
        if (auto const empty = db_->execute("DELETE FROM registries", "registries"); !empty) return empty;
        auto put = db_->prepare("INSERT INTO registries VALUES (?, ?)");
        if (!put) return fail(put.error());
        for (std::size_t i = 0; i < state.registries.size(); ++i) {
            put->bind(1, static_cast<std::int64_t>(i));
            put->bind(2, std::string_view{state.registries[i]});
            if (auto const done = put->run(); !done) return done;
        }
        return {};
    }
    /// A page whose rows are as they were is not written again, SQLite sees to that: most of a large state.
    [[nodiscard]] result<void> write_peers(stored_state const& state) {
        auto put = db_->prepare("INSERT INTO peers (id, record, sources, last_endpoint, last_heard_ms, name, found_by)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET record = ?2,"
                                " sources = ?3, last_endpoint = ?4, last_heard_ms = ?5, name = ?6, found_by = ?7");
        if (!put) return fail(put.error());
        std::unordered_set<node_id> present;
        present.reserve(state.peers.size());
        for (stored_peer const& peer : state.peers) {
            auto const record = wire::record_view::trusted(peer.record);
            node_id const id = record.id();
            present.insert(id);
            put->bind(1, byte_view{id.bytes});
            put->bind(2, byte_view{peer.record});
            put->bind(3, std::int64_t{peer.sources.bits()});
            std::string const where = peer.last_endpoint ? peer.last_endpoint.to_string() : std::string{};
            if (where.empty()) {
                put->bind(4, nullptr);
            } else {
                put->bind(4, std::string_view{where});
            }
            put->bind(5, peer.last_heard_ms);
            put->bind(6, record.name());
            put->bind(7, std::string_view{peer.sources.to_string()});
            if (auto const done = put->run(); !done) return done;
        }
        std::vector<node_id> gone;
        auto const looked = each("SELECT id FROM peers", [&](sqlite_statement const& row) -> result<void> {
            node_id const id = node_id::from_bytes(row.blob(0));
            if (present.find(id) == present.end()) gone.push_back(id);
            return {};
        });
        if (!looked) return looked;
        auto take = db_->prepare("DELETE FROM peers WHERE id = ?");
        if (!take) return fail(take.error());
        for (node_id const& id : gone) {
            take->bind(1, byte_view{id.bytes});
            if (auto const done = take->run(); !done) return done;
        }
        return {};
    }

    std::string path_;
    std::optional<state_directory> place_;
    std::optional<sqlite_connection> db_;
    std::optional<stored_state> held_; // whose memory the database is, and its incarnation
    std::uint64_t generation_ = 0;
    std::uint32_t quarantined_ = 0;
    std::optional<error> damage_;
};

static_assert(check_store<sqlite_store>());

} // namespace store
PEERKIT_END_NAMESPACE

#endif
