// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::delivery: every kind has a name.
#include <peerkit/gossip/delivery.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace peerkit::gossip;

TEST_CASE("every kind of delivery has a name of its own") {
    std::set<std::string_view> names;
    for (auto kind = static_cast<int>(delivery_kind::broadcast); kind <= static_cast<int>(delivery_kind::failed);
         ++kind)
        names.insert(to_string(static_cast<delivery_kind>(kind)));
    CHECK(names.size() == 6);
    CHECK_FALSE(names.contains("unknown"));
    CHECK(to_string(static_cast<delivery_kind>(6)) == "unknown");
}
