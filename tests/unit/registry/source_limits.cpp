// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of how much each source may ask of a registry.
#include <peerkit/registry/source_limits.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;

namespace {

constexpr crypto::siphash_key key{1, 2};
ip_address const one = ip_address::v4(192, 0, 2, 1), two = ip_address::v4(192, 0, 2, 2);

} // namespace

TEST_CASE("a source has its burst at once, then its rate, and is told how long to wait") {
    source_limits limits{{10, 5}, key};
    time_point now{};
    for (int i = 0; i < 5; ++i) CHECK(limits.take(one, now) == 0s);
    duration const wait = limits.take(one, now);
    CHECK(wait > 0s);
    CHECK(wait <= 100ms);
    CHECK(limits.take(one, now + wait - 1ns) > 0s);
    CHECK(limits.take(one, now + wait) == 0s);
    CHECK(limits.take(two, now) == 0s);
    int taken = 0;
    for (now += 1s; now < time_point{} + 101s; now += 10ms) taken += limits.take(one, now) == 0s ? 1 : 0;
    CHECK(taken >= 1'000);
    CHECK(taken <= 1'006);
}

TEST_CASE("a rate of zero is none") {
    source_limits limits{{0, 0}, key};
    for (int i = 0; i < 1'000; ++i) CHECK(limits.take(one, time_point{}) == 0s);
}

TEST_CASE("the addresses of one /64 are one source, those of two are not") {
    source_limits limits{{1, 1}, key};
    CHECK(limits.take(*ip_address::parse("2001:db8::1"), time_point{}) == 0s);
    CHECK(limits.take(*ip_address::parse("2001:db8::2"), time_point{}) > 0s);
    CHECK(limits.take(*ip_address::parse("2001:db8:0:1::1"), time_point{}) == 0s);
}

TEST_CASE("a flood of sources displaces those that asked longest ago, not those that have just used up their burst") {
    source_limits limits{{1, 1'000}, key};
    auto const source = [](std::uint8_t net, std::uint32_t i) {
        return ip_address::v4(net, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                              static_cast<std::uint8_t>(i));
    };
    time_point now{};
    for (std::uint32_t i = 0; i < 50'000; ++i) (void)limits.take(source(10, i), now); // the table is full
    now += 1h;
    for (std::uint32_t i = 0; i < 100; ++i) {
        for (int n = 0; n < 1'000; ++n) (void)limits.take(source(11, i), now);
    }
    for (std::uint32_t i = 0; i < 50'000; ++i) (void)limits.take(source(12, i), now);
    std::size_t limited = 0;
    for (std::uint32_t i = 0; i < 100; ++i) limited += limits.take(source(11, i), now) > 0s ? 1U : 0U;
    CHECK(limited == 100);
}
