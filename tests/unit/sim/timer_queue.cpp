// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/timer_queue.hpp.
#include <peerkit/sim/timer_queue.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>

#include <algorithm>
#include <vector>

using namespace peerkit;

TEST_CASE("timers begin disarmed") {
    sim::timer_queue q;
    CHECK(q.next_time() == never);
    CHECK(q.add() == 0);
    CHECK(q.add() == 1);
    CHECK(q.size() == 2);
    CHECK(q.next_time() == never);
    CHECK(q.at(1) == never);
}

TEST_CASE("the next timer is the earliest, and of equal ones that with the lowest number") {
    sim::timer_queue q;
    std::vector<time_point> model;
    seeded_rng rng{2};
    for (int i = 0; i < 100; ++i) {
        q.add();
        model.push_back(never);
    }
    for (int round = 0; round < 50'000; ++round) {
        auto const index = static_cast<std::uint32_t>(uniform(rng, std::uint64_t{100}));
        bool const disarm = uniform(rng, std::uint64_t{4}) == 0;
        time_point const when =
            disarm ? never : time_point{duration{static_cast<duration::rep>(uniform(rng, std::uint64_t{300}))}};
        q.set(index, when);
        model[index] = when;
        auto const first = std::min_element(model.begin(), model.end());
        REQUIRE(q.next_time() == *first);
        if (*first != never) REQUIRE(q.next() == static_cast<std::uint32_t>(first - model.begin()));
        REQUIRE(q.at(index) == when);
    }
}
