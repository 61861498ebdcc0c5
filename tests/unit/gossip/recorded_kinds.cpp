// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the names of what a recorder tells apart.
#include <peerkit/gossip/recorded_kinds.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace peerkit::gossip;

TEST_CASE("every kind of input and of answer has a name of its own, and no other number has one") {
    std::set<std::string_view> names;
    for (int kind = 1; kind <= static_cast<int>(last_input_kind); ++kind)
        names.insert(to_string(static_cast<input_kind>(kind)));
    CHECK(names.size() == 27);
    CHECK_FALSE(names.contains("unknown"));
    names.clear();
    for (int kind = 1; kind <= static_cast<int>(answer_kind::ruled_out); ++kind)
        names.insert(to_string(static_cast<answer_kind>(kind)));
    CHECK(names.size() == 13);
    CHECK_FALSE(names.contains("unknown"));
    for (int const other : {0, 28, 255}) CHECK(to_string(static_cast<input_kind>(other)) == "unknown");
    for (int const other : {0, 14, 255}) CHECK(to_string(static_cast<answer_kind>(other)) == "unknown");
}
