// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the crypto errors.
#include <peerkit/crypto/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>

using peerkit::error;
using peerkit::crypto::crypto_error;

TEST_CASE("every crypto error has a sentence of its own") {
    std::set<std::string> sentences;
    auto const last = static_cast<std::uint16_t>(crypto_error::key_file_io);
    for (std::uint16_t value = 1; value <= last; ++value) {
        error const e{static_cast<crypto_error>(value)};
        CHECK(e.domain() == "crypto");
        CHECK(e.sentence() != "unknown crypto error");
        sentences.insert(std::string{e.sentence()});
    }
    CHECK(sentences.size() == last);
    CHECK(error{static_cast<crypto_error>(last + 1)}.sentence() == "unknown crypto error");
    CHECK(error{static_cast<crypto_error>(0)}.sentence() == "unknown crypto error");
}
