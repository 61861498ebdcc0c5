// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which of this machine's addresses a node advertises.
#ifndef PEERKIT_NET_INTERFACES_HPP
#define PEERKIT_NET_INTERFACES_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/netlink.hpp>
#include <peerkit/net/system.hpp>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

using peerkit::kind_of;

/// One address of one network interface that is up.
struct interface_address {
    ip_address address;
    std::string interface;          ///< "eth0"; empty: not known
    bool outgoing = false;          ///< the address packets to the rest of the world are sent from
    std::uint8_t prefix_length = 0; ///< bits that name the subnet; 0: not known
    bool running = true;            ///< there is a carrier
    bool point_to_point = false;    ///< a tunnel or the like
    bool deprecated = false;        ///< see `address_flags`; false where the system does not tell (only Linux does)
    bool temporary = false;         ///< the same
    [[nodiscard]] friend bool operator==(interface_address const&, interface_address const&) noexcept = default;
};

/// The address the system would send from to reach `destination`; none if there is no route. Sends nothing.
[[nodiscard]] inline ip_address outgoing_address(ip_address const& destination) noexcept {
    int const family = destination.family() == ip_family::v6 ? AF_INET6 : AF_INET;
    owned_fd const probe{::socket(family, SOCK_DGRAM, 0)};
    sockaddr_storage name{};
    socklen_t size = to_system({destination, 9}, family, name);
    if (!probe || size == 0 || ::connect(probe.get(), reinterpret_cast<sockaddr const*>(&name), size) != 0) return {};
    size = sizeof name;
    if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
    return from_system(reinterpret_cast<sockaddr const*>(&name), size).address;
}

/// The leading ones of a network mask. The family of the mask may be left out by some systems; then 0.
[[nodiscard]] inline std::uint8_t prefix_length(sockaddr const* mask, std::size_t size) noexcept {
    std::array<std::byte, 16> bytes{};
    std::size_t count = 0;
    if (size >= sizeof(sockaddr_in6)) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, mask, sizeof v6);
        std::memcpy(bytes.data(), &v6.sin6_addr, count = 16);
    } else if (size >= sizeof(sockaddr_in)) {
        sockaddr_in v4{};
        std::memcpy(&v4, mask, sizeof v4);
        std::memcpy(bytes.data(), &v4.sin_addr, count = 4);
    }
    std::uint8_t ones = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto const whole = std::countl_one(std::to_integer<std::uint8_t>(bytes[i]));
        ones = static_cast<std::uint8_t>(ones + whole);
        if (whole != 8) break;
    }
    return ones;
}

/// Every address of every interface that is up, in the system's order.
/// @par Errors `interfaces_unknown` (errno)
[[nodiscard]] inline result<std::vector<interface_address>> list_interfaces() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
        return fail(net_error::interfaces_unknown, static_cast<std::uint64_t>(errno), "interfaces");
    // Documentation prefixes (RFC 5737, RFC 3849): routed like the rest of the world, and nothing is sent.
    ip_address const out_v4 = outgoing_address(ip_address::v4(192, 0, 2, 1));
    ip_address const out_v6 = outgoing_address(ip_address::parse("2001:db8::1").value_or(ip_address{}));
    std::vector<interface_address> found;
    auto const size_of_name = [](sockaddr const* name) -> std::size_t {
        if (name == nullptr) return 0;
        return name->sa_family == AF_INET    ? sizeof(sockaddr_in)
               : name->sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                             : 0;
    };
    for (ifaddrs const* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
        ip_address const address = from_system(at->ifa_addr, size_of_name(at->ifa_addr)).address;
        if (!address) continue;
        interface_address one{address, at->ifa_name, address == out_v4 || address == out_v6};
        one.prefix_length = prefix_length(at->ifa_netmask, size_of_name(at->ifa_netmask));
        one.running = (at->ifa_flags & IFF_RUNNING) != 0;
        one.point_to_point = (at->ifa_flags & IFF_POINTOPOINT) != 0;
        found.push_back(std::move(one));
    }
    ::freeifaddrs(list);
    for_each_v6_address([&found](ip_address const& address, address_flags const& flags) {
        for (interface_address& one : found) {
            if (one.address != address) continue;
            one.deprecated = flags.deprecated;
            one.temporary = flags.temporary;
        }
    });
    return found;
}

/// Chooses what to advertise from what there is, by class (see `classify`). Never: multicast, unspecified and
/// link-local addresses. Only if there is nothing else: those without a carrier, deprecated or temporary ones and
/// 100.115.92.0/23; and loopback if there is nothing but that. Without duplicates, at most `limits::addresses`, in this
/// order: the addresses used towards the rest of the world, overlay addresses, others, then those of bridges that only
/// containers and virtual machines of the same host can see; among equals IPv4 first, then in the order given.
/// @param family only addresses of this family, unless `none`
[[nodiscard]] inline std::vector<typed_address> choose_addresses(std::vector<interface_address> const& from,
                                                                 ip_family family = ip_family::none) {
    struct ranked {
        ip_address address;
        int rank;
    };
    auto const makeshift = [](interface_address const& one, address_class c) {
        if (c == address_class::loopback) return 2;
        return !one.running || one.deprecated || one.temporary || c == address_class::excluded ? 1 : 0;
    };
    std::vector<ranked> chosen;
    for (int pass = 0; pass < 3 && chosen.empty(); ++pass) {
        for (interface_address const& one : from) {
            ip_address const& a = one.address;
            address_class const c = classify(a, {}, one.interface);
            if (c == address_class::unusable || c == address_class::link_local || makeshift(one, c) != pass) continue;
            if (family != ip_family::none && a.family() != family) continue;
            bool const seen =
                std::any_of(chosen.begin(), chosen.end(), [&a](ranked const& r) { return r.address == a; });
            if (seen) continue;
            int const place = one.outgoing                           ? 0
                              : c == address_class::container_bridge ? 3
                              : c == address_class::overlay          ? 1
                                                                     : 2;
            chosen.push_back({a, place * 2 + (a.family() == ip_family::v4 ? 0 : 1)});
        }
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](ranked const& l, ranked const& r) { return l.rank < r.rank; });
    if (chosen.size() > limits::addresses) chosen.resize(limits::addresses);
    std::vector<typed_address> advertised;
    for (ranked const& r : chosen) advertised.push_back({r.address, 0, kind_of(r.address)});
    return advertised;
}

/// This machine's own subnets, for `gossip::engine::options::subnets`: of the interfaces with a carrier, but loopback,
/// link-local addresses and bridges of containers, whose subnets are the same on many machines.
/// @param family only of this family, unless `none`: what a socket of one family cannot reach is no neighbour
[[nodiscard]] inline std::vector<ip_prefix> own_subnets(std::vector<interface_address> const& from,
                                                        ip_family family = ip_family::none) {
    std::vector<ip_prefix> own;
    for (interface_address const& one : from) {
        address_class const c = classify(one.address, {}, one.interface);
        if (!one.running || c >= address_class::container_bridge) continue;
        if (family != ip_family::none && one.address.family() != family) continue;
        ip_prefix const made{one.address, one.prefix_length};
        if (std::find(own.begin(), own.end(), made) == own.end()) own.push_back(made);
    }
    return own;
}

/// What a node bound to `bound` advertises: that address, or for a wildcard what `choose_addresses` makes of the
/// interfaces.
/// @par Errors `no_address`, `interfaces_unknown`
[[nodiscard]] inline result<std::vector<typed_address>> advertised_addresses(ip_address const& bound,
                                                                             ip_family family = ip_family::none) {
    if (!bound.is_unspecified()) return std::vector<typed_address>{{bound, 0, kind_of(bound)}};
    auto const interfaces = list_interfaces();
    if (!interfaces) return fail(interfaces.error());
    std::vector<typed_address> chosen = choose_addresses(*interfaces, family);
    if (chosen.empty()) return fail(net_error::no_address, 0, "addresses");
    return chosen;
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
