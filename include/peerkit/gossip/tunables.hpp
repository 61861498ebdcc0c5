// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Every number of the engine in one place: unit, range, reason; profiles; the relations between them.
#ifndef PEERKIT_GOSSIP_TUNABLES_HPP
#define PEERKIT_GOSSIP_TUNABLES_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Numbers of the engine. Change a profile rather than start from zero:
/// @code
/// auto t = peerkit::gossip::wan();
/// t.max_members = 2000;
/// @endcode
struct tunables {
    // Probing (SWIM, Das et al. 2002; retransmissions and second helper wave measured to pay under loss).
    duration probe_period = std::chrono::seconds{1};           ///< one member is probed per period
    duration probe_retry = std::chrono::milliseconds{120};     ///< the direct ping is repeated this often ...
    std::uint8_t direct_tries = 4;                             ///< ... this many times in all
    duration helpers_after = std::chrono::milliseconds{480};   ///< first wave of indirect probes, and the stream
    duration helpers_again = std::chrono::milliseconds{680};   ///< second wave, with other helpers
    std::uint8_t helpers = 3;                                  ///< helpers per wave; 0 switches indirect probes off
    duration helper_retry = std::chrono::milliseconds{150};    ///< a helper repeats its ping once after this
    duration helper_patience = std::chrono::milliseconds{350}; ///< a helper answers nack when nothing came by then
    duration verdict_after = std::chrono::milliseconds{900};   ///< no answer by then: the target is suspected
    bool stream_fallback = true;                               ///< probe by stream too when datagrams go unanswered

    // Suspicion (Lifeguard, Dadgar et al. 2017): from max down to min as distinct accusers confirm.
    std::uint8_t suspicion_factor = 4;     ///< min = factor * max(1, log10 n) * probe_period
    std::uint8_t suspicion_max_factor = 6; ///< max = this * min
    std::uint8_t confirmations = 2;        ///< distinct accusers beyond the first that bring the timer to min
    /// `corroborated`: how long the accused may refute when enough members accuse; the outage that is tolerated is
    /// this and about half a second more.
    duration suspicion_min = std::chrono::milliseconds{1600};
    std::uint32_t looks_per_second = 200; ///< last pings before members are held dead; those beyond wait their turn

    // Dissemination.
    duration gossip_interval = std::chrono::milliseconds{200}; ///< between packets while updates are queued
    duration eager_interval = std::chrono::milliseconds{50};   ///< the same while an update has never been sent
    std::uint8_t fan_out = 3;                                  ///< targets per round, at most 5
    std::uint8_t retransmit_factor = 4;                        ///< an update is sent factor * ceil(log10(n + 1)) times
    duration gossip_to_dead = std::chrono::seconds{30};        ///< the dead are still told, so that they may refute

    // Repair.
    duration exchange_period = std::chrono::seconds{30}; ///< base of the time between exchanges with a random member
    duration exchange_least = std::chrono::milliseconds{400}; ///< the same while much is learnt; then it doubles
    duration contact_period = std::chrono::seconds{10};       ///< a few of the dead are called, for ever
    std::uint8_t contacts = 3;                                ///< how many of them per period
    duration tombstone_time = std::chrono::hours{24};         ///< dead and left are remembered; outlasts partitions
    duration stream_timeout = std::chrono::seconds{10};       ///< a stream exchange must complete within
    duration pause_gap = std::chrono::milliseconds{500};      ///< a timer this late: this node slept, accuse nobody
    duration leave_patience = std::chrono::seconds{5};        ///< the goodbye is given up after this

    // User messages.
    duration message_interval = std::chrono::milliseconds{20}; ///< between rounds of telling a broadcast
    duration message_keep = std::chrono::seconds{60};          ///< a broadcast can be asked for this long
    duration offer_interval = std::chrono::seconds{2};         ///< at most between offers of what is kept
    std::uint32_t broadcasts_per_second = 100; ///< of this node, burst the same; double is taken from others

    // Caps: nothing a stranger sends grows beyond these.
    std::size_t max_members = 16384;                         ///< members and tombstones
    std::size_t max_relays = 128;                            ///< probes under way for others
    std::size_t max_suspicions = 4096;                       ///< running suspicions
    std::size_t max_streams = 64;                            ///< streams, dialled and accepted together
    std::size_t max_message_bytes = std::size_t{256} << 10U; ///< broadcasts kept
    std::size_t max_origins = 4096;                          ///< origins whose broadcasts are told apart
    std::size_t max_requests = 256;                          ///< own requests and reliable messages under way
    std::size_t max_served_requests = 1024;                  ///< requests of others that are remembered
    std::uint32_t message_verifies_per_second = 1000;        ///< signatures of broadcasts checked, burst twice that
    std::size_t max_entry_bytes = std::size_t{64} << 20U;    ///< memory for the entries of all members together
    std::uint32_t entry_verifies_per_second = 2000;          ///< signatures of entries checked, burst ten times that
    std::uint32_t entry_changes_per_second = 20; ///< entries taken over of one member, burst `limits::entries`
    std::uint32_t packets_per_source = 20000;    ///< datagrams per second from one address, burst the same
    std::uint32_t comparison_packets =
        256; ///< of comparisons, per second, burst the same; once for own, once for others'
    std::uint32_t verifies_per_second = 5000; ///< signature checks per second, burst twice that
};

/// A local network: sub-millisecond to a few milliseconds. Simulated with 100 members, a crash is known to all after
/// 4.1 s (median), and a member cut off for 3 s is not declared dead (0 of 20); docs/performance.md.
[[nodiscard]] constexpr tunables lan() noexcept { return {}; }

/// Across sites: up to 300 ms one way. Simulated as above with 20 to 150 ms one way, a crash is known to all after
/// 11.5 s, and a member cut off for 9 s is not declared dead.
[[nodiscard]] constexpr tunables wan() noexcept {
    tunables t;
    t.probe_period = std::chrono::seconds{3};
    t.probe_retry = std::chrono::milliseconds{300};
    t.helpers_after = std::chrono::milliseconds{1200};
    t.helpers_again = std::chrono::milliseconds{1700};
    t.helper_retry = std::chrono::milliseconds{400};
    t.helper_patience = std::chrono::milliseconds{1300};
    t.verdict_after = std::chrono::milliseconds{2900};
    t.suspicion_factor = 5;
    t.suspicion_min = std::chrono::seconds{4};
    t.gossip_interval = std::chrono::milliseconds{500};
    t.eager_interval = std::chrono::milliseconds{150};
    t.fan_out = 4;
    t.exchange_period = std::chrono::seconds{60};
    t.exchange_least = std::chrono::seconds{1};
    t.contact_period = std::chrono::seconds{20};
    t.stream_timeout = std::chrono::seconds{30};
    t.pause_gap = std::chrono::seconds{2};
    t.message_interval = std::chrono::milliseconds{100};
    t.message_keep = std::chrono::seconds{120};
    t.offer_interval = std::chrono::seconds{5};
    return t;
}

/// One machine: processes on loopback. Simulated as above, a crash is known to all after 2.2 s, and a member cut off
/// for 1.5 s is not declared dead (for 1.8 s: 7 of 20).
[[nodiscard]] constexpr tunables local() noexcept {
    tunables t;
    t.probe_period = std::chrono::milliseconds{500};
    t.probe_retry = std::chrono::milliseconds{60};
    t.helpers_after = std::chrono::milliseconds{240};
    t.helpers_again = std::chrono::milliseconds{320};
    t.helper_retry = std::chrono::milliseconds{60};
    t.helper_patience = std::chrono::milliseconds{120};
    t.verdict_after = std::chrono::milliseconds{450};
    t.suspicion_factor = 3;
    t.suspicion_min = std::chrono::milliseconds{900};
    t.gossip_interval = std::chrono::milliseconds{100};
    t.eager_interval = std::chrono::milliseconds{20};
    t.exchange_period = std::chrono::seconds{15};
    t.exchange_least = std::chrono::milliseconds{200};
    t.contact_period = std::chrono::seconds{3};
    t.stream_timeout = std::chrono::seconds{5};
    t.message_interval = std::chrono::milliseconds{10};
    t.offer_interval = std::chrono::seconds{1};
    return t;
}

/// A local network of about that many members that loses that many datagrams in a hundred: so many direct tries that
/// only one probe in fifty of a live member needs helpers (at most 8), more repetition of news where much is lost, caps
/// with room for twice the members and for half of them to fail at once. How long it takes to notice a crash does not
/// depend on either. `members` counts up to 2^22, `loss` up to 60.
[[nodiscard]] constexpr tunables for_cluster(std::size_t members, unsigned loss) noexcept {
    tunables t = lan();
    members = members<16 ? 16 : members>(std::size_t{1} << 22U) ? std::size_t{1} << 22U : members;
    loss = loss > 60 ? 60 : loss;
    // In millionths: a ping or its answer is lost.
    std::uint64_t const lost = 1'000'000 - std::uint64_t{100 - loss} * (100 - loss) * 100;
    t.direct_tries = 2;
    for (std::uint64_t all = lost * lost / 1'000'000; all > 20'000 && t.direct_tries < 8; ++t.direct_tries)
        all = all * lost / 1'000'000;
    t.probe_retry = t.helpers_after / t.direct_tries;
    t.retransmit_factor = loss <= 10 ? 4 : loss <= 30 ? 6 : 8;
    t.max_members = members * 2 < 256 ? 256 : members * 2;
    t.max_suspicions = members < 256 ? 256 : members > 65534 ? 65534 : members;
    return t;
}

/// Checks the relations the engine relies on.
/// @par Errors `bad_tunables`, its field naming the relation that does not hold.
[[nodiscard]] constexpr result<void> check(tunables const& t) noexcept {
    auto const bad = [](char const* relation) { return fail(gossip_error::bad_tunables, 0, relation); };
    if (t.probe_period <= duration::zero() || t.gossip_interval <= duration::zero()) return bad("periods are positive");
    if (t.eager_interval <= duration::zero() || t.eager_interval > t.gossip_interval)
        return bad("eager_interval <= gossip_interval");
    if (t.direct_tries == 0) return bad("direct_tries >= 1");
    if (t.probe_retry * (t.direct_tries - 1) >= t.helpers_after) return bad("direct tries end before helpers_after");
    if (t.helpers_after > t.helpers_again || t.helpers_again >= t.verdict_after)
        return bad("helpers_after <= helpers_again < verdict_after");
    if (t.verdict_after >= t.probe_period) return bad("verdict_after < probe_period");
    if (t.helper_retry >= t.helper_patience) return bad("helper_retry < helper_patience");
    if (t.helpers_after + t.helper_patience > t.verdict_after)
        return bad("helpers_after + helper_patience <= verdict_after");
    if (t.suspicion_factor == 0 || t.suspicion_max_factor == 0) return bad("suspicion factors >= 1");
    if (t.suspicion_min <= duration::zero()) return bad("suspicion_min is positive");
    if (t.fan_out == 0 || t.fan_out > 5) return bad("1 <= fan_out <= 5");
    if (t.retransmit_factor == 0 || t.retransmit_factor > 12) return bad("1 <= retransmit_factor <= 12");
    if (t.exchange_period < t.probe_period || t.contact_period < t.probe_period)
        return bad("repair periods >= probe_period");
    if (t.message_interval <= duration::zero() || t.offer_interval < t.message_interval * 4)
        return bad("offer_interval >= 4 * message_interval > 0");
    if (t.message_keep < t.offer_interval * 4) return bad("message_keep >= 4 * offer_interval");
    if (t.max_message_bytes < 2 * limits::payload) return bad("max_message_bytes >= 2 * limits::payload");
    if (t.broadcasts_per_second == 0 || t.broadcasts_per_second > 1'000'000)
        return bad("1 <= broadcasts_per_second <= 10^6");
    if (t.message_verifies_per_second == 0 || t.message_verifies_per_second > 100'000'000)
        return bad("1 <= message_verifies_per_second <= 10^8");
    if (t.max_origins == 0 || t.max_served_requests < 4) return bad("message caps leave room to work");
    if (t.exchange_least <= duration::zero() || t.exchange_least > t.exchange_period)
        return bad("0 < exchange_least <= exchange_period");
    if (t.tombstone_time < t.exchange_period * 4) return bad("tombstone_time >= 4 * exchange_period");
    if (t.tombstone_time < t.gossip_to_dead) return bad("tombstone_time >= gossip_to_dead");
    if (t.stream_timeout < t.probe_period) return bad("stream_timeout >= probe_period");
    if (t.max_members < 2 || t.max_members > (std::size_t{1} << 24U)) return bad("2 <= max_members <= 2^24");
    if (t.max_streams < 4 || t.max_suspicions < 1 || t.max_relays < 1) return bad("caps leave room to work");
    if (t.max_suspicions >= 65535) return bad("max_suspicions < 65535");
    if (t.packets_per_source == 0 || t.looks_per_second == 0 || t.verifies_per_second == 0 || t.comparison_packets == 0)
        return bad("budgets are positive");
    if (t.entry_verifies_per_second == 0 || t.entry_verifies_per_second > 10'000'000)
        return bad("1 <= entry_verifies_per_second <= 10^7");
    if (t.entry_changes_per_second == 0 || t.entry_changes_per_second > 1'000'000)
        return bad("1 <= entry_changes_per_second <= 10^6");
    if (t.verifies_per_second > 100'000'000) return bad("verifies_per_second <= 10^8");
    return {};
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
