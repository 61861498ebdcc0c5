// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::tunables: the profiles hold, and every relation refuses what is just beyond it.
#include <peerkit/gossip/tunables.hpp>

#include <doctest/doctest.h>

#include <string_view>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::check;
using gossip::gossip_error;
using gossip::tunables;

namespace {

/// `change` makes a valid profile invalid, and the error names the relation.
template <typename Change>
bool refuses(std::string_view relation, Change&& change) {
    tunables t = gossip::lan();
    change(t);
    auto const checked = check(t);
    INFO(relation);
    return !checked && checked.error() == gossip_error::bad_tunables && checked.error().field() == relation;
}
template <typename Change>
bool accepts(Change&& change) {
    tunables t = gossip::lan();
    change(t);
    return check(t).has_value();
}

} // namespace

TEST_CASE("every profile is valid") {
    CHECK(check(gossip::lan()).has_value());
    CHECK(check(gossip::wan()).has_value());
    CHECK(check(gossip::local()).has_value());
    static_assert(check(gossip::lan()).has_value() && check(gossip::wan()).has_value() &&
                  check(gossip::local()).has_value());
}

TEST_CASE("every relation between the tunables is checked on both of its sides") {
    CHECK(refuses("periods are positive", [](tunables& t) { t.probe_period = 0s; }));
    CHECK(refuses("periods are positive", [](tunables& t) { t.gossip_interval = 0s; }));
    CHECK(refuses("eager_interval <= gossip_interval", [](tunables& t) { t.eager_interval = 0s; }));
    CHECK(
        refuses("eager_interval <= gossip_interval", [](tunables& t) { t.eager_interval = t.gossip_interval + 1ns; }));
    CHECK(accepts([](tunables& t) { t.eager_interval = t.gossip_interval; }));

    CHECK(refuses("direct_tries >= 1", [](tunables& t) { t.direct_tries = 0; }));
    CHECK(accepts([](tunables& t) { t.direct_tries = 1; }));
    CHECK(refuses("direct tries end before helpers_after", [](tunables& t) { t.probe_retry = 160ms; }));
    CHECK(accepts([](tunables& t) { t.probe_retry = 160ms - 1ns; }));
    CHECK(refuses("helpers_after <= helpers_again < verdict_after",
                  [](tunables& t) { t.helpers_again = t.helpers_after - 1ns; }));
    CHECK(accepts([](tunables& t) { t.helpers_again = t.helpers_after; }));
    CHECK(refuses("helpers_after <= helpers_again < verdict_after",
                  [](tunables& t) { t.helpers_again = t.verdict_after; }));
    CHECK(accepts([](tunables& t) { t.helpers_again = t.verdict_after - 1ns; }));
    CHECK(refuses("verdict_after < probe_period", [](tunables& t) { t.verdict_after = t.probe_period; }));
    CHECK(accepts([](tunables& t) { t.verdict_after = t.probe_period - 1ns; }));
    CHECK(refuses("helper_retry < helper_patience", [](tunables& t) { t.helper_retry = t.helper_patience; }));
    CHECK(accepts([](tunables& t) { t.helper_retry = t.helper_patience - 1ns; }));
    CHECK(refuses("helpers_after + helper_patience <= verdict_after",
                  [](tunables& t) { t.helper_patience = t.verdict_after - t.helpers_after + 1ns; }));
    CHECK(accepts([](tunables& t) { t.helper_patience = t.verdict_after - t.helpers_after; }));

    CHECK(refuses("suspicion factors >= 1", [](tunables& t) { t.suspicion_factor = 0; }));
    CHECK(refuses("suspicion factors >= 1", [](tunables& t) { t.suspicion_max_factor = 0; }));
    CHECK(accepts([](tunables& t) { t.suspicion_factor = t.suspicion_max_factor = 1; }));
    CHECK(refuses("suspicion_min is positive", [](tunables& t) { t.suspicion_min = 0s; }));
    CHECK(accepts([](tunables& t) { t.suspicion_min = 1ns; }));
    CHECK(refuses("1 <= fan_out <= 5", [](tunables& t) { t.fan_out = 0; }));
    CHECK(refuses("1 <= fan_out <= 5", [](tunables& t) { t.fan_out = 6; }));
    CHECK(accepts([](tunables& t) { t.fan_out = 1; }));
    CHECK(accepts([](tunables& t) { t.fan_out = 5; }));
    CHECK(refuses("1 <= retransmit_factor <= 12", [](tunables& t) { t.retransmit_factor = 0; }));
    CHECK(refuses("1 <= retransmit_factor <= 12", [](tunables& t) { t.retransmit_factor = 13; }));
    CHECK(accepts([](tunables& t) { t.retransmit_factor = 12; }));

    char const* const offers = "offer_interval >= 4 * message_interval > 0";
    CHECK(refuses(offers, [](tunables& t) { t.message_interval = 0s; }));
    CHECK(refuses(offers, [](tunables& t) { t.offer_interval = t.message_interval * 4 - 1ns; }));
    CHECK(accepts([](tunables& t) { t.offer_interval = t.message_interval * 4; }));
    CHECK(refuses("message_keep >= 4 * offer_interval",
                  [](tunables& t) { t.message_keep = t.offer_interval * 4 - 1ns; }));
    CHECK(accepts([](tunables& t) { t.message_keep = t.offer_interval * 4; }));
    char const* const bytes = "max_message_bytes >= 2 * limits::payload";
    CHECK(refuses(bytes, [](tunables& t) { t.max_message_bytes = 2 * limits::payload - 1; }));
    CHECK(accepts([](tunables& t) { t.max_message_bytes = 2 * limits::payload; }));
    CHECK(refuses("1 <= broadcasts_per_second <= 10^6", [](tunables& t) { t.broadcasts_per_second = 0; }));
    CHECK(refuses("1 <= broadcasts_per_second <= 10^6", [](tunables& t) { t.broadcasts_per_second = 1'000'001; }));
    CHECK(accepts([](tunables& t) { t.broadcasts_per_second = 1'000'000; }));
    char const* const verifies = "1 <= message_verifies_per_second <= 10^8";
    CHECK(refuses(verifies, [](tunables& t) { t.message_verifies_per_second = 0; }));
    CHECK(refuses(verifies, [](tunables& t) { t.message_verifies_per_second = 100'000'001; }));
    CHECK(refuses("message caps leave room to work", [](tunables& t) { t.max_origins = 0; }));
    CHECK(refuses("message caps leave room to work", [](tunables& t) { t.max_served_requests = 3; }));
    CHECK(accepts([](tunables& t) { t.max_served_requests = 4; }));

    CHECK(refuses("repair periods >= probe_period", [](tunables& t) { t.exchange_period = t.probe_period - 1ns; }));
    CHECK(refuses("repair periods >= probe_period", [](tunables& t) { t.contact_period = t.probe_period - 1ns; }));
    CHECK(accepts([](tunables& t) { t.exchange_period = t.contact_period = t.probe_period; }));
    CHECK(refuses("0 < exchange_least <= exchange_period", [](tunables& t) { t.exchange_least = 0ns; }));
    CHECK(refuses("0 < exchange_least <= exchange_period",
                  [](tunables& t) { t.exchange_least = t.exchange_period + 1ns; }));
    CHECK(accepts([](tunables& t) { t.exchange_least = t.exchange_period; }));
    CHECK(refuses("tombstone_time >= 4 * exchange_period",
                  [](tunables& t) { t.tombstone_time = t.exchange_period * 4 - 1ns; }));
    CHECK(accepts([](tunables& t) { t.tombstone_time = t.exchange_period * 4; }));
    CHECK(refuses("tombstone_time >= gossip_to_dead", [](tunables& t) { t.gossip_to_dead = t.tombstone_time + 1ns; }));
    CHECK(accepts([](tunables& t) { t.gossip_to_dead = t.tombstone_time; }));
    CHECK(refuses("stream_timeout >= probe_period", [](tunables& t) { t.stream_timeout = t.probe_period - 1ns; }));
    CHECK(accepts([](tunables& t) { t.stream_timeout = t.probe_period; }));

    CHECK(refuses("2 <= max_members <= 2^24", [](tunables& t) { t.max_members = 1; }));
    CHECK(refuses("2 <= max_members <= 2^24", [](tunables& t) { t.max_members = (1U << 24U) + 1; }));
    CHECK(accepts([](tunables& t) { t.max_members = 2; }));
    CHECK(accepts([](tunables& t) { t.max_members = 1U << 24U; }));
    CHECK(refuses("caps leave room to work", [](tunables& t) { t.max_streams = 3; }));
    CHECK(refuses("caps leave room to work", [](tunables& t) { t.max_suspicions = 0; }));
    CHECK(refuses("caps leave room to work", [](tunables& t) { t.max_relays = 0; }));
    CHECK(accepts([](tunables& t) {
        t.max_streams = 4;
        t.max_suspicions = t.max_relays = 1;
    }));
    CHECK(refuses("max_suspicions < 65535", [](tunables& t) { t.max_suspicions = 65535; }));
    CHECK(accepts([](tunables& t) { t.max_suspicions = 65534; }));
    CHECK(refuses("budgets are positive", [](tunables& t) { t.packets_per_source = 0; }));
    CHECK(refuses("budgets are positive", [](tunables& t) { t.looks_per_second = 0; }));
    CHECK(refuses("budgets are positive", [](tunables& t) { t.verifies_per_second = 0; }));
    char const* const entry_verifies = "1 <= entry_verifies_per_second <= 10^7";
    CHECK(refuses(entry_verifies, [](tunables& t) { t.entry_verifies_per_second = 0; }));
    CHECK(refuses(entry_verifies, [](tunables& t) { t.entry_verifies_per_second = 10'000'001; }));
    CHECK(refuses("1 <= entry_changes_per_second <= 10^6", [](tunables& t) { t.entry_changes_per_second = 0; }));
    CHECK(
        refuses("1 <= entry_changes_per_second <= 10^6", [](tunables& t) { t.entry_changes_per_second = 1'000'001; }));
    CHECK(refuses("verifies_per_second <= 10^8", [](tunables& t) { t.verifies_per_second = 100'000'001; }));
    CHECK(accepts([](tunables& t) { t.verifies_per_second = 100'000'000; }));
    CHECK(accepts([](tunables& t) { t.packets_per_source = t.verifies_per_second = 1; }));
}

TEST_CASE("a cluster's size and loss decide tries, repetition and caps, and whatever is asked for is valid") {
    CHECK(gossip::for_cluster(100, 0).direct_tries == 2);
    CHECK(gossip::for_cluster(100, 20).direct_tries == 4);
    CHECK(gossip::for_cluster(100, 30).direct_tries == 6);
    CHECK(gossip::for_cluster(100, 60).direct_tries == 8);
    CHECK(gossip::for_cluster(100, 5).retransmit_factor == 4);
    CHECK(gossip::for_cluster(100, 30).retransmit_factor == 6);
    CHECK(gossip::for_cluster(100, 0).max_members == 256);
    CHECK(gossip::for_cluster(10'000, 0).max_members == 20'000);
    CHECK(gossip::for_cluster(10'000, 0).max_suspicions == 10'000);
    for (std::size_t members = 0; members < std::size_t{1} << 40U; members = members * 3 + 1) {
        for (unsigned loss = 0; loss <= 120; loss += 7) REQUIRE(check(gossip::for_cluster(members, loss)).has_value());
    }
}
