// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of endpoints crossing between the core, Asio and the socket API.
#include <peerkit/net/convert.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <doctest/doctest.h>

#include <netinet/in.h>

#include <chrono>
#include <string>

using peerkit::ip_address;
using peerkit::ip_endpoint;
using peerkit::ip_family;
using namespace peerkit::net;

namespace {
ip_address parse(char const* text) { return ip_address::parse(text).value(); }
} // namespace

TEST_CASE("addresses keep their value through Asio, and mapped ones become IPv4") {
    for (char const* text : {"192.0.2.7", "0.0.0.0", "2001:db8::7", "::", "::1"}) {
        CHECK(from_asio(to_asio(parse(text))) == parse(text));
        CHECK(to_asio(parse(text)).to_string() == text);
        CHECK(from_asio(asio::ip::make_address(text)) == parse(text));
    }
    CHECK(to_asio(parse("192.0.2.7"), true).to_string() == "::ffff:192.0.2.7");
    CHECK(from_asio(to_asio(parse("192.0.2.7"), true)) == parse("192.0.2.7"));
    CHECK(to_asio(parse("2001:db8::7"), true).to_string() == "2001:db8::7");
    CHECK(to_asio(ip_address{}).to_string() == "0.0.0.0");
    CHECK(to_asio(ip_address{}, true).to_string() == "::");
    CHECK(from_asio(asio::ip::make_address("fe80::1%1")).to_string() == "fe80::1");
}

TEST_CASE("endpoints keep their port, of either protocol") {
    ip_endpoint const where{parse("192.0.2.7"), 9000};
    auto const udp = to_asio<asio::ip::udp>(where);
    CHECK(udp.port() == 9000);
    CHECK(from_asio(udp) == where);
    auto const tcp = to_asio<asio::ip::tcp>(where, true);
    CHECK(tcp.address().is_v6());
    CHECK(from_asio(tcp) == where);
}

TEST_CASE("socket addresses are read and written for either family of socket") {
    sockaddr_storage storage{};
    auto const* const name = reinterpret_cast<sockaddr const*>(&storage);
    ip_endpoint const v4{parse("192.0.2.7"), 9000}, v6{parse("2001:db8::7"), 9001};

    CHECK(to_system(v4, AF_INET, storage) == sizeof(sockaddr_in));
    CHECK(storage.ss_family == AF_INET);
    CHECK(from_system(name, sizeof(sockaddr_in)) == v4);
    CHECK(to_system(v4, AF_INET6, storage) == sizeof(sockaddr_in6));
    CHECK(storage.ss_family == AF_INET6);
    CHECK(from_system(name, sizeof(sockaddr_in6)) == v4);
    CHECK(to_system(v6, AF_INET6, storage) == sizeof(sockaddr_in6));
    CHECK(from_system(name, sizeof(sockaddr_in6)) == v6);

    CHECK(to_system(v6, AF_INET, storage) == 0);
    CHECK(to_system(ip_endpoint{}, AF_INET, storage) == 0);
    CHECK(to_system(ip_endpoint{}, AF_INET6, storage) == 0);
    CHECK(to_system(v4, AF_UNIX, storage) == 0);
}

TEST_CASE("a socket address that is cut short or of another family is none") {
    sockaddr_storage storage{};
    auto const* const name = reinterpret_cast<sockaddr const*>(&storage);
    (void)to_system({parse("2001:db8::7"), 9001}, AF_INET6, storage);
    CHECK_FALSE(from_system(name, sizeof(sockaddr_in6) - 1));
    CHECK_FALSE(from_system(name, 0));
    storage.ss_family = AF_UNIX;
    CHECK_FALSE(from_system(name, sizeof storage));
}

TEST_CASE("moments of the core are those of the steady clock") {
    peerkit::system_steady_clock const clock;
    auto const before = std::chrono::steady_clock::now();
    auto const now = to_steady(clock.now());
    auto const after = std::chrono::steady_clock::now();
    CHECK(before <= now);
    CHECK(now <= after);
    CHECK(to_steady(peerkit::never) == std::chrono::steady_clock::time_point::max());
}
