// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::accusation: when it is dropped, when it is published.
#include <peerkit/gossip/accusation.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "support/puppet.hpp"

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::accusation;
using gossip::accusation_list;
using gossip::jury;

namespace {

short_id const subject{77};

/// A jury of `size` members.
jury jury_of(std::uint64_t size) {
    membership::member_table table{100, 5};
    for (std::uint64_t i = 1; i <= size; ++i) {
        auto const bytes = tests::puppet{i}.record();
        (void)table.insert(wire::record_view::trusted(bytes), membership::member_state::alive, time_point{});
    }
    return {table, short_id{1}, subject, 5};
}
std::vector<short_id> silent(accusation const& a) {
    std::vector<short_id> found;
    a.for_each_silent([&](short_id one) { found.push_back(one); });
    return found;
}
accusation made(std::uint64_t size, unsigned needed = 1) {
    return {subject, 5, 99, jury_of(size), needed, time_point{10s}};
}

} // namespace

TEST_CASE("one member that heard the subject ends an accusation") {
    accusation a = made(20);
    auto const asked = silent(a);
    REQUIRE(asked.size() == accusation::bench);
    CHECK(a.answer(asked[0], false));
    CHECK(a.answer(asked[1], false));
    CHECK_FALSE(a.refuted());
    CHECK(a.answer(asked[2], true));
    CHECK(a.refuted());
    CHECK_FALSE(a.proven(2));
}

TEST_CASE("enough members that heard nothing prove it, each counted once, nobody who was not asked") {
    accusation a = made(20);
    auto const asked = silent(a);
    CHECK_FALSE(a.answer(short_id{12345}, false));
    CHECK(a.answer(asked[0], false));
    CHECK_FALSE(a.answer(asked[0], false));
    CHECK_FALSE(a.answer(asked[0], true));
    CHECK(a.answer(asked[1], false));
    CHECK_FALSE(a.proven(3));
    CHECK(a.answer(asked[2], false));
    CHECK(a.proven(3));
    REQUIRE(a.witnesses().size() == 3);
    CHECK(a.witnesses()[0] == asked[0]);
    CHECK(silent(a).size() == 3);
}

TEST_CASE("where there are few to ask, all of them are enough") {
    accusation a = made(2);
    auto const asked = silent(a);
    REQUIRE(asked.size() == 2);
    CHECK(a.answer(asked[0], false));
    CHECK_FALSE(a.proven(3));
    CHECK(a.answer(asked[1], false));
    CHECK(a.proven(3));
}

TEST_CASE("more witnesses than a message names are counted and not kept") {
    accusation a = made(20);
    for (short_id const one : silent(a)) CHECK(a.answer(one, false));
    CHECK(a.witnesses().size() == limits::accusers - 1);
}

TEST_CASE("the second half of the jury is asked once, and only it") {
    accusation a = made(20);
    auto const first = silent(a);
    a.repeat();
    CHECK(a.widen(time_point{11s}));
    CHECK(a.begun() == time_point{11s});
    CHECK_FALSE(a.repeated());
    auto const second = silent(a);
    CHECK(second.size() == jury::most - accusation::bench);
    for (short_id const one : second) CHECK(std::find(first.begin(), first.end(), one) == first.end());
    CHECK_FALSE(a.widen(time_point{12s}));
    accusation small = made(5);
    CHECK_FALSE(small.widen(time_point{11s}));
}

TEST_CASE("nobody vouches alone for somebody who goes on not answering") {
    accusation_list list;
    CHECK(list.needed(subject) == 1);
    list.let_go(subject);
    CHECK(list.needed(subject) == 2);
    accusation a = made(20, list.needed(subject));
    auto const asked = silent(a);
    CHECK(a.answer(asked[0], true));
    CHECK_FALSE(a.refuted());
    for (std::size_t i = 1; i < 4; ++i) CHECK(a.answer(asked[i], false));
    CHECK(a.proven(3));
    list.let_go(subject);
    CHECK(list.needed(subject) == 3);
    list.trust(subject);
    CHECK(list.needed(subject) == 1);
}

TEST_CASE("if all who are asked heard it, that is enough, however many were wanted") {
    accusation a = made(2, 5);
    for (short_id const one : silent(a)) CHECK(a.answer(one, true));
    CHECK(a.refuted());
    accusation torn = made(2, 5);
    auto const asked = silent(torn);
    CHECK(torn.answer(asked[0], true));
    CHECK(torn.answer(asked[1], false));
    CHECK_FALSE(torn.refuted());
    CHECK(torn.proven(3));
}

TEST_CASE("an accusation is found by its subject and by its nonce, until it is removed") {
    accusation_list list;
    list.add(made(20));
    CHECK(list.find(subject) != nullptr);
    CHECK(list.by_nonce(99) != nullptr);
    CHECK(list.by_nonce(98) == nullptr);
    list.remove(subject);
    CHECK(list.find(subject) == nullptr);
    CHECK(list.empty());
    for (std::size_t i = 0; i < accusation_list::most; ++i) list.add(made(2));
    CHECK(list.full());
    list.clear();
    CHECK(list.empty());
}
