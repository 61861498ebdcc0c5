// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of events that wait.
#include <peerkit/gossip/event_queue.hpp>

#include <doctest/doctest.h>

using peerkit::gossip::event;
using peerkit::gossip::event_kind;
using peerkit::gossip::event_queue;

namespace {

event numbered(std::uint32_t number) {
    event e;
    e.kind = event_kind::discovery_found;
    e.count = number;
    return e;
}

} // namespace

TEST_CASE("events come out in the order they went in") {
    event_queue q{10};
    CHECK(q.empty());
    CHECK_FALSE(q.pop());
    for (std::uint32_t i = 0; i < 10; ++i) q.push(numbered(i));
    CHECK(q.size() == 10);
    for (std::uint32_t i = 0; i < 10; ++i) {
        auto const e = q.pop();
        REQUIRE(e);
        CHECK(e->kind == event_kind::discovery_found);
        CHECK(e->count == i);
    }
    CHECK(q.empty());
}

TEST_CASE("a full queue drops the oldest and says how many, once, before what is left") {
    event_queue q{3};
    for (std::uint32_t i = 0; i < 8; ++i) q.push(numbered(i));
    CHECK(q.size() == 3);
    CHECK(q.pop()->kind == event_kind::lagged);
    for (std::uint32_t i = 5; i < 8; ++i) CHECK(q.pop()->count == i);
    CHECK_FALSE(q.pop());
    for (std::uint32_t i = 0; i < 4; ++i) q.push(numbered(i));
    auto const told = q.pop();
    CHECK(told->kind == event_kind::lagged);
    CHECK(told->count == 1);
}

TEST_CASE("a queue holds one event at least") {
    event_queue q{0};
    q.push(numbered(7));
    CHECK(q.pop()->count == 7);
}
