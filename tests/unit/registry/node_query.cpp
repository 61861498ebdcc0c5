// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of which nodes a query chooses.
#include <peerkit/registry/node_query.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;

namespace {

node_row example() {
    tests::registrant node{1};
    node.me.labels = {{"zone", "a"}};
    node_row row = node.row();
    row.found_by = "dns+mdns";
    return row;
}

} // namespace

TEST_CASE("a query without filters chooses every node") { CHECK(node_query{}.matches(example())); }

TEST_CASE("each filter chooses by its own part of a node") {
    node_row const row = example();
    CHECK(node_query{.domain = "example.test"}.matches(row));
    CHECK_FALSE(node_query{.domain = ""}.matches(row));
    CHECK(node_query{.role = "worker"}.matches(row));
    CHECK_FALSE(node_query{.role = "work"}.matches(row));
    CHECK(node_query{.labels = *label_filter::parse("zone=a")}.matches(row));
    CHECK_FALSE(node_query{.labels = *label_filter::parse("zone=b")}.matches(row));
    CHECK(node_query{.status = node_status::online}.matches(row));
    CHECK_FALSE(node_query{.status = node_status::offline}.matches(row));
    CHECK(node_query{.found_by = "dns"}.matches(row));
    CHECK(node_query{.found_by = "mdns"}.matches(row));
    CHECK_FALSE(node_query{.found_by = "dn"}.matches(row));
    CHECK(node_query{.name_prefix = "node"}.matches(row));
    CHECK_FALSE(node_query{.name_prefix = "ode"}.matches(row));
}

TEST_CASE("all filters must hold") {
    CHECK_FALSE(node_query{.domain = "example.test", .role = "other"}.matches(example()));
    CHECK(node_query{.domain = "example.test", .role = "worker", .name_prefix = "n"}.matches(example()));
}
