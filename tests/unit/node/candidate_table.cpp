// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::candidate_table: rows come and go, and are found by what they hold.
#include <peerkit/node/candidate_table.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <set>
#include <vector>

using namespace peerkit;
using discovery::provenance;
using node::candidate_table;
using node::known_candidate;
using node::known_place;
using node::trust;
using node::trust_of;

namespace {

constexpr auto anybody = [](known_candidate const&) { return true; };

ip_endpoint place(unsigned i) { return {ip_address::v4(10, 0, 0, static_cast<std::uint8_t>(i)), 9000}; }
node_id person(unsigned i) {
    node_id id;
    store_big(id.bytes.data(), std::uint64_t{i} + 1);
    return id;
}
known_place kept(unsigned i, provenance from) { return {place(i), from, {}, {}, 0, {}}; }

/// A candidate with one address.
known_candidate& put(candidate_table& table, unsigned i, provenance from) {
    known_candidate& made = table.add(trust_of(from));
    table.add_place(made, kept(i, from));
    table.settle(made);
    return made;
}

} // namespace

TEST_CASE("a candidate is found by each of its addresses and its identity, until it is erased") {
    candidate_table table{1};
    known_candidate& one = put(table, 1, provenance::dns);
    table.add_place(one, kept(2, provenance::mdns));
    table.set_id(one, person(5));
    table.settle(one);
    CHECK(table.size() == 1);
    CHECK(table.find(person(5)) == &one);
    CHECK(table.find_at(place(1), anybody) == &one);
    CHECK(table.find_at(place(2), anybody) == &one);
    CHECK(table.find_at(place(2), [](known_candidate const&) { return false; }) == nullptr);
    CHECK(table.find(node_id{}) == nullptr);
    CHECK(one.sources == (node::provenance_set{provenance::dns} | provenance::mdns));
    CHECK(one.standing == trust::service);
    CHECK(table.strangers() == 0);
    CHECK(table.check_invariants() == 0);
    table.erase_place(one, 0);
    table.settle(one);
    CHECK(table.find_at(place(1), anybody) == nullptr);
    CHECK(one.standing == trust::stranger);
    CHECK(table.strangers() == 1);
    table.erase_id(one);
    CHECK(table.find(person(5)) == nullptr);
    CHECK(table.check_invariants() == 0);
    table.erase(one);
    CHECK(table.size() == 0);
    CHECK(table.strangers() == 0);
    CHECK(table.find_at(place(2), anybody) == nullptr);
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("several candidates may have one address; the one asked for is found") {
    candidate_table table{1};
    put(table, 1, provenance::dns);
    put(table, 1, provenance::host);
    auto const of_host = [](known_candidate const& c) { return c.standing == trust::user; };
    REQUIRE(table.find_at(place(1), of_host) != nullptr);
    CHECK(table.find_at(place(1), of_host)->sources == node::provenance_set{provenance::host});
    table.erase(*table.find_at(place(1), of_host));
    CHECK(table.find_at(place(1), of_host) == nullptr);
    CHECK(table.find_at(place(1), anybody) != nullptr);
}

TEST_CASE("while walking, the candidate one is at may be erased") {
    candidate_table table{1};
    for (unsigned i = 0; i < 20; ++i) put(table, i, i % 2 == 0 ? provenance::dns : provenance::mdns);
    std::size_t seen = 0;
    table.for_each([&](known_candidate& c) {
        ++seen;
        if (c.standing == trust::stranger) table.erase(c);
    });
    CHECK(seen == 20);
    CHECK(table.size() == 10);
    CHECK(table.strangers() == 0);
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("candidates are due when somebody says so, and a new one in an old row knows nothing of it") {
    candidate_table table{1};
    known_candidate& one = put(table, 1, provenance::dns);
    CHECK(table.due(one) == never);
    CHECK(table.next_due() == never);
    table.set_due(one, time_point{duration{7}});
    table.set_named(one);
    CHECK(table.next_due() == time_point{duration{7}});
    std::size_t due = 0;
    auto const count = [&](known_candidate&) { ++due; };
    table.for_each_due(time_point{duration{6}}, count);
    CHECK(due == 0);
    table.for_each_due(time_point{duration{7}}, count);
    CHECK(due == 1);
    table.erase(one);
    known_candidate& two = put(table, 2, provenance::dns);
    CHECK(table.due(two) == never);
    std::size_t named = 0;
    table.for_each_named([&](known_candidate&) { return ++named != 0; });
    CHECK(named == 0);
}

TEST_CASE("those that strategies name are walked through until they no longer do, and may be erased on the way") {
    candidate_table table{1};
    for (unsigned i = 0; i < 9; ++i) {
        known_candidate& made = put(table, i, provenance::dns);
        if (i % 3 != 0) table.set_named(made);
    }
    std::size_t named = 0;
    table.for_each_named([&](known_candidate& c) {
        ++named;
        bool const gone = c.has(place(1));
        if (gone) table.erase(c);
        return !gone && !c.has(place(2));
    });
    CHECK(named == 6);
    named = 0;
    table.for_each_named([&](known_candidate&) { return ++named != 0; });
    CHECK(named == 4);
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("what is wrong with the rows is found, each with a code of its own") {
    candidate_table table{1};
    known_candidate& one = put(table, 1, provenance::dns);
    table.set_id(one, person(1));
    CHECK(table.check_invariants() == 0);
    known_candidate const before = one;
    SUBCASE("a count") {
        one.used = false;
        CHECK(table.check_invariants() == 43);
    }
    SUBCASE("no address") {
        one.places.clear();
        CHECK(table.check_invariants() == 44);
    }
    SUBCASE("an address that is not indexed") {
        one.places[0].where = place(2);
        CHECK(table.check_invariants() == 45);
    }
    SUBCASE("an identity that is not indexed") {
        one.id = person(2);
        CHECK(table.check_invariants() == 46);
    }
    SUBCASE("an identity that is indexed and not there") {
        one.id = {};
        CHECK(table.check_invariants() == 47);
    }
    SUBCASE("sources that were not settled") {
        one.places[0].kept.insert(provenance::host);
        CHECK(table.check_invariants() == 48);
    }
    one = before;
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("the table finds what a map finds, however rows come and go") {
    seeded_rng rng{9};
    candidate_table table{77};
    std::map<node_id, unsigned> model;
    for (int step = 0; step < 5000; ++step) {
        auto const i = static_cast<unsigned>(uniform(rng, std::uint64_t{100}));
        if (known_candidate* const there = table.find(person(i))) {
            CHECK(model.erase(person(i)) == 1);
            table.erase(*there);
        } else {
            table.set_id(put(table, i / 4, happens(rng, 500'000) ? provenance::gossip : provenance::file), person(i));
            model[person(i)] = i;
        }
        if (step % 100 != 0) continue;
        REQUIRE(table.check_invariants() == 0);
        REQUIRE(table.size() == model.size());
        for (auto const& [id, number] : model) {
            known_candidate const* const found = table.find(id);
            REQUIRE(found != nullptr);
            REQUIRE(found->has(place(number / 4)));
        }
    }
}
