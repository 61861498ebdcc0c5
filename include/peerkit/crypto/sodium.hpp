// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Initialises libsodium, once.
#ifndef PEERKIT_CRYPTO_SODIUM_HPP
#define PEERKIT_CRYPTO_SODIUM_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/crypto/error.hpp>
#include <peerkit/detail/config.hpp>

#include <sodium.h>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Initialises libsodium: entropy, and the fastest code for this processor. Any number of calls, from any
/// thread. Every function of this floor that makes or reads a secret calls it; what only verifies works
/// without, but slower.
/// @par Errors `unavailable`, which then stays for the life of the process.
[[nodiscard]] inline result<void> ensure_sodium() noexcept {
    static int const state = sodium_init();
    if (state < 0) return fail(crypto_error::unavailable, 0, "libsodium");
    return {};
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
