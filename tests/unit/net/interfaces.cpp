// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of choosing addresses to advertise.
#include <peerkit/net/interfaces.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
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

TEST_CASE("the outgoing addresses come first, then overlays, bridges of the host last, IPv4 before IPv6 among equals") {
    CHECK(chosen({{parse("172.17.0.1"), "docker0"},
                  {parse("2001:db8::9"), "eth1"},
                  {parse("10.0.0.9"), "eth1"},
                  {parse("100.64.0.7"), "tailscale0"},
                  {parse("2001:db8::5"), "eth0", true},
                  {parse("10.0.0.5"), "eth0", true},
                  {parse("10.0.0.5"), "eth0:1", true}}) ==
          texts{"10.0.0.5", "2001:db8::5", "100.64.0.7", "10.0.0.9", "2001:db8::9", "172.17.0.1"});
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

TEST_CASE("an overlay address and the outgoing one are advertised even where there are many others") {
    std::vector<interface_address> many;
    for (int i = 1; i <= 20; ++i) many.push_back({parse("10.0.0." + std::to_string(i)), "eth0"});
    many.push_back({parse("172.17.0.1"), "docker0"});
    many.push_back({parse("100.64.0.7"), "tailscale0"});
    many.push_back({parse("10.0.0.99"), "eth1", true});
    auto const got = chosen(many);
    REQUIRE(got.size() == peerkit::limits::addresses);
    CHECK(got[0] == "10.0.0.99");
    CHECK(got[1] == "100.64.0.7");
    CHECK(std::count(got.begin(), got.end(), "172.17.0.1") == 0);
}

TEST_CASE(
    "what is deprecated, temporary, without a carrier or inside one machine is advertised only for want of others") {
    auto const with = [](char const* text, auto&& change) {
        interface_address one{parse(text), "eth0"};
        change(one);
        return one;
    };
    std::vector<interface_address> poor{
        with("2001:db8::1", [](auto& a) { a.deprecated = true; }),
        with("2001:db8::2", [](auto& a) { a.temporary = true; }),
        with("10.0.0.3", [](auto& a) { a.running = false; }),
        with("100.115.92.4", [](auto&) {}),
        with("127.0.0.1", [](auto&) {}),
    };
    CHECK(chosen(poor) == texts{"10.0.0.3", "100.115.92.4", "2001:db8::1", "2001:db8::2"});
    poor.push_back(with("2001:db8::5", [](auto&) {}));
    CHECK(chosen(poor) == texts{"2001:db8::5"});
    CHECK(kind_of(parse("100.115.92.4")) == address_kind::local);
}

TEST_CASE("own subnets are those of running interfaces, without loopback, link-local addresses and bridges") {
    auto const one = [](char const* text, char const* name, std::uint8_t length) {
        interface_address made{parse(text), name};
        made.prefix_length = length;
        return made;
    };
    std::vector<interface_address> all{
        one("127.0.0.1", "lo", 8),      one("10.1.2.3", "eth0", 24),      one("10.1.2.3", "eth0:1", 24),
        one("fe80::1", "eth0", 64),     one("172.17.0.1", "docker0", 16), one("100.64.0.7", "tailscale0", 32),
        one("2001:db8::3", "eth0", 64), one("100.115.92.1", "eth1", 28),  one("192.168.7.7", "eth2", 24),
    };
    all.back().running = false;
    using peerkit::ip_prefix;
    CHECK(own_subnets(all) ==
          std::vector<ip_prefix>{{parse("10.1.2.3"), 24}, {parse("100.64.0.7"), 32}, {parse("2001:db8::3"), 64}});
    CHECK(own_subnets(all, ip_family::v6) == std::vector<ip_prefix>{{parse("2001:db8::3"), 64}});
}

TEST_CASE("the length of a prefix is the number of leading ones in its mask") {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    for (auto const& [mask, length] : {std::pair{0xffffffffU, 32},
                                       {0xffffff00U, 24},
                                       {0xffc00000U, 10},
                                       {0x80000000U, 1},
                                       {0U, 0},
                                       {0xff00ff00U, 8}}) {
        v4.sin_addr.s_addr = htonl(mask);
        CHECK(prefix_length(reinterpret_cast<sockaddr const*>(&v4), sizeof v4) == length);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    for (std::size_t i = 0; i < 7; ++i) v6.sin6_addr.s6_addr[i] = 0xff;
    v6.sin6_addr.s6_addr[7] = 0xfe;
    CHECK(prefix_length(reinterpret_cast<sockaddr const*>(&v6), sizeof v6) == 63);
    CHECK(prefix_length(nullptr, 0) == 0);
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
    CHECK(std::any_of(all->begin(), all->end(), [](auto const& i) {
        bool const v4 = i.address.family() == ip_family::v4;
        return i.address.is_loopback() && !i.interface.empty() && i.prefix_length == (v4 ? 8 : 128);
    }));
    auto const got = advertised_addresses({});
    REQUIRE(got);
    CHECK_FALSE(got->empty());
    CHECK(got->size() <= peerkit::limits::addresses);
    CHECK(outgoing_address(parse("127.0.0.1")).is_loopback());
    CHECK_FALSE(outgoing_address(ip_address{}));
}
