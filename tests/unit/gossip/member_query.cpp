// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of which members are meant, and of the nearest of them.
#include <peerkit/gossip/member_query.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using namespace std::chrono_literals;
using gossip::member_query;
using gossip::member_view;

namespace {

struct one_member {
    one_member() {
        p.self.name = "db1";
        p.self.roles = {"worker"};
        p.self.capabilities = {"ssd"};
        p.self.labels = {{"zone", "a"}};
        p.self.services = {{"http", 80, "", service_health::passing}, {"sql", 5432, "", service_health::warning}};
        at = table.insert(wire::record_view::trusted(p.record()), member_state::alive, time_point{});
    }
    bool fits(member_query const& which, bool is_self = false) const {
        return which.matches(member_view{table[at], is_self});
    }
    tests::puppet p{7};
    member_table table{4, 1};
    slot at = no_slot;
};

} // namespace

TEST_CASE("a query that asks for nothing means everybody who is alive or suspect") {
    one_member m;
    CHECK(m.fits({}));
    CHECK(m.fits({}, true));
    for (auto const state : {member_state::suspect, member_state::dead, member_state::left}) {
        m.table.set_state(m.at, state, time_point{});
        CHECK(m.fits({}) == (state == member_state::suspect));
        CHECK(m.fits({.departed = true}));
    }
}

TEST_CASE("each part of a query asks for one thing, and all must fit") {
    one_member const m;
    CHECK(m.fits({.name = "db1"}));
    CHECK_FALSE(m.fits({.name = "db"}));
    CHECK(m.fits({.role = "worker"}));
    CHECK_FALSE(m.fits({.role = "ssd"}));
    CHECK(m.fits({.capability = "ssd"}));
    CHECK_FALSE(m.fits({.capability = "worker"}));
    CHECK(m.fits({.labels = *label_filter::parse("zone=a")}));
    CHECK_FALSE(m.fits({.labels = *label_filter::parse("zone=b")}));
    CHECK(m.fits({.others = true}));
    CHECK_FALSE(m.fits({.others = true}, true));
    CHECK(m.fits({.name = "db1", .role = "worker", .capability = "ssd", .service = "sql"}));
    CHECK_FALSE(m.fits({.name = "db1", .role = "worker", .capability = "ssd", .service = "smtp"}));
}

TEST_CASE("a service must be offered, and be passing if that is asked for") {
    one_member const m;
    CHECK(m.fits({.service = "sql"}));
    CHECK_FALSE(m.fits({.service = "sq"}));
    CHECK(m.fits({.service = "http", .passing = true}));
    CHECK_FALSE(m.fits({.service = "sql", .passing = true}));
    CHECK(m.fits({.passing = true})); // any of them
}

TEST_CASE("the nearest are kept in order, unknown ones last, and no more than asked for") {
    member_table table{200, 1};
    contact_log log;
    std::vector<slot> slots;
    for (std::uint64_t i = 1; i <= 100; ++i) {
        tests::puppet const p{i};
        slots.push_back(table.insert(wire::record_view::trusted(p.record()), member_state::alive, time_point{}));
        if (i > 5) log.trips.note(slots.back(), std::chrono::milliseconds{(i * 37) % 101 + 1});
    }
    auto const nearest = [&](std::size_t count, std::size_t of = 100) {
        gossip::nearest_members kept{count};
        for (std::size_t i = 0; i < of; ++i) kept.show(slots[i], member_view{table[slots[i]], false, &log, slots[i]});
        std::vector<slot> found;
        kept.for_each([&](slot at) { found.push_back(at); });
        return found;
    };
    CHECK(nearest(0).empty());
    CHECK(nearest(3).size() == 3);
    CHECK(nearest(1000).size() == gossip::nearest_members::most);
    CHECK(nearest(50, 7).size() == 7);
    auto const all = nearest(64);
    for (std::size_t i = 1; i < all.size(); ++i)
        CHECK(log.trips.estimate(all[i - 1])->smoothed <= log.trips.estimate(all[i])->smoothed);
    CHECK(nearest(10) == std::vector<slot>{all.begin(), all.begin() + 10});
    // Five are unknown: they follow the two that are known, by their short ids.
    auto const few = nearest(7, 7);
    CHECK(log.trips.estimate(few[0]));
    CHECK(log.trips.estimate(few[1]));
    for (std::size_t i = 2; i < 7; ++i) {
        CHECK_FALSE(log.trips.estimate(few[i]));
        if (i > 2) CHECK(table[few[i - 1]].key < table[few[i]].key);
    }
}
