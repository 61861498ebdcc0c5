// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/plan.hpp.
#include <peerkit/sim/plan.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <string>
#include <utility>

using namespace peerkit;
using namespace std::chrono_literals;
using sim::plan;

namespace {

sim::verdict live(plan const& p, sim::world_options base = {}) {
    toy::world w{p.options(std::move(base)), toy::make};
    return sim::live_through(w, p);
}

} // namespace

TEST_CASE("the same seed draws the same plan, another another, all within the bounds") {
    CHECK(plan::draw(5) == plan::draw(5));
    CHECK_FALSE(plan::draw(5) == plan::draw(6));
    sim::plan_bounds const bounds{.nodes_least = 4, .nodes_most = 9, .faults_most = 4min, .patience = 1min};
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
        plan const p = plan::draw(seed, bounds);
        CHECK(p.nodes >= 4);
        CHECK(p.nodes <= 9);
        CHECK(p.faults <= 4min);
        CHECK(p.length() == p.faults + 1min + p.rest);
        duration last{};
        for (sim::incident const& i : p.incidents) {
            CHECK(i.when >= last);
            CHECK(i.when + i.lasts <= p.faults);
            CHECK(i.node < p.nodes);
            last = i.when;
        }
    }
}

TEST_CASE("a plan without incidents goes well, and takes the same course every time") {
    plan p;
    p.seed = 7;
    p.join_within = 2s;
    auto const v = live(p);
    INFO(v.what);
    CHECK(v.fine());
    CHECK(v.report.empty());
    CHECK(v.seconds > 5 * 300);
    CHECK(live(p).trace_hash == v.trace_hash);
    p.seed = 8;
    CHECK(live(p).trace_hash != v.trace_hash);
}

TEST_CASE("incidents strike, those after the faults or at nodes that do not exist do not") {
    plan p;
    p.incidents = {{sim::incident_kind::leap, 30s, 5s, 1},
                   {sim::incident_kind::leap, 40s, 5s, 99},
                   {sim::incident_kind::leap, 2h, 5s, 1}};
    auto const v = live(p);
    CHECK(v.struck[static_cast<std::size_t>(sim::incident_kind::leap)] == 1);
}

TEST_CASE("a world that does not come together again fails for that, with a report") {
    // The toy forgets nobody who is dead and calls none of them: an isolation that outlasts its patience is for ever.
    plan p;
    p.incidents = {{sim::incident_kind::isolate, 30s, 2min, 1}};
    auto const v = live(p);
    CHECK_FALSE(v.fine());
    CHECK(v.broken == sim::property::convergence);
    CHECK(v.what.find("not all see all") == 0);
    CHECK(v.report.find("seed 1") != std::string::npos);
}

TEST_CASE("a violation during the faults ends the plan with its name") {
    plan p;
    auto const v = live(p, {.invariants = {.max_members = 2}});
    CHECK(v.broken == sim::property::bounded_memory);
    CHECK(v.what.find("P27 bounded memory: its view has") != std::string::npos);
    CHECK(v.statistics.datagrams_sent < 1000); // it did not go on
}

TEST_CASE("a plan can be written down as a program") {
    plan p;
    p.seed = 42;
    p.strangers = 9;
    p.timer_lateness = 3ms;
    p.incidents = {{sim::incident_kind::pause, 30s, 5s, 1}};
    std::string const code = p.code();
    for (char const* line : {"sim::options_for(nodes, 42);", "packets_per_second = 9;", "timer_lateness = 3ms;",
                             "world.spawn_many(5, 0ms);", "world.at(30000ms, [&] { world.pause_for(1, 5000ms); });",
                             "world.run_for(300000ms);", "sim::put_right(world);"}) {
        INFO(code);
        CHECK(code.find(line) != std::string::npos);
    }
}

TEST_CASE("putting right ends every fault") {
    toy::world w{{.invariants = {.enabled = false}}, toy::make};
    w.spawn_many(4);
    w.net().set_default({.loss = 5});
    w.crash(1);
    w.pause(2);
    sim::put_right(w);
    CHECK(w.running() == 4);
    CHECK_FALSE(w.paused(2));
    CHECK(w.net().calm());
}
