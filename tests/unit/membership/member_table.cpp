// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::member_table: against a map, at its cap, and its own check.
#include <peerkit/membership/member_table.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using tests::bytes;
using tests::puppet;

namespace {

wire::record_view view(bytes const& record) { return wire::record_view::trusted(record); }

} // namespace

TEST_CASE("the table agrees with a map over thousands of random operations") {
    seeded_rng rng{5};
    shared_records records;
    bool shared = false;
    SUBCASE("with records of its own") {}
    SUBCASE("with shared records") { shared = true; }
    member_table table{300, 0x1234, shared ? &records : nullptr};
    struct expected {
        slot at;
        std::uint64_t incarnation;
        member_state state;
    };
    std::map<std::uint64_t, expected> model;
    for (int step = 0; step < 20000; ++step) {
        puppet p{1 + uniform(rng, std::uint64_t{400})};
        p.self.version = std::string(uniform(rng, std::uint64_t{30}), 'v');
        slot const at = table.find(p.key());
        auto const known = model.find(p.seed);
        REQUIRE((at == no_slot) == (known == model.end()));
        if (at == no_slot) {
            auto const state = static_cast<member_state>(uniform(rng, std::uint64_t{4}));
            slot const added = table.insert(view(p.record(7)), state, time_point{});
            REQUIRE((added == no_slot) == (model.size() == 300));
            if (added != no_slot) model[p.seed] = {added, 7, state};
            continue;
        }
        REQUIRE(at == known->second.at);
        REQUIRE(table[at].incarnation() == known->second.incarnation);
        REQUIRE(table[at].record().id() == p.id());
        switch (uniform(rng, std::uint64_t{3})) {
        case 0:
            table.erase(at);
            model.erase(known);
            break;
        case 1:
            table.replace(at, view(p.record(++known->second.incarnation)));
            REQUIRE(table[at].record().version() == p.self.version);
            break;
        default:
            known->second.state = static_cast<member_state>(uniform(rng, std::uint64_t{4}));
            table.set_state(at, known->second.state, time_point{});
        }
        if (step % 97 == 0) REQUIRE(table.check_invariants() == 0);
    }
    REQUIRE(table.check_invariants() == 0);
    std::map<member_state, std::size_t> counted;
    for (auto const& [seed, e] : model) ++counted[e.state];
    std::size_t rows = 0;
    table.for_each([&](slot, member const&) { ++rows; });
    CHECK(rows == model.size());
    CHECK(records.size() == (shared ? rows : 0));
    CHECK(table.size() == model.size());
    for (unsigned s = 0; s < 4; ++s)
        CHECK(table.count(static_cast<member_state>(s)) == counted[static_cast<member_state>(s)]);
    CHECK(table.reachable() == counted[member_state::alive] + counted[member_state::suspect]);
}

TEST_CASE("a full table takes nobody, and takes somebody again after one is forgotten") {
    member_table table{2, 1};
    puppet a{1}, b{2}, c{3};
    slot const first = table.insert(view(a.record()), member_state::alive, time_point{});
    REQUIRE(table.insert(view(b.record()), member_state::alive, time_point{}) != no_slot);
    CHECK(table.insert(view(c.record()), member_state::alive, time_point{}) == no_slot);
    CHECK(table.size() == 2);
    CHECK(table.find(c.key()) == no_slot);
    table.erase(first);
    CHECK(table.insert(view(c.record()), member_state::alive, time_point{}) == first);
    CHECK(table.find(a.key()) == no_slot);
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("a forgotten row leaves nothing to the member that takes its place") {
    member_table table{4, 1};
    puppet a{1}, b{2};
    slot const at = table.insert(view(a.record()), member_state::suspect, time_point{});
    table[at].reported = true;
    table[at].transmits = 9;
    table[at].suspicion = 3;
    (void)table[at].window.accept(8, 8);
    table.erase(at);
    REQUIRE(table.insert(view(b.record(5)), member_state::alive, time_point{}) == at);
    member const& row = table[at];
    CHECK(row.key == b.key());
    CHECK(row.state == member_state::alive);
    CHECK_FALSE(row.reported);
    CHECK_FALSE(row.queued);
    CHECK(unsigned{row.transmits} == 0);
    CHECK(row.suspicion == member::no_suspicion);
    CHECK(row.window.bitmap == 0);
}

TEST_CASE("slots and rows stay where they are while the table grows") {
    member_table table{1000, 77};
    puppet first{1};
    slot const at = table.insert(view(first.record()), member_state::alive, time_point{});
    member const* const where = &table[at];
    for (std::uint64_t i = 2; i <= 1000; ++i)
        (void)table.insert(view(puppet{i}.record()), member_state::alive, time_point{});
    CHECK(&table[at] == where);
    CHECK(table.find(first.key()) == at);
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("entering a state notes when, and entering it again does not") {
    member_table table{2, 1};
    puppet a{1};
    slot const at = table.insert(view(a.record()), member_state::alive, time_point{std::chrono::seconds{1}});
    table.set_state(at, member_state::dead, time_point{std::chrono::seconds{2}});
    table.set_state(at, member_state::dead, time_point{std::chrono::seconds{3}});
    CHECK(table[at].since == time_point{std::chrono::seconds{2}});
    CHECK(table.count(member_state::dead) == 1);
    CHECK(table.count(member_state::alive) == 0);
}

TEST_CASE("the random row is drawn from all rows, and there is none in an empty table") {
    member_table table{8, 1};
    seeded_rng rng{1};
    CHECK(table.any(rng) == no_slot);
    for (std::uint64_t i = 1; i <= 4; ++i)
        (void)table.insert(view(puppet{i}.record()), member_state::alive, time_point{});
    std::set<slot> drawn;
    for (int i = 0; i < 200; ++i) drawn.insert(table.any(rng));
    CHECK(drawn == std::set<slot>{0, 1, 2, 3});
}

TEST_CASE("the table's own check notices rows that were changed behind its back") {
    member_table table{8, 1};
    puppet a{1}, b{2};
    slot const at = table.insert(view(a.record()), member_state::alive, time_point{});
    REQUIRE(table.check_invariants() == 0);
    SUBCASE("a state") {
        table[at].state = member_state::dead;
        CHECK(table.check_invariants() == 1);
    }
    SUBCASE("a key") {
        table[at].key = b.key();
        CHECK(table.check_invariants() != 0);
    }
}

TEST_CASE("what a member's entries sum up to counts in the digest with its record, as long as it is reachable") {
    member_table table{10, 1};
    puppet p{1}, other{2};
    slot const at = table.insert(view(p.record(7)), member_state::alive, time_point{});
    std::uint64_t const bare = table.digest().root();
    CHECK(table.fingerprint(at) == bare);
    table.set_entries_sum(at, 1000);
    CHECK(table.digest().root() == bare + 1000);
    CHECK(table.fingerprint(at) == bare + 1000);
    CHECK(table.entries_sum(at) == 1000);
    CHECK(table.check_invariants() == 0);
    table.set_state(at, member_state::dead, time_point{});
    CHECK(table.digest().root() == 0);
    table.set_entries_sum(at, 1001);
    CHECK(table.digest().root() == 0);
    CHECK(table.check_invariants() == 0);
    table.set_state(at, member_state::suspect, time_point{});
    CHECK(table.digest().root() == bare + 1001);
    table.replace(at, view(p.record(8)));
    CHECK(table.digest().root() == table[at].fingerprint() + 1001);
    CHECK(table.check_invariants() == 0);
    table.erase(at);
    CHECK(table.digest().root() == 0);
    // The slot is somebody else's now.
    slot const next = table.insert(view(other.record(7)), member_state::alive, time_point{});
    CHECK(next == at);
    CHECK(table.digest().root() == table[next].fingerprint());
    CHECK(table.check_invariants() == 0);
}
