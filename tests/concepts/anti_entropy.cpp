// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of AntiEntropy; docs/concepts/anti_entropy.md quotes the exemplar.
#include <peerkit/gossip/anti_entropy.hpp>

#include <doctest/doctest.h>

#include <peerkit/gossip/engine.hpp>
#include <support/compiled_stage.hpp>

#include <cstddef>

using namespace peerkit;
using gossip::exchange_opening;
using gossip::exchange_reason;

namespace {

/// The archetype: what the concept asks for, and what any policy handed to an engine needs: to be moved.
class least_repair {
public:
    explicit least_repair(int) noexcept {}
    least_repair(least_repair&&) noexcept = default;
    least_repair& operator=(least_repair&&) = delete;

    duration period(duration base, std::size_t) const noexcept { return base; }
    bool offers(membership::member const&, exchange_reason) const noexcept { return true; }
    exchange_opening opening(exchange_reason) const noexcept { return exchange_opening::whole; }
};
static_assert(gossip::AntiEntropy<least_repair>);
static_assert(gossip::check_anti_entropy<least_repair>());

// [exemplar]
/// Everything for those who join; between members only what is not simply alive, which gossip is most likely to miss.
struct repair_bad_news {
    [[nodiscard]] peerkit::duration period(peerkit::duration base, std::size_t) const noexcept { return base; }
    [[nodiscard]] bool offers(peerkit::membership::member const& row,
                              peerkit::gossip::exchange_reason why) const noexcept {
        return why != peerkit::gossip::exchange_reason::periodic ||
               row.state != peerkit::membership::member_state::alive;
    }
    [[nodiscard]] peerkit::gossip::exchange_opening opening(peerkit::gossip::exchange_reason) const noexcept {
        return peerkit::gossip::exchange_opening::whole;
    }
};
static_assert(peerkit::gossip::check_anti_entropy<repair_bad_news>());
// [/exemplar]

static_assert(gossip::check_anti_entropy<gossip::full_state>());
static_assert(gossip::check_anti_entropy<gossip::digest_ranges>());

// Each requirement is missing from a type of its own, and from that one alone.
struct no_period {
    bool offers(membership::member const&, exchange_reason) const noexcept { return true; }
    exchange_opening opening(exchange_reason) const noexcept { return exchange_opening::whole; }
};
struct no_offers {
    duration period(duration base, std::size_t) const noexcept { return base; }
    exchange_opening opening(exchange_reason) const noexcept { return exchange_opening::whole; }
};
struct no_opening {
    duration period(duration base, std::size_t) const noexcept { return base; }
    bool offers(membership::member const&, exchange_reason) const noexcept { return true; }
};
struct opening_is_a_flag : no_opening {
    bool opening(exchange_reason) const noexcept { return true; }
};
struct period_in_seconds : no_period {
    int period(duration, std::size_t) const noexcept { return 30; }
};
struct offers_may_throw : no_offers {
    bool offers(membership::member const&, exchange_reason) const { return true; }
};
static_assert(!gossip::HasExchangePeriod<no_period> && gossip::HasExchangeOffer<no_period>);
static_assert(!gossip::HasExchangeOffer<no_offers> && gossip::HasExchangePeriod<no_offers>);
static_assert(!gossip::HasExchangeOpening<no_opening> && gossip::HasExchangeOffer<no_opening>);
static_assert(!gossip::AntiEntropy<no_opening> && !gossip::AntiEntropy<opening_is_a_flag>);
static_assert(!gossip::HasExchangePeriod<period_in_seconds> && !gossip::AntiEntropy<period_in_seconds>);
static_assert(!gossip::HasExchangeOffer<offers_may_throw> && !gossip::AntiEntropy<offers_may_throw>);

template <typename Repair>
using engine_of = gossip::engine<tests::fake_policies<gossip::accept_announcements, Repair>>;

/// Announcements in the answer to an exchange that begins with `flags`.
template <typename Repair>
std::size_t announced(Repair repair, std::uint8_t flags) {
    tests::basic_stage<engine_of<Repair>> s{
        {{}, {}, tests::quiet(), 1}, gossip::accept_announcements{}, std::move(repair)};
    REQUIRE(s.start());
    tests::puppet& p = s.add_member(1);
    tests::puppet& dead = s.add_member(2);
    s.accuse(p, tests::message_type::dead, dead, 1);
    auto const id = s.accept(p.where);
    tests::puppet_stream stream{p, tests::puppet_stream::side::dialer};
    s.frames.clear();
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(flags);
        packet.exchange_end(0);
    }));
    REQUIRE(s.frames.size() == 1);
    auto const said = stream.open(s.frames[0].frame);
    REQUIRE(said.has_value());
    return said->back().count;
}

} // namespace

TEST_CASE("the engine runs on the archetype of an anti-entropy policy") { CHECK(announced(least_repair{1}, 0) == 3); }

TEST_CASE("a policy decides what an exchange offers, by member and by reason") {
    CHECK(announced(repair_bad_news{}, 0) == 1);
    CHECK(announced(repair_bad_news{}, wire::exchange_flags::join) == 3);
    CHECK(announced(gossip::full_state{}, 0) == 3);
}
