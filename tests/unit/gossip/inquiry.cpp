// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::inquiry_list: caps, and whom a nonce belongs to.
#include <peerkit/gossip/inquiry.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::inquiry;
using gossip::inquiry_list;

namespace {

inquiry made(short_id asker, short_id subject, std::uint64_t nonce, time_point now = time_point{10s}) {
    inquiry i;
    i.asker = asker;
    membership::address_book::endpoints where;
    where.where[where.size++] = {ip_address::v4(192, 0, 2, 1), 9000};
    i.probe.begin(3, subject, nonce, where, gossip::inquiry_plan(gossip::full_plan(gossip::lan())), now);
    return i;
}

} // namespace

TEST_CASE("an inquiry has three tries and two waves, and is over before a probe would be") {
    for (auto const& t : {gossip::lan(), gossip::wan(), gossip::local()}) {
        auto const p = gossip::inquiry_plan(gossip::full_plan(t));
        CHECK(p.tries == 3);
        CHECK(p.waves == 2);
        CHECK(p.helpers == 2);
        CHECK(p.retry * (p.tries - 1) < p.helpers_after);
        CHECK(p.helpers_after <= p.helpers_again);
        CHECK(p.helpers_again < p.verdict_after);
        CHECK(p.verdict_after <= t.verdict_after);
    }
    CHECK(gossip::inquiry_plan(gossip::full_plan(gossip::lan())).verdict_after == 780ms);
}

TEST_CASE("a nonce leads to its inquiry, and to none when that is over") {
    inquiry_list list;
    list.add(made(short_id{1}, short_id{7}, 0x1001));
    list.add(made(short_id{2}, short_id{8}, 0x2001));
    CHECK(list.find(0x2001) == 1);
    CHECK(list.find(0x3001) == list.size());
    CHECK(list.holds(short_id{1}, short_id{7}));
    CHECK_FALSE(list.holds(short_id{1}, short_id{8}));
    list.remove(0);
    CHECK(list.find(0x2001) == 0);
    CHECK(list.find(0x1001) == list.size());
}

TEST_CASE("one asker has no more under way than its share, all together no more than the cap, this node its own") {
    inquiry_list list;
    std::uint64_t nonce = 0x10001;
    auto const fill = [&](short_id asker) {
        std::size_t n = 0;
        for (; list.room_for(asker); ++n) list.add(made(asker, short_id{100 + n}, nonce += 0x1000));
        return n;
    };
    CHECK(fill(short_id{}) == inquiry_list::most_own);
    CHECK(fill(short_id{1}) == inquiry_list::most_per_asker);
    CHECK(fill(short_id{2}) == inquiry_list::most_per_asker);
    CHECK(fill(short_id{3}) == inquiry_list::most_per_asker);
    CHECK(fill(short_id{4}) == inquiry_list::most - 3 * inquiry_list::most_per_asker - inquiry_list::most_own);
    CHECK(list.size() == inquiry_list::most);
    list.clear();
    CHECK(list.next() == never);
    CHECK(list.room_for(short_id{1}));
}

TEST_CASE("the next step of all is known") {
    inquiry_list list;
    CHECK(list.next() == never);
    list.add(made(short_id{1}, short_id{7}, 0x1001, time_point{20s}));
    list.add(made(short_id{1}, short_id{8}, 0x2001, time_point{10s}));
    CHECK(list.next() == time_point{10s});
    REQUIRE(list[1].probe.due(time_point{10s}) == gossip::probe_step::ping);
    list.refresh();
    CHECK(list.next() == time_point{10s} + 120ms);
}
