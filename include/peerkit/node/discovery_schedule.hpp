// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// When to look for peers: at once, soon again while alone, then now and then for ever.
#ifndef PEERKIT_NODE_DISCOVERY_SCHEDULE_HPP
#define PEERKIT_NODE_DISCOVERY_SCHEDULE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Numbers of discovery: when the strategies are asked, whom a node calls and how often, how much it remembers.
struct discovery_schedule {
    // When the strategies are asked.
    duration refresh = std::chrono::seconds{60};      ///< between runs in company, +- 20 %; sooner when an answer ...
    duration refresh_least = std::chrono::seconds{5}; ///< ... has a shorter time to live, but not sooner than this
    duration refresh_most = std::chrono::minutes{10}; ///< `refresh` counts for no more than this
    duration retry_first = std::chrono::seconds{1};   ///< after the first run that left this node alone; doubles ...
    duration retry_most = std::chrono::seconds{15};   ///< ... up to this
    duration hint_gap = std::chrono::seconds{1};      ///< from one run to one begun because of a hint

    // Whom to call. While alone everybody, again after `retry_first`, doubled up to `retry_most`.
    duration contact_period = std::chrono::seconds{5}; ///< in company, candidates that are no members are called ...
    std::size_t contacts_per_period = 3;               ///< ... this many per period, for ever
    duration contact_most = std::chrono::minutes{2};   ///< one that does not answer is called rarer, up to this
    duration stagger = std::chrono::milliseconds{250}; ///< between two addresses of one candidate
    std::size_t parallel_joins = 3;                    ///< streams dialled at the same time while alone
    std::uint32_t calls_per_second = 64;               ///< while alone; half of them at once

    // How much is remembered.
    std::size_t max_candidates = 1024;         ///< in all
    std::size_t max_strangers = 256;           ///< of these, found by nobody but other members or on the local link
    duration linger = std::chrono::minutes{3}; ///< see `book_bounds::linger`
    bool find_names = true;                    ///< look up names of peers that no strategy named
};

/// Checks the relations the schedule relies on.
/// @par Errors `bad_tunables`, its field naming the relation that does not hold.
[[nodiscard]] constexpr result<void> check(discovery_schedule const& s) noexcept {
    auto const bad = [](char const* relation) { return fail(gossip::gossip_error::bad_tunables, 0, relation); };
    if (s.refresh <= duration::zero() || s.refresh_least <= duration::zero()) return bad("refresh is positive");
    if (s.refresh_least > s.refresh_most) return bad("refresh_least <= refresh_most");
    if (s.retry_first <= duration::zero() || s.retry_first > s.retry_most) return bad("0 < retry_first <= retry_most");
    if (s.hint_gap <= duration::zero()) return bad("hint_gap is positive");
    if (s.contact_period <= duration::zero() || s.contact_period > s.contact_most)
        return bad("0 < contact_period <= contact_most");
    if (s.stagger <= duration::zero()) return bad("stagger is positive");
    if (s.contacts_per_period == 0) return bad("contacts_per_period >= 1");
    if (s.calls_per_second < 2) return bad("calls_per_second >= 2");
    if (s.max_candidates == 0) return bad("max_candidates >= 1");
    return {};
}

/// `first` doubled `times` times, at most `most`.
[[nodiscard]] constexpr duration backed_off(duration first, std::uint32_t times, duration most) noexcept {
    for (; times != 0 && first < most; --times) first = first > most / 2 ? most : first * 2;
    return std::min(first, most);
}

/// Decides when the strategies run. One run at a time; the host reports its end.
class discovery_clock {
public:
    explicit discovery_clock(discovery_schedule const& numbers) noexcept
        : numbers_{numbers}, retry_{numbers.retry_first} {}

    [[nodiscard]] time_point next() const noexcept { return running_ ? never : next_; }
    [[nodiscard]] bool running() const noexcept { return running_; }
    /// Runs as soon as possible.
    void hurry(time_point now) noexcept { next_ = std::min(next_, now); }
    /// Something a strategy watched has changed: runs soon, `hint_gap` after the beginning of the last run at the
    /// earliest. A hint during a run leads to another one.
    void hint(time_point now) noexcept {
        time_point const at = begun_ == never ? now : std::max(now, saturating_add(begun_, numbers_.hint_gap));
        if (running_)
            hinted_ = std::min(hinted_, at);
        else
            next_ = std::min(next_, at);
    }
    /// True when a run is to begin now.
    [[nodiscard]] bool begin(time_point now) noexcept {
        if (running_ || next_ > now) return false;
        running_ = true;
        begun_ = now;
        hinted_ = never;
        return true;
    }
    /// A run ended. `failed`: without an answer; in company the next one comes sooner than usual, at first.
    /// `shortest_life`: the shortest time to live in the answer in force, if any has one.
    template <Rng R>
    void ended(bool alone, bool failed, std::optional<duration> shortest_life, time_point now, R& rng) noexcept {
        running_ = false;
        failures_ = failed ? failures_ + 1 : 0;
        if (alone) {
            next_ = now + jitter(rng, retry_, 20);
            retry_ = std::min(retry_ * 2, numbers_.retry_most);
        } else {
            duration wish = std::min(numbers_.refresh, shortest_life.value_or(numbers_.refresh));
            if (failed) wish = backed_off(numbers_.retry_most, failures_ - 1, numbers_.refresh);
            next_ = now + jitter(rng, std::clamp(wish, numbers_.refresh_least, numbers_.refresh_most), 20);
            retry_ = numbers_.retry_first;
        }
        next_ = std::min(next_, std::max(now, std::exchange(hinted_, never)));
    }
    /// Others are alive again: no reason to hurry the next time.
    void reset() noexcept { retry_ = numbers_.retry_first; }

private:
    discovery_schedule numbers_;
    duration retry_;
    std::uint32_t failures_ = 0; ///< in a row
    time_point next_{};
    time_point begun_ = never;
    time_point hinted_ = never;
    bool running_ = false;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
