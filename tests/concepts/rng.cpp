// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of Rng; docs/concepts/rng.md quotes the exemplar.
#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <span>

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_rng {
public:
    static least_rng make() noexcept { return least_rng{}; }
    least_rng(least_rng const&) = delete;
    least_rng& operator=(least_rng const&) = delete;

    std::uint64_t operator()() noexcept { return 1; }

private:
    least_rng() = default;
};
static_assert(peerkit::Rng<least_rng>);
static_assert(peerkit::check_rng<least_rng>());

// [exemplar]
/// A generator of the standard library as an Rng. std::mt19937_64 itself is not one, because it does not
/// promise not to throw; its sequence is laid down by the standard, so it serves in simulations, but not in
/// production: whoever sees 312 words of it knows the rest.
class standard_rng {
public:
    explicit standard_rng(std::uint64_t seed) : engine_{seed} {}
    std::uint64_t operator()() noexcept { return engine_(); }

private:
    std::mt19937_64 engine_;
};
static_assert(peerkit::check_rng<standard_rng>());
// [/exemplar]

static_assert(peerkit::check_rng<peerkit::seeded_rng>());

// Each requirement is missing from a type of its own, and from that one alone.
struct no_call {};
struct gives_half_words {
    std::uint32_t operator()() noexcept { return 0; }
};
struct may_throw {
    std::uint64_t operator()() { return 0; }
};
struct half_range {
    static constexpr std::uint64_t min() { return 0; }
    static constexpr std::uint64_t max() { return 0xffffffff; }
    std::uint64_t operator()() noexcept { return 0; }
};
struct never_zero {
    static constexpr std::uint64_t min() { return 1; }
    static constexpr std::uint64_t max() { return std::numeric_limits<std::uint64_t>::max(); }
    std::uint64_t operator()() noexcept { return 1; }
};
struct full_range {
    static constexpr std::uint64_t min() { return 0; }
    static constexpr std::uint64_t max() { return std::numeric_limits<std::uint64_t>::max(); }
    std::uint64_t operator()() noexcept { return 0; }
};

template <typename T>
constexpr bool lacks_only_words = !peerkit::RngDrawsWords<T> && peerkit::RngDraws<T> && peerkit::RngIsNoexcept<T> &&
                                  peerkit::RngFillsWords<T> && !peerkit::Rng<T>;
template <typename T>
constexpr bool lacks_only_noexcept = !peerkit::RngIsNoexcept<T> && peerkit::RngDraws<T> && peerkit::RngDrawsWords<T> &&
                                     peerkit::RngFillsWords<T> && !peerkit::Rng<T>;
template <typename T>
constexpr bool lacks_only_range = !peerkit::RngFillsWords<T> && peerkit::RngDraws<T> && peerkit::RngDrawsWords<T> &&
                                  peerkit::RngIsNoexcept<T> && !peerkit::Rng<T>;

static_assert(!peerkit::RngDraws<no_call> && !peerkit::Rng<no_call>);
static_assert(lacks_only_words<gives_half_words>);
static_assert(lacks_only_noexcept<may_throw>);
static_assert(lacks_only_range<half_range> && lacks_only_range<never_zero>);
static_assert(peerkit::Rng<full_range>);
static_assert(!peerkit::RngFillsWords<std::mt19937>, "32 bits, though its result may be a type of 64");
static_assert(peerkit::RngFillsWords<std::mt19937_64>);

template <peerkit::Rng R>
std::uint64_t die(R& rng) {
    return 1 + peerkit::uniform(rng, std::uint64_t{6});
}

} // namespace

TEST_CASE("code written against Rng runs on its archetype") {
    least_rng rng = least_rng::make();
    std::array<int, 3> items{1, 2, 3};
    CHECK(die(rng) == 1);
    CHECK(peerkit::uniform(rng, peerkit::duration{6}) == peerkit::duration{0});
    CHECK(peerkit::jitter(rng, peerkit::duration{1000}, 10) == peerkit::duration{900});
    CHECK(peerkit::happens(rng, 1));
    peerkit::shuffle(std::span{items}, rng);
    CHECK(items == std::array<int, 3>{2, 3, 1});
}

TEST_CASE("a generator of the standard library gives the sequence the standard lays down") {
    standard_rng rng{std::mt19937_64::default_seed};
    std::uint64_t word = 0;
    for (int i = 0; i < 10'000; ++i) word = rng();
    CHECK(word == 9981545732273789042ULL); // [rand.predef]
    for (int i = 0; i < 100; ++i) CHECK(die(rng) <= 6);
}
