// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::observed_addresses: who is believed, for how long, and what nobody can have seen.
#include <peerkit/gossip/observed_addresses.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string_view>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::observed_addresses;

namespace {

ip_address at(std::string_view text) { return ip_address::parse(text).value(); }
short_id member(std::uint64_t n) { return static_cast<short_id>(n); }
ip_endpoint const outside{at("198.51.100.7"), 4001}, other{at("198.51.100.8"), 4001};
ip_endpoint const outside_v6{at("2001:db8::7"), 9000};
constexpr time_point start{1h};

} // namespace

TEST_CASE("an endpoint is believed when three members name it, and not before") {
    observed_addresses o;
    CHECK_FALSE(o.note(outside, member(1), start));
    CHECK_FALSE(o.note(outside, member(2), start));
    CHECK_FALSE(o.any());
    CHECK(o.note(outside, member(3), start));
    CHECK(o.changed(ip_family::v4));
    CHECK_FALSE(o.changed(ip_family::v6));
    CHECK(o.believed(ip_family::v4) == outside);
    CHECK_FALSE(static_cast<bool>(o.believed(ip_family::v6)));
    CHECK_FALSE(static_cast<bool>(o.believed(ip_family::none)));
    CHECK(o.observers(ip_family::v4) == 3);
    CHECK(o.any());
    CHECK_FALSE(o.note(outside, member(4), start + 1s)); // no news
}

TEST_CASE("one member counts once, however often and whatever it says") {
    observed_addresses o;
    for (int i = 0; i < 100; ++i) CHECK_FALSE(o.note(outside, member(1), start + i * 1s));
    CHECK_FALSE(o.note(outside, member(2), start));
    CHECK_FALSE(o.note(other, member(1), start)); // its vote for `outside` is gone
    CHECK_FALSE(o.note(outside, member(3), start));
    CHECK(o.note(outside, member(1), start));
}

TEST_CASE("another port is another endpoint") {
    observed_addresses o;
    for (std::uint16_t i = 1; i <= 10; ++i)
        CHECK_FALSE(o.note({outside.address, static_cast<std::uint16_t>(4000 + i)}, member(i), start));
    CHECK_FALSE(o.any());
}

TEST_CASE("each family is believed for itself, and a member may vote in both") {
    observed_addresses o;
    for (std::uint64_t i = 1; i <= 2; ++i) {
        CHECK_FALSE(o.note(outside, member(i), start));
        CHECK_FALSE(o.note(outside_v6, member(i), start));
    }
    CHECK(o.note(outside, member(3), start));
    CHECK_FALSE(static_cast<bool>(o.believed(ip_family::v6)));
    CHECK(o.note(outside_v6, member(3), start + observed_addresses::pause));
    CHECK(o.believed(ip_family::v6) == outside_v6);
    CHECK(o.believed(ip_family::v4) == outside);
}

TEST_CASE("votes are forgotten after the window, and with them the belief") {
    observed_addresses o;
    for (std::uint64_t i = 1; i <= 3; ++i) (void)o.note(outside, member(i), start);
    REQUIRE(o.any());
    CHECK_FALSE(o.expire(start + observed_addresses::window));
    CHECK_FALSE(o.note(outside, member(1), start + observed_addresses::window));
    CHECK(o.expire(start + observed_addresses::window + 1s));
    CHECK(o.changed(ip_family::v4));
    CHECK_FALSE(o.any());
}

TEST_CASE("the majority is believed, a draw changes nothing") {
    observed_addresses o;
    for (std::uint64_t i = 1; i <= 3; ++i) (void)o.note(outside, member(i), start);
    time_point const later = start + observed_addresses::pause;
    for (std::uint64_t i = 11; i <= 13; ++i) CHECK_FALSE(o.note(other, member(i), later));
    CHECK(o.believed(ip_family::v4) == outside);
    CHECK(o.note(other, member(14), later));
    CHECK(o.believed(ip_family::v4) == other);
    CHECK(o.observers(ip_family::v4) == 4);
}

TEST_CASE("beliefs do not change more often than once in the pause between") {
    observed_addresses o;
    for (std::uint64_t i = 1; i <= 3; ++i) (void)o.note(outside, member(i), start);
    for (std::uint64_t i = 11; i <= 16; ++i) CHECK_FALSE(o.note(other, member(i), start + 1s));
    CHECK(o.believed(ip_family::v4) == outside);
    CHECK(o.expire(start + observed_addresses::pause));
    CHECK(o.believed(ip_family::v4) == other);
}

TEST_CASE("of many votes the latest count") {
    observed_addresses o;
    for (std::uint64_t i = 1; i <= 3; ++i) (void)o.note(outside, member(i), start);
    // Sixteen members that all say something else push the old votes out.
    for (std::uint16_t i = 0; i < 16; ++i)
        (void)o.note({other.address, static_cast<std::uint16_t>(5000 + i)}, member(100U + i), start + 2min);
    CHECK_FALSE(o.any());
}

TEST_CASE("nobody can have seen an address of one machine or link, nor a private one from outside") {
    struct row {
        std::string_view seen;
        std::string_view witness;
        bool plausible;
    };
    for (row const& r : {
             row{"198.51.100.7", "203.0.113.1", true},
             row{"198.51.100.7", "10.0.0.1", true},
             row{"2001:db8::7", "2001:db8:1::1", true},
             row{"10.0.0.7", "10.1.0.1", true},
             row{"10.0.0.7", "203.0.113.1", false},
             row{"fd00::7", "2001:db8::1", false},
             row{"100.64.0.7", "100.64.0.1", true},
             row{"100.64.0.7", "203.0.113.1", false},
             row{"127.0.0.1", "127.0.0.1", false},
             row{"::1", "::1", false},
             row{"169.254.1.1", "169.254.1.2", false},
             row{"fe80::1", "fe80::2", false},
             row{"0.0.0.0", "10.0.0.1", false},
             row{"0.1.2.3", "203.0.113.1", false},
             row{"224.0.0.1", "10.0.0.1", false},
             row{"255.255.255.255", "10.0.0.1", false},
             row{"ff02::1", "2001:db8::1", false},
             row{"100.115.92.1", "10.0.0.1", false},
         }) {
        CAPTURE(r.seen);
        CHECK(observed_addresses::plausible(at(r.seen), at(r.witness)) == r.plausible);
    }
    CHECK_FALSE(observed_addresses::plausible(ip_address{}, at("10.0.0.1")));
}
