// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: one seed, one course of the world, with every compiler and whatever strangers send.
#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <string>

using namespace scenario;

namespace {

/// A little of everything: joins, every kind of fault, crashes, a partition, a goodbye, clocks, streams.
std::uint64_t eventful(std::uint64_t seed, void (*change)(peerkit::sim::world_options&) = nullptr,
                       std::uint64_t* violations = nullptr) {
    cluster world{0, seed, {}, change};
    world.spawn_many(16, 2s);
    world.net().set_default(
        {.loss = percent(3), .duplicate = percent(3), .reorder = percent(3), .corrupt = percent(1)});
    world.set_drift(0, 900);
    world.at(20s, [&] { world.crash(3); });
    world.at(25s, [&] { world.pause_for(4, 8s); });
    world.at(30s, [&] { world.net().partition({{0, 1, 2, 5, 6}}); });
    world.at(50s, [&] { world.net().heal(); });
    world.at(55s, [&] { world.restart(3, peerkit::sim::memory::lost); });
    world.at(60s, [&] { world.leave(9); });
    world.at(61s, [&] { world.net().block_datagrams(10); });
    world.at(62s, [&] { world.net().cut(11, 12); });
    world.at(80s, [&] { world.power_off(13); });
    world.run_for(2min);
    if (violations != nullptr) *violations = world.violation_count();
    INFO(world.report());
    CHECK(world.violation_count() == 0);
    return world.trace_hash();
}

void with_intruder(peerkit::sim::world_options& o) {
    o.intruder.packets_per_second = 500;
    o.intruder.replays = false;
}

} // namespace

TEST_CASE("the same seed gives the same course, another seed another") {
    std::uint64_t const one = eventful(1);
    CHECK(eventful(1) == one);
    CHECK(eventful(2) != one);
}

TEST_CASE("the course of a world is the one on record, whatever compiler built this") {
    // To take a deliberate change of the protocol into the record:
    //   PEERKIT_RECORD=1 ctest -R sim.determinism
    std::string const path = std::string{PEERKIT_TEST_DATA} + "/sim/trace_hash.txt";
    std::string const now = std::to_string(eventful(20260101));
    if (std::getenv("PEERKIT_RECORD") != nullptr) {
        std::ofstream{path} << now << "\n";
        MESSAGE("recorded " << now);
        return;
    }
    std::string recorded;
    std::ifstream{path} >> recorded;
    INFO("if the protocol was changed on purpose: PEERKIT_RECORD=1 ctest -R sim.determinism");
    CHECK(recorded == now);
}

TEST_CASE("checking the invariants changes nothing") {
    std::uint64_t const watched = eventful(3);
    CHECK(eventful(3, [](peerkit::sim::world_options& o) { o.invariants.enabled = false; }) == watched);
    CHECK(eventful(3, [](peerkit::sim::world_options& o) { o.invariants.views_per_call = peerkit::sim::every_call; }) ==
          watched);
}

TEST_CASE("a stranger without the key changes nothing at all: same events, same timers, same packets") {
    CHECK(eventful(4, with_intruder) == eventful(4));
}

TEST_CASE("a stranger that also replays genuine packets changes no state and causes no event") {
    cluster world{20, 61, {}, [](peerkit::sim::world_options& o) {
                      o.intruder.packets_per_second = 2000;
                      o.invariants.views_per_call = 50;
                  }};
    REQUIRE(world.joined);
    world.run_for(1min);
    world.crash(3);
    world.leave(4);
    world.run_for(1min);
    world.restart(3);
    CHECK(world.run_until([&] { return world.all_see_all(); }, 1min));
    CHECK(world.statistics().noise > 100'000);
    PEERKIT_CHECK_WORLD(world);
}
