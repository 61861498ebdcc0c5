// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the network key: text, derivation, bad input.
#include <peerkit/crypto/network_key.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>
#include <string>
#include <type_traits>

using namespace peerkit;
using crypto::crypto_error;
using crypto::network_key;

namespace {

std::string text_of(network_key const& key) {
    std::array<char, 64> out{};
    key.to_hex(out);
    return {out.data(), out.size()};
}

std::string const good = "808182838485868788898a8b8c8d8e8f909192939495969798999A9B9C9D9E9F";

void check_refused(std::string const& text, crypto_error what, std::size_t position) {
    auto const key = network_key::parse(text);
    REQUIRE_FALSE(key);
    CHECK(key.error() == what);
    CHECK(key.error().position() == position);
    CHECK(key.error().field() == "network key");
}

} // namespace

static_assert(!std::is_copy_constructible_v<network_key> && !std::is_default_constructible_v<network_key>);

TEST_CASE("a key is read from 64 digits of either case, with or without a line end") {
    for (std::string const end : {"", "\n", "\r\n"}) {
        auto const key = network_key::parse(good + end);
        REQUIRE(key);
        CHECK(text_of(*key) == to_hex(tests::vector_of("datagram.txt", "network_key")));
        CHECK(*key == *network_key::from_bytes(tests::vector_of("datagram.txt", "network_key")));
    }
}

TEST_CASE("a key of another length or with another character is refused") {
    check_refused("", crypto_error::bad_key_length, 0);
    check_refused("\n", crypto_error::bad_key_length, 0);
    check_refused(good.substr(1), crypto_error::bad_key_length, 63);
    check_refused(good + "0", crypto_error::bad_key_length, 65);
    check_refused(good + "\n\n", crypto_error::bad_key_length, 65);
    check_refused(good + "\r", crypto_error::bad_key_length, 65);
    check_refused(" " + good, crypto_error::bad_key_length, 65);
    for (std::size_t i = 0; i < 64; ++i) {
        std::string bad = good;
        bad[i] = 'g';
        check_refused(bad, crypto_error::bad_key_text, i);
    }
    check_refused(std::string(64, '0'), crypto_error::weak_key, 0);
    check_refused(std::string(64, 'f'), crypto_error::weak_key, 0);
    std::array<std::byte, 31> const few{std::byte{1}};
    CHECK(network_key::from_bytes(few).error() == crypto_error::bad_key_length);
    CHECK(network_key::from_bytes({}).error() == crypto_error::bad_key_length);
}

TEST_CASE("key id and suite keys are those of the golden vector") {
    auto const key = network_key::parse(good);
    REQUIRE(key);
    CHECK(key->id() == load_big<std::uint32_t>(tests::vector_of("datagram.txt", "key_id").data()));
    CHECK(equal(key->for_suite(1).view(), tests::vector_of("datagram.txt", "suite_key")));
    CHECK_FALSE(key->for_suite(1) == key->for_suite(2));
}

TEST_CASE("new keys differ") {
    auto const one = network_key::generate(), two = network_key::generate();
    REQUIRE(one);
    REQUIRE(two);
    CHECK_FALSE(*one == *two);
    CHECK(*network_key::parse(text_of(*one)) == *one);
}
