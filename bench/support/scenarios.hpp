// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Simulated clusters whose members crash, lose packets, sleep or lie, and what was said of those who lived.
#ifndef PEERKIT_BENCH_SUPPORT_SCENARIOS_HPP
#define PEERKIT_BENCH_SUPPORT_SCENARIOS_HPP

#include <peerkit/gossip/heartbeat.hpp>
#include <peerkit/gossip/lifeguard.hpp>
#include <peerkit/gossip/persistent_swim.hpp>
#include <peerkit/gossip/plain_swim.hpp>
#include <peerkit/sim/default_world.hpp>
#include <peerkit/sim/insider.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

/// The scenarios of the membership keys as functions: what they measure is said at each, what is printed and reported
/// is up to the programs. A `Kit` says which nodes are measured, by a name and their policies. Everything follows from
/// the seed.
namespace scenarios {

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::event_kind;
using sim::node_index;
using sim::percent;

/// The nodes a host gets without asking.
struct as_shipped {
    static constexpr char const* name = "default";
    using policies = sim::default_policies;
};
/// The same with another failure detector.
template <typename Detector>
struct detector_kit {
    using policies = sim::policies_with<Detector>;
};
struct plain_swim : detector_kit<gossip::plain_swim> {
    static constexpr char const* name = "plain-swim";
};
struct persistent_swim : detector_kit<gossip::persistent_swim> {
    static constexpr char const* name = "persistent-swim";
};
struct heartbeat : detector_kit<gossip::heartbeat> {
    static constexpr char const* name = "heartbeat";
};
struct lifeguard : detector_kit<gossip::lifeguard> {
    static constexpr char const* name = "lifeguard";
};

/// Calls `f(Kit{})` for every detector, or for the one called `name`. False if there is none of that name.
template <typename F>
bool for_each_kit(std::string_view name, F&& f) {
    bool found = false;
    auto const one = [&](auto kit) {
        if (name != "all" && name != kit.name) return;
        found = true;
        f(kit);
    };
    one(as_shipped{});
    one(lifeguard{});
    one(plain_swim{});
    one(persistent_swim{});
    one(heartbeat{});
    return found;
}

template <typename Kit>
using world_of = sim::world<node::node_logic<typename Kit::policies>>;

struct setting {
    std::uint64_t seed = 1;
    std::size_t nodes = 100;
    gossip::tunables tunables = gossip::lan();
};

[[nodiscard]] inline double seconds(duration d) { return std::chrono::duration<double>{d}.count(); }

/// A scenario that did not come to its end has no figure: says so and ends the program.
[[noreturn]] inline void give_up(char const* what, std::uint64_t seed) {
    std::fprintf(stderr, "scenario: %s (seed %llu)\n", what, static_cast<unsigned long long>(seed));
    std::exit(1);
}

/// A world of `s.nodes` nodes, not started yet. Invariants are for the tests: here they only take time.
template <typename Kit>
[[nodiscard]] std::unique_ptr<world_of<Kit>> make_world(setting const& s) {
    sim::basic_nodes<typename Kit::policies> nodes{};
    nodes.tunables = s.tunables;
    auto options = sim::options_for(nodes, s.seed);
    options.invariants.enabled = false;
    return std::make_unique<world_of<Kit>>(options, nodes);
}
/// The same, joined, and long enough ago that nobody has anything left to tell.
template <typename Kit>
[[nodiscard]] std::unique_ptr<world_of<Kit>> settled(setting const& s) {
    auto world = make_world<Kit>(s);
    world->spawn_many(s.nodes);
    if (!world->run_until([&] { return world->all_see_all(); }, 10min, 500ms))
        give_up("the nodes did not join", s.seed);
    world->run_for(60s);
    return world;
}

/// What was said of members that were healthy, by healthy and other members.
struct tally {
    std::uint64_t dead = 0;      ///< somebody came to the verdict that a healthy member is dead
    std::uint64_t believed = 0;  ///< somebody took such a verdict over from another
    std::uint64_t suspected = 0; ///< a probe of a healthy member failed, and it was accused for it
    std::uint64_t seconds = 0;   ///< how many node-seconds were looked at
    std::uint64_t datagrams = 0; ///< sent in that time
    std::uint64_t stream_frames = 0;

    [[nodiscard]] double hours() const { return static_cast<double>(seconds) / 3600; }
    [[nodiscard]] double dead_per_hour() const { return static_cast<double>(dead) / hours(); }
    [[nodiscard]] double suspected_per_hour() const { return static_cast<double>(suspected) / hours(); }
    [[nodiscard]] double packets_per_second() const {
        return static_cast<double>(datagrams) / static_cast<double>(seconds);
    }
    tally& operator+=(tally const& o) {
        dead += o.dead;
        believed += o.believed;
        suspected += o.suspected;
        seconds += o.seconds;
        datagrams += o.datagrams;
        stream_frames += o.stream_frames;
        return *this;
    }
};

/// Runs `world` for `time` and counts; `healthy(node)` says whose death would be wrong.
template <typename World, typename Healthy>
[[nodiscard]] tally watch(World& world, duration time, Healthy&& healthy) {
    tally t;
    auto const before = world.statistics();
    world.on_event([&](node_index, gossip::event const& e) {
        if (e.kind != event_kind::member_dead && e.kind != event_kind::member_suspected) return;
        node_index const subject = world.index_of(e.subject);
        if (subject == sim::nobody || !world.up(subject) || !healthy(subject)) return;
        if (e.kind == event_kind::member_suspected) {
            t.suspected += e.why == gossip::cause::probe_failed ? 1 : 0;
        } else if (e.why == gossip::cause::declared_by_other) {
            ++t.believed;
        } else {
            ++t.dead;
        }
    });
    world.run_for(time);
    world.on_event({});
    auto const& after = world.statistics();
    t.seconds = world.running() * static_cast<std::uint64_t>(time / 1s);
    t.datagrams = after.datagrams_sent - before.datagrams_sent;
    t.stream_frames = after.frames_sent - before.frames_sent;
    return t;
}

/// A cluster under `prepare(world)` for `hours` node-hours, as worlds of at most an hour each: what once went wrong is
/// not counted for ever. The prepared world gets ten seconds to feel it.
template <typename Kit, typename Prepare, typename Healthy>
[[nodiscard]] tally under(setting s, double hours, Prepare&& prepare, Healthy&& healthy) {
    tally all;
    double left = hours * 3600 / static_cast<double>(s.nodes);
    while (left > 0.5) {
        double const now = std::min(left, 3600.0);
        auto const world = settled<Kit>(s);
        prepare(*world);
        world->run_for(10s);
        all += watch(*world, std::chrono::seconds{std::llround(now)}, healthy);
        left -= now;
        ++s.seed;
    }
    return all;
}

/// Every datagram is lost with that chance.
template <typename Kit>
[[nodiscard]] tally under_loss(setting const& s, double hours, std::uint32_t loss_percent) {
    return under<Kit>(
        s, hours, [&](auto& world) { world.net().set_default({.loss = percent(loss_percent)}); },
        [](node_index) { return true; });
}
/// One node in a hundred loses 80 % of what it receives; the others are healthy.
template <typename Kit>
[[nodiscard]] tally under_one_way_loss(setting const& s, double hours) {
    auto const deaf = static_cast<node_index>(std::max<std::size_t>(1, s.nodes / 100));
    return under<Kit>(
        s, hours,
        [&](auto& world) {
            for (node_index i = 1; i <= deaf; ++i) world.net().set_ingress_loss(i, percent(80));
        },
        [&](node_index i) { return i == 0 || i > deaf; });
}
/// Nodes 1 to 8 run for 5 ms, then stand still for 10 s, over and over, each at its own time.
template <typename Kit>
[[nodiscard]] tally under_pauses(setting const& s, double hours) {
    constexpr node_index sleepers = 8;
    auto const lull = [](auto& world, node_index i, auto const& again) -> void {
        world.pause_for(i, 10s);
        world.after(10s + 5ms, [&world, i, again] { again(world, i, again); });
    };
    return under<Kit>(
        s, hours,
        [&](auto& world) {
            for (node_index i = 1; i <= sleepers; ++i)
                world.after(uniform(world.rng(), duration{10s}), [&world, i, lull] { lull(world, i, lull); });
        },
        [](node_index i) { return i == 0 || i > sleepers; });
}

/// One member holds the network key and accuses everybody before everybody, every period, with forged accusers.
template <typename Kit>
[[nodiscard]] tally under_a_liar(setting s, double hours) {
    tally all;
    constexpr node_index liar = 7;
    sim::with_insiders<typename Kit::policies> nodes;
    nodes.nodes.tunables = s.tunables;
    nodes.deeds = [](sim::birth const& b) { return b.index == liar ? sim::accuses_everyone() : sim::insider_deeds{}; };
    auto options = sim::options_for(nodes.nodes, s.seed);
    options.invariants.enabled = false;
    sim::basic_insider_world<typename Kit::policies> world{options, nodes};
    world.spawn_many(s.nodes);
    world.run_for(30s); // it lies from its second second on: nobody can say when all have joined
    auto const time = std::chrono::seconds{std::llround(hours * 3600 / static_cast<double>(s.nodes))};
    all += watch(world, time, [](node_index i) { return i != liar; });
    return all;
}

/// How long until all of `world`'s nodes, `count` that join at once through one, all see all.
template <typename World>
[[nodiscard]] duration join_at_once(World& world, std::size_t count) {
    world.spawn_many(count);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 10min);
    if (!took) give_up("the nodes did not join", world.seed());
    return *took;
}

/// Times in seconds, one per trial.
struct detection {
    std::vector<double> first, all;
    std::uint64_t wrong = 0; ///< verdicts about others
};
/// Crashes one node of a settled world after the other, and lets each come back before the next: when the first and
/// when all others know.
template <typename World>
[[nodiscard]] detection crash_one(World& world, std::size_t trials) {
    detection found;
    for (std::size_t k = 0; k < trials; ++k) {
        auto const victim = static_cast<node_index>(1 + uniform(world.rng(), std::uint64_t{world.size() - 1}));
        world.run_for(uniform(world.rng(), duration{2s}));
        std::optional<duration> first;
        world.on_event([&](node_index, gossip::event const& e) {
            if (e.kind != event_kind::member_dead) return;
            if (world.index_of(e.subject) != victim) {
                ++found.wrong;
            } else if (!first) {
                first = world.elapsed();
            }
        });
        duration const begin = world.elapsed();
        world.crash(victim);
        auto const all = world.run_until([&] { return world.gone(victim); }, 5min);
        world.on_event({});
        if (!all || !first) give_up("a crash was not noticed", world.seed());
        found.first.push_back(seconds(*first - begin));
        found.all.push_back(seconds(*all));
        world.restart(victim);
        if (!world.run_until([&] { return world.all_see_all(); }, 5min, 500ms))
            give_up("a restart failed", world.seed());
        world.run_for(10s);
    }
    return found;
}

/// Cuts one node off from all others for `length`, `trials` times: in how many of them somebody declared it dead, and
/// how many others were declared dead by anyone, itself included.
struct outage {
    std::size_t trials = 0, declared = 0;
    std::uint64_t wrong = 0;
};
/// Trials in one world. Stops when more than `most` trials failed: the answer is known then.
template <typename World>
[[nodiscard]] outage cut_off(World& world, duration length, std::size_t trials, std::size_t most) {
    outage found;
    std::size_t const n = world.size();
    while (found.trials < trials && found.declared <= most) {
        ++found.trials;
        auto const victim = static_cast<node_index>(uniform(world.rng(), std::uint64_t{n}));
        world.run_for(uniform(world.rng(), duration{1s}));
        bool declared = false;
        world.on_event([&](node_index observer, gossip::event const& e) {
            if (e.kind != event_kind::member_dead) return;
            if (world.index_of(e.subject) == victim && observer != victim) {
                declared = true;
            } else {
                ++found.wrong;
            }
        });
        world.net().set_group(victim, 1);
        world.run_for(length);
        world.net().set_group(victim, 0);
        world.run_for(5s);
        if (!world.run_until([&] { return world.all_see_all(); }, 5min, 500ms))
            give_up("a node did not come back", world.seed());
        // A suspicion that nobody is left to see may still have ended in a death.
        world.on_event({});
        found.declared += declared ? 1 : 0;
    }
    return found;
}
/// The longest cut-off, in steps of `step`, after which at most 1 % of `trials` end in a death; by bisection.
template <typename Kit>
[[nodiscard]] duration outage_tolerated(setting const& s, std::size_t trials, duration step = 250ms,
                                        duration longest = 32s) {
    auto const world = settled<Kit>(s);
    auto const most = trials / 100;
    duration::rep good = 0, bad = longest / step;
    while (bad - good > 1) {
        duration::rep const middle = good + (bad - good) / 2;
        outage const found = cut_off(*world, step * middle, trials, most);
        (found.declared <= most ? good : bad) = middle;
    }
    return step * good;
}

struct mass_failure {
    duration all{};
    tally others{};
};
/// Half of the nodes of a settled world crash at once: when all survivors know all of it, and what was said of
/// survivors.
template <typename World>
[[nodiscard]] mass_failure crash_half(World& world) {
    mass_failure found;
    world.on_event([&](node_index, gossip::event const& e) {
        node_index const subject = world.index_of(e.subject);
        if (subject == sim::nobody || !world.up(subject)) return;
        if (e.kind == event_kind::member_dead) ++found.others.dead;
        if (e.kind == event_kind::member_suspected) ++found.others.suspected;
    });
    for (node_index i = 1; i < world.size(); i += 2) world.crash(i);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 10min, 50ms);
    if (!took) give_up("a mass failure was not noticed", world.seed());
    found.all = *took;
    world.run_for(30s);
    world.on_event({});
    return found;
}

/// Two halves apart for `apart`, then together: how long until all see all.
template <typename Kit>
[[nodiscard]] duration heal_halves(setting const& s, duration apart) {
    auto const world = settled<Kit>(s);
    for (node_index i = 0; i < s.nodes / 2; ++i) world->net().set_group(i, 1);
    world->run_for(apart);
    for (node_index i = 0; i < s.nodes; ++i) {
        if (world->node(i).alive_count() != s.nodes / 2) give_up("a half did not notice", s.seed);
    }
    world->net().heal();
    auto const took = world->run_until([&] { return world->all_see_all(); }, 10min);
    if (!took) give_up("the halves did not heal", s.seed);
    return *took;
}

/// All restart within 5 s: a half with what they stored, a quarter without, a quarter without and with a wrong clock.
/// Gives how many entries of all views are wrong 60 s later: not alive, missing, or not of the present life.
template <typename Kit>
[[nodiscard]] std::uint64_t restart_all(setting const& s) {
    auto const world = settled<Kit>(s);
    for (node_index i = 0; i < s.nodes; ++i) {
        world->after(uniform(world->rng(), duration{5s}), [&world = *world, i] {
            world.crash(i);
            world.restart(i, i % 2 == 0   ? sim::memory::kept
                             : i % 4 == 1 ? sim::memory::lost
                                          : sim::memory::lost_and_clock_wrong);
        });
    }
    world->run_for(65s);
    std::uint64_t wrong = 0;
    for (node_index i = 0; i < s.nodes; ++i) {
        if (!world->up(i)) give_up("a node did not start again", s.seed);
        std::uint64_t right = 0, entries = 0;
        world->node(i).for_each_member([&](auto const& m) {
            ++entries;
            node_index const subject = world->index_of(m.id());
            bool const fits = subject != sim::nobody && m.state() == membership::member_state::alive &&
                              m.incarnation() == world->node(subject).incarnation();
            right += fits ? 1 : 0;
        });
        wrong += (entries - right) + (s.nodes - std::min<std::uint64_t>(s.nodes, right));
    }
    return wrong;
}

} // namespace scenarios

#endif
