// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the sockets of multicast DNS, on the loopback interface.
#include <peerkit/net/mdns_sockets.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#include <net/if.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

using net_test::free_port;
using namespace peerkit;
using namespace peerkit::net;

namespace {

std::uint32_t lo() {
    std::uint32_t const index = ::if_nametoindex("lo");
    return index != 0 ? index : ::if_nametoindex("lo0");
}
mdns_nic lo_nic() {
    mdns_nic made;
    made.index = lo();
    made.name = "lo";
    made.loopback = true;
    made.subnets = {{ip_address::v4(127, 0, 0, 1), 8}};
    return made;
}

/// The next packet; empty if none comes.
std::string next(mdns_socket const& from, discovery::mdns_origin& origin) {
    pollfd ready{from.descriptor(), POLLIN, 0};
    if (::poll(&ready, 1, 30'000) != 1) return {};
    std::array<std::byte, 1500> room{};
    std::size_t size = 0;
    if (from.receive(room, size, origin) != mdns_socket::outcome::packet) return {};
    return std::string{as_text(byte_view{room}.first(size))};
}

} // namespace

TEST_CASE("sockets of one port on one interface all hear the group, with interface, sender and hop limit") {
    std::uint16_t const port = free_port();
    auto const one = mdns_socket::open(ip_family::v4, lo_nic(), port),
               two = mdns_socket::open(ip_family::v4, lo_nic(), port);
    REQUIRE(one);
    REQUIRE(two);
    REQUIRE(one->send({}, as_bytes("hello")));
    for (mdns_socket const* s : {&*one, &*two}) {
        discovery::mdns_origin origin;
        CHECK(next(*s, origin) == "hello");
        CHECK(origin.interface == lo());
        CHECK(origin.from.address.is_loopback());
        CHECK(origin.from.port == port);
        CHECK(origin.multicast);
        CHECK(origin.hop_limit == 255);
    }
    std::array<std::byte, 100> room{};
    std::size_t size = 0;
    discovery::mdns_origin origin;
    CHECK(one->receive(room, size, origin) == mdns_socket::outcome::empty);
}

TEST_CASE("what is sent to one address arrives as such, and what is too large is useless") {
    std::uint16_t const port = free_port();
    auto const one = mdns_socket::open(ip_family::v4, lo_nic(), port);
    REQUIRE(one);
    CHECK(one->family() == ip_family::v4);
    CHECK(one->interface() == lo());
    ip_endpoint const self{ip_address::v4(127, 0, 0, 1), port};
    REQUIRE(one->send(self, as_bytes("to you")));
    discovery::mdns_origin origin;
    CHECK(next(*one, origin) == "to you");
    CHECK_FALSE(origin.multicast);
    CHECK(origin.interface == lo());
    REQUIRE(one->send(self, as_bytes("larger than ten")));
    std::array<std::byte, 10> room{};
    std::size_t size = 0;
    pollfd ready{one->descriptor(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 30'000) == 1);
    CHECK(one->receive(room, size, origin) == mdns_socket::outcome::useless);
    CHECK_FALSE(one->send({*ip_address::parse("2001:db8::1"), port}, as_bytes("x")));
}

TEST_CASE("a socket on an interface that does not exist is an error with the code of the system") {
    auto const none = mdns_socket::open(ip_family::v4, {.index = 0x7ffffff0}, free_port());
    REQUIRE_FALSE(none);
    CHECK(none.error() == net_error::socket_failed);
    CHECK(none.error().position() != 0);
    CHECK_FALSE(none.error().field().empty());
}

TEST_CASE("a port that another program does not share cannot be bound") {
    owned_fd const other{::socket(AF_INET, SOCK_DGRAM, 0)};
    sockaddr_in name{};
    name.sin_family = AF_INET;
    REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    socklen_t size = sizeof name;
    REQUIRE(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
    auto const mine = mdns_socket::open(ip_family::v4, lo_nic(), ntohs(name.sin_port));
    REQUIRE_FALSE(mine);
    CHECK(mine.error() == net_error::bind_failed);
    CHECK(mine.error().position() == EADDRINUSE);
}

TEST_CASE("the loopback is listed by name, always, alone, or never, as wanted") {
    std::string const name = lo() == ::if_nametoindex("lo") ? "lo" : "lo0";
    auto const has_lo = [](std::vector<mdns_nic> const& all) {
        return std::any_of(all.begin(), all.end(), [](mdns_nic const& n) { return n.loopback; });
    };
    auto const always = list_mdns_interfaces({}, mdns_loopback::always);
    REQUIRE(always);
    CHECK(has_lo(*always));
    auto const alone = list_mdns_interfaces({}, mdns_loopback::if_alone);
    REQUIRE(alone);
    CHECK(has_lo(*alone) == (always->size() == 1));
    CHECK_FALSE(has_lo(list_mdns_interfaces({}, mdns_loopback::never).value()));
    auto const named = list_mdns_interfaces({name});
    REQUIRE(named);
    REQUIRE(named->size() == 1);
    CHECK(named->front().name == name);
    CHECK(named->front().index == lo());
    CHECK(named->front().has(ip_family::v4));
    CHECK(named->front().reaches(ip_address::v4(127, 0, 0, 99)));
    CHECK_FALSE(named->front().reaches(ip_address::v4(192, 0, 2, 1)));
    CHECK(list_mdns_interfaces({"no-such-interface"})->empty());
    CHECK(std::is_sorted(always->begin(), always->end(),
                         [](mdns_nic const& a, mdns_nic const& b) { return a.index < b.index; }));
}

TEST_CASE("neighbours are those of a subnet, and IPv6 link-local addresses") {
    mdns_nic const nic{2, "eth0", false, {{ip_address::v4(10, 1, 2, 3), 24}, {*ip_address::parse("2001:db8::1"), 64}}};
    CHECK(nic.reaches(ip_address::v4(10, 1, 2, 200)));
    CHECK_FALSE(nic.reaches(ip_address::v4(10, 1, 3, 200)));
    CHECK(nic.reaches(*ip_address::parse("2001:db8::ffff")));
    CHECK_FALSE(nic.reaches(*ip_address::parse("2001:db8:1::1")));
    CHECK(nic.reaches(*ip_address::parse("fe80::1")));
    CHECK_FALSE(nic.reaches(ip_address::v4(169, 254, 1, 1)));
    CHECK(nic.has(ip_family::v6));
}
