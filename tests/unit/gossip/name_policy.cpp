// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the rule about names and of the index that finds them.
#include <peerkit/gossip/name_policy.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using gossip::name_policy;
using gossip::wins_name;

TEST_CASE("of two claims to a name exactly one wins, the first or the last, whoever is asked; unless all may have it") {
    wire::record_key const early{short_id{5}, 100}, late{short_id{3}, 200}, same{short_id{7}, 100};
    CHECK(wins_name(name_policy::refuse, early, late));
    CHECK_FALSE(wins_name(name_policy::refuse, late, early));
    CHECK(wins_name(name_policy::replace, late, early));
    CHECK_FALSE(wins_name(name_policy::replace, early, late));
    for (auto const policy : {name_policy::refuse, name_policy::replace})
        CHECK(wins_name(policy, early, same) != wins_name(policy, same, early));
    CHECK(wins_name(name_policy::allow, early, late));
    CHECK(wins_name(name_policy::allow, late, early));
}

TEST_CASE("a name is found while its member is alive or suspect, and only then") {
    member_table table{300, 1};
    gossip::name_index names;
    std::vector<slot> slots;
    for (std::uint64_t i = 1; i <= 300; ++i) {
        tests::puppet const p{i};
        auto const record = p.record();
        slots.push_back(table.insert(wire::record_view::trusted(record), member_state::alive, time_point{}));
        names.note(slots.back(), p.self.name);
    }
    for (std::uint64_t i = 1; i <= 300; ++i) {
        CHECK(names.find(table, "n" + std::to_string(i), no_slot) == slots[i - 1]);
        CHECK(names.find(table, "n" + std::to_string(i), slots[i - 1]) == no_slot);
    }
    CHECK(names.find(table, "n301", no_slot) == no_slot);
    CHECK(names.find(table, "", no_slot) == no_slot);
    table.set_state(slots[4], member_state::suspect, time_point{});
    CHECK(names.find(table, "n5", no_slot) == slots[4]);
    table.set_state(slots[4], member_state::dead, time_point{});
    CHECK(names.find(table, "n5", no_slot) == no_slot);
    names.clear(slots[5]);
    CHECK(names.find(table, "n6", no_slot) == no_slot);
}
