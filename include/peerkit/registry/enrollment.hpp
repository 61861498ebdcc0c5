// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// When a node has to make itself known to a registry, and when to say that it is still there.
#ifndef PEERKIT_REGISTRY_ENROLLMENT_HPP
#define PEERKIT_REGISTRY_ENROLLMENT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/client_options.hpp>
#include <peerkit/registry/protocol.hpp>
#include <peerkit/registry/server_list.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Full jitter: a random pause below a bound that doubles with every failure.
class jittered_backoff {
public:
    jittered_backoff(duration first, duration most) noexcept : first_{first}, most_{most}, bound_{first} {}
    void reset() noexcept { bound_ = first_; }
    template <Rng R>
    [[nodiscard]] duration next(R& rng) noexcept {
        duration const pause = uniform(rng, bound_);
        bound_ = bound_ > most_ / 2 ? most_ : bound_ * 2;
        return pause;
    }

private:
    duration first_, most_, bound_;
};

/// How things stand between this node and the registries.
enum class enrollment_state : std::uint8_t {
    unregistered, ///< nothing is known of this node there
    registering,  ///< it has been said, and not yet confirmed
    registered,
    lost, ///< a registry does not know this node any more, or could not be reached for too long
};
[[nodiscard]] constexpr std::string_view to_string(enrollment_state state) noexcept {
    switch (state) {
    case enrollment_state::unregistered: return "unregistered";
    case enrollment_state::registering: return "registering";
    case enrollment_state::registered: return "registered";
    case enrollment_state::lost: return "lost";
    }
    return "unknown";
}

/// Decides when this node is to be made known and when that is to be renewed: a third of the time to live after the
/// last time, +- 10 %, so that nodes started together do not stay together. Not thread-safe.
class enrollment {
public:
    enum class task : std::uint8_t { nothing, enroll, renew };

    static constexpr duration least_time_to_live = std::chrono::seconds{1},
                              longest_time_to_live = std::chrono::hours{24};

    explicit enrollment(client_options const& o) noexcept
        : wished_{o.time_to_live}, pause_{o.backoff_first, o.backoff_most} {}

    /// What to do now, with this incarnation of the own announcement.
    [[nodiscard]] task due(std::uint64_t incarnation, time_point now) noexcept {
        if (state_ == enrollment_state::registered && incarnation_ == incarnation)
            return now >= next_ ? task::renew : task::nothing;
        // A newer announcement does not wait for the renewal, but for the end of a pause it does.
        bool const news = state_ == enrollment_state::registered && !paused_;
        return news || now >= next_ ? task::enroll : task::nothing;
    }
    /// When to ask `due` again, if the announcement stays as it is.
    [[nodiscard]] time_point next() const noexcept { return next_; }

    /// This incarnation is being made known.
    void begins(std::uint64_t incarnation) noexcept {
        saying_ = incarnation;
        said_ = true;
        if (state_ != enrollment_state::registered) state_ = enrollment_state::registering;
    }
    /// It is known, or was renewed. What the registry says of times is held within bounds.
    template <Rng R>
    void succeeded(known const& what, time_point now, R& rng) noexcept {
        if (state_ == enrollment_state::registering) ++generation_;
        state_ = enrollment_state::registered;
        incarnation_ = saying_;
        duration const life = what.time_to_live > duration::zero() ? what.time_to_live : wished_;
        life_ = std::clamp(life, least_time_to_live, longest_time_to_live);
        duration const interval = what.interval > duration::zero() ? std::min(what.interval, life_) : life_ / 3;
        next_ = saturating_add(now, jitter(rng, interval, 10));
        until_ = saturating_add(now, life_);
        paused_ = false;
        pause_.reset();
    }
    /// No registry did it.
    template <Rng R>
    void failed(duration retry_after, time_point now, R& rng) noexcept {
        if (state_ == enrollment_state::registering) state_ = enrollment_state::unregistered;
        unreachable(now);
        duration const asked = std::clamp(retry_after, duration::zero(), server_list::longest_retry_after);
        next_ = saturating_add(now, std::max(pause_.next(rng), asked));
        paused_ = true;
    }
    /// No registry is there. A node that was known is lost once its time to live is over.
    void unreachable(time_point now) noexcept {
        if (state_ == enrollment_state::registered && now >= until_) lost(now);
    }
    /// The registry does not know this node: it is made known again at once.
    void lost(time_point now) noexcept {
        state_ = enrollment_state::lost;
        next_ = now;
        paused_ = false;
    }
    /// The run was given up; what was on its way may have arrived or not.
    void cut_off() noexcept {
        if (state_ == enrollment_state::registering) state_ = enrollment_state::unregistered;
    }
    /// The node leaves; it may come back.
    void leave() noexcept {
        state_ = enrollment_state::unregistered;
        next_ = time_point::min();
        paused_ = false;
        said_ = false;
    }

    [[nodiscard]] enrollment_state state() const noexcept { return state_; }
    /// A registry may know of this node.
    [[nodiscard]] bool maybe_known() const noexcept { return said_; }
    /// How often this node has become known.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

private:
    duration wished_;
    jittered_backoff pause_;
    enrollment_state state_ = enrollment_state::unregistered;
    std::uint64_t generation_ = 0;
    std::uint64_t incarnation_ = 0; ///< that is known there
    std::uint64_t saying_ = 0;
    duration life_{};
    time_point next_ = time_point::min();
    time_point until_ = time_point::min();
    bool paused_ = false;
    bool said_ = false; ///< that this node is there, since it last left
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
