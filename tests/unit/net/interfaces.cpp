// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of choosing addresses to advertise.
#include <peerkit/net/interfaces.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using peerkit::address_kind;
using peerkit::ip_address;
using peerkit::ip_family;
using namespace peerkit::net;

namespace {

ip_address parse(std::string const& text) { return ip_address::parse(text).value(); }

std::vector<std::string> chosen(std::vector<interface_address> const& from, ip_family family = ip_family::none) {
    std::vector<std::string> texts;
    for (auto const& a : choose_addresses(from, family)) texts.push_back(a.address.to_string());
    return texts;
}
using texts = std::vector<std::string>;

} // namespace

TEST_CASE("loopback, link-local and multicast addresses are not advertised where there are others") {
    CHECK(chosen({{parse("127.0.0.1"), "lo"},
                  {parse("::1"), "lo"},
                  {parse("169.254.7.7"), "eth0"},
                  {parse("fe80::1"), "eth0"},
                  {parse("224.0.0.1"), "eth0"},
                  {parse("0.0.0.0"), "eth0"},
                  {parse("10.0.0.5"), "eth0"}}) == texts{"10.0.0.5"});
}

TEST_CASE("loopback is advertised when there is nothing else, and none when there is nothing at all") {
    CHECK(chosen({{parse("::1"), "lo"}, {parse("127.0.0.1"), "lo"}, {parse("fe80::1"), "eth0"}}) ==
          texts{"127.0.0.1", "::1"});
    CHECK(chosen({}).empty());
    CHECK(chosen({{parse("fe80::1"), "eth0"}}).empty());
}

TEST_CASE("the outgoing addresses come first, bridges of the host last, IPv4 before IPv6 among equals") {
    CHECK(chosen({{parse("172.17.0.1"), "docker0"},
                  {parse("2001:db8::9"), "eth1"},
                  {parse("10.0.0.9"), "eth1"},
                  {parse("100.64.0.7"), "tailscale0"},
                  {parse("2001:db8::5"), "eth0", true},
                  {parse("10.0.0.5"), "eth0", true},
                  {parse("10.0.0.5"), "eth0:1", true}}) ==
          texts{"10.0.0.5", "2001:db8::5", "10.0.0.9", "100.64.0.7", "2001:db8::9", "172.17.0.1"});
    CHECK(chosen({{parse("172.17.0.1"), "docker0"}}) == texts{"172.17.0.1"});
}

TEST_CASE("a socket of one family advertises that family only") {
    std::vector<interface_address> const both{{parse("10.0.0.5"), "eth0"}, {parse("2001:db8::5"), "eth0"}};
    CHECK(chosen(both, ip_family::v4) == texts{"10.0.0.5"});
    CHECK(chosen(both, ip_family::v6) == texts{"2001:db8::5"});
}

TEST_CASE("no more addresses are advertised than a record may hold") {
    std::vector<interface_address> many;
    for (int i = 1; i <= 20; ++i) many.push_back({parse("10.0.0." + std::to_string(i)), "eth0"});
    CHECK(chosen(many).size() == peerkit::limits::addresses);
}

TEST_CASE("addresses are classified by their range") {
    CHECK(kind_of(parse("10.0.0.1")) == address_kind::local);
    CHECK(kind_of(parse("fd00::1")) == address_kind::local);
    CHECK(kind_of(parse("127.0.0.1")) == address_kind::local);
    CHECK(kind_of(parse("100.100.1.1")) == address_kind::overlay);
    CHECK(kind_of(parse("fd7a:115c:a1e0::1")) == address_kind::overlay);
    CHECK(kind_of(parse("192.0.2.1")) == address_kind::global);
    CHECK(kind_of(parse("2001:db8::1")) == address_kind::global);
}

TEST_CASE("a node bound to one address advertises that one") {
    auto const got = advertised_addresses(parse("127.0.0.2"));
    REQUIRE(got);
    REQUIRE(got->size() == 1);
    CHECK(got->front().address == parse("127.0.0.2"));
    CHECK(got->front().kind == address_kind::local);
}

TEST_CASE("the interfaces of this machine are listed, and something can be advertised") {
    auto const all = list_interfaces();
    REQUIRE(all);
    CHECK(std::any_of(all->begin(), all->end(),
                      [](auto const& i) { return i.address.is_loopback() && !i.interface.empty(); }));
    auto const got = advertised_addresses({});
    REQUIRE(got);
    CHECK_FALSE(got->empty());
    CHECK(got->size() <= peerkit::limits::addresses);
    CHECK(outgoing_address(parse("127.0.0.1")).is_loopback());
    CHECK_FALSE(outgoing_address(ip_address{}));
}
