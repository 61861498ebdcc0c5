// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/incident.hpp.
#include <peerkit/sim/incident.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <set>
#include <string>

using namespace peerkit;
using namespace std::chrono_literals;
using sim::incident;
using sim::incident_kind;

TEST_CASE("every kind can be drawn, carried out and written down, and is over when it says") {
    seeded_rng dice{1};
    std::set<std::string> names, lines;
    for (std::size_t kind = 0; kind < sim::incident_kinds; ++kind) {
        auto const what = static_cast<incident_kind>(kind);
        names.insert(std::string{to_string(what)});
        for (int i = 0; i < 5; ++i) {
            incident const drawn = incident::draw(what, 6, 10s, 60s, dice);
            INFO(drawn.code());
            CHECK(drawn.what == what);
            CHECK(drawn.when >= 10s);
            CHECK(drawn.when + drawn.lasts <= 60s);
            CHECK(drawn.node < 6);
            CHECK(drawn.other < 6);
            CHECK(drawn.code().find("world.at(") == 0);
            if (i == 0) lines.insert(drawn.code().substr(drawn.code().find("{ ")));
            toy::world w{{.seed = 3, .invariants = {.enabled = false}}, toy::make};
            w.spawn_many(6);
            w.at(drawn.when, [&] { drawn.carry_out(w); });
            w.run_for(drawn.when);
            w.run_for(80s - drawn.when); // what crashed last in a churn is away for a while
            CHECK(w.net().calm());
            CHECK(w.running() == w.size());
        }
    }
    CHECK(names.size() == sim::incident_kinds);
    CHECK(lines.size() == sim::incident_kinds);
    CHECK(to_string(static_cast<incident_kind>(200)) == "unknown");
}

TEST_CASE("an incident reads like the call it is") {
    incident i;
    i.what = incident_kind::crash;
    i.when = 1500ms;
    i.lasts = 3s;
    i.node = 4;
    i.amount = 1;
    CHECK(i.code() == "world.at(1500ms, [&] { sim::crash_for(world, 4, 3000ms, sim::memory::lost); });");
    i.what = incident_kind::loss;
    i.amount = 5;
    CHECK(i.code() == "world.at(1500ms, [&] { sim::weather_for(world, &sim::link_conditions::loss, 5, 3000ms); });");
}
