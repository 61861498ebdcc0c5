// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::shared_records: one copy of equal bytes, kept as long as somebody holds it.
#include <peerkit/membership/shared_records.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>
#include <peerkit/membership/member_table.hpp>

#include <map>
#include <string>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using membership::shared_records;
using tests::puppet;

TEST_CASE("equal bytes are held once, until they were given back as often as taken") {
    shared_records records;
    std::byte const* const one = records.take(as_bytes("alpha"));
    CHECK(records.take(as_bytes("alpha")) == one);
    std::byte const* const other = records.take(as_bytes("alphb"));
    CHECK(other != one);
    CHECK(records.size() == 2);
    CHECK(as_text({one, 5}) == "alpha");
    records.give_back(one);
    CHECK(records.take(as_bytes("alpha")) == one);
    records.give_back(one);
    records.give_back(one);
    CHECK(records.size() == 1);
    CHECK(as_text({other, 5}) == "alphb");
    records.give_back(other);
    CHECK(records.size() == 0);
}

TEST_CASE("the set agrees with a map over thousands of random operations") {
    shared_records records;
    struct held {
        std::byte const* where;
        int times;
    };
    std::map<std::string, held> model;
    seeded_rng rng{3};
    for (int step = 0; step < 20'000; ++step) {
        // Different lengths of the same letter: many with the same end.
        std::string const text(1 + static_cast<std::size_t>(uniform(rng, std::uint64_t{400})), 'x');
        auto const known = model.find(text);
        if (uniform(rng, std::uint64_t{2}) == 0) {
            std::byte const* const where = records.take(as_bytes(text));
            if (known != model.end()) REQUIRE(where == known->second.where);
            held& h = model[text];
            h = {where, h.times + 1};
        } else if (known != model.end()) {
            records.give_back(known->second.where);
            if (--known->second.times == 0) model.erase(known);
        }
        REQUIRE(records.size() == model.size());
    }
    for (auto const& [text, h] : model) {
        REQUIRE(as_text({h.where, text.size()}) == text);
        for (int i = 0; i < h.times; ++i) records.give_back(h.where);
    }
    CHECK(records.size() == 0);
}

TEST_CASE("tables that share hold the same bytes, and give back what they replace, forget and leave behind") {
    shared_records records;
    puppet a{1}, b{2};
    auto const view = [](tests::bytes const& record) { return wire::record_view::trusted(record); };
    {
        membership::member_table one{8, 1, &records}, two{8, 2, &records};
        for (membership::member_table* t : {&one, &two}) {
            REQUIRE(t->insert(view(a.record(3)), membership::member_state::alive, time_point{}) == 0);
            REQUIRE(t->insert(view(b.record(4)), membership::member_state::alive, time_point{}) == 1);
        }
        CHECK(one[0].record_bytes().data() == two[0].record_bytes().data());
        CHECK(records.size() == 2);
        one.replace(0, view(a.record(5)));
        CHECK(records.size() == 3);
        CHECK(two[0].incarnation() == 3);
        two.replace(0, view(a.record(5)));
        CHECK(records.size() == 2);
        CHECK(one[0].record_bytes().data() == two[0].record_bytes().data());
        one.erase(1);
        CHECK(records.size() == 2);
        two.erase(1);
        CHECK(records.size() == 1);
        CHECK(one.check_invariants() == 0);
        CHECK(two.check_invariants() == 0);
    }
    CHECK(records.size() == 0);
}
