// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::watch_list: watcher and watched agree on each other.
#include <peerkit/gossip/watch_list.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "support/puppet.hpp"

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::watch_list;
using membership::member_state;
using membership::member_table;

namespace {

struct world {
    explicit world(std::uint64_t count) {
        for (std::uint64_t i = 1; i <= count; ++i) {
            tests::puppet const p{i};
            auto const bytes = p.record();
            (void)table.insert(wire::record_view::trusted(bytes), member_state::alive, time_point{});
            keys.push_back(p.key());
        }
    }
    member_table table{100, 5};
    std::vector<short_id> keys;
};

/// Whom a list listens to.
std::set<short_id> listens(watch_list list) {
    std::set<short_id> found;
    list.for_each_silent(0s, time_point{1000h}, [&](short_id key) { found.insert(key); });
    return found;
}

} // namespace

TEST_CASE("everybody beats to those who listen to it, and three listen to everybody") {
    world w{20};
    std::map<short_id, std::set<short_id>> beats, heard_by;
    for (short_id const self : w.keys) {
        watch_list list;
        list.rebuild(w.table, self, time_point{});
        list.for_each_watcher([&](short_id watcher) { beats[self].insert(watcher); });
        for (short_id const key : listens(list)) heard_by[key].insert(self);
    }
    for (short_id const self : w.keys) {
        CHECK(beats[self].size() == watch_list::most);
        CHECK(beats[self] == heard_by[self]);
    }
}

TEST_CASE("the silent are named once per silence, and members that stay keep their time") {
    world w{3};
    watch_list list;
    CHECK_FALSE(list.known());
    list.rebuild(w.table, w.keys[0], time_point{10s});
    list.heard(w.keys[1], time_point{14s});
    std::vector<short_id> silent;
    auto const note = [&](short_id key) { silent.push_back(key); };
    list.stale();
    list.rebuild(w.table, w.keys[0], time_point{15s});
    CHECK(list.known());
    list.for_each_silent(5s, time_point{15s}, note);
    CHECK(silent.empty());
    list.for_each_silent(5s, time_point{16s}, note);
    CHECK(silent == std::vector{w.keys[2]});
    list.for_each_silent(5s, time_point{17s}, note);
    CHECK(silent.size() == 1);
    list.postpone(1h);
    list.for_each_silent(5s, time_point{40s}, note);
    CHECK(silent.size() == 1);
}

TEST_CASE("the dead neither beat nor are listened to, suspects do and are") {
    world w{3};
    watch_list list;
    w.table.set_state(w.table.find(w.keys[1]), member_state::dead, time_point{});
    w.table.set_state(w.table.find(w.keys[2]), member_state::suspect, time_point{});
    list.rebuild(w.table, w.keys[0], time_point{});
    CHECK(listens(list) == std::set{w.keys[2]});
}
