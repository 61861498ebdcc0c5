// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy seat of name resolution: who looks up the names that discovery asks for.
#ifndef PEERKIT_NET_RESOLVER_HPP
#define PEERKIT_NET_RESOLVER_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

class stop_state; // <peerkit/net/cancellation.hpp>

/// What a resolver answers to one kind of request: the outcome that belongs to the effect, or why not.
/// @tparam Request `discovery::resolve_name`, `resolve_service`, `resolve_text` or `resolve_address`
template <typename Request>
using lookup_of = asio::awaitable<result<typename Request::outcome_type>>;

/// The answer of a resolver that has no way of looking up such a thing: `unsupported`, at once. For models that can do
/// a part only:
/// @code
/// net::lookup_of<discovery::resolve_text> resolve(std::shared_ptr<net::stop_state>, discovery::resolve_text asked) {
///     return net::unsupported_lookup(std::move(asked));
/// }
/// @endcode
template <typename Request>
[[nodiscard]] lookup_of<Request> unsupported_lookup(Request) {
    co_return fail(discovery::discovery_error::unsupported, 0, "lookup");
}

/// How long a lookup may take: `tries` times `timeout`, where it has tries; never below zero, never wrapped.
template <typename Request>
[[nodiscard]] constexpr duration lookup_bound(Request const& asked) noexcept {
    duration const once = std::max(asked.timeout, duration::zero());
    if constexpr (requires { asked.tries; }) {
        auto const tries = std::max<duration::rep>(1, asked.tries);
        return once > duration::max() / tries ? duration::max() : once * tries;
    } else {
        return once;
    }
}

/// What a lookup says when its time is over. Position: the time allowed in milliseconds.
[[nodiscard]] constexpr error lookup_timed_out(duration bound) noexcept {
    return {discovery::discovery_error::timed_out,
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(bound).count()), "lookup"};
}

// ---- The concept -----------------------------------------------------------------------------------------------

/// A resolver can be moved into the place it will live in, without throwing.
template <typename R>
concept HasResolverMove = std::move_constructible<R> && std::is_nothrow_move_constructible_v<R>;

/// `r.resolve(stop, Request)` looks up one kind of thing.
template <typename R, typename Request>
concept HasResolve = requires(R& resolver, std::shared_ptr<stop_state> stop, Request request) {
    { resolver.resolve(std::move(stop), std::move(request)) } -> std::same_as<lookup_of<Request>>;
};

/// `r.resolve(stop, discovery::resolve_name)` looks up the addresses of a host name.
template <typename R>
concept HasResolveName = HasResolve<R, discovery::resolve_name>;

/// `r.resolve(stop, discovery::resolve_service)` looks up SRV records, or answers `unsupported`.
template <typename R>
concept HasResolveService = HasResolve<R, discovery::resolve_service>;

/// `r.resolve(stop, discovery::resolve_text)` looks up TXT records, or answers `unsupported`.
template <typename R>
concept HasResolveText = HasResolve<R, discovery::resolve_text>;

/// `r.resolve(stop, discovery::resolve_address)` looks up the host name of an address, or answers `unsupported`.
template <typename R>
concept HasResolveAddress = HasResolve<R, discovery::resolve_address>;

/// Looks up names, without blocking. Models: `system_resolver` (getaddrinfo), `cares_resolver` (c-ares, component dns),
/// `any_resolver` (one of them, chosen at run time).
///
/// Every lookup
/// - ends within `tries` times `timeout` of the request, with `discovery_error::timed_out` (position: that bound in
///   milliseconds), whatever the name service does;
/// - ends at once when `stop` comes, with `unavailable` (ECANCELED), and also if it had come before;
/// - tells apart what strategies must tell apart: `unresolved` (the name service says that there is nothing),
///   `server_failed` (it could not tell), `timed_out` (it is silent), `bad_reply`, `unavailable`, `unsupported`;
/// - never throws.
///
/// Many lookups may run at the same time; calls and their completion belong to one executor. The resolver outlives
/// the awaitables it returns, unless a model says otherwise.
/// Requirements, models and an exemplar: docs/concepts/resolver.md.
template <typename R>
concept Resolver =
    HasResolverMove<R> && HasResolveName<R> && HasResolveService<R> && HasResolveText<R> && HasResolveAddress<R>;

/// Says in one sentence for each member what `R` lacks to be a `Resolver`.
/// @code static_assert(peerkit::net::check_resolver<my_resolver>()); @endcode
template <typename R>
consteval bool check_resolver() {
    static_assert(HasResolverMove<R>,
                  "peerkit: a Resolver must be movable without throwing; see docs/concepts/resolver.md");
    static_assert(HasResolveName<R>,
                  "peerkit: a Resolver needs `asio::awaitable<result<discovery::resolved>> "
                  "resolve(std::shared_ptr<stop_state>, discovery::resolve_name)`; see docs/concepts/resolver.md");
    static_assert(HasResolveService<R>,
                  "peerkit: a Resolver needs `asio::awaitable<result<discovery::service_records>> "
                  "resolve(std::shared_ptr<stop_state>, discovery::resolve_service)`; see docs/concepts/resolver.md");
    static_assert(HasResolveText<R>,
                  "peerkit: a Resolver needs `asio::awaitable<result<discovery::text_records>> "
                  "resolve(std::shared_ptr<stop_state>, discovery::resolve_text)`; see docs/concepts/resolver.md");
    static_assert(HasResolveAddress<R>,
                  "peerkit: a Resolver needs `asio::awaitable<result<discovery::named>> "
                  "resolve(std::shared_ptr<stop_state>, discovery::resolve_address)`; see docs/concepts/resolver.md");
    return Resolver<R>;
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
