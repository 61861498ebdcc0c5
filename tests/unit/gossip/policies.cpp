// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::policies.
#include <peerkit/gossip/policies.hpp>

#include <doctest/doctest.h>

#include <type_traits>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/gossip/plain_swim.hpp>

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
    CHECK(std::is_same_v<chosen::detector, gossip::persistent_swim>);
    using plain = gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng,
                                   gossip::accept_announcements, gossip::full_state, gossip::plain_swim>;
    CHECK(std::is_same_v<plain::detector, gossip::plain_swim>);
}
