// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// peerkit's own nodes in a world, compiled once for all simulations: default_world.cpp.
#ifndef PEERKIT_TESTS_SUPPORT_DEFAULT_WORLD_HPP
#define PEERKIT_TESTS_SUPPORT_DEFAULT_WORLD_HPP

#include <peerkit/sim/default_world.hpp>

extern template class peerkit::gossip::engine<peerkit::sim::default_policies>;
extern template class peerkit::node::node_logic<peerkit::sim::default_policies>;
extern template class peerkit::sim::world<peerkit::sim::default_node>;

#endif
