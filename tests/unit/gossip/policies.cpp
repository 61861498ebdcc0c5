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
    CHECK(std::is_same_v<chosen::anti_entropy, gossip::digest_ranges>);
    CHECK(std::is_same_v<chosen::detector, gossip::corroborated>);
    CHECK(std::is_same_v<chosen::compression, wire::no_compression>);
}

TEST_CASE("one seat is filled otherwise without naming those before it, and the others stay as they are") {
    using chosen = gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng>;
    using strict = chosen::with_announcements<gossip::allow_list>::with_detector<gossip::plain_swim>;
    CHECK(std::is_same_v<strict, gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng,
                                                  gossip::allow_list, gossip::digest_ranges, gossip::plain_swim>>);
    CHECK(std::is_same_v<strict::with_announcements<gossip::accept_announcements>::with_detector<
                             gossip::corroborated>::with_anti_entropy<gossip::digest_ranges>,
                         chosen>);
    CHECK(std::is_same_v<strict::with_compression<wire::no_compression>, strict>);
}
