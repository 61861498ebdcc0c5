// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a registry's snapshots: whole copies in rotation, and the way back.
#include <peerkit/store/registry_snapshot.hpp>

#include <peerkit/store/registry_database.hpp>

#include "support/registry_rows.hpp"
#include "support/scratch_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

using namespace peerkit;
using registry::durable_change;
using registry::saved_state;
using store::registry_database;
using store::restore_registry;
using store::sqlite_connection;
using store::store_error;
using tests::registry_row;
using tests::same;
using tests::scratch_directory;

namespace {

using changes = std::vector<durable_change>;

/// A database with that many nodes, and its state.
saved_state fill(registry_database& db, std::uint64_t nodes) {
    changes all{registry::table_reset{7}};
    for (std::uint64_t i = 2; i < nodes + 2; ++i) all.emplace_back(registry::row_put{registry_row(i, i)});
    all.emplace_back(registry::table_at{7, nodes + 1, 0});
    all.emplace_back(registry::write_queued{4, {std::byte{9}}});
    REQUIRE(db.apply(all));
    return db.load().value();
}

} // namespace

TEST_CASE("snapshots are whole databases, numbered upwards, and the oldest go") {
    scratch_directory const scratch{tests::fast_parent()};
    auto db = registry_database::open(scratch.path("data/registry.sqlite"));
    REQUIRE(db);
    std::string const directory = scratch.path("snapshots");
    CHECK(store::registry_snapshots(directory).empty());
    for (std::uint64_t i = 1; i <= 5; ++i) {
        saved_state const state = fill(*db, i);
        auto const written = db->write_snapshot(directory, 3);
        REQUIRE(written);
        CHECK(*written == directory + "/registry-00000" + std::to_string(i) + ".sqlite");
        auto copy = registry_database::open(*written);
        REQUIRE(copy);
        CHECK(same(copy->load().value(), state));
    }
    scratch.write("snapshots/registry-.sqlite", "no number");
    scratch.write("snapshots/registry-7.sqlite.txt", "no snapshot");
    scratch.write("snapshots/registry-99999999999999999999999.sqlite", "no number of ours");
    CHECK(store::registry_snapshots(directory) == std::vector<std::string>{directory + "/registry-000003.sqlite",
                                                                           directory + "/registry-000004.sqlite",
                                                                           directory + "/registry-000005.sqlite"});
    REQUIRE(db->write_snapshot(directory, 0)); // one is always kept: the one just written
    CHECK(store::registry_snapshots(directory) == std::vector<std::string>{directory + "/registry-000006.sqlite"});
    CHECK_FALSE(scratch.has("snapshots/registry.new"));
}

TEST_CASE("a snapshot that cannot be written is an error by name, and those before stay") {
    scratch_directory const scratch;
    CHECK(tests::in_child([&] {
        if (!tests::mount_small(scratch.path(), 512 * 1024)) return true; // not allowed here
        auto db = registry_database::open(scratch.path("data/registry.sqlite"));
        if (!db) return false;
        (void)fill(*db, 2);
        std::string const directory = scratch.path("snapshots");
        auto const first = db->write_snapshot(directory, 5);
        (void)fill(*db, 60);
        scratch.write("ballast", std::string(512 * 1024, 'x')); // as much of it as there is room for
        auto const second = db->write_snapshot(directory, 5);
        return first && !second && second.error() == store_error::full &&
               store::registry_snapshots(directory) == std::vector<std::string>{*first} &&
               !scratch.has("snapshots/registry.new");
    }));
    auto db = registry_database::open(scratch.path("data/registry.sqlite"));
    REQUIRE(db);
    scratch.write("file", "x");
    CHECK(db->write_snapshot(scratch.path("file"), 5).error() == store_error::not_directory);
}

TEST_CASE("a restored registry is in the state of the snapshot, and the database before is kept") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    std::string snapshot;
    saved_state before, after;
    {
        auto db = registry_database::open(database);
        REQUIRE(db);
        before = fill(*db, 3);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
        after = fill(*db, 6);
        auto const running = restore_registry(snapshot, database);
        REQUIRE_FALSE(running);
        CHECK(running.error() == store_error::in_use);
        CHECK(same(db->load().value(), after));
    }
    std::string const bytes = scratch.read("snapshots/registry-000001.sqlite");
    for (int twice = 0; twice < 2; ++twice) {
        REQUIRE(restore_registry(snapshot, database));
        auto db = registry_database::open(database);
        REQUIRE(db);
        CHECK(same(db->load().value(), before));
        auto old = registry_database::open(database + (twice == 0 ? ".replaced" : ".replaced-2"));
        REQUIRE(old);
        CHECK(same(old->load().value(), twice == 0 ? after : before));
    }
    // The only copy of the original outlives a second restore.
    CHECK(same(registry_database::open(database + ".replaced")->load().value(), after));
    CHECK(scratch.read("snapshots/registry-000001.sqlite") == bytes);
    REQUIRE(restore_registry(snapshot, scratch.path("elsewhere/registry.sqlite")));
    CHECK(same(registry_database::open(scratch.path("elsewhere/registry.sqlite"))->load().value(), before));
}

TEST_CASE("a restore overwrites neither a database that was replaced before nor its log") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    std::string snapshot;
    {
        auto db = registry_database::open(database);
        (void)fill(*db, 3);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
    }
    scratch.write("data/registry.sqlite.replaced-2-wal", "somebody's log");
    for (std::string const text : {"first", "second"}) {
        scratch.write("data/registry.sqlite", text + std::string(9000, 'x'));
        REQUIRE(restore_registry(snapshot, database));
    }
    CHECK(scratch.read("data/registry.sqlite.replaced").starts_with("first"));
    CHECK(scratch.read("data/registry.sqlite.replaced-2-wal") == "somebody's log");
    CHECK(scratch.read("data/registry.sqlite.replaced-3").starts_with("second"));
}

TEST_CASE("nobody else may read a snapshot or a restored database: there are leases in it") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    namespace fs = std::filesystem;
    for (char const* const open_to_all : {"data", "snapshots"}) {
        fs::create_directory(scratch.path(open_to_all));
        fs::permissions(scratch.path(open_to_all), fs::perms{0755});
    }
    ::mode_t const before = ::umask(022);
    std::string snapshot;
    {
        auto db = registry_database::open(database);
        (void)fill(*db, 3);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
    }
    auto const restored = restore_registry(snapshot, database);
    ::umask(before);
    REQUIRE(restored);
    CHECK(fs::status(snapshot).permissions() == fs::perms{0600});
    CHECK(fs::status(database).permissions() == fs::perms{0600});
    CHECK(fs::status(database + ".replaced").permissions() == fs::perms{0600});
}

TEST_CASE("what a killed registry had only in its log is kept when a snapshot takes its place") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    std::string snapshot;
    {
        auto db = registry_database::open(scratch.path("other/registry.sqlite"));
        (void)fill(*db, 1);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
    }
    (void)tests::in_child([&] {
        auto db = registry_database::open(database);
        (void)fill(*db, 4);
        return ::kill(::getpid(), SIGKILL) == 0;
    });
    REQUIRE(std::filesystem::file_size(database + "-wal") > 0);
    REQUIRE(restore_registry(snapshot, database));
    CHECK(registry_database::open(database)->load()->rows.size() == 1);
    CHECK(registry_database::open(database + ".replaced")->load()->rows.size() == 4);
}

TEST_CASE("a damaged database can be replaced by a snapshot") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    std::string snapshot;
    {
        auto db = registry_database::open(database);
        (void)fill(*db, 3);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
    }
    scratch.write("data/registry.sqlite", std::string(9000, 'x'));
    REQUIRE(restore_registry(snapshot, database));
    CHECK(registry_database::open(database)->load()->rows.size() == 3);
    CHECK(scratch.read("data/registry.sqlite.replaced") == std::string(9000, 'x'));
}

TEST_CASE("a database that is being replaced has its name all the time") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    saved_state state;
    std::string snapshot;
    {
        auto db = registry_database::open(database);
        (void)fill(*db, 1);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
        state = fill(*db, 3);
    }
    std::filesystem::create_directory(database + "-shm"); // cannot be taken away as a file: the end in the middle
    REQUIRE_FALSE(restore_registry(snapshot, database));
    std::filesystem::remove(database + "-shm");
    REQUIRE(scratch.has("data/registry.sqlite"));
    CHECK(same(registry_database::open(database)->load().value(), state));
    REQUIRE(restore_registry(snapshot, database));
    CHECK(registry_database::open(database)->load()->rows.size() == 1);
    CHECK(registry_database::open(database + ".replaced")->load()->rows.size() == 3);
}

TEST_CASE("what is no sound snapshot of a registry restores nothing") {
    scratch_directory const scratch{tests::fast_parent()};
    std::string const database = scratch.path("data/registry.sqlite");
    saved_state state;
    std::string snapshot;
    {
        auto db = registry_database::open(database);
        state = fill(*db, 30);
        snapshot = db->write_snapshot(scratch.path("snapshots"), 5).value();
    }
    std::string const name = "snapshots/registry-000001.sqlite";
    std::string const whole = scratch.read(name);
    auto const refused = [&](store_error what) {
        auto const done = restore_registry(snapshot, database);
        REQUIRE_FALSE(done);
        CHECK(done.error() == what);
        auto db = registry_database::open(database);
        REQUIRE(db);
        CHECK(same(db->load().value(), state));
    };
    std::string page = whole;
    page.replace(4096, 4096, std::string(4096, '\x5a'));
    scratch.write(name, page);
    refused(store_error::damaged);
    scratch.write(name, whole.substr(0, whole.size() / 2));
    refused(store_error::damaged);
    scratch.write(name, "");
    refused(store_error::not_ours);
    std::filesystem::remove(snapshot);
    refused(store_error::unusable);
    CHECK_FALSE(scratch.has(name));
    REQUIRE(sqlite_connection::open(snapshot)->execute("CREATE TABLE theirs (x)"));
    refused(store_error::not_ours);
    scratch.write(name, whole);
    REQUIRE(sqlite_connection::open(snapshot)->execute("PRAGMA user_version = 9"));
    refused(store_error::newer_format);
}
