// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::corroborated: when it doubts itself, how long it waits.
#include <peerkit/gossip/corroborated.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::corroborated;

static_assert(gossip::check_failure_detector<corroborated>());

namespace {

short_id name(std::uint64_t n) { return short_id{n}; }

} // namespace

TEST_CASE("more than 30 per cent of the last 16 probes without direct answer, and a node doubts itself") {
    corroborated d;
    for (std::uint64_t i = 0; i < 12; ++i) d.answered(name(i), true);
    for (std::uint64_t i = 0; i < 4; ++i) CHECK(d.failed({name(100 + i), 6, 0}));
    CHECK(d.sound());
    CHECK_FALSE(d.failed({name(200), 6, 0}));
    CHECK_FALSE(d.sound());
    for (std::uint64_t i = 0; i < 12; ++i) d.answered(name(i), true);
    CHECK(d.sound());
}

TEST_CASE("an answer through a helper counts against this node") {
    corroborated d;
    for (std::uint64_t i = 0; i < 10; ++i) d.answered(name(i), true);
    for (std::uint64_t i = 0; i < 6; ++i) d.answered(name(i), false);
    CHECK_FALSE(d.sound());
}

TEST_CASE("a few probes say nothing") {
    corroborated d;
    for (std::uint64_t i = 0; i < 7; ++i) CHECK(d.failed({name(i), 6, 0}));
    CHECK_FALSE(d.failed({name(8), 6, 0}));
}

TEST_CASE("failures of members that others do not reach either are not this node's") {
    corroborated d;
    for (std::uint64_t i = 0; i < 8; ++i) (void)d.failed({name(i), 6, 0});
    CHECK_FALSE(d.sound());
    for (std::uint64_t i = 0; i < 6; ++i) d.confirmed(name(i));
    CHECK(d.sound());
}

TEST_CASE("the suspicion is short with four accusers, and never without two looks") {
    auto const t = gossip::lan();
    corroborated const d;
    auto const s = d.suspicion(t, 1000);
    CHECK(s.after(3) == t.suspicion_min);
    CHECK(s.after(0) > 11s);
    CHECK(s.looks == 2);
    CHECK(s.look_gap * 2 < s.shortest);
    CHECK(d.suspicion(t, 2).after(0) == t.suspicion_min);
    CHECK(d.suspicion(t, 3).after(0) > t.suspicion_min);
    CHECK(d.suspicion(t, 3).after(1) == t.suspicion_min);
    CHECK(d.suspicion(t, 4).after(2) == t.suspicion_min);
    CHECK(d.suspicion(t, 5).after(2) > t.suspicion_min);
}
