// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of who is called offline, who is not, and who is forgotten.
#include <peerkit/registry/heartbeat_watch.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;

namespace {

node_id id(std::uint64_t n) { return tests::registrant{n}.id(); }

/// Virtual time with a tick every second; nodes in [first, last) beat every 30 s while `beats` says so.
struct stage {
    registry_options options{};
    time_point now{};
    heartbeat_watch watch{options, now};
    std::function<bool(std::uint64_t)> beats = [](std::uint64_t) { return true; };
    std::function<heartbeat_watch::replica_number(std::uint64_t)> via = [](std::uint64_t) { return 0U; };
    std::vector<node_id> offline{};

    explicit stage(registry_options const& o = {}) : options{o} {}
    void run(duration length, std::uint64_t nodes) {
        for (time_point const end = now + length; now < end; now += 1s) {
            for (std::uint64_t n = 1; n <= nodes; ++n) {
                if ((now.time_since_epoch() / 1s + static_cast<std::int64_t>(n)) % 30 == 0 && beats(n)) {
                    watch.heard(id(n), via(n), now);
                }
            }
            for (auto const& due : watch.due_offline(now)) {
                offline.push_back(due);
                watch.set_offline(due, now);
            }
        }
    }
};

} // namespace

TEST_CASE("a node that misses three heartbeats is offline 95 seconds after the last, not sooner") {
    stage s;
    s.run(5min, 10);
    CHECK(s.offline.empty());
    s.beats = [](std::uint64_t n) { return n != 3; };
    // Node 3 was heard last when the clock showed 27 seconds, modulo 30; that was 3 seconds ago.
    s.run(91s, 10);
    CHECK(s.offline.empty());
    s.run(2s, 10);
    CHECK(s.offline == std::vector<node_id>{id(3)});
    CHECK(s.watch.online() == 9);
    s.run(10min, 10);
    CHECK(s.offline.size() == 1);
}

TEST_CASE("who is offline is forgotten after ten minutes, unless it is heard of again") {
    stage s;
    s.watch.set_offline(id(1), s.now);
    s.watch.set_offline(id(2), s.now + 1s);
    CHECK(*s.watch.longest_offline() == id(1));
    CHECK(s.watch.due_expired(s.now + 10min - 1ns).empty());
    CHECK(s.watch.due_expired(s.now + 10min) == std::vector<node_id>{id(1)});
    CHECK(s.watch.next_deadline() == s.now + 10min);
    s.watch.heard(id(1), 0, s.now + 5min);
    CHECK(s.watch.due_expired(s.now + 20min) == std::vector<node_id>{id(2)});
    s.watch.forget(id(2));
    CHECK(s.watch.longest_offline() == nullptr);
}

TEST_CASE("what a heartbeat tells is how long there was none") {
    stage s;
    CHECK(s.watch.heard(id(1), 0, s.now) == 0s);
    CHECK(s.watch.heard(id(1), 0, s.now + 20s) == 20s);
    s.watch.set_offline(id(1), s.now + 2min);
    CHECK(s.watch.heard(id(1), 0, s.now + 3min) == 0s);
}

TEST_CASE("while fewer than half of those online are heard of nobody is called offline") {
    stage s;
    s.run(3min, 20);
    s.beats = [](std::uint64_t n) { return n <= 9; };
    s.run(10min, 20);
    CHECK(s.offline.empty());
    CHECK(s.watch.preserving());
    s.beats = [](std::uint64_t n) { return n <= 15; };
    s.run(3min, 20);
    CHECK_FALSE(s.watch.preserving());
    CHECK(s.offline.size() == 5);
}

TEST_CASE("when more than half are heard of the others are called offline, though they fell silent at once") {
    stage s;
    s.run(3min, 20);
    s.beats = [](std::uint64_t n) { return n <= 11; };
    s.run(3min, 20);
    CHECK(s.offline.size() == 9);
    CHECK_FALSE(s.watch.preserving());
}

TEST_CASE("the silence of most is believed after an hour, and ends for those who come back") {
    stage s;
    s.run(3min, 10);
    s.beats = [](std::uint64_t n) { return n <= 2; };
    s.run(59min, 10);
    CHECK(s.offline.empty());
    s.run(5min, 10);
    CHECK(s.offline.size() == 8);
    CHECK_FALSE(s.watch.preserving());
    s.beats = [](std::uint64_t) { return true; };
    s.run(3min, 10);
    CHECK(s.watch.online() == 10);
    CHECK(s.offline.size() == 8);
}

TEST_CASE("one or two nodes that fall silent are no mass") {
    for (std::uint64_t const nodes : {1U, 2U}) {
        stage s;
        s.run(3min, nodes);
        s.beats = [](std::uint64_t) { return false; };
        s.run(3min, nodes);
        CHECK(s.offline.size() == nodes);
    }
}

TEST_CASE("the nodes of a silent replica are believed to be with it, and get their whole time when it is back") {
    stage s;
    heartbeat_watch::replica_number east = 0;
    bool connected = true;
    // Nodes above 10 are heard through the replica.
    s.via = [&](std::uint64_t n) -> heartbeat_watch::replica_number { return n > 10 ? east : 0; };
    s.beats = [&](std::uint64_t n) { return n <= 10 || connected; };
    auto const run = [&](duration length) {
        for (duration done{}; done < length; done += 5s) {
            if (connected) east = s.watch.heard_replica("east", registry_role::secondary, s.now);
            s.run(5s, 14);
        }
    };
    run(3min);
    CHECK(s.watch.online() == 14);
    connected = false;
    run(30min);
    CHECK(s.offline.empty());
    CHECK_FALSE(s.watch.preserving());
    connected = true;
    s.beats = [&](std::uint64_t n) { return n != 14; }; // one did not survive
    run(90s);
    CHECK(s.offline.empty());
    run(30s);
    CHECK(s.offline == std::vector<node_id>{id(14)});
}

TEST_CASE("a replica inside a node's process speaks for that node only while it is heard") {
    stage s;
    auto const number = s.watch.heard_replica("inside", registry_role::integrated, s.now);
    s.watch.heard(id(11), number, s.now);
    s.run(94s, 10);
    CHECK(s.offline.empty());
    s.run(3s, 10);
    CHECK(s.offline == std::vector<node_id>{id(11)});
}

TEST_CASE("replicas beyond the cap are not told apart") {
    stage s;
    for (std::size_t i = 0; i < heartbeat_watch::max_replicas; ++i) {
        CHECK(s.watch.heard_replica(std::to_string(i), registry_role::secondary, s.now) == i + 1);
    }
    CHECK(s.watch.heard_replica("one more", registry_role::secondary, s.now) == 0);
    CHECK(s.watch.heard_replica("7", registry_role::secondary, s.now) == 8);
}

TEST_CASE("when the registry itself did not run for a while everybody gets the whole time again") {
    stage s;
    s.run(3min, 2); // two are no mass: self-preservation plays no part
    s.now += 1h;    // suspended
    CHECK(s.watch.due_offline(s.now).empty());
    s.run(3min, 2);
    CHECK(s.offline.empty());
    // The first sign of life after it is a heartbeat: the others must not pay for it.
    s.now += 1h;
    s.watch.heard(id(1), 0, s.now);
    CHECK(s.watch.due_offline(s.now + 1s).empty());
    s.run(3min, 2);
    CHECK(s.offline.empty());
}

TEST_CASE("the deadline comes often enough that a pause of the registry is noticed, and never if nobody is there") {
    stage s;
    CHECK(s.watch.next_deadline() == never);
    s.watch.heard(id(1), 0, s.now);
    CHECK(s.watch.next_deadline() <= s.now + 15s);
    std::vector<node_id> due;
    // Driven by nothing but its own deadlines.
    for (int i = 0; due.empty() && i < 100; ++i) {
        s.now = s.watch.next_deadline();
        due = s.watch.due_offline(s.now);
    }
    CHECK(due.size() == 1);
    CHECK(s.now == time_point{} + 95s);
}
