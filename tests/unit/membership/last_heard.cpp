// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of when members were last heard.
#include <peerkit/membership/last_heard.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;
using membership::last_heard;

TEST_CASE("a member was heard when it was noted, to two seconds, until it is forgotten") {
    last_heard heard;
    CHECK_FALSE(heard.find(3, time_point{1h}));
    for (auto const when : {0s, 1s, 2s, 3600s, 131069s, 131070s, 131072s, 1'000'000s}) {
        CAPTURE(when.count());
        heard.note(3, time_point{when});
        for (auto const later : {0s, 1s, 59s, 3600s, 131000s}) {
            auto const found = heard.find(3, time_point{when + later});
            REQUIRE(found);
            CHECK(*found <= time_point{when});
            CHECK(*found > time_point{when - 2s});
        }
    }
    CHECK_FALSE(heard.find(2, time_point{1h}));
    heard.forget(3);
    CHECK_FALSE(heard.find(3, time_point{1h}));
}

TEST_CASE("what is longer ago than a cycle is taken for more recent, but never for later than allowed") {
    last_heard heard;
    heard.note(0, time_point{1h});
    CHECK(*heard.find(0, time_point{40h}) == time_point{1h + 131070s});
    // Whoever died two hours after it was last heard was not heard since.
    CHECK(*heard.find(0, time_point{3h}) == time_point{1h});
}
