// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The identity and the network of the golden vectors.
#ifndef PEERKIT_TESTS_UNIT_CRYPTO_GOLDEN_HPP
#define PEERKIT_TESTS_UNIT_CRYPTO_GOLDEN_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/identity.hpp>

#include <array>
#include <cstddef>
#include <utility>

#include "unit/wire/vectors.hpp"

namespace tests {

inline peerkit::crypto::ed25519_identity golden_identity() {
    std::array<std::byte, 32> seed{};
    peerkit::copy_bytes(vector_of("record.txt", "seed"), seed);
    return std::move(*peerkit::crypto::ed25519_identity::from_seed(seed));
}
inline peerkit::network_id golden_network() {
    peerkit::network_id made{};
    peerkit::copy_bytes(vector_of("record.txt", "network_id"), made.bytes);
    return made;
}

} // namespace tests

#endif
