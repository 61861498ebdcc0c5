// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the deterministic generator and of the draws made from any generator.
#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

using peerkit::duration;
using peerkit::seeded_rng;
using peerkit::uniform;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t all_ones = ~std::uint64_t{0};

/// Gives one word for ever, and counts how often it was asked.
struct fixed_rng {
    std::uint64_t word;
    int asked = 0;
    constexpr std::uint64_t operator()() noexcept {
        ++asked;
        return word;
    }
};

static_assert(peerkit::Rng<seeded_rng> && peerkit::Rng<fixed_rng>);
static_assert(std::is_trivially_copyable_v<seeded_rng>, "a simulation saves and restores it by copy");
static_assert(!std::is_default_constructible_v<seeded_rng>, "a seed is always said");
static_assert(!std::is_convertible_v<std::uint64_t, seeded_rng>);

constexpr std::uint64_t third_of(std::uint64_t seed) {
    seeded_rng rng{seed};
    rng();
    rng();
    return rng();
}
static_assert(third_of(1234567) == 9817491932198370423ULL, "usable in constant expressions");

/// Words that are hard on arithmetic, then random ones.
std::vector<std::uint64_t> words() {
    std::vector<std::uint64_t> made{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, all_ones - 1, all_ones};
    seeded_rng rng{99};
    for (int i = 0; i < 200; ++i) made.push_back(rng());
    return made;
}

} // namespace

TEST_CASE("the generator is SplitMix64: its published sequences come out with every compiler") {
    // The sequence for seed 1234567 is the one other implementations of SplitMix64 are checked against.
    seeded_rng published{1234567};
    for (std::uint64_t const expected : {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL,
                                         4593380528125082431ULL, 16408922859458223821ULL}) {
        CHECK(published() == expected);
    }
    seeded_rng zero{0};
    for (std::uint64_t const expected : {0xe220a8397b1dcdafULL, 0x6e789e6aa1b965f4ULL, 0x06c45d188009454fULL}) {
        CHECK(zero() == expected);
    }
}

TEST_CASE("the draws from a seed are the same with every compiler") {
    // Worked out from the definitions with whole numbers of any size, not taken from a run of this code.
    seeded_rng rng{42};
    std::array<int, 10> order{};
    std::iota(order.begin(), order.end(), 0);
    peerkit::shuffle(std::span{order}, rng);
    std::string text;
    for (int const i : order) text += std::to_string(i);
    CHECK(text == "8365409217");
    CHECK(uniform(rng, std::uint64_t{1000}) == 618);
    CHECK(uniform(rng, std::uint64_t{1} << 40U) == 319830038975);
    CHECK(uniform(rng, 1s) == 492989185ns);
    CHECK(peerkit::jitter(rng, 1s, 20) == 1005358446ns);
    CHECK(rng.split()() == 7535050421349368021ULL);
}

TEST_CASE("equal seeds give equal sequences and other seeds others") {
    seeded_rng a{7}, b{7}, c{8};
    int differ = 0;
    for (int i = 0; i < 100; ++i) {
        std::uint64_t const word = a();
        CHECK(word == b());
        differ += word != c() ? 1 : 0;
    }
    CHECK(differ == 100);
}

TEST_CASE("a split generator goes its own way and moves the first on by one") {
    seeded_rng parent{7}, reference{7};
    seeded_rng child = parent.split();
    reference();
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        std::uint64_t const word = parent();
        CHECK(word == reference());
        seen.insert(word);
        seen.insert(child());
    }
    CHECK(seen.size() == 2000);
    seeded_rng again{7};
    seeded_rng first = again.split(), second = again.split();
    CHECK(first() != second());
}

TEST_CASE("a uniform number lies below its bound, for every word and bound") {
    std::vector<std::uint64_t> const bounds = words();
    for (std::uint64_t const word : words()) {
        for (std::uint64_t const bound : bounds) {
            fixed_rng rng{word};
            std::uint64_t const drawn = uniform(rng, bound);
            if (bound == 0) CHECK(drawn == 0);
            if (bound != 0) CHECK(drawn < bound);
            CHECK(rng.asked == 1);
        }
    }
}

TEST_CASE("the lowest and highest words reach both ends of a bound") {
    for (std::uint64_t const bound : {1ULL, 2ULL, 3ULL, 1000ULL, 0xfffffffeULL, 0xffffffffULL}) {
        fixed_rng low{0}, high{all_ones};
        CHECK(uniform(low, bound) == 0);
        CHECK(uniform(high, bound) == bound - 1);
    }
}

TEST_CASE("a uniform number below 2^32 is the high word of the product, exactly") {
    // word * bound / 2^64 in 96-bit arithmetic, done here in two halves by another route: long division by
    // 2^32.
    seeded_rng rng{3};
    for (int i = 0; i < 1000; ++i) {
        std::uint64_t const word = rng(), bound = rng() >> 32U;
        std::uint64_t const low_product = (word & 0xffffffffU) * bound;
        std::uint64_t const high_product = (word >> 32U) * bound;
        std::uint64_t const carry = ((high_product & 0xffffffffU) + (low_product >> 32U)) >> 32U;
        fixed_rng fixed{word};
        CHECK(uniform(fixed, bound) == (high_product >> 32U) + carry);
    }
}

TEST_CASE("every bit of a word counts") {
    // 4 * 2^32 + 5 times 2^32 - 1 is just enough for 4 * 2^64; one less is not.
    fixed_rng enough{std::uint64_t{4} << 32U | 5U}, short_of{std::uint64_t{4} << 32U | 4U};
    CHECK(uniform(enough, std::uint64_t{0xffffffff}) == 4);
    CHECK(uniform(short_of, std::uint64_t{0xffffffff}) == 3);
}

TEST_CASE("uniform numbers are spread evenly, below and above 2^32") {
    for (std::uint64_t const scale : {std::uint64_t{1}, std::uint64_t{1} << 40U}) {
        seeded_rng rng{11};
        std::array<int, 10> bins{};
        for (int i = 0; i < 100'000; ++i) ++bins[static_cast<std::size_t>(uniform(rng, 10 * scale) / scale)];
        // 10,000 expected with a standard deviation of 95; the seed is fixed, so this is no matter of luck.
        for (int const count : bins) {
            CHECK(count > 9'500);
            CHECK(count < 10'500);
        }
    }
}

TEST_CASE("a uniform duration lies below its bound, and is zero where there is no room") {
    for (std::uint64_t const word : words()) {
        for (duration const bound : {duration{1ns}, duration{1us}, duration{5s}, duration{100h}, duration::max()}) {
            fixed_rng rng{word};
            duration const drawn = uniform(rng, bound);
            CHECK(drawn >= 0ns);
            CHECK(drawn < bound);
        }
        for (duration const bound : {duration{0}, duration{-1}, duration::min()}) {
            fixed_rng rng{word};
            CHECK(uniform(rng, bound) == 0ns);
            CHECK(rng.asked == 0);
        }
    }
}

TEST_CASE("jitter stays within its share on either side") {
    seeded_rng rng{12};
    for (duration const base : {duration{100ns}, duration{1ms}, duration{1s}, duration{30s}, duration{24h}}) {
        for (unsigned const percent : {1U, 10U, 25U, 50U, 99U, 100U}) {
            duration const width = base / 100 * percent;
            bool shorter = false, longer = false;
            for (int i = 0; i < 200; ++i) {
                duration const drawn = peerkit::jitter(rng, base, percent);
                CHECK(drawn >= base - width);
                CHECK(drawn < base + width);
                shorter = shorter || drawn < base;
                longer = longer || drawn > base;
            }
            CHECK(shorter);
            if (width > 1ns) CHECK(longer);
        }
    }
    fixed_rng low{0}, high{all_ones};
    CHECK(peerkit::jitter(low, 1s, 20) == 800ms);
    CHECK(peerkit::jitter(high, 1s, 20) == 1200ms - 1ns);
}

TEST_CASE("jitter of nothing, or by nothing, changes nothing") {
    seeded_rng rng{13};
    CHECK(peerkit::jitter(rng, 5s, 0) == 5s);
    CHECK(peerkit::jitter(rng, 0s, 50) == 0s);
    CHECK(peerkit::jitter(rng, -5s, 50) == -5s);
    CHECK(peerkit::jitter(rng, duration::min(), 100) == duration::min());
    CHECK(peerkit::jitter(rng, 99ns, 100) == 99ns);
}

TEST_CASE("jitter never wraps and never falls below zero, however long the time and large the share") {
    for (std::uint64_t const word : words()) {
        for (duration const base : {duration{1s}, duration::max() / 2, duration::max() / 2 + 1ns, duration::max()}) {
            for (unsigned const percent : {1U, 50U, 100U, 101U, 1000U, ~0U}) {
                fixed_rng rng{word};
                duration const drawn = peerkit::jitter(rng, base, percent);
                CHECK(drawn >= 0ns);
                CHECK(drawn >= base - base / 100 * std::min(percent, 100U));
            }
        }
    }
    // The word that draws the longest of all.
    fixed_rng longest{static_cast<std::uint64_t>((duration::max() / 100).count()) * 200 - 1};
    CHECK(peerkit::jitter(longest, duration::max(), 100) == duration::max());
    fixed_rng high{all_ones}, low{0};
    CHECK(peerkit::jitter(low, 1s, 400) == 0s);
    CHECK(peerkit::jitter(high, 1s, 400) == 2s - 1ns);
}

TEST_CASE("a chance of none never happens and a chance of a million always does") {
    for (std::uint64_t const word : words()) {
        fixed_rng rng{word};
        CHECK(!peerkit::happens(rng, 0));
        CHECK(rng.asked == 0);
        CHECK(peerkit::happens(rng, 1'000'000));
        CHECK(peerkit::happens(rng, 0xffffffff));
        CHECK(rng.asked == 2);
    }
}

TEST_CASE("a chance happens for exactly its share of the words") {
    for (std::uint64_t const word : words()) {
        fixed_rng rng{word};
        auto const drawn = static_cast<std::uint32_t>(uniform(rng, std::uint64_t{1'000'000}));
        CHECK(!peerkit::happens(rng, drawn));
        CHECK(peerkit::happens(rng, drawn + 1));
    }
}

TEST_CASE("a chance happens about as often as it says") {
    for (std::uint32_t const chance : {1'000U, 200'000U, 500'000U, 999'000U}) {
        seeded_rng rng{14};
        std::uint32_t count = 0;
        for (int i = 0; i < 100'000; ++i) count += peerkit::happens(rng, chance) ? 1 : 0;
        // Within 3 per mille of all draws: six standard deviations at one half; the seed is fixed.
        CHECK(count * 10 + 3'000 > chance);
        CHECK(count * 10 < chance + 10'000);
    }
}

TEST_CASE("a shuffle is a permutation, of any length") {
    seeded_rng rng{15};
    for (std::size_t size = 0; size < 60; ++size) {
        std::vector<std::size_t> items(size);
        std::iota(items.begin(), items.end(), std::size_t{0});
        std::vector<std::size_t> const sorted = items;
        peerkit::shuffle(std::span{items}, rng);
        if (size > 20) CHECK(items != sorted);
        std::sort(items.begin(), items.end());
        CHECK(items == sorted);
    }
}

TEST_CASE("every order of four items is about equally frequent") {
    seeded_rng rng{16};
    std::array<int, 256> seen{};
    for (int i = 0; i < 24'000; ++i) {
        std::array<unsigned, 4> items{0, 1, 2, 3};
        peerkit::shuffle(std::span{items}, rng);
        ++seen[items[0] << 6U | items[1] << 4U | items[2] << 2U | items[3]];
    }
    int orders = 0;
    for (int const count : seen) {
        if (count == 0) continue;
        ++orders;
        // 1,000 expected, standard deviation 31; the seed is fixed.
        CHECK(count > 850);
        CHECK(count < 1'150);
    }
    CHECK(orders == 24);
}

TEST_CASE("shuffling nothing or one item takes no word") {
    fixed_rng rng{all_ones};
    std::array<int, 1> one{5};
    peerkit::shuffle(std::span<int>{}, rng);
    peerkit::shuffle(std::span{one}, rng);
    CHECK(rng.asked == 0);
    CHECK(one[0] == 5);
}
