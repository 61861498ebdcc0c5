// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::host_name_queue: slow, bounded, and it gives up.
#include <peerkit/node/host_name_queue.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using node::host_name_queue;

namespace {

ip_address number(unsigned i) {
    return ip_address::v4(10, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i));
}

} // namespace

TEST_CASE("an address is asked for at once, and once") {
    host_name_queue queue;
    time_point const now{5s};
    CHECK(queue.next() == never);
    CHECK(queue.ask(now) == std::nullopt);
    CHECK(queue.add(number(1), now));
    CHECK(queue.add(number(1), now));
    CHECK(queue.waiting() == 1);
    CHECK(queue.next() <= now);
    CHECK(queue.ask(now) == number(1));
    CHECK(queue.ask(now) == std::nullopt);
    CHECK(queue.answered(number(1), false, now));
    CHECK(queue.waiting() == 0);
    CHECK(queue.next() == never);
}

TEST_CASE("loopback addresses are not asked for") {
    host_name_queue queue;
    CHECK(queue.add(ip_address::v4(127, 0, 0, 1), time_point{1s}));
    CHECK(queue.waiting() == 0);
}

TEST_CASE("addresses are asked for one per second, and no more than a few wait for an answer") {
    host_name_queue queue;
    time_point now{5s};
    for (unsigned i = 0; i < 10; ++i) REQUIRE(queue.add(number(i), now));
    std::size_t asked = 0;
    for (time_point const end = now + 20s; now < end; now += 100ms) {
        if (queue.ask(now)) ++asked;
        CHECK(queue.under_way() <= host_name_queue::most_under_way);
        CHECK(asked <= 1U + static_cast<std::size_t>((now - time_point{5s}) / 1s));
    }
    CHECK(asked == host_name_queue::most_under_way);
    CHECK(queue.answered(number(0), false, now));
    CHECK(queue.next() <= now);
    CHECK(queue.ask(now) == number(4));
}

TEST_CASE("what was not asked for is not answered") {
    host_name_queue queue;
    CHECK_FALSE(queue.answered(number(1), false, time_point{5s}));
    REQUIRE(queue.add(number(1), time_point{5s}));
    CHECK_FALSE(queue.answered(number(1), false, time_point{5s}));
    REQUIRE(queue.ask(time_point{5s}));
    CHECK_FALSE(queue.answered(number(2), false, time_point{5s}));
    CHECK(queue.answered(number(1), false, time_point{5s}));
    CHECK_FALSE(queue.answered(number(1), false, time_point{5s}));
}

TEST_CASE("a name service that cannot tell is asked again later, three times in all") {
    for (bool const silent : {false, true}) {
        CAPTURE(silent);
        host_name_queue queue;
        time_point now{5s};
        REQUIRE(queue.add(number(1), now));
        std::vector<time_point> asked;
        for (time_point const end = now + 3h; now < end; now += 1s) {
            if (!queue.ask(now)) continue;
            asked.push_back(now);
            if (!silent) CHECK(queue.answered(number(1), true, now));
        }
        REQUIRE(asked.size() == host_name_queue::most_tries);
        CHECK(asked[1] - asked[0] >= host_name_queue::try_again);
        CHECK(asked[2] - asked[1] >= host_name_queue::try_again);
        CHECK(queue.waiting() == 0);
        CHECK(queue.next() == never);
    }
}

TEST_CASE("however many addresses come, no more than the bound wait") {
    host_name_queue queue;
    time_point const now{5s};
    std::size_t taken = 0;
    for (unsigned i = 0; i < 60'000; ++i) taken += queue.add(number(i), now) ? 1U : 0U;
    CHECK(taken == host_name_queue::most_waiting);
    CHECK(queue.waiting() == host_name_queue::most_waiting);
}

TEST_CASE("being asked whenever it says so, it asks for everything and then has nothing to do") {
    host_name_queue queue;
    time_point now{5s};
    for (unsigned i = 0; i < 64; ++i) REQUIRE(queue.add(number(i), now));
    std::set<std::string> names;
    for (int turns = 0; queue.next() != never; ++turns) {
        REQUIRE(turns < 1000);
        now = std::max(now, queue.next());
        while (auto const address = queue.ask(now)) {
            names.insert(address->to_string());
            CHECK(queue.answered(*address, false, now));
        }
    }
    CHECK(names.size() == 64);
    CHECK(now - time_point{5s} <= 64s);
}

TEST_CASE("only what can be the name of a host is shown as one") {
    CHECK(node::is_host_name("db1.example.org"));
    CHECK(node::is_host_name("tw_node01"));
    std::string const endless(300, 'a');
    for (std::string_view const text :
         {"", "two words", "line\nbreak", "10.0.0.1", "[::1]", "host:9000", "1.2.3", ".dot", "\x1b[31mred", "..."}) {
        CAPTURE(text);
        CHECK_FALSE(node::is_host_name(text));
    }
    CHECK_FALSE(node::is_host_name(endless));
}
