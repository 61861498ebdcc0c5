// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of SipHash-2-4, with the vectors of its authors.
#include <peerkit/crypto/siphash.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>

using namespace peerkit;

namespace {

constexpr crypto::siphash_key key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

std::uint64_t of_first(std::size_t count) {
    crypto::siphash hash{key};
    for (std::size_t i = 0; i < count; ++i) hash.bytes(std::array{static_cast<std::byte>(i)});
    return hash.value();
}

} // namespace

TEST_CASE("the values are those the authors publish") {
    CHECK(of_first(0) == 0x726fdb47dd0e0e31ULL);
    CHECK(of_first(1) == 0x74f839c593dc67fdULL);
    CHECK(of_first(8) == 0x93f5f5799a932462ULL);
    CHECK(of_first(15) == 0xa129ca6149be45e5ULL);
}

TEST_CASE("a value can be asked for in between, and asking changes nothing") {
    crypto::siphash hash{key};
    hash.number(0x0706050403020100ULL);
    CHECK(hash.value() == of_first(8));
    for (unsigned i = 8; i < 15; ++i) hash.bytes(std::array{static_cast<std::byte>(i)});
    CHECK(hash.value() == of_first(15));
}

TEST_CASE("bytes cannot move from one part to the next") {
    auto const of = [](std::string_view a, std::string_view b) {
        crypto::siphash hash{key};
        hash.part(as_bytes(a));
        hash.part(as_bytes(b));
        return hash.value();
    };
    CHECK(of("ab", "c") != of("a", "bc"));
    CHECK(of("ab", "c") == of("ab", "c"));
}
