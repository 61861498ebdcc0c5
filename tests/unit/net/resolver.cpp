// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what every resolver shares: how long a lookup may take, and saying that something cannot be looked up.
#include <peerkit/net/resolver.hpp>

#include "unit/net/support.hpp"

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>

using namespace net_test;
using peerkit::duration;
using peerkit::discovery::discovery_error;
using peerkit::net::lookup_bound;

TEST_CASE("a lookup may take as long as all its tries, never less than nothing and never longer than time lasts") {
    peerkit::discovery::resolve_name name;
    name.timeout = 1s;
    name.tries = 3;
    CHECK(lookup_bound(name) == 3s);
    name.tries = 0;
    CHECK(lookup_bound(name) == 1s);
    name.timeout = -1s;
    CHECK(lookup_bound(name) == 0s);
    name.timeout = duration::max();
    name.tries = 2;
    CHECK(lookup_bound(name) == duration::max());
    name.timeout = duration::max() / 2 + duration{1};
    CHECK(lookup_bound(name) == duration::max());
    peerkit::discovery::resolve_address address;
    address.timeout = 7s;
    CHECK(lookup_bound(address) == 7s);
}

TEST_CASE("a lookup whose time is over says how long that was") {
    auto const late = peerkit::net::lookup_timed_out(1500ms);
    CHECK(late == discovery_error::timed_out);
    CHECK(late.position() == 1500);
}

TEST_CASE("a resolver says at once what it cannot look up") {
    asio::io_context loop;
    auto const got = finish(loop, peerkit::net::unsupported_lookup(peerkit::discovery::resolve_text{}));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unsupported);
}
