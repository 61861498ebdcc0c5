// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy seat of identity: who a node is, how it signs, how others verify.
#ifndef PEERKIT_CRYPTO_SIGNING_HPP
#define PEERKIT_CRYPTO_SIGNING_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <concepts>
#include <cstddef>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// 64 bytes, as Ed25519 makes them (RFC 8032).
using signature = std::array<std::byte, 64>;

/// `signer.id()`: the node id, which is the verification key. The same for the life of the object.
template <typename T>
concept SigningHasId = requires(T const& signer) {
    { signer.id() } noexcept -> std::same_as<node_id>;
};

/// `signer.sign(message)`: a signature that `T::verify` accepts for `signer.id()`.
template <typename T>
concept SigningSigns = requires(T const& signer, byte_view message) {
    { signer.sign(message) } noexcept -> std::same_as<signature>;
};

/// `T::verify(id, message, signature)`: needs no secret and no object. False for a signature that is not 64
/// bytes, was made by another key or over other bytes. Must not accept anything for an id that is not a
/// proper key.
template <typename T>
concept SigningVerifies = requires(node_id const& id, byte_view bytes) {
    { T::verify(id, bytes, bytes) } noexcept -> std::same_as<bool>;
};

/// The identity of a node. Models: `ed25519_identity` (crypto/identity.hpp), `fake_identity`
/// (crypto/fake.hpp, for simulation). Requirements, models and an exemplar: docs/concepts/signing.md.
template <typename T>
concept Signing = SigningHasId<T> && SigningSigns<T> && SigningVerifies<T>;

/// Says in one sentence what `T` lacks to be `Signing`.
/// @code static_assert(peerkit::crypto::check_signing<my_identity>()); @endcode
template <typename T>
consteval bool check_signing() {
    static_assert(SigningHasId<T>,
                  "peerkit: a Signing needs `node_id id() const noexcept`; see docs/concepts/signing.md");
    static_assert(SigningSigns<T>, "peerkit: a Signing needs `signature sign(byte_view message) const noexcept`; see "
                                   "docs/concepts/signing.md");
    static_assert(SigningVerifies<T>,
                  "peerkit: a Signing needs `static bool verify(node_id const&, byte_view message, byte_view "
                  "signature) noexcept`; see docs/concepts/signing.md");
    return Signing<T>;
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
