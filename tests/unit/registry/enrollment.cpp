// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of when a node is made known and when that is renewed.
#include <peerkit/registry/enrollment.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;
using registry::enrollment;
using registry::enrollment_state;
using task = registry::enrollment::task;

TEST_CASE("a node is made known at once, renewed after a third of its life, and again when it says something new") {
    seeded_rng rng{1};
    enrollment e{registry::client_options{.time_to_live = 30s}};
    time_point const t{};
    CHECK(e.due(7, t) == task::enroll);
    CHECK_FALSE(e.maybe_known());
    e.begins(7);
    CHECK(e.maybe_known());
    CHECK(e.state() == enrollment_state::registering);
    e.succeeded({}, t, rng);
    CHECK(e.state() == enrollment_state::registered);
    CHECK(e.due(7, t + 8s) == task::nothing);
    CHECK(e.due(8, t) == task::enroll);
    CHECK(e.due(7, t + 11s) == task::renew);
    CHECK(e.next() > t + 8900ms);
    CHECK(e.next() < t + 11100ms);
    e.succeeded({.time_to_live = 0s, .interval = 20s}, t, rng);
    CHECK(e.due(7, t + 17s) == task::nothing);
    CHECK(e.generation() == 1);
}

TEST_CASE("a failure means a pause; when life is over the node is lost, and made known afresh") {
    seeded_rng rng{1};
    enrollment e{registry::client_options{.time_to_live = 30s}};
    time_point t{};
    e.begins(7);
    e.failed(0s, t, rng);
    CHECK(e.state() == enrollment_state::unregistered);
    CHECK(e.next() <= t + 500ms);
    e.begins(7);
    e.failed(40s, t, rng);
    CHECK(e.due(7, t + 39s) == task::nothing);
    CHECK(e.due(8, t + 39s) == task::nothing); // news wait, too
    CHECK(e.due(7, t + 40s) == task::enroll);
    e.begins(7);
    e.succeeded({}, t, rng);
    e.failed(0s, t + 29s, rng);
    CHECK(e.state() == enrollment_state::registered);
    e.unreachable(t + 30s);
    CHECK(e.state() == enrollment_state::lost);
    CHECK(e.due(7, t + 30s) == task::enroll);
    e.begins(7);
    e.cut_off();
    CHECK(e.state() == enrollment_state::unregistered);
    CHECK(e.due(7, t + 30s) == task::enroll);
    e.begins(7);
    e.succeeded({}, t + 30s, rng);
    CHECK(e.generation() == 2);
    e.leave();
    CHECK_FALSE(e.maybe_known());
    CHECK(e.due(7, t + 30s) == task::enroll);
}

TEST_CASE("pauses are random below a bound that doubles up to a limit") {
    seeded_rng rng{3};
    registry::jittered_backoff pause{500ms, 30s};
    duration longest{};
    for (int i = 0; i < 100; ++i) {
        duration const bound = i < 7 ? duration{500ms} * (1 << i) : duration{30s};
        duration const one = pause.next(rng);
        CHECK(one < std::min(bound, duration{30s}));
        longest = std::max(longest, one);
    }
    CHECK(longest > 25s);
    pause.reset();
    CHECK(pause.next(rng) < 500ms);
}
