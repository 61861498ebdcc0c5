// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which of this machine's addresses a node advertises.
#ifndef PEERKIT_NET_INTERFACES_HPP
#define PEERKIT_NET_INTERFACES_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/system.hpp>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// One address of one network interface.
struct interface_address {
    ip_address address;
    std::string interface; ///< "eth0"; empty: not known
    bool outgoing = false; ///< the address packets to the rest of the world are sent from
    [[nodiscard]] friend bool operator==(interface_address const&, interface_address const&) noexcept = default;
};

/// How an address is meant to be used, judged by its range.
[[nodiscard]] constexpr address_kind kind_of(ip_address const& address) noexcept {
    if (address.is_overlay()) return address_kind::overlay;
    if (address.is_private() || address.is_loopback() || address.is_link_local()) return address_kind::local;
    return address_kind::global;
}

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
    for (ifaddrs const* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
        std::size_t const size = at->ifa_addr->sa_family == AF_INET    ? sizeof(sockaddr_in)
                                 : at->ifa_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                                                       : 0;
        ip_address const address = from_system(at->ifa_addr, size).address;
        if (!address) continue;
        found.push_back({address, at->ifa_name, address == out_v4 || address == out_v6});
    }
    ::freeifaddrs(list);
    return found;
}

/// Chooses what to advertise from what there is: no multicast, unspecified or link-local addresses; loopback only if
/// there is nothing else; without duplicates, at most `limits::addresses`. In order of preference: the addresses used
/// towards the rest of the world, other addresses, then those of bridges that only containers and virtual machines
/// of the same host can see; among equals IPv4 first, then in the order given.
/// @param family only addresses of this family, unless `none`
[[nodiscard]] inline std::vector<typed_address> choose_addresses(std::vector<interface_address> const& from,
                                                                 ip_family family = ip_family::none) {
    struct ranked {
        ip_address address;
        int rank;
    };
    auto const is_host_bridge = [](std::string_view name) {
        for (std::string_view const prefix : {"docker", "br-", "virbr", "veth", "cni", "podman", "lxcbr", "lxdbr"}) {
            if (name.starts_with(prefix)) return true;
        }
        return false;
    };
    std::vector<ranked> chosen;
    for (int pass = 0; pass < 2 && chosen.empty(); ++pass) { // the second pass takes loopback
        for (interface_address const& one : from) {
            ip_address const& a = one.address;
            if (a.is_unspecified() || a.is_multicast() || a.is_link_local() || a.is_loopback() != (pass == 1)) continue;
            if (family != ip_family::none && a.family() != family) continue;
            bool const seen =
                std::any_of(chosen.begin(), chosen.end(), [&a](ranked const& r) { return r.address == a; });
            if (seen) continue;
            int const place = one.outgoing ? 0 : is_host_bridge(one.interface) ? 2 : 1;
            chosen.push_back({a, place * 2 + (a.family() == ip_family::v4 ? 0 : 1)});
        }
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](ranked const& l, ranked const& r) { return l.rank < r.rank; });
    if (chosen.size() > limits::addresses) chosen.resize(limits::addresses);
    std::vector<typed_address> advertised;
    for (ranked const& r : chosen) advertised.push_back({r.address, 0, kind_of(r.address)});
    return advertised;
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
