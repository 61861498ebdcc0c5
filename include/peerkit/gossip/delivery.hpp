// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// User data that has arrived, or what became of user data that was sent: what the action `deliver` carries.
#ifndef PEERKIT_GOSSIP_DELIVERY_HPP
#define PEERKIT_GOSSIP_DELIVERY_HPP

#include <peerkit/core/bounded_text.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Names a request: one that was received, until it is answered, or one that was made, until its outcome is told.
/// Never 0, never reused within 2^32 requests.
enum class request_id : std::uint64_t {};

enum class delivery_kind : std::uint8_t {
    broadcast, ///< somebody told everybody; signed by `from`
    message,   ///< somebody told this node
    request,   ///< somebody asks this node: answer with `respond` or `decline` of `request`
    response,  ///< the answer to the own request `request`
    confirmed, ///< the reliable message `request` of this node was handed to the host of `from`
    failed,    ///< the own request or reliable message `request` came to nothing; `why` says why
};

[[nodiscard]] constexpr std::string_view to_string(delivery_kind kind) noexcept {
    switch (kind) {
    case delivery_kind::broadcast: return "broadcast";
    case delivery_kind::message: return "message";
    case delivery_kind::request: return "request";
    case delivery_kind::response: return "response";
    case delivery_kind::confirmed: return "confirmed";
    case delivery_kind::failed: return "failed";
    }
    return "unknown";
}

/// What the host is handed beside the payload, which is the `bytes` of the action.
struct delivery {
    delivery_kind kind{};
    /// Who said it, or who was asked. Of a broadcast it is proven by a signature; of the others by the network key, so
    /// the members of one network have to trust each other in it.
    node_id from{};
    bounded_text<limits::topic> topic{};
    request_id request{}; ///< zero for broadcasts and messages
    /// Of a broadcast: the origin's life it is from, and its number in that. They come in any order.
    std::uint64_t session = 0;
    std::uint64_t sequence = 0;
    /// Of `failed`: `request_timed_out`, `request_refused`, `request_busy`, `not_running`.
    std::optional<error> why{};
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
