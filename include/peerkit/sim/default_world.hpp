// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The world of peerkit's own nodes: node::node_logic with fake keys and seals and seeded randomness.
#ifndef PEERKIT_SIM_DEFAULT_WORLD_HPP
#define PEERKIT_SIM_DEFAULT_WORLD_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/node/discovery_schedule.hpp>
#include <peerkit/node/node_logic.hpp>
#include <peerkit/sim/invariants.hpp>
#include <peerkit/sim/world.hpp>

#include <functional>
#include <memory>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

using default_policies = gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng>;
using default_node = node::node_logic<default_policies>;

/// The same with another failure detector.
template <gossip::FailureDetector Detector>
using policies_with = default_policies::with_detector<Detector>;

/// How the nodes of a world are made.
template <typename Policies>
struct basic_nodes {
    using node_type = node::node_logic<Policies>;

    gossip::tunables tunables = gossip::lan();
    node::discovery_schedule discovery{};
    network_id network{};
    std::uint64_t network_key = 1;
    bool remembers = false; ///< nodes keep their peers over a restart, and begin with them
    /// Changes what a node says of itself: roles, labels, a longer version. May be empty.
    std::function<void(birth const&, description&)> describe{};

    /// The options of one life.
    [[nodiscard]] typename node_type::options options_for(birth const& b) const {
        typename node_type::options o;
        o.network = network;
        o.tunables = tunables;
        o.discovery = discovery;
        o.incarnation = b.incarnation;
        o.shared = b.shared;
        if (remembers) o.remembered = b.remembered;
        o.self.name = b.name;
        o.self.gossip_port = b.where.port;
        o.self.addresses.push_back({b.where.address, 0, address_kind::local});
        if (describe) describe(b, o.self);
        return o;
    }
    /// A node, or something derived from one that is made from the same.
    template <typename Node>
    [[nodiscard]] std::unique_ptr<Node> make(birth const& b) const {
        return std::make_unique<Node>(crypto::fake_identity{b.identity_seed}, crypto::fake_sealing{network_key},
                                      seeded_rng{b.rng_seed}, options_for(b));
    }
    [[nodiscard]] std::unique_ptr<node_type> operator()(birth const& b) const { return make<node_type>(b); }
};
using default_nodes = basic_nodes<default_policies>;

/// A world of peerkit's own nodes.
using default_world = world<default_node>;
/// The same with another failure detector; its nodes are made by `basic_nodes<policies_with<Detector>>`.
template <gossip::FailureDetector Detector>
using world_with = world<node::node_logic<policies_with<Detector>>>;

/// World options with the bounds that follow from the nodes' tunables.
/// @code
/// sim::default_nodes nodes;
/// sim::default_world world{sim::options_for(nodes, 42), nodes};
/// @endcode
template <typename Policies>
[[nodiscard]] world_options options_for(basic_nodes<Policies> const& nodes, std::uint64_t seed) {
    world_options o;
    o.seed = seed;
    o.invariants = invariants_of(nodes.tunables);
    return o;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
