// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Copies of a registry's database in a directory, and the way back; its schema.
#ifndef PEERKIT_STORE_REGISTRY_SNAPSHOT_HPP
#define PEERKIT_STORE_REGISTRY_SNAPSHOT_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/sqlite_connection.hpp>
#include <peerkit/store/sqlite_schema.hpp>
#include <peerkit/store/state_directory.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace store {

namespace detail {

// In version 1 the figures of heartbeats were columns of the nodes, so that each heartbeat wrote a record again.
inline constexpr std::array<std::string_view, 3> registry_schema_steps{
    "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, version INTEGER NOT NULL,"
    " floor INTEGER NOT NULL);"
    "CREATE TABLE nodes (id BLOB PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL, domain TEXT NOT NULL,"
    " registry TEXT NOT NULL, found_by TEXT NOT NULL, status INTEGER NOT NULL, version INTEGER NOT NULL,"
    " first_seen_ms INTEGER NOT NULL, last_heartbeat_ms INTEGER NOT NULL, uptime_ms INTEGER NOT NULL,"
    " standing INTEGER NOT NULL, lease BLOB NOT NULL, record BLOB NOT NULL);"
    "CREATE TABLE tombstones (id BLOB PRIMARY KEY, domain TEXT NOT NULL, name TEXT NOT NULL,"
    " incarnation INTEGER NOT NULL, version INTEGER NOT NULL, removed_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX tombstone_versions ON tombstones (version);"
    "CREATE TABLE queue (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    "CREATE TABLE figures (id BLOB PRIMARY KEY, last_heartbeat_ms INTEGER NOT NULL, uptime_ms INTEGER NOT NULL,"
    " standing INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO figures SELECT id, last_heartbeat_ms, uptime_ms, standing FROM nodes;"
    "ALTER TABLE nodes DROP COLUMN last_heartbeat_ms;"
    "ALTER TABLE nodes DROP COLUMN uptime_ms;"
    "ALTER TABLE nodes DROP COLUMN standing;"
    "CREATE VIEW node_list AS SELECT hex(n.id) AS id, name, iif(status = 0, 'online', 'offline') AS status, address,"
    " domain, registry, found_by, datetime(first_seen_ms / 1000, 'unixepoch') AS first_seen,"
    " datetime(last_heartbeat_ms / 1000, 'unixepoch') AS last_heartbeat, uptime_ms / 1000 AS uptime_s,"
    " (standing + 128) / 256 AS reputation, version FROM nodes n JOIN figures f ON f.id = n.id;",
    // Of those removed before it is not known: they count as taken out.
    "ALTER TABLE tombstones ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;"};

/// Directory and name of a file.
[[nodiscard]] inline std::pair<std::string, std::string> split_path(std::string const& path) {
    std::size_t const slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

/// Has SQLite write a copy that needs nothing beside it, and waits for the disk.
[[nodiscard]] inline result<void> copy_database(sqlite_connection& from, state_directory const& to,
                                                std::string const& name) {
    if (auto const done = to.remove(name); !done) return done;
    // SQLite would make it readable for everybody; it holds the nodes' leases.
    if (auto const done = to.make(name.c_str()); !done) return done;
    auto copy = from.prepare("VACUUM INTO ?");
    if (!copy) return fail(copy.error());
    copy->bind(1, std::string_view{to.path(name)});
    if (auto const done = copy->run(); !done) {
        (void)to.remove(name); // gives room back
        return done;
    }
    return to.sync(name);
}

/// `name`, or `name-2` and so on: the first that no database has, nor its log.
[[nodiscard]] inline std::string unused_name(state_directory const& in, std::string const& name) {
    std::string one = name;
    for (unsigned i = 2; in.has(one.c_str()) || in.has((one + "-wal").c_str()); ++i) {
        one = name + "-" + std::to_string(i);
    }
    return one;
}

/// The number in "registry-<number>.sqlite"; 0 for any other name.
[[nodiscard]] inline std::uint64_t snapshot_number(std::string_view name) noexcept {
    constexpr std::string_view before = "registry-", after = ".sqlite";
    if (name.size() > 40 || !name.starts_with(before) || !name.ends_with(after)) return 0;
    std::uint64_t number = 0;
    for (char const c : name.substr(before.size(), name.size() - before.size() - after.size())) {
        if (c < '0' || c > '9' || number > 100'000'000'000'000'000) return 0;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number;
}
[[nodiscard]] inline std::string snapshot_name(std::uint64_t number) {
    std::string const digits = std::to_string(number);
    return "registry-" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits + ".sqlite";
}

} // namespace detail

/// "pkrg" in ASCII.
inline constexpr sqlite_schema registry_schema{0x706b7267, detail::registry_schema_steps};

/// The snapshots in a directory, oldest first. A directory that cannot be read has none.
[[nodiscard]] inline std::vector<std::string> registry_snapshots(std::string const& directory) {
    std::vector<std::uint64_t> numbers;
    std::error_code wrong;
    for (std::filesystem::directory_iterator at{directory, wrong}, end; !wrong && at != end; at.increment(wrong)) {
        if (auto const number = detail::snapshot_number(at->path().filename().native()); number != 0) {
            numbers.push_back(number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    std::vector<std::string> names;
    for (std::uint64_t const number : numbers) names.push_back(directory + "/" + detail::snapshot_name(number));
    return names;
}

/// Writes a copy of an open database to `<directory>/registry-<number>.sqlite` and takes away all but the newest `keep`
/// (at least 1). The name is there when the copy is whole. @returns its path
/// @par Errors those of `state_directory::open`; `full`, `read_only`, `unusable`, `database_failed`
[[nodiscard]] inline result<std::string> write_registry_snapshot(sqlite_connection& db, std::string const& directory,
                                                                 std::size_t keep) {
    auto const place = state_directory::open(directory, "snapshots.lock");
    if (!place) return fail(place.error());
    std::string const draft = "registry.new";
    if (auto const done = detail::copy_database(db, *place, draft); !done) return fail(done.error());
    std::vector<std::string> all = registry_snapshots(directory);
    std::uint64_t const last = all.empty() ? 0 : detail::snapshot_number(detail::split_path(all.back()).second);
    std::string const name = detail::snapshot_name(last + 1);
    if (auto const done = place->rename(draft, name); !done) return fail(done.error());
    if (auto const done = place->sync(); !done) return fail(done.error());
    all.push_back(place->path(name));
    for (std::size_t i = 0; i + std::max<std::size_t>(keep, 1) < all.size(); ++i) {
        (void)place->remove(detail::split_path(all[i]).second); // one too many is no reason to fail
    }
    return all.back();
}

/// Puts a snapshot in the place of a registry's database, which becomes `<database>.replaced`, or `.replaced-2` and so
/// on if an earlier restore has left one. The registry that has it must be stopped; when it starts, it is in an older
/// state than the others know, and has to say so with a new epoch.
/// @par Errors of the snapshot: `unusable`, `damaged`, `not_ours`, `newer_format`; of the database: those of
/// `state_directory::open` (`in_use`: the registry runs), `full`, `read_only`, `unusable`, `database_failed`. After any
/// error the database is as it was; where the file system has no second names for a file, maybe under its other name.
[[nodiscard]] inline result<void> restore_registry(std::string const& snapshot, std::string const& database) {
    auto from = sqlite_connection::open(snapshot, {.create = false, .read_only = true});
    if (!from) return fail(from.error());
    auto const version = schema_version(*from, registry_schema);
    if (!version) return fail(version.error());
    if (*version == 0) return fail(store_error::not_ours, 0, "snapshot");
    auto const sound = from->integer("SELECT integrity_check = 'ok' FROM pragma_integrity_check(1)");
    if (!sound) return fail(sound.error());
    if (*sound == 0) return fail(store_error::damaged, 0, "snapshot");

    auto const [directory, name] = detail::split_path(database);
    auto const place = state_directory::open(directory, name + ".lock");
    if (!place) return fail(place.error());
    std::string const draft = name + ".restore", log = name + "-wal",
                      kept = detail::unused_name(*place, name + ".replaced");
    if (auto const done = detail::copy_database(*from, *place, draft); !done) return done;
    if (place->has(name.c_str())) {
        // What is only in its log goes into the database first, if it can be read at all.
        if (auto old = sqlite_connection::open(place->path(name), {.create = false})) {
            (void)old->execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        // Without its name for a moment, it would be taken for a registry that never was, if the process ended then.
        if (!place->link(name, kept)) {
            if (auto const done = place->rename(name, kept); !done) return done;
        }
        if (auto const done = place->remove(name + "-shm"); !done) return done;
        if (place->has(log.c_str())) {
            if (auto const done = place->rename(log, kept + "-wal"); !done) return done;
        }
    }
    if (auto const done = place->rename(draft, name); !done) return done;
    return place->sync();
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
