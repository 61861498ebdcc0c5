// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the unpredictable generator: nothing repeats, nothing given out stays behind.
#include <peerkit/crypto/secure_rng.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <type_traits>
#include <utility>

using peerkit::crypto::secure_rng;

namespace {

secure_rng made() { return std::move(*secure_rng::make()); }

bool holds(secure_rng const& where, std::uint64_t word) {
    std::array<unsigned char, sizeof(secure_rng)> raw;
    std::memcpy(raw.data(), static_cast<void const*>(&where), raw.size());
    for (std::size_t i = 0; i + sizeof word <= raw.size(); ++i) {
        if (std::memcmp(raw.data() + i, &word, sizeof word) == 0) return true;
    }
    return false;
}

} // namespace

static_assert(!std::is_copy_constructible_v<secure_rng>);

TEST_CASE("words do not repeat, within a generator or between two") {
    secure_rng one = made(), two = made();
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 2000; ++i) {
        seen.insert(one());
        seen.insert(two());
    }
    CHECK(seen.size() == 4000);
}

TEST_CASE("every bit is set about half the time") {
    secure_rng rng = made();
    std::array<int, 64> ones{};
    for (int i = 0; i < 10000; ++i) {
        std::uint64_t const word = rng();
        for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(word >> bit & 1U);
    }
    for (int const n : ones) {
        CHECK(n > 4600); // eight standard deviations
        CHECK(n < 5400);
    }
}

TEST_CASE("a word that was given out is no longer in memory") {
    secure_rng rng = made();
    for (int i = 0; i < 300; ++i) {
        std::uint64_t const word = rng();
        REQUIRE_FALSE(holds(rng, word));
    }
}

TEST_CASE("a moved generator goes on, and the one moved from draws something else") {
    secure_rng from = made();
    (void)from();
    secure_rng to{std::move(from)};
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 300; ++i) {
        seen.insert(from()); // NOLINT: it has fresh entropy
        seen.insert(to());
    }
    CHECK(seen.size() == 600);
    CHECK_FALSE(seen.contains(0));
    from = std::move(to);
    for (int i = 0; i < 300; ++i) seen.insert(from());
    CHECK(seen.size() == 900);
    secure_rng& same = from;
    from = std::move(same);
    CHECK(from() != from());
}

TEST_CASE("two generators with one memory part ways when one is reseeded") {
    secure_rng parent = made();
    (void)parent();
    // What a fork does to a generator, without the fork.
    alignas(secure_rng) std::array<unsigned char, sizeof(secure_rng)> copy;
    std::memcpy(copy.data(), static_cast<void const*>(&parent), copy.size());
    auto& child = *reinterpret_cast<secure_rng*>(copy.data());
    std::uint64_t const next = parent();
    CHECK(child() == next);
    child.reseed();
    std::set<std::uint64_t> of_parent;
    for (int i = 0; i < 300; ++i) of_parent.insert(parent());
    for (int i = 0; i < 300; ++i) CHECK_FALSE(of_parent.contains(child()));
}
