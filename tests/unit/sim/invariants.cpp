// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/invariants.hpp.
#include <peerkit/sim/invariants.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace peerkit;
using enum gossip::event_kind;
using enum membership::member_state;

namespace {

/// A memory in which node 3 is up with incarnation 5.
sim::view_memory with_one() {
    sim::view_memory m;
    CHECK_FALSE(m.on_event(3, member_up, 5));
    m.begin_scan();
    CHECK_FALSE(m.on_member(3, {5, alive}));
    CHECK_FALSE(m.end_scan());
    return m;
}

} // namespace

TEST_CASE("the life of a member as it should be told") {
    sim::view_memory m = with_one();
    for (auto const kind :
         {member_updated, member_suspected, member_refuted, member_suspected, member_updated, member_dead, member_up,
          member_left, member_removed, member_up, member_removed, member_up}) {
        CHECK_FALSE(m.on_event(3, kind, 6));
    }
    CHECK_FALSE(m.on_event(3, joined, 0));
}

TEST_CASE("events out of order are complained about") {
    for (auto const kind : {member_updated, member_suspected, member_refuted, member_dead, member_left}) {
        sim::view_memory m;
        CHECK(m.on_event(1, kind, 1));
        CHECK_FALSE(m.on_event(1, member_up, 1));
        CHECK(m.on_event(1, member_up, 1));
    }
    sim::view_memory m = with_one();
    CHECK_FALSE(m.on_event(3, member_dead, 5));
    CHECK(m.on_event(3, member_dead, 5));
    CHECK(m.on_event(3, member_refuted, 6));
}

TEST_CASE("a view only grows, by incarnation and then by state") {
    sim::view_memory m = with_one();
    auto const shows = [&](std::uint64_t incarnation, membership::member_state state) {
        m.begin_scan();
        auto const wrong = m.on_member(3, {incarnation, state});
        return wrong ? std::string{to_string(wrong.broken)} + ": " + wrong.what : "";
    };
    CHECK_FALSE(m.on_event(3, member_suspected, 5));
    CHECK(shows(5, suspect) == "");
    CHECK_FALSE(m.on_event(3, member_refuted, 6));
    CHECK(shows(6, alive) == "");
    CHECK(shows(5, alive) == "P3 a view only grows: a view went back to something older");
    CHECK_FALSE(m.on_event(3, member_left, 7));
    CHECK(shows(7, left) == "");
    CHECK(shows(7, dead) == "P8 no resurrection: a member that left is back with the same incarnation");
}

TEST_CASE("a member that was removed may begin again") {
    sim::view_memory m = with_one();
    CHECK_FALSE(m.on_event(3, member_removed, 5));
    CHECK_FALSE(m.on_event(3, member_up, 2));
    m.begin_scan();
    CHECK_FALSE(m.on_member(3, {2, alive}));
}

TEST_CASE("who left with an incarnation does not come up with it") {
    sim::view_memory m = with_one();
    CHECK_FALSE(m.on_event(3, member_left, 6));
    m.begin_scan();
    CHECK_FALSE(m.on_member(3, {6, left}));
    sim::view_memory other = m;
    CHECK(m.on_event(3, member_up, 6));
    CHECK_FALSE(other.on_event(3, member_up, 7));
}

TEST_CASE("the view is what the events tell") {
    for (auto const state : {suspect, dead, left}) {
        sim::view_memory m = with_one();
        m.begin_scan();
        CHECK(m.on_member(3, {5, state}));
    }
    sim::view_memory m = with_one();
    CHECK_FALSE(m.on_event(3, member_suspected, 5));
    m.begin_scan();
    CHECK(m.on_member(3, {5, alive}));
    // A stranger may be known as dead or gone without an event, not as alive.
    sim::view_memory fresh;
    fresh.begin_scan();
    CHECK_FALSE(fresh.on_member(1, {1, dead}));
    CHECK_FALSE(fresh.on_member(2, {1, left}));
    CHECK(fresh.on_member(3, {1, alive}));
}

TEST_CASE("a member that is told and not shown, or shown twice, is noticed") {
    sim::view_memory m = with_one();
    m.begin_scan();
    REQUIRE(m.end_scan());
    CHECK(*m.end_scan() == 3);
    m.begin_scan();
    CHECK_FALSE(m.on_member(3, {5, alive}));
    CHECK(m.on_member(3, {5, alive}));
    m.forget();
    m.begin_scan();
    CHECK_FALSE(m.end_scan());
}

TEST_CASE("incarnations are remembered whatever their order, goodbyes apart") {
    sim::minted_incarnations all;
    for (std::uint64_t const n : {5U, 6U, 3U, 9U, 6U, 1U}) all.add(n);
    all.add_goodbye(7);
    all.add_goodbye(7);
    CHECK(all.highest() == 9);
    for (std::uint64_t const n : {1U, 3U, 5U, 6U, 7U, 9U}) CHECK(all.has(n));
    for (std::uint64_t const n : {0U, 2U, 4U, 8U, 10U}) CHECK_FALSE(all.has(n));
    CHECK(all.has_goodbye(7));
    CHECK_FALSE(all.has_goodbye(6));
}

TEST_CASE("the bounds of every profile leave a node room to work") {
    for (auto const& t : {gossip::lan(), gossip::wan(), gossip::local()}) {
        sim::invariant_options const o = sim::invariants_of(t);
        CHECK(o.period == t.probe_period);
        CHECK(o.max_members == t.max_members);
        CHECK(o.timer_datagrams > t.direct_tries + 2U * t.helpers + t.fan_out);
        auto const seconds = static_cast<std::uint32_t>(t.probe_period / std::chrono::seconds{1}) + 2U;
        CHECK(o.timer_datagrams < 250 + 2U * t.looks_per_second * seconds);
        CHECK(o.quiet_per_mille >= 2000);
    }
}

TEST_CASE("a violation says when, who and what") {
    using namespace std::chrono_literals;
    CHECK(sim::violation{1500ms, 3, "lies"}.text() == "1.500000 node 3: lies");
    CHECK(sim::violation{0s, sim::nobody, "ends"}.text() == "0.000000 the world: ends");
    CHECK(sim::violation{1s, 2, "lies", sim::property::accuracy}.text() ==
          "1.000000 node 2: P37 nobody healthy is declared dead: lies");
}
