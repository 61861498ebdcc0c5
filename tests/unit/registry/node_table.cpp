// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the table of a registry: indexes, versions, changes since, removals, caps.
#include <peerkit/registry/node_table.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;
using tests::registrant;

namespace {

moment const start{time_point{} + 1h, 1'000};
constexpr std::size_t plenty = 1'000'000;

node_table table_with(std::uint64_t nodes, node_table::options const& caps = {}) {
    node_table table{caps, 42};
    for (std::uint64_t n = 1; n <= nodes; ++n) (void)table.put(registrant{n}.row());
    return table;
}
/// A second table that takes over whatever the first says, in pages of so many rows.
result<void> follow(node_table const& from, node_table& to, change_cursor cursor, std::size_t page_rows = plenty) {
    for (;;) {
        auto const view = from.read(cursor, page_rows, plenty);
        if (!view) return fail(view.error());
        bool const more = view->more;
        cursor = {view->epoch, view->to, view->base};
        if (auto const ok = to.apply(view->to_page(), start.now); !ok) return ok;
        if (!more) return {};
    }
}
change_cursor at(node_table const& table) { return {table.epoch(), table.version(), table.version()}; }
bool same(node_table const& a, node_table const& b) {
    std::vector<node_row> left, right;
    a.for_each([&](node_row const& row) { left.push_back(row); });
    b.for_each([&](node_row const& row) { right.push_back(row); });
    return a.epoch() == b.epoch() && a.version() == b.version() && a.hash() == b.hash() && left == right;
}

} // namespace

TEST_CASE("every change makes one version, which its row carries") {
    node_table table = table_with(3);
    CHECK(table.version() == 3);
    CHECK(table.find(registrant{2}.id())->version == 2);
    (void)table.put(registrant{2}.at_incarnation(2).row());
    CHECK(table.version() == 4);
    CHECK(table.find(registrant{2}.id())->version == 4);
    CHECK(table.size() == 3);
    REQUIRE(table.remove(registrant{1}.id(), start) != nullptr);
    CHECK(table.version() == 5);
    CHECK(table.find_removed(registrant{1}.id())->version == 5);
    CHECK(table.remove(registrant{1}.id(), start) == nullptr);
    CHECK(table.version() == 5);
    CHECK(table.check_invariants() == table_fault::none);
}

TEST_CASE("a node is found by its name in its domain, also after it took another") {
    node_table table = table_with(2);
    CHECK(table.find_name("example.test", "node1")->id == registrant{1}.id());
    CHECK(table.find_name("other.test", "node1") == nullptr);
    (void)table.put(registrant{1}.named("db").at_incarnation(2).row());
    CHECK(table.find_name("example.test", "node1") == nullptr);
    CHECK(table.find_name("example.test", "db")->id == registrant{1}.id());
    (void)table.put(registrant{1}.named("db").at_incarnation(3).row(0, "other.test"));
    CHECK(table.find_name("example.test", "db") == nullptr);
    CHECK(table.find_name("other.test", "db")->id == registrant{1}.id());
    CHECK(table.check_invariants() == table_fault::none);
}

TEST_CASE("a removed node's name is held for a time, and its tombstone ends when it comes back") {
    node_table table = table_with(1);
    (void)table.remove(registrant{1}.id(), start);
    CHECK(table.find_held_name("example.test", "node1", start.now + 9min, 10min)->id == registrant{1}.id());
    CHECK(table.find_held_name("example.test", "node1", start.now + 10min, 10min) == nullptr);
    CHECK(table.find_held_name("example.test", "node2", start.now, 10min) == nullptr);
    (void)table.put(registrant{1}.at_incarnation(2).row());
    CHECK(table.find_held_name("example.test", "node1", start.now, 10min) == nullptr);
    CHECK(table.find_removed(registrant{1}.id()) == nullptr);
    CHECK(table.check_invariants() == table_fault::none);
}

TEST_CASE("the figures of a heartbeat change neither version nor hash") {
    node_table table = table_with(1);
    auto const before = table.hash();
    CHECK(table.touch({registrant{1}.id(), 7, 8, 9}));
    CHECK_FALSE(table.touch({registrant{2}.id(), 7, 8, 9}));
    CHECK(table.find(registrant{1}.id())->last_heartbeat_ms == 7);
    CHECK(table.find(registrant{1}.id())->uptime_ms == 8);
    CHECK(table.find(registrant{1}.id())->standing == 9);
    CHECK(table.version() == 1);
    CHECK(table.hash() == before);
    CHECK(table.check_invariants() == table_fault::none);
}

TEST_CASE("what changed since a version is each node once, as it is now, ascending") {
    node_table table = table_with(4); // versions 1..4
    (void)table.put(registrant{1}.at_incarnation(2).row());
    (void)table.put(registrant{1}.at_incarnation(3).row());
    (void)table.remove(registrant{3}.id(), start);
    auto const view = table.read({42, 3, 3}, plenty, plenty);
    REQUIRE(view);
    CHECK(view->to == 7);
    CHECK_FALSE(view->more);
    CHECK(view->hash == table.hash());
    REQUIRE(view->rows.size() == 2);
    CHECK(view->rows[0]->id == registrant{4}.id());
    CHECK(view->rows[1]->incarnation() == 3);
    REQUIRE(view->removed.size() == 1);
    CHECK(view->removed[0]->id == registrant{3}.id());
    auto const nothing = table.read(at(table), plenty, plenty);
    REQUIRE(nothing);
    CHECK(nothing->rows.empty());
    CHECK(nothing->hash == table.hash());
}

TEST_CASE("a follower has the same rows after everything and after changes, in pages of any size") {
    for (std::size_t const page : {std::size_t{1}, std::size_t{2}, std::size_t{7}, plenty}) {
        CAPTURE(page);
        node_table root = table_with(10);
        (void)root.remove(registrant{4}.id(), start);
        node_table copy{{}, 42};
        REQUIRE(follow(root, copy, {}, page));
        CHECK(same(root, copy));
        (void)root.put(registrant{4}.at_incarnation(2).row());
        (void)root.put(registrant{11}.row());
        (void)root.remove(registrant{1}.id(), start);
        (void)root.put(registrant{2}.named("node1").at_incarnation(2).row()); // a name that has become free
        (void)root.put(registrant{12}.named("node2").row());                  // and another
        REQUIRE(follow(root, copy, at(copy), page));
        CHECK(same(root, copy));
        CHECK(copy.find_name("example.test", "node1")->id == registrant{2}.id());
        CHECK(copy.find_name("example.test", "node2")->id == registrant{12}.id());
        CHECK(copy.check_invariants() == table_fault::none);
    }
}

TEST_CASE("two nodes that exchange their names are told in pages of one") {
    node_table root = table_with(2), copy{{}, 42};
    REQUIRE(follow(root, copy, {}));
    (void)root.put(registrant{1}.named("swap").at_incarnation(2).row());
    (void)root.put(registrant{2}.named("node1").at_incarnation(2).row());
    (void)root.put(registrant{1}.named("node2").at_incarnation(3).row());
    REQUIRE(follow(root, copy, at(copy), 1));
    CHECK(same(root, copy));
    CHECK(copy.find_name("example.test", "node1")->id == registrant{2}.id());
    CHECK(copy.find_name("example.test", "node2")->id == registrant{1}.id());
    CHECK(copy.check_invariants() == table_fault::none);
}

TEST_CASE("whoever fetches everything page by page hears of what happens meanwhile") {
    node_table root = table_with(6), copy{{}, 42};
    auto first = root.read({}, 3, plenty);
    REQUIRE(first);
    CHECK(first->more);
    CHECK_FALSE(first->hash);
    change_cursor const next{first->epoch, first->to, first->base};
    REQUIRE(copy.apply(first->to_page(), start.now));
    (void)root.remove(registrant{1}.id(), start); // one that was told
    (void)root.remove(registrant{5}.id(), start); // one that was not
    (void)root.put(registrant{2}.at_incarnation(2).row());
    (void)root.put(registrant{7}.row());
    REQUIRE(follow(root, copy, next, 2));
    CHECK(same(root, copy));
}

TEST_CASE("a page holds at least one row and about as many bytes as asked for") {
    node_table const table = table_with(10);
    CHECK(table.read({}, plenty, 1)->rows.size() == 1);
    CHECK(table.read({}, plenty, 1'000)->rows.size() < 5);
    CHECK(table.read({}, 4, plenty)->rows.size() == 4);
}

TEST_CASE("another epoch, a version from the future and forgotten removals need everything") {
    node_table table = table_with(5, {.max_removals = 2});
    CHECK(table.read({41, 2, 2}, plenty, plenty).error() == registry_error::snapshot_needed);
    CHECK(table.read({42, 6, 6}, plenty, plenty).error() == registry_error::snapshot_needed);
    CHECK(table.read({42, 2, 6}, plenty, plenty).error() == registry_error::snapshot_needed);
    for (std::uint64_t n = 1; n <= 3; ++n) (void)table.remove(registrant{n}.id(), start); // versions 6, 7, 8
    CHECK(table.floor() == 6);
    CHECK(table.read({42, 5, 5}, plenty, plenty).error() == registry_error::snapshot_needed);
    CHECK(table.read({42, 6, 6}, plenty, plenty)->removed.size() == 2);
    CHECK(table.forget_removals(start.now + 1h, 1h));
    CHECK_FALSE(table.forget_removals(start.now + 1h, 1h));
    CHECK(table.floor() == 8);
    CHECK(table.read({42, 7, 7}, plenty, plenty).error() == registry_error::snapshot_needed);
    // Everything can be had all the same, and a walk that began before goes on or begins anew.
    CHECK(table.read({}, plenty, plenty)->rows.size() == 2);
    CHECK(table.read({42, 4, 7}, plenty, plenty).error() == registry_error::snapshot_needed);
    CHECK(table.check_invariants() == table_fault::none);
}

TEST_CASE("a page that does not fit, is out of order or is too much changes nothing") {
    node_table root = table_with(4), copy{{.max_rows = 3}, 42};
    auto const page = [&] { return root.read({}, plenty, plenty)->to_page(); };
    CHECK(copy.apply(page(), start.now).error() == registry_error::table_full);
    auto other = page();
    other.epoch = 41;
    CHECK(copy.apply(std::move(other), start.now).error() == registry_error::snapshot_needed);
    auto later = page();
    later.since = 1;
    CHECK(copy.apply(std::move(later), start.now).error() == registry_error::snapshot_needed);
    auto twice = page();
    twice.rows[2].version = 2;
    CHECK(copy.apply(std::move(twice), start.now).error() == registry_error::malformed);
    auto beyond = page();
    beyond.to = 3;
    CHECK(copy.apply(std::move(beyond), start.now).error() == registry_error::malformed);
    auto back = page();
    back.rows.clear(), back.since = back.to = 0;
    back.removed = {{.version = 1}};
    CHECK(copy.apply(std::move(back), start.now).error() == registry_error::malformed);
    CHECK(copy.size() == 0);
    CHECK(copy.version() == 0);
    CHECK(copy.check_invariants() == table_fault::none);
}

TEST_CASE("a follower that has drifted apart notices it by the hash") {
    node_table root = table_with(3), copy{{}, 42};
    REQUIRE(follow(root, copy, {}));
    // The same version, another history: as after a copy of the database was put back.
    node_table other = table_with(2);
    (void)other.put(registrant{9}.row());
    CHECK(follow(other, copy, at(copy)).error() == registry_error::wrong_content);
}

TEST_CASE("a full table takes no further node, but changes of those it has") {
    node_table table = table_with(2, {.max_rows = 2});
    CHECK(table.full());
    CHECK(table.put(registrant{3}.row()).error() == registry_error::table_full);
    CHECK(table.put(registrant{2}.at_incarnation(2).row()));
    CHECK(table.version() == 3);
    (void)table.remove(registrant{1}.id(), start);
    CHECK(table.put(registrant{3}.row()));
}

TEST_CASE("what was stored is there again, and tombstones are as old as they were") {
    node_table before = table_with(4);
    (void)before.remove(registrant{2}.id(), start);
    saved_state saved{.epoch = before.epoch(), .version = before.version(), .floor = before.floor()};
    before.for_each([&](node_row const& row) { saved.rows.push_back(row); });
    before.for_each_removed([&](tombstone const& gone) { saved.removed.push_back(gone); });
    node_table after{{}, 0};
    moment const later{time_point{} + 5s, start.unix_ms + 4 * 60'000};
    REQUIRE(after.restore(std::move(saved), later));
    CHECK(same(before, after));
    CHECK(after.check_invariants() == table_fault::none);
    CHECK(after.find_held_name("example.test", "node2", later.now + 5min, 10min) != nullptr);
    CHECK(after.find_held_name("example.test", "node2", later.now + 6min, 10min) == nullptr);
    CHECK(after.read({42, 4, 4}, plenty, plenty)->removed.size() == 1);
}

TEST_CASE("a new epoch has the same rows, and nobody's version counts any more") {
    node_table table = table_with(3);
    (void)table.remove(registrant{2}.id(), start);
    table.begin_epoch(77);
    CHECK(table.epoch() == 77);
    CHECK(table.size() == 2);
    CHECK(table.read({42, 4, 4}, plenty, plenty).error() == registry_error::snapshot_needed);
    CHECK(table.read({77, 3, 3}, plenty, plenty).error() == registry_error::snapshot_needed);
    CHECK(table.read({}, plenty, plenty)->epoch == 77);
    CHECK(table.check_invariants() == table_fault::none);
}

TEST_CASE("pages of a listing ascend by id and leave nobody out, also when nodes come and go between them") {
    node_table table = table_with(25);
    std::vector<node_id> seen;
    node_query query{.role = "worker", .limit = 10};
    for (int pages = 1;; ++pages) {
        node_listing const page = table.list(query);
        for (auto const* row : page.rows) seen.push_back(row->id);
        if (!page.next) {
            CHECK(pages == 3);
            break;
        }
        query.after = page.next;
        (void)table.remove(*page.next, start);
    }
    CHECK(seen.size() == 25);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(table.list({.name_prefix = "node2", .limit = 100}).rows.size() <= 7);
    CHECK(table.list({.role = "nobody"}).rows.empty());
    node_table const exact = table_with(10);
    CHECK_FALSE(exact.list({.limit = 10}).next);
    CHECK(exact.list({.limit = 0}).rows.size() == 1);
}
