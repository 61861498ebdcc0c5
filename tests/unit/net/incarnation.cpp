// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the first incarnation of a life.
#include <peerkit/net/incarnation.hpp>

#include <doctest/doctest.h>

using namespace peerkit::net;
namespace limits = peerkit::limits;

TEST_CASE("the next incarnation is above the stored one and not below the clock") {
    CHECK(next_incarnation(0, 1000) == 1000);
    CHECK(next_incarnation(999, 1000) == 1000);
    CHECK(next_incarnation(1000, 1000) == 1001);
    CHECK(next_incarnation(5000, 1000) == 5001);
    CHECK(next_incarnation(0, 0) == 1);
    CHECK(next_incarnation(limits::incarnation - 1, 0) == limits::incarnation - 1);
    CHECK(wall_clock_incarnation() > 1'500'000'000'000'000U);
    CHECK(wall_clock_incarnation() < limits::incarnation);
}
