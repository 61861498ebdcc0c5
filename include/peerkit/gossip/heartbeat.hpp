// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A failure detector without probes: members send heartbeats, and who is not heard is suspected.
#ifndef PEERKIT_GOSSIP_HEARTBEAT_HPP
#define PEERKIT_GOSSIP_HEARTBEAT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/suspicion.hpp>

#include <cstddef>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Alive, suspected, dead: every period a node sends a heartbeat to the three members before it on the ring; one of
/// these that hears none for five periods tells everybody, and who does not refute for `suspicion_factor * max(1,
/// log10 members)` periods is dead. Three packets per period and no answers: it works where a member can only send, and
/// for hosts that know no better; it sees nothing that only the way back is broken, and asks nobody else. A node never
/// doubts itself, except that it accuses nobody on waking.
struct heartbeat : no_self_health {
    static constexpr detector_traits traits{watching::heartbeats, accusing::openly, burying::on_hearsay};
    /// Periods without a heartbeat before a member is accused.
    static constexpr unsigned silence = 5;

    [[nodiscard]] constexpr duration period(tunables const& t) const noexcept { return t.probe_period; }
    /// For those that ask this node to try somebody.
    [[nodiscard]] constexpr probe_plan plan(tunables const& t) const noexcept { return full_plan(t); }
    [[nodiscard]] constexpr membership::suspicion_time suspicion(tunables const& t,
                                                                 std::size_t members) const noexcept {
        return membership::suspicion_time::of(members, t.probe_period, t.suspicion_factor, 1, 0);
    }
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
