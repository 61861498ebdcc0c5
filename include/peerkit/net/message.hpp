// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// User data in the hands of the host: a copy that a coroutine may keep.
#ifndef PEERKIT_NET_MESSAGE_HPP
#define PEERKIT_NET_MESSAGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/topics.hpp>

#include <asio/awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// As `gossip::incoming`, but its own.
struct message {
    gossip::delivery what{};
    std::vector<std::byte> payload{};

    [[nodiscard]] static message copy_of(gossip::incoming const& from) {
        return {from.what, {from.payload.begin(), from.payload.end()}};
    }
    [[nodiscard]] std::string_view topic() const noexcept { return what.topic.view(); }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(payload); }
    [[nodiscard]] bool is_request() const noexcept { return what.kind == gossip::delivery_kind::request; }
};

namespace detail {
template <typename T>
struct awaited {};
template <typename T, typename Executor>
struct awaited<asio::awaitable<T, Executor>> {
    using type = T;
};
} // namespace detail

/// What a coroutine handler gives in the end.
template <typename H>
using handled_t = typename detail::awaited<std::invoke_result_t<H&, message>>::type;

/// Called as `handler(message)` and spawned on the node's executor; what it returns in the end answers a request. It
/// takes its argument by value: a reference would dangle.
template <typename H>
concept MessageCoroutine = std::invocable<H&, message> && requires { typename handled_t<H>; } &&
                           (std::is_void_v<handled_t<H>> || gossip::Answer<handled_t<H>>);

} // namespace net
PEERKIT_END_NAMESPACE

#endif
