// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/world.hpp, with toy nodes.
#include <peerkit/sim/world.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using membership::member_state;

namespace {

struct toys : toy::world {
    explicit toys(std::size_t count, sim::world_options const& options = {.seed = 2}) : toy::world{options, &logging} {
        spawn_many(count);
    }
    static std::unique_ptr<toy::node> logging(sim::birth const& b) {
        auto node = toy::make(b);
        node->logs = true;
        return node;
    }
};

} // namespace

TEST_CASE("nodes are born at once, take part, and see each other") {
    toys w{5};
    CHECK(w.size() == 5);
    CHECK(w.running() == 5);
    CHECK(w.elapsed() == 0s);
    auto const took = w.run_until([&] { return w.all_see_all(); }, 20s);
    REQUIRE(took);
    CHECK(*took > 0s);
    CHECK(w.sees(1, 4, member_state::alive));
    CHECK(w.everyone_sees(2, member_state::alive));
    CHECK_FALSE(w.gone(2));
    CHECK(w.name_of(3) == "n3");
    CHECK(w.index_of(w.id_of(3)) == 3);
    CHECK(w.violation_count() == 0);
    CHECK(w.statistics().datagrams_delivered > 10);
    CHECK(w.statistics(0).datagrams_received > 0);
    CHECK(w.statistics().count(gossip::event_kind::member_up) == 20);
}

TEST_CASE("time passes only as far as asked, and everything due by then has happened") {
    toys w{1};
    std::vector<int> order;
    w.at(2s, [&] { order.push_back(2); });
    w.at(1s, [&] { order.push_back(1); });
    w.at(2s, [&] { order.push_back(3); });
    w.after(10s, [&] { order.push_back(4); });
    w.run_for(1s);
    CHECK(order == std::vector{1});
    w.run_for(1s);
    CHECK(order == std::vector{1, 2, 3});
    CHECK(w.elapsed() == 2s);
    w.at(1s, [&] { order.push_back(5); }); // past: at once
    w.run_for(0s);
    CHECK(order.back() == 5);
    CHECK_FALSE(w.run_until([] { return false; }, 3s));
    CHECK(w.elapsed() == 5s);
    CHECK(w.run_until([] { return true; }, 3s) == duration{0});
}

TEST_CASE("a node that is down takes nothing; its next life begins anew") {
    toys w{3};
    w.run_for(10s);
    REQUIRE(w.crash(1));
    CHECK_FALSE(w.up(1));
    CHECK_FALSE(w.crash(1));
    CHECK(w.running() == 2);
    std::uint64_t const lost = w.statistics().nobody_there;
    w.run_for(20s);
    CHECK(w.statistics().nobody_there > lost);
    CHECK(w.gone(1));
    CHECK_FALSE(w.restart(0));
    REQUIRE(w.restart(1));
    CHECK(w.life(1) == 2);
    CHECK(w.run_until([&] { return w.all_see_all(); }, 30s));
    CHECK(w.statistics().crashes == 1);
    CHECK(w.statistics().restarts == 1);
    CHECK(w.minted(1) > 30'000'000);
    CHECK(w.violation_count() == 0);
}

TEST_CASE("a node that stands still is called by nobody; what waits is limited; its timer comes late") {
    toys w{2, {.seed = 2, .socket_buffer = 5}};
    w.run_for(5s);
    REQUIRE(w.pause(1));
    CHECK(w.paused(1));
    CHECK_FALSE(w.pause(1));
    CHECK_FALSE(w.call(1, [](toy::node&, time_point, gossip::outbox&) {}));
    CHECK_FALSE(w.leave(1));
    std::size_t const lines = w.node(1).log.size();
    for (int i = 0; i < 20; ++i) {
        w.call(0, [&](toy::node& n, time_point, gossip::outbox& out) { n.ping(w.endpoint_of(1), out); });
    }
    w.run_for(20s);
    CHECK(w.node(1).log.size() == lines);
    CHECK(w.statistics().buffer_full >= 15);
    REQUIRE(w.resume(1));
    w.run_for(0s);
    CHECK(w.node(1).log.size() >= lines + 6); // a tick and five datagrams
    CHECK(w.node(1).ticked_late > 18s);
    CHECK_FALSE(w.resume(1));
    CHECK(w.statistics().pauses == 1);

    w.pause_for(0, 3s);
    w.run_for(2s);
    CHECK(w.paused(0));
    w.run_for(1s);
    CHECK_FALSE(w.paused(0));
}

TEST_CASE("a crash while standing still gives back what waited") {
    toys w{2};
    w.run_for(5s);
    w.pause(1);
    w.call(0, [&](toy::node& n, time_point, gossip::outbox& out) { n.ping(w.endpoint_of(1), out); });
    w.run_for(5s);
    CHECK(w.crash(1));
    CHECK_FALSE(w.paused(1));
    CHECK(w.restart(1));
    CHECK_FALSE(w.paused(1));
    CHECK(w.run_until([&] { return w.all_see_all(); }, 30s));
}

TEST_CASE("who leaves is down after its goodbye, and that is no crash") {
    toys w{3};
    w.run_for(10s);
    REQUIRE(w.leave(2));
    w.run_for(1s);
    CHECK_FALSE(w.up(2));
    CHECK(w.everyone_sees(2, member_state::left));
    CHECK(w.statistics().crashes == 0);
    CHECK(w.all_see_all());
    w.check_all();
    INFO(w.report());
    CHECK(w.violation_count() == 0);
}

TEST_CASE("lateness, drift and leaps move a node's timer and nobody else's") {
    toys late{1, {.seed = 2, .timer_lateness = 100ms}};
    late.run_for(60s);
    CHECK(late.node(0).ticked_late > 50ms);
    CHECK(late.node(0).ticked_late <= 100ms);

    toys drifting{2};
    drifting.set_drift(0, 100'000); // a tenth faster
    drifting.run_for(100s + 1ms);
    CHECK(drifting.node(0).logged("tick") >= 109);
    CHECK(drifting.node(1).logged("tick") <= 101);

    toys leaping{1};
    leaping.run_for(500ms);
    leaping.leap_clock(0, 1h);
    leaping.run_for(0s);
    CHECK(leaping.node(0).logged("tick") == 1);
    CHECK(leaping.node(0).ticked_late > 59min);
}

TEST_CASE("a node that stood still for less than its deadline ticks again, late timers or not") {
    for (duration const lateness : {0ms, 100ms}) {
        toys w{1, {.seed = 2, .timer_lateness = lateness}};
        w.run_for(10s + 1ms);
        std::size_t const before = w.node(0).logged("tick");
        CHECK(w.pause_for(0, 10ms));
        w.run_for(10s);
        CHECK(w.node(0).logged("tick") > before);
    }
}

TEST_CASE("the world is acted upon from within a handler only by way of `after`") {
    toys w{2};
    bool done = false;
    w.on_event([&](sim::node_index, gossip::event const&) {
        if (done) return;
        done = true;
        CHECK_FALSE(w.crash(0));
        w.after(0s, [&] { CHECK(w.crash(0)); });
    });
    w.run_for(5s);
    CHECK(done);
    CHECK_FALSE(w.up(0));
    REQUIRE(w.violation_count() == 1);
    CHECK(w.violations()[0].node == sim::nobody);
}

TEST_CASE("what is sent can be watched") {
    toys w{2};
    std::size_t seen = 0;
    w.on_send([&](sim::node_index from, sim::node_index to, byte_view bytes) {
        ++seen;
        CHECK(from < 2);
        CHECK(to < 2);
        CHECK(bytes.size() >= 49);
    });
    w.run_for(10s);
    CHECK(seen == w.statistics().datagrams_sent);
}

TEST_CASE("duplicates and damage are what the network says they are") {
    toys w{2, {.seed = 2, .link = {.duplicate = 1'000'000}}};
    w.run_for(20s);
    CHECK(w.statistics().duplicated == w.statistics().datagrams_sent);
    toys damaged{2, {.seed = 2, .link = {.corrupt = 1'000'000}}};
    damaged.run_for(20s);
    CHECK(damaged.statistics().corrupted == damaged.statistics().datagrams_sent);
    CHECK(damaged.node(0).logged("datagram") == 0); // the checksum told
    INFO(damaged.report());
    CHECK(damaged.violation_count() == 0);
}

TEST_CASE("the same seed gives the same hash, a stranger's packets leave it alone, another seed does not") {
    auto const run = [](std::uint64_t seed, std::uint32_t noise) {
        toys w{8,
               {.seed = seed,
                .link = {.loss = sim::percent(10)},
                .intruder = {.packets_per_second = noise, .replays = false}}};
        w.at(10s, [&] { w.crash(3); });
        w.at(20s, [&] { w.restart(3); });
        w.run_for(60s);
        INFO(w.report());
        CHECK(w.violation_count() == 0);
        CHECK((noise == 0) == (w.statistics().noise == 0));
        return w.trace_hash();
    };
    std::uint64_t const one = run(1, 0);
    CHECK(run(1, 0) == one);
    CHECK(run(1, 100) == one);
    CHECK(run(2, 0) != one);
}

TEST_CASE("the report names the seed, the time and what went wrong") {
    toys w{1, {.seed = 4242}};
    w.run_for(3s);
    w.call(0, [](toy::node& n, time_point, gossip::outbox& out) { n.say(77, "nobody listens", out); });
    std::string const report = w.report();
    CHECK(report.find("seed 4242, 3.000000 s") != std::string::npos);
    CHECK(report.find("3.000000 node 0: sent a frame to a stream it does not have open") != std::string::npos);
    CHECK(report.find("tick to 0") != std::string::npos);
}

TEST_CASE("a factory that makes nothing, and a node that does not start, are violations, not crashes") {
    toy::world nothing{{.seed = 1}, [](sim::birth const&) { return std::unique_ptr<toy::node>{}; }};
    nothing.spawn();
    CHECK_FALSE(nothing.up(0));
    CHECK(nothing.violation_count() == 1);
    nothing.run_for(1s);

    struct lame : toy::node {
        using toy::node::node;
        result<void> start(time_point, gossip::outbox&) { return fail(sim::sim_error::discovery_unavailable); }
    };
    sim::world<lame> world{{.seed = 1}, [](sim::birth const& b) { return std::make_unique<lame>(b); }};
    world.spawn();
    CHECK_FALSE(world.up(0));
    REQUIRE(world.violation_count() == 1);
    CHECK(world.violations()[0].what.find("did not start: sim: ") == 0);
}
