// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::remembered_peer: a value.
#include <peerkit/node/remembered_peer.hpp>

#include <doctest/doctest.h>

using namespace peerkit;

TEST_CASE("what is remembered of a peer is a value that says nothing to begin with") {
    node::remembered_peer a;
    CHECK(a.record.empty());
    CHECK(a.sources.empty());
    CHECK_FALSE(a.last_endpoint);
    CHECK(a.last_heard_ms == 0);
    node::remembered_peer b = a;
    CHECK(a == b);
    b.sources.insert(discovery::provenance::dns);
    CHECK(a != b);
}
