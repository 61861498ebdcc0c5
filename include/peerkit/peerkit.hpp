// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Everything a host program usually needs, in one include. peerkit's own headers never include it.
#ifndef PEERKIT_PEERKIT_HPP
#define PEERKIT_PEERKIT_HPP

#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/key_file.hpp>
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/crypto/network_key.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/open_network.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/discovery/tailscale.hpp>
#include <peerkit/discovery/tailscale_status.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/net/node.hpp>

#endif
