// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of binding UDP and TCP to the same port.
#include <peerkit/net/port_pair.hpp>

#include "unit/net/support.hpp"

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>

#include <string>

using namespace net_test;
using peerkit::ip_address;
using peerkit::ip_family;
using peerkit::net::listen_options;
using peerkit::net::net_error;
using peerkit::net::port_pair;

namespace {

listen_options on_loopback(std::uint16_t port = 0) {
    listen_options options;
    options.address = ip_address::v4(127, 0, 0, 1);
    options.port = port;
    return options;
}

bool has_ipv6() {
    asio::io_context loop;
    asio::ip::tcp::acceptor probe{loop};
    asio::error_code ec;
    probe.open(asio::ip::tcp::v6(), ec);
    if (!ec) probe.bind({asio::ip::address_v6::loopback(), 0}, ec);
    return !ec;
}

} // namespace

TEST_CASE("port 0 gives one port for both protocols") {
    asio::io_context loop;
    auto pair = port_pair::open(loop.get_executor(), on_loopback());
    REQUIRE(pair);
    CHECK(pair->local().port != 0);
    CHECK(pair->local().address == ip_address::v4(127, 0, 0, 1));
    CHECK(pair->datagrams().local_endpoint().port() == pair->local().port);
    CHECK(pair->listener().local_endpoint().port() == pair->local().port);
    CHECK(pair->system_family() == AF_INET);
    CHECK_FALSE(pair->dual());
}

TEST_CASE("sockets are not inherited and do not block") {
    asio::io_context loop;
    auto pair = port_pair::open(loop.get_executor(), on_loopback());
    REQUIRE(pair);
    CHECK((::fcntl(pair->datagrams().native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(pair->listener().native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(pair->datagrams().native_handle(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a port taken by UDP or by TCP is refused and named") {
    asio::io_context loop;
    asio::ip::udp::socket udp{loop, {asio::ip::address_v4::loopback(), 0}};
    auto const no_udp = port_pair::open(loop.get_executor(), on_loopback(udp.local_endpoint().port()));
    REQUIRE_FALSE(no_udp);
    CHECK(no_udp.error() == net_error::port_in_use);
    CHECK(no_udp.error().field() == "udp");
    CHECK(no_udp.error().position() == udp.local_endpoint().port());

    asio::ip::tcp::acceptor tcp{loop, {asio::ip::address_v4::loopback(), 0}};
    auto const no_tcp = port_pair::open(loop.get_executor(), on_loopback(tcp.local_endpoint().port()));
    REQUIRE_FALSE(no_tcp);
    CHECK(no_tcp.error() == net_error::port_in_use);
    CHECK(no_tcp.error().field() == "tcp");
    // The UDP socket that was already bound is gone again.
    CHECK_NOTHROW(asio::ip::udp::socket(loop, {asio::ip::address_v4::loopback(), tcp.local_endpoint().port()}));
}

TEST_CASE("many nodes find ports of their own") {
    asio::io_context loop;
    std::vector<port_pair> pairs;
    for (int i = 0; i < 100; ++i) {
        auto pair = port_pair::open(loop.get_executor(), on_loopback());
        REQUIRE(pair);
        pairs.push_back(std::move(*pair));
    }
}

TEST_CASE("an address of another machine cannot be bound, and the system says why") {
    asio::io_context loop;
    listen_options options;
    options.address = ip_address::v4(192, 0, 2, 1);
    options.port = 0;
    auto const got = port_pair::open(loop.get_executor(), options);
    REQUIRE_FALSE(got);
    CHECK(got.error() == net_error::bind_failed);
    CHECK(got.error().position() == EADDRNOTAVAIL);
}

TEST_CASE("without an address both families are heard where there are both, or the one that is asked for") {
    asio::io_context loop;
    listen_options options;
    options.port = 0;
    options.family = ip_family::v4;
    auto v4 = port_pair::open(loop.get_executor(), options);
    REQUIRE(v4);
    CHECK(v4->local().address.to_string() == "0.0.0.0");

    options.family = ip_family::none;
    auto any = port_pair::open(loop.get_executor(), options);
    REQUIRE(any);
    CHECK(any->local().address.is_unspecified());
    if (!has_ipv6()) {
        MESSAGE("no IPv6 on this machine");
        CHECK_FALSE(any->dual());
        return;
    }
    CHECK(any->dual());
    asio::ip::tcp::socket from_v4{loop}, from_v6{loop};
    CHECK_NOTHROW(from_v4.connect({asio::ip::address_v4::loopback(), any->local().port}));
    CHECK_NOTHROW(from_v6.connect({asio::ip::address_v6::loopback(), any->local().port}));

    options.family = ip_family::v6;
    auto v6 = port_pair::open(loop.get_executor(), options);
    REQUIRE(v6);
    CHECK_FALSE(v6->dual());
    asio::ip::tcp::socket refused{loop};
    asio::error_code ec;
    refused.connect({asio::ip::address_v4::loopback(), v6->local().port}, ec);
    CHECK(ec == asio::error::connection_refused);
}
