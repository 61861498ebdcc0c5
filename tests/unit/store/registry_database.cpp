// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a registry's database: changes as a whole or not at all, and nothing acknowledged is lost.
#include <peerkit/store/registry_database.hpp>

#include "support/registry_rows.hpp"
#include "support/scratch_directory.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <vector>

using namespace peerkit;
using registry::durable_change;
using registry::saved_state;
using store::registry_database;
using store::sqlite_connection;
using store::store_error;
using tests::in_child;
using tests::registry_row;
using tests::same;
using tests::scratch_directory;

namespace {

using changes = std::vector<durable_change>;

result<registry_database> open(scratch_directory const& scratch) {
    return registry_database::open(scratch.path("data/registry.sqlite"));
}
std::int64_t asked(scratch_directory const& scratch, std::string const& sql) {
    auto db = sqlite_connection::open(scratch.path("data/registry.sqlite"));
    REQUIRE(db);
    auto const answer = db->integer(sql);
    REQUIRE(answer);
    return *answer;
}
registry::tombstone gone(std::uint64_t seed, std::uint64_t version) {
    auto made = registry::tombstone::of(registry_row(seed, 0), 1'700'000'200'000);
    made.version = version;
    made.expired = seed % 2 == 1;
    return made;
}

} // namespace

TEST_CASE("a registry's database is the sum of the changes, in this process and the next") {
    scratch_directory const scratch{tests::fast_parent()};
    constexpr std::uint64_t epoch = std::numeric_limits<std::uint64_t>::max() - 1;
    saved_state expected;
    {
        auto db = open(scratch);
        REQUIRE(db);
        REQUIRE(same(db->load().value(), saved_state{}));
        REQUIRE(db->apply({}));
        REQUIRE(db->apply(changes{registry::table_reset{epoch}, registry::row_put{registry_row(2, 1)},
                                  registry::row_put{registry_row(3, 2)}, registry::row_put{registry_row(4, 3)},
                                  registry::table_at{epoch, 3, 0}}));
        expected.epoch = epoch;
        expected.version = 3;
        expected.rows = {registry_row(2, 1), registry_row(3, 2), registry_row(4, 3)};
        CHECK(same(db->load().value(), expected));

        // A row changes, one goes, one is touched, writes are queued.
        expected.rows[0].status = registry::node_status::offline;
        expected.rows[0].record = tests::stored_record(2, {}, 1'800'000'000'000'000);
        expected.rows[0].version = 4;
        expected.rows[1].last_heartbeat_ms = 1'700'000'300'000;
        expected.rows[1].uptime_ms = 300'000;
        expected.rows[1].standing = registry::node_row::best_standing;
        auto const& touched = expected.rows[1];
        REQUIRE(db->apply(
            changes{registry::row_put{expected.rows[0]}, registry::row_removed{gone(4, 5)},
                    registry::row_touched{touched.id, touched.last_heartbeat_ms, touched.uptime_ms, touched.standing},
                    registry::row_touched{gone(4, 5).id, 1, 1, 1}, registry::table_at{epoch, 5, 0},
                    registry::write_queued{7, {std::byte{1}}}, registry::write_queued{6, {}},
                    registry::write_queued{7, {std::byte{2}, std::byte{0}}}}));
        expected.rows.pop_back();
        expected.removed = {gone(4, 5)};
        expected.version = 5;
        expected.queue = {{6, {}}, {7, {std::byte{2}, std::byte{0}}}};
        CHECK(same(db->load().value(), expected));
    }
    auto db = open(scratch);
    REQUIRE(db);
    CHECK(same(db->load().value(), expected));
    CHECK(db->load()->rows[0] == expected.rows[1]); // ascending by version
    CHECK(db->load()->queue[0].number == 6);

    // One that was gone comes back; older tombstones are forgotten; the queue empties.
    REQUIRE(db->apply(changes{registry::row_removed{gone(5, 6)}, registry::row_removed{gone(6, 7)},
                              registry::row_removed{gone(9, 8)}, registry::row_put{registry_row(6, 9)},
                              registry::table_at{epoch, 9, 6}, registry::write_done{6}, registry::write_done{99}}));
    expected.rows.push_back(registry_row(6, 9));
    expected.removed = {gone(9, 8)};
    expected.version = 9;
    expected.floor = 6;
    expected.queue.erase(expected.queue.begin());
    CHECK(same(db->load().value(), expected));

    // A reset forgets rows and tombstones, and keeps the queue.
    REQUIRE(db->apply(changes{registry::table_reset{5}}));
    expected.rows.clear();
    expected.removed.clear();
    expected.epoch = 5;
    expected.version = expected.floor = 0;
    CHECK(same(db->load().value(), expected));
}

TEST_CASE("of changes that cannot all be stored none is") {
    scratch_directory const scratch{tests::fast_parent()};
    auto db = open(scratch);
    REQUIRE(db);
    REQUIRE(db->apply(changes{registry::table_reset{1}, registry::row_put{registry_row(2, 1)}}));
    saved_state const before = db->load().value();
    registry::node_row broken = registry_row(3, 2);
    broken.record.resize(10);
    auto const done = db->apply(changes{registry::row_put{registry_row(4, 2)}, registry::row_removed{gone(2, 3)},
                                        registry::write_queued{1, {}}, registry::row_put{broken}});
    REQUIRE_FALSE(done);
    CHECK(done.error() == store_error::bad_record);
    CHECK(same(db->load().value(), before));
    CHECK(db->apply(changes{registry::row_put{registry_row(4, 2)}}));
    CHECK(db->load()->rows.size() == 2);
}

TEST_CASE("on a full disk changes are refused by name, and can be stored when there is room") {
    scratch_directory const scratch;
    CHECK(in_child([&] {
        if (!tests::mount_small(scratch.path(), 512 * 1024)) return true; // not allowed here
        auto db = open(scratch);
        if (!db || !db->apply(changes{registry::table_reset{1}, registry::row_put{registry_row(2, 1)}})) return false;
        saved_state const before = db->load().value();
        changes many;
        for (std::uint64_t i = 3; i < 1500; ++i) many.emplace_back(registry::row_put{registry_row(i, i)});
        auto const done = db->apply(many);
        if (done || done.error() != store_error::full || !same(db->load().value(), before)) return false;
        many.resize(10);
        return db->apply(many) && db->load()->rows.size() == 11;
    }));
}

TEST_CASE("a database belongs to one registry at a time, and people may read it") {
    scratch_directory const scratch{tests::fast_parent()};
    auto db = open(scratch);
    REQUIRE(db);
    auto const second = open(scratch);
    REQUIRE_FALSE(second);
    CHECK(second.error() == store_error::in_use);
    CHECK(second.error().position() == static_cast<std::uint64_t>(::getpid()));
    REQUIRE(db->apply(changes{registry::table_reset{1}, registry::row_put{registry_row(3, 9)}}));
    CHECK(asked(scratch, "SELECT count(*) FROM node_list WHERE name = 'node3' AND status = 'offline' AND"
                         " address = '192.0.2.3:9000' AND domain = 'example.test' AND registry = '[2001:db8::1]:8000'"
                         " AND first_seen = '2023-11-14 22:13:20' AND last_heartbeat = '2023-11-14 22:15:00' AND"
                         " uptime_s = 100 AND reputation = 50 AND found_by = 'dns+mdns' AND version = 9") == 1);
    auto const other = registry_database::open(scratch.path("data/other.sqlite"));
    CHECK(other);
}

TEST_CASE("a registry's database of version 1 is brought up to date, and everything in it is still there") {
    scratch_directory const scratch{tests::fast_parent()};
    std::filesystem::create_directory(scratch.path("data"));
    std::filesystem::copy_file(PEERKIT_TEST_DATA "/store/registry_v1.sqlite", scratch.path("data/registry.sqlite"));
    REQUIRE(asked(scratch, "PRAGMA user_version") == 1);
    saved_state expected;
    expected.epoch = std::numeric_limits<std::uint64_t>::max() - 1;
    expected.version = 9;
    expected.floor = 3;
    expected.rows = {registry_row(2, 6), registry_row(3, 7)};
    expected.removed = {gone(4, 9)};
    expected.queue = {{5, {std::byte{1}, std::byte{2}}}};
    {
        auto db = open(scratch);
        REQUIRE(db);
        CHECK(same(db->load().value(), expected));
        REQUIRE(db->apply(changes{registry::row_put{registry_row(7, 10)}}));
        expected.rows.push_back(registry_row(7, 10));
    }
    CHECK(asked(scratch, "PRAGMA user_version") == 3);
    CHECK(same(open(scratch)->load().value(), expected));
}

TEST_CASE("a database that is damaged, of a later version or something else is refused and left as it is") {
    scratch_directory const scratch{tests::fast_parent()};
    auto const refused = [&](store_error what) {
        std::string const before = scratch.read("data/registry.sqlite");
        auto const db = open(scratch);
        REQUIRE_FALSE(db);
        CHECK(db.error() == what);
        CHECK(scratch.read("data/registry.sqlite") == before);
    };
    { REQUIRE(open(scratch)); }
    {
        auto db = sqlite_connection::open(scratch.path("data/registry.sqlite"));
        REQUIRE(db->execute("PRAGMA user_version = 4; PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    refused(store_error::newer_format);
    {
        auto db = sqlite_connection::open(scratch.path("data/registry.sqlite"));
        REQUIRE(db->execute("PRAGMA application_id = 3"));
    }
    refused(store_error::not_ours);
    scratch.write("data/registry.sqlite", std::string(9000, 'x'));
    refused(store_error::damaged);
}

TEST_CASE("a stored row that cannot be ours is told by its table") {
    for (char const* harm :
         {"UPDATE nodes SET record = x'00'", "UPDATE nodes SET id = x'00'", "UPDATE nodes SET lease = x'00'",
          "UPDATE figures SET standing = 99999", "UPDATE nodes SET domain = hex(zeroblob(200))"}) {
        CAPTURE(harm);
        scratch_directory const scratch{tests::fast_parent()};
        auto db = open(scratch);
        REQUIRE(db->apply(changes{registry::table_reset{1}, registry::row_put{registry_row(3, 9)}}));
        REQUIRE(sqlite_connection::open(scratch.path("data/registry.sqlite"))->execute(harm));
        auto const found = db->load();
        REQUIRE_FALSE(found);
        CHECK(found.error() == store_error::damaged);
        CHECK(found.error().field() == "nodes");
    }
}

TEST_CASE("a registry killed while it writes has lost nothing that was acknowledged, and nothing by halves") {
    scratch_directory const scratch{tests::fast_parent()};
    std::uint64_t known = 0; // the last batch that was durable
    int lost = 0;
    for (int round = 0; round < 100; ++round) {
        int said[2] = {-1, -1};
        REQUIRE(::pipe(said) == 0);
        pid_t const child = ::fork();
        if (child == 0) {
            auto db = open(scratch);
            // Batch i: node i comes, node i - 5 goes, all the others are touched.
            for (std::uint64_t i = known + 1; db; ++i) {
                changes batch{registry::row_put{registry_row(i, i)}};
                if (i > 5) batch.emplace_back(registry::row_removed{gone(i - 5, i)});
                for (std::uint64_t k = i > 4 ? i - 4 : 1; k <= i; ++k) {
                    batch.emplace_back(
                        registry::row_touched{registry_row(k, 0).id, static_cast<std::int64_t>(i), 0, 0});
                }
                batch.emplace_back(registry::table_at{1, i, i > 20 ? i - 20 : 0});
                if (!db->apply(batch)) break;
                if (::write(said[1], &i, sizeof i) != sizeof i) break;
            }
            ::_exit(1);
        }
        ::close(said[1]);
        std::this_thread::sleep_for(std::chrono::microseconds{1000 + round * 137 % 9000});
        ::kill(child, SIGKILL);
        REQUIRE(::waitpid(child, nullptr, 0) == child);
        for (std::uint64_t i = 0; ::read(said[0], &i, sizeof i) == sizeof i;) known = i;
        ::close(said[0]);
        auto db = open(scratch);
        REQUIRE(db);
        auto const found = db->load();
        REQUIRE(found);
        std::uint64_t const at = found->version;
        bool whole = at >= known && at <= known + 1 && found->rows.size() == (at < 5 ? at : 5);
        for (auto const& row : found->rows) {
            whole = whole && row.last_heartbeat_ms == static_cast<std::int64_t>(at) && row.version + 5 > at;
        }
        whole = whole && found->removed.size() == (at < 6 ? 0 : std::min<std::uint64_t>(at - 5, 20));
        if (!whole) ++lost;
        known = at;
    }
    CHECK(lost == 0);
    CHECK(known > 0);
}
