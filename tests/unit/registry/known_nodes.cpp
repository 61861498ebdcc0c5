// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the last good list: what is left out, when a new one is doubted, how long it is good.
#include <peerkit/registry/known_nodes.hpp>

#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;
using peerkit_test::crowd;
using registry::known_nodes;

TEST_CASE("this node is left out, the list is cut, and all candidates come from a registry") {
    registry::client_options o{.max_candidates = 3};
    o.self.addresses = {ip_address::v4(192, 0, 2, 1)};
    o.self.port = 9000;
    known_nodes nodes{o};
    auto all = crowd(6);
    all[1].id.bytes[0] = std::byte{9};
    CHECK_FALSE(nodes.take(all, all[1].id, {}));
    REQUIRE(nodes.all().size() == 3);
    CHECK(nodes.all()[0].addresses.front().address == ip_address::v4(192, 0, 2, 3));
    CHECK(nodes.all()[0].source == discovery::provenance::registry);
}

TEST_CASE("a list is good for so long after it was told or confirmed") {
    known_nodes nodes{{.keep = 10s}};
    time_point const t{};
    CHECK_FALSE(nodes.good(t));
    CHECK_FALSE(nodes.take({}, {}, t));
    CHECK(nodes.good(t + 10s));
    nodes.confirmed(t + 5s);
    CHECK(nodes.good(t + 15s));
    CHECK_FALSE(nodes.good(t + 16s));
}

TEST_CASE("a loss of more than half is doubted once; saying so again, or that nothing changed, confirms it") {
    time_point const t{};
    for (bool const unchanged : {false, true}) {
        known_nodes nodes{{.second_look = 3s}};
        CHECK_FALSE(nodes.take(crowd(8), {}, t));
        CHECK_FALSE(nodes.take(crowd(4), {}, t)); // half may go
        CHECK_FALSE(nodes.take(crowd(8), {}, t));
        auto const doubt = nodes.take(crowd(3, 7), {}, t);
        REQUIRE(doubt);
        CHECK(*doubt == discovery::discovery_error::fewer_found);
        CHECK(doubt->position() == 3);
        CHECK(nodes.all().size() == 9); // with the new one
        CHECK(nodes.look_again_at() == t + 3s);
        if (unchanged)
            nodes.confirmed(t + 3s);
        else
            CHECK_FALSE(nodes.take(crowd(3, 7), {}, t + 3s));
        CHECK(nodes.all().size() == 3);
        CHECK(nodes.look_again_at() == never);
        CHECK_FALSE(nodes.take({}, {}, t + 4s)); // so few may all go
    }
}

TEST_CASE("what was listed too long ago is no reason to doubt") {
    known_nodes nodes{{.keep = 10s}};
    CHECK_FALSE(nodes.take(crowd(8), {}, time_point{}));
    CHECK_FALSE(nodes.take({}, {}, time_point{11s}));
}

TEST_CASE("lists that come quickly and say the same are asked for less and less often") {
    known_nodes nodes{{}};
    time_point t{};
    CHECK_FALSE(nodes.take(crowd(2), {}, t));
    CHECK(nodes.watch_from(t) == t);
    duration longest{};
    for (int i = 0; i < 20; ++i) { // a watch, a pause
        CHECK_FALSE(nodes.take(crowd(2), {}, t));
        longest = std::max(longest, nodes.watch_from(t) - t);
        t = nodes.watch_from(t);
    }
    CHECK(longest == known_nodes::longest_quiet);
    CHECK_FALSE(nodes.take(crowd(3), {}, t));
    CHECK(nodes.watch_from(t) == t);
    CHECK_FALSE(nodes.take(crowd(3), {}, t + 1s));
    CHECK(nodes.watch_from(t + 1s) > t + 1s);
    CHECK_FALSE(nodes.take(crowd(3), {}, t + 60s));
    CHECK(nodes.watch_from(t + 60s) == t + 60s);
}

TEST_CASE("a registry that refuses to be watched, and confirms its list, is asked less and less often") {
    known_nodes nodes{{}};
    time_point t{};
    CHECK_FALSE(nodes.take(crowd(2), {}, t));
    duration longest{};
    unsigned asked = 0;
    for (time_point const begin = t; t < begin + 10min; ++asked) {
        nodes.confirmed(t);
        longest = std::max(longest, nodes.watch_from(t) - t);
        t = std::max(nodes.watch_from(t), t + 1s);
    }
    CHECK(longest == known_nodes::longest_quiet);
    CHECK(asked < 60);        // before and after every watch
    nodes.confirmed(t + 55s); // a watch that lasted
    CHECK(nodes.watch_from(t + 55s) == t + 55s);
}

TEST_CASE("after the pause there is a watch again, though the list is the same") {
    known_nodes nodes{{}};
    time_point const t{};
    CHECK_FALSE(nodes.take(crowd(2), {}, t));
    CHECK(nodes.watch_from(t) == t);
    nodes.confirmed(t + 1s); // it ended early
    CHECK(nodes.watch_from(t + 1s) == t + 2s);
    nodes.confirmed(t + 2s); // the end of the pause, not of a watch
    CHECK(nodes.watch_from(t + 2s) == t + 2s);
    nodes.confirmed(t + 3s);
    CHECK(nodes.watch_from(t + 3s) == t + 5s);
    nodes.confirmed(t + 4s); // asked for another reason
    CHECK(nodes.watch_from(t + 4s) == t + 5s);
}
