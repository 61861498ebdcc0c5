// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/insider.hpp.
#include <peerkit/sim/insider.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

static_assert(sim::check_simulated_node<sim::insider<sim::default_policies>>());

constexpr sim::node_index dishonest = 3;

/// Six nodes, of which node 3 has `deeds`.
struct six : sim::insider_world {
    explicit six(sim::insider_deeds deeds, gossip::tunables const& t = gossip::lan())
        : sim::insider_world{options(t), sim::with_insiders{nodes(t), [deeds = std::move(deeds)](sim::birth const& b) {
                                                                return b.index == dishonest ? deeds
                                                                                            : sim::insider_deeds{};
                                                            }}} {
        spawn_many(6);
        joined = run_until([this] { return all_see_all(); }, 1min).has_value();
    }
    bool joined = false;

private:
    static sim::default_nodes nodes(gossip::tunables const& t) {
        sim::default_nodes made;
        made.tunables = t;
        return made;
    }
    static sim::world_options options(gossip::tunables const& t) {
        auto o = sim::options_for(nodes(t), 5);
        o.invariants.timer_datagrams = o.invariants.replies_per_datagram = 0; // a liar keeps no rates
        return o;
    }
};

} // namespace

TEST_CASE("a member with deeds that do nothing is a member like any other, whose packets are all taken") {
    std::uint64_t heard = 0;
    sim::insider_deeds d;
    d.every_period = [](sim::insider_hands&) {};
    d.hears = [&](sim::insider_hands&, wire::message const&, short_id, ip_endpoint const&) {
        ++heard;
        return false;
    };
    six world{d};
    REQUIRE(world.joined);
    world.run_for(5min);
    CHECK(heard > 300);
    CHECK(world.all_see_all());
    CHECK(world.statistics().count(gossip::event_kind::member_suspected) == 0);
    for (sim::node_index i = 0; i < 6; ++i) {
        auto const& c = world.node(i).counters();
        CHECK(c.refused(gossip::gossip_error::replayed) == 0);
        CHECK(c.malformed == 0);
    }
    INFO(world.report());
    CHECK(world.violation_count() == 0);
}

TEST_CASE("what a member says of its own beside its protocol is taken as said by it") {
    sim::insider_deeds d;
    d.every_period = [](sim::insider_hands& hands) {
        for (auto const& m : hands.members) {
            if (!m.is_self) hands.say(m, [](wire::packet_writer& packet) { packet.ack(99, 1); });
        }
    };
    six world{d};
    REQUIRE(world.joined);
    world.run_for(60s);
    for (sim::node_index i = 0; i < 6; ++i) {
        if (i == dishonest) continue;
        CHECK(world.node(i).counters().refused(gossip::gossip_error::unexpected_ack) >= 50);
        CHECK(world.node(i).counters().refused(gossip::gossip_error::replayed) == 0);
    }
    CHECK(world.all_see_all());
}

TEST_CASE("who accuses everyone is heard by everyone") {
    six world{sim::accuses_everyone()};
    world.run_for(60s);
    for (sim::node_index i = 0; i < 6; ++i) {
        if (i != dishonest) CHECK(world.node(i).counters().refutations > 0);
    }
}

TEST_CASE("a member that keeps everything to itself is declared dead") {
    sim::insider_deeds d;
    d.passes_on = [](ip_endpoint const&) { return false; };
    gossip::tunables t = gossip::lan();
    t.stream_fallback = false;
    six world{d, t};
    REQUIRE(world.run_until([&] { return world.gone(dishonest); }, 2min));
}

TEST_CASE("a helper that lies says that a member lives whom nobody reaches") {
    six world{sim::lies_as_helper(true)};
    REQUIRE(world.joined);
    world.net().set_group(5, 1);
    world.run_for(8s);
    std::uint64_t acks = 0;
    for (sim::node_index i = 0; i < 5; ++i) acks += world.node(i).counters().probes_by_helper;
    CHECK(acks > 0);
}

TEST_CASE("a helper that lies says that a member is silent whom it reaches") {
    six world{sim::lies_as_helper(false)};
    REQUIRE(world.joined);
    world.net().cut(0, 5);
    world.net().cut(5, 0);
    world.run_for(20min); // until it is node 0's turn to probe node 5
    CHECK(world.node(0).counters().nacks_received > 0);
    CHECK(world.all_see_all());
}
