// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the sealing of open networks.
#include <peerkit/crypto/open_network.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>

using namespace peerkit;
using crypto::open_sealing;

TEST_CASE("an open seal leaves the text readable and notices every changed bit") {
    network_id network;
    network.bytes.fill(std::byte{1});
    std::array<std::byte, 24> nonce{std::byte{2}};
    tests::bytes ad(62, std::byte{3});
    tests::bytes text(30, std::byte{4});
    text.resize(46);
    open_sealing const sealing{network};
    sealing.seal(nonce, ad, text);
    CHECK(equal(byte_view{text}.first(30), tests::bytes(30, std::byte{4})));
    CHECK(sealing.open(0, nonce, ad, text));

    auto const noticed = [&](byte_span where) {
        for (std::size_t bit = 0; bit < 8 * where.size(); ++bit) {
            where[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            CHECK_FALSE(sealing.open(0, nonce, ad, text));
            where[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        }
    };
    noticed(text);
    noticed(ad);
    noticed(nonce);
    CHECK(sealing.open(0, nonce, ad, text));
}

TEST_CASE("an open seal belongs to one network and one key id") {
    network_id one, two;
    two.bytes[15] = std::byte{1};
    std::array<std::byte, 24> const nonce{};
    tests::bytes text(20);
    open_sealing{one}.seal(nonce, {}, text);
    CHECK(open_sealing{one}.open(0, nonce, {}, text));
    CHECK_FALSE(open_sealing{two}.open(0, nonce, {}, text));
    CHECK_FALSE(open_sealing{one}.open(1, nonce, {}, text));
    CHECK(open_sealing{one}.knows(0));
    CHECK_FALSE(open_sealing{one}.knows(1));
    CHECK(open_sealing{one}.key_id() == 0);
}

TEST_CASE("bytes cannot move between additional data and text unnoticed") {
    std::array<std::byte, 24> const nonce{};
    tests::bytes text(32, std::byte{5});
    open_sealing const sealing{network_id{}};
    sealing.seal(nonce, tests::bytes(10, std::byte{5}), text);
    tests::bytes shorter(text.begin() + 1, text.end());
    CHECK_FALSE(sealing.open(0, nonce, tests::bytes(11, std::byte{5}), shorter));
    CHECK(sealing.open(0, nonce, tests::bytes(10, std::byte{5}), text));
}
