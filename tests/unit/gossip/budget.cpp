// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::token_bucket and gossip::source_budget.
#include <peerkit/gossip/budget.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::source_budget;
using gossip::token_bucket;

namespace {

int takes(token_bucket& bucket, time_point now, int most = 1000) {
    int taken = 0;
    while (taken < most && bucket.take(now)) ++taken;
    return taken;
}

} // namespace

TEST_CASE("a bucket gives its burst at once and then its rate") {
    token_bucket bucket{10, 20};
    CHECK(takes(bucket, time_point{1s}) == 20);
    CHECK(takes(bucket, time_point{1s + 99ms}) == 0);
    CHECK(takes(bucket, time_point{1s + 100ms}) == 1);
    CHECK(takes(bucket, time_point{2s}) == 9);
    CHECK(takes(bucket, time_point{1h}) == 20);
}

TEST_CASE("fractions of a token are not lost however often is asked") {
    token_bucket bucket{3, 3};
    (void)takes(bucket, time_point{1s});
    int taken = 0;
    for (int ms = 1; ms <= 10'000; ++ms) taken += bucket.take(time_point{1s + ms * 1ms}) ? 1 : 0;
    CHECK(taken == 30);
}

TEST_CASE("a bucket does not overflow after a very long time") {
    token_bucket bucket{100'000'000, 200'000'000};
    CHECK(bucket.take(time_point{1s}));
    CHECK(bucket.take(never));
    CHECK(bucket.take(never));
}

TEST_CASE("time that stands still or goes back gives nothing") {
    token_bucket bucket{10, 1};
    CHECK(bucket.take(time_point{5s}));
    CHECK_FALSE(bucket.take(time_point{5s}));
    CHECK_FALSE(bucket.take(time_point{1s}));
}

TEST_CASE("one address may send so many packets a second, and others are not charged for it") {
    source_budget budget{100, 0x5eed};
    auto const loud = ip_address::v4(192, 0, 2, 1);
    time_point const now{100s};
    int taken = 0;
    for (int i = 0; i < 500; ++i) taken += budget.take(loud, now) ? 1 : 0;
    CHECK(taken == 100);
    int others = 0;
    for (std::uint8_t i = 1; i < 101; ++i) others += budget.take(ip_address::v4(10, 0, 0, i), now) ? 1 : 0;
    CHECK(others >= 97); // a few may share the loud one's cell
    CHECK(budget.take(loud, now + 2s));
}

TEST_CASE("which addresses share a cell depends on the key") {
    auto const shared = [](std::uint64_t key) {
        source_budget budget{1, key};
        time_point const now{100s};
        (void)budget.take(ip_address::v4(192, 0, 2, 1), now);
        std::vector<std::uint8_t> refused;
        for (unsigned i = 0; i < 256; ++i) {
            source_budget copy{budget};
            if (!copy.take(ip_address::v4(10, 0, 1, static_cast<std::uint8_t>(i)), now))
                refused.push_back(static_cast<std::uint8_t>(i));
        }
        return refused;
    };
    CHECK(shared(11) != shared(12345));
}

TEST_CASE("addresses of version 6 have budgets of their own") {
    source_budget budget{1, 3};
    time_point const now{100s};
    auto const a = *ip_address::parse("2001:db8::1");
    CHECK(budget.take(a, now));
    CHECK_FALSE(budget.take(a, now));
    int taken = 0;
    for (char c = '2'; c <= '9'; ++c)
        taken += budget.take(*ip_address::parse(std::string{"2001:db8::"} + c), now) ? 1 : 0;
    CHECK(taken >= 7);
}
