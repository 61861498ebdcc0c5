// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A failure detector that asks again before it accuses: SWIM with retransmissions and a second wave of helpers.
#ifndef PEERKIT_GOSSIP_PERSISTENT_SWIM_HPP
#define PEERKIT_GOSSIP_PERSISTENT_SWIM_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/suspicion.hpp>

#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// All tries and both waves of the tunables, then Lifeguard's suspicion. If not one helper said anything, the fault is
/// more likely here: that is believed twice in a row, not for ever, since the helpers may all be dead.
class persistent_swim {
public:
    static constexpr detector_traits traits{};

    [[nodiscard]] constexpr duration period(tunables const& t) const noexcept { return t.probe_period; }
    [[nodiscard]] constexpr probe_plan plan(tunables const& t) const noexcept { return full_plan(t); }
    [[nodiscard]] constexpr membership::suspicion_time suspicion(tunables const& t,
                                                                 std::size_t members) const noexcept {
        return membership::suspicion_time::of(members, t.probe_period, t.suspicion_factor, t.suspicion_max_factor,
                                              t.confirmations);
    }
    constexpr void answered(short_id, bool) noexcept { unsure_ = 0; }
    [[nodiscard]] constexpr bool failed(failed_probe const& probe) noexcept {
        if (probe.helpers != 0 && probe.nacks == 0 && unsure_ < 2) {
            ++unsure_;
            return false;
        }
        unsure_ = 0;
        return true;
    }
    constexpr void refuted() noexcept {}
    constexpr void confirmed(short_id) noexcept {}
    [[nodiscard]] constexpr bool sound() const noexcept { return true; }

private:
    std::uint8_t unsure_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
