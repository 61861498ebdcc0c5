// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a node uses to find others on the local link and to be found there; see net/mdns_local_link.hpp for the model.
#ifndef PEERKIT_NET_LOCAL_LINK_HPP
#define PEERKIT_NET_LOCAL_LINK_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/net/cancellation.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <functional>
#include <memory>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// One node's presence on the local link. Used from the node's executor; everything ends at the node's stop.
class local_link {
public:
    local_link() = default;
    local_link(local_link const&) = delete;
    local_link& operator=(local_link const&) = delete;
    virtual ~local_link() = default;

    /// Carries out `discovery::browse_services`.
    [[nodiscard]] virtual asio::awaitable<result<discovery::service_instances>> browse(
        std::shared_ptr<stop_state> stop, discovery::browse_services wanted) = 0;
    /// The node has started, or says something else of itself now.
    [[nodiscard]] virtual result<void> publish(node_id const& id, description const& self) = 0;
};

/// Makes the link of one node: `net::mdns_on_link(...)`.
using local_link_maker =
    std::function<std::shared_ptr<local_link>(asio::any_io_executor executor, std::shared_ptr<stop_state> stop)>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
