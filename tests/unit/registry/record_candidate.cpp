// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of candidates made of announcements.
#include <peerkit/registry/record_candidate.hpp>

#include "support/registry_life.hpp"

#include <doctest/doctest.h>

using namespace peerkit;
using peerkit_test::record_of;

TEST_CASE("a record becomes a candidate with its name, identity, addresses and labels") {
    auto const found = registry::candidate_of(record_of(7, 1, {{"zone", "a"}}));
    REQUIRE(found);
    CHECK(found->name.view() == "node7");
    CHECK(found->id == crypto::fake_identity{7}.id());
    REQUIRE(found->addresses.size() == 1);
    CHECK(found->addresses[0] == ip_endpoint{ip_address::v4(192, 0, 2, 7), default_gossip_port});
    CHECK(found->labels == std::vector<label>{{"zone", "a"}});
    CHECK(found->source == discovery::provenance::registry);
}

TEST_CASE("a node that has left, one that cannot be called, and what is no record are no candidates") {
    CHECK_FALSE(registry::candidate_of(record_of(7, 1, {}, true)));
    auto bytes = record_of(7);
    bytes.pop_back();
    CHECK_FALSE(registry::candidate_of(bytes));
    CHECK_FALSE(registry::candidate_of({}));
    description d{.name = "nowhere"};
    std::vector<std::byte> room(limits::record);
    auto const made = crypto::sign_record(crypto::fake_identity{3}, network_id{}, d, 1, false, room);
    REQUIRE(made);
    CHECK_FALSE(registry::candidate_of(made->bytes()));
}
