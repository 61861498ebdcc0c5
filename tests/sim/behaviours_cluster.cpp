// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Behaviours 26 and 40 of docs/behaviours.md: clusters that grow, crash, leave and part, with every detector.
#include <peerkit/gossip/lifeguard.hpp>
#include <peerkit/gossip/plain_swim.hpp>
#include <peerkit/sim/default_world.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <vector>

using namespace scenario;
using namespace peerkit;

namespace {

using shipped = sim::default_policies::detector;

/// `count` nodes, each of which knows of the one before it only.
template <typename Detector>
struct chain : sim::world_with<Detector> {
    using nodes = sim::basic_nodes<sim::policies_with<Detector>>;

    explicit chain(node_index count, std::uint64_t seed)
        : sim::world_with<Detector>{sim::options_for(nodes{}, seed), nodes{}} {
        for (node_index i = 0; i < count; ++i) {
            this->set_seeds(i == 0 ? std::vector<node_index>{} : std::vector<node_index>{i - 1});
            this->spawn();
            this->run_for(100ms);
        }
        this->set_seeds({});
        joined = this->run_until([this] { return this->all_see_all(); }, 2min).has_value();
        // Told from now on: who said what of whom.
        this->on_event([this](node_index, gossip::event const& e) {
            if (e.kind == event_kind::member_dead) ++dead[this->index_of(e.subject)];
            if (e.kind == event_kind::member_left) ++left[this->index_of(e.subject)];
        });
    }
    bool joined = false;
    std::map<node_index, int> dead, left;
};

} // namespace

TEST_CASE_TEMPLATE("behaviour 40: sixteen nodes joined in a chain see each other", Detector, shipped, gossip::lifeguard,
                   gossip::plain_swim) {
    chain<Detector> world{16, 401};
    REQUIRE(world.joined);
    for (node_index i = 0; i < 16; ++i) CHECK(world.node(i).alive_count() == 16);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE_TEMPLATE("behaviours 26 and 40: an abrupt stop is a failure, told once by each", Detector, shipped,
                   gossip::lifeguard, gossip::plain_swim) {
    chain<Detector> world{16, 402};
    REQUIRE(world.joined);
    world.crash(5);
    REQUIRE(world.run_until([&] { return world.everyone_sees(5, member_state::dead); }, 2min));
    world.run_for(1min);
    CHECK(world.dead == std::map<node_index, int>{{5, 15}});
    CHECK(world.left.empty());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE_TEMPLATE("behaviours 26 and 40: a graceful leave is a goodbye, told once by each, and never a failure",
                   Detector, shipped, gossip::lifeguard, gossip::plain_swim) {
    chain<Detector> world{16, 403};
    REQUIRE(world.joined);
    world.leave(5);
    REQUIRE(world.run_until([&] { return world.everyone_sees(5, member_state::left); }, 30s));
    world.run_for(2min);
    CHECK(world.left == std::map<node_index, int>{{5, 15}});
    CHECK(world.dead.empty());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE_TEMPLATE("behaviour 40: a partition that outlasted every timeout heals without a seed", Detector, shipped,
                   gossip::lifeguard, gossip::plain_swim) {
    chain<Detector> world{16, 404};
    REQUIRE(world.joined);
    for (node_index i = 0; i < 8; ++i) world.net().set_group(i, 1);
    world.run_for(10min);
    for (node_index i = 0; i < 16; ++i) CHECK(world.node(i).alive_count() == 8);
    world.net().heal();
    auto const took = world.run_until([&] { return world.all_see_all(); }, 2min);
    REQUIRE(took);
    CHECK(*took < 60s);
    PEERKIT_CHECK_WORLD(world);
}
