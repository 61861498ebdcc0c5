// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Whether a replica's root answers, since when not, and when to try again.
#ifndef PEERKIT_REGISTRY_ROOT_CONTACT_HPP
#define PEERKIT_REGISTRY_ROOT_CONTACT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Contact is there from an answer to the next failure. Then it is tried again after `first`, twice that, and so on up
/// to `most`, each within 20 per cent. Not thread safe.
class root_contact {
public:
    root_contact(duration first, duration most, time_point now) noexcept
        : first_{first}, most_{most}, last_{now}, retry_at_{now} {}

    [[nodiscard]] bool there() const noexcept { return there_; }
    /// When it answered last, or the start.
    [[nodiscard]] time_point last() const noexcept { return last_; }
    /// There, or worth a try.
    [[nodiscard]] bool may_try(time_point now) const noexcept { return there_ || now >= retry_at_; }
    /// `never` while it is there.
    [[nodiscard]] time_point retry_at() const noexcept { return there_ ? never : retry_at_; }

    void answered(time_point now) noexcept {
        there_ = true;
        last_ = std::max(last_, now);
        pause_ = duration::zero();
    }
    /// Of several requests that fail together only the first counts.
    template <Rng R>
    void failed(time_point now, R& rng) noexcept {
        if (!may_try(now)) return;
        there_ = false;
        pause_ = pause_ == duration::zero() ? first_ : std::min(pause_ > most_ / 2 ? most_ : pause_ * 2, most_);
        retry_at_ = saturating_add(now, jitter(rng, pause_, 20));
    }

private:
    duration first_, most_, pause_{};
    time_point last_, retry_at_;
    bool there_ = false;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
