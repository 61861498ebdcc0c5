// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's view of itself through others: what is believed, told, announced, withdrawn and refused.
#include <peerkit/gossip/impl/engine_observing.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

/// Until a ping of this node's own goes to `p`; its nonce.
std::uint64_t next_ping(stage& s, puppet const& p) {
    for (int i = 0; i < 10000; ++i) {
        s.forget();
        s.sleep(std::max(duration::zero(), s->next_deadline() - s.now()));
        s.tick();
        for (auto const& d : s.sent_to(p)) {
            if (auto const* ping = d.find(message_type::ping)) return ping->nonce;
        }
    }
    return 0;
}
bool about(membership::round_trip const& found, duration meant) {
    return found.smoothed > meant * 24 / 25 && found.smoothed < meant * 26 / 25;
}
std::optional<membership::round_trip> trip_to(stage& s, puppet const& p) { return s->find(p.id())->round_trip(); }

ip_endpoint const seen_at{ip_address::v4(198, 51, 100, 7), 4001};

/// A stage that probes, whose puppets answer from outside its network and say where they see it.
struct behind_translation : basic_stage<fake_engine> {
    explicit behind_translation(bool advertise) : basic_stage<fake_engine>{make(advertise)} {
        polite = false;
        REQUIRE(start());
    }
    static fake_engine::options make(bool advertise) {
        auto t = gossip::lan();
        t.exchange_period = 30s;
        auto o = with(t);
        o.advertise_observed = advertise;
        return o;
    }
    puppet& outsider(std::uint64_t seed) {
        puppet& p = add(seed);
        p.where.address = ip_address::v4(203, 0, 113, static_cast<std::uint8_t>(seed));
        p.self.addresses = {{p.where.address, 0, address_kind::global}};
        announce(p);
        return p;
    }
    /// Until `p` has answered one probe, with what `fill` adds.
    template <typename Fill>
    void answer_one(puppet& p, Fill&& fill) {
        for (int i = 0; i < 10000; ++i) {
            std::size_t const before = sent.size();
            sleep(std::max(duration::zero(), (*this)->next_deadline() - now()));
            tick();
            for (std::size_t k = before; k < sent.size(); ++k) {
                auto const* ping = sent[k].find(message_type::ping);
                if (ping == nullptr) continue;
                bool const asked = sent[k].to == p.where;
                for (puppet* other : everybody) {
                    if (sent[k].to != other->where) continue;
                    std::uint64_t const nonce = ping->nonce;
                    deliver(*other, [&](auto& packet) {
                        packet.ack(nonce, other->incarnation);
                        if (asked) fill(packet);
                    });
                    break;
                }
                if (asked) return;
            }
        }
        FAIL("never asked");
    }
    void tells(puppet& p, ip_endpoint const& where) {
        answer_one(p, [&](auto& packet) { packet.observed(where); });
    }
    [[nodiscard]] description announced() const { return machine().find(machine().id())->record().to_description(); }

    std::vector<puppet*> everybody;
};

} // namespace

TEST_CASE("events of a state tell how long the one before lasted, and who accused") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet &a = s.add_member(2), &b = s.add_member(3);
    CHECK(s.last(event_kind::member_up)->age == 0s);
    CHECK(s.last(event_kind::member_up)->accuser_list().empty());
    s.sleep(7s);
    s.accuse(a, message_type::suspect, p, 1);
    auto const* told = s.last(event_kind::member_suspected);
    REQUIRE(told != nullptr);
    CHECK(told->age == 7s);
    REQUIRE(told->accuser_list().size() == 1);
    CHECK(told->accuser_list()[0] == a.key());
    s.accuse(b, message_type::suspect, p, 1);
    s.sleep(3s);
    SUBCASE("a refutation names all whose accusation was wrong") {
        p.incarnation = 2;
        s.announce(p);
        told = s.last(event_kind::member_refuted);
        REQUIRE(told != nullptr);
        CHECK(told->age == 3s);
        CHECK(std::vector<short_id>(told->accuser_list().begin(), told->accuser_list().end()) ==
              ascending({a.key(), b.key()}));
    }
    SUBCASE("a death names all who accused, and what comes after tells how long it lasted") {
        s.accuse(b, message_type::dead, p, 1);
        told = s.last(event_kind::member_dead);
        REQUIRE(told != nullptr);
        CHECK(told->age == 3s);
        CHECK(told->accuser_list().size() == 2);
        s.sleep(1h);
        p.incarnation = 2;
        s.announce(p);
        told = s.last(event_kind::member_up);
        CHECK(told->age == 1h);
        CHECK(told->accuser_list().empty());
    }
    SUBCASE("a goodbye tells how long the suspicion lasted") {
        s.deliver(p, [&](auto& packet) { packet.announce(p.record(2, true)); });
        told = s.last(event_kind::member_left);
        REQUIRE(told != nullptr);
        CHECK(told->age == 3s);
        CHECK(told->accuser_list().size() == 2);
    }
}

TEST_CASE("a death that was only heard of names who said so") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet& a = s.add_member(2);
    s.sleep(5s);
    s.accuse(a, message_type::dead, p, 1);
    auto const* told = s.last(event_kind::member_dead);
    REQUIRE(told != nullptr);
    CHECK(told->age == 5s);
    REQUIRE(told->accuser_list().size() == 1);
    CHECK(told->accuser_list()[0] == a.key());
}

TEST_CASE("two clusters that meet are told of where they meet, with the number that came; a newcomer is no cluster") {
    tests::cluster c{7};
    auto const merged = [&](std::size_t i) {
        std::vector<gossip::event> found;
        for (auto const& e : c.at(i).events) {
            if (e.kind == event_kind::cluster_merged) found.push_back(e);
        }
        return found;
    };
    c.join(1, 0);
    c.join(2, 0);
    c.join(4, 3);
    c.join(5, 3);
    c.run_for(60s);
    c.join(6, 0);
    c.run_for(60s);
    for (std::size_t i = 0; i < c.size(); ++i) CHECK(merged(i).empty());
    c.join(5, 1);
    c.run_for(60s);
    CHECK(c[0].alive_count() == 7);
    REQUIRE(merged(1).size() == 1);
    CHECK(merged(1)[0].count == 3);
    CHECK(merged(1)[0].by == c[5].id().short_id());
    REQUIRE(merged(5).size() == 1);
    CHECK(merged(5)[0].count == 4);
    CHECK(merged(5)[0].by == c[1].id().short_id());
}

TEST_CASE("a member's state is explained: who accuses, how long it has, when it was heard, and what happened before") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet &a = s.add_member(2), &b = s.add_member(3);
    CHECK_FALSE(s->explain(puppet{9}.id(), s.now()));
    s.sleep(10s);
    s.accuse(a, message_type::suspect, p, 1);
    s.sleep(2s);
    s.accuse(b, message_type::suspect, p, 1);
    s.sleep(2s);
    auto const why = s->explain(p.id(), s.now());
    REQUIRE(why);
    CHECK(why->name == "n1");
    CHECK(why->state == member_state::suspect);
    CHECK(why->in_state == 4s);
    CHECK(why->incarnation == 1);
    CHECK(why->reported);
    REQUIRE(why->accusers.size() == 2);
    CHECK(why->accusers[0].name.substr(0, 1) == "n");
    REQUIRE(why->left_to_refute);
    CHECK(*why->left_to_refute > 0s);
    CHECK(why->last_heard);
    CHECK(*why->last_heard >= 14s);
    CHECK_FALSE(why->round_trip);
    REQUIRE(why->ways.size() == 1);
    CHECK(why->ways[0].where == p.where);
    CHECK(why->ways[0].kind == address_kind::local);
    CHECK(why->ways[0].in_use);
    REQUIRE(why->learnt() != nullptr);
    CHECK(why->learnt()->why == cause::contacted);
    CHECK(why->learnt()->by.name == "n1");
    REQUIRE(why->changes.size() == 2);
    CHECK(why->changes[1].kind == event_kind::member_suspected);
    CHECK(why->changes[1].by.id == a.key());
    auto const self = s->explain(s->id(), s.now());
    REQUIRE(self);
    CHECK(self->is_self);
    CHECK(self->accusers.empty());
    CHECK_FALSE(self->left_to_refute);
}

TEST_CASE("the answer to a ping tells how long the way is, also when an earlier ping of the probe was lost") {
    stage s;
    s.polite = false;
    puppet& p = s.add_member(1);
    CHECK_FALSE(trip_to(s, p));
    auto const answer = [&](std::uint64_t nonce) {
        s.deliver(p, [&](auto& packet) { packet.ack(nonce, p.incarnation); });
    };
    std::uint64_t nonce = next_ping(s, p);
    s.sleep(8ms);
    answer(nonce);
    REQUIRE(trip_to(s, p));
    CHECK(about(*trip_to(s, p), 8ms));
    // Neither the same answer again nor one to nothing counts.
    s.sleep(1s);
    answer(nonce);
    answer(77);
    CHECK(about(*trip_to(s, p), 8ms));

    std::uint64_t const first = next_ping(s, p);
    std::uint64_t const second = next_ping(s, p);
    CHECK(first != second);
    s.sleep(8ms);
    answer(second);
    CHECK(about(*trip_to(s, p), 8ms));
}

TEST_CASE("an answer through a helper tells nothing of the way") {
    stage s;
    s.polite = false;
    puppet& p = s.add_member(1);
    puppet& helper = s.add_member(2);
    std::uint64_t const nonce = next_ping(s, p);
    s.sleep(8ms);
    s.deliver(helper, [&](auto& packet) { packet.ack(nonce, helper.incarnation); });
    CHECK(s->counters().probes_by_helper == 1);
    CHECK_FALSE(trip_to(s, p));
}

TEST_CASE("a member is heard with every packet of its own, and what was known is forgotten with it") {
    auto t = quiet();
    t.max_members = 2;
    stage s{t};
    puppet& p = s.add_member(1);
    CHECK(s->find(p.id())->last_heard(s.now()) == time_point{0s});
    s.sleep(1h);
    CHECK(s->find(p.id())->last_heard(s.now()) == time_point{0s});
    s.deliver(p, [&](auto& packet) { packet.ping(1, 1); });
    CHECK(*s->find(p.id())->last_heard(s.now()) > s.now() - 2s);
    // What others say of it is not hearing it.
    s.sleep(1h);
    puppet& other = s.add(2);
    s.deliver(other, [&](auto& packet) { packet.announce(p.record(2)); });
    CHECK(*s->find(p.id())->last_heard(s.now()) < s.now() - 3500s);
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(3, true)); });
    s.sleep(1h);
    puppet carried{3};
    s.deliver(other, [&](auto& packet) { packet.announce(carried.record(1)); });
    REQUIRE(s->find(carried.id()));
    CHECK_FALSE(s->find(p.id()));
    CHECK_FALSE(s->find(carried.id())->last_heard(s.now()));
}

TEST_CASE("an address that three members see this node at is told to the host and, if wanted, announced") {
    for (bool const advertise : {false, true}) {
        CAPTURE(advertise);
        behind_translation s{advertise};
        for (std::uint64_t i = 1; i <= 4; ++i) s.everybody.push_back(&s.outsider(i));
        std::uint64_t const before = s->incarnation();
        s.tells(*s.everybody[0], seen_at);
        s.tells(*s.everybody[1], seen_at);
        s.tells(*s.everybody[0], seen_at);
        CHECK(s.count(event_kind::address_observed) == 0);
        CHECK(s->observed(ip_family::v4) == ip_endpoint{});
        s.tells(*s.everybody[2], seen_at);
        REQUIRE(s.count(event_kind::address_observed) == 1);
        auto const* told = s.last(event_kind::address_observed);
        CHECK(told->where == seen_at);
        CHECK(told->count == 3);
        CHECK(told->subject == s->id());
        CHECK(s->observed(ip_family::v4) == seen_at);
        CHECK(s->self().addresses.size() == 1); // what the host says is what the host said
        if (advertise) {
            CHECK(s->incarnation() == before + 1);
            REQUIRE(s.announced().addresses.size() == 2);
            CHECK(s.announced().addresses[1] == typed_address{seen_at.address, seen_at.port, address_kind::observed});
            // It stays when the host changes something else, and when the node is accused.
            auto changed = s->self();
            changed.version = "2";
            CHECK(s.call([&](auto& e, auto now, auto& out) { return e.update(changed, now, out); }).has_value());
            CHECK(s.announced().addresses.size() == 2);
            CHECK(s.announced().version == "2");
        } else {
            CHECK(s->incarnation() == before);
            CHECK(s.announced().addresses.size() == 1);
        }
        CHECK(s.fault == "");
    }
}

TEST_CASE("an observed address that nobody confirms any more is withdrawn") {
    behind_translation s{true};
    for (std::uint64_t i = 1; i <= 3; ++i) s.everybody.push_back(&s.outsider(i));
    for (puppet* p : s.everybody) s.tells(*p, seen_at);
    REQUIRE(s.announced().addresses.size() == 2);
    s.forget();
    time_point const end = s.now() + 12min;
    while (s.now() < end) s.answer_one(*s.everybody[0], [](auto&) {});
    REQUIRE(s.count(event_kind::address_observed) == 1);
    CHECK(s.last(event_kind::address_observed)->where == ip_endpoint{});
    CHECK(s.announced().addresses.size() == 1);
    CHECK(s->observed(ip_family::v4) == ip_endpoint{});
}

TEST_CASE("what is said of this node's address without being asked, by strangers, or against reason is refused") {
    behind_translation s{true};
    for (std::uint64_t i = 1; i <= 4; ++i) s.everybody.push_back(&s.outsider(i));
    for (puppet* p : s.everybody) s.deliver(*p, [&](auto& packet) { packet.observed(seen_at); });
    CHECK(s.refused(gossip_error::message_out_of_place) == 4);
    for (puppet* p : s.everybody) {
        s.deliver(*p, [&](auto& packet) {
            packet.ack(12345, p->incarnation); // to no question
            packet.observed(seen_at);
        });
    }
    CHECK(s.refused(gossip_error::message_out_of_place) == 8);
    std::size_t implausible = 0;
    for (auto const& seen : {ip_address::v4(127, 0, 0, 1), ip_address::v4(169, 254, 1, 1), ip_address::v4(224, 0, 0, 1),
                             ip_address::v4(10, 0, 0, 7), ip_address::v4(100, 64, 0, 7)}) {
        for (puppet* p : s.everybody) s.tells(*p, {seen, 9000});
        implausible += 4;
        CHECK(s.refused(gossip_error::implausible_address) == implausible);
    }
    CHECK(s.count(event_kind::address_observed) == 0);
    CHECK(s.announced().addresses.size() == 1);
    CHECK(s.fault == "");
}

TEST_CASE("an own address that the host chose not to announce is not announced because others see it") {
    behind_translation s{true};
    s->set_subnets({{seen_at.address, 24}});
    for (std::uint64_t i = 1; i <= 3; ++i) s.everybody.push_back(&s.outsider(i));
    for (puppet* p : s.everybody) s.tells(*p, seen_at);
    CHECK(s.count(event_kind::address_observed) == 0);
    CHECK(s.announced().addresses.size() == 1);
}
