// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of schemas: what an empty database becomes, what an older one becomes, and what is left alone.
#include <peerkit/store/sqlite_schema.hpp>

#include "support/scratch_directory.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

using namespace peerkit;
using store::migrate;
using store::sqlite_connection;
using store::sqlite_schema;
using store::store_error;

namespace {

constexpr std::array<std::string_view, 3> steps{"CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)",
                                                "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1",
                                                "INSERT INTO a VALUES (5, 6)"};
constexpr sqlite_schema schema_of(std::size_t version) { return {0x11223344, {steps.data(), version}}; }

} // namespace

TEST_CASE("an empty database takes every step, an older one those it lacks, the present one none") {
    tests::scratch_directory const scratch;
    auto db = sqlite_connection::open(scratch.path("a"));
    REQUIRE(db);
    CHECK(store::schema_version(*db, schema_of(1)).value() == 0);
    CHECK(migrate(*db, schema_of(1)).value() == 0);
    CHECK(db->integer("PRAGMA user_version").value() == 1);
    CHECK(db->integer("PRAGMA application_id").value() == 0x11223344);
    CHECK(migrate(*db, schema_of(3)).value() == 1);
    CHECK(db->integer("SELECT sum(x * 10 + y) FROM a").value() == 12 + 56);
    CHECK(migrate(*db, schema_of(3)).value() == 3);
    CHECK(db->integer("SELECT count(*) FROM a").value() == 2);

    auto fresh = sqlite_connection::open(":memory:");
    CHECK(migrate(*fresh, schema_of(3)).value() == 0);
    CHECK(fresh->integer("SELECT sum(x * 10 + y) FROM a").value() == 12 + 56);
}

TEST_CASE("a database of a later version is refused and left as it is") {
    auto db = sqlite_connection::open(":memory:");
    REQUIRE(migrate(*db, schema_of(3)));
    auto const older = migrate(*db, schema_of(2));
    REQUIRE_FALSE(older);
    CHECK(older.error() == store_error::newer_format);
    CHECK(older.error().position() == 3);
    CHECK(db->integer("PRAGMA user_version").value() == 3);
}

TEST_CASE("a database of something else is refused and left as it is") {
    for (char const* made : {"CREATE TABLE other (x)", "PRAGMA application_id = 5", "PRAGMA user_version = 1",
                             "PRAGMA application_id = 287454020"}) {
        CAPTURE(made);
        auto db = sqlite_connection::open(":memory:");
        REQUIRE(db->execute(made));
        auto const done = migrate(*db, schema_of(2));
        REQUIRE_FALSE(done);
        CHECK(done.error() == store_error::not_ours);
        CHECK(db->integer("SELECT count(*) FROM sqlite_master WHERE name = 'a'").value() == 0);
    }
    tests::scratch_directory const scratch;
    scratch.write("a", std::string(5000, 'x'));
    auto db = sqlite_connection::open(scratch.path("a"));
    REQUIRE(db);
    CHECK(migrate(*db, schema_of(2)).error() == store_error::damaged);
}

TEST_CASE("a migration that fails half way changes nothing") {
    constexpr std::array<std::string_view, 2> broken{steps[0],
                                                     "INSERT INTO a VALUES (2); INSERT INTO nowhere VALUES (1)"};
    auto db = sqlite_connection::open(":memory:");
    REQUIRE(migrate(*db, schema_of(1)));
    auto const done = migrate(*db, sqlite_schema{0x11223344, broken});
    REQUIRE_FALSE(done);
    CHECK(done.error() == store_error::database_failed);
    CHECK(done.error().field() == "migrate");
    CHECK(db->integer("PRAGMA user_version").value() == 1);
    CHECK(db->integer("SELECT count(*) FROM a").value() == 1);
}

TEST_CASE("a migration waits for another connection, and tells when that takes too long") {
    tests::scratch_directory const scratch;
    auto db = sqlite_connection::open(scratch.path("a"), {.patience = std::chrono::milliseconds{50}});
    auto other = sqlite_connection::open(scratch.path("a"));
    REQUIRE(other->execute("BEGIN IMMEDIATE"));
    CHECK(migrate(*db, schema_of(2)).error() == store_error::busy);
    REQUIRE(other->execute("COMMIT"));
    CHECK(migrate(*db, schema_of(2)).value() == 0);
    CHECK(migrate(*other, schema_of(2)).value() == 2);
}
