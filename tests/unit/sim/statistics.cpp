// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/statistics.hpp.
#include <peerkit/sim/statistics.hpp>

#include <doctest/doctest.h>

#include <string_view>

using namespace peerkit;

TEST_CASE("there is a count for every kind of event") {
    sim::world_statistics s;
    for (std::size_t k = 0; k < sim::event_kind_count; ++k) {
        CHECK(to_string(static_cast<gossip::event_kind>(k)) != "unknown");
        s.events[k] = k + 1;
    }
    CHECK(to_string(static_cast<gossip::event_kind>(sim::event_kind_count)) == "unknown");
    CHECK(s.count(gossip::event_kind::member_dead) == static_cast<std::uint64_t>(gossip::event_kind::member_dead) + 1);
}
