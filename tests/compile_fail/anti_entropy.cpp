// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_anti_entropy names the requirement a type does not meet, and the page that explains it.
// expect: `duration period\(duration base, std::size_t members\) const noexcept`; see docs/concepts/anti_entropy\.md
// expect: `bool offers\(membership::member const&, exchange_reason\) const noexcept`; see docs/concepts/anti
// expect: `exchange_opening opening\(exchange_reason\) const noexcept`; see docs/concepts/anti_entropy\.md
#include <peerkit/gossip/anti_entropy.hpp>

using namespace peerkit;

struct without_period {
    bool offers(membership::member const&, gossip::exchange_reason) const noexcept;
    gossip::exchange_opening opening(gossip::exchange_reason) const noexcept;
};
struct without_offers {
    duration period(duration, std::size_t) const noexcept;
    gossip::exchange_opening opening(gossip::exchange_reason) const noexcept;
};
struct without_opening {
    duration period(duration, std::size_t) const noexcept;
    bool offers(membership::member const&, gossip::exchange_reason) const noexcept;
};

#if PEERKIT_COMPILE_FAIL
static_assert(gossip::check_anti_entropy<without_period>());
static_assert(gossip::check_anti_entropy<without_offers>());
static_assert(gossip::check_anti_entropy<without_opening>());
#else
static_assert(gossip::check_anti_entropy<gossip::full_state>());
static_assert(gossip::check_anti_entropy<gossip::digest_ranges>());
static_assert(!gossip::AntiEntropy<without_period>);
#endif
