// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Behaviours 1-15 of docs/behaviours.md with the detectors of SWIM and Lifeguard, where the default differs from them.
#include <peerkit/gossip/engine.hpp>
#include <peerkit/gossip/lifeguard.hpp>
#include <peerkit/gossip/plain_swim.hpp>
#include <peerkit/sim/default_world.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <support/stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

/// lan() without exchange and contact of its own accord, and without streams: probes stand alone.
gossip::tunables probing_only() {
    auto t = gossip::lan();
    t.exchange_period = t.contact_period = 100h;
    t.tombstone_time = 1000h;
    t.stream_fallback = false;
    return t;
}

/// An engine with `Detector` among puppets.
template <typename Detector>
struct watched : basic_stage<gossip::engine<sim::policies_with<Detector>>> {
    using base = basic_stage<gossip::engine<sim::policies_with<Detector>>>;
    explicit watched(gossip::tunables const& t = probing_only()) : base{options(t)} {
        this->start();
        this->polite = false;
    }
    static typename base::options options(gossip::tunables const& t) {
        typename base::options o;
        o.tunables = t;
        return o;
    }
    puppet& member(std::uint64_t seed) {
        puppet& p = this->add_member(seed);
        members.push_back(&p);
        return p;
    }
    /// Lets `time` pass. Members in `silent` answer nothing; the others answer pings and, if they `help`, say nack of
    /// the silent.
    void pass(duration time) {
        time_point const end = this->now() + time;
        while ((*this)->next_deadline() <= end) {
            if ((*this)->next_deadline() > this->now()) this->sleep((*this)->next_deadline() - this->now());
            std::size_t const before = this->sent.size();
            this->tick();
            for (std::size_t i = before; i < this->sent.size(); ++i) answer(sent_datagram{this->sent[i]});
        }
        this->sleep(end - this->now());
    }
    void answer(sent_datagram const& d) {
        for (puppet* const p : members) {
            if (p->where != d.to || silent.count(p->seed) != 0) continue;
            if (auto const* ping = d.find(message_type::ping))
                this->deliver(*p, [&](auto& packet) { packet.ack(ping->nonce, p->incarnation); });
            auto const* asked = d.find(message_type::indirect_ping);
            if (asked != nullptr && help) this->deliver(*p, [&](auto& packet) { packet.nack(asked->nonce); });
        }
    }
    std::vector<puppet*> members;
    std::set<std::uint64_t> silent;
    bool help = true;
};

/// When the pings of `s` that begin a probe went out: no two probes share a nonce.
template <typename Stage>
std::vector<time_point> probes(Stage const& s) {
    std::vector<time_point> begun;
    std::set<std::uint64_t> nonces;
    for (auto const& d : s.sent) {
        auto const* ping = d.find(message_type::ping);
        if (ping != nullptr && nonces.insert(ping->nonce).second) begun.push_back(d.at);
    }
    return begun;
}

} // namespace

TEST_CASE_TEMPLATE("behaviour 1: whoever answers is probed once a period, each time anew, and never suspected",
                   Detector, gossip::plain_swim, gossip::lifeguard) {
    watched<Detector> s;
    for (std::uint64_t i = 1; i <= 3; ++i) s.member(i);
    s.pass(10s);
    s.forget();
    s.pass(60s);
    auto const begun = probes(s);
    CHECK(begun.size() == 60);
    for (std::size_t i = 1; i < begun.size(); ++i) CHECK(begun[i] - begun[i - 1] == 1s);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s.fault == "");
}

TEST_CASE_TEMPLATE("behaviour 2: a silent member is suspected after its ping and its helpers failed, within its period",
                   Detector, gossip::plain_swim, gossip::lifeguard) {
    watched<Detector> s;
    for (std::uint64_t i = 1; i <= 5; ++i) s.member(i);
    puppet& quiet_one = *s.members[2];
    s.pass(10s);
    s.forget();
    s.silent = {quiet_one.seed};
    time_point pinged = never;
    for (int i = 0; i < 2000 && s.count(event_kind::member_suspected) == 0; ++i) {
        s.pass(10ms);
        for (auto const& d : s.sent_to(quiet_one)) {
            if (d.find(message_type::ping) != nullptr && pinged == never) pinged = d.at;
        }
    }
    REQUIRE(s.count(event_kind::member_suspected) == 1);
    CHECK(s.last(event_kind::member_suspected)->subject == quiet_one.id());
    REQUIRE(pinged != never);
    std::size_t asked = 0;
    for (auto const& d : s.sent) asked += d.find(message_type::indirect_ping, quiet_one.key()) != nullptr ? 1U : 0U;
    CHECK(asked == 3);
    CHECK(s.now() - pinged <= 1s);
    CHECK(s.now() - pinged > 500ms);
}

TEST_CASE("behaviour 5: a helper whose detector knows no nacks says nothing of a silent subject") {
    auto const nacks = [](auto s) {
        puppet& asker = s->member(1);
        puppet& subject = s->member(2);
        s->silent = {1, 2};
        s->forget();
        s->deliver(asker, [&](auto& packet) { packet.indirect_ping(77, subject.key()); });
        CHECK(s->sent_count(message_type::ping) == 1);
        s->pass(900ms);
        return s->sent_count(message_type::nack);
    };
    CHECK(nacks(std::make_unique<watched<gossip::plain_swim>>()) == 0);
    CHECK(nacks(std::make_unique<watched<gossip::lifeguard>>()) == 1);
}

TEST_CASE("behaviour 8: a ping for another node is not answered, one for anybody is") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet const other{2};
    auto const ping = [](auto& packet) { packet.ping(5, 1); };
    auto const ack = [](std::vector<sent_datagram> const& answer) {
        return std::any_of(answer.begin(), answer.end(),
                           [](auto const& d) { return d.find(message_type::ack) != nullptr; });
    };
    CHECK_FALSE(ack(s.deliver_raw(p.datagram(other.id(), ping), p.where)));
    CHECK(ack(s.deliver_raw(p.datagram({}, ping), p.where)));
    CHECK(ack(s.deliver_raw(p.datagram(s->id(), ping), p.where)));
}

TEST_CASE_TEMPLATE("behaviour 12: SWIM and Lifeguard probe everybody once per pass, and nobody who is gone", Detector,
                   gossip::plain_swim, gossip::lifeguard) {
    watched<Detector> s;
    for (std::uint64_t i = 1; i <= 7; ++i) s.member(i);
    puppet& gone = s.add_member(20);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    s.pass(30s);
    s.forget();
    s.pass(70s);
    std::map<ip_endpoint, std::size_t> pinged;
    for (auto const& d : s.sent) pinged[d.to] += d.find(message_type::ping) != nullptr ? 1U : 0U;
    for (puppet* const p : s.members) {
        CHECK(pinged[p->where] >= 9);
        CHECK(pinged[p->where] <= 11);
    }
    CHECK(pinged[gone.where] == 0);
}

TEST_CASE(
    "behaviours 13, 14 and 15: helpers that say nothing cost health, which stretches the period; answers heal it") {
    auto t = probing_only();
    t.suspicion_factor = 200; // nobody dies of it meanwhile
    watched<gossip::lifeguard> s{t};
    for (std::uint64_t i = 1; i <= 6; ++i) s.member(i);
    s.pass(10s);
    auto const gap = [&] {
        s.forget();
        s.pass(30s);
        auto const begun = probes(s);
        return begun.size() < 2 ? 30s : begun.back() - begun[begun.size() - 2];
    };
    CHECK(gap() == 1s);
    // Everybody falls silent: three nacks are missing per probe, until the score is at its worst.
    s.silent = {1, 2, 3, 4, 5, 6};
    s.pass(9s);
    CHECK(gap() == 8s);
    // They speak again: one step per answer.
    s.silent = {};
    s.pass(60s);
    CHECK(gap() == 1s);
}

TEST_CASE("behaviour 14: a probe that fails although all helpers answered costs no health") {
    watched<gossip::lifeguard> s;
    for (std::uint64_t i = 1; i <= 6; ++i) s.member(i);
    s.pass(10s);
    s.silent = {2};
    s.forget();
    s.pass(8s);
    REQUIRE(s.count(event_kind::member_suspected) == 1);
    for (auto const begun = probes(s); auto const& at : begun) {
        if (&at != &begun.front()) CHECK(at - *(&at - 1) == 1s);
    }
}
