// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/birth.hpp.
#include <peerkit/sim/birth.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("every life has the same key and address, other randomness, and what the last one stored if that survived") {
    std::vector<sim::birth> births;
    std::vector<std::string> stored;
    toy::world world{{.seed = 3}, [&](sim::birth const& b) {
                         births.push_back(b);
                         stored.push_back(to_hex(b.stored));
                         return toy::make(b);
                     }};
    world.spawn("first");
    world.run_for(1s);
    world.crash(0);
    CHECK(world.restart(0));
    world.crash(0);
    CHECK(world.restart(0));
    world.crash(0);
    CHECK(world.restart(0, sim::memory::lost));
    world.crash(0);
    CHECK(world.restart(0, sim::memory::lost_and_clock_wrong));
    world.crash(0);
    CHECK(world.restart_with(0, 70));
    REQUIRE(births.size() == 6);
    for (std::uint32_t i = 0; i < 6; ++i) {
        CHECK(births[i].index == 0);
        CHECK(births[i].life == i + 1);
        CHECK(births[i].name == "first");
        CHECK(births[i].where == births[0].where);
        CHECK(births[i].identity_seed == births[0].identity_seed);
        if (i != 0) CHECK(births[i].rng_seed != births[i - 1].rng_seed);
    }
    CHECK(births[0].incarnation == 1'000'000);
    CHECK(births[1].incarnation == 2'000'000); // a second later
    CHECK(births[2].incarnation == 2'000'001); // no time later
    CHECK(births[3].incarnation == 2'000'000); // nothing stored
    CHECK(births[4].incarnation == 1);         // nor the time
    CHECK(births[5].incarnation == 70);
    CHECK(stored == std::vector<std::string>{"", "00000000000f4240", "00000000001e8480", "", "", ""});
}
