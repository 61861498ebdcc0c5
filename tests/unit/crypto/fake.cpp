// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the fake models: deterministic, the same everywhere, sensitive to every bit.
#include <peerkit/crypto/fake.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <vector>

using namespace peerkit;
using crypto::fake_identity;
using crypto::fake_sealing;

namespace {

std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> made(size);
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>(i * 7 + 1);
    return made;
}

} // namespace

TEST_CASE("a fake identity follows from its seed") {
    CHECK(fake_identity{1}.id() == fake_identity{1}.id());
    CHECK(fake_identity{1}.id() != fake_identity{2}.id());
    CHECK(static_cast<bool>(fake_identity{0}.id()));
    CHECK(fake_identity{1}.id().short_id() == short_id{0x910a2dec89025cc1}); // first word of SplitMix64 from seed 1
}

TEST_CASE("a fake signature holds for its maker and its message alone") {
    fake_identity const me{1}, you{2};
    std::vector<std::byte> message = pattern(100);
    crypto::signature signature = me.sign(message);
    CHECK(fake_identity::verify(me.id(), message, signature));
    CHECK_FALSE(fake_identity::verify(you.id(), message, signature));
    CHECK_FALSE(fake_identity::verify(me.id(), byte_view{message}.first(99), signature));
    CHECK_FALSE(fake_identity::verify(me.id(), message, byte_view{signature}.first(63)));
    CHECK_FALSE(fake_identity::verify(me.id(), message, {}));
    for (std::size_t bit = 0; bit < 800; ++bit) {
        message[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK_FALSE(fake_identity::verify(me.id(), message, signature));
        message[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
    for (std::size_t bit = 0; bit < 512; ++bit) {
        signature[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK_FALSE(fake_identity::verify(me.id(), message, signature));
        signature[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
}

TEST_CASE("a fake seal leaves the text and opens under the same key, nonce and additional data alone") {
    std::array<std::byte, 24> const nonce{std::byte{1}};
    std::array<std::byte, 24> const other_nonce{std::byte{2}};
    std::vector<std::byte> const ad = pattern(62);
    std::vector<std::byte> text = pattern(50);
    text.resize(66);
    fake_sealing const sealing{7}, other{8};
    sealing.seal(nonce, ad, text);
    CHECK(equal(byte_view{text}.first(50), pattern(50)));
    CHECK(sealing.open(sealing.key_id(), nonce, ad, text));
    CHECK_FALSE(sealing.open(sealing.key_id(), other_nonce, ad, text));
    CHECK_FALSE(sealing.open(sealing.key_id(), nonce, byte_view{ad}.first(61), text));
    CHECK_FALSE(sealing.open(sealing.key_id() + 1, nonce, ad, text));
    CHECK_FALSE(other.open(other.key_id(), nonce, ad, text));
    CHECK(sealing.knows(sealing.key_id()));
    CHECK_FALSE(sealing.knows(other.key_id()));
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
        text[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK_FALSE(sealing.open(sealing.key_id(), nonce, ad, text));
        text[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
}
