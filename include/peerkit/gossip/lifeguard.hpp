// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The failure detector of memberlist: SWIM with Lifeguard's three additions.
#ifndef PEERKIT_GOSSIP_LIFEGUARD_HPP
#define PEERKIT_GOSSIP_LIFEGUARD_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/suspicion.hpp>

#include <algorithm>
#include <cstddef>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Dadgar, Phillips, Currey 2017, as memberlist runs it: one ping, one wave of helpers that say when they got no answer
/// either; a score of this node's own health, 0 to 7, that stretches its probes; a suspicion that shrinks from
/// `suspicion_max_factor` times its shortest as `suspicion_factor - 2` more members accuse. The accused hears of it
/// with the next ping (the engine does that for every detector).
class lifeguard {
public:
    static constexpr detector_traits traits{};
    /// Highest score of bad health.
    static constexpr unsigned worst = 7;

    /// 0 while all is well.
    [[nodiscard]] constexpr unsigned score() const noexcept { return score_; }

    [[nodiscard]] constexpr duration period(tunables const& t) const noexcept {
        return t.probe_period * static_cast<duration::rep>(score_ + 1);
    }
    [[nodiscard]] constexpr probe_plan plan(tunables const& t) const noexcept {
        probe_plan p = full_plan(t);
        p.tries = p.waves = 1;
        p.helpers_after = p.helpers_again = t.probe_period / 2;
        p.verdict_after = period(t) - t.probe_period / 20;
        p.helpers_retry = false;
        return p;
    }
    [[nodiscard]] constexpr membership::suspicion_time suspicion(tunables const& t,
                                                                 std::size_t members) const noexcept {
        unsigned const confirmations = t.suspicion_factor > 2U ? t.suspicion_factor - 2U : 0U;
        return membership::suspicion_time::of(members, t.probe_period, t.suspicion_factor, t.suspicion_max_factor,
                                              confirmations);
    }
    constexpr void answered(short_id, bool) noexcept { score_ -= score_ != 0 ? 1U : 0U; }
    [[nodiscard]] constexpr bool failed(failed_probe const& probe) noexcept {
        worsen(probe.helpers == 0 ? 1U : probe.helpers - std::min(probe.helpers, probe.nacks));
        return true;
    }
    constexpr void refuted() noexcept { worsen(1); }
    constexpr void confirmed(short_id) noexcept {}
    [[nodiscard]] constexpr bool sound() const noexcept { return true; }

private:
    constexpr void worsen(unsigned by) noexcept { score_ = std::min(worst, score_ + by); }

    unsigned score_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
