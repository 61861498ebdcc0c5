// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of core/address_class.hpp: classes at the edges of their ranges, and the order of dialling.
#include <peerkit/core/address_class.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace peerkit;

namespace {

ip_address at(std::string_view text) { return ip_address::parse(text).value(); }
ip_prefix net(std::string_view text, std::uint8_t length) { return {at(text), length}; }
typed_address said(std::string_view text, address_kind kind = address_kind::unspecified) { return {at(text), 0, kind}; }

/// The texts of `from` in the order of dialling.
std::vector<std::string> dialled(std::vector<typed_address> const& from, std::vector<ip_prefix> const& own) {
    dial_order const order = order_for_dialling(from, own);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < order.size; ++i) texts.push_back(from[order.index[i]].address.to_string());
    return texts;
}
using texts = std::vector<std::string>;

} // namespace

TEST_CASE("an address has the class of its range, to the last address of it") {
    struct row {
        std::string_view text;
        address_class expected;
        address_kind kind;
    };
    using enum address_class;
    constexpr auto local = address_kind::local, global = address_kind::global, over = address_kind::overlay;
    for (row const& r : {
             row{"9.255.255.255", global_v4, global},
             row{"10.0.0.0", private_use, local},
             row{"10.255.255.255", private_use, local},
             row{"11.0.0.0", global_v4, global},
             row{"100.63.255.255", global_v4, global},
             row{"100.64.0.0", overlay, over},
             row{"100.115.91.255", overlay, over},
             row{"100.115.92.0", excluded, local},
             row{"100.115.93.255", excluded, local},
             row{"100.115.94.0", overlay, over},
             row{"100.127.255.255", overlay, over},
             row{"100.128.0.0", global_v4, global},
             row{"127.0.0.1", loopback, local},
             row{"127.255.255.255", loopback, local},
             row{"169.253.255.255", global_v4, global},
             row{"169.254.0.1", link_local, local},
             row{"172.15.255.255", global_v4, global},
             row{"172.16.0.0", private_use, local},
             row{"172.31.255.255", private_use, local},
             row{"172.32.0.0", global_v4, global},
             row{"192.168.0.0", private_use, local},
             row{"192.0.2.1", global_v4, global}, // documentation ranges are used on test machines
             row{"0.0.0.0", unusable, local},
             row{"0.1.2.3", unusable, local},
             row{"224.0.0.1", unusable, local},
             row{"240.0.0.1", unusable, local},
             row{"255.255.255.255", unusable, local},
             row{"::", unusable, local},
             row{"::1", loopback, local},
             row{"ff02::1", unusable, local},
             row{"fe80::1", link_local, local},
             row{"febf::1", link_local, local},
             row{"fc00::1", private_use, local},
             row{"fd7a:115c:a1df:ffff::1", private_use, local},
             row{"fd7a:115c:a1e0::1", overlay, over},
             row{"fd7a:115c:a1e0:ffff:ffff:ffff:ffff:ffff", overlay, over},
             row{"fd7a:115c:a1e1::1", private_use, local},
             row{"2001:db8::1", global_v6, global},
             row{"::ffff:10.0.0.1", private_use, local},
         }) {
        CAPTURE(r.text);
        CHECK(to_string(classify(at(r.text))) == to_string(r.expected));
        CHECK(kind_of(at(r.text)) == r.kind);
    }
    CHECK(classify(ip_address{}) == unusable);
    static_assert(classify(ip_address::v4(100, 64, 0, 1)) == overlay);
}

TEST_CASE("every class has a name of its own") {
    std::set<std::string_view> names;
    for (unsigned i = 0; i <= static_cast<unsigned>(address_class::unusable); ++i)
        names.insert(to_string(static_cast<address_class>(i)));
    CHECK(names.size() == static_cast<unsigned>(address_class::unusable) + 1);
    CHECK(names.count("unknown") == 0);
    CHECK(to_string(static_cast<address_class>(99)) == "unknown");
}

TEST_CASE("a prefix contains what shares its leading bits, and no other family") {
    CHECK(net("10.1.2.3", 24).contains(at("10.1.2.255")));
    CHECK_FALSE(net("10.1.2.3", 24).contains(at("10.1.3.0")));
    CHECK(net("10.1.2.3", 23).contains(at("10.1.3.0")));
    CHECK_FALSE(net("10.1.2.3", 23).contains(at("10.1.4.0")));
    CHECK(net("10.1.2.3", 32).contains(at("10.1.2.3")));
    CHECK_FALSE(net("10.1.2.3", 32).contains(at("10.1.2.2")));
    CHECK(net("10.1.2.3", 200).contains(at("10.1.2.3")));
    CHECK_FALSE(net("10.1.2.3", 200).contains(at("10.1.2.2")));
    CHECK(net("128.0.0.0", 1).contains(at("255.0.0.1")));
    CHECK_FALSE(net("128.0.0.0", 1).contains(at("127.0.0.1")));
    CHECK(net("2001:db8:1::5", 64).contains(at("2001:db8:1::ffff")));
    CHECK_FALSE(net("2001:db8:1::5", 64).contains(at("2001:db8:1:1::5")));
    CHECK(net("2001:db8:1::5", 63).contains(at("2001:db8:1:1::5")));
    CHECK_FALSE(net("::", 1).contains(at("10.0.0.1")));
    CHECK_FALSE(net("0.0.0.0", 0).contains(at("10.0.0.1")));
    CHECK_FALSE(ip_prefix{}.contains(ip_address{}));
}

TEST_CASE("an address in one of the own subnets is of the same subnet, an overlay address remains one") {
    std::vector const own{net("10.1.2.3", 24), net("100.64.0.3", 10), net("2001:db8:1::3", 64)};
    using enum address_class;
    CHECK(classify(at("10.1.2.9"), own) == same_subnet);
    CHECK(classify(at("10.1.3.9"), own) == private_use);
    CHECK(classify(at("2001:db8:1::9"), own) == same_subnet);
    CHECK(classify(at("100.64.0.9"), own) == overlay);
    CHECK(classify(at("127.0.0.1"), std::vector{net("127.0.0.1", 8)}) == loopback);
}

TEST_CASE("bridges of containers are known by the names of their interfaces, and no others") {
    for (std::string_view const name : {"docker0", "docker_gwbridge", "br-0123456789ab", "virbr0", "veth12ab", "cni0",
                                        "podman1", "lxcbr0", "lxdbr0", "flannel.1", "cali7f", "vmnet8", "cbr0"}) {
        CAPTURE(name);
        CHECK(is_container_bridge(name));
        CHECK(classify(at("172.17.0.1"), std::vector{net("172.17.0.1", 16)}, name) == address_class::container_bridge);
    }
    for (std::string_view const name : {"eth0", "br0", "br-lan", "br-0123456789ag", "br-0123456789abc", "wlan0", "",
                                        "tailscale0", "enp3s0", "bond0"}) {
        CAPTURE(name);
        CHECK_FALSE(is_container_bridge(name));
    }
    CHECK(classify(at("127.0.0.1"), {}, "docker0") == address_class::loopback);
}

TEST_CASE("dialling prefers the same subnet, then a shared overlay, private, global IPv6, global IPv4, then the rest") {
    std::vector const all{said("127.0.0.1"),   said("198.51.100.7"), said("100.64.0.9"),  said("169.254.1.1"),
                          said("2001:db8::7"), said("10.9.9.9"),     said("192.168.1.77")};
    std::vector const own{net("192.168.1.5", 24), net("100.64.0.5", 32), net("2001:db8:9::5", 64)};
    CHECK(dialled(all, own) ==
          texts{"192.168.1.77", "100.64.0.9", "10.9.9.9", "2001:db8::7", "198.51.100.7", "127.0.0.1", "169.254.1.1"});
}

TEST_CASE("an overlay this host is not in comes behind what may be reached") {
    std::vector const own{net("192.168.1.5", 24)};
    CHECK(dialled({said("100.64.0.9"), said("198.51.100.7")}, own) == texts{"198.51.100.7", "100.64.0.9"});
    CHECK(dialled({said("100.64.0.9"), said("127.0.0.1")}, own) == texts{"100.64.0.9", "127.0.0.1"});
    // In the overlay with the other family only.
    std::vector const v6{net("192.168.1.5", 24), net("fd7a:115c:a1e0::5", 128)};
    CHECK(dialled({said("100.64.0.9"), said("fd7a:115c:a1e0::9"), said("10.0.0.9")}, v6) ==
          texts{"fd7a:115c:a1e0::9", "10.0.0.9", "100.64.0.9"});
}

TEST_CASE("a family this host has no address of comes last, whatever its class") {
    CHECK(dialled({said("2001:db8::7"), said("fd00::7"), said("127.0.0.1")}, {net("192.168.1.5", 24)}) ==
          texts{"127.0.0.1", "2001:db8::7", "fd00::7"});
}

TEST_CASE("an observed address comes behind announced ones of its class and before the next class") {
    std::vector const own{net("192.168.1.5", 24)};
    CHECK(dialled({said("198.51.100.1", address_kind::observed), said("198.51.100.2", address_kind::global),
                   said("10.0.0.1", address_kind::observed)},
                  own) == texts{"10.0.0.1", "198.51.100.2", "198.51.100.1"});
}

TEST_CASE("equals stay in the order in which they were announced; without own subnets all are equal") {
    CHECK(dialled({said("10.0.0.2"), said("10.0.0.1"), said("10.0.0.3")}, {net("192.168.1.5", 24)}) ==
          texts{"10.0.0.2", "10.0.0.1", "10.0.0.3"});
    CHECK(dialled({said("127.0.0.1"), said("10.0.0.1"), said("::1")}, {}) == texts{"127.0.0.1", "10.0.0.1", "::1"});
    CHECK(dialled({}, {}).empty());
}

TEST_CASE("no more addresses are ordered than a record may hold") {
    std::vector<typed_address> many;
    for (std::uint8_t i = 0; i < 20; ++i) many.push_back({ip_address::v4(10, 0, 0, i), 0, address_kind::local});
    dial_order const order = order_for_dialling(many, {});
    CHECK(order.size == limits::addresses);
    std::set<int> const indices(order.index.begin(), order.index.end());
    CHECK(indices.size() == limits::addresses);
}
