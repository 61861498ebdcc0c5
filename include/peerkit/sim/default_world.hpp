// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The world of peerkit's own nodes: node::node_logic with fake keys and seals and seeded randomness.
#ifndef PEERKIT_SIM_DEFAULT_WORLD_HPP
#define PEERKIT_SIM_DEFAULT_WORLD_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/detail/config.hpp>
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

/// How the nodes of a `default_world` are made.
struct default_nodes {
    gossip::tunables tunables = gossip::lan();
    node::discovery_schedule discovery{};
    network_id network{};
    std::uint64_t network_key = 1;
    /// Changes what a node says of itself: roles, labels, a longer version. May be empty.
    std::function<void(birth const&, description&)> describe{};

    /// The options of one life.
    [[nodiscard]] default_node::options options_for(birth const& b) const {
        default_node::options o;
        o.network = network;
        o.tunables = tunables;
        o.discovery = discovery;
        o.incarnation = b.incarnation;
        o.shared = b.shared;
        o.self.name = b.name;
        o.self.gossip_port = b.where.port;
        o.self.addresses.push_back({b.where.address, 0, address_kind::local});
        if (describe) describe(b, o.self);
        return o;
    }
    [[nodiscard]] std::unique_ptr<default_node> operator()(birth const& b) const {
        return std::make_unique<default_node>(crypto::fake_identity{b.identity_seed}, crypto::fake_sealing{network_key},
                                              seeded_rng{b.rng_seed}, options_for(b));
    }
};

/// A world of peerkit's own nodes.
using default_world = world<default_node>;

/// World options with the bounds that follow from the nodes' tunables.
/// @code
/// sim::default_nodes nodes;
/// sim::default_world world{sim::options_for(nodes, 42), nodes};
/// @endcode
[[nodiscard]] inline world_options options_for(default_nodes const& nodes, std::uint64_t seed) {
    world_options o;
    o.seed = seed;
    o.invariants = invariants_of(nodes.tunables);
    return o;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
