// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the socket counters.
#include <peerkit/net/traffic.hpp>

#include <doctest/doctest.h>

#include <type_traits>

TEST_CASE("socket counters begin at zero and can be copied to compare two moments") {
    peerkit::net::traffic now;
    CHECK(now.datagrams_received == 0);
    CHECK(now.streams_refused == 0);
    peerkit::net::traffic const before = now;
    now.bytes_sent += 5;
    CHECK(now.bytes_sent - before.bytes_sent == 5);
    CHECK(std::is_trivially_copyable_v<peerkit::net::traffic>);
}
