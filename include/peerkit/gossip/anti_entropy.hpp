// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy that says when two members compare what they hold, and what of it they send.
#ifndef PEERKIT_GOSSIP_ANTI_ENTROPY_HPP
#define PEERKIT_GOSSIP_ANTI_ENTROPY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Why an exchange is held.
enum class exchange_reason : std::uint8_t { join, periodic, contact };

/// How an exchange begins.
enum class exchange_opening : std::uint8_t {
    whole,   ///< a stream, on which each side sends everything it offers
    compare, ///< a datagram with a digest; only what differs follows, or everything where nearly everything differs
};

/// `p.period(base, members)`: time between two exchanges that this node starts.
template <typename T>
concept HasExchangePeriod = requires(T const& policy, duration base, std::size_t members) {
    { policy.period(base, members) } noexcept -> std::same_as<duration>;
};

/// `p.offers(row, reason)`: is this member part of what is sent?
template <typename T>
concept HasExchangeOffer = requires(T const& policy, membership::member const& row, exchange_reason reason) {
    { policy.offers(row, reason) } noexcept -> std::same_as<bool>;
};

/// `p.opening(reason)`: how does it begin? A join is always a stream.
template <typename T>
concept HasExchangeOpening = requires(T const& policy, exchange_reason reason) {
    { policy.opening(reason) } noexcept -> std::same_as<exchange_opening>;
};

/// Repairs what gossip missed. See docs/concepts/anti_entropy.md.
template <typename T>
concept AntiEntropy = HasExchangePeriod<T> && HasExchangeOffer<T> && HasExchangeOpening<T>;

/// Says in one sentence what `T` lacks to be an `AntiEntropy` policy.
template <typename T>
consteval bool check_anti_entropy() {
    static_assert(
        HasExchangePeriod<T>,
        "peerkit: an anti-entropy policy needs `duration period(duration base, std::size_t members) const noexcept`; "
        "see docs/concepts/anti_entropy.md");
    static_assert(HasExchangeOffer<T>, "peerkit: an anti-entropy policy needs `bool offers(membership::member const&, "
                                       "exchange_reason) const noexcept`; "
                                       "see docs/concepts/anti_entropy.md");
    static_assert(HasExchangeOpening<T>,
                  "peerkit: an anti-entropy policy needs `exchange_opening opening(exchange_reason) const noexcept`; "
                  "see docs/concepts/anti_entropy.md");
    return true;
}

/// Digests first, then only what differs: in a settled cluster an exchange is two datagrams of 70 bytes, whatever the
/// number of members. So it is held twice as often as one of everything, and not more rarely among many.
struct digest_ranges {
    [[nodiscard]] duration period(duration base, std::size_t) const noexcept { return base / 2; }
    [[nodiscard]] bool offers(membership::member const&, exchange_reason) const noexcept { return true; }
    /// Whoever joins lacks everything; whoever comes back from a partition may.
    [[nodiscard]] exchange_opening opening(exchange_reason reason) const noexcept {
        return reason == exchange_reason::periodic ? exchange_opening::compare : exchange_opening::whole;
    }
};

/// Everything held goes both ways, as memberlist's push/pull does. Its period grows by one base per doubling above 32
/// members, so that the cluster's total grows slowly.
struct full_state {
    [[nodiscard]] duration period(duration base, std::size_t members) const noexcept {
        return members <= 32 ? base : base * static_cast<duration::rep>(std::bit_width((members - 1) / 32) + 1);
    }
    [[nodiscard]] bool offers(membership::member const&, exchange_reason) const noexcept { return true; }
    [[nodiscard]] exchange_opening opening(exchange_reason) const noexcept { return exchange_opening::whole; }
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
