// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The two kinds of keys a node has: making them and getting at them.
#ifndef PEERKIT_NODE_KEYS_HPP
#define PEERKIT_NODE_KEYS_HPP

#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_key.hpp>

#include <optional>
#include <string>

namespace node_program {

/// Makes an identity file and prints the identity. @throws refusal
int make_identity(std::string const& file);

/// Makes a network key and prints it, or writes it to a file. @throws refusal
int make_network_key(std::string const& file);

/// The identity in the file, which is made if it is missing; a new identity if no file is named. @throws refusal
peerkit::crypto::ed25519_identity load_identity(std::string const& file);

/// The key of the file or of the variable PEERKIT_NETWORK_KEY, which is then taken out of the environment; none if an
/// open network is wanted. Exactly one of the three has to be given. @throws refusal
std::optional<peerkit::crypto::network_key> load_network_key(std::string const& file, bool open_network);

} // namespace node_program

#endif
