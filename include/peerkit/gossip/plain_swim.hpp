// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The failure detector of the SWIM paper, with memberlist's constants from before Lifeguard.
#ifndef PEERKIT_GOSSIP_PLAIN_SWIM_HPP
#define PEERKIT_GOSSIP_PLAIN_SWIM_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/suspicion.hpp>

#include <cstddef>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Das, Gupta, Motivala 2002: a ping, then one wave of helpers after half the period, then suspicion for a fixed time
/// of `suspicion_factor * max(1, log10 members)` periods. A node never doubts itself. There to be compared with.
struct plain_swim : no_self_health {
    static constexpr detector_traits traits{};

    [[nodiscard]] constexpr duration period(tunables const& t) const noexcept { return t.probe_period; }
    [[nodiscard]] constexpr probe_plan plan(tunables const& t) const noexcept {
        probe_plan p = full_plan(t);
        p.tries = p.waves = 1;
        p.helpers_after = p.helpers_again = t.probe_period / 2;
        p.verdict_after = t.probe_period - t.probe_period / 20;
        p.helpers_retry = p.nacks = false;
        return p;
    }
    [[nodiscard]] constexpr membership::suspicion_time suspicion(tunables const& t,
                                                                 std::size_t members) const noexcept {
        return membership::suspicion_time::of(members, t.probe_period, t.suspicion_factor, 1, 0);
    }
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
