// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Puts the discovery strategy together that the settings ask for.
#ifndef PEERKIT_NODE_FIND_PEERS_HPP
#define PEERKIT_NODE_FIND_PEERS_HPP

#include "settings.hpp"

#include <peerkit/net/any_strategy.hpp>

namespace node_program {

/// @throws refusal
peerkit::net::any_strategy make_strategy(run_settings const& settings);

} // namespace node_program

#endif
