// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// net::node and net::open_node, compiled once for all tests of the net floor: compiled_node.cpp.
#ifndef PEERKIT_TESTS_SUPPORT_COMPILED_NODE_HPP
#define PEERKIT_TESTS_SUPPORT_COMPILED_NODE_HPP

#include <peerkit/net/node.hpp>

extern template class peerkit::gossip::engine<peerkit::net::node::policies>;
extern template class peerkit::node::node_logic<peerkit::net::node::policies>;
extern template class peerkit::net::node_runtime<peerkit::net::node::policies>;
extern template class peerkit::net::basic_node<peerkit::net::node::policies>;

extern template class peerkit::gossip::engine<peerkit::net::open_node::policies>;
extern template class peerkit::node::node_logic<peerkit::net::open_node::policies>;
extern template class peerkit::net::node_runtime<peerkit::net::open_node::policies>;
extern template class peerkit::net::basic_node<peerkit::net::open_node::policies>;

#endif
