// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the store in SQLite: older, newer, damaged and foreign databases, and processes killed while they save.
#include <peerkit/store/sqlite_store.hpp>

#include "support/scratch_directory.hpp"
#include "support/store_behaviour.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

using namespace peerkit;
using store::sqlite_connection;
using store::sqlite_store;
using store::store_error;
using store::stored_state;
using tests::in_child;
using tests::numbered;
using tests::scratch_directory;
using tests::sorted;

namespace {

constexpr char const* database = "state/peerkit.sqlite";

void copy_data(scratch_directory const& scratch, std::string const& name) {
    std::filesystem::create_directory(scratch.path("state"));
    std::filesystem::copy_file(std::string{PEERKIT_TEST_DATA} + "/store/" + name, scratch.path(database));
}
std::int64_t asked(scratch_directory const& scratch, std::string const& sql) {
    auto db = sqlite_connection::open(scratch.path(database));
    REQUIRE(db);
    auto const answer = db->integer(sql);
    REQUIRE(answer);
    return *answer;
}

} // namespace

TEST_CASE("a store in SQLite does what every store does") {
    scratch_directory const scratch{tests::fast_parent()};
    tests::check_store_behaviour([&] { return sqlite_store{scratch.path("state")}; });
    struct stat status{};
    REQUIRE(::stat(scratch.path(database).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600);
}

TEST_CASE("the tables are those that docs/store.md shows, and readable while the store has them") {
    scratch_directory const scratch;
    sqlite_store one{scratch.path("state")};
    CHECK(one.name() == "sqlite");
    CHECK(one.directory() == scratch.path("state"));
    REQUIRE(one.save(tests::stored_sample(3)));
    CHECK(asked(scratch, "PRAGMA user_version") == 2);
    CHECK(asked(scratch, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'") == 1);
    CHECK(asked(scratch, "SELECT incarnation FROM own") == 1'700'000'000'000'001);
    CHECK(asked(scratch, "SELECT count(*) FROM settings WHERE name = 'name' AND value = 'db1'") == 1);
    CHECK(asked(scratch, "SELECT count(*) FROM registries WHERE place = 1 AND registry = '[2001:db8::7]:8001'") == 1);
    CHECK(asked(scratch, "SELECT count(*) FROM peers WHERE sources & (1 << 3) AND last_endpoint IS NULL") == 1);
    CHECK(asked(scratch, "SELECT count(*) FROM peers WHERE sources & (1 << 4) AND last_endpoint = "
                         "'[2001:db8::1]:9001' AND last_heard_ms = 1700000000001") == 1);
    CHECK(asked(scratch, "SELECT count(*) FROM peer_list WHERE name = 'node2' AND found_by = 'dns+gossip' AND"
                         " last_endpoint = '192.0.2.2:9000' AND last_heard = '2023-11-14 22:13:20'") == 1);
}

TEST_CASE("a save writes only the peers that changed") {
    scratch_directory const scratch{tests::fast_parent()};
    sqlite_store one{scratch.path("state")};
    stored_state state = tests::stored_sample(200);
    REQUIRE(one.save(state));
    auto const before = std::filesystem::file_size(scratch.path("state/peerkit.sqlite-wal"));
    state.incarnation += 1;
    state.peers[7].last_heard_ms += 1;
    REQUIRE(one.save(state));
    auto const written = std::filesystem::file_size(scratch.path("state/peerkit.sqlite-wal")) - before;
    CHECK(written > 0);
    CHECK(written < 40'000);
}

TEST_CASE("a database of version 1 is brought up to date, and everything in it is still there") {
    scratch_directory const scratch;
    copy_data(scratch, "node_v1.sqlite");
    REQUIRE(asked(scratch, "PRAGMA user_version") == 1);
    stored_state expected = tests::stored_sample(3);
    expected.settings = {{"name", "db1"}};
    expected.registries.clear();
    for (store::stored_peer& peer : expected.peers) peer.last_endpoint = {};
    {
        sqlite_store one{scratch.path("state")};
        auto const found = one.load();
        REQUIRE(found);
        CHECK(sorted(found->state) == sorted(expected));
        CHECK(found->generation == 12);
        CHECK(found->left_out == 0);
        CHECK(store::keep_verified(expected, tests::fake_check) == 0);
        expected.registries = {"r:1"};
        REQUIRE(one.save(expected));
    }
    CHECK(asked(scratch, "PRAGMA user_version") == 2);
    CHECK(asked(scratch, "SELECT count(*) FROM peer_list WHERE name LIKE 'node_' AND found_by <> ''") == 3);
    CHECK(sorted(sqlite_store{scratch.path("state")}.load()->state) == sorted(expected));
}

TEST_CASE("a database of a later schema is neither read, nor changed, nor set aside") {
    scratch_directory const scratch;
    copy_data(scratch, "node_v1.sqlite");
    REQUIRE(asked(scratch, "SELECT 0") == 0);
    {
        auto db = sqlite_connection::open(scratch.path(database));
        REQUIRE(db->execute("PRAGMA user_version = 3"));
    }
    std::string const before = scratch.read(database);
    sqlite_store one{scratch.path("state")};
    auto const found = one.load();
    REQUIRE_FALSE(found);
    CHECK(found.error() == store_error::newer_format);
    CHECK(found.error().position() == 3);
    CHECK(one.save(numbered(9)).error() == store_error::newer_format);
    CHECK(scratch.read(database) == before);
    CHECK_FALSE(scratch.has("state/peerkit.sqlite.quarantined-1"));
}

TEST_CASE("a database of something else is left alone") {
    scratch_directory const scratch;
    std::filesystem::create_directory(scratch.path("state"));
    REQUIRE(sqlite_connection::open(scratch.path(database))->execute("CREATE TABLE theirs (x)"));
    CHECK(sqlite_store{scratch.path("state")}.load().error() == store_error::not_ours);
    CHECK(asked(scratch, "SELECT count(*) FROM sqlite_master") == 1);
}

TEST_CASE("a damaged database is set aside and told, and the node goes on") {
    scratch_directory const scratch;
    { REQUIRE(sqlite_store{scratch.path("state")}.save(tests::stored_sample(30))); }
    std::string const whole = scratch.read(database);
    REQUIRE(whole.size() > 3 * 4096);
    std::string head = whole, page = whole;
    head.replace(0, 16, "no database 3.14");
    page.replace(4096, 4096, std::string(4096, '\x5a'));
    for (std::string const& damaged : {head, page, whole.substr(0, 4096), whole.substr(0, 1000)}) {
        CAPTURE(damaged.size());
        scratch.write(database, damaged);
        sqlite_store one{scratch.path("state")};
        auto const found = one.load();
        REQUIRE(found);
        CHECK(found->quarantined == 1);
        CHECK(found->damage == error{store_error::damaged});
        CHECK(found->generation == 0);
        CHECK(scratch.read("state/peerkit.sqlite.quarantined-1") == damaged);
        REQUIRE(one.save(numbered(4)));
        auto const again = one.load();
        CHECK(again->quarantined == 0);
        CHECK(again->generation == 1);
        CHECK(sorted(again->state) == sorted(numbered(4)));
    }
}

TEST_CASE("a peer that makes no sense is left out and counted") {
    scratch_directory const scratch;
    { REQUIRE(sqlite_store{scratch.path("state")}.save(tests::stored_sample(5))); }
    {
        auto db = sqlite_connection::open(scratch.path(database));
        REQUIRE(db->execute("UPDATE peers SET record = x'00' WHERE last_heard_ms = 1700000000000;"
                            "UPDATE peers SET last_endpoint = 'nowhere' WHERE last_heard_ms = 1700000000001;"
                            "UPDATE peers SET sources = -1 WHERE last_heard_ms = 1700000000002"));
    }
    auto const found = sqlite_store{scratch.path("state")}.load();
    REQUIRE(found);
    CHECK(found->left_out == 2);
    REQUIRE(found->state.peers.size() == 3);
    CHECK(found->state.peers.back().sources == node::provenance_set::from_bits(~0U));
}

TEST_CASE("a database that another program holds is waited for, not for ever") {
    scratch_directory const scratch;
    sqlite_store one{scratch.path("state")};
    REQUIRE(one.save(numbered(4)));
    auto other = sqlite_connection::open(scratch.path(database));
    REQUIRE(other->execute("BEGIN IMMEDIATE"));
    CHECK(one.save(numbered(5)).error() == store_error::busy);
    CHECK(sorted(one.load()->state) == sorted(numbered(4)));
    REQUIRE(other->execute("COMMIT"));
    CHECK(one.save(numbered(5)));
    CHECK(sorted(one.load()->state) == sorted(numbered(5)));
}

TEST_CASE("on a full disk a save fails by name and the state before stays") {
    scratch_directory const scratch;
    CHECK(in_child([&] {
        if (!tests::mount_small(scratch.path(), 256 * 1024)) return true; // not allowed here
        sqlite_store one{scratch.path("state")};
        if (!one.save(numbered(3))) return false;
        auto const done = one.save(tests::stored_sample(800));
        bool const refused = !done && done.error() == store_error::full;
        return refused && sorted(one.load()->state) == sorted(numbered(3)) && one.save(numbered(4)) &&
               sorted(one.load()->state) == sorted(numbered(4));
    }));
    CHECK(in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        sqlite_store one{scratch.path("state")};
        if (!one.save(numbered(3))) return false;
        rlimit const little{40'000, 40'000};
        if (::setrlimit(RLIMIT_FSIZE, &little) != 0) return false;
        return !one.save(tests::stored_sample(200)) && sorted(one.load()->state) == sorted(numbered(3));
    }));
    CHECK(sorted(sqlite_store{scratch.path("state")}.load()->state) == sorted(numbered(3)));
}

TEST_CASE("what is no file is not taken for a database") {
    scratch_directory const scratch;
    std::filesystem::create_directories(scratch.path(database));
    CHECK(sqlite_store{scratch.path("state")}.load().error() == store_error::not_regular);
}

TEST_CASE("a process killed while it saves to SQLite leaves what it saved or was saving") {
    scratch_directory const scratch{tests::fast_parent()};
    std::uint64_t known = 0; // the last save that returned
    int lost = 0;
    for (int round = 0; round < 100; ++round) {
        int said[2] = {-1, -1};
        REQUIRE(::pipe(said) == 0);
        pid_t const child = ::fork();
        if (child == 0) {
            sqlite_store one{scratch.path("state")};
            for (std::uint64_t i = known + 1;; ++i) {
                if (!one.save(numbered(i))) ::_exit(1);
                if (::write(said[1], &i, sizeof i) != sizeof i) ::_exit(1);
            }
        }
        ::close(said[1]);
        std::this_thread::sleep_for(std::chrono::microseconds{1000 + round * 137 % 9000});
        ::kill(child, SIGKILL);
        REQUIRE(::waitpid(child, nullptr, 0) == child);
        for (std::uint64_t i = 0; ::read(said[0], &i, sizeof i) == sizeof i;) known = i;
        ::close(said[0]);
        sqlite_store reader{scratch.path("state")};
        auto const found = reader.load();
        bool const whole =
            found && found->quarantined == 0 &&
            (found->generation == 0 || sorted(found->state) == sorted(numbered(found->state.incarnation)));
        if (!whole || found->state.incarnation < known || found->state.incarnation > known + 1) ++lost;
        if (whole) known = found->state.incarnation;
    }
    CHECK(lost == 0);
    CHECK(known > 0);
}
