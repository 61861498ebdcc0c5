// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Endpoints and times of the core as Asio and the socket API want them, and back.
#ifndef PEERKIT_NET_CONVERT_HPP
#define PEERKIT_NET_CONVERT_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>

#include <asio/ip/address.hpp>
#include <asio/ip/basic_endpoint.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// An Asio address as the core's; an IPv4-mapped IPv6 address becomes IPv4. A scope (zone) of a link-local address
/// is dropped: the core has none.
[[nodiscard]] inline ip_address from_asio(asio::ip::address const& from) noexcept {
    if (from.is_v4()) {
        auto const bytes = from.to_v4().to_bytes();
        return ip_address::from_bytes(std::as_bytes(std::span{bytes}));
    }
    auto const bytes = from.to_v6().to_bytes();
    return ip_address::from_bytes(std::as_bytes(std::span{bytes}));
}
template <typename Protocol>
[[nodiscard]] ip_endpoint from_asio(asio::ip::basic_endpoint<Protocol> const& from) noexcept {
    return {from_asio(from.address()), from.port()};
}

/// An address of the core as Asio's; none becomes the IPv4 wildcard.
/// @param mapped write IPv4 as IPv4-mapped IPv6, as a dual-stack socket needs it
[[nodiscard]] inline asio::ip::address to_asio(ip_address const& from, bool mapped = false) noexcept {
    if (from.family() == ip_family::v6 || mapped) {
        asio::ip::address_v6::bytes_type bytes{};
        if (from.family() == ip_family::v6) {
            copy_bytes(from.bytes(), std::as_writable_bytes(std::span{bytes}));
        } else if (from.family() == ip_family::v4) {
            bytes[10] = bytes[11] = 0xff;
            copy_bytes(from.bytes(), std::as_writable_bytes(std::span{bytes}).subspan(12));
        }
        return asio::ip::address_v6{bytes};
    }
    asio::ip::address_v4::bytes_type bytes{};
    copy_bytes(from.bytes(), std::as_writable_bytes(std::span{bytes}));
    return asio::ip::address_v4{bytes};
}
/// @code udp_socket.send_to(bytes, to_asio<asio::ip::udp>(member)); @endcode
template <typename Protocol>
[[nodiscard]] asio::ip::basic_endpoint<Protocol> to_asio(ip_endpoint const& from, bool mapped = false) noexcept {
    return {to_asio(from.address, mapped), from.port};
}

/// A socket address as the system writes it; none if it is neither IPv4 nor IPv6, or cut short.
[[nodiscard]] inline ip_endpoint from_system(sockaddr const* from, std::size_t size) noexcept {
    ip_endpoint made;
    if (size >= sizeof(sockaddr_in) && from->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, from, sizeof v4);
        made = {ip_address::from_bytes(std::as_bytes(std::span{&v4.sin_addr, 1})), ntohs(v4.sin_port)};
    } else if (size >= sizeof(sockaddr_in6) && from->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, from, sizeof v6);
        made = {ip_address::from_bytes(std::as_bytes(std::span{&v6.sin6_addr, 1})), ntohs(v6.sin6_port)};
    }
    return made;
}

/// Writes an endpoint for the socket API; returns its size, or 0 where a socket of that family cannot reach it.
/// @param family AF_INET, or AF_INET6: IPv4 is then written IPv4-mapped
[[nodiscard]] inline socklen_t to_system(ip_endpoint const& from, int family, sockaddr_storage& to) noexcept {
    if (family == AF_INET) {
        if (from.address.family() != ip_family::v4) return 0;
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(from.port);
        copy_bytes(from.address.bytes(), std::as_writable_bytes(std::span{&v4.sin_addr, 1}));
        std::memcpy(&to, &v4, sizeof v4);
        return sizeof v4;
    }
    if (family != AF_INET6 || !from.address) return 0;
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(from.port);
    auto const bytes = to_asio(from.address, true).to_v6().to_bytes();
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&to, &v6, sizeof v6);
    return sizeof v6;
}

/// The moment on the clock Asio's steady timers use. `never` stays the clock's last moment.
[[nodiscard]] inline std::chrono::steady_clock::time_point to_steady(time_point at) noexcept {
    return std::chrono::steady_clock::time_point{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(at.time_since_epoch())};
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
