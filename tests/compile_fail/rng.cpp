// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_rng names the requirement of Rng a type does not meet, and the page that explains it.
// expect: peerkit: an Rng needs `operator\(\)\(\)`; see docs/concepts/rng\.md
// expect: peerkit: an Rng needs `operator\(\)\(\)` to return std::uint64_t; see docs/concepts/rng\.md
// expect: peerkit: an Rng needs `operator\(\)\(\)` to be noexcept; see docs/concepts/rng\.md
// expect: needs `min\(\)` and `max\(\)`, if it has them, to span all 64 bits; see docs/concepts/rng\.md
#include <peerkit/core/rng.hpp>

#include <cstdint>

struct without_call {};
struct of_half_words {
    std::uint32_t operator()() noexcept;
};
struct not_noexcept {
    std::uint64_t operator()();
};
struct of_half_range {
    static constexpr std::uint64_t min() { return 0; }
    static constexpr std::uint64_t max() { return 0xffffffff; }
    std::uint64_t operator()() noexcept;
};

#if PEERKIT_COMPILE_FAIL
static_assert(peerkit::check_rng<without_call>());
static_assert(peerkit::check_rng<of_half_words>());
static_assert(peerkit::check_rng<not_noexcept>());
static_assert(peerkit::check_rng<of_half_range>());
#else
static_assert(peerkit::check_rng<peerkit::seeded_rng>());
static_assert(!peerkit::Rng<without_call>);
#endif
