// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Randomness as the core sees it: a source of 64-bit words, injected; portable draws from it.
#ifndef PEERKIT_CORE_RNG_HPP
#define PEERKIT_CORE_RNG_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

PEERKIT_BEGIN_NAMESPACE

/// `rng()` can be called.
template <typename T>
concept RngDraws = requires(T& rng) { rng(); };

/// `rng()` gives a std::uint64_t.
template <typename T>
concept RngDrawsWords = requires(T& rng) {
    { rng() } -> std::same_as<std::uint64_t>;
};

/// `rng()` is noexcept.
template <typename T>
concept RngIsNoexcept = requires(T& rng) {
    { rng() } noexcept;
};

/// A generator that states its range, as those of the standard library do, states all 64 bits. The type alone
/// does not tell: std::mt19937 gives 32-bit numbers in a 64-bit type on some platforms.
template <typename T>
concept RngFillsWords = !requires {
    T::min();
    T::max();
} || requires { requires T::min() == 0 && T::max() == ~std::uint64_t{0}; };

/// A source of uniformly distributed 64-bit words. See docs/concepts/rng.md.
///
/// Production nodes need an unpredictable one (`crypto::secure_rng`): probe nonces are compared with what
/// comes back. Simulations use `seeded_rng`, whose sequence is the same with every compiler and library.
template <typename T>
concept Rng = RngDraws<T> && RngDrawsWords<T> && RngIsNoexcept<T> && RngFillsWords<T>;

/// True for an `Rng`; for anything else does not compile, and says in one sentence what is missing.
/// @code static_assert(peerkit::check_rng<my_rng>()); @endcode
template <typename T>
[[nodiscard]] consteval bool check_rng() noexcept {
    static_assert(RngDraws<T>, "peerkit: an Rng needs `operator()()`; see docs/concepts/rng.md");
    if constexpr (RngDraws<T>) {
        static_assert(RngDrawsWords<T>,
                      "peerkit: an Rng needs `operator()()` to return std::uint64_t; see docs/concepts/rng.md");
        static_assert(RngIsNoexcept<T>,
                      "peerkit: an Rng needs `operator()()` to be noexcept; see docs/concepts/rng.md");
        static_assert(RngFillsWords<T>,
                      "peerkit: an Rng needs `min()` and `max()`, if it has them, to span all 64 bits; "
                      "see docs/concepts/rng.md");
    }
    return Rng<T>;
}

/// A small deterministic generator: SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.
class seeded_rng {
public:
    explicit constexpr seeded_rng(std::uint64_t seed) noexcept : state_{seed} {}

    constexpr std::uint64_t operator()() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    /// A generator with an independent sequence; the own sequence moves on by one.
    [[nodiscard]] constexpr seeded_rng split() noexcept { return seeded_rng{(*this)() ^ 0x6a09e667f3bcc909ULL}; }

private:
    std::uint64_t state_;
};

/// A number in [0, bound), without modulo bias worth naming (bias < bound / 2^64). `bound` 0 gives 0. Takes
/// exactly one word.
template <Rng R>
[[nodiscard]] constexpr std::uint64_t uniform(R& rng, std::uint64_t bound) noexcept {
    std::uint64_t const word = rng();
    std::uint64_t const high = word >> 32, low = word & 0xffffffffU;
    if (bound <= 0xffffffffU) return (high * bound + ((low * bound) >> 32)) >> 32;
    return bound == 0 ? 0 : word % bound;
}

/// A duration in [0, bound); zero, and no word taken, if `bound` is not above zero.
template <Rng R>
[[nodiscard]] constexpr duration uniform(R& rng, duration bound) noexcept {
    return bound <= duration::zero()
               ? duration::zero()
               : duration{static_cast<duration::rep>(uniform(rng, static_cast<std::uint64_t>(bound.count())))};
}

/// `base` made longer or shorter by up to `percent` per cent: a duration in [base - width, base + width) with
/// width = base / 100 * percent, held at duration::max() instead of wrapping. More than 100 per cent counts
/// as 100, so the result is never below zero. A `base` not above zero is given back as it is.
template <Rng R>
[[nodiscard]] constexpr duration jitter(R& rng, duration base, unsigned percent) noexcept {
    duration const width = base / 100 * (percent < 100 ? percent : 100);
    if (width <= duration::zero()) return base;
    duration const low = base - width;
    std::uint64_t const extra = uniform(rng, static_cast<std::uint64_t>(width.count()) * 2);
    auto const room = static_cast<std::uint64_t>((duration::max() - low).count());
    return extra > room ? duration::max() : low + duration{static_cast<duration::rep>(extra)};
}

/// True with probability `chance_per_million` / 1,000,000. No word is taken if that is zero.
template <Rng R>
[[nodiscard]] constexpr bool happens(R& rng, std::uint32_t chance_per_million) noexcept {
    return chance_per_million != 0 && uniform(rng, std::uint64_t{1'000'000}) < chance_per_million;
}

/// Fisher-Yates; the same order for the same generator everywhere, unlike std::shuffle.
template <typename T, std::size_t Extent, Rng R>
constexpr void shuffle(std::span<T, Extent> items, R& rng) noexcept {
    for (std::size_t left = items.size(); left > 1; --left) {
        std::swap(items[left - 1], items[static_cast<std::size_t>(uniform(rng, std::uint64_t{left}))]);
    }
}

PEERKIT_END_NAMESPACE

#endif
