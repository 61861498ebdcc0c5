// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Makes a plan that goes wrong small: whatever can be left out without its going right is left out.
#ifndef PEERKIT_SIM_SHRINK_HPP
#define PEERKIT_SIM_SHRINK_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/sim/incident.hpp>
#include <peerkit/sim/plan.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Delta debugging (Zeller and Hildebrandt 2002) over the incidents of a plan, then fewer nodes, a shorter time,
/// shorter incidents, no strangers, again until nothing more can go. `fails(plan) -> bool` lives a plan through and
/// tells whether it still goes wrong in the same way; it is asked at most `tries` times. The result fails; without any
/// of its incidents it does not, unless the tries were used up.
///
/// @code
/// auto const small = sim::shrink(p, [&](sim::plan const& q) { return run(q).broken == found.broken; });
/// puts(small.code().c_str());
/// @endcode
template <typename Fails>
[[nodiscard]] plan shrink(plan p, Fails&& fails, std::size_t tries = 400) {
    auto const accept = [&](plan tried) {
        if (tried == p || tries == 0) return false;
        --tries;
        if (!fails(std::as_const(tried))) return false;
        p = std::move(tried);
        return true;
    };
    auto const fewer_incidents = [&] {
        bool any = false;
        for (std::size_t chunk = (p.incidents.size() + 1) / 2; chunk != 0 && !p.incidents.empty();) {
            bool gone = false;
            for (std::size_t at = 0; at < p.incidents.size();) {
                plan tried = p;
                auto const from = tried.incidents.begin() + static_cast<std::ptrdiff_t>(at);
                auto const to = from + static_cast<std::ptrdiff_t>(std::min(chunk, p.incidents.size() - at));
                tried.incidents.erase(from, to);
                if (accept(std::move(tried)))
                    gone = any = true;
                else
                    at += chunk;
            }
            if (chunk == 1 && !gone) break;
            chunk = std::max<std::size_t>(chunk / 2, 1);
        }
        return any;
    };
    auto const simpler = [&](auto change) {
        plan tried = p;
        change(tried);
        return accept(std::move(tried));
    };
    auto const least_nodes = [&] {
        std::uint32_t least = 1;
        for (incident const& i : p.incidents) least = std::max({least, i.node + 1, i.other + 1});
        return least;
    };
    bool changed = true;
    while (changed && tries != 0) {
        changed = fewer_incidents();
        changed |= simpler([](plan& q) { q.strangers = 0; });
        changed |= simpler([](plan& q) { q.timer_lateness = {}; });
        changed |= simpler([](plan& q) { q.join_within = {}; });
        for (bool gone = true; gone;) {
            std::uint32_t const least = least_nodes();
            gone = simpler([&](plan& q) { q.nodes = std::max(least, q.nodes / 2); }) ||
                   simpler([&](plan& q) { q.nodes = std::max(least, q.nodes - 1); });
            changed |= gone;
        }
        // The end of the faults moves to where nothing is left to happen, then closer.
        changed |= simpler([](plan& q) {
            duration last{};
            for (incident const& i : q.incidents) last = std::max(last, i.when + i.lasts);
            q.faults = std::min(q.faults, last + std::chrono::milliseconds{1});
        });
        for (std::size_t i = 0; i < p.incidents.size(); ++i) {
            if (p.incidents[i].lasts > std::chrono::milliseconds{100})
                changed |= simpler([i](plan& q) { q.incidents[i].lasts = q.incidents[i].lasts / 2; });
            changed |= simpler([i](plan& q) { q.incidents[i].amount /= 2; });
            changed |= simpler([i](plan& q) {
                incident& it = q.incidents[i];
                it.node = std::min(it.node, node_index{1});
                it.other = 1 - it.node;
            });
        }
    }
    return p;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
