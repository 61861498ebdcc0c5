// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/simulated_node.hpp.
#include <peerkit/sim/simulated_node.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <peerkit/sim/default_world.hpp>

using namespace peerkit;

namespace {

struct deaf : toy::node {
    void on_datagram(int) {}
};
struct streamless : toy::node {
    void on_stream_frame() {}
};
struct timeless : toy::node {
    [[nodiscard]] int next_deadline() const noexcept { return 0; }
};
struct hidden : toy::node {
    [[nodiscard]] int find(node_id const&) const { return 0; }
};
struct without_start : toy::node {
    void start() {}
};
struct without_discovery : toy::node {
    void on_candidates() {}
};
struct without_goodbye : toy::node {
    void leave() {}
};

} // namespace

TEST_CASE("a node may be simulated if it has every part, and each part is missed by name") {
    static_assert(sim::check_simulated_node<toy::node>());
    static_assert(sim::check_simulated_node<sim::default_node>());
    CHECK(sim::SimulatedNode<toy::node>);
    CHECK_FALSE(sim::NodeTakesDatagrams<deaf>);
    CHECK_FALSE(sim::NodeTakesStreams<streamless>);
    CHECK_FALSE(sim::NodeHasTimer<timeless>);
    CHECK_FALSE(sim::NodeShowsMembers<hidden>);
    CHECK_FALSE(sim::NodeStarts<without_start>);
    CHECK_FALSE(sim::NodeTakesCandidates<without_discovery>);
    CHECK_FALSE(sim::NodeLeaves<without_goodbye>);
    CHECK_FALSE(sim::SimulatedNode<deaf>);
    CHECK_FALSE(sim::SimulatedNode<int>);
}
