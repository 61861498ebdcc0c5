// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::discovery_clock: back-off while alone, refresh while not, one run at a time.
#include <peerkit/node/discovery_schedule.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

using namespace peerkit;
using namespace std::chrono_literals;
using node::discovery_clock;
using node::discovery_schedule;

namespace {

/// Ends the run at `now` and gives the time until the next one.
duration wait_after(discovery_clock& clock, bool alone, time_point& now, seeded_rng& rng) {
    REQUIRE(clock.begin(now));
    clock.ended(alone, now, rng);
    duration const wait = clock.next() - now;
    now = clock.next();
    return wait;
}

} // namespace

TEST_CASE("the first run is due at once, and one run goes at a time") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{1};
    time_point const now{5s};
    CHECK(clock.next() <= now);
    CHECK(clock.begin(now));
    CHECK(clock.running());
    CHECK(clock.next() == never);
    CHECK_FALSE(clock.begin(now + 1h));
    clock.hurry(now);
    CHECK(clock.next() == never);
    clock.ended(true, now, rng);
    CHECK_FALSE(clock.running());
    CHECK_FALSE(clock.begin(now));
}

TEST_CASE("while alone the runs come after 1, 2, 4, 8 and then every 15 seconds, give or take a fifth") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        discovery_clock clock{discovery_schedule{}};
        seeded_rng rng{seed};
        time_point now{5s};
        for (duration const base : {1s, 2s, 4s, 8s, 15s, 15s, 15s}) {
            duration const wait = wait_after(clock, true, now, rng);
            CHECK(wait >= base * 4 / 5);
            CHECK(wait <= base * 6 / 5);
        }
    }
}

TEST_CASE("in company the runs come every 60 seconds, give or take a fifth, and not all alike") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point now{5s};
    duration shortest = duration::max(), longest{};
    for (int i = 0; i < 200; ++i) {
        duration const wait = wait_after(clock, false, now, rng);
        shortest = std::min(shortest, wait);
        longest = std::max(longest, wait);
    }
    CHECK(shortest >= 48s);
    CHECK(longest <= 72s);
    CHECK(longest - shortest > 12s);
}

TEST_CASE("company ends the back-off, and so does a reset") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point now{5s};
    for (int i = 0; i < 5; ++i) (void)wait_after(clock, true, now, rng);
    SUBCASE("a run that ended in company") { (void)wait_after(clock, false, now, rng); }
    SUBCASE("a reset") { clock.reset(); }
    CHECK(wait_after(clock, true, now, rng) <= 1200ms);
}

TEST_CASE("hurrying brings the next run forward and never puts it off") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point now{5s};
    REQUIRE(clock.begin(now));
    clock.ended(false, now, rng);
    clock.hurry(now + 10s);
    CHECK(clock.next() == now + 10s);
    clock.hurry(now + 20s);
    CHECK(clock.next() == now + 10s);
    CHECK_FALSE(clock.begin(now + 9s));
    CHECK(clock.begin(now + 10s));
}
