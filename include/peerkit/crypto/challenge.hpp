// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Proof that somebody holds a node's key now: a signature over bytes that the asker chose.
#ifndef PEERKIT_CRYPTO_CHALLENGE_HPP
#define PEERKIT_CRYPTO_CHALLENGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/signed_bytes.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>

#include <cstddef>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Separates answers to challenges from every other use of a node's key; a zero byte follows it.
inline constexpr std::string_view challenge_domain{"peerkit/challenge/1\0", 20};

/// Bytes a challenge has at most. The asker makes one that nobody can foresee, 16 random bytes or more, so that an
/// answer recorded earlier is none.
inline constexpr std::size_t largest_challenge = 64;

/// The answer of `signer` to `challenge`, for this network.
/// @code
/// auto const proof = crypto::sign_challenge(identity, network, challenge);
/// // and whoever asked:
/// if (crypto::verify_challenge<crypto::ed25519_identity>(id, network, challenge, *proof)) welcome(id);
/// @endcode
/// @par Errors `wire_error::bad_length` for a challenge that is empty or over `largest_challenge`; position: its size
template <SigningSigns Signer>
[[nodiscard]] result<signature> sign_challenge(Signer const& signer, network_id const& network, byte_view challenge) {
    if (challenge.empty() || challenge.size() > largest_challenge) {
        return fail(wire::wire_error::bad_length, challenge.size(), "challenge");
    }
    signing_room room;
    return signer.sign(detail::bytes_to_sign(challenge_domain, network, challenge, room));
}

/// Whether `proof` is the answer of the node `who` to `challenge`, for this network.
template <SigningVerifies Signer>
[[nodiscard]] bool verify_challenge(node_id const& who, network_id const& network, byte_view challenge,
                                    byte_view proof) {
    if (challenge.empty() || challenge.size() > largest_challenge) return false;
    signing_room room;
    return Signer::verify(who, detail::bytes_to_sign(challenge_domain, network, challenge, room), proof);
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
