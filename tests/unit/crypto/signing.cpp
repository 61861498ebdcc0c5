// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the signing concept: what satisfies it and what does not.
#include <peerkit/crypto/signing.hpp>

#include <doctest/doctest.h>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/identity.hpp>

using namespace peerkit;
using crypto::Signing;

namespace {

struct no_id {
    crypto::signature sign(byte_view) const noexcept { return {}; }
    static bool verify(node_id const&, byte_view, byte_view) noexcept { return false; }
};
struct no_sign {
    node_id id() const noexcept { return {}; }
    static bool verify(node_id const&, byte_view, byte_view) noexcept { return false; }
};
struct sign_may_throw : no_sign {
    crypto::signature sign(byte_view) const { return {}; }
};
struct verify_needs_an_object {
    node_id id() const noexcept { return {}; }
    crypto::signature sign(byte_view) const noexcept { return {}; }
    bool verify(node_id const&, byte_view, byte_view) const noexcept { return false; }
};

} // namespace

TEST_CASE("both identities are signing policies") {
    CHECK(Signing<crypto::ed25519_identity>);
    CHECK(Signing<crypto::fake_identity>);
    CHECK(crypto::check_signing<crypto::ed25519_identity>());
}

TEST_CASE("a type that lacks one requirement of signing is not accepted") {
    CHECK_FALSE(Signing<int>);
    CHECK_FALSE(crypto::SigningHasId<no_id>);
    CHECK(crypto::SigningSigns<no_id>);
    CHECK_FALSE(Signing<no_id>);
    CHECK_FALSE(crypto::SigningSigns<no_sign>);
    CHECK_FALSE(Signing<no_sign>);
    CHECK_FALSE(Signing<sign_may_throw>);
    CHECK_FALSE(crypto::SigningVerifies<verify_needs_an_object>);
    CHECK_FALSE(Signing<verify_needs_an_object>);
}
