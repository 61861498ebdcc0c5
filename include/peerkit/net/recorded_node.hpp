// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A node on real sockets with a flight recorder in it.
#ifndef PEERKIT_NET_RECORDED_NODE_HPP
#define PEERKIT_NET_RECORDED_NODE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/net/node.hpp>
#include <peerkit/net/node_config.hpp>
#include <peerkit/node/recorded_logic.hpp>

#include <asio/any_io_executor.hpp>

#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// `Node` (`net::node`, `net::open_node`) with a recorder. It is used in the same way.
template <typename Node>
using recorded = basic_node<peerkit::node::recording<typename Node::policies>>;

/// Makes a node from a configuration alone, as `Node::create`. Its inputs go into `recorder`, which outlives it; null:
/// nowhere, and the node costs a few branches more than `Node`. The recorder's `dump` may be asked for on the node's
/// executor at any time, and after the node has ended; see docs/recorder.md.
///
/// @code
/// gossip::flight_recorder recorder{std::size_t{64} << 20U};
/// auto node = net::create_recorded<net::node>(loop.get_executor(), std::move(config), &recorder);
/// // ... start, run, stop; then:
/// write_file("node.rec", recorder.dump());
/// @endcode
/// @par Errors those of `basic_node::create`
template <typename Node>
[[nodiscard]] result<recorded<Node>> create_recorded(asio::any_io_executor executor, node_config config,
                                                     gossip::flight_recorder* recorder) {
    auto with = Node::seats_of(config);
    if (!with) return fail(with.error());
    network_id const network = crypto::network_id_of(config.network);
    return recorded<Node>::create(std::move(executor), std::move(config), network,
                                  {{std::move(with->identity), recorder},
                                   {std::move(with->seal), recorder},
                                   {std::move(with->random), recorder},
                                   {std::move(with->handler), recorder}});
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
