// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of stop hooks, watchdogs and gates.
#include <peerkit/net/cancellation.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <vector>

using namespace net_test;
using peerkit::net::gate;
using peerkit::net::stop_state;
using peerkit::net::watchdog;

TEST_CASE("a stop calls every hook once, newest first, and none that is gone") {
    auto const stop = std::make_shared<stop_state>();
    std::vector<int> called;
    stop_state::hook const first{stop, [&] { called.push_back(1); }};
    std::optional<stop_state::hook> gone;
    gone.emplace(stop, [&] { called.push_back(2); });
    stop_state::hook const third{stop, [&] { called.push_back(3); }};
    gone.reset();
    CHECK_FALSE(stop->stopped());
    stop->stop();
    stop->stop();
    CHECK(stop->stopped());
    CHECK(called == std::vector{3, 1});
}

TEST_CASE("a hook may destroy itself and others while it is called") {
    auto const stop = std::make_shared<stop_state>();
    int calls = 0;
    std::optional<stop_state::hook> one, two, three;
    one.emplace(stop, [&] { ++calls; });
    two.emplace(stop, [&] { ++calls; });
    three.emplace(stop, [&] {
        ++calls;
        three.reset();
        one.reset();
    });
    stop->stop();
    CHECK(calls == 2);
}

TEST_CASE("a watchdog ends what takes too long, once, and says that time was over") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    int ended = 0;
    watchdog guard{loop.get_executor(), stop, 5ms, [&] { ++ended; }};
    CHECK(runs_out(loop));
    CHECK(ended == 1);
    CHECK(guard.timed_out());
    stop->stop();
    CHECK(ended == 1);
    CHECK_FALSE(guard.stopped());
}

TEST_CASE("a watchdog ends what is under way when the stop comes") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    int ended = 0;
    {
        watchdog guard{loop.get_executor(), stop, 1h, [&] { ++ended; }};
        stop->stop();
        CHECK(ended == 1);
        CHECK(guard.stopped());
        CHECK_FALSE(guard.timed_out());
    }
    CHECK(runs_out(loop));
    CHECK(ended == 1);
}

TEST_CASE("a watchdog that is gone ends nothing, though its time was over") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    int ended = 0;
    // Both are due at the same time; whichever is told first takes the other one away.
    std::optional<watchdog> one, two;
    one.emplace(loop.get_executor(), stop, 1ms, [&] {
        ++ended;
        two.reset();
    });
    two.emplace(loop.get_executor(), stop, 1ms, [&] {
        ++ended;
        one.reset();
    });
    std::this_thread::sleep_for(5ms);
    CHECK(runs_out(loop));
    CHECK(ended == 1);
}

TEST_CASE("an extended watchdog waits for its new time") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    watchdog guard{loop.get_executor(), stop, 10ms, [] {}};
    auto const begun = steady::now();
    guard.extend(60ms);
    CHECK(runs_out(loop));
    CHECK(guard.timed_out());
    CHECK(steady::now() - begun >= 60ms);
}

TEST_CASE("a gate lets everybody pass who waits, and whoever comes later") {
    asio::io_context loop;
    gate door{loop.get_executor()};
    int passed = 0;
    auto const pass = [&]() -> asio::awaitable<void> {
        co_await door.wait();
        ++passed;
    };
    asio::co_spawn(loop, pass, [](std::exception_ptr) {});
    asio::co_spawn(loop, pass, [](std::exception_ptr) {});
    loop.run_for(5ms);
    CHECK(passed == 0);
    door.open();
    CHECK(runs_out(loop));
    CHECK(passed == 2);
    asio::co_spawn(loop, pass, [](std::exception_ptr) {});
    CHECK(runs_out(loop));
    CHECK(passed == 3);
}
