// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::discovery_clock: back-off while alone, refresh while not, hints, one run at a time.
#include <peerkit/node/discovery_schedule.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

using namespace peerkit;
using namespace std::chrono_literals;
using node::discovery_clock;
using node::discovery_schedule;

namespace {

/// Ends the run at `now` and gives the time until the next one.
duration wait_after(discovery_clock& clock, bool alone, time_point& now, seeded_rng& rng) {
    REQUIRE(clock.begin(now));
    clock.ended(alone, false, std::nullopt, now, rng);
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
    clock.ended(true, false, std::nullopt, now, rng);
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
    clock.ended(false, false, std::nullopt, now, rng);
    clock.hurry(now + 10s);
    CHECK(clock.next() == now + 10s);
    clock.hurry(now + 20s);
    CHECK(clock.next() == now + 10s);
    CHECK_FALSE(clock.begin(now + 9s));
    CHECK(clock.begin(now + 10s));
}

TEST_CASE("the shortest time to live brings the next run forward, within bounds, and never puts it off") {
    struct expected {
        std::optional<duration> life;
        duration wait;
    };
    for (expected const& e : {expected{std::nullopt, 60s}, {300s, 60s}, {30s, 30s}, {5s, 5s}, {1s, 5s}, {0s, 5s}}) {
        discovery_clock clock{discovery_schedule{}};
        seeded_rng rng{7};
        time_point const now{5s};
        for (int i = 0; i < 20; ++i) {
            REQUIRE(clock.begin(std::max(now, clock.next())));
            clock.ended(false, false, e.life, now, rng);
            CHECK(clock.next() - now >= e.wait * 4 / 5);
            CHECK(clock.next() - now <= e.wait * 6 / 5);
        }
    }
    discovery_schedule lazy;
    lazy.refresh = 24h;
    discovery_clock clock{lazy};
    seeded_rng rng{7};
    REQUIRE(clock.begin(time_point{5s}));
    clock.ended(false, false, std::nullopt, time_point{5s}, rng);
    CHECK(clock.next() - time_point{5s} <= 12min);
}

TEST_CASE("while alone the time to live does not matter") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    REQUIRE(clock.begin(time_point{5s}));
    clock.ended(true, false, 1h, time_point{5s}, rng);
    CHECK(clock.next() - time_point{5s} <= 1200ms);
}

TEST_CASE("in company a run that failed is repeated after 15, 30 and then every 60 seconds, an answer ends that") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point now{5s};
    for (duration const base : {15s, 30s, 60s, 60s, 60s}) {
        REQUIRE(clock.begin(now));
        clock.ended(false, true, 5s, now, rng);
        CHECK(clock.next() - now >= base * 4 / 5);
        CHECK(clock.next() - now <= base * 6 / 5);
        now = clock.next();
    }
    CHECK(wait_after(clock, false, now, rng) >= 48s);
    REQUIRE(clock.begin(now));
    clock.ended(false, true, std::nullopt, now, rng);
    CHECK(clock.next() - now <= 18s);
}

TEST_CASE("a hint leads to a run soon, once a second at most, however many there are") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point now{5s};
    REQUIRE(clock.begin(now));
    clock.ended(false, false, std::nullopt, now, rng);
    clock.hint(now + 10ms);
    CHECK(clock.next() == now + 1s);
    clock.hint(now + 20s);
    CHECK(clock.next() == now + 1s);
    int runs = 0;
    for (time_point const end = now + 10s; now < end; now += 10ms) {
        clock.hint(now);
        if (!clock.begin(now)) continue;
        ++runs;
        clock.ended(false, false, std::nullopt, now, rng);
    }
    CHECK(runs == 9);
}

TEST_CASE("a hint long after the last run leads to one at once") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point const now{5s};
    REQUIRE(clock.begin(now));
    clock.ended(false, false, std::nullopt, now, rng);
    clock.hint(now + 30s);
    CHECK(clock.next() == now + 30s);
}

TEST_CASE("a hint during a run leads to another one after it") {
    discovery_clock clock{discovery_schedule{}};
    seeded_rng rng{3};
    time_point const now{5s};
    REQUIRE(clock.begin(now));
    clock.hint(now + 100ms);
    CHECK(clock.next() == never);
    SUBCASE("that was short") {
        clock.ended(false, false, std::nullopt, now + 200ms, rng);
        CHECK(clock.next() == now + 1s);
    }
    SUBCASE("that was long") {
        clock.ended(false, false, std::nullopt, now + 5s, rng);
        CHECK(clock.next() == now + 5s);
    }
    REQUIRE(clock.begin(clock.next()));
    clock.ended(false, false, std::nullopt, now + 10s, rng);
    CHECK(clock.next() > now + 50s);
}

TEST_CASE("backing off doubles up to its bound and does not overflow") {
    CHECK(node::backed_off(1s, 0, 15s) == 1s);
    CHECK(node::backed_off(1s, 3, 15s) == 8s);
    CHECK(node::backed_off(1s, 4, 15s) == 15s);
    CHECK(node::backed_off(1s, 4'000'000'000U, 15s) == 15s);
    CHECK(node::backed_off(20s, 0, 15s) == 15s);
    CHECK(node::backed_off(1s, 4'000'000'000U, duration::max()) == duration::max());
}

TEST_CASE("numbers that contradict each other are refused, and the relation is named") {
    CHECK(check(discovery_schedule{}).has_value());
    struct wrong {
        void (*change)(discovery_schedule&);
        char const* relation;
    };
    for (wrong const& w : {
             wrong{[](discovery_schedule& s) { s.refresh = 0s; }, "refresh is positive"},
             {[](discovery_schedule& s) { s.refresh_least = -1s; }, "refresh is positive"},
             {[](discovery_schedule& s) { s.refresh_least = 1h; }, "refresh_least <= refresh_most"},
             {[](discovery_schedule& s) { s.retry_first = 0s; }, "0 < retry_first <= retry_most"},
             {[](discovery_schedule& s) { s.retry_first = 1h; }, "0 < retry_first <= retry_most"},
             {[](discovery_schedule& s) { s.hint_gap = 0s; }, "hint_gap is positive"},
             {[](discovery_schedule& s) { s.contact_period = 0s; }, "0 < contact_period <= contact_most"},
             {[](discovery_schedule& s) { s.contact_period = 1h; }, "0 < contact_period <= contact_most"},
             {[](discovery_schedule& s) { s.stagger = 0s; }, "stagger is positive"},
             {[](discovery_schedule& s) { s.contacts_per_period = 0; }, "contacts_per_period >= 1"},
             {[](discovery_schedule& s) { s.calls_per_second = 1; }, "calls_per_second >= 2"},
             {[](discovery_schedule& s) { s.max_candidates = 0; }, "max_candidates >= 1"},
         }) {
        discovery_schedule s;
        w.change(s);
        auto const checked = check(s);
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error() == gossip::gossip_error::bad_tunables);
        CHECK(checked.error().field() == w.relation);
    }
}
