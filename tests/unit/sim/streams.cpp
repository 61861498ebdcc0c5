// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/streams.hpp, through a world of toy nodes.
#include <peerkit/sim/streams.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

/// Two nodes that know of each other and write everything down.
struct pair_of : toy::world {
    explicit pair_of(sim::world_options options = {.seed = 5}) : toy::world{options, &made} {
        spawn();
        spawn();
        set_seeds({0, 1});
        run_for(3s);
    }
    void act(sim::node_index i, void (*f)(toy::node&, gossip::outbox&, pair_of&)) {
        call(i, [&](toy::node& n, time_point, gossip::outbox& out) { f(n, out, *this); });
    }
    /// Node 0 dials node 1 as stream 7.
    void dial() {
        act(0, [](toy::node& n, gossip::outbox& out, pair_of& w) { n.dial(7, w.endpoint_of(1), out); });
    }
    static std::unique_ptr<toy::node> made(sim::birth const& b) {
        auto node = toy::make(b);
        node->logs = true;
        return node;
    }
};

bool has(toy::world const& w, sim::node_index i, std::string const& what) { return w.node(i).logged(what) == 1; }
std::string const refused = "closed 7 nothing listens there";
std::string const timed_out = "closed 7 no answer, or nothing got through for too long";
std::string const reset = "closed 7 the other side is gone or closed with data unread";

} // namespace

TEST_CASE("a dial succeeds after a round trip and is accepted by the other side") {
    pair_of w;
    w.net().set_default({.latency_min = 10ms, .latency_max = 10ms});
    w.dial();
    w.run_for(20ms - 1ns);
    CHECK_FALSE(has(w, 0, "opened 7"));
    w.run_for(1ns);
    CHECK(has(w, 0, "opened 7"));
    CHECK_FALSE(has(w, 1, "accepted"));
    w.run_for(10ms);
    CHECK(has(w, 1, "accepted"));
    CHECK(w.violation_count() == 0);
}

TEST_CASE("frames arrive whole and in order, however long each takes, both ways") {
    pair_of w;
    w.net().set_default({.latency_min = 1ms, .latency_max = 50ms, .loss = sim::percent(30)});
    w.dial();
    REQUIRE(w.run_until([&] { return has(w, 0, "opened 7"); }, 10s));
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) {
        for (int i = 0; i < 50; ++i) n.say(7, std::to_string(i), out);
    });
    REQUIRE(w.run_until([&] { return has(w, 1, "frame 49"); }, 2min));
    std::vector<std::string> frames;
    for (std::string const& line : w.node(1).log) {
        if (line.starts_with("frame ")) frames.push_back(line.substr(6));
    }
    REQUIRE(frames.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(frames[static_cast<std::size_t>(i)] == std::to_string(i));
    w.act(1, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(1000, "back", out); });
    CHECK(w.run_until([&] { return has(w, 0, "frame back"); }, 1min));
    CHECK(w.violation_count() == 0);
}

TEST_CASE("a close comes after everything sent before it, to the other side only") {
    pair_of w;
    w.dial();
    w.run_for(1s);
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) {
        n.say(7, "last words", out);
        n.hang_up(7, out);
    });
    w.run_for(1s);
    auto const& log = w.node(1).log;
    auto const said = std::find(log.begin(), log.end(), "frame last words");
    auto const closed = std::find(log.begin(), log.end(), "closed 1000");
    REQUIRE(said != log.end());
    REQUIRE(closed != log.end());
    CHECK(said < closed);
    CHECK_FALSE(has(w, 0, "closed 7"));
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(7, "ghost", out); });
    CHECK(w.violation_count() == 1);
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.hang_up(7, out); });
    CHECK(w.violation_count() == 2);
}

TEST_CASE("a dial to a process that is down is refused, to a machine that is off it times out") {
    pair_of w;
    w.crash(1);
    w.dial();
    w.run_for(100ms);
    CHECK(has(w, 0, refused));

    pair_of off;
    off.power_off(1);
    off.dial();
    off.run_for(4900ms);
    CHECK_FALSE(has(off, 0, timed_out));
    off.run_for(200ms);
    CHECK(has(off, 0, timed_out));
}

TEST_CASE("a dial across a cut, or to an address outside the world, times out; a short cut only delays it") {
    pair_of w;
    w.net().cut(1, 0); // answers do not come back
    w.dial();
    w.run_for(6s);
    CHECK(has(w, 0, timed_out));
    CHECK_FALSE(has(w, 1, "accepted"));

    pair_of brief;
    brief.net().cut(0, 1);
    brief.dial();
    brief.run_for(1500ms);
    brief.net().heal();
    brief.run_for(3s);
    CHECK(has(brief, 0, "opened 7"));

    pair_of far;
    far.allow_destination(0, {ip_address::v4(192, 0, 2, 1), 9000});
    far.act(0,
            [](toy::node& n, gossip::outbox& out, pair_of&) { n.dial(7, {ip_address::v4(192, 0, 2, 1), 9000}, out); });
    far.run_for(6s);
    CHECK(has(far, 0, timed_out));
    CHECK(far.violation_count() == 0);
}

TEST_CASE("a connection the other side does not take is reset") {
    pair_of w;
    w.act(1, [](toy::node& n, gossip::outbox&, pair_of&) { n.refuses_streams = true; });
    w.dial();
    w.run_for(1s);
    CHECK(has(w, 0, "opened 7"));
    CHECK(has(w, 0, reset));
}

TEST_CASE("a crash resets the streams of the process; what was sent before still arrives") {
    pair_of w;
    w.net().set_default({.latency_min = 10ms, .latency_max = 10ms});
    w.dial();
    w.run_for(1s);
    w.act(1, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(1000, "help", out); });
    w.crash(1);
    w.run_for(1s);
    CHECK(has(w, 0, "frame help"));
    CHECK(has(w, 0, reset));
}

TEST_CASE("a machine that loses power is noticed by who sends, after a while, or when it is back") {
    pair_of w;
    w.dial();
    w.run_for(1s);
    w.power_off(1);
    w.run_for(30s);
    CHECK_FALSE(has(w, 0, timed_out)); // nothing was sent
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(7, "there?", out); });
    w.run_for(20s);
    CHECK(has(w, 0, timed_out));

    pair_of back;
    back.dial();
    back.run_for(1s);
    back.power_off(1);
    back.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(7, "there?", out); });
    back.run_for(2s);
    back.restart(1);
    back.run_for(2s);
    CHECK(has(back, 0, reset));
    CHECK_FALSE(has(back, 1, "frame there?"));
}

TEST_CASE("a stream across a cut stalls; it goes on after a short one and both ends learn of a long one") {
    pair_of w;
    w.dial();
    w.run_for(1s);
    w.net().partition({{0}});
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(7, "hello", out); });
    w.run_for(10s);
    CHECK_FALSE(has(w, 1, "frame hello"));
    w.net().heal();
    w.run_for(1s);
    CHECK(has(w, 1, "frame hello"));

    w.net().partition({{0}});
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(7, "hello again", out); });
    w.run_for(17s);
    CHECK(has(w, 0, timed_out));
    CHECK(has(w, 1, "closed 1000 no answer, or nothing got through for too long"));
    CHECK_FALSE(has(w, 1, "frame hello again"));
}

TEST_CASE("a process that stands still is connected to and takes its frames when it goes on") {
    pair_of w;
    w.pause(1);
    w.dial();
    w.run_for(1s);
    CHECK(has(w, 0, "opened 7"));
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.say(7, "later", out); });
    w.run_for(30s);
    CHECK_FALSE(has(w, 1, "accepted"));
    w.resume(1);
    w.run_for(1s);
    CHECK(has(w, 1, "accepted"));
    CHECK(has(w, 1, "frame later"));
}

TEST_CASE("a name may be dialled again after its stream is closed, not before") {
    pair_of w;
    w.dial();
    w.run_for(1s);
    w.dial();
    CHECK(w.violation_count() == 1);
    w.act(0, [](toy::node& n, gossip::outbox& out, pair_of&) { n.hang_up(7, out); });
    w.dial();
    w.run_for(1s);
    CHECK(w.node(0).logged("opened 7") == 2);
    CHECK(w.violation_count() == 1);
}

TEST_CASE("a thousand streams later, none is left") {
    pair_of w;
    seeded_rng rng{8};
    for (std::uint32_t i = 0; i < 1000; ++i) {
        sim::node_index const from = i % 2;
        w.call(from, [&](toy::node& n, time_point, gossip::outbox& out) {
            n.dial(2'000'000 + i, w.endpoint_of(1 - from), out);
        });
        w.run_for(uniform(rng, duration{20ms}));
        w.call(from, [&](toy::node& n, time_point, gossip::outbox& out) { n.hang_up(2'000'000 + i, out); });
    }
    w.run_for(1s);
    CHECK(w.open_streams(0) == 0);
    CHECK(w.open_streams(1) == 0);
    CHECK(w.connections() == 0);
    CHECK(w.violation_count() == 0);
}
