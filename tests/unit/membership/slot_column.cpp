// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of values beside the member table.
#include <peerkit/membership/slot_column.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using peerkit::membership::slot_column;

TEST_CASE("values are zero until they are set, however high the slot") {
    slot_column<std::uint16_t> column;
    CHECK(column[0] == 0);
    CHECK(column[peerkit::membership::no_slot] == 0);
    column.set(1000, 7);
    CHECK(column[1000] == 7);
    CHECK(column[999] == 0);
    CHECK(column[1001] == 0);
    column.set(3, 4);
    CHECK(column[3] == 4);
    CHECK(column[1000] == 7);
}

TEST_CASE("a cleared slot is zero again, and clearing or zeroing makes no room") {
    slot_column<std::uint16_t> column;
    column.set(5, 9);
    column.clear(5);
    CHECK(column[5] == 0);
    column.clear(1'000'000'000);
    column.set(1'000'000'000, 0);
    CHECK(column[1'000'000'000] == 0);
}
