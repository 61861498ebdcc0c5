// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a replica's nodes look like with the writes the root has not taken yet.
#include <peerkit/registry/pending_writes.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace peerkit;
using namespace peerkit::registry;
using tests::registrant;

namespace {

node_table table_of(std::initializer_list<std::uint64_t> nodes) {
    node_table table{{}, 1};
    for (auto const n : nodes) (void)table.put(registrant{n}.row());
    return table;
}
queued_write registers(std::uint64_t number, std::uint64_t node) { return {number, registrant{node}.asks()}; }
std::vector<node_id> listed(pending_writes const& pending, node_table const& table, std::size_t limit) {
    std::vector<node_id> seen;
    node_query query{.limit = limit};
    for (;;) {
        auto const page = pending.list(query, table);
        CHECK(page.rows.size() <= limit);
        for (auto const* row : page.rows) seen.push_back(row->id);
        if (!page.next) return seen;
        query.after = page.next;
    }
}

} // namespace

TEST_CASE("readers see who registered here, not who was taken out here, and otherwise the table") {
    node_table const table = table_of({1, 2, 3});
    pending_writes pending;
    pending.registered(1, registrant{2}.at_incarnation(5).row());
    pending.registered(2, registrant{4}.row());
    pending.removed(3, registrant{3}.id());
    CHECK(pending.find_row(registrant{1}.id(), table)->incarnation() == 1);
    CHECK(pending.find_row(registrant{2}.id(), table)->incarnation() == 5);
    CHECK(pending.find_row(registrant{3}.id(), table) == nullptr);
    CHECK(pending.find_row(registrant{4}.id(), table) != nullptr);
    CHECK(pending.find_row(registrant{5}.id(), table) == nullptr);
}

TEST_CASE("a listing merges both in order, in pages of any size") {
    node_table const table = table_of({1, 2, 3, 4, 5, 6});
    pending_writes pending;
    for (std::uint64_t const n : {2U, 7U, 8U, 9U}) pending.registered(n, registrant{n}.row());
    for (std::uint64_t const n : {3U, 6U, 10U}) pending.removed(n, registrant{n}.id());
    std::set<node_id> expected;
    for (std::uint64_t const n : {1U, 2U, 4U, 5U, 7U, 8U, 9U}) expected.insert(registrant{n}.id());
    for (std::size_t limit = 1; limit < 10; ++limit) {
        CAPTURE(limit);
        auto const seen = listed(pending, table, limit);
        CHECK(seen == std::vector<node_id>{expected.begin(), expected.end()});
    }
    CHECK(pending.list({.role = "nobody"}, table).rows.empty());
    CHECK(listed(pending, table_of({}), 2).size() == 4);
}

TEST_CASE("a write the root took stays until the changes have brought it") {
    node_table table = table_of({1});
    pending_writes pending;
    pending.registered(1, registrant{2}.row());
    pending.confirm(registers(1, 2), tests::lease_number(9), 3, table);
    REQUIRE(pending.find(registrant{2}.id()) != nullptr);
    CHECK(pending.find(registrant{2}.id())->row->lease == tests::lease_number(9));
    pending.arrived(2, false);
    CHECK(pending.size() == 1);
    pending.arrived(3, false);
    CHECK(pending.size() == 0);
}

TEST_CASE("a write whose changes came before the root's answer ends with the answer") {
    node_table table = table_of({1, 2, 3});
    pending_writes pending;
    pending.registered(1, registrant{2}.row());
    pending.confirm(registers(1, 2), tests::lease_number(9), 3, table);
    CHECK(pending.size() == 0);
}

TEST_CASE("an answer to an earlier write of a node says nothing of a later one") {
    node_table const table = table_of({});
    pending_writes pending;
    pending.registered(1, registrant{2}.row());
    pending.removed(2, registrant{2}.id());
    pending.confirm(registers(1, 2), {}, 1, table);
    pending.drop(registers(1, 2));
    pending.arrived(1, false);
    REQUIRE(pending.size() == 1);
    CHECK_FALSE(pending.find(registrant{2}.id())->row);
    pending.drop({2, deregistration{registrant{2}.id(), {}}});
    CHECK(pending.size() == 0);
}

TEST_CASE("in another epoch whatever was confirmed counts as arrived, and what was not stays") {
    node_table const table = table_of({});
    pending_writes pending;
    pending.registered(1, registrant{1}.row());
    pending.registered(2, registrant{2}.row());
    pending.confirm(registers(1, 1), {}, 1'000, table);
    pending.arrived(3, true);
    CHECK(pending.find(registrant{1}.id()) == nullptr);
    CHECK(pending.find(registrant{2}.id()) != nullptr);
}

TEST_CASE("a name is taken by another node of either, not by one that was taken out or renamed here") {
    node_table const table = table_of({1, 2});
    pending_writes pending;
    node_id const other = registrant{9}.id();
    CHECK(pending.taken("example.test", "node1", other, table));
    CHECK_FALSE(pending.taken("example.test", "node1", registrant{1}.id(), table));
    CHECK_FALSE(pending.taken("other.test", "node1", other, table));
    pending.removed(1, registrant{1}.id());
    CHECK_FALSE(pending.taken("example.test", "node1", other, table));
    pending.registered(2, registrant{2}.named("db").row());
    CHECK_FALSE(pending.taken("example.test", "node2", other, table));
    CHECK(pending.taken("example.test", "db", other, table));
}

TEST_CASE("whatever readers see differently has another number of edits") {
    node_table const table = table_of({1});
    pending_writes pending;
    auto last = pending.edits();
    auto const edited = [&] { return std::exchange(last, pending.edits()) != last; };
    pending.registered(1, registrant{2}.row());
    CHECK(edited());
    pending.removed(2, registrant{1}.id());
    CHECK(edited());
    pending.drop({2, deregistration{registrant{1}.id(), {}}});
    CHECK(edited());
    pending.confirm(registers(1, 2), {}, 1, table);
    CHECK(edited());
}
