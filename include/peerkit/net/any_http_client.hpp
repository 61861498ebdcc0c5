// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy seat of HTTP, and a client chosen at run time.
#ifndef PEERKIT_NET_ANY_HTTP_CLIENT_HPP
#define PEERKIT_NET_ANY_HTTP_CLIENT_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>

#include <asio/awaitable.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

class stop_state; // <peerkit/net/cancellation.hpp>

/// What an HTTP client answers: the reply, whatever its status, or why there is none.
using http_answer = asio::awaitable<result<discovery::http_reply>>;

/// A client can be moved into the place it will live in, without throwing.
template <typename C>
concept HasHttpClientMove = std::move_constructible<C> && std::is_nothrow_move_constructible_v<C>;

/// `c.request(stop, discovery::http_request)` makes one request.
template <typename C>
concept HasHttpRequest = requires(C& client, std::shared_ptr<stop_state> stop, discovery::http_request request) {
    { client.request(std::move(stop), std::move(request)) } -> std::same_as<http_answer>;
};

/// Makes HTTP requests without blocking. Models: `http_client` (cpp-httplib, component http), `any_http_client`.
///
/// Every request
/// - ends within its timeout, connecting and waiting for its turn included, with `timed_out` (position: the time
///   allowed in milliseconds), whatever the server does;
/// - ends at once when `stop` comes, with `unavailable` (ECANCELED), and also if it had come before;
/// - follows no redirect, uses no proxy, and is sent to the server at most once, unless its method is get;
/// - over https ends with `untrusted_server` unless the server's certificate is good for the host of the URL;
/// - keeps no more of the reply than `max_bytes` and a bounded head; header names are told in lower case;
/// - never throws.
///
/// Requests may run at the same time; calls and completions belong to one executor. The client outlives the awaitables
/// it returns, unless a model says otherwise.
/// Requirements, models and an exemplar: docs/concepts/http_client.md.
template <typename C>
concept HttpClient = HasHttpClientMove<C> && HasHttpRequest<C>;

/// Says in one sentence for each member what `C` lacks to be an `HttpClient`.
/// @code static_assert(peerkit::net::check_http_client<my_client>()); @endcode
template <typename C>
consteval bool check_http_client() {
    static_assert(HasHttpClientMove<C>,
                  "peerkit: an HttpClient must be movable without throwing; see docs/concepts/http_client.md");
    static_assert(HasHttpRequest<C>,
                  "peerkit: an HttpClient needs `asio::awaitable<result<discovery::http_reply>> "
                  "request(std::shared_ptr<stop_state>, discovery::http_request)`; see docs/concepts/http_client.md");
    return HttpClient<C>;
}

/// Holds one client of any type, or none: then every request is `unsupported`. `HttpClient` itself. Costs one virtual
/// call per request. An awaitable it returned does not refer to the `any_http_client`, only to what it holds.
/// @code
/// config.http = net::http_client{loop.get_executor()};
/// @endcode
class any_http_client {
public:
    any_http_client() noexcept = default;
    // It is a client itself: that must be ruled out before the concept is asked.
    template <typename C>
        requires(!std::same_as<C, any_http_client> && HttpClient<C>)
    any_http_client(C client) // NOLINT: every client is an any_http_client
        : held_{std::make_unique<model<C>>(std::move(client))} {}

    /// False if it holds none.
    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

    [[nodiscard]] http_answer request(std::shared_ptr<stop_state> stop, discovery::http_request what) {
        return held_ ? held_->request(std::move(stop), std::move(what)) : none();
    }

private:
    struct interface {
        interface() = default;
        interface(interface const&) = delete;
        interface& operator=(interface const&) = delete;
        virtual ~interface() = default;
        [[nodiscard]] virtual http_answer request(std::shared_ptr<stop_state> stop, discovery::http_request what) = 0;
    };
    template <typename C>
    struct model final : interface {
        explicit model(C&& from) noexcept : client{std::move(from)} {}
        [[nodiscard]] http_answer request(std::shared_ptr<stop_state> stop, discovery::http_request what) override {
            return client.request(std::move(stop), std::move(what));
        }
        C client;
    };

    [[nodiscard]] static http_answer none() {
        co_return fail(discovery::discovery_error::unsupported, 0, "http client");
    }

    std::unique_ptr<interface> held_;
};

static_assert(check_http_client<any_http_client>());

} // namespace net
PEERKIT_END_NAMESPACE

#endif
