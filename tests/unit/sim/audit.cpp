// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/audit.hpp: what tests/sim/canaries.cpp shows of whole worlds, here of single calls.
#include <peerkit/sim/audit.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <string>

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

struct bench {
    sim::population<toy::node> residents;
    sim::audit<toy::node> audit;

    explicit bench(sim::invariant_options const& o, std::size_t keep = 10) : audit{o, residents, keep} {
        for (sim::node_index i = 0; i < 3; ++i) {
            auto& r = residents.add();
            r.self.index = i;
            r.self.identity_seed = i + 1;
            r.self.where = residents.endpoint_of(i);
            r.node = toy::make(r.self);
            residents.set_id(i, r.node->id());
            r.minted.add(1);
        }
    }
    [[nodiscard]] std::string last() const { return audit.violations().empty() ? "" : audit.violations().back().what; }
};

} // namespace

TEST_CASE("a fresh node gives no cause for complaint") {
    bench b{{.views_per_call = sim::every_call}};
    b.audit.after_call(0, sim::call_reason::other, 0, 0);
    CHECK(b.audit.scans() == 1);
    CHECK(b.last() == "");
}

TEST_CASE("the cost knob sets how often views are compared") {
    for (auto const& [views, calls, least, most] : {std::tuple{0U, 1000U, 0U, 0U}, std::tuple{1U, 1000U, 400U, 1000U},
                                                    std::tuple{sim::every_call, 1000U, 1000U, 1000U}}) {
        bench b{{.views_per_call = views}};
        for (unsigned i = 0; i < calls; ++i) b.audit.after_call(i % 3, sim::call_reason::other, 0, 0);
        CHECK(b.audit.scans() >= least);
        CHECK(b.audit.scans() <= most);
    }
    bench off{{.enabled = false, .views_per_call = sim::every_call}};
    off.audit.after_call(0, sim::call_reason::datagram, 1000, 1000);
    CHECK(off.audit.scans() == 0);
    CHECK(off.audit.count() == 0);
}

TEST_CASE("rates: answers to one datagram, timers per period with an allowance for what was received, streams") {
    sim::invariant_options o{.views_per_call = 0,
                             .max_streams = 4,
                             .replies_per_datagram = 2,
                             .timer_datagrams = 10,
                             .timer_datagrams_per_received = 1};
    bench b{o};
    b.audit.after_call(0, sim::call_reason::datagram, 2, 4);
    CHECK(b.last() == "");
    b.audit.after_call(0, sim::call_reason::timer, 11, 0); // 10 and one received
    CHECK(b.last() == "");
    b.audit.after_call(0, sim::call_reason::timer, 1, 0);
    CHECK(b.last() == "its timers sent 12 datagrams within a period");
    b.audit.after_call(0, sim::call_reason::timer, 1, 0);
    CHECK(b.audit.count() == 1); // once per period
    b.audit.set_time(time_point{1s});
    b.audit.after_call(0, sim::call_reason::timer, 11, 0); // what was received in the period before counts too
    CHECK(b.audit.count() == 1);
    b.audit.set_time(time_point{2s});
    b.audit.after_call(0, sim::call_reason::timer, 11, 0);
    CHECK(b.audit.count() == 2);
    b.audit.after_call(1, sim::call_reason::datagram, 3, 0);
    CHECK(b.last() == "sent 3 datagrams on receipt of one");
    b.audit.after_call(1, sim::call_reason::other, 0, 5);
    CHECK(b.last() == "has 5 streams");
}

TEST_CASE("nothing is sent where nobody is known to be") {
    bench b{{}};
    ip_endpoint const foreign{ip_address::v4(192, 0, 2, 9), 9000};
    b.audit.check_destination(0, b.residents.endpoint_of(1));
    CHECK(b.last() == "sent to 10.0.0.1:9000, where it knows nobody");
    b.audit.check_destination(0, b.residents.endpoint_of(1));
    CHECK(b.audit.count() == 1); // said once
    b.audit.know_node(0, 2);
    b.audit.check_destination(0, b.residents.endpoint_of(2));
    CHECK(b.audit.count() == 1);
    b.audit.know_destination(0, foreign);
    b.audit.check_destination(0, foreign);
    CHECK(b.audit.count() == 1);
    b.audit.check_destination(1, foreign);
    CHECK(b.audit.count() == 2);
    b.audit.check_datagram(0, limits::datagram);
    CHECK(b.audit.count() == 2);
    b.audit.check_datagram(0, limits::datagram + 1);
    CHECK(b.last() == "sent a datagram of 1201 bytes");
}

TEST_CASE("an incarnation nobody signed, a goodbye nobody said, an event about oneself") {
    bench b{{}};
    gossip::event e;
    e.kind = gossip::event_kind::member_up;
    b.audit.on_event(0, e, 0);
    CHECK(b.last() == "told an event of a member about itself");
    b.audit.on_event(0, e, sim::nobody);
    CHECK(b.last() == "told an event of a member that was never born");
    b.audit.on_event(0, e, 1);
    b.audit.on_event(0, e, 1);
    CHECK(b.last() == "a member came up that was up (node 1)");
    b.audit.scan(0);
    CHECK(b.last() == "a member vanished from the view without an event (node 1)");
}

TEST_CASE("only the first violations are kept, all are counted") {
    bench b{{}, 2};
    for (int i = 0; i < 5; ++i) b.audit.violate(1, std::to_string(i));
    CHECK(b.audit.count() == 5);
    CHECK(b.audit.violations().size() == 2);
    CHECK(b.last() == "1");
}

TEST_CASE("rest without faults is watched, unrest is not") {
    sim::invariant_options const o{.settled_after = 1min, .quiet_per_mille = 2000};
    auto const run = [&](std::size_t datagrams, bool disturbed, bool intruded, bool calm) {
        bench b{o};
        sim::network net;
        net.know(2);
        if (!calm) net.set_default({.loss = 1});
        b.audit.check_quiet(net, intruded, 3);
        b.audit.set_time(time_point{100s});
        if (disturbed) b.audit.disturb();
        b.audit.check_quiet(net, intruded, 3);
        for (std::size_t i = 0; i < datagrams; ++i) b.audit.check_datagram(0, 10);
        b.audit.set_time(time_point{110s});
        b.audit.check_quiet(net, intruded, 3);
        return b.audit.count();
    };
    CHECK(run(60, false, false, true) == 0); // 2 per node and second
    CHECK(run(120, false, false, true) == 1);
    CHECK(run(120, true, false, true) == 0);
    CHECK(run(120, false, true, true) == 0);
    CHECK(run(120, false, false, false) == 0);
}

TEST_CASE("the digest of a node sees state, incarnation and, if asked, the timer") {
    bench b{{}};
    auto& n = *b.residents[0].node;
    std::uint64_t const before = b.audit.digest(n, true), without = b.audit.digest(n, false);
    gossip::outbox out;
    REQUIRE(n.start(time_point{5s}, out));
    CHECK(b.audit.digest(n, true) != before);
    std::uint64_t const timed = b.audit.digest(n, true), untimed = b.audit.digest(n, false);
    CHECK(untimed != without); // it runs now
    n.on_tick(time_point{6s}, out);
    CHECK(b.audit.digest(n, true) != timed);
    CHECK(b.audit.digest(n, false) == untimed);
}

TEST_CASE("a node's own incarnation does not go back, and what it announced it had asked to keep") {
    bench b{{}};
    b.audit.on_incarnation(0, 5, 6);
    b.audit.on_incarnation(0, 0, 1); // a new life
    CHECK(b.last() == "");
    b.audit.on_incarnation(0, 6, 5);
    CHECK(b.last() == "went back from incarnation 6 to 5");
    CHECK(b.audit.violations().back().broken == sim::property::own_incarnation_grows);
    auto& r = b.residents[1];
    r.last_incarnation = 7;
    b.audit.on_end(1); // keeps nothing
    CHECK(b.audit.count() == 1);
    r.stored_incarnation = 7;
    b.audit.on_end(1);
    CHECK(b.audit.count() == 1);
    r.last_incarnation = 8;
    b.audit.on_end(1);
    CHECK(b.last() == "announced incarnation 8 and had asked to keep 7");
}

TEST_CASE("left alone for long enough, all see all, nobody counts the gone, and nobody declares the living dead") {
    auto const told = [](sim::world<toy::node>& w) {
        std::string all;
        for (sim::violation const& v : w.violations()) all += v.text() + "\n";
        return all;
    };
    sim::invariant_options const o{.converged_after = 60s};
    sim::world<toy::node> well{{.seed = 1, .invariants = o}, toy::make};
    well.spawn_many(4);
    well.run_for(2min);
    well.crash(2);
    well.run_for(3min);
    CHECK(told(well) == "");
    SUBCASE("two that never meet") {
        sim::world<toy::node> w{{.seed = 1, .invariants = o}, toy::make};
        w.set_seeds({});
        w.spawn_many(2);
        w.run_for(59s);
        CHECK(told(w) == "");
        w.run_for(3min);
        CHECK(told(w).find("node 0: P38 all see all in the end: sees 1 of 2 nodes alive") != std::string::npos);
        CHECK(w.violation_count() == 2); // said once each
    }
    SUBCASE("one that is gone") {
        // The toy finds a death within four seconds: look before that.
        sim::world<toy::node> w{{.seed = 1, .invariants = {.period = 100ms, .converged_after = 1s}}, toy::make};
        w.spawn_many(2);
        w.run_for(30s);
        w.crash(1);
        w.run_for(3s);
        CHECK(told(w).find("node 0: P35 the crashed are found: still counts somebody who is gone (node 1)") !=
              std::string::npos);
    }
    SUBCASE("one that is up and declared dead") {
        sim::world<toy::node> w{{.seed = 1, .invariants = o}, toy::make};
        w.spawn_many(2);
        w.run_for(2min);
        w.net().set_default({.latency_min = 20s, .latency_max = 20s}); // too slow for it, and no fault
        w.run_for(5min);
        CHECK(told(w).find("P37 nobody healthy is declared dead") != std::string::npos);
    }
}
