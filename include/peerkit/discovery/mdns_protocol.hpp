// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the two sides of multicast DNS share: numbers of RFC 6762, and where packets come from and go to.
#ifndef PEERKIT_DISCOVERY_MDNS_PROTOCOL_HPP
#define PEERKIT_DISCOVERY_MDNS_PROTOCOL_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/wire/dns_name.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

inline constexpr std::uint16_t mdns_port = 5353;
/// 224.0.0.251; its packets never leave the link.
inline constexpr ip_address mdns_group_v4 = ip_address::v4(224, 0, 0, 251);
/// ff02::fb
inline constexpr ip_address mdns_group_v6 = *ip_address::parse("ff02::fb");
/// What every packet is sent with, so that a receiver can tell that no router has touched it (RFC 6762, 11).
inline constexpr int mdns_hop_limit = 255;
/// Largest packet sent: an Ethernet frame without the headers of IPv6 and UDP.
inline constexpr std::size_t mdns_send_limit = 1452;
/// Largest packet read (RFC 6762, 17).
inline constexpr std::size_t mdns_receive_limit = 9000;

/// The service peerkit nodes publish unless they are told otherwise; the domain "local" is understood.
inline constexpr std::string_view mdns_default_service = "_peerkit._udp";

/// A network interface that multicast DNS is spoken on, and the addresses to be published there.
struct mdns_interface {
    std::uint32_t index = 0; ///< the system's; names the interface and nothing else
    std::vector<ip_address> addresses{};
    [[nodiscard]] friend bool operator==(mdns_interface const&, mdns_interface const&) = default;
};

/// What the shell knows of a packet that came in.
struct mdns_origin {
    std::uint32_t interface = 0; ///< it came in there
    ip_endpoint from{};
    bool on_link = false;  ///< the source address belongs to a network of that interface
    bool multicast = true; ///< sent to the group, not to this host alone
    int hop_limit = -1;    ///< as received; -1: the system did not tell
    bool loopback = false; ///< the interface is the loopback
};

/// True if a question from there is answered. Strangers beyond a router never get a byte.
[[nodiscard]] constexpr bool may_be_answered(mdns_origin const& origin) noexcept {
    return origin.on_link && static_cast<bool>(origin.from);
}
/// True if an answer from there is believed: it was sent by a responder, on this link. Routers do not forward the
/// group; what came to this host alone shows by its hop limit that no router has.
[[nodiscard]] constexpr bool may_be_believed(mdns_origin const& origin, std::uint16_t port) noexcept {
    return origin.on_link && origin.from.port == port && (origin.multicast || origin.hop_limit == mdns_hop_limit);
}

/// Where a packet goes.
struct mdns_destination {
    std::uint32_t interface = 0;
    ip_endpoint to{}; ///< none: to the group, in every address family the interface has
    [[nodiscard]] friend constexpr bool operator==(mdns_destination const&, mdns_destination const&) = default;
};

/// Takes packets to be sent: `send(destination, bytes)`. The bytes are valid during the call.
template <typename T>
concept MdnsSend = std::invocable<T&, mdns_destination const&, byte_view>;

/// "_peerkit._udp" as a name under "local".
/// @par Errors `bad_option` (field "service") for anything but "_name._udp" or "_name._tcp" with a name of 1 to 15
/// characters (RFC 6763, 7)
[[nodiscard]] inline result<wire::dns_name> mdns_service_name(std::string_view service) {
    auto const dot = service.find('.');
    bool fine = service.starts_with('_') && dot != std::string_view::npos && dot >= 2 && dot <= 16;
    for (std::size_t i = 1; fine && i < dot; ++i) {
        char const c = service[i];
        fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    }
    std::string_view const protocol = fine ? service.substr(dot + 1) : std::string_view{};
    if (protocol != "_udp" && protocol != "_tcp") return fail(discovery_error::bad_option, 0, "service");
    auto name = wire::dns_name::parse(std::string{service} + ".local");
    if (!name) return fail(discovery_error::bad_option, 0, "service");
    return *name;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
