// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What an address is good for, seen from a host with several: its class, and the order in which to dial and advertise.
#ifndef PEERKIT_CORE_ADDRESS_CLASS_HPP
#define PEERKIT_CORE_ADDRESS_CLASS_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

/// An address and how many of its leading bits name the subnet: "10.1.2.3/24". As an entry in the list of a host's own
/// subnets, the address is the host's own in that subnet.
struct ip_prefix {
    ip_address address{};
    std::uint8_t length = 0; ///< bits; more than the family has counts as all of them

    /// Whether `other` has the same family and the same leading bits. A prefix of length 0 contains nothing: what is
    /// reached through a default route is not a neighbour.
    [[nodiscard]] constexpr bool contains(ip_address const& other) const noexcept {
        if (length == 0 || !address || other.family() != address.family()) return false;
        byte_view const mine = address.bytes(), its = other.bytes();
        std::size_t left = length;
        for (std::size_t i = 0; i < mine.size() && left != 0; ++i) {
            unsigned const differ = std::to_integer<unsigned>(mine[i] ^ its[i]);
            std::size_t const bits = left < 8 ? left : 8;
            if (differ >> (8 - bits) != 0) return false;
            left -= bits;
        }
        return true;
    }
    [[nodiscard]] friend constexpr bool operator==(ip_prefix const&, ip_prefix const&) noexcept = default;
};

/// Classes, in the order in which they are preferred for dialling where nothing else is known (see `dial_rank`).
enum class address_class : std::uint8_t {
    same_subnet,      ///< in one of the host's own subnets
    overlay,          ///< a tailnet address: 100.64.0.0/10 without 100.115.92.0/23, or fd7a:115c:a1e0::/48
    private_use,      ///< RFC 1918, or unique local (RFC 4193)
    global_v6,        ///< any other IPv6 address
    global_v4,        ///< any other IPv4 address
    container_bridge, ///< on an interface that only containers and virtual machines of one host see
    loopback,
    link_local, ///< 169.254.0.0/16 or fe80::/10: means nothing without the interface
    excluded,   ///< 100.115.92.0/23: inside one machine, although it looks like an overlay
    unusable,   ///< none, unspecified, 0.0.0.0/8, multicast, broadcast, 240.0.0.0/4
};

[[nodiscard]] constexpr std::string_view to_string(address_class c) noexcept {
    switch (c) {
    case address_class::same_subnet: return "same subnet";
    case address_class::overlay: return "overlay";
    case address_class::private_use: return "private";
    case address_class::global_v6: return "global IPv6";
    case address_class::global_v4: return "global IPv4";
    case address_class::container_bridge: return "container bridge";
    case address_class::loopback: return "loopback";
    case address_class::link_local: return "link-local";
    case address_class::excluded: return "excluded";
    case address_class::unusable: return "unusable";
    }
    return "unknown";
}

/// Whether an interface of that name belongs to containers or virtual machines of this host, by the names that Docker,
/// Podman, libvirt, LXC, VMware and the network plugins of Kubernetes give. Docker's own bridges are "br-" and twelve
/// hexadecimal digits; "br-lan" is a router's.
[[nodiscard]] constexpr bool is_container_bridge(std::string_view interface) noexcept {
    constexpr std::array<std::string_view, 14> names{"docker",  "virbr",   "veth", "cni",   "podman", "lxcbr", "lxdbr",
                                                     "incusbr", "flannel", "cali", "vmnet", "weave",  "cbr",   "kube-"};
    for (std::string_view const name : names) {
        if (interface.starts_with(name)) return true;
    }
    if (!interface.starts_with("br-") || interface.size() != 15) return false;
    for (char const c : interface.substr(3)) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

/// The class of an address.
/// @param own the host's own subnets; an overlay address stays one, whatever the prefix of the overlay's interface
/// @param interface the name of the interface that has the address, where that is known
[[nodiscard]] constexpr address_class classify(ip_address const& address, std::span<ip_prefix const> own = {},
                                               std::string_view interface = {}) noexcept {
    if (address.is_unspecified() || address.is_multicast()) return address_class::unusable;
    if (address.is_loopback()) return address_class::loopback;
    if (address.is_link_local()) return address_class::link_local;
    bool const v4 = address.family() == ip_family::v4;
    auto const first = std::to_integer<unsigned>(address.bytes()[0]);
    if (v4 && (first == 0 || first >= 240)) return address_class::unusable;
    constexpr ip_prefix inside_machine{ip_address::v4(100, 115, 92, 0), 23};
    if (inside_machine.contains(address)) return address_class::excluded;
    if (is_container_bridge(interface)) return address_class::container_bridge;
    if (address.is_overlay()) return address_class::overlay;
    for (ip_prefix const& subnet : own) {
        if (subnet.contains(address)) return address_class::same_subnet;
    }
    if (address.is_private()) return address_class::private_use;
    return v4 ? address_class::global_v4 : address_class::global_v6;
}

/// What an address is announced as. Only the range counts.
[[nodiscard]] constexpr address_kind kind_of(ip_address const& address) noexcept {
    switch (classify(address)) {
    case address_class::overlay: return address_kind::overlay;
    case address_class::global_v4:
    case address_class::global_v6: return address_kind::global;
    default: return address_kind::local;
    }
}

/// How late an announced address is tried, seen from a host with the subnets `own`; less is earlier. Same subnet, then
/// overlay where this host has an address in the overlay too, private, global IPv6, global IPv4, an overlay this host
/// is not in, what is of no use from another machine, and last the families this host has no address of. Observed
/// addresses come behind others of their class. Without own subnets all are equal.
[[nodiscard]] constexpr std::uint8_t dial_rank(typed_address const& announced,
                                               std::span<ip_prefix const> own) noexcept {
    if (own.empty()) return 0;
    bool family = false, in_overlay = false;
    for (ip_prefix const& subnet : own) {
        if (subnet.address.family() != announced.address.family()) continue;
        family = true;
        in_overlay = in_overlay || subnet.address.is_overlay();
    }
    auto const rank = [&]() -> unsigned {
        if (!family) return 10;
        switch (classify(announced.address, own)) {
        case address_class::same_subnet: return 0;
        case address_class::overlay: return in_overlay ? 1 : 5;
        case address_class::private_use: return 2;
        case address_class::global_v6: return 3;
        case address_class::global_v4: return 4;
        case address_class::container_bridge:
        case address_class::excluded: return 6;
        case address_class::loopback: return 7;
        case address_class::link_local: return 8;
        case address_class::unusable: return 9;
        }
        return 9;
    }();
    return static_cast<std::uint8_t>(rank * 2 + (announced.kind == address_kind::observed ? 1U : 0U));
}

/// Indices of announced addresses, in the order in which to try them.
struct dial_order {
    std::array<std::uint8_t, limits::addresses> index{};
    std::array<std::uint8_t, limits::addresses> rank{}; ///< of `index[i]`
    std::uint8_t size = 0;
};

/// Orders announced addresses by `dial_rank`, equals as announced. Those beyond `limits::addresses` are left out.
/// @param announced a range of `typed_address`
///
/// @code
/// std::array const own{ip_prefix{my_address, 24}};
/// dial_order const order = order_for_dialling(about.addresses, own);
/// for (std::size_t i = 0; i < order.size; ++i) try_to_reach(about.addresses[order.index[i]]);
/// @endcode
template <typename Addresses>
[[nodiscard]] constexpr dial_order order_for_dialling(Addresses const& announced,
                                                      std::span<ip_prefix const> own) noexcept {
    dial_order made;
    std::uint8_t index = 0;
    for (typed_address const& a : announced) {
        if (made.size == limits::addresses) break;
        std::uint8_t const rank = dial_rank(a, own);
        std::size_t place = made.size++;
        for (; place > 0 && made.rank[place - 1] > rank; --place) {
            made.rank[place] = made.rank[place - 1];
            made.index[place] = made.index[place - 1];
        }
        made.rank[place] = rank;
        made.index[place] = index++;
    }
    return made;
}

PEERKIT_END_NAMESPACE

#endif
