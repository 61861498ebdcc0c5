// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One thing done to a world, as a value: drawn by chance, carried out, written down as code.
#ifndef PEERKIT_SIM_INCIDENT_HPP
#define PEERKIT_SIM_INCIDENT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/sim/birth.hpp>
#include <peerkit/sim/network.hpp>
#include <peerkit/sim/scenarios.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What can happen to a world: the functions of `sim/scenarios.hpp`, and what a clock can do.
enum class incident_kind : std::uint8_t {
    crash,
    power_off,
    leave,
    mass_failure,
    join_storm,
    churn,
    rolling_restart,
    cold_start,
    pause,
    stutter,
    leap,
    drift,
    cut,
    isolate,
    split,
    flap,
    bursts,
    deafen,
    silence,
    block,
    loss,
    duplication,
    reordering,
    damage,
    slowness,
};
inline constexpr std::size_t incident_kinds = static_cast<std::size_t>(incident_kind::slowness) + 1;

[[nodiscard]] constexpr std::string_view to_string(incident_kind kind) noexcept {
    switch (kind) {
    case incident_kind::crash: return "crash";
    case incident_kind::power_off: return "power off";
    case incident_kind::leave: return "leave";
    case incident_kind::mass_failure: return "mass failure";
    case incident_kind::join_storm: return "join storm";
    case incident_kind::churn: return "churn";
    case incident_kind::rolling_restart: return "rolling restart";
    case incident_kind::cold_start: return "cold start";
    case incident_kind::pause: return "pause";
    case incident_kind::stutter: return "stutter";
    case incident_kind::leap: return "leap";
    case incident_kind::drift: return "drift";
    case incident_kind::cut: return "cut";
    case incident_kind::isolate: return "isolate";
    case incident_kind::split: return "split";
    case incident_kind::flap: return "flap";
    case incident_kind::bursts: return "bursts";
    case incident_kind::deafen: return "deafen";
    case incident_kind::silence: return "silence";
    case incident_kind::block: return "block";
    case incident_kind::loss: return "loss";
    case incident_kind::duplication: return "duplication";
    case incident_kind::reordering: return "reordering";
    case incident_kind::damage: return "damage";
    case incident_kind::slowness: return "slowness";
    }
    return "unknown";
}

/// One of them: when it begins, whom it strikes, how long and how much. What a kind has no use for it ignores.
struct incident {
    incident_kind what{};
    duration when{};          ///< age of the world
    duration lasts{};         ///< then it is over by itself
    node_index node = 0;      ///< of a split: how many nodes are on one side
    node_index other = 0;     ///< of a cut: where nothing arrives
    std::uint32_t amount = 0; ///< millionths, nodes, milliseconds or a `memory`

    [[nodiscard]] friend bool operator==(incident const&, incident const&) noexcept = default;

    /// An incident of that kind in a world of `nodes`, over before `end`.
    [[nodiscard]] static incident draw(incident_kind what, std::size_t nodes, duration begin, duration end,
                                       seeded_rng& dice) {
        auto const up_to = [&](std::uint64_t most) { return static_cast<std::uint32_t>(uniform(dice, most + 1)); };
        incident made;
        made.what = what;
        made.when = begin + uniform(dice, std::max(end - begin, duration{1}));
        // Most are short; some are longer than every timeout.
        duration const most = up_to(3) == 0 ? std::chrono::minutes{5} : std::chrono::seconds{30};
        made.lasts = std::min(duration{std::chrono::milliseconds{100}} + uniform(dice, most), end - made.when);
        made.node = up_to(nodes - 1);
        made.other = up_to(nodes - 1);
        switch (what) {
        case incident_kind::crash:
        case incident_kind::power_off: made.amount = up_to(2); break; // a `memory`
        case incident_kind::mass_failure: made.amount = 1 + up_to(nodes / 2); break;
        case incident_kind::join_storm: made.amount = 1 + up_to(nodes / 4); break;
        case incident_kind::churn:
        case incident_kind::rolling_restart:
        case incident_kind::flap:
        case incident_kind::bursts: made.amount = 200 + up_to(10'000); break; // milliseconds
        case incident_kind::stutter: made.amount = 1'000 + up_to(10'000); break;
        case incident_kind::cold_start: made.amount = up_to(percent(100)); break;
        case incident_kind::drift: made.amount = up_to(1'000); break; // a part in a thousand: a bad quartz
        case incident_kind::deafen:
        case incident_kind::silence: made.amount = percent(20) + up_to(percent(80)); break;
        case incident_kind::loss: made.amount = up_to(percent(30)); break;
        case incident_kind::duplication:
        case incident_kind::reordering: made.amount = up_to(percent(50)); break;
        case incident_kind::damage: made.amount = up_to(percent(5)); break;
        case incident_kind::slowness: made.amount = 2 + up_to(60); break; // milliseconds
        default: break;
        }
        return made;
    }

    /// Does it now.
    template <typename World>
    void carry_out(World& world) const {
        duration const step = std::chrono::milliseconds{amount};
        switch (what) {
        case incident_kind::crash: return crash_for(world, node, lasts, memory_of_amount());
        case incident_kind::power_off: return power_off_for(world, node, lasts, memory_of_amount());
        case incident_kind::leave: return leave_for(world, node, lasts);
        case incident_kind::mass_failure: return mass_failure(world, amount, lasts);
        case incident_kind::join_storm: return join_storm(world, amount);
        case incident_kind::churn: return churn(world, step, step / 2, lasts);
        case incident_kind::rolling_restart: {
            duration const gap = lasts / static_cast<duration::rep>(world.size() + 1);
            return rolling_restart(world, gap, gap / 2);
        }
        case incident_kind::cold_start: return cold_start(world, lasts, amount);
        case incident_kind::pause: world.pause_for(node, lasts); return;
        case incident_kind::stutter: return stutter(world, node, step, lasts);
        case incident_kind::leap: world.leap_clock(node, lasts); return;
        case incident_kind::drift: return drift_clocks(world, amount);
        case incident_kind::cut:
            if (node != other) cut_for(world, node, other, lasts);
            return;
        case incident_kind::isolate: return isolate_for(world, node, lasts);
        case incident_kind::split: return split_for(world, node, lasts);
        case incident_kind::flap: return flap(world, node, step, lasts);
        case incident_kind::bursts: return lose_in_bursts(world, node, step * 4, step, lasts);
        case incident_kind::deafen: return deafen_for(world, node, amount, lasts);
        case incident_kind::silence: return silence_for(world, node, amount, lasts);
        case incident_kind::block: return block_for(world, node, lasts);
        case incident_kind::loss: return weather_for(world, &link_conditions::loss, amount, lasts);
        case incident_kind::duplication: return weather_for(world, &link_conditions::duplicate, amount, lasts);
        case incident_kind::reordering: return weather_for(world, &link_conditions::reorder, amount, lasts);
        case incident_kind::damage: return weather_for(world, &link_conditions::corrupt, amount, lasts);
        case incident_kind::slowness: return slow_down_for(world, step, lasts);
        }
    }

    /// The same as a line of a program, for whoever is to look into it.
    [[nodiscard]] std::string code() const {
        std::string const i = std::to_string(node), n = std::to_string(amount), d = milliseconds(lasts);
        std::string const w = "world, " + i, step = n + "ms";
        return "world.at(" + milliseconds(when) + ", [&] { " + call(w, i, n, d, step) + "; });";
    }

private:
    [[nodiscard]] memory memory_of_amount() const noexcept { return static_cast<memory>(std::min(amount, 2U)); }
    /// Rounded up, so that nothing becomes shorter than it was by more than that.
    [[nodiscard]] static std::string milliseconds(duration d) {
        return d.count() % 1'000'000 == 0 ? std::to_string(d.count() / 1'000'000) + "ms"
                                          : std::to_string(d.count()) + "ns";
    }
    [[nodiscard]] std::string call(std::string const& w, std::string const& i, std::string const& n,
                                   std::string const& d, std::string const& step) const {
        static constexpr std::string_view memories[]{"kept", "lost", "lost_and_clock_wrong"};
        std::string const kept = "sim::memory::" + std::string{memories[static_cast<std::size_t>(memory_of_amount())]};
        auto const weather = [&](char const* chance) {
            return "sim::weather_for(world, &sim::link_conditions::" + std::string{chance} + ", " + n + ", " + d + ")";
        };
        switch (what) {
        case incident_kind::crash: return "sim::crash_for(" + w + ", " + d + ", " + kept + ")";
        case incident_kind::power_off: return "sim::power_off_for(" + w + ", " + d + ", " + kept + ")";
        case incident_kind::leave: return "sim::leave_for(" + w + ", " + d + ")";
        case incident_kind::mass_failure: return "sim::mass_failure(world, " + n + ", " + d + ")";
        case incident_kind::join_storm: return "sim::join_storm(world, " + n + ")";
        case incident_kind::churn: return "sim::churn(world, " + step + ", " + step + " / 2, " + d + ")";
        case incident_kind::rolling_restart:
            return "auto const gap = duration{" + d +
                   "} / (world.size() + 1); sim::rolling_restart(world, gap, gap / 2)";
        case incident_kind::cold_start: return "sim::cold_start(world, " + d + ", " + n + ")";
        case incident_kind::pause: return "world.pause_for(" + i + ", " + d + ")";
        case incident_kind::stutter: return "sim::stutter(" + w + ", " + step + ", " + d + ")";
        case incident_kind::leap: return "world.leap_clock(" + i + ", " + d + ")";
        case incident_kind::drift: return "sim::drift_clocks(world, " + n + ")";
        case incident_kind::cut: return "sim::cut_for(" + w + ", " + std::to_string(other) + ", " + d + ")";
        case incident_kind::isolate: return "sim::isolate_for(" + w + ", " + d + ")";
        case incident_kind::split: return "sim::split_for(" + w + ", " + d + ")";
        case incident_kind::flap: return "sim::flap(" + w + ", " + step + ", " + d + ")";
        case incident_kind::bursts: return "sim::lose_in_bursts(" + w + ", 4 * " + step + ", " + step + ", " + d + ")";
        case incident_kind::deafen: return "sim::deafen_for(" + w + ", " + n + ", " + d + ")";
        case incident_kind::silence: return "sim::silence_for(" + w + ", " + n + ", " + d + ")";
        case incident_kind::block: return "sim::block_for(" + w + ", " + d + ")";
        case incident_kind::loss: return weather("loss");
        case incident_kind::duplication: return weather("duplicate");
        case incident_kind::reordering: return weather("reorder");
        case incident_kind::damage: return weather("corrupt");
        case incident_kind::slowness: return "sim::slow_down_for(world, " + step + ", " + d + ")";
        }
        return "/* unknown */";
    }
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
