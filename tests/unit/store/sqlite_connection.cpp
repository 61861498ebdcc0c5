// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// SQLite's values, errors and transactions through their owners.
#include <peerkit/store/sqlite_connection.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

using namespace peerkit;
using store::sqlite_connection;
using store::sqlite_transaction;
using store::store_error;

namespace {

struct scratch {
    std::filesystem::path path;
    scratch() {
        std::string made = (std::filesystem::temp_directory_path() / "peerkit-sqlite-XXXXXX").string();
        REQUIRE(::mkdtemp(made.data()) != nullptr);
        path = made;
    }
    ~scratch() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string file(char const* name) const { return (path / name).string(); }
};

[[nodiscard]] sqlite_connection opened(std::string const& path) {
    auto made = sqlite_connection::open(path, {.patience = std::chrono::milliseconds{20}});
    REQUIRE(made.has_value());
    return std::move(*made);
}

} // namespace

TEST_CASE("Numbers, texts, blobs and nulls come back as they were stored") {
    auto db = opened(":memory:");
    REQUIRE(db.execute("CREATE TABLE t (n INTEGER, s TEXT, b BLOB, e TEXT, z BLOB)"));
    auto put = db.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)");
    REQUIRE(put.has_value());
    std::array<std::byte, 3> const blob{std::byte{0}, std::byte{1}, std::byte{255}};
    put->bind(1, std::numeric_limits<std::int64_t>::min());
    put->bind(2, std::string_view{"a\0b", 3});
    put->bind(3, byte_view{blob});
    put->bind(4, std::string_view{});
    put->bind(5, nullptr);
    CHECK(put->run().has_value());
    CHECK(db.changes() == 1);

    auto got = db.prepare("SELECT n, s, b, e, z FROM t");
    REQUIRE(got.has_value());
    CHECK(got->step().value());
    CHECK(got->integer(0) == std::numeric_limits<std::int64_t>::min());
    CHECK(got->text(1) == std::string_view{"a\0b", 3});
    REQUIRE(got->blob(2).size() == 3);
    CHECK(got->blob(2)[2] == std::byte{255});
    CHECK(got->text(3).empty());
    CHECK_FALSE(got->is_null(3));
    CHECK(got->is_null(4));
    CHECK(got->blob(4).empty());
    CHECK_FALSE(got->step().value());
    CHECK(got->step().value()); // ready to be run again
}

TEST_CASE("What cannot be bound is told when the statement runs, and only then") {
    auto db = opened(":memory:");
    auto one = db.prepare("SELECT ?");
    REQUIRE(one.has_value());
    one->bind(2, std::int64_t{1});
    auto const row = one->step();
    REQUIRE_FALSE(row.has_value());
    CHECK(row.error() == store_error::database_failed);
    CHECK(row.error().field() == "bind");
    one->bind(1, std::int64_t{7});
    CHECK(one->step().value());
    CHECK(one->integer(0) == 7);
}

TEST_CASE("A transaction that is not committed leaves nothing behind") {
    auto db = opened(":memory:");
    REQUIRE(db.execute("CREATE TABLE t (n INTEGER)"));
    {
        auto change = sqlite_transaction::begin(db);
        REQUIRE(change.has_value());
        REQUIRE(db.execute("INSERT INTO t VALUES (1)"));
    }
    CHECK(db.integer("SELECT count(*) FROM t") == 0);
    {
        auto change = sqlite_transaction::begin(db);
        REQUIRE(change.has_value());
        REQUIRE(db.execute("INSERT INTO t VALUES (1)"));
        CHECK(change->commit().has_value());
    }
    CHECK(db.integer("SELECT count(*) FROM t") == 1);
}

TEST_CASE("Nonsense, no row and no statement are errors of the database") {
    auto db = opened(":memory:");
    CHECK(db.execute("CREATE nonsense").error() == store_error::database_failed);
    CHECK(db.prepare("SELECT nothing").error() == store_error::database_failed);
    CHECK(db.prepare("").error() == store_error::database_failed);
    CHECK(db.integer("SELECT 1 WHERE 0").error() == store_error::database_failed);
}

TEST_CASE("A lock that another connection keeps is busy after the patience, not for ever") {
    scratch const place;
    auto first = opened(place.file("db"));
    auto second = opened(place.file("db"));
    auto const held = sqlite_transaction::begin(first);
    REQUIRE(held.has_value());
    auto const refused = sqlite_transaction::begin(second);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == store_error::busy);
    CHECK(refused.error().field() == "begin");
}

TEST_CASE("What is no database is damaged, and what is not there is unusable") {
    scratch const place;
    std::ofstream{place.file("text")} << std::string(4096, 'x');
    auto db = opened(place.file("text"));
    CHECK(db.integer("SELECT count(*) FROM sqlite_master").error() == store_error::damaged);

    auto const missing = sqlite_connection::open(place.file("missing"), {.create = false});
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error() == store_error::unusable);
    CHECK(missing.error().position() == ENOENT);
    CHECK(sqlite_connection::open(place.file("none/db")).error() == store_error::unusable);
    CHECK(sqlite_connection::open(std::string{"a\0b", 3}).error() == store_error::unusable);
}

TEST_CASE("A connection for reading changes nothing") {
    scratch const place;
    REQUIRE(opened(place.file("db")).execute("CREATE TABLE t (n INTEGER)"));
    auto db = sqlite_connection::open(place.file("db"), {.read_only = true});
    REQUIRE(db.has_value());
    CHECK(db->execute("INSERT INTO t VALUES (1)").error() == store_error::read_only);
    CHECK(sqlite_connection::open(place.file("other"), {.read_only = true}).error() == store_error::unusable);
}

TEST_CASE("A database that may not grow is full") {
    scratch const place;
    auto db = opened(place.file("db"));
    REQUIRE(db.execute("CREATE TABLE t (b BLOB); PRAGMA max_page_count = 4"));
    auto const grown = db.execute("INSERT INTO t VALUES (zeroblob(1000000))");
    REQUIRE_FALSE(grown.has_value());
    CHECK(grown.error() == store_error::full);
}

TEST_CASE("The system's code decides what a failed call of the system means") {
    using store::sqlite_failure;
    CHECK(sqlite_failure(SQLITE_IOERR_WRITE, ENOSPC, "") == store_error::full);
    CHECK(sqlite_failure(SQLITE_CANTOPEN, EACCES, "") == store_error::read_only);
    CHECK(sqlite_failure(SQLITE_IOERR_READ, EIO, "") == store_error::unusable);
    CHECK(sqlite_failure(SQLITE_IOERR_READ, EIO, "").position() == EIO);
    CHECK(sqlite_failure(SQLITE_IOERR, 0, "") == store_error::database_failed);
    CHECK(sqlite_failure(SQLITE_CORRUPT_VTAB, 0, "") == store_error::damaged);
    CHECK(sqlite_failure(SQLITE_CORRUPT_VTAB, 0, "").position() == SQLITE_CORRUPT_VTAB);
}
