// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy that says how a node finds out who is gone: whom it probes, when it accuses, when it believes.
#ifndef PEERKIT_GOSSIP_DETECTOR_HPP
#define PEERKIT_GOSSIP_DETECTOR_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/suspicion.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Whom a node watches.
enum class watching : std::uint8_t {
    shuffled,   ///< one random member per period, each once per pass (SWIM section 4.3)
    ring,       ///< the next on a ring everybody orders alike; past somebody silent at once those behind it
    heartbeats, ///< nobody: the three behind it on the ring send heartbeats; `T::silence` periods without accuse
};
/// What becomes of a probe that was not answered.
enum class accusing : std::uint8_t {
    openly,  ///< the subject is suspected, and everybody is told
    quietly, ///< some members are asked to try; if none of them hears the subject, everybody is told
};
/// What it takes to hold a member dead.
enum class burying : std::uint8_t {
    on_hearsay,   ///< the suspicion ran out, here or with somebody who says so
    after_a_look, ///< the suspicion ran out, and this node's own last pings were in vain
};

/// What a detector is, for good: the engine compiles only what these ask for.
struct detector_traits {
    watching watch = watching::shuffled;
    accusing accuse = accusing::openly;
    burying bury = burying::on_hearsay;
};

/// The timetable of one probe; all times are from its beginning.
struct probe_plan {
    std::uint8_t tries = 1;     ///< direct pings
    std::uint8_t waves = 1;     ///< of helpers, 0 to 2
    std::uint8_t helpers = 3;   ///< per wave
    duration retry{};           ///< between two direct pings
    duration helpers_after{};   ///< first wave
    duration helpers_again{};   ///< second wave; with one wave the same as the first
    duration verdict_after{};   ///< the probe has failed
    bool helpers_retry = false; ///< asked for help, this node pings twice
    bool nacks = true;          ///< asked for help in vain, this node says so (Lifeguard)
};

/// The whole timetable of the tunables: all tries, both waves.
[[nodiscard]] constexpr probe_plan full_plan(tunables const& t) noexcept {
    return {t.direct_tries, 2, t.helpers, t.probe_retry, t.helpers_after, t.helpers_again, t.verdict_after, true, true};
}

/// The plan for a subject whose answers take up to `timeout` (RFC 6298): its direct pings are no closer together than
/// that, as far as they still end before helpers are asked. Nearer subjects are asked as the plan says.
[[nodiscard]] constexpr probe_plan stretched(probe_plan plan, duration timeout) noexcept {
    if (plan.tries < 2) return plan;
    duration const most = (plan.helpers_after - duration{1}) / (plan.tries - 1);
    plan.retry = std::clamp(timeout, plan.retry, std::max(plan.retry, most));
    return plan;
}

/// A probe that nobody answered.
struct failed_probe {
    short_id subject{};
    unsigned helpers = 0; ///< asked
    unsigned nacks = 0;   ///< of those, who said that they got no answer either
};

/// `T::traits`.
template <typename T>
concept HasDetectorTraits = requires {
    { T::traits } -> std::convertible_to<detector_traits>;
    typename std::integral_constant<watching, T::traits.watch>;
} && (T::traits.watch != watching::heartbeats || requires { T::silence* duration{}; });

/// `d.plan(tunables)`: the timetable of the probe that begins now; `d.period(tunables)`: time until the next.
template <typename T>
concept HasProbePlan = requires(T const& d, tunables const& t) {
    { d.plan(t) } noexcept -> std::same_as<probe_plan>;
    { d.period(t) } noexcept -> std::same_as<duration>;
};

/// `d.suspicion(tunables, members)`: how long the accused may refute.
template <typename T>
concept HasSuspicionTime = requires(T const& d, tunables const& t, std::size_t members) {
    { d.suspicion(t, members) } noexcept -> std::same_as<membership::suspicion_time>;
};

/// `d.answered(subject, directly)`, `d.failed(probe)`: may this node accuse?, `d.refuted()`, `d.confirmed(subject)`,
/// `d.sound()`: is what this node says of others worth anything?
template <typename T>
concept HasSelfHealth = requires(T& d, T const& c, short_id subject, bool directly, failed_probe const& probe) {
    { d.answered(subject, directly) } noexcept;
    { d.failed(probe) } noexcept -> std::same_as<bool>;
    { d.refuted() } noexcept;
    { d.confirmed(subject) } noexcept;
    { c.sound() } noexcept -> std::same_as<bool>;
};

/// For detectors that never doubt this node itself.
struct no_self_health {
    constexpr void answered(short_id, bool) noexcept {}
    [[nodiscard]] constexpr bool failed(failed_probe const&) noexcept { return true; }
    constexpr void refuted() noexcept {}
    constexpr void confirmed(short_id) noexcept {}
    [[nodiscard]] constexpr bool sound() const noexcept { return true; }
};

/// Finds out who is gone. See docs/concepts/failure_detector.md.
template <typename T>
concept FailureDetector = HasDetectorTraits<T> && HasProbePlan<T> && HasSuspicionTime<T> && HasSelfHealth<T>;

/// Says in one sentence what `T` lacks to be a `FailureDetector` policy.
template <typename T>
consteval bool check_failure_detector() {
    static_assert(HasDetectorTraits<T>,
                  "peerkit: a failure detector needs `static constexpr gossip::detector_traits traits`, and with "
                  "`watching::heartbeats` `static constexpr unsigned silence`; "
                  "see docs/concepts/failure_detector.md");
    static_assert(HasProbePlan<T>, "peerkit: a failure detector needs `probe_plan plan(tunables const&) const "
                                   "noexcept` and `duration period(tunables const&) const noexcept`; "
                                   "see docs/concepts/failure_detector.md");
    static_assert(HasSuspicionTime<T>,
                  "peerkit: a failure detector needs `membership::suspicion_time suspicion(tunables const&, "
                  "std::size_t members) const noexcept`; see docs/concepts/failure_detector.md");
    static_assert(
        HasSelfHealth<T>,
        "peerkit: a failure detector needs `void answered(short_id, bool) noexcept`, `bool "
        "failed(failed_probe const&) noexcept`, `void refuted() noexcept`, `void confirmed(short_id) noexcept` and "
        "`bool sound() const noexcept`; see docs/concepts/failure_detector.md");
    return true;
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
