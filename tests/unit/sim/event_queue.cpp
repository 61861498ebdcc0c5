// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/event_queue.hpp.
#include <peerkit/sim/event_queue.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>

#include <algorithm>
#include <utility>
#include <vector>

using namespace peerkit;

TEST_CASE("an empty queue is due never") {
    sim::event_queue<int> q;
    CHECK(q.empty());
    CHECK(q.next_time() == never);
}

TEST_CASE("entries come out by time, and in the order they went in where times are equal") {
    sim::event_queue<int> q;
    seeded_rng rng{1};
    std::vector<std::pair<time_point, int>> model;
    int next = 0;
    for (int round = 0; round < 20'000; ++round) {
        if (model.empty() || uniform(rng, std::uint64_t{5}) < 3) {
            time_point const when{duration{static_cast<duration::rep>(uniform(rng, std::uint64_t{50}))}};
            q.push(when, next);
            model.emplace_back(when, next++);
        } else {
            auto const first = std::min_element(model.begin(), model.end(),
                                                [](auto const& a, auto const& b) { return a.first < b.first; });
            REQUIRE(q.next_time() == first->first);
            REQUIRE(q.pop() == first->second); // min_element gives the first of equals
            model.erase(first);
        }
        REQUIRE(q.size() == model.size());
    }
}
