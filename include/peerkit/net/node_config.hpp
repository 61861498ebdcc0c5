// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a host says to get a running node, and what it is told of members.
#ifndef PEERKIT_NET_NODE_CONFIG_HPP
#define PEERKIT_NET_NODE_CONFIG_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_key.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/gossip/name_policy.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/net/any_http_client.hpp>
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/local_link.hpp>
#include <peerkit/net/port_pair.hpp>
#include <peerkit/node/candidate_gate.hpp>
#include <peerkit/node/discovery_schedule.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/store/any_store.hpp>

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
    /// When interfaces come and go, advertise what there is then, unless addresses are given in `self`, and choose anew
    /// which addresses of others to try first. Plays no part if `listen` names one address.
    bool follow_interfaces = true;
    /// Advertise, as the last address, the one that several members say they see this node at: behind address
    /// translation that keeps ports.
    bool advertise_observed = false;
    /// What becomes of two nodes with one name. All nodes of a network should say the same.
    gossip::name_policy names = gossip::name_policy::allow;

    listen_options listen;
    discovery::any_strategy discovery; ///< how peers are found; without one it waits to be found
    any_resolver resolver;             ///< who looks up names; without one the system's resolver does
    any_http_client http;              ///< who makes HTTP requests, `net::http_client` of component http; empty: nobody
    local_link_maker link;    ///< presence on the local link, `net::mdns_on_link()`; empty: no browsing, not published
    node::dial_rule may_dial; ///< which candidates may be called; empty: all
    gossip::tunables tunables = gossip::lan();
    node::discovery_schedule schedule;

    /// What survives a restart: the last incarnation, this node's name and port, and its peers. Without one the clock
    /// alone decides the incarnation, which is enough unless it is set back between two runs. Component json has
    /// `store::file_store`, component sqlite `store::sqlite_store`; see docs/start.md.
    store::any_store store;
    std::size_t remembered_peers = 1024; ///< the most recently heard are kept, 300 to 1,400 bytes each

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
    std::optional<duration> round_trip;  ///< smoothed, of this node's own pings; none before the first answer
    std::optional<duration> heard_since; ///< since this node last heard it itself, to two seconds; none if it never did
};

/// How a node's memory is doing.
struct memory_status {
    std::string store = "none";   ///< `name()` of the store
    std::size_t recalled = 0;     ///< peers of an earlier life
    std::uint32_t left_out = 0;   ///< stored peers that were not believed
    std::uint64_t saves = 0;      ///< that succeeded in this life
    std::optional<error> trouble; ///< why the latest load or save failed; none if it did not
};

/// A copy of what is known of one place to call.
struct candidate_info {
    std::string name; ///< what a source or reverse DNS calls it, else its first address
    node_id id;       ///< the identity expected there; zero: not known
    std::vector<ip_endpoint> addresses;
    node::provenance_set sources;
    node::call_result last = node::call_result::untried; ///< what became of the latest call
    std::optional<error> why;                            ///< for `refused`
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
