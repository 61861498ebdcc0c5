// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's gossip: transmit limits, packing, the dead, contacts, tombstones.
#include <peerkit/gossip/impl/engine_spreading.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

/// How often news of `p` was sent.
std::size_t tellings(stage const& s, message_type type, short_id subject) {
    std::size_t found = 0;
    for (auto const& d : s.sent) found += d.find(type, subject) != nullptr ? 1U : 0U;
    return found;
}

} // namespace

TEST_CASE("behaviour 31: an update is sent factor times the digits of the member count, and no more") {
    for (std::size_t members : {1U, 9U, 12U}) {
        stage s{quiet()};
        std::vector<puppet*> all;
        for (std::uint64_t i = 1; i <= members; ++i) all.push_back(&s.add_member(i));
        s.advance(60s);
        REQUIRE(s->queued() == 0);
        s.forget();
        all[0]->incarnation = 2;
        s.announce(*all[0]);
        s.advance(60s);
        CHECK(s->queued() == 0);
        CHECK(tellings(s, message_type::announce, all[0]->key()) == 4 * membership::decades(members + 1));
    }
}

TEST_CASE("fresh news goes out eagerly, old news at the normal pace, and nothing when there is none") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    s.add_member(2);
    s.advance(60s);
    s.forget();
    p.incarnation = 2;
    s.announce(p);
    s.advance(60s);
    REQUIRE(s.sent.size() > 2);
    std::set<time_point> rounds;
    for (auto const& d : s.sent) rounds.insert(d.at);
    time_point previous = *rounds.begin();
    for (auto at = std::next(rounds.begin()); at != rounds.end(); ++at) {
        CHECK(*at - previous == 200ms);
        previous = *at;
    }
}

TEST_CASE("behaviour 35: no datagram is larger than allowed, however much there is to say") {
    stage s{quiet()};
    for (std::uint64_t i = 1; i <= 60; ++i) {
        puppet& p = s.add(i);
        p.self.version = std::string(i % 31, 'v');
        for (std::size_t l = 0; l < i % 7; ++l)
            p.self.labels.push_back({std::string(1, static_cast<char>('a' + l)), std::string(90, 'x')});
        s.announce(p);
    }
    puppet& accuser = s.add_member(100);
    for (std::uint64_t i = 1; i <= 30; ++i) {
        s.deliver(accuser, [&](auto& packet) {
            packet.accuse(message_type::suspect, puppet{i}.key(), 1, std::array{accuser.key()});
        });
    }
    s.forget();
    s.advance(30s);
    REQUIRE(s.sent.size() > 50);
    std::size_t largest = 0;
    for (auto const& d : s.sent) {
        CHECK(d.opened);
        CHECK_FALSE(d.messages.empty());
        largest = std::max(largest, d.frame.size());
    }
    CHECK(largest <= limits::packet + wire::envelope::head + wire::envelope::tail);
    CHECK(largest > 1000);
    CHECK(s->queued() == 0);
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 30: news of a dead member still goes to the dead for a while, so that they may refute, then not") {
    auto t = quiet();
    t.gossip_to_dead = 30s;
    stage s{t};
    puppet& alive = s.add_member(1);
    puppet& dead = s.add_member(2);
    s.advance(60s);
    s.accuse(alive, message_type::dead, dead, 1);
    auto const rounds = [&](duration pause) {
        s.advance(pause);
        s.forget();
        for (int i = 0; i < 40; ++i) {
            ++alive.incarnation;
            s.announce(alive);
            s.advance(100ms);
        }
        return s.sent_to(dead).size();
    };
    CHECK(rounds(0s) > 0);
    CHECK(rounds(30s) == 0);
}

TEST_CASE("who left is not gossiped to") {
    stage s{quiet()};
    puppet& alive = s.add_member(1);
    puppet& gone = s.add_member(2);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    s.forget();
    for (int i = 0; i < 40; ++i) {
        ++alive.incarnation;
        s.announce(alive);
        s.advance(100ms);
    }
    CHECK(s.sent_to(alive).size() >= 40);
    CHECK(s.sent_to(gone).empty());
}

TEST_CASE("a node alone among the long dead rests between its calls") {
    auto t = gossip::lan();
    t.exchange_period = t.contact_period = 1000s;
    t.tombstone_time = 100h;
    stage s{t};
    puppet& p = s.add_member(1);
    s.accuse(p, message_type::dead, p, 1);
    s.advance(120s);
    description changed = s->self();
    changed.version = "news";
    REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.update(changed, now, out); }).has_value());
    std::size_t ticks = 0;
    time_point const end = s.now() + 100s;
    while (s->next_deadline() <= end) {
        s.sleep(s->next_deadline() - s.now());
        s.tick();
        ++ticks;
    }
    CHECK(ticks < 210); // a look for somebody to probe each second, no busy gossip
}

TEST_CASE("the queue runs dry when the cluster shrinks") {
    stage s{quiet()};
    std::vector<puppet*> all;
    for (std::uint64_t i = 1; i <= 30; ++i) all.push_back(&s.add_member(i));
    s.advance(600ms); // some of it was told more often than a small cluster would
    for (std::size_t i = 1; i < 30; ++i)
        s.deliver(*all[i], [&](auto& packet) { packet.announce(all[i]->record(2, true)); });
    s.advance(60s);
    CHECK(s->queued() == 0);
}

TEST_CASE("the dead are called every contact period, at most so many, for ever, and those who left are not") {
    auto t = quiet();
    t.probe_period = 1s;
    t.contact_period = 10s;
    t.contacts = 2;
    stage s{t};
    puppet& alive = s.add_member(1);
    std::vector<puppet*> dead;
    for (std::uint64_t i = 2; i <= 5; ++i) dead.push_back(&s.add_member(i));
    puppet& gone = s.add_member(9);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    for (puppet* p : dead) s.accuse(alive, message_type::dead, *p, 1);
    s.advance(1h);
    s.forget();
    s.advance(10min);
    std::map<ip_endpoint, std::size_t> calls;
    std::map<time_point, std::size_t> rounds;
    for (auto const& d : s.sent) {
        if (d.find(message_type::hello) == nullptr) continue;
        ++calls[d.to];
        ++rounds[d.at];
    }
    CHECK(calls.size() == 4);
    for (puppet* p : dead) CHECK(calls[p->where] > 10);
    for (auto const& [at, n] : rounds) CHECK(n == 2);
    CHECK(rounds.size() >= 50);
    CHECK(rounds.size() <= 75);
    time_point previous{};
    for (auto const& [at, n] : rounds) {
        if (previous != time_point{}) {
            CHECK(at - previous >= 8s);
            CHECK(at - previous <= 12s);
        }
        previous = at;
    }
}

TEST_CASE("behaviour 30: tombstones of the dead and of those who left are kept for their time and then forgotten") {
    auto t = quiet();
    t.exchange_period = 20h;
    t.tombstone_time = 80h;
    stage s{t};
    puppet& alive = s.add_member(1);
    puppet& dead = s.add_member(2);
    puppet& gone = s.add_member(3);
    s.accuse(alive, message_type::dead, dead, 1);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    s.advance(79h);
    CHECK(s.state_of(dead) == member_state::dead);
    CHECK(s.state_of(gone) == member_state::left);
    s.advance(7h); // looked for every 16th of the time
    CHECK_FALSE(s.state_of(dead).has_value());
    CHECK_FALSE(s.state_of(gone).has_value());
    CHECK(s.state_of(alive) == member_state::alive);
    CHECK(s.count(event_kind::member_removed) == 2);
    CHECK(s.last(event_kind::member_removed)->why == cause::tombstone_expired);
    CHECK(s->known_count() == 2);
    CHECK(s.fault == "");
}

TEST_CASE("the last other member's death leaves this node isolated, told once") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& b = s.add_member(2);
    auto const id = s.accept(a.where);
    puppet_stream stream{a, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(0);
        packet.exchange_end(0);
    }));
    REQUIRE(s->joined());
    s.accuse(a, message_type::dead, b, 1);
    CHECK(s->joined());
    s.deliver(a, [&](auto& packet) { packet.announce(a.record(2, true)); });
    CHECK_FALSE(s->joined());
    CHECK(s.count(event_kind::isolated) == 1);
    CHECK(s.last(event_kind::isolated)->why == cause::alone);
}

TEST_CASE("an update reaches every one of sixteen nodes that joined in a chain") {
    cluster c{16};
    for (std::size_t i = 1; i < 16; ++i) c.join(i, i - 1);
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 60s));
    c.run_for(30s);
    description d = c[7].self();
    d.version = "7";
    time_point const start = c.now();
    c.call(7, [&](auto& e, auto now, auto& out) { REQUIRE(e.update(d, now, out).has_value()); });
    REQUIRE(c.run_until([&] { return c.count(event_kind::member_updated) == 15; }, 30s));
    CHECK(c.now() - start < 3s);
    CHECK(c.count(event_kind::member_dead) == 0);
    CHECK(c.fault == "");
}

TEST_CASE("a settled cluster sends probes and their answers and nothing else") {
    cluster c{8};
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    c.run_for(60s);
    std::uint64_t before = 0, after = 0;
    for (std::size_t i = 0; i < 8; ++i) before += c[i].counters().datagrams_sent;
    c.run_for(100s);
    for (std::size_t i = 0; i < 8; ++i) after += c[i].counters().datagrams_sent;
    // One ping and one ack per node and period.
    CHECK(after - before <= 8 * 100 * 2 + 16);
    CHECK(after - before >= 8 * 90 * 2);
}

TEST_CASE("while there is news of members and user data, every packet of news carries some of both") {
    stage s{quiet()};
    for (std::uint64_t i = 1; i <= 60; ++i) s.add_member(i);
    bytes const payload(100, std::byte{7});
    for (int i = 0; i < 60; ++i)
        REQUIRE(s.call([&](auto& e, auto now, auto&) { return e.broadcast("load", payload, now); }));
    s.forget();
    s.advance(60ms);
    std::size_t full = 0;
    for (auto const& d : s.sent) {
        if (d.frame.size() < 900) continue;
        ++full;
        std::size_t members = 0, user = 0;
        for (heard const& h : d.messages) {
            if (h.type == message_type::announce) members += 3 + h.record.size();
            if (h.type == message_type::broadcast) user += 3 + h.record.size();
        }
        // Each is sure of a quarter, of which what is smaller than one message is left over.
        CHECK(members + 150 >= limits::packet / 4);
        CHECK(user + 210 >= limits::packet / 4);
        CHECK(user > 0);
    }
    CHECK(full > 5);
    CHECK(s.fault == "");
}

TEST_CASE("who leaves goes when enough of the others have confirmed its goodbye, and says how many did") {
    for (std::size_t others : {1U, 2U, 6U}) {
        stage s{quiet()};
        for (std::uint64_t i = 1; i <= others; ++i) s.add_member(i);
        s.advance(10s);
        s.forget();
        s.call([](auto& e, auto now, auto& out) {
            e.leave(now, out);
            return 0;
        });
        REQUIRE(s.advance(3s));
        CHECK_FALSE(s->running());
        REQUIRE(s.count(event_kind::self_left) == 1);
        CHECK(s.last(event_kind::self_left)->count == std::min<std::size_t>(others, 3));
        for (auto const& d : s.sent) {
            heard const* const goodbye = d.find(message_type::announce, s->id().short_id());
            if (goodbye == nullptr) continue;
            CHECK(goodbye->view().left());
            CHECK(d.find(message_type::ping) != nullptr); // heard together, or not at all
        }
        CHECK(tellings(s, message_type::announce, s->id().short_id()) >= 4);
    }
}

TEST_CASE("a goodbye that nobody confirms is said again until patience is over") {
    stage s{quiet()};
    for (std::uint64_t i = 1; i <= 3; ++i) s.add_member(i);
    s.advance(10s);
    s.forget();
    s.polite = false;
    s.call([](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    REQUIRE(s.advance(4900ms));
    CHECK(s->leaving());
    CHECK(tellings(s, message_type::announce, s->id().short_id()) > 2 * 4);
    REQUIRE(s.advance(200ms));
    CHECK_FALSE(s->running());
    REQUIRE(s.count(event_kind::self_left) == 1);
    CHECK(s.last(event_kind::self_left)->count == 0);
    CHECK(s.fault == "");
}
