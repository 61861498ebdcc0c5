// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the simulator's scenarios share: a world of peerkit's nodes, long runs on request, a report on failure.
#ifndef PEERKIT_TESTS_SIM_SUPPORT_HPP
#define PEERKIT_TESTS_SIM_SUPPORT_HPP

#include <support/default_world.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace scenario {

using namespace std::chrono_literals;
using peerkit::duration;
using peerkit::gossip::event_kind;
using peerkit::membership::member_state;
using peerkit::sim::default_nodes;
using peerkit::sim::default_world;
using peerkit::sim::node_index;
using peerkit::sim::percent;

/// The long form of every scenario was asked for: PEERKIT_FULL=1.
inline bool full() {
    char const* const text = std::getenv("PEERKIT_FULL");
    return text != nullptr && std::string{text} == "1";
}

/// A world of `count` nodes that joined through node 0; `joined` tells how long it took.
struct cluster : default_world {
    explicit cluster(std::size_t count, std::uint64_t seed = 1, default_nodes const& nodes = {},
                     void (*change)(peerkit::sim::world_options&) = nullptr)
        : default_world{options(nodes, seed, change), nodes} {
        if (count == 0) return;
        spawn_many(count);
        joined = run_until([this] { return all_see_all(); }, 5min);
    }
    std::optional<duration> joined;

private:
    static peerkit::sim::world_options options(default_nodes const& nodes, std::uint64_t seed,
                                               void (*change)(peerkit::sim::world_options&)) {
        auto made = peerkit::sim::options_for(nodes, seed);
        made.invariants.converged_after = 5min;
        if (change != nullptr) change(made);
        return made;
    }
};

/// Members declared dead so far, by anyone.
inline std::uint64_t deaths(default_world const& world) { return world.statistics().count(event_kind::member_dead); }

} // namespace scenario

/// At the end of every scenario: nothing went against the invariants. Prints seed, violations and trace if not.
#define PEERKIT_CHECK_WORLD(world)             \
    do {                                       \
        (world).check_all();                   \
        INFO((world).report());                \
        CHECK((world).violation_count() == 0); \
    } while (false)

#endif
