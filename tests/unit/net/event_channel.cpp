// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of subscriptions and batches of events, alone and on real nodes.
#include <peerkit/net/event_channel.hpp>

#include "unit/net/nodes.hpp"

#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace net_test;
using peerkit::gossip::change_kind;
using peerkit::net::event_subscription;

TEST_CASE("a consumer that blocks on its own thread gets every event and does not hold up the node") {
    asio::io_context loop;
    asio::thread_pool pool{1};
    node a = make(loop.get_executor(), quick("a"));
    node b = make(loop.get_executor(), quick("b", {a.local()}));
    std::atomic<int> taken{0}, up{0};
    std::atomic<bool> over{false}, elsewhere{true};
    auto const here = std::this_thread::get_id();
    // Named, because a coroutine goes on using the lambda it began in.
    auto const consume = [&](event_subscription events) -> asio::awaitable<void> {
        while (auto const e = co_await events.next()) {
            if (std::this_thread::get_id() == here) elsewhere = false;
            std::this_thread::sleep_for(20ms); // nobody should do this on the loop
            ++taken;
            if (e->kind == event_kind::member_up) ++up;
        }
        over = true;
    };
    asio::co_spawn(pool, consume(a.events()), asio::detached);
    int seen = 0;
    a.on_event([&](event const&) { ++seen; });
    REQUIRE(a.start());
    REQUIRE(b.start());
    CHECK(eventually(loop, [&] { return up.load() == 1; }));
    CHECK(eventually(loop, [&] { return taken.load() == seen; }));
    CHECK_FALSE(over);
    a.stop();
    b.stop();
    CHECK(eventually(loop, [&] { return over.load(); }));
    pool.join();
    CHECK(elsewhere);
}

TEST_CASE("a subscription nobody reads is bounded, and says how much was dropped when it is read") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    auto events = a.events(2);
    REQUIRE(a.start());
    int told = 0;
    a.on_event([&](event const&) { ++told; });
    for (int i = 0; i < 5; ++i) (void)a.contact({ip_address::v4(127, 0, 0, 1), 9});
    CHECK(eventually(loop, [&] { return told >= 5; }));
    a.stop();
    std::vector<event> left;
    bool over = false;
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
            while (auto const e = co_await events.next()) left.push_back(*e);
            over = true;
        },
        asio::detached);
    CHECK(eventually(loop, [&] { return over; }));
    REQUIRE(left.size() == 3);
    CHECK(left[0].kind == event_kind::lagged);
    CHECK(left[0].count >= 3);
}

TEST_CASE("a subscription to a node that was stopped ends at once, and one that is given up is forgotten") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    { auto const given_up = a.events(); }
    REQUIRE(a.start());
    a.stop();
    auto events = a.events();
    bool over = false;
    asio::co_spawn(
        loop, [&]() -> asio::awaitable<void> { over = !(co_await events.next()).has_value(); }, asio::detached);
    CHECK(eventually(loop, [&] { return over; }));
}

TEST_CASE("members that come together are one batch, and so are those that go") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    std::vector<node> others;
    for (char const* name : {"b", "c", "d"}) others.push_back(make(loop.get_executor(), quick(name, {a.local()})));
    std::vector<std::set<std::string>> batches;
    std::vector<change_kind> kinds;
    a.on_changes(
        [&](std::span<peerkit::gossip::member_change const> batch) {
            batches.emplace_back();
            for (auto const& change : batch) {
                kinds.push_back(change.kind);
                batches.back().insert(a.find(change.latest.subject)->name);
            }
        },
        {.quiet = 1s, .longest = 20s});
    REQUIRE(a.start());
    for (node& n : others) REQUIRE(n.start());
    CHECK(eventually(loop, [&] { return !batches.empty(); }));
    REQUIRE(batches.size() == 1);
    CHECK(batches[0] == std::set<std::string>{"b", "c", "d"});
    CHECK(kinds == std::vector<change_kind>(3, change_kind::joined));
    a.stop();
    for (node& n : others) n.stop();
    CHECK(runs_out(loop, 10s));
}
