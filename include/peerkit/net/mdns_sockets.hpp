// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Multicast DNS on the socket API: interfaces it can be spoken on, one socket for each and address family.
#ifndef PEERKIT_NET_MDNS_SOCKETS_HPP
#define PEERKIT_NET_MDNS_SOCKETS_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/system.hpp>

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Whether multicast DNS is spoken on the loopback interface.
enum class mdns_loopback : std::uint8_t {
    if_alone, ///< if there is no other interface: nodes of one machine without a network
    always,
    never,
};

/// An interface that can speak multicast DNS.
struct mdns_nic {
    std::uint32_t index = 0;
    std::string name{};
    bool loopback = false;
    std::vector<ip_prefix> subnets{}; ///< its own addresses, each with the length of its prefix
    [[nodiscard]] friend bool operator==(mdns_nic const&, mdns_nic const&) noexcept = default;

    [[nodiscard]] bool has(ip_family family) const noexcept {
        return std::any_of(subnets.begin(), subnets.end(),
                           [family](ip_prefix const& p) { return p.address.family() == family; });
    }
    /// True for an address of a neighbour, or its own.
    [[nodiscard]] bool reaches(ip_address const& other) const noexcept {
        return (other.is_link_local() && other.family() == ip_family::v6) ||
               std::any_of(subnets.begin(), subnets.end(), [&other](ip_prefix const& p) { return p.contains(other); });
    }
};

/// The interfaces that are up, can multicast and are no tunnels, in the order of their indexes.
/// @param names only these; empty: all. An interface that is named is taken even if it is a tunnel.
/// @par Errors `interfaces_unknown` (errno)
[[nodiscard]] inline result<std::vector<mdns_nic>> list_mdns_interfaces(
    std::vector<std::string> const& names = {}, mdns_loopback loopback = mdns_loopback::if_alone) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
        return fail(net_error::interfaces_unknown, static_cast<std::uint64_t>(errno), "interfaces");
    std::vector<mdns_nic> found;
    for (ifaddrs const* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0 || (at->ifa_flags & IFF_RUNNING) == 0) continue;
        bool const lo = (at->ifa_flags & IFF_LOOPBACK) != 0;
        bool const named = std::find(names.begin(), names.end(), at->ifa_name) != names.end();
        bool const fit = (at->ifa_flags & IFF_MULTICAST) != 0 && (at->ifa_flags & IFF_POINTOPOINT) == 0;
        if (names.empty() ? !lo && !fit : !named) continue;
        if (lo && loopback == mdns_loopback::never) continue;
        std::size_t const size = at->ifa_addr->sa_family == AF_INET    ? sizeof(sockaddr_in)
                                 : at->ifa_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                                                       : 0;
        ip_address const address = from_system(at->ifa_addr, size).address;
        std::uint32_t const index = address ? ::if_nametoindex(at->ifa_name) : 0;
        if (index == 0) continue;
        auto nic = std::find_if(found.begin(), found.end(), [index](mdns_nic const& n) { return n.index == index; });
        if (nic == found.end()) nic = found.insert(nic, {index, at->ifa_name, lo, {}});
        std::uint8_t const length = at->ifa_netmask == nullptr ? std::uint8_t{0} : prefix_length(at->ifa_netmask, size);
        nic->subnets.push_back({address, length});
    }
    ::freeifaddrs(list);
    bool const others = std::any_of(found.begin(), found.end(), [](mdns_nic const& n) { return !n.loopback; });
    if (others && loopback == mdns_loopback::if_alone && names.empty()) {
        std::erase_if(found, [](mdns_nic const& n) { return n.loopback; });
    }
    auto const before = [](ip_prefix const& a, ip_prefix const& b) { return a.address < b.address; };
    for (mdns_nic& n : found) std::sort(n.subnets.begin(), n.subnets.end(), before);
    std::sort(found.begin(), found.end(), [](mdns_nic const& a, mdns_nic const& b) { return a.index < b.index; });
    return found;
}

/// A socket that is a member of the group of one family on one interface. The port is shared with other responders of
/// the machine: all of them hear the group, but only one gets what is sent to the machine alone.
class mdns_socket {
public:
    /// @par Errors `socket_failed`, `bind_failed` (errno, field: what failed)
    [[nodiscard]] static result<mdns_socket> open(ip_family family, mdns_nic const& nic, std::uint16_t port) {
        bool const v6 = family == ip_family::v6;
        mdns_socket made;
        made.v6_ = v6;
        made.interface_ = nic.index;
        made.port_ = port;
        made.fd_ = owned_fd{::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0)};
        if (!made.fd_) return fail(net_error::socket_failed, static_cast<std::uint64_t>(errno), "socket");
        close_on_exec(made.fd_.get());
        int const flags = ::fcntl(made.fd_.get(), F_GETFL);
        if (flags < 0 || ::fcntl(made.fd_.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
            return fail(net_error::socket_failed, static_cast<std::uint64_t>(errno), "non-blocking");
        }
        if (char const* const failed = v6 ? made.prepare_v6() : made.prepare_v4(nic); failed != nullptr) {
            return fail(net_error::socket_failed, static_cast<std::uint64_t>(errno), failed);
        }
        sockaddr_storage name{};
        ip_address const any = v6 ? ip_address::from_bytes(std::array<std::byte, 16>{}) : ip_address::v4(0, 0, 0, 0);
        socklen_t const size = to_system({any, port}, v6 ? AF_INET6 : AF_INET, name);
        if (::bind(made.fd_.get(), reinterpret_cast<sockaddr const*>(&name), size) != 0) {
            return fail(net_error::bind_failed, static_cast<std::uint64_t>(errno), "port");
        }
        if (char const* const failed = v6 ? made.join_v6() : made.join_v4(); failed != nullptr) {
            return fail(net_error::socket_failed, static_cast<std::uint64_t>(errno), failed);
        }
        return made;
    }

    [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
    [[nodiscard]] std::uint32_t interface() const noexcept { return interface_; }
    [[nodiscard]] ip_family family() const noexcept { return v6_ ? ip_family::v6 : ip_family::v4; }

    /// What `receive` found.
    enum class outcome : std::uint8_t {
        packet,
        useless, ///< one that is not ours to judge, or too large
        empty,   ///< nothing there
        failed,
    };
    /// Takes one packet. `origin.on_link` and `origin.loopback` are left to the caller, who knows the subnets.
    [[nodiscard]] outcome receive(byte_span into, std::size_t& size, discovery::mdns_origin& origin) const noexcept {
        sockaddr_storage name{};
        iovec part{into.data(), into.size()};
        alignas(cmsghdr) std::array<std::byte, 256> control;
        msghdr header{};
        header.msg_name = &name;
        header.msg_namelen = sizeof name;
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        ssize_t const got = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT);
        if (got < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) return outcome::empty;
            // Errors of earlier sends are reported here, too, once each.
            return errno == EBADF || errno == ENOTSOCK || errno == ENOMEM ? outcome::failed : outcome::useless;
        }
        origin = {};
        origin.from = from_system(reinterpret_cast<sockaddr const*>(&name), header.msg_namelen);
        origin.multicast = false;
        read_control(header, origin);
        size = static_cast<std::size_t>(got);
        if ((header.msg_flags & MSG_TRUNC) != 0 || !origin.from) return outcome::useless;
        // Without further ado a socket hears a group on every interface that any socket joined it on.
        if (origin.multicast && origin.interface != interface_) return outcome::useless;
        return outcome::packet;
    }

    /// Sends to the group, or to `to` if there is one. False if the system refused it.
    [[nodiscard]] bool send(ip_endpoint const& to, byte_view bytes) const noexcept {
        ip_address const group = v6_ ? discovery::mdns_group_v6 : discovery::mdns_group_v4;
        ip_endpoint const there = to ? to : ip_endpoint{group, port_};
        sockaddr_storage name{};
        socklen_t const size = to_system(there, v6_ ? AF_INET6 : AF_INET, name);
        if (size == 0) return false;
        if (v6_ && (!to || there.address.is_link_local())) {
            sockaddr_in6 scoped{};
            std::memcpy(&scoped, &name, sizeof scoped);
            scoped.sin6_scope_id = interface_;
            std::memcpy(&name, &scoped, sizeof scoped);
        }
        ssize_t const sent = ::sendto(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | no_signal,
                                      reinterpret_cast<sockaddr const*>(&name), size);
        return sent == static_cast<ssize_t>(bytes.size());
    }

private:
#if defined(MSG_NOSIGNAL)
    static constexpr int no_signal = MSG_NOSIGNAL;
#else
    static constexpr int no_signal = 0;
#endif

    mdns_socket() noexcept = default;

    template <typename T>
    [[nodiscard]] bool set(int level, int option, T const& value) const noexcept {
        return ::setsockopt(fd_.get(), level, option, &value, sizeof value) == 0;
    }
    [[nodiscard]] char const* share() const noexcept {
        if (!set(SOL_SOCKET, SO_REUSEADDR, 1)) return "SO_REUSEADDR";
        if (!set(SOL_SOCKET, SO_REUSEPORT, 1)) return "SO_REUSEPORT";
        return nullptr;
    }
    /// The name of what failed, or null.
    [[nodiscard]] char const* prepare_v4(mdns_nic const& nic) const noexcept {
        if (char const* const failed = share(); failed != nullptr) return failed;
        unsigned char const hops = discovery::mdns_hop_limit, loop = 1;
        ip_mreqn out{};
        out.imr_ifindex = static_cast<int>(interface_);
        // Sent from an address of the interface: on the loopback the system would choose another one.
        for (ip_prefix const& own : nic.subnets) {
            if (own.address.family() != ip_family::v4) continue;
            copy_bytes(own.address.bytes(), std::as_writable_bytes(std::span{&out.imr_address, 1}));
            break;
        }
        if (!set(IPPROTO_IP, IP_MULTICAST_IF, out)) return "IP_MULTICAST_IF";
        if (!set(IPPROTO_IP, IP_MULTICAST_TTL, hops)) return "IP_MULTICAST_TTL";
        if (!set(IPPROTO_IP, IP_MULTICAST_LOOP, loop)) return "IP_MULTICAST_LOOP";
        if (!set(IPPROTO_IP, IP_TTL, int{discovery::mdns_hop_limit})) return "IP_TTL";
        if (!set(IPPROTO_IP, IP_PKTINFO, 1)) return "IP_PKTINFO";
        (void)set(IPPROTO_IP, IP_RECVTTL, 1);
#if defined(IP_MULTICAST_ALL)
        (void)set(IPPROTO_IP, IP_MULTICAST_ALL, 0);
#endif
        return nullptr;
    }
    [[nodiscard]] char const* join_v4() const noexcept {
        ip_mreqn group{};
        copy_bytes(discovery::mdns_group_v4.bytes(), std::as_writable_bytes(std::span{&group.imr_multiaddr, 1}));
        group.imr_ifindex = static_cast<int>(interface_);
        return set(IPPROTO_IP, IP_ADD_MEMBERSHIP, group) ? nullptr : "IP_ADD_MEMBERSHIP";
    }
    [[nodiscard]] char const* prepare_v6() const noexcept {
        if (char const* const failed = share(); failed != nullptr) return failed;
        if (!set(IPPROTO_IPV6, IPV6_V6ONLY, 1)) return "IPV6_V6ONLY";
        if (!set(IPPROTO_IPV6, IPV6_MULTICAST_IF, interface_)) return "IPV6_MULTICAST_IF";
        if (!set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int{discovery::mdns_hop_limit})) return "IPV6_MULTICAST_HOPS";
        if (!set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1)) return "IPV6_MULTICAST_LOOP";
        if (!set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, int{discovery::mdns_hop_limit})) return "IPV6_UNICAST_HOPS";
        if (!set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) return "IPV6_RECVPKTINFO";
        (void)set(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        return nullptr;
    }
    [[nodiscard]] char const* join_v6() const noexcept {
        ipv6_mreq group{};
        copy_bytes(discovery::mdns_group_v6.bytes(), std::as_writable_bytes(std::span{&group.ipv6mr_multiaddr, 1}));
        group.ipv6mr_interface = interface_;
        return set(IPPROTO_IPV6, IPV6_JOIN_GROUP, group) ? nullptr : "IPV6_JOIN_GROUP";
    }

    template <typename T>
    [[nodiscard]] static T data_of(cmsghdr const* c) noexcept {
        T made{};
        std::memcpy(&made, CMSG_DATA(c), sizeof made);
        return made;
    }
    static void read_control(msghdr& header, discovery::mdns_origin& origin) noexcept {
        for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                auto const info = data_of<in_pktinfo>(c);
                origin.interface = static_cast<std::uint32_t>(info.ipi_ifindex);
                origin.multicast = ip_address::from_bytes(std::as_bytes(std::span{&info.ipi_addr, 1})).is_multicast();
            } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
                auto const info = data_of<in6_pktinfo>(c);
                origin.interface = static_cast<std::uint32_t>(info.ipi6_ifindex);
                origin.multicast = ip_address::from_bytes(std::as_bytes(std::span{&info.ipi6_addr, 1})).is_multicast();
            } else if (c->cmsg_level == IPPROTO_IP && (c->cmsg_type == IP_TTL || c->cmsg_type == IP_RECVTTL)) {
                // An int on Linux, one octet elsewhere.
                bool const whole = c->cmsg_len >= CMSG_LEN(sizeof(int));
                origin.hop_limit = whole ? data_of<int>(c) : data_of<unsigned char>(c);
            } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
                origin.hop_limit = data_of<int>(c);
            }
        }
    }

    owned_fd fd_;
    std::uint32_t interface_ = 0;
    std::uint16_t port_ = 0;
    bool v6_ = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
