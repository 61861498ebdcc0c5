// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the initialisation of libsodium.
#include <peerkit/crypto/sodium.hpp>

#include <doctest/doctest.h>

TEST_CASE("libsodium can be initialised any number of times") {
    CHECK(peerkit::crypto::ensure_sodium());
    CHECK(peerkit::crypto::ensure_sodium());
    CHECK(sodium_init() == 1); // says: was initialised already
}
