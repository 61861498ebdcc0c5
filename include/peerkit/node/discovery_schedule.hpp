// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// When to look for peers: at once, soon again while alone, then now and then for ever.
#ifndef PEERKIT_NODE_DISCOVERY_SCHEDULE_HPP
#define PEERKIT_NODE_DISCOVERY_SCHEDULE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Numbers of the schedule.
struct discovery_schedule {
    duration refresh = std::chrono::seconds{60};    ///< between runs while others are alive, +- 20 %
    duration retry_first = std::chrono::seconds{1}; ///< after the first run that left this node alone; doubles ...
    duration retry_most = std::chrono::seconds{15}; ///< ... up to this
    duration contact_period =
        std::chrono::seconds{5};         ///< candidates that are no members are called this often while alone
    std::size_t contacts_per_period = 3; ///< candidates called per period while others are alive
    std::size_t max_candidates = 1024;   ///< remembered; further ones are dropped and counted
};

/// Decides when the strategies run. One run at a time; the host reports its end.
class discovery_clock {
public:
    explicit discovery_clock(discovery_schedule const& numbers) noexcept
        : numbers_{numbers}, retry_{numbers.retry_first} {}

    [[nodiscard]] time_point next() const noexcept { return running_ ? never : next_; }
    [[nodiscard]] bool running() const noexcept { return running_; }
    /// Runs as soon as possible.
    void hurry(time_point now) noexcept { next_ = std::min(next_, now); }
    /// True when a run is to begin now.
    [[nodiscard]] bool begin(time_point now) noexcept {
        if (running_ || next_ > now) return false;
        running_ = true;
        return true;
    }
    /// A run ended.
    template <Rng R>
    void ended(bool alone, time_point now, R& rng) noexcept {
        running_ = false;
        if (alone) {
            next_ = now + jitter(rng, retry_, 20);
            retry_ = std::min(retry_ * 2, numbers_.retry_most);
        } else {
            next_ = now + jitter(rng, numbers_.refresh, 20);
            retry_ = numbers_.retry_first;
        }
    }
    /// Others are alive again: no reason to hurry the next time.
    void reset() noexcept { retry_ = numbers_.retry_first; }

private:
    discovery_schedule numbers_;
    duration retry_;
    time_point next_{};
    bool running_ = false;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
