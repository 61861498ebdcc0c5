// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what was heard already: windows against a set that forgets nothing, budgets, the cap and its eviction.
#include <peerkit/gossip/message_windows.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>

#include <set>
#include <utility>

using namespace peerkit;
using gossip::message_window;
using gossip::message_windows;
using std::chrono::seconds;

namespace {
constexpr time_point start = time_point{} + seconds{1000};
message_windows few(std::size_t capacity = 4) { return {capacity, seconds{60}, 10, 20}; }
} // namespace

TEST_CASE("a sequence is fresh exactly once, whatever the order, as long as the window reaches") {
    seeded_rng rng{3};
    for (int round = 0; round < 50; ++round) {
        message_window window;
        std::set<std::uint64_t> heard;
        std::uint64_t highest = 0;
        for (int i = 0; i < 2000; ++i) {
            std::uint64_t const jump = (rng() & 63U) == 0 ? uniform(rng, std::uint64_t{600}) : 0;
            std::uint64_t const top = highest + 3 + jump;
            std::uint64_t const sequence = 1 + top - std::min(top, uniform(rng, std::uint64_t{300}));
            bool const expected = (sequence > highest || highest - sequence < message_window::width) &&
                                  (highest == 0 || !heard.contains(sequence));
            REQUIRE(window.fresh(1, sequence) == expected);
            window.mark(1, sequence);
            REQUIRE_FALSE(window.fresh(1, sequence));
            if (expected) heard.insert(sequence);
            highest = std::max(highest, sequence);
        }
    }
}

TEST_CASE("a new session begins a new window, and the old one is over") {
    message_window window;
    window.mark(5, 100);
    CHECK_FALSE(window.fresh(5, 100));
    CHECK(window.fresh(6, 1));
    CHECK_FALSE(window.fresh(4, 1000));
    window.mark(6, 1);
    CHECK(window.fresh(6, 100));
    CHECK_FALSE(window.fresh(5, 101));
    message_windows all = few();
    REQUIRE(all.take(short_id{1}, start));
    all.mark(short_id{1}, 6, 1);
    CHECK(all.stale(short_id{1}, 5));
    CHECK_FALSE(all.stale(short_id{1}, 6));
    CHECK_FALSE(all.stale(short_id{2}, 5));
}

TEST_CASE("of an offer exactly what was not heard is missing") {
    message_windows all = few();
    wire::broadcast_range const offered{short_id{1}, 9, 70, ~std::uint64_t{0}, false};
    CHECK(all.missing(offered) == ~std::uint64_t{0});
    REQUIRE(all.take(short_id{1}, start));
    all.mark(short_id{1}, 9, 70);
    all.mark(short_id{1}, 9, 68);
    CHECK(all.missing(offered) == (~std::uint64_t{0} ^ 5U));
    CHECK(all.missing({short_id{1}, 9, 70, 5, false}) == 0);
    CHECK(all.missing({short_id{1}, 8, 70, 5, false}) == 0);
    CHECK(all.missing({short_id{1}, 10, 70, 5, false}) == 5);
    CHECK(all.missing({short_id{1}, 9, 400, 1, false}) == 1);
}

TEST_CASE("an origin that says more than its budget has to wait, the others do not") {
    message_windows all = few();
    int taken = 0;
    for (int i = 0; i < 100; ++i) {
        bool const ready = all.ready(short_id{1}, start);
        bool const took = all.take(short_id{1}, start);
        CHECK(ready == took);
        taken += took ? 1 : 0;
    }
    CHECK(taken == 20);
    CHECK(all.take(short_id{2}, start));
    CHECK_FALSE(all.take(short_id{1}, start));
    CHECK(all.take(short_id{1}, start + seconds{1}));
}

TEST_CASE("at the cap only an origin that has been silent for long makes room") {
    message_windows all = few(3);
    for (std::uint64_t i = 1; i <= 3; ++i) {
        REQUIRE(all.take(short_id{i}, start + seconds{i}));
        all.mark(short_id{i}, 1, 1);
    }
    CHECK_FALSE(all.ready(short_id{9}, start + seconds{60}));
    CHECK_FALSE(all.take(short_id{9}, start + seconds{60}));
    CHECK(all.fresh(short_id{9}, 1, 1));
    CHECK_FALSE(all.fresh(short_id{1}, 1, 1));
    CHECK(all.ready(short_id{9}, start + seconds{61}));
    CHECK(all.take(short_id{9}, start + seconds{61}));
    CHECK(all.size() == 3);
    CHECK(all.fresh(short_id{1}, 1, 1));
    CHECK_FALSE(all.fresh(short_id{2}, 1, 1));
    CHECK(all.check_invariants() == 0);
}
