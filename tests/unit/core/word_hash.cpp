// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the word hash: the same everywhere, sensitive to every bit.
#include <peerkit/core/word_hash.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace peerkit;

namespace {

std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> made(size);
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>(i * 7 + 1);
    return made;
}

std::uint64_t hash_of(byte_view bytes, std::uint64_t seed = 1) {
    word_hash hash{seed};
    hash.part(bytes);
    return hash.value();
}

} // namespace

TEST_CASE("the word hash has the same values on every machine") {
    auto const values = tests::all_vectors("word_hash.txt");
    CHECK(values.size() == 6);
    for (auto const& entry : values) {
        CAPTURE(entry.first);
        std::size_t const size = std::stoul(entry.first.substr(5));
        CHECK(hash_of(pattern(size)) == load_big<std::uint64_t>(entry.second.data()));
    }
}

TEST_CASE("every bit, the length, the seed and the division into parts change the word hash") {
    std::set<std::uint64_t> seen;
    std::size_t expected = 0;
    for (std::size_t const size : {1U, 7U, 8U, 9U, 31U, 32U, 33U, 63U, 64U, 100U}) {
        std::vector<std::byte> bytes = pattern(size);
        seen.insert(hash_of(bytes));
        ++expected;
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            seen.insert(hash_of(bytes));
            ++expected;
            bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        }
    }
    for (std::size_t zeros = 2; zeros < 100; ++zeros, ++expected) seen.insert(hash_of(std::vector<std::byte>(zeros)));
    for (std::uint64_t seed = 2; seed < 100; ++seed, ++expected) seen.insert(hash_of({}, seed));
    std::vector<std::byte> const whole = pattern(80);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut, ++expected) {
        word_hash hash{1};
        hash.part(byte_view{whole}.first(cut));
        hash.part(byte_view{whole}.subspan(cut));
        seen.insert(hash.value());
    }
    CHECK(seen.size() == expected);
}
