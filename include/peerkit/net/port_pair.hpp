// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A UDP socket and a TCP listener on the same address and port.
#ifndef PEERKIT_NET_PORT_PAIR_HPP
#define PEERKIT_NET_PORT_PAIR_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/socket_base.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Where to listen.
struct listen_options {
    ip_address address;                       ///< none: every address of this machine
    std::uint16_t port = default_gossip_port; ///< for UDP and TCP alike; 0: any port that is free for both
    ip_family family = ip_family::none;       ///< with no address: v4 or v6 only; none: both, or v4 where v6 is missing
    int receive_buffer = 1 << 20;             ///< bytes asked of the system for the UDP socket; it may grant less
    int send_buffer = 1 << 20;                ///< the same for sending
};

/// The two sockets of a node: non-blocking, not inherited by child programs.
class port_pair {
public:
    /// Opens both sockets.
    ///
    /// A restarted node gets its port back although old TCP connections still time out (SO_REUSEADDR on the listener);
    /// a port that anybody uses is refused.
    /// @par Errors `port_in_use` (field "udp" or "tcp"), `bind_failed`, `listen_failed`, `socket_failed` (errno),
    /// `no_free_port`
    [[nodiscard]] static result<port_pair> open(asio::any_io_executor const& executor, listen_options const& options) {
        bool const given = !options.address.is_unspecified();
        ip_family const family = given || options.address ? options.address.family() : options.family;
        if (family != ip_family::none) return open_port(executor, options, family, false);
        auto both = open_port(executor, options, ip_family::v6, true);
        if (both || both.error() != net_error::socket_failed) return both;
        return open_port(executor, options, ip_family::v4, false); // a system without IPv6
    }

    [[nodiscard]] asio::ip::udp::socket& datagrams() noexcept { return datagrams_; }
    [[nodiscard]] asio::ip::tcp::acceptor& listener() noexcept { return listener_; }
    /// The address as asked for (the wildcard of its family, if none was) and the real port.
    [[nodiscard]] ip_endpoint const& local() const noexcept { return local_; }
    /// AF_INET or AF_INET6: the kind of socket addresses both sockets take.
    [[nodiscard]] int system_family() const noexcept { return v6_socket_ ? AF_INET6 : AF_INET; }
    /// Both families on one socket: IPv4 peers are written as IPv4-mapped IPv6.
    [[nodiscard]] bool dual() const noexcept { return dual_; }

    void close() noexcept {
        asio::error_code ignored;
        datagrams_.close(ignored);
        listener_.close(ignored);
    }

private:
    /// Attempts to find a port free for both; each takes what the system gives for UDP and tries it for TCP.
    static constexpr unsigned attempts = 32;

    explicit port_pair(asio::any_io_executor const& executor) : datagrams_{executor}, listener_{executor} {}

    [[nodiscard]] static result<port_pair> open_port(asio::any_io_executor const& executor,
                                                     listen_options const& options, ip_family family, bool dual) {
        if (options.port != 0) return open_one(executor, options, family, dual);
        for (unsigned i = 0; i < attempts; ++i) {
            auto pair = open_one(executor, options, family, dual);
            if (pair || pair.error() != net_error::port_in_use) return pair;
        }
        return fail(net_error::no_free_port, attempts, "port");
    }

    [[nodiscard]] static result<port_pair> open_one(asio::any_io_executor const& executor,
                                                    listen_options const& options, ip_family family, bool dual) {
        port_pair made{executor};
        made.v6_socket_ = family == ip_family::v6;
        made.dual_ = dual;
        asio::ip::address const address = !options.address.is_unspecified() ? to_asio(options.address)
                                          : made.v6_socket_ ? asio::ip::address{asio::ip::address_v6::any()}
                                                            : asio::ip::address{asio::ip::address_v4::any()};

        asio::error_code ec;
        auto& udp = made.datagrams_;
        udp.open(made.v6_socket_ ? asio::ip::udp::v6() : asio::ip::udp::v4(), ec);
        if (ec) return fail(net_error::socket_failed, system_code(ec), "udp");
        close_on_exec(udp.native_handle());
        if (made.v6_socket_) udp.set_option(asio::ip::v6_only{!dual}, ec);
        if (ec) return fail(net_error::socket_failed, system_code(ec), "udp");
        asio::error_code granted; // what the system gives is enough to work with
        if (options.receive_buffer > 0)
            udp.set_option(asio::socket_base::receive_buffer_size{options.receive_buffer}, granted);
        if (options.send_buffer > 0) udp.set_option(asio::socket_base::send_buffer_size{options.send_buffer}, granted);
        udp.bind({address, options.port}, ec);
        if (ec) return bind_failure(ec, options.port, "udp");
        auto const bound = udp.local_endpoint(ec);
        if (!ec) udp.native_non_blocking(true, ec);
        if (ec) return fail(net_error::socket_failed, system_code(ec), "udp");

        auto& tcp = made.listener_;
        tcp.open(made.v6_socket_ ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), ec);
        if (ec) return fail(net_error::socket_failed, system_code(ec), "tcp");
        close_on_exec(tcp.native_handle());
        if (made.v6_socket_) tcp.set_option(asio::ip::v6_only{!dual}, ec);
        if (!ec) tcp.set_option(asio::socket_base::reuse_address{true}, ec);
        if (ec) return fail(net_error::socket_failed, system_code(ec), "tcp");
        tcp.bind({address, bound.port()}, ec);
        if (ec) return bind_failure(ec, bound.port(), "tcp");
        tcp.listen(asio::socket_base::max_listen_connections, ec);
        if (ec == asio::error::address_in_use) return fail(net_error::port_in_use, bound.port(), "tcp");
        if (ec) return fail(net_error::listen_failed, system_code(ec), "tcp");

        made.local_ = {from_asio(address), bound.port()};
        return made;
    }

    [[nodiscard]] static tl::unexpected<error> bind_failure(asio::error_code const& ec, std::uint16_t port,
                                                            char const* field) {
        if (ec == asio::error::address_in_use) return fail(net_error::port_in_use, port, field);
        return fail(net_error::bind_failed, system_code(ec), field);
    }

    asio::ip::udp::socket datagrams_;
    asio::ip::tcp::acceptor listener_;
    ip_endpoint local_;
    bool v6_socket_ = false;
    bool dual_ = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
