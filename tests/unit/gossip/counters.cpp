// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::counters.
#include <peerkit/gossip/counters.hpp>

#include <doctest/doctest.h>

using peerkit::gossip::gossip_error;

TEST_CASE("every refusal has a counter of its own that begins at zero") {
    peerkit::gossip::counters c;
    for (std::uint16_t value = 1; value < peerkit::gossip::gossip_error_count; ++value) {
        auto const why = static_cast<gossip_error>(value);
        CHECK(c.refused(why) == 0);
        for (std::uint16_t i = 0; i < value; ++i) c.refuse(why);
    }
    for (std::uint16_t value = 1; value < peerkit::gossip::gossip_error_count; ++value) {
        CHECK(c.refused(static_cast<gossip_error>(value)) == value);
    }
}
