// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How often this program has asked for memory; for the tests of the pure floors.
#ifndef PEERKIT_TESTS_SUPPORT_ALLOCATIONS_HPP
#define PEERKIT_TESTS_SUPPORT_ALLOCATIONS_HPP

#include <cstdint>

namespace tests::allocations {

/// Calls of operator new so far, in any form, by any thread.
[[nodiscard]] std::uint64_t count() noexcept;
/// False under a sanitizer, which needs operator new for itself.
[[nodiscard]] bool counted() noexcept;

} // namespace tests::allocations

#endif
