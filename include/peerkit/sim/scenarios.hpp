// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Faults and weather with a beginning and an end, as calls on a world: storms, flapping, churn, restarts, bursts.
#ifndef PEERKIT_SIM_SCENARIOS_HPP
#define PEERKIT_SIM_SCENARIOS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/sim/birth.hpp>
#include <peerkit/sim/network.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

// Each of these begins now and ends by itself after `lasts`; with `world.at` it begins later. What has to be drawn is
// drawn from `world.rng()`. Several may run at once: each undoes what it did, whoever else did the same meanwhile.
//
//     world.at(30s, [&] { sim::flap(world, 3, 2s, 1min); });

namespace detail {
/// Calls `turn(k)` now and then every `gap` until `lasts` is over, and `end()` then.
template <typename World, typename Turn, typename End>
void alternate(World& world, duration gap, duration lasts, Turn turn, End end, std::uint32_t k = 0) {
    if (lasts <= duration::zero()) return end();
    turn(k);
    duration const wait = std::clamp(gap, duration{1}, lasts);
    world.after(wait,
                [&world, gap, lasts, wait, turn, end, k] { alternate(world, gap, lasts - wait, turn, end, k + 1); });
}
/// Brings a node up if it is down, or out of a pause.
template <typename World>
void revive(World& world, node_index node, memory what) {
    if (!world.up(node)) world.restart(node, what);
}
template <typename World>
void revive_once_gone(World& world, node_index node, duration wait) {
    world.after(wait, [&world, node] {
        if (world.up(node) && world.leaving(node)) return revive_once_gone(world, node, std::chrono::milliseconds{100});
        revive(world, node, memory::kept);
    });
}
/// `count` different nodes out of all.
template <typename World>
[[nodiscard]] std::vector<node_index> some(World& world, std::size_t count) {
    std::vector<node_index> all(world.size());
    for (node_index i = 0; i < all.size(); ++i) all[i] = i;
    shuffle(std::span{all}, world.rng());
    all.resize(std::min(count, all.size()));
    return all;
}
} // namespace detail

// --- lives ---

/// The process dies and comes back.
template <typename World>
void crash_for(World& world, node_index node, duration lasts, memory what = memory::kept) {
    if (!world.crash(node)) return;
    world.after(lasts, [&world, node, what] { detail::revive(world, node, what); });
}
/// The machine is off and comes back.
template <typename World>
void power_off_for(World& world, node_index node, duration lasts, memory what = memory::kept) {
    if (!world.power_off(node)) return;
    world.after(lasts, [&world, node, what] { detail::revive(world, node, what); });
}
/// It says goodbye, and comes back `lasts` later, or once its goodbye is said.
template <typename World>
void leave_for(World& world, node_index node, duration lasts) {
    if (world.leave(node)) detail::revive_once_gone(world, node, lasts);
}
/// `count` nodes drawn by chance crash in one moment, and come back in one.
template <typename World>
void mass_failure(World& world, std::size_t count, duration lasts) {
    for (node_index const node : detail::some(world, count)) crash_for(world, node, lasts);
}
/// `count` new nodes at once.
template <typename World>
void join_storm(World& world, std::size_t count) {
    world.spawn_many(count);
}
/// Now and then a node drawn by chance crashes, and comes back after `away`.
template <typename World>
void churn(World& world, duration gap, duration away, duration lasts) {
    detail::alternate(
        world, gap, lasts,
        [&world, away](std::uint32_t) {
            auto const node = static_cast<node_index>(uniform(world.rng(), std::uint64_t{world.size()}));
            crash_for(world, node, away);
        },
        [] {});
}
/// One after the other, `gap` apart, every node crashes and comes back after `away`, as in an upgrade.
template <typename World>
void rolling_restart(World& world, duration gap, duration away) {
    auto const count = static_cast<duration::rep>(world.size());
    detail::alternate(world, gap, gap * count, [&world, away](std::uint32_t k) { crash_for(world, k, away); }, [] {});
}
/// Everybody crashes now and comes back within `lasts`, some of them (`lost`, in millionths) without their memory.
template <typename World>
void cold_start(World& world, duration lasts, std::uint32_t lost = 0) {
    for (node_index node = 0; node < world.size(); ++node) {
        memory const what = happens(world.rng(), lost) ? memory::lost : memory::kept;
        crash_for(world, node, uniform(world.rng(), std::max(lasts, duration{1})), what);
    }
}
/// Awake for a moment (5 ms) between stalls, over and over.
template <typename World>
void stutter(World& world, node_index node, duration stall, duration lasts) {
    duration const awake = std::chrono::milliseconds{5};
    detail::alternate(
        world, stall + awake, lasts, [&world, node, stall](std::uint32_t) { world.pause_for(node, stall); },
        [&world, node] { world.resume(node); });
}
/// Everybody's clock runs at a rate of its own, at most that many millionths off, for the rest of this life.
template <typename World>
void drift_clocks(World& world, std::uint32_t most) {
    for (node_index node = 0; node < world.size(); ++node) {
        auto const off = static_cast<std::int32_t>(uniform(world.rng(), std::uint64_t{most} * 2 + 1));
        world.set_drift(node, off - static_cast<std::int32_t>(most));
    }
}

// --- network ---

/// Nothing gets from `from` to `to`; the other direction works.
template <typename World>
void cut_for(World& world, node_index from, node_index to, duration lasts) {
    world.net().cut(from, to);
    world.after(lasts, [&world, from, to] { world.net().mend(from, to); });
}
/// The node reaches nobody and nobody reaches it.
template <typename World>
void isolate_for(World& world, node_index node, duration lasts) {
    world.net().set_group(node, node + 2); // no two alike, and none of `split_for`
    world.after(lasts, [&world, node] { world.net().set_group(node, 0); });
}
/// The first `count` nodes and the others do not reach each other.
template <typename World>
void split_for(World& world, node_index count, duration lasts) {
    auto const all = [&world, count](std::uint32_t group) {
        for (node_index node = 0; node < std::min<std::size_t>(count, world.size()); ++node)
            world.net().set_group(node, group);
    };
    all(1);
    world.after(lasts, [all] { all(0); });
}
/// Alone, back, alone: a link that goes up and down every `gap`.
template <typename World>
void flap(World& world, node_index node, duration gap, duration lasts) {
    detail::alternate(
        world, gap, lasts, [&world, node](std::uint32_t k) { world.net().set_group(node, k % 2 == 0 ? node + 2 : 0); },
        [&world, node] { world.net().set_group(node, 0); });
}
/// Bursts: everything the node sends and receives is lost for up to `bad`, then nothing for up to `good`.
template <typename World>
void lose_in_bursts(World& world, node_index node, duration good, duration bad, duration lasts) {
    if (lasts <= duration::zero()) return;
    auto const all = [&world, node](std::uint32_t loss) {
        world.net().set_ingress_loss(node, loss);
        world.net().set_egress_loss(node, loss);
    };
    all(percent(100));
    duration const dark = std::min(lasts, duration{1} + uniform(world.rng(), std::max(bad, duration{1})));
    world.after(dark, [all] { all(0); });
    duration const round = dark + duration{1} + uniform(world.rng(), std::max(good, duration{1}));
    if (round >= lasts) return;
    world.after(round,
                [&world, node, good, bad, left = lasts - round] { lose_in_bursts(world, node, good, bad, left); });
}
/// A part (in millionths) of what the node receives is lost, what it sends arrives.
template <typename World>
void deafen_for(World& world, node_index node, std::uint32_t loss, duration lasts) {
    world.net().set_ingress_loss(node, loss);
    world.after(lasts, [&world, node] { world.net().set_ingress_loss(node, 0); });
}
/// A part (in millionths) of what the node sends is lost, what is sent to it arrives.
template <typename World>
void silence_for(World& world, node_index node, std::uint32_t loss, duration lasts) {
    world.net().set_egress_loss(node, loss);
    world.after(lasts, [&world, node] { world.net().set_egress_loss(node, 0); });
}
/// Datagrams neither reach nor leave the node; streams work.
template <typename World>
void block_for(World& world, node_index node, duration lasts) {
    world.net().block_datagrams(node);
    world.after(lasts, [&world, node] { world.net().block_datagrams(node, false); });
}
/// The weather everywhere: one of the chances of `link_conditions`, as in
/// `weather_for(world, &link_conditions::loss, percent(20), 1min)`. It is that of a new network afterwards.
template <typename World>
void weather_for(World& world, std::uint32_t link_conditions::* chance, std::uint32_t value, duration lasts) {
    auto const set = [&world, chance](std::uint32_t to) {
        link_conditions c = world.net().default_conditions();
        c.*chance = to;
        world.net().set_default(c);
    };
    set(value);
    world.after(lasts, [set, chance] { set(link_conditions{}.*chance); });
}
/// Every datagram takes up to `latency_max`.
template <typename World>
void slow_down_for(World& world, duration latency_max, duration lasts) {
    auto const set = [&world](duration to) {
        link_conditions c = world.net().default_conditions();
        c.latency_max = to;
        world.net().set_default(c);
    };
    set(latency_max);
    world.after(lasts, [set] { set(link_conditions{}.latency_max); });
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
