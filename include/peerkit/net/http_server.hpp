// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A small HTTP/1.1 server that slow, idle and crowding clients cannot hold up.
#ifndef PEERKIT_NET_HTTP_SERVER_HPP
#define PEERKIT_NET_HTTP_SERVER_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/http_connection.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/socket_base.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Called on the server's executor. The responder may be kept and used later; requests that are kept have to be bounded
/// by who keeps them.
using http_handler = detail::http_server_state::handler;

/// Serves HTTP/1.1 without a thread of its own: one strand, one timer, no allocation per wait.
///
/// - A request has one deadline from its first byte to its last, however it drips in, and so has the taking of an
///   answer: a slow client holds one connection for seconds.
/// - Connections are bounded in all and for each source. Who comes when all are taken replaces the one that has kept
///   the server waiting longest for a whole request; if all are being answered, it is told 503.
/// - Heads, bodies and the memory of answers under way are bounded. Bodies in chunks are refused, see
///   `http_request_parser`.
///
/// No TLS: put a proxy in front of it, or keep it on a private network.
///
/// Everything happens on `executor`, which must run handlers one at a time. Ends with the object, at once.
/// @code
/// auto server = net::http_server::listen(executor, {.port = 8000});
/// server->serve([](net::http_request request, ip_endpoint const&, net::http_responder answer) {
///     answer({200, "text/plain", {}, "you asked for " + request.target + "\n"});
/// });
/// @endcode
class http_server {
public:
    /// Takes the first free port. Nothing is answered before `serve`.
    /// @par Errors `no_free_port` (position: how many were tried), `bind_failed`, `listen_failed`, `socket_failed`
    [[nodiscard]] static result<http_server> listen(asio::any_io_executor const& executor,
                                                    http_server_options options) {
        auto made = std::make_shared<detail::http_server_state>(executor, std::move(options));
        http_server_options const& o = made->options;
        unsigned const count = o.port == 0 ? 1 : std::max(1U, std::min(o.ports, 65536U - o.port));
        for (unsigned i = 0; i < count; ++i) {
            auto const port = static_cast<std::uint16_t>(o.port + i);
            auto const opened = open(*made, port);
            if (opened) {
                asio::error_code ignored;
                made->listener.non_blocking(true, ignored);
                return http_server{std::move(made)};
            }
            if (opened.error() != net_error::port_in_use) return fail(opened.error());
        }
        return fail(net_error::no_free_port, count, "tcp");
    }

    http_server(http_server&&) noexcept = default;
    http_server& operator=(http_server&& from) noexcept {
        std::swap(state_, from.state_);
        return *this;
    }
    ~http_server() { stop(); }

    /// Answers from now on; to be called once.
    void serve(http_handler handle) {
        state_->handle = std::make_shared<http_handler const>(std::move(handle));
        accept(state_);
    }
    /// Closes everything at once. Called by the destructor, too.
    void stop() {
        if (!state_ || std::exchange(state_->stopped, true)) return;
        asio::error_code ignored;
        state_->listener.close(ignored);
        state_->sweeper.cancel();
        state_->pause.cancel();
        state_->handle = nullptr;
        while (!state_->open.empty()) {
            auto const one = state_->open.front();
            one->close();
        }
    }

    [[nodiscard]] ip_endpoint local() const {
        asio::error_code ignored;
        auto const at = state_->listener.local_endpoint(ignored);
        return {from_asio(at.address()), at.port()};
    }
    [[nodiscard]] std::uint16_t port() const { return local().port; }
    [[nodiscard]] http_server_counters counters() const {
        auto all = state_->counted;
        all.open = state_->open.size();
        return all;
    }

private:
    using shared_state = std::shared_ptr<detail::http_server_state>;
    static constexpr std::size_t most_refusing = 64;

    explicit http_server(shared_state state) noexcept : state_{std::move(state)} {}

    [[nodiscard]] static result<void> open(detail::http_server_state& made, std::uint16_t port) {
        ip_address const& wanted = made.options.address;
        if (wanted && !wanted.is_unspecified()) return open(made, to_asio(wanted), port);
        auto const both = open(made, asio::ip::address{asio::ip::address_v6::any()}, port);
        if (both || both.error() != net_error::socket_failed) return both;
        return open(made, asio::ip::address{asio::ip::address_v4::any()}, port); // a system without IPv6
    }
    [[nodiscard]] static result<void> open(detail::http_server_state& made, asio::ip::address const& address,
                                           std::uint16_t port) {
        auto& tcp = made.listener;
        asio::error_code ec, ignored;
        auto const refused = [&](net_error why) {
            error const what = ec == asio::error::address_in_use ? error{net_error::port_in_use, port, "tcp"}
                                                                 : error{why, system_code(ec), "tcp"};
            tcp.close(ignored);
            return fail(what);
        };
        tcp.open(address.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), ec);
        if (ec) return refused(net_error::socket_failed);
        close_on_exec(tcp.native_handle());
        if (address.is_v6()) tcp.set_option(asio::ip::v6_only{!address.is_unspecified()}, ec);
        if (!ec) tcp.set_option(asio::socket_base::reuse_address{true}, ec);
        if (ec) return refused(net_error::socket_failed);
        tcp.bind({address, port}, ec);
        if (ec) return refused(net_error::bind_failed);
        tcp.listen(asio::socket_base::max_listen_connections, ec);
        if (ec) return refused(net_error::listen_failed);
        return {};
    }

    static void accept(shared_state const& s) {
        s->listener.async_accept([s](asio::error_code ec, asio::ip::tcp::socket socket) {
            if (s->stopped) return;
            if (!ec) {
                take_in(s, std::move(socket));
            } else {
                ++s->counted.accept_errors;
                if (ec != asio::error::connection_aborted) {
                    // Without descriptors the connection stays in the queue and would wake us again at once.
                    s->pause.expires_after(std::chrono::milliseconds{50});
                    s->pause.async_wait([s](asio::error_code) {
                        if (!s->stopped) accept(s);
                    });
                    return;
                }
            }
            accept(s);
        });
    }
    static void take_in(shared_state const& s, asio::ip::tcp::socket socket) {
        close_on_exec(socket.native_handle());
        asio::error_code ec;
        ip_endpoint const from = from_asio(socket.remote_endpoint(ec));
        if (ec) return; // gone already
        ++s->counted.connections;
        bool const room = make_room(*s, detail::source_of(from.address));
        if (!room) {
            ++s->counted.refused;
            if (s->refusing == most_refusing) return;
        }
        auto const one = std::make_shared<detail::http_connection>(s, std::move(socket), from);
        auto const place = s->open.insert(s->open.end(), one);
        if (room)
            one->start(place);
        else
            one->refuse(place);
        sweep(s);
    }
    /// Room for one more of that source, if need be by closing what waits longest for a request.
    [[nodiscard]] static bool make_room(detail::http_server_state& s, ip_address const& source) {
        auto const counted = s.per_source.find(source);
        bool const many = counted != s.per_source.end() && counted->second >= s.options.connections_per_source;
        if (!many && s.open.size() - s.refusing < s.options.connections) return true;
        auto const now = detail::http_connection::clock::now();
        std::shared_ptr<detail::http_connection> longest;
        for (auto const& one : s.open) {
            if (!one->evictable(now) || (many && one->source() != source)) continue;
            if (!longest || one->since() < longest->since()) longest = one;
        }
        if (!longest) return false;
        ++s.counted.evicted;
        longest->close();
        return true;
    }
    /// Looks at all deadlines four times a second while there are connections.
    static void sweep(shared_state const& s) {
        if (s->sweeping) return;
        s->sweeping = true;
        s->sweeper.expires_after(std::chrono::milliseconds{250});
        s->sweeper.async_wait([s](asio::error_code) {
            s->sweeping = false;
            if (s->stopped) return;
            auto const now = detail::http_connection::clock::now();
            for (auto at = s->open.begin(); at != s->open.end();) {
                auto const one = *at++; // it may take itself off the list
                one->check(now);
            }
            if (!s->open.empty()) sweep(s);
        });
    }

    shared_state state_;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
