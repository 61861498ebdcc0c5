// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a host says to get a running node, and what it is told of members.
#ifndef PEERKIT_NET_NODE_CONFIG_HPP
#define PEERKIT_NET_NODE_CONFIG_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_key.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/net/any_strategy.hpp>
#include <peerkit/net/port_pair.hpp>
#include <peerkit/node/discovery_schedule.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Everything a node is started with. Defaults suit a member on a local network; a sealed node needs a `key`.
/// Move-only, because keys are.
struct node_config {
    /// Name of the network: nodes with another one understand nothing.
    std::string network = "peerkit";
    /// The secret all members share; required by `net::node`, refused by `net::open_node`.
    std::optional<crypto::network_key> key;

    /// This node's identity; without one, the `identity_file`, which is made if it is missing; without either a new
    /// identity that is gone with the process.
    std::optional<crypto::ed25519_identity> identity;
    std::string identity_file;

    /// Name (default: the host's), api port, version, roles, labels, services. The gossip port is always the bound one.
    /// Addresses given here are advertised as they are; without any see `net::advertised_addresses`.
    description self;

    listen_options listen;
    any_strategy discovery; ///< how peers are found; without one the node waits to be found, or for `contact`
    gossip::tunables tunables = gossip::lan();
    node::discovery_schedule schedule;

    /// Directory of the file that remembers the last incarnation; empty: the clock alone decides, which is enough
    /// unless it is set back between two runs. See `incarnation_file`.
    std::string state_directory;

    std::size_t send_queue = 512; ///< datagrams that may wait behind a full socket (1.3 KiB each, once needed)
};

/// A copy of what is known of one member. Nothing in it refers to the node.
struct member_info {
    node_id id;
    std::string name;
    membership::member_state state{};
    std::uint64_t incarnation = 0;
    ip_endpoint endpoint; ///< where it takes gossip
    description about;    ///< all it says of itself
    duration in_state{};  ///< how long it has been in this state, as seen here
    bool is_self = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
