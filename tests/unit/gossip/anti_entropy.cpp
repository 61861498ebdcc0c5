// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::digest_ranges and full_state. The concept is tested in tests/concepts/anti_entropy.cpp.
#include <peerkit/gossip/anti_entropy.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("behaviour 36: the period of full exchanges grows by one base per doubling above 32 members") {
    gossip::full_state const f;
    for (std::size_t n : {1U, 2U, 31U, 32U}) CHECK(f.period(30s, n) == 30s);
    for (std::size_t n : {33U, 63U, 64U}) CHECK(f.period(30s, n) == 60s);
    for (std::size_t n : {65U, 128U}) CHECK(f.period(30s, n) == 90s);
    CHECK(f.period(30s, 129) == 120s);
    CHECK(f.period(30s, 16384) == 300s);
}

TEST_CASE("a full exchange offers every member for every reason") {
    gossip::full_state const f;
    membership::member row;
    using enum membership::member_state;
    using enum gossip::exchange_reason;
    for (auto const state : {alive, suspect, dead, left}) {
        row.state = state;
        for (auto const why : {join, periodic, contact}) CHECK(f.offers(row, why));
    }
    for (auto const why : {join, periodic, contact}) CHECK(f.opening(why) == gossip::exchange_opening::whole);
}

TEST_CASE("digests are compared twice per base, however many members there are") {
    gossip::digest_ranges const d;
    for (std::size_t n : {1U, 32U, 33U, 16384U}) CHECK(d.period(30s, n) == 15s);
}

TEST_CASE("digests begin the periodic exchanges only, and whatever is exchanged whole is whole") {
    gossip::digest_ranges const d;
    using enum gossip::exchange_reason;
    CHECK(d.opening(periodic) == gossip::exchange_opening::compare);
    CHECK(d.opening(contact) == gossip::exchange_opening::whole);
    CHECK(d.opening(join) == gossip::exchange_opening::whole);
    membership::member row;
    for (auto const why : {join, periodic, contact}) CHECK(d.offers(row, why));
}
