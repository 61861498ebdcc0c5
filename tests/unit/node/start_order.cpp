// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::start_order: each step once, in one order, none waited for longer than its patience.
#include <peerkit/node/start_order.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using node::start_order;
using node::start_step;

namespace {

constexpr time_point start{1000s};

std::vector<start_step> steps(start_order& order, time_point now) {
    std::vector<start_step> all;
    while (auto const step = order.next(now)) all.push_back(*step);
    return all;
}
std::vector<start_step> const the_rest{start_step::listening, start_step::announcing};
std::vector<start_step> const everything{start_step::recalling, start_step::listening, start_step::announcing};

} // namespace

TEST_CASE("nothing begins before the start, and nothing is due") {
    start_order order;
    CHECK(steps(order, start).empty());
    CHECK(order.deadline() == never);
    CHECK_FALSE(order.listening());
    CHECK_FALSE(order.store_awaited());
    CHECK(order.step() == start_step::idle);
}

TEST_CASE("when discovery has answered, the node recalls, listens and announces, in this order and once") {
    start_order order;
    order.begin(start, false);
    CHECK(order.step() == start_step::discovering);
    CHECK(steps(order, start + 500ms).empty());
    CHECK_FALSE(order.listening());
    order.discovered();
    CHECK(steps(order, start + 500ms) == everything);
    CHECK(order.listening());
    CHECK(order.has_discovered());
    CHECK(order.step() == start_step::announcing);
    CHECK(steps(order, start + 1h).empty());
    order.announced();
    CHECK(order.step() == start_step::done);
    CHECK(order.listening());
    CHECK(order.deadline() == never);
}

TEST_CASE("discovery is waited for as long as its patience, and no longer") {
    start_order order;
    order.begin(start, false);
    CHECK(order.deadline() == start + start_order::discovery_patience);
    CHECK(steps(order, start + start_order::discovery_patience - 1ns).empty());
    CHECK(steps(order, start + start_order::discovery_patience) == everything);
    CHECK_FALSE(order.has_discovered());
}

TEST_CASE("a node with a store recalls its peers, but does not listen before its incarnation is kept") {
    start_order order;
    order.begin(start, true);
    CHECK(order.store_awaited());
    order.discovered();
    CHECK(steps(order, start) == std::vector{start_step::recalling});
    CHECK(order.step() == start_step::keeping);
    CHECK_FALSE(order.listening());
    CHECK(order.deadline() == start + start_order::store_patience);
    order.kept();
    CHECK_FALSE(order.store_awaited());
    CHECK(steps(order, start + 10ms) == the_rest);
}

TEST_CASE("a store that says nothing does not keep a node from its network for ever") {
    start_order order;
    order.begin(start, true);
    order.discovered();
    CHECK(steps(order, start + start_order::store_patience - 1ns) == std::vector{start_step::recalling});
    CHECK(steps(order, start + start_order::store_patience) == the_rest);
    CHECK_FALSE(order.store_awaited());
}

TEST_CASE("a node that others have introduced waits for nothing") {
    start_order order;
    order.begin(start, true);
    order.joined();
    CHECK(steps(order, start) == everything);
}

TEST_CASE("announcing ends only once it has begun") {
    start_order order;
    order.begin(start, false);
    order.announced();
    CHECK(order.step() == start_step::discovering);
}

TEST_CASE("every step of the start has a word of its own") {
    CHECK(to_string(start_step::idle) == "idle");
    CHECK(to_string(start_step::discovering) == "discovering");
    CHECK(to_string(start_step::recalling) == "recalling");
    CHECK(to_string(start_step::keeping) == "keeping");
    CHECK(to_string(start_step::listening) == "listening");
    CHECK(to_string(start_step::announcing) == "announcing");
    CHECK(to_string(start_step::done) == "done");
}
