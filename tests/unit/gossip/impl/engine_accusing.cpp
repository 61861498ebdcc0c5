// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine: asking others before accusing, answering when asked, looking before burying.
#include <peerkit/gossip/impl/engine_accusing.hpp>

#include <doctest/doctest.h>

#include <peerkit/gossip/corroborated.hpp>
#include <peerkit/gossip/engine.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

using quiet_engine =
    gossip::engine<fake_policies<gossip::accept_announcements, gossip::full_state, gossip::corroborated>>;

gossip::tunables accusing_only() {
    auto t = gossip::lan();
    t.exchange_period = t.contact_period = 100h;
    t.tombstone_time = 1000h;
    t.stream_fallback = false;
    return t;
}

/// Members 1 to `count`; those in `dumb` answer nothing, the others answer pings and, as told, checks.
struct court : basic_stage<quiet_engine> {
    explicit court(std::uint64_t count) : basic_stage{options_of()} {
        polite = false;
        started = start();
        for (std::uint64_t i = 1; i <= count; ++i) members.push_back(&add_member(i));
    }
    static quiet_engine::options options_of() {
        quiet_engine::options o;
        o.tunables = accusing_only();
        return o;
    }
    /// Lets time pass; what is sent to a member that is not dumb is answered at once.
    void pass(duration time) {
        time_point const end = now() + time;
        while ((*this)->next_deadline() <= end) {
            std::size_t const before = sent.size();
            if ((*this)->next_deadline() > now()) sleep((*this)->next_deadline() - now());
            tick();
            for (std::size_t i = before; i < sent.size(); ++i) answer(sent[i]);
        }
        sleep(end - now());
    }
    void answer(sent_datagram d) { // a copy: what is delivered makes more
        for (puppet* p : members) {
            if (p->where != d.to) continue;
            for (heard const& m : d.messages) {
                if (m.type == message_type::ping && dumb.count(p) == 0) {
                    std::uint64_t const nonce = m.nonce;
                    answers.push_back(p->datagram((*this)->id(), [&](auto& packet) {
                        packet.ack(nonce, p->incarnation);
                        if (refutes.count(p) != 0) packet.announce(p->record(p->incarnation + 1));
                    }));
                    deliver_raw(answers.back(), p->where);
                }
                if (m.type == message_type::check) {
                    ++checks[p];
                    std::uint64_t const nonce = m.nonce;
                    bool const yes = believers.count(p) != 0;
                    if (silent.count(p) != 0) continue;
                    deliver(*p, [&](auto& packet) { (void)(yes ? packet.heard(nonce) : packet.unheard(nonce)); });
                }
            }
        }
    }
    std::size_t asked() const { return checks.size(); }
    /// Whom this node watches.
    puppet& watched() {
        forget();
        pass(1100ms);
        for (auto const& d : sent) {
            if (d.find(message_type::ping) == nullptr) continue;
            for (puppet* p : members) {
                if (p->where == d.to) return *p;
            }
        }
        return *members[0];
    }

    bool started = false;
    std::vector<puppet*> members;
    std::set<puppet*> dumb;      ///< answer no pings
    std::set<puppet*> silent;    ///< answer no checks
    std::set<puppet*> believers; ///< answer checks with `heard`
    std::set<puppet*> refutes;   ///< put a new record beside each ack
    std::map<puppet*, int> checks;
    std::vector<bytes> answers; ///< to pings, as they were sent
};

} // namespace

TEST_CASE("a silent member is not suspected before six others were asked, and then with their names") {
    court s{12};
    puppet& quiet = s.watched();
    s.dumb.insert(&quiet);
    for (int i = 0; i < 200 && s->counters().accusations == 0; ++i) {
        s.pass(100ms);
        if (s->counters().accusations == 0) CHECK(s.state_of(quiet) == member_state::alive);
    }
    s.pass(50ms);
    CHECK(s.asked() >= 3);
    CHECK(s.asked() <= 6);
    CHECK(s.state_of(quiet) == member_state::suspect);
    REQUIRE(s.count(event_kind::member_suspected) == 1);
    std::size_t names = 0;
    s.pass(300ms);
    for (auto const& d : s.sent) {
        if (auto const* told = d.find(message_type::suspect, quiet.key()))
            names = std::max(names, told->accusers.size());
    }
    CHECK(names >= 4);
    s.pass(1600ms);
    CHECK(s.state_of(quiet) == member_state::dead);
    CHECK(s->counters().looks == 2);
    CHECK(s.fault == "");
}

TEST_CASE("a silent member that one other hears is not spoken of") {
    court s{12};
    puppet& quiet = s.watched();
    s.dumb.insert(&quiet);
    for (puppet* p : s.members) s.believers.insert(p);
    for (int i = 0; i < 200 && s->counters().accusations == 0; ++i) s.pass(100ms);
    s.pass(400ms);
    CHECK(s->counters().accusations == 1);
    CHECK(s->counters().accusations_let_go == 1);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s.sent_count(message_type::suspect) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("if nobody asked says anything, six others are asked, and then it is this node's own fault") {
    court s{20};
    puppet& quiet = s.watched();
    s.dumb.insert(&quiet);
    for (puppet* p : s.members) s.silent.insert(p);
    for (int i = 0; i < 300 && s->counters().accusations == 0; ++i) s.pass(100ms);
    s.pass(1900ms);
    CHECK(s.asked() >= 12);
    CHECK(s->counters().accusations >= 1);
    s.pass(200ms);
    CHECK(s->counters().probes_unsure >= 1);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("nobody is held dead on hearsay: a member told dead is looked at, and its answer ends it") {
    court s{6};
    s.refutes.insert(s.members[2]);
    s.accuse(*s.members[0], message_type::dead, *s.members[2], 1);
    CHECK(s.state_of(*s.members[2]) == member_state::suspect);
    s.pass(3s);
    CHECK(s.state_of(*s.members[2]) == member_state::alive);
    CHECK(s.count(event_kind::member_dead) == 0);
    CHECK(s.count(event_kind::member_refuted) == 1);
    CHECK(s.fault == "");
}

TEST_CASE("an accusation with as many forged names as fit is looked into as well") {
    court s{6};
    s.refutes.insert(s.members[2]);
    std::vector<short_id> names;
    for (std::size_t i = 0; i < 6; ++i) names.push_back(short_id{1000 + i});
    s.accuse(*s.members[0], message_type::suspect, *s.members[2], 1, names);
    s.pass(4s);
    CHECK(s.state_of(*s.members[2]) == member_state::alive);
    CHECK(s.count(event_kind::member_dead) == 0);
}

TEST_CASE("a member in whose name a far session was sent is heard when it answers the last look") {
    for (std::size_t victim = 0; victim < 6; ++victim) { // whichever of them this node watches
        court s{6};
        puppet& p = *s.members[victim];
        s.refutes.insert(&p);
        p.session = std::uint64_t{1} << 62U;
        s.deliver(p, [](auto& packet) { packet.ping(1, 1); });
        p.session = 1;
        std::vector<short_id> names;
        for (std::size_t i = 0; i < 6; ++i) names.push_back(short_id{1000 + i});
        s.accuse(*s.members[(victim + 1) % 6], message_type::dead, p, 1, names);
        s.pass(4s);
        CHECK(s.state_of(p) == member_state::alive);
        CHECK(s.count(event_kind::member_dead) == 0);
    }
}

TEST_CASE("what a member answered to an earlier last look is a recording at the next") {
    court s{6};
    puppet& p = *s.members[2];
    s.refutes.insert(&p);
    s.accuse(*s.members[4], message_type::dead, p, 1);
    s.pass(4s);
    REQUIRE(s.incarnation_of(p) == 2);
    std::vector<bytes> const recorded = s.answers;
    s.dumb.insert(&p);
    s.accuse(*s.members[4], message_type::dead, p, 2);
    REQUIRE(s.state_of(p) == member_state::suspect);
    std::uint64_t const accepted = s->counters().datagrams_accepted;
    for (bytes const& frame : recorded) s.deliver_raw(frame, p.where);
    CHECK(s.refused(gossip_error::replayed) == recorded.size());
    CHECK(s->counters().datagrams_accepted == accepted);
}

TEST_CASE("a member told dead that does not answer two looks is held dead, not sooner than its time") {
    court s{6};
    s.dumb.insert(s.members[2]);
    s.accuse(*s.members[0], message_type::dead, *s.members[2], 1);
    s.pass(1590ms);
    CHECK(s.state_of(*s.members[2]) == member_state::suspect);
    s.pass(20ms);
    CHECK(s.state_of(*s.members[2]) == member_state::dead);
    CHECK(s->counters().looks == 2);
}

TEST_CASE("asked about a member, a node tries it and says what it heard, once, to whom asked") {
    court s{6};
    puppet& asker = *s.members[0];
    puppet& subject = *s.members[1];
    auto const ask = [&](std::uint64_t nonce) {
        s.deliver(asker, [&](auto& packet) { packet.check(nonce, subject.key(), 1); });
    };
    s.forget();
    ask(501);
    auto const tried = s.sent_to(subject);
    REQUIRE(tried.size() == 1);
    std::uint64_t const nonce = tried[0].find(message_type::ping)->nonce;
    s.forget();
    s.deliver(subject, [&](auto& packet) { packet.ack(nonce, 1); });
    REQUIRE(s.sent_to(asker).size() == 1);
    CHECK(s.sent_to(asker)[0].find(message_type::heard)->nonce == 501);

    s.dumb.insert(&subject);
    s.forget();
    ask(502);
    ask(502);
    s.pass(700ms);
    CHECK(s.sent_count(message_type::unheard) == 0);
    s.pass(100ms);
    CHECK(s.sent_count(message_type::unheard) == 1);
    CHECK(s.sent_count(message_type::heard) == 0);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("checks about strangers, about this node, from strangers or beyond the cap are refused and counted") {
    court s{3};
    puppet& asker = *s.members[0];
    s.dumb.insert(s.members.begin(), s.members.end());
    s.deliver(asker, [&](auto& packet) { packet.check(1, short_id{4711}, 1); });
    s.deliver(asker, [&](auto& packet) { packet.check(2, s->id().short_id(), 1); });
    puppet& stranger = s.add(99);
    s.deliver(stranger, [&](auto& packet) { packet.check(3, asker.key(), 1); });
    CHECK(s.refused(gossip_error::unknown_subject) == 3);
    court crowd{80};
    crowd.dumb.insert(crowd.members.begin(), crowd.members.end());
    for (std::size_t i = 1; i < 80; ++i) {
        crowd.deliver(*crowd.members[0], [&](auto& packet) { packet.check(i, crowd.members[i]->key(), 1); });
    }
    CHECK(crowd.refused(gossip_error::too_many_relays) == 79 - gossip::inquiry_list::most_per_asker);
}

TEST_CASE("answers nobody asked for change nothing") {
    court s{6};
    std::uint64_t const before = s.digest();
    s.deliver(*s.members[0], [&](auto& packet) {
        packet.heard(1);
        packet.unheard(2);
    });
    CHECK(s.refused(gossip_error::unexpected_ack) == 2);
    CHECK(s.digest() == before);
}

TEST_CASE("a node that hears nobody for three periods judges alone") {
    court s{4};
    s.dumb.insert(s.members.begin(), s.members.end());
    for (puppet* p : s.members) s.silent.insert(p);
    s.pass(30s);
    CHECK(s.count(event_kind::member_dead) == 4);
    CHECK(s.count(event_kind::isolated) <= 1);
    CHECK(s.fault == "");
}

TEST_CASE("behind a silent member the next on the ring are tried at once") {
    court s{30};
    s.dumb.insert(s.members.begin(), s.members.end());
    for (puppet* p : s.members) s.silent.insert(p);
    s.pass(2900ms);
    CHECK(s->counters().inquiries >= 4);
    CHECK(s->counters().inquiries <= 3 * gossip::inquiry_list::most_own);
}

TEST_CASE("a settled node probes one member per period, the same one, and the epoch others tell is its own") {
    court s{9};
    s.pass(20s);
    s.forget();
    s.pass(10s);
    std::set<std::uint16_t> pinged;
    for (auto const& d : s.sent) {
        if (d.find(message_type::ping) != nullptr)
            pinged.insert(std::to_integer<std::uint8_t>(d.to.address.bytes()[3]));
    }
    CHECK(pinged.size() <= 2); // an epoch may have ended
    CHECK(s.sent_count(message_type::ping) == 10);
    auto const reply = s.deliver(*s.members[0], [&](auto& packet) { packet.ping(7, 1, 40); });
    REQUIRE(reply.size() == 1);
    CHECK(reply[0].find(message_type::ack)->epoch == 40);
}

TEST_CASE("a node that has reason to doubt itself answers no checks, and accuses nobody") {
    court s{30};
    s.dumb.insert(s.members.begin(), s.members.end());
    s.believers.insert(s.members.begin(), s.members.end());
    s.pass(11s);
    CHECK_FALSE(s->watch().sound());
    std::uint64_t const before = s->counters().inquiries;
    s.deliver(*s.members[0], [&](auto& packet) { packet.check(900, s.members[1]->key(), 1); });
    CHECK(s->counters().inquiries == before);
    CHECK(s.count(event_kind::member_suspected) == 0);
}
