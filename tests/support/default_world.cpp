// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The one place where the simulations' nodes and world are compiled.
#include <support/default_world.hpp>

template class peerkit::gossip::engine<peerkit::sim::default_policies>;
template class peerkit::node::node_logic<peerkit::sim::default_policies>;
template class peerkit::sim::world<peerkit::sim::default_node>;
