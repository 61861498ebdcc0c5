// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::exchange_partners.
#include <peerkit/gossip/exchange_partners.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::exchange_partners;

namespace {

constexpr short_id who{7};
constexpr time_point start{1s};

/// One comparison with `partner` that ended differently; `news` is what was known before and after.
bool differs(exchange_partners& p, short_id partner, std::uint64_t before, std::uint64_t after,
             time_point now = start) {
    p.begin(partner, before, true);
    p.answered(false);
    return p.end(after, now, 60s);
}

} // namespace

TEST_CASE("an answer is awaited of the partner that was asked, and of nobody else, until the comparison ends") {
    exchange_partners p;
    CHECK_FALSE(p.awaits(short_id{}));
    p.begin(who, 3, true);
    CHECK(p.last() == who);
    CHECK(p.awaits(who));
    CHECK_FALSE(p.awaits(short_id{8}));
    CHECK(p.learnt(10) == 7);
    p.answered(false);
    CHECK(p.awaits(who));
    CHECK_FALSE(p.end(10, start, 60s));
    CHECK_FALSE(p.awaits(who));
    CHECK(p.last() == who);
    p.begin(who, 3, false); // a stream, that is
    CHECK_FALSE(p.awaits(who));
}

TEST_CASE("a partner that differs four times in a row and teaches nothing is left alone for a while") {
    exchange_partners p;
    for (unsigned i = 1; i < exchange_partners::patience; ++i) {
        CHECK_FALSE(differs(p, who, 5, 5));
        CHECK_FALSE(p.left_alone(who, start));
    }
    CHECK(differs(p, who, 5, 5));
    CHECK(p.left_alone(who, start));
    CHECK(p.left_alone(who, start + 59s));
    CHECK_FALSE(p.left_alone(who, start + 60s));
    CHECK_FALSE(p.left_alone(short_id{8}, start));
    // Afterwards it has all its chances again.
    for (unsigned i = 1; i < exchange_partners::patience; ++i) CHECK_FALSE(differs(p, who, 5, 5, start + 61s));
    CHECK(differs(p, who, 5, 5, start + 61s));
}

TEST_CASE("agreeing, or teaching something, makes good for differences") {
    for (bool const agree : {true, false}) {
        exchange_partners p;
        for (int i = 0; i < 20; ++i) {
            for (unsigned k = 1; k < exchange_partners::patience; ++k) REQUIRE_FALSE(differs(p, who, 5, 5));
            p.begin(who, 5, true);
            p.answered(agree);
            REQUIRE_FALSE(p.end(agree ? 5 : 6, start, 60s));
        }
    }
}

TEST_CASE("comparisons that nobody answers are counted, and accuse nobody") {
    exchange_partners p;
    for (unsigned i = 1; i <= 300; ++i) {
        p.begin(who, 0, true);
        CHECK_FALSE(p.end(0, start, 60s));
        CHECK(p.unanswered() == std::min(i, 255U));
    }
    CHECK_FALSE(p.left_alone(who, start));
    p.begin(who, 0, false);
    CHECK(p.unanswered() == 0);
    p.begin(who, 0, true);
    CHECK_FALSE(p.end(0, start, 60s));
    CHECK(differs(p, who, 0, 1) == false);
    CHECK(p.unanswered() == 0);
}

TEST_CASE("many that differ push each other out, and cost no more for that") {
    exchange_partners p;
    for (unsigned round = 0; round < 10; ++round) {
        for (std::uint64_t i = 1; i <= exchange_partners::most + 1; ++i) CHECK_FALSE(differs(p, short_id{i}, 0, 0));
    }
    // One fewer are all remembered.
    exchange_partners q;
    int alone = 0;
    for (unsigned round = 0; round < exchange_partners::patience; ++round) {
        for (std::uint64_t i = 1; i <= exchange_partners::most; ++i) alone += differs(q, short_id{i}, 0, 0) ? 1 : 0;
    }
    CHECK(alone == static_cast<int>(exchange_partners::most));
}
