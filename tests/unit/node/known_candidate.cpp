// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::known_candidate: what it is called, where it is, who sought it.
#include <peerkit/node/known_candidate.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using discovery::provenance;
using node::call_result;
using node::known_candidate;

TEST_CASE("a candidate without a name goes by its first IP address") {
    known_candidate c;
    CHECK(c.display_name() == "");
    c.places.push_back({{ip_address::v4(10, 0, 0, 7), 9000}, provenance::host, {}, {}, 0, {}});
    c.places.push_back({{ip_address::v4(10, 0, 0, 8), 9000}, provenance::host, {}, {}, 0, {}});
    CHECK(c.display_name() == "10.0.0.7");
    c.name = "db1";
    CHECK(c.display_name() == "db1");
    CHECK(c.has({ip_address::v4(10, 0, 0, 8), 9000}));
    CHECK_FALSE(c.has({ip_address::v4(10, 0, 0, 8), 9001}));
}

TEST_CASE("a candidate was sought unless it is known through members only") {
    known_candidate c;
    CHECK_FALSE(c.sought());
    c.sources.insert(provenance::inbound);
    c.sources.insert(provenance::gossip);
    CHECK_FALSE(c.sought());
    c.sources.insert(provenance::mdns);
    CHECK(c.sought());
}

TEST_CASE("an address has the sources that stay and those that may take it back") {
    node::known_place p;
    p.kept.insert(provenance::host);
    p.named.insert(provenance::dns);
    CHECK(p.sources() == (node::provenance_set{provenance::host} | provenance::dns));
}

TEST_CASE("every result of a call has a word") {
    CHECK(to_string(call_result::untried) == "untried");
    CHECK(to_string(call_result::called) == "called");
    CHECK(to_string(call_result::answered) == "answered");
    CHECK(to_string(call_result::refused) == "refused");
    CHECK(to_string(static_cast<call_result>(99)) == "unknown");
}
