// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_signing names the requirement of Signing a type does not meet, and the page that explains it.
// expect: peerkit: a Signing needs `node_id id\(\) const noexcept`; see docs/concepts/signing\.md
// expect: Signing needs `signature sign\(byte_view message\) const noexcept`; see docs/concepts/signing\.md
// expect: peerkit: a Signing needs `static bool verify\(.*\) noexcept`; see docs/concepts/signing\.md
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signing.hpp>

struct signs_nothing {
    peerkit::node_id id() const noexcept { return {}; }
};

#if PEERKIT_COMPILE_FAIL
static_assert(peerkit::crypto::check_signing<int>());
static_assert(peerkit::crypto::check_signing<signs_nothing>());
#else
static_assert(peerkit::crypto::check_signing<peerkit::crypto::fake_identity>());
static_assert(!peerkit::crypto::Signing<signs_nothing>);
#endif
