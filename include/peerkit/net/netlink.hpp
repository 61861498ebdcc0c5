// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What of Linux's netlink the address floor needs: flags of IPv6 addresses, and word that something has changed.
#ifndef PEERKIT_NET_NETLINK_HPP
#define PEERKIT_NET_NETLINK_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/system.hpp>

#if defined(__linux__)
#    include <linux/if_addr.h>
#    include <linux/netlink.h>
#    include <linux/rtnetlink.h>
#endif
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What the system says of an address beyond the address.
struct address_flags {
    bool deprecated = false; ///< not for new connections, or not usable (yet): duplicate detection failed or goes on
    bool temporary = false;  ///< a privacy address (RFC 8981) that is replaced by another within days
};

#if defined(__linux__)

/// A netlink socket that hears of links, addresses and nothing else; without `hears` one for questions.
[[nodiscard]] inline owned_fd open_netlink(bool hears) noexcept {
    owned_fd made{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = hears ? RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR : 0U;
    if (!made || ::bind(made.get(), reinterpret_cast<sockaddr const*>(&name), sizeof name) != 0) return {};
    return made;
}

/// Takes everything that waits in a socket of `open_netlink(true)`. True if there was word of a change, or if some was
/// lost; `broken` becomes true if the socket is of no use any more.
[[nodiscard]] inline bool drain_netlink(int socket, bool& broken) noexcept {
    std::array<std::byte, 8192> buffer;
    bool changed = false;
    for (int rounds = 0; rounds < 1024; ++rounds) {
        ssize_t const got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0 || (got < 0 && errno == ENOBUFS)) {
            changed = true;
        } else if (got == 0 || errno != EINTR) {
            broken = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
            return changed;
        }
    }
    return changed;
}

namespace detail {

/// Calls `f(ip_address, address_flags)` for the IPv6 addresses in one netlink message. False for the last one.
template <typename F>
bool read_v6_addresses(byte_view bytes, F& f) noexcept(noexcept(f(ip_address{}, address_flags{}))) {
    constexpr auto aligned = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
    while (bytes.size() >= sizeof(nlmsghdr)) {
        nlmsghdr head{};
        std::memcpy(&head, bytes.data(), sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) return false;
        if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) return false;
        byte_view body = bytes.subspan(sizeof head, head.nlmsg_len - sizeof head);
        bytes = bytes.subspan(std::min<std::size_t>(aligned(head.nlmsg_len), bytes.size()));
        ifaddrmsg about{};
        if (head.nlmsg_type != RTM_NEWADDR || body.size() < sizeof about) continue;
        std::memcpy(&about, body.data(), sizeof about);
        body = body.subspan(sizeof about);
        std::uint32_t flags = about.ifa_flags;
        ip_address address, local;
        while (body.size() >= sizeof(rtattr)) {
            rtattr attribute{};
            std::memcpy(&attribute, body.data(), sizeof attribute);
            if (attribute.rta_len < sizeof attribute || attribute.rta_len > body.size()) break;
            byte_view const value = body.subspan(sizeof attribute, attribute.rta_len - sizeof attribute);
            if (attribute.rta_type == IFA_ADDRESS) address = ip_address::from_bytes(value);
            if (attribute.rta_type == IFA_LOCAL) local = ip_address::from_bytes(value);
            if (attribute.rta_type == IFA_FLAGS && value.size() == sizeof flags)
                std::memcpy(&flags, value.data(), sizeof flags);
            body = body.subspan(std::min<std::size_t>(aligned(attribute.rta_len), body.size()));
        }
        if (about.ifa_family != AF_INET6) continue;
        bool const unusable = (flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0;
        f(local ? local : address, address_flags{unusable, (flags & IFA_F_TEMPORARY) != 0});
    }
    return true;
}

} // namespace detail

/// Calls `f(ip_address, address_flags)` for every IPv6 address of this machine; for none if the system does not tell.
template <typename F>
void for_each_v6_address(F&& f) {
    owned_fd const socket = open_netlink(false);
    struct {
        nlmsghdr head;
        ifaddrmsg about;
    } question{};
    question.head.nlmsg_len = sizeof question;
    question.head.nlmsg_type = RTM_GETADDR;
    question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    question.about.ifa_family = AF_INET6;
    if (!socket || ::send(socket.get(), &question, sizeof question, 0) != static_cast<ssize_t>(sizeof question)) return;
    // The kernel has written the answer when send returns, a piece at a time as it is read.
    std::array<std::byte, 32768> buffer;
    for (int pieces = 0; pieces < 1024; ++pieces) {
        ssize_t const got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        if (!detail::read_v6_addresses(byte_view{buffer}.first(static_cast<std::size_t>(got)), f)) return;
    }
}

#else

/// Only Linux tells: none.
[[nodiscard]] inline owned_fd open_netlink(bool) noexcept { return {}; }
[[nodiscard]] inline bool drain_netlink(int, bool& broken) noexcept {
    broken = true;
    return false;
}
template <typename F>
void for_each_v6_address(F&&) noexcept {}

#endif

} // namespace net
PEERKIT_END_NAMESPACE

#endif
