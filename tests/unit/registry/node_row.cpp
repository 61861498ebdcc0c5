// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a registry holds of one node.
#include <peerkit/registry/node_row.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;

TEST_CASE("the hash of a row tells apart whatever replicas must agree on") {
    node_row const row = tests::registrant{1}.row(5);
    auto const differs = [&](auto&& change) {
        node_row other = row;
        change(other);
        return other.content_hash() != row.content_hash();
    };
    CHECK(differs([](node_row& r) { ++r.version; }));
    CHECK(differs([](node_row& r) { r.status = node_status::offline; }));
    CHECK(differs([](node_row& r) { r.domain += 'x'; }));
    CHECK(differs([](node_row& r) { r.registry += 'x'; }));
    CHECK(differs([](node_row& r) { r.found_by += 'x'; }));
    CHECK(differs([](node_row& r) { r.record.back() ^= std::byte{1}; }));
    CHECK(differs([](node_row& r) { r.id.bytes[31] ^= std::byte{1}; }));
    CHECK(differs([](node_row& r) { ++r.first_seen_ms; }));
    // Nor do bytes move between texts.
    CHECK(differs([](node_row& r) { r.domain.pop_back(), r.registry = 't' + r.registry; }));
}

TEST_CASE("the figures of heartbeats and the lease are no part of the hash") {
    node_row row = tests::registrant{1}.row(5);
    auto const before = row.content_hash();
    row.last_heartbeat_ms = 7, row.uptime_ms = 8, row.standing = 9, row.lease = tests::lease_number(3);
    CHECK(row.content_hash() == before);
}

TEST_CASE("a lease admits itself, and no lease admits nobody") {
    lease_id const mine = tests::lease_number(3);
    CHECK(mine.admits(mine));
    CHECK_FALSE(mine.admits(tests::lease_number(4)));
    CHECK_FALSE(mine.admits({}));
    CHECK_FALSE(lease_id{}.admits({}));
    CHECK(lease_id::parse(mine.to_string()) == mine);
    CHECK_FALSE(lease_id::parse("03"));
}

TEST_CASE("reputation is a number from 0 to 100") {
    node_row row;
    CHECK(row.reputation() == 100);
    row.standing = 0;
    CHECK(row.reputation() == 0);
    row.standing = node_row::best_standing / 2;
    CHECK(row.reputation() == 50);
}

TEST_CASE("a status reads as it is written") {
    CHECK(parse_status(to_string(node_status::online)) == node_status::online);
    CHECK(parse_status(to_string(node_status::offline)) == node_status::offline);
    CHECK(parse_status("gone") == std::nullopt);
}

TEST_CASE("a tombstone says whose it was") {
    auto const gone = tombstone::of(tests::registrant{4}.at_incarnation(9).row(), 77);
    CHECK(gone.id == tests::registrant{4}.id());
    CHECK(gone.name == "node4");
    CHECK(gone.domain == "example.test");
    CHECK(gone.incarnation == 9);
    CHECK(gone.removed_ms == 77);
}
