// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The identity of a real node: an Ed25519 key pair.
#ifndef PEERKIT_CRYPTO_IDENTITY_HPP
#define PEERKIT_CRYPTO_IDENTITY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// An Ed25519 key pair (RFC 8032) on libsodium. `Signing`. Moves but does not copy, and wipes its secret; a
/// moved-from identity may only be assigned to or destroyed. Const members may be called from any number of
/// threads.
///
/// @code
/// auto identity = crypto::ed25519_identity::generate();
/// if (!identity) return report(identity.error());
/// auto signature = identity->sign(message);
/// @endcode
class ed25519_identity {
public:
    static constexpr std::size_t seed_size = crypto_sign_SEEDBYTES;

    /// A new identity from the system's entropy. @par Errors `unavailable`.
    [[nodiscard]] static result<ed25519_identity> generate() noexcept {
        if (auto const ready = ensure_sodium(); !ready) return fail(ready.error());
        ed25519_identity made;
        crypto_sign_keypair(detail::raw(made.id_.bytes.data()), made.secret_.data());
        return made;
    }
    /// The identity that belongs to 32 secret bytes, as stored in key files. @par Errors `unavailable`,
    /// `weak_key`.
    [[nodiscard]] static result<ed25519_identity> from_seed(std::span<std::byte const, seed_size> seed) noexcept {
        if (auto const ready = ensure_sodium(); !ready) return fail(ready.error());
        if (detail::is_one_value(seed)) return fail(crypto_error::weak_key, 0, "seed");
        ed25519_identity made;
        crypto_sign_seed_keypair(detail::raw(made.id_.bytes.data()), made.secret_.data(), detail::raw(seed.data()));
        return made;
    }

    [[nodiscard]] node_id id() const noexcept { return id_; }

    [[nodiscard]] signature sign(byte_view message) const noexcept {
        signature made;
        crypto_sign_detached(detail::raw(made.data()), nullptr, detail::raw(message.data()), message.size(),
                             secret_.data());
        return made;
    }

    /// Accepts what libsodium 1.0.18 to 1.0.22 accept: the cofactorless equation, S below the group order,
    /// and neither the key nor R of small order or written in a non-canonical way. Costs one bare
    /// `crypto_sign_verify_detached`.
    [[nodiscard]] static bool verify(node_id const& id, byte_view message, byte_view given) noexcept {
        return given.size() == crypto_sign_BYTES &&
               crypto_sign_verify_detached(detail::raw(given.data()), detail::raw(message.data()), message.size(),
                                           detail::raw(id.bytes.data())) == 0;
    }

    /// Whether `id` is a point of the main subgroup of Ed25519. As dear as a verification, so it is for the
    /// moment a key is newly trusted or read from a configuration, not for every record: a signature by an id
    /// that fails here may still verify, but says nothing that its maker could not say.
    [[nodiscard]] static bool admissible(node_id const& id) noexcept {
        return crypto_core_ed25519_is_valid_point(detail::raw(id.bytes.data())) == 1;
    }

    /// The 32 secret bytes, for a key file.
    [[nodiscard]] secret_bytes<seed_size> seed() const noexcept {
        secret_bytes<seed_size> copy;
        crypto_sign_ed25519_sk_to_seed(copy.data(), secret_.data());
        return copy;
    }

private:
    ed25519_identity() noexcept = default;

    node_id id_;
    secret_bytes<crypto_sign_SECRETKEYBYTES> secret_;
};

static_assert(check_signing<ed25519_identity>());
static_assert(sizeof(signature) == crypto_sign_BYTES && node_id::size == crypto_sign_PUBLICKEYBYTES);

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
