// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/occurrence.hpp.
#include <peerkit/sim/occurrence.hpp>

#include <doctest/doctest.h>

#include <type_traits>

using namespace peerkit;

TEST_CASE("an occurrence is small and can be kept in a queue") {
    static_assert(std::is_trivially_copyable_v<sim::occurrence>);
    CHECK(sizeof(sim::occurrence) <= 12);
}
