// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One HTTP GET over a unix-domain socket, as a discovery strategy asks for it.
#ifndef PEERKIT_NET_HTTP_GET_HPP
#define PEERKIT_NET_HTTP_GET_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/http_response.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace net {

namespace detail {

[[nodiscard]] inline result<std::string> http_request_text(discovery::http_get const& request) {
    auto const clean = [](std::string_view text) {
        for (char const c : text) {
            if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
        }
        return !text.empty();
    };
    if (!clean(request.host)) return fail(discovery::discovery_error::bad_option, 0, "http host");
    if (!clean(request.target) || request.target.front() != '/') {
        return fail(discovery::discovery_error::bad_option, 0, "http target");
    }
    return "GET " + request.target + " HTTP/1.1\r\nHost: " + request.host +
           "\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n";
}

/// What a strategy is told of a response that is not one.
[[nodiscard]] inline error http_failure(error const& why, std::size_t max_bytes) noexcept {
    if (why == net_error::http_body_too_large)
        return error{discovery::discovery_error::too_large, max_bytes, "http body"};
    return error{discovery::discovery_error::bad_reply, why.position(), why.field().data()};
}

} // namespace detail

/// Carries out `discovery::http_get`. Ends within its timeout, and at once when `stop` comes (as `unavailable` with
/// ECANCELED). Runs on `executor`, never blocks it; the coroutine must be resumed there.
/// @par Errors `unavailable` (errno), `timed_out`, `too_large`, `bad_reply` (position: offset in the response),
/// `bad_option` for a host or target that cannot stand in a request.
template <std::convertible_to<asio::any_io_executor> Executor>
[[nodiscard]] asio::awaitable<result<discovery::http_reply>> http_get(Executor executor,
                                                                      std::shared_ptr<stop_state> stop,
                                                                      discovery::http_get request) {
    using discovery::discovery_error;
    using local = asio::local::stream_protocol;

    auto const text = detail::http_request_text(request);
    if (!text) co_return fail(text.error());
    if (request.socket_path.empty() || request.socket_path.size() >= sizeof(sockaddr_un{}.sun_path)) {
        co_return fail(discovery_error::unavailable, ENAMETOOLONG, "socket path");
    }
    if (stop->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "http");

    asio::error_code ec;
    asio::basic_stream_socket<local, Executor> socket{executor};
    socket.open(local{}, ec);
    if (ec) co_return fail(discovery_error::unavailable, system_code(ec), "socket");
    close_on_exec(socket.native_handle());
    basic_watchdog<Executor> guard{executor, stop, request.timeout, [&socket] {
                                       asio::error_code ignored;
                                       socket.close(ignored);
                                   }};
    auto const failed = [&](char const* doing) -> tl::unexpected<error> {
        if (guard.timed_out()) {
            auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
            return fail(discovery_error::timed_out, static_cast<std::uint64_t>(allowed), doing);
        }
        if (guard.stopped()) return fail(discovery_error::unavailable, ECANCELED, doing);
        return fail(discovery_error::unavailable, system_code(ec), doing);
    };

    local::endpoint const where{request.socket_path};
    co_await socket.async_connect(where, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return failed("connect");

    for (std::string_view rest = *text; !rest.empty();) {
        std::size_t const sent = co_await socket.async_write_some(asio::buffer(rest.data(), rest.size()),
                                                                  asio::redirect_error(asio::use_awaitable, ec));
        if (ec) co_return failed("send");
        rest.remove_prefix(sent);
    }

    http_response_parser parser{request.max_bytes};
    std::array<char, std::size_t{16} << 10U> block;
    while (!parser.complete()) {
        std::size_t const got =
            co_await socket.async_read_some(asio::buffer(block), asio::redirect_error(asio::use_awaitable, ec));
        if (ec && ec != asio::error::eof) co_return failed("receive");
        auto const fed = ec ? parser.finish() : parser.feed({block.data(), got});
        if (!fed) co_return fail(detail::http_failure(fed.error(), request.max_bytes));
    }
    co_return discovery::http_reply{parser.status(), parser.take_body()};
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
