// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::policies.
#include <peerkit/gossip/policies.hpp>

#include <doctest/doctest.h>

#include <type_traits>

#include <peerkit/crypto/fake.hpp>

using namespace peerkit;

TEST_CASE("who signs and seals is said, the rest has defaults that accept and repair everything") {
    using chosen = gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng>;
    CHECK(std::is_same_v<chosen::signing, crypto::fake_identity>);
    CHECK(std::is_same_v<chosen::sealing, crypto::fake_sealing>);
    CHECK(std::is_same_v<chosen::rng, seeded_rng>);
    CHECK(std::is_same_v<chosen::announcements, gossip::accept_announcements>);
    CHECK(std::is_same_v<chosen::anti_entropy, gossip::full_state>);
    using strict = gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng, gossip::allow_list>;
    CHECK(std::is_same_v<strict::announcements, gossip::allow_list>);
}
