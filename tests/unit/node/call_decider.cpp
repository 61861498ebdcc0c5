// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::call_decider: everybody while alone, a few in company, the silent ones rarely, nobody never.
#include <peerkit/node/call_decider.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using discovery::candidate;
using discovery::presence;
using discovery::provenance;
using node::call_decider;
using node::candidate_standing;
using node::discovery_schedule;
using node::known_candidate;

namespace {

ip_endpoint place(unsigned i) {
    return {ip_address::v4(10, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)), 9000};
}
candidate made(unsigned i, provenance from = provenance::dns, presence state = presence::unknown) {
    candidate c;
    c.addresses = {place(i)};
    c.source = from;
    c.state = state;
    return c;
}

struct call {
    ip_endpoint where;
    time_point when;
};

/// A book and a decider; nobody ever answers.
struct silence {
    explicit silence(discovery_schedule const& s = {}) : decider{s} {}

    void know(std::vector<candidate> const& found) {
        book.take_answer(found, gate, now);
        decider.hurry(now);
    }
    void run() {
        decider.run(
            book, alone, now, rng,
            [&](known_candidate& entry) {
                ++looks;
                return members.count(entry.places.front().where) != 0 ? candidate_standing::member
                                                                      : candidate_standing::stranger;
            },
            [&](ip_endpoint const& where) { calls.push_back({where, now}); });
    }
    /// Runs whenever it wants to.
    void pass(duration by) {
        time_point const end = now + by;
        for (int same = 0; decider.next() <= end;) {
            time_point const due = std::max(now, decider.next());
            same = due == now ? same + 1 : 0;
            REQUIRE(same < 3);
            now = due;
            run();
        }
        now = end;
    }
    [[nodiscard]] std::vector<time_point> calls_of(unsigned i) const {
        std::vector<time_point> all;
        for (call const& c : calls) {
            if (c.where == place(i)) all.push_back(c.when);
        }
        return all;
    }

    node::candidate_book book{{1024, 256}, 5};
    node::candidate_gate gate;
    call_decider decider;
    seeded_rng rng{1};
    time_point now{1000s};
    bool alone = true;
    std::set<ip_endpoint> members;
    std::vector<call> calls;
    std::size_t looks = 0;
};

} // namespace

TEST_CASE("with nobody to call there is nothing to wait for") {
    silence s;
    CHECK(s.decider.next() == never);
    s.run();
    CHECK(s.decider.next() == never);
    s.alone = false;
    s.run();
    CHECK(s.decider.next() == never);
}

TEST_CASE("alone, everybody is called at once, and nobody is asked whether a member is there") {
    silence s;
    std::vector<candidate> found;
    for (unsigned i = 0; i < 20; ++i) found.push_back(made(i));
    s.know(found);
    s.run();
    CHECK(s.calls.size() == 20);
    CHECK(s.looks == 0);
    CHECK(s.decider.next() > s.now);
}

TEST_CASE("alone, each is called again after about 1, 2, 4, 8 and then every 15 seconds") {
    silence s;
    s.know({made(1)});
    s.pass(200s);
    auto const when = s.calls_of(1);
    REQUIRE(when.size() > 10);
    duration wait = 1s;
    for (std::size_t i = 1; i < when.size(); ++i) {
        CHECK(when[i] - when[i - 1] >= wait * 4 / 5);
        CHECK(when[i] - when[i - 1] <= wait * 6 / 5);
        wait = std::min<duration>(wait * 2, 15s);
    }
}

TEST_CASE("the addresses of one candidate are called a quarter of a second apart, then it rests") {
    silence s;
    candidate c = made(1);
    static_cast<void>(c.addresses.push_back(place(2)));
    static_cast<void>(c.addresses.push_back(place(3)));
    s.know({c});
    time_point const start = s.now;
    s.pass(1100ms);
    REQUIRE(s.calls.size() == 3);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(s.calls[i].where == place(i + 1));
        CHECK(s.calls[i].when == start + 250ms * i);
    }
    s.pass(1s);
    CHECK(s.calls.size() == 6);
    CHECK(s.calls[3].where == place(1));
}

TEST_CASE("the address that worked comes first from then on") {
    silence s;
    candidate c = made(1);
    static_cast<void>(c.addresses.push_back(place(2)));
    s.know({c});
    s.pass(300ms);
    REQUIRE(s.calls.size() == 2);
    REQUIRE(s.book.answered(place(2), short_id{5}, s.now) != nullptr);
    s.calls.clear();
    s.decider.on_isolated(s.book, s.now);
    s.run();
    REQUIRE(s.calls.size() == 1);
    CHECK(s.calls[0].where == place(2));
}

TEST_CASE("those said to be online are called first, those said to be offline last") {
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
        silence s;
        s.rng = seeded_rng{seed};
        s.know({made(1, provenance::tailscale, presence::offline), made(2),
                made(3, provenance::tailscale, presence::online), made(4, provenance::tailscale, presence::offline),
                made(5), made(6, provenance::mdns, presence::online)});
        s.run();
        REQUIRE(s.calls.size() == 6);
        std::vector<unsigned> order;
        for (call const& c : s.calls) order.push_back(std::to_integer<unsigned>(c.where.address.bytes()[3]));
        CHECK(std::set<unsigned>{order[0], order[1]} == std::set<unsigned>{3, 6});
        CHECK(std::set<unsigned>{order[2], order[3]} == std::set<unsigned>{2, 5});
    }
}

TEST_CASE("a thousand candidates are called within bounds, and all of them") {
    silence s;
    std::vector<candidate> found;
    for (unsigned i = 0; i < 1000; ++i) found.push_back(made(i));
    s.know(found);
    s.run();
    CHECK(s.calls.size() == 32);
    std::map<duration::rep, std::size_t> per_second;
    s.calls.clear();
    s.pass(60s);
    std::set<ip_endpoint> reached;
    for (call const& c : s.calls) {
        ++per_second[c.when.time_since_epoch() / 1s];
        reached.insert(c.where);
    }
    CHECK(reached.size() == 1000);
    for (auto const& [second, count] : per_second) CHECK(count <= 96);
}

TEST_CASE("in company a few are called per period, for ever, ever more rarely") {
    silence s;
    s.alone = false;
    std::vector<candidate> found;
    for (unsigned i = 0; i < 20; ++i) found.push_back(made(i));
    s.know(found);
    s.run();
    CHECK(s.calls.size() == 3);
    s.pass(24h);
    for (unsigned i = 0; i < 20; ++i) {
        auto const when = s.calls_of(i);
        REQUIRE(when.size() > 24U * 60U * 60U / 160U);
        duration longest{};
        for (std::size_t k = 1; k < when.size(); ++k) longest = std::max(longest, when[k] - when[k - 1]);
        CHECK(longest <= 160s);
        CHECK(s.now - when.back() <= 160s);
    }
    // Fewer than the bound allows, because of the backing off.
    CHECK(s.calls.size() < std::size_t{24} * 60 * 60 / 5 * 3);
}

TEST_CASE("in company members are not called, but looked at again, and called when they are gone") {
    silence s;
    s.alone = false;
    s.know({made(1), made(2)});
    s.members = {place(1), place(2)};
    s.pass(10min);
    CHECK(s.calls.empty());
    CHECK(s.looks >= 2 * 8);
    CHECK(s.looks <= 2 * 14);
    s.members.erase(place(2));
    s.pass(80s);
    CHECK(s.calls_of(2).size() >= 1);
    CHECK(s.calls_of(1).empty());
}

TEST_CASE("in company a peer that only members told of is looked at once, and then when it is due again") {
    silence s;
    s.alone = false;
    node_id who;
    who.bytes[0] = std::byte{7};
    std::vector<ip_endpoint> const where{place(1)};
    REQUIRE(s.book.learn(who, where, provenance::gossip, s.gate, s.now).is_new);
    s.members = {place(1)};
    s.decider.hurry(s.now);
    s.run();
    CHECK(s.decider.next() == never);
    s.book.forgotten(who, s.now);
    s.decider.hurry(s.now);
    CHECK(s.decider.next() > s.now); // when the period is over
    s.pass(1h);
    CHECK(s.looks == 1);
    CHECK(s.decider.next() == never);
    s.members.clear();
    s.book.forgotten(who, s.now);
    s.decider.hurry(s.now);
    s.pass(1h);
    CHECK(s.calls.size() >= 24);
}

TEST_CASE("in company strangers in any number do not keep the user's own from being called, nor the reverse") {
    silence s;
    s.alone = false;
    std::vector<candidate> found;
    for (unsigned i = 0; i < 5; ++i) found.push_back(made(i, provenance::static_list));
    for (unsigned i = 100; i < 340; ++i) found.push_back(made(i, provenance::mdns));
    s.know(found);
    s.pass(20s);
    for (unsigned i = 0; i < 5; ++i) CHECK(s.calls_of(i).size() >= 1);
    s.pass(15min);
    for (unsigned i = 100; i < 340; ++i) CHECK(s.calls_of(i).size() >= 1);
}

TEST_CASE("in company silent candidates of the user, however many, leave every second call to others") {
    silence s;
    s.alone = false;
    std::vector<candidate> found;
    for (unsigned i = 0; i < 300; ++i) found.push_back(made(i, provenance::static_list));
    for (unsigned i = 300; i < 310; ++i) found.push_back(made(i));
    s.know(found);
    s.pass(60s);
    for (unsigned i = 300; i < 310; ++i) CHECK(s.calls_of(i).size() >= 1);
    CHECK(s.calls.size() <= 3 * 16);
    s.pass(30min);
    for (unsigned i = 0; i < 300; ++i) CHECK(s.calls_of(i).size() >= 1);
}

TEST_CASE("isolation means that everybody is called at once, whatever the past") {
    silence s;
    s.alone = false;
    s.know({made(1), made(2)});
    s.pass(1h);
    s.calls.clear();
    s.alone = true;
    s.decider.on_isolated(s.book, s.now);
    CHECK(s.decider.next() == s.now);
    s.run();
    CHECK(s.calls.size() == 2);
    s.pass(15s);
    CHECK(s.calls.size() >= 8);
}
