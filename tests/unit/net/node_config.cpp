// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a node's configuration: what a host gets that says nothing.
#include <peerkit/net/node_config.hpp>

#include <doctest/doctest.h>

#include <utility>

TEST_CASE("a configuration that says nothing is closed, listens everywhere on port 9000 and finds nobody by itself") {
    peerkit::net::node_config config;
    CHECK_FALSE(config.key.has_value());
    CHECK_FALSE(config.identity.has_value());
    CHECK(config.listen.port == peerkit::default_gossip_port);
    CHECK(config.listen.address.is_unspecified());
    CHECK_FALSE(config.discovery);
    CHECK_FALSE(config.store);
    CHECK(config.remembered_peers == 1024);
    CHECK(peerkit::gossip::check(config.tunables));
}

TEST_CASE("a configuration moves with its keys and its strategy") {
    peerkit::net::node_config config;
    config.key = peerkit::crypto::network_key::generate().value();
    auto const id = config.key->id();
    config.self.name = "n";
    peerkit::net::node_config const moved = std::move(config);
    CHECK(moved.key->id() == id);
    CHECK(moved.self.name == "n");
}
