// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Probes carried out for other members: a capped list with a nack at the end.
#ifndef PEERKIT_GOSSIP_RELAY_HPP
#define PEERKIT_GOSSIP_RELAY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// One indirect probe: who asked, with which nonce, about whom.
struct relay {
    std::uint64_t nonce = 0;       ///< of the ping this node sends to the subject
    std::uint64_t asked_nonce = 0; ///< of the requester; goes back in the ack or nack
    bool announced = false;        ///< the requester announces the address it asked from
    bool nacks = true;             ///< the requester is told when nothing came
    ip_endpoint requester{};       ///< the source of the request: answers go nowhere else
    short_id requester_key{};
    short_id subject{};
    time_point repeat = never; ///< the ping is repeated once
    time_point nack_at = never;
};

class relay_list {
public:
    /// Room for as many as a settled cluster needs is taken at once.
    explicit relay_list(std::size_t max) : max_{max} { relays_.reserve(std::min<std::size_t>(max, 32)); }

    [[nodiscard]] std::size_t size() const noexcept { return relays_.size(); }
    [[nodiscard]] time_point next() const noexcept { return next_; }

    /// False when the cap is reached.
    bool add(relay const& made) {
        if (relays_.size() >= max_) return false;
        relays_.push_back(made);
        next_ = std::min({next_, made.repeat, made.nack_at});
        return true;
    }
    [[nodiscard]] bool awaits(std::uint64_t nonce) const noexcept {
        return std::any_of(relays_.begin(), relays_.end(), [&](relay const& r) { return r.nonce == nonce; });
    }
    /// Takes out the relay whose ping was answered.
    [[nodiscard]] std::optional<relay> answered(std::uint64_t nonce) noexcept {
        for (std::size_t i = 0; i < relays_.size(); ++i) {
            if (relays_[i].nonce == nonce) return remove(i);
        }
        return std::nullopt;
    }
    /// A relay whose ping is to be repeated now; given once per relay.
    [[nodiscard]] std::optional<relay> to_repeat(time_point now) noexcept {
        for (relay& r : relays_) {
            if (r.repeat > now) continue;
            r.repeat = never;
            refresh();
            return r;
        }
        return std::nullopt;
    }
    /// Takes out a relay whose time is over.
    [[nodiscard]] std::optional<relay> expired(time_point now) noexcept {
        for (std::size_t i = 0; i < relays_.size(); ++i) {
            if (relays_[i].nack_at <= now) return remove(i);
        }
        return std::nullopt;
    }
    void clear() noexcept {
        relays_.clear();
        next_ = never;
    }

private:
    relay remove(std::size_t i) noexcept {
        relay const taken = relays_[i];
        relays_[i] = relays_.back();
        relays_.pop_back();
        refresh();
        return taken;
    }
    void refresh() noexcept {
        next_ = never;
        for (relay const& r : relays_) next_ = std::min({next_, r.repeat, r.nack_at});
    }

    std::size_t max_;
    std::vector<relay> relays_;
    time_point next_ = never;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
