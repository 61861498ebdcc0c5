// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::relay_list.
#include <peerkit/gossip/relay.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::relay;
using gossip::relay_list;

namespace {

relay made(std::uint64_t nonce, duration repeat, duration nack) {
    relay r;
    r.nonce = nonce;
    r.asked_nonce = nonce + 1000;
    r.repeat = time_point{repeat};
    r.nack_at = time_point{nack};
    return r;
}

} // namespace

TEST_CASE("a relay is repeated once and expires once") {
    relay_list list{4};
    REQUIRE(list.add(made(1, 2s, 5s)));
    CHECK(list.next() == time_point{2s});
    CHECK_FALSE(list.to_repeat(time_point{1s}).has_value());
    REQUIRE(list.to_repeat(time_point{2s}).has_value());
    CHECK_FALSE(list.to_repeat(time_point{4s}).has_value());
    CHECK(list.next() == time_point{5s});
    CHECK_FALSE(list.expired(time_point{4s}).has_value());
    auto const over = list.expired(time_point{5s});
    REQUIRE(over.has_value());
    CHECK(over->asked_nonce == 1001);
    CHECK_FALSE(list.expired(time_point{9s}).has_value());
    CHECK(list.next() == never);
}

TEST_CASE("an answered relay neither repeats nor expires, and a second answer finds nothing") {
    relay_list list{4};
    REQUIRE(list.add(made(1, 2s, 5s)));
    REQUIRE(list.add(made(2, 3s, 6s)));
    auto const answered = list.answered(1);
    REQUIRE(answered.has_value());
    CHECK(answered->asked_nonce == 1001);
    CHECK_FALSE(list.answered(1).has_value());
    CHECK_FALSE(list.answered(77).has_value());
    CHECK(list.next() == time_point{3s});
    CHECK(list.size() == 1);
}

TEST_CASE("the list takes no more than its cap, and more again when one is over") {
    relay_list list{2};
    CHECK(list.add(made(1, 2s, 5s)));
    CHECK(list.add(made(2, 2s, 5s)));
    CHECK_FALSE(list.add(made(3, 1s, 1s)));
    CHECK(list.next() == time_point{2s});
    (void)list.answered(2);
    CHECK(list.add(made(3, 1s, 1s)));
    list.clear();
    CHECK(list.size() == 0);
    CHECK(list.next() == never);
}
