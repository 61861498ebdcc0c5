// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::probe: the timetable of one probe.
#include <peerkit/gossip/probe.hpp>

#include <doctest/doctest.h>

#include <set>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::probe;
using gossip::probe_step;
using gossip::tunables;

namespace {

short_id name(std::uint64_t n) { return static_cast<short_id>(n); }

/// The addresses 192.0.2.1, 192.0.2.2, ...
membership::address_book::endpoints addresses(std::uint8_t count) {
    membership::address_book::endpoints made;
    for (; made.size < count; ++made.size)
        made.where[made.size] = {ip_address::v4(192, 0, 2, static_cast<std::uint8_t>(made.size + 1)), 9000};
    return made;
}

/// Every step with its time since the start, asking at each `next`.
std::vector<std::pair<duration, probe_step>> timetable(tunables const& t) {
    probe p;
    time_point const start{10s};
    p.begin(3, name(7), 99, addresses(1), gossip::full_plan(t), start);
    std::vector<std::pair<duration, probe_step>> steps;
    while (p.active()) {
        time_point const at = p.next();
        for (probe_step s = p.due(at); s != probe_step::wait; s = p.due(at)) steps.emplace_back(at - start, s);
    }
    return steps;
}

} // namespace

TEST_CASE("pings, helpers and verdict come when the tunables say") {
    std::vector<std::pair<duration, probe_step>> const expected{
        {0ms, probe_step::ping},  {120ms, probe_step::ping}, {240ms, probe_step::ping},    {360ms, probe_step::ping},
        {480ms, probe_step::ask}, {680ms, probe_step::ask},  {900ms, probe_step::verdict},
    };
    CHECK(timetable(gossip::lan()) == expected);
}

TEST_CASE("every profile's timetable has its tries, two waves and one verdict, in order") {
    for (tunables const& t : {gossip::lan(), gossip::wan(), gossip::local()}) {
        auto const steps = timetable(t);
        REQUIRE(steps.size() == t.direct_tries + 3U);
        for (std::size_t i = 0; i < t.direct_tries; ++i) {
            CHECK(steps[i].second == probe_step::ping);
            CHECK(steps[i].first == t.probe_retry * static_cast<int>(i));
        }
        CHECK(steps[t.direct_tries] == std::pair{t.helpers_after, probe_step::ask});
        CHECK(steps[t.direct_tries + 1U] == std::pair{t.helpers_again, probe_step::ask});
        CHECK(steps[t.direct_tries + 2U] == std::pair{t.verdict_after, probe_step::verdict});
    }
}

TEST_CASE("an ended probe wants nothing more") {
    probe p;
    CHECK_FALSE(p.active());
    CHECK(p.next() == never);
    p.begin(3, name(7), 99, addresses(1), gossip::full_plan(gossip::lan()), time_point{10s});
    CHECK(p.subject() == 3);
    CHECK(p.subject_key() == name(7));
    CHECK(p.nonce() == 99);
    p.end();
    CHECK(p.due(time_point{20s}) == probe_step::wait);
    CHECK(p.next() == never);
}

TEST_CASE("a late timer gives no verdict before everybody was asked and had time to answer") {
    tunables const t = gossip::lan();
    probe p;
    time_point const start{10s};
    p.begin(3, name(7), 99, addresses(1), gossip::full_plan(gossip::lan()), start);
    REQUIRE(p.due(start) == probe_step::ping);
    time_point const late = start + 950ms; // past the time of the verdict
    std::vector<probe_step> steps;
    for (probe_step s = p.due(late); s != probe_step::wait; s = p.due(late)) steps.push_back(s);
    using enum probe_step;
    CHECK(steps == std::vector{ping, ping, ping, ask, ask});
    CHECK(p.active());
    CHECK(p.next() == late + (t.verdict_after - t.helpers_again));
    CHECK(p.due(p.next()) == verdict);
    CHECK_FALSE(p.active());
}

TEST_CASE("a helper is asked once, and no more helpers than there is room for") {
    probe p;
    p.begin(3, name(7), 99, addresses(1), gossip::full_plan(gossip::lan()), time_point{10s});
    CHECK(p.ask(name(1)));
    CHECK_FALSE(p.ask(name(1)));
    for (std::uint64_t i = 2; i <= probe::max_helpers; ++i) CHECK(p.ask(name(i)));
    CHECK_FALSE(p.ask(name(100)));
    CHECK(p.helpers_asked() == probe::max_helpers);
    p.nack();
    CHECK(p.nacks() == 1);
    p.begin(4, name(8), 98, addresses(1), gossip::full_plan(gossip::lan()), time_point{11s});
    CHECK(p.nacks() == 0);
    CHECK(p.helpers_asked() == 0);
    CHECK(p.ask(name(1)));
}

TEST_CASE("a member with one address is pinged there and nowhere else, and dialled once") {
    tunables const t = gossip::lan();
    probe p;
    time_point const start{10s};
    p.begin(3, name(7), 99, addresses(1), gossip::full_plan(gossip::lan()), start);
    CHECK(p.addresses() == 1);
    for (std::uint8_t i = 0; i < t.direct_tries; ++i) {
        REQUIRE(p.due(start + t.probe_retry * i) == probe_step::ping);
        std::vector<std::size_t> to;
        p.for_each_due_address([&](std::size_t at) { to.push_back(at); });
        CHECK(to == std::vector<std::size_t>{0});
    }
    CHECK(p.next_dial() == addresses(1).where[0]);
    CHECK_FALSE(p.next_dial());
}

TEST_CASE("every address of a member has been pinged when helpers are asked, the first one every time") {
    for (tunables t : {gossip::lan(), gossip::wan(), gossip::local()}) {
        for (std::uint8_t tries = 1; tries <= 4; ++tries) {
            t.direct_tries = tries;
            if (!gossip::check(t)) continue;
            for (std::uint8_t count = 2; count <= limits::addresses; ++count) {
                probe p;
                time_point const start{10s};
                p.begin(3, name(7), 99, addresses(count), gossip::full_plan(t), start);
                std::vector<std::size_t> sent(count);
                std::size_t pings = 0;
                for (std::uint8_t i = 0; i < tries; ++i) {
                    REQUIRE(p.due(start + t.probe_retry * i) == probe_step::ping);
                    std::size_t at_once = 0;
                    p.for_each_due_address([&](std::size_t at) {
                        ++sent[at];
                        ++at_once;
                        ++pings;
                    });
                    // Only the first is pinged at first: an answer spares the others the question.
                    if (i == 0 && tries > 1) CHECK(at_once == 1);
                }
                CHECK(sent[0] == tries);
                for (std::size_t const times : sent) CHECK(times >= 1);
                CHECK(pings <= tries + limits::addresses + tries);
            }
        }
    }
}

TEST_CASE("the nonce of an answer tells which address was answered at, and no other nonce is one of the probe") {
    probe p;
    CHECK_FALSE(p.address_of(0));
    p.begin(3, name(7), 0x8000000000000005, addresses(8), gossip::full_plan(gossip::lan()), time_point{10s});
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK(p.address_of(p.nonce_at(i)) == i);
        for (std::size_t k = 0; k < i; ++k) CHECK(p.nonce_at(i) != p.nonce_at(k));
    }
    CHECK(p.nonce_at(0) == p.nonce());
    CHECK_FALSE(p.address_of(p.nonce() ^ 1U));
    CHECK_FALSE(p.address_of(p.nonce_at(3) ^ 1U));
    CHECK_FALSE(p.address_of(p.nonce() ^ 16U));
    CHECK_FALSE(p.address_of(p.nonce() ^ std::uint64_t{1} << 63U));
    p.begin(3, name(7), 99, addresses(2), gossip::full_plan(gossip::lan()), time_point{10s});
    CHECK(p.address_of(p.nonce_at(1)) == 1);
    CHECK_FALSE(p.address_of(p.nonce_at(2)));
    p.end();
    CHECK_FALSE(p.address_of(p.nonce()));
}

TEST_CASE("each try has nonces of its own, so that an answer tells how long its ping was under way") {
    probe p;
    auto const t = gossip::lan();
    p.begin(3, name(7), 99, addresses(2), gossip::full_plan(t), time_point{10s});
    CHECK_FALSE(p.under_way(p.nonce_at(0), time_point{10s})); // nothing was sent yet
    std::vector<std::uint64_t> nonces;
    for (int i = 0; i < 3; ++i) {
        REQUIRE(p.due(time_point{10s} + i * t.probe_retry) == probe_step::ping);
        nonces.push_back(p.nonce_at(0));
        nonces.push_back(p.nonce_at(1));
    }
    CHECK(std::set<std::uint64_t>{nonces.begin(), nonces.end()}.size() == 6);
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(p.address_of(nonces[i]) == i % 2);
        CHECK(p.under_way(nonces[i], time_point{11s}) == 1s - static_cast<int>(i / 2) * t.probe_retry);
    }
    // Of a try that was not made.
    CHECK_FALSE(p.address_of(99 ^ 3U << 4U));
    CHECK_FALSE(p.under_way(99 ^ 3U << 4U, time_point{11s}));
}

TEST_CASE("each address is dialled once, in order") {
    probe p;
    p.begin(3, name(7), 99, addresses(3), gossip::full_plan(gossip::lan()), time_point{10s});
    for (std::size_t i = 0; i < 3; ++i) CHECK(p.next_dial() == addresses(3).where[i]);
    CHECK_FALSE(p.next_dial());
}

TEST_CASE("a plan of one ping and one wave ends after these") {
    gossip::probe_plan plan = gossip::full_plan(gossip::lan());
    plan.tries = plan.waves = 1;
    plan.helpers_after = plan.helpers_again = 500ms;
    probe p;
    time_point const start{10s};
    p.begin(3, name(7), 99, addresses(1), plan, start);
    std::vector<std::pair<duration, probe_step>> steps;
    while (p.active()) {
        time_point const at = p.next();
        for (probe_step s = p.due(at); s != probe_step::wait; s = p.due(at)) steps.emplace_back(at - start, s);
    }
    std::vector<std::pair<duration, probe_step>> const expected{
        {0ms, probe_step::ping}, {500ms, probe_step::ask}, {900ms, probe_step::verdict}};
    CHECK(steps == expected);
}

TEST_CASE("a failed probe tells whom it asked, and never more nacks than helpers") {
    probe p;
    p.begin(3, name(7), 99, addresses(1), gossip::full_plan(gossip::lan()), time_point{10s});
    p.nack();
    CHECK(p.failure().nacks == 0);
    REQUIRE(p.ask(name(1)));
    p.nack();
    p.nack();
    CHECK(p.failure().subject == name(7));
    CHECK(p.failure().helpers == 1);
    CHECK(p.failure().nacks == 1);
}
