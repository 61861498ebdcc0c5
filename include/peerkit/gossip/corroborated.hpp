// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// peerkit's own failure detector: it asks others quietly before it accuses, and looks itself before it believes.
#ifndef PEERKIT_GOSSIP_CORROBORATED_HPP
#define PEERKIT_GOSSIP_CORROBORATED_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/suspicion.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Everybody probes the next on a ring, so that everybody is probed once a period. Who does not answer four pings and
/// six helpers is not accused yet: six members, drawn by hash, are asked to try, and one that hears the subject ends
/// the matter. Otherwise all are told, with the names of those who tried; with four names the accused has
/// `suspicion_min` to refute, with fewer up to `suspicion_factor * max(1, log10 members)` periods. Nobody is held dead
/// whom this node did not itself ping twice in vain just before, whatever others say.
///
/// A node doubts itself while more than 30 per cent of its last 16 probes had no direct answer, those of members that
/// others could not reach either left aside; it then accuses nobody and answers no checks. A node that hears nobody at
/// all for three periods goes by its own judgement.
class corroborated {
public:
    static constexpr detector_traits traits{watching::ring, accusing::quietly, burying::after_a_look};
    /// Accusers, this node included, that make a suspicion as short as it gets.
    static constexpr unsigned accusers = 4;

    [[nodiscard]] constexpr duration period(tunables const& t) const noexcept { return t.probe_period; }
    [[nodiscard]] constexpr probe_plan plan(tunables const& t) const noexcept { return full_plan(t); }
    [[nodiscard]] constexpr membership::suspicion_time suspicion(tunables const& t,
                                                                 std::size_t members) const noexcept {
        auto s = membership::suspicion_time::of(members, t.probe_period, t.suspicion_factor, 1, 0);
        s.shortest = std::min(t.suspicion_min, s.longest);
        s.confirmations = static_cast<unsigned>(std::clamp<std::size_t>(members, 2, accusers + 1) - 2);
        s.looks = 2;
        s.look_gap = t.suspicion_min / 6;
        return s;
    }
    constexpr void answered(short_id subject, bool directly) noexcept { note(subject, !directly); }
    [[nodiscard]] constexpr bool failed(failed_probe const& probe) noexcept {
        note(probe.subject, true);
        return sound();
    }
    constexpr void refuted() noexcept {}
    constexpr void confirmed(short_id subject) noexcept {
        for (mark& m : marks_) m.bad = m.bad && m.subject != subject;
    }
    [[nodiscard]] constexpr bool sound() const noexcept {
        std::size_t bad = 0;
        for (mark const& m : marks_) bad += m.bad ? 1U : 0U;
        std::size_t const seen = std::min(count_, marks_.size());
        return seen < 8 || bad * 10 <= seen * 3;
    }

private:
    struct mark {
        short_id subject{};
        bool bad = false;
    };
    constexpr void note(short_id subject, bool bad) noexcept { marks_[count_++ % marks_.size()] = {subject, bad}; }

    std::array<mark, 16> marks_{};
    std::size_t count_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
