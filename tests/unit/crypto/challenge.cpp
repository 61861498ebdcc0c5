// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of answers to challenges: whose they are, for which network, and that they are nothing else that is signed.
#include <peerkit/crypto/challenge.hpp>

#include <doctest/doctest.h>

#include "golden.hpp"

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/signed_broadcast.hpp>
#include <peerkit/crypto/signed_entry.hpp>
#include <peerkit/crypto/signed_record.hpp>

#include <cstddef>
#include <string_view>

using namespace peerkit;
using crypto::ed25519_identity;
using crypto::fake_identity;
using tests::bytes;

TEST_CASE("whoever holds the key answers a challenge, and the answer is for one network") {
    auto const who = tests::golden_identity();
    bytes const challenge(32, std::byte{7});
    auto const proof = crypto::sign_challenge(who, tests::golden_network(), challenge);
    REQUIRE(proof);
    CHECK(crypto::verify_challenge<ed25519_identity>(who.id(), tests::golden_network(), challenge, *proof));
    CHECK_FALSE(crypto::verify_challenge<ed25519_identity>(who.id(), network_id{}, challenge, *proof));
    CHECK_FALSE(
        crypto::verify_challenge<ed25519_identity>(fake_identity{2}.id(), tests::golden_network(), challenge, *proof));
}

TEST_CASE("the answer to one challenge is none to another") {
    fake_identity const who{1};
    bytes challenge(16, std::byte{7});
    auto const proof = crypto::sign_challenge(who, network_id{}, challenge);
    REQUIRE(proof);
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < challenge.size() * 8; ++bit) {
        challenge[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        refused += crypto::verify_challenge<fake_identity>(who.id(), network_id{}, challenge, *proof) ? 0U : 1U;
        challenge[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
    CHECK(refused == challenge.size() * 8);
    CHECK_FALSE(
        crypto::verify_challenge<fake_identity>(who.id(), network_id{}, byte_view{challenge}.first(15), *proof));
    CHECK_FALSE(crypto::verify_challenge<fake_identity>(who.id(), network_id{}, challenge,
                                                        byte_view{*proof}.first(proof->size() - 1)));
}

TEST_CASE("an answer is nothing else that a node signs, so that no challenge makes a node sign such") {
    std::string_view const mine = crypto::challenge_domain;
    CHECK(mine.back() == '\0');
    for (std::string_view const other : {crypto::announcement_domain, crypto::broadcast_domain, crypto::entry_domain}) {
        // A domain that began with another one could be continued by a challenge.
        CHECK_FALSE(mine.substr(0, other.size()) == other);
        CHECK_FALSE(other.substr(0, mine.size()) == mine);
    }
}

TEST_CASE("a challenge that is empty or too long is neither signed nor verified") {
    fake_identity const who{1};
    bytes const most(crypto::largest_challenge), more(crypto::largest_challenge + 1);
    CHECK(crypto::sign_challenge(who, network_id{}, most));
    auto const refused = crypto::sign_challenge(who, network_id{}, more);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == wire::wire_error::bad_length);
    CHECK(refused.error().position() == crypto::largest_challenge + 1);
    CHECK(crypto::sign_challenge(who, network_id{}, {}).error() == wire::wire_error::bad_length);
    bytes const proof(64);
    CHECK_FALSE(crypto::verify_challenge<fake_identity>(who.id(), network_id{}, {}, proof));
    CHECK_FALSE(crypto::verify_challenge<fake_identity>(who.id(), network_id{}, more, proof));
}
