// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The one place where net::node and net::open_node are compiled for the tests.
#include "compiled_node.hpp"

template class peerkit::gossip::engine<peerkit::net::node::policies>;
template class peerkit::node::node_logic<peerkit::net::node::policies>;
template class peerkit::net::node_runtime<peerkit::net::node::policies>;
template class peerkit::net::basic_node<peerkit::net::node::policies>;

template class peerkit::gossip::engine<peerkit::net::open_node::policies>;
template class peerkit::node::node_logic<peerkit::net::open_node::policies>;
template class peerkit::net::node_runtime<peerkit::net::open_node::policies>;
template class peerkit::net::basic_node<peerkit::net::open_node::policies>;
