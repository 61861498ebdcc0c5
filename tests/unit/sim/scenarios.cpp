// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/scenarios.hpp: each begins, strikes whom it should, and ends by itself.
#include <peerkit/sim/scenarios.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <cstddef>

using namespace peerkit;
using namespace std::chrono_literals;
using sim::node_index;
using sim::percent;

namespace {

struct toys : toy::world {
    explicit toys(std::size_t count) : toy::world{{.seed = 3, .invariants = {.enabled = false}}, toy::make} {
        spawn_many(count);
        run_for(20s);
    }
    [[nodiscard]] std::size_t down() const { return size() - running(); }
};

} // namespace

TEST_CASE("who crashes, loses power or leaves comes back") {
    toys w{4};
    sim::crash_for(w, 1, 5s);
    sim::power_off_for(w, 2, 7s, sim::memory::lost);
    sim::leave_for(w, 3, 9s);
    CHECK(w.down() == 3);
    sim::crash_for(w, 1, 1s); // down already: nothing happens to it
    w.run_for(4s);
    CHECK(w.down() == 3);
    w.run_for(2s);
    CHECK(w.up(1));
    w.run_for(4s);
    CHECK(w.down() == 0);
    CHECK(w.statistics().restarts == 3);
}

TEST_CASE("a mass failure takes as many as it is told, all different, and gives them back at once") {
    toys w{10};
    sim::mass_failure(w, 6, 5s);
    CHECK(w.down() == 6);
    w.run_for(5s);
    CHECK(w.down() == 0);
    sim::mass_failure(w, 100, 5s);
    CHECK(w.running() == 0);
}

TEST_CASE("churn takes one now and then, a rolling restart everyone once, a cold start everyone at once") {
    toys w{5};
    sim::churn(w, 2s, 1s, 20s);
    w.run_for(30s);
    CHECK(w.statistics().crashes == 10);
    CHECK(w.down() == 0);
    sim::rolling_restart(w, 3s, 1s);
    w.run_for(1ms);
    CHECK(w.down() == 1);
    w.run_for(20s);
    CHECK(w.statistics().crashes == 15);
    for (node_index i = 0; i < 5; ++i) CHECK(w.life(i) >= 2);
    CHECK(w.down() == 0);
    sim::cold_start(w, 10s, percent(50));
    CHECK(w.running() == 0);
    w.run_for(10s);
    CHECK(w.running() == 5);
}

TEST_CASE("who stutters is awake for moments, and afterwards for good") {
    toys w{2};
    sim::stutter(w, 1, 2s, 11s);
    std::size_t asleep = 0;
    for (int i = 0; i < 110; ++i) {
        w.run_for(100ms);
        asleep += w.paused(1) ? 1 : 0;
    }
    CHECK(asleep > 90);
    w.run_for(2s);
    CHECK_FALSE(w.paused(1));
    CHECK(w.statistics().pauses >= 5);
}

TEST_CASE("links are cut, nodes isolated and the world split for a while") {
    toys w{5};
    sim::cut_for(w, 0, 1, 5s);
    CHECK(w.net().is_cut(0, 1));
    CHECK_FALSE(w.net().is_cut(1, 0));
    sim::isolate_for(w, 4, 7s);
    CHECK(w.net().is_cut(4, 3));
    CHECK(w.net().is_cut(3, 4));
    w.run_for(8s);
    CHECK(w.net().calm());
    sim::split_for(w, 2, 5s);
    CHECK(w.net().is_cut(1, 2));
    CHECK_FALSE(w.net().is_cut(0, 1));
    CHECK_FALSE(w.net().is_cut(2, 3));
    w.run_for(5s);
    CHECK(w.net().calm());
    sim::flap(w, 2, 1s, 10s);
    std::size_t apart = 0;
    for (int i = 0; i < 20; ++i) {
        w.run_for(500ms);
        apart += w.net().is_cut(2, 3) ? 1 : 0;
    }
    CHECK(apart >= 8);
    CHECK(apart <= 12);
    w.run_for(1s);
    CHECK(w.net().calm());
}

TEST_CASE("a node is deaf, silent, blocked or loses everything in bursts for a while") {
    toys w{3};
    auto const lost_within = [&](duration d) {
        std::uint64_t const before = w.statistics().lost + w.statistics().blocked;
        w.run_for(d);
        return w.statistics().lost + w.statistics().blocked - before;
    };
    sim::deafen_for(w, 1, percent(100), 5s);
    CHECK(lost_within(5s) > 0);
    sim::silence_for(w, 1, percent(100), 5s);
    CHECK(lost_within(5s) > 0);
    sim::block_for(w, 1, 5s);
    CHECK(lost_within(5s) > 0);
    CHECK(lost_within(20s) == 0);
    sim::lose_in_bursts(w, 1, 2s, 2s, 30s);
    std::size_t dark = 0;
    for (int i = 0; i < 60; ++i) {
        w.run_for(500ms);
        dark += w.net().calm() ? 0 : 1;
    }
    CHECK(dark > 10);
    CHECK(dark < 50);
    w.run_for(3s);
    CHECK(w.net().calm());
}

TEST_CASE("weather comes and goes, clocks drift apart") {
    toys w{3};
    sim::weather_for(w, &sim::link_conditions::loss, percent(20), 5s);
    sim::weather_for(w, &sim::link_conditions::corrupt, percent(1), 3s);
    sim::slow_down_for(w, 40ms, 4s);
    CHECK(w.net().default_conditions().loss == percent(20));
    CHECK(w.net().default_conditions().latency_max == 40ms);
    w.run_for(4s);
    CHECK(w.net().default_conditions().corrupt == 0);
    CHECK(w.net().default_conditions().loss == percent(20));
    w.run_for(2s);
    CHECK(w.net().default_conditions() == sim::link_conditions{});
    std::uint64_t const before = w.statistics(1).ticks;
    sim::drift_clocks(w, 500'000);
    w.run_for(1000s);
    std::uint64_t const ticks = w.statistics(1).ticks - before;
    CHECK((ticks < 995 || ticks > 1005));
}

TEST_CASE("new nodes join in a storm") {
    toys w{3};
    sim::join_storm(w, 20);
    CHECK(w.size() == 23);
    CHECK(w.run_until([&] { return w.all_see_all(); }, 1min));
}
