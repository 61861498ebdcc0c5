// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's members: records, accusations, refutation, conflicts, caps, host calls.
#include <peerkit/gossip/impl/engine_members.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

/// A puppet with the key `of`, except for its last bytes: the same short id.
struct lookalike {
    static bytes record(puppet const& of, std::uint64_t incarnation) {
        node_id id = of.id();
        id.bytes[31] ^= std::byte{1};
        bytes made(limits::record);
        auto const size = wire::encode_record(of.self, id, incarnation, false, made);
        made.resize(*size + wire::record_layout::signature_size);
        return made;
    }
};

} // namespace

TEST_CASE("behaviour 21: a new record is a member and told once, its repetition changes and tells nothing") {
    stage s{quiet()};
    puppet& p = s.add(1);
    s.announce(p);
    CHECK(s.state_of(p) == member_state::alive);
    REQUIRE(s.count(event_kind::member_up) == 1);
    CHECK(s.last(event_kind::member_up)->why == cause::contacted);
    CHECK(s.last(event_kind::member_up)->where == p.where);
    std::uint64_t const before = s.digest();
    std::uint64_t const checked = s->counters().signatures_checked;
    s.announce(p);
    CHECK(s.count(event_kind::member_up) == 1);
    CHECK(s.digest() == before);
    CHECK(s->counters().duplicates == 1);
    CHECK(s->counters().signatures_checked == checked);
    CHECK(s.fault == "");
}

TEST_CASE("a record passed on by another member is told as announced") {
    stage s{quiet()};
    puppet& carrier = s.add_member(1);
    puppet& p = s.add(2);
    s.deliver(carrier, [&](auto& packet) { packet.announce(p.record()); });
    CHECK(s.state_of(p) == member_state::alive);
    CHECK(s.last(event_kind::member_up)->why == cause::announced);
    CHECK(s.last(event_kind::member_up)->by == carrier.key());
}

TEST_CASE("an older record is refused and changes nothing") {
    stage s{quiet()};
    puppet& p = s.add_member(1, 5);
    std::uint64_t const before = s.digest();
    p.incarnation = 4;
    s.announce(p);
    CHECK(s.refused(gossip_error::stale) == 1);
    CHECK(s.digest() == before);
}

TEST_CASE("behaviour 25: a changed description with a higher incarnation is an update, an unchanged one is nothing") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    p.incarnation = 2;
    s.announce(p);
    CHECK(s.incarnation_of(p) == 2);
    CHECK(s.count(event_kind::member_updated) == 0);
    p.incarnation = 3;
    p.self.version = "2";
    s.announce(p);
    REQUIRE(s.count(event_kind::member_updated) == 1);
    CHECK(s.last(event_kind::member_updated)->incarnation == 3);
    CHECK(s.count(event_kind::member_up) == 1);
    CHECK(s->find(p.id())->record().version() == "2");
}

TEST_CASE("behaviour 28: a member moves to another address with a higher incarnation") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    p.self.addresses[0].address = ip_address::v4(10, 9, 9, 9);
    p.incarnation = 2;
    s.announce(p);
    CHECK(s->find(p.id())->endpoint() == ip_endpoint{ip_address::v4(10, 9, 9, 9), 9000});
    CHECK(s.count(event_kind::member_updated) == 1);
}

TEST_CASE("a forged, damaged or foreign record changes nothing") {
    stage s{quiet()};
    puppet& carrier = s.add_member(1);
    puppet& p = s.add(2);
    std::uint64_t const before = s.digest();
    auto const hand_in = [&](bytes const& record) {
        s.deliver(carrier, [&](auto& packet) { packet.announce(record); });
    };
    SUBCASE("every byte flipped, one at a time") {
        bytes const good = p.record();
        for (std::size_t i = 0; i < good.size(); ++i) {
            bytes bad = good;
            bad[i] ^= std::byte{1};
            hand_in(bad);
        }
        CHECK(s->counters().refused(gossip_error::bad_signature) > 64);
    }
    SUBCASE("signed for another network") {
        p.keys.network.bytes[0] = std::byte{9};
        hand_in(p.record());
        CHECK(s.refused(gossip_error::bad_signature) == 1);
    }
    SUBCASE("without an address") {
        p.self.addresses.clear();
        hand_in(p.record());
        CHECK(s->counters().malformed == 1);
    }
    CHECK(s.digest() == before);
    CHECK_FALSE(s.state_of(p).has_value());
}

TEST_CASE("a key with the same short id as a member's is refused") {
    stage s{quiet()};
    puppet& p = s.add_member(1, 5);
    std::uint64_t const before = s.digest();
    s.deliver(p, [&](auto& packet) { packet.announce(lookalike::record(p, 6)); });
    CHECK(s.refused(gossip_error::short_id_taken) == 1);
    CHECK(s.digest() == before);
    s.deliver(p, [&](auto& packet) {
        puppet self{stage::own_seed};
        packet.announce(lookalike::record(self, 9));
    });
    CHECK(s.refused(gossip_error::short_id_taken) == 2);
    CHECK(s->incarnation() == 1);
}

TEST_CASE("behaviour 23: an accusation suspects, and only what its subject signed can be accused") {
    stage s{quiet()};
    puppet& accuser = s.add_member(1);
    puppet& p = s.add_member(2, 5);
    SUBCASE("its present incarnation") {
        s.accuse(accuser, message_type::suspect, p, 5);
        CHECK(s.state_of(p) == member_state::suspect);
        CHECK(s.last(event_kind::member_suspected)->why == cause::accused);
        CHECK(s.last(event_kind::member_suspected)->by == accuser.key());
    }
    SUBCASE("an older one: refused, and the accuser is told the newer record") {
        auto const answer = s.deliver(accuser, [&](auto& packet) {
            packet.accuse(message_type::suspect, p.key(), 4, std::array{accuser.key()});
        });
        CHECK(s.state_of(p) == member_state::alive);
        CHECK(s.refused(gossip_error::stale) == 1);
        REQUIRE(answer.size() == 1);
        REQUIRE(answer[0].find(message_type::announce, p.key()) != nullptr);
        CHECK(answer[0].find(message_type::announce, p.key())->view().incarnation() == 5);
    }
    SUBCASE("one it never signed: refused, and its record is asked for") {
        for (auto how : {message_type::suspect, message_type::dead}) {
            auto const answer =
                s.deliver(accuser, [&](auto& packet) { packet.accuse(how, p.key(), 6, std::array{accuser.key()}); });
            CHECK(s.state_of(p) == member_state::alive);
            REQUIRE(answer.size() == 1);
            REQUIRE(answer[0].find(message_type::want, p.key()) != nullptr);
            CHECK(answer[0].find(message_type::want, p.key())->incarnation == 5);
        }
        CHECK(s.refused(gossip_error::unproven) == 2);
    }
    SUBCASE("one of a stranger: refused, and its record is asked for") {
        puppet& stranger = s.add(3);
        auto const answer = s.deliver(accuser, [&](auto& packet) {
            packet.accuse(message_type::dead, stranger.key(), 1, std::array{accuser.key()});
        });
        CHECK_FALSE(s.state_of(stranger).has_value());
        CHECK(s.refused(gossip_error::unknown_subject) == 1);
        REQUIRE(answer.size() == 1);
        CHECK(answer[0].find(message_type::want, stranger.key()) != nullptr);
    }
}

TEST_CASE("a record that is asked for goes together with the accusation held against it") {
    stage s{quiet()};
    puppet& asker = s.add_member(1);
    puppet& suspected = s.add_member(2, 5);
    puppet& dead = s.add_member(3, 6);
    s.accuse(asker, message_type::suspect, suspected, 5);
    s.accuse(asker, message_type::dead, dead, 6);
    auto const answer = s.deliver(asker, [&](auto& packet) {
        packet.want(suspected.key(), 0);
        packet.want(dead.key(), 0);
    });
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::announce, suspected.key()) != nullptr);
    CHECK(answer[0].find(message_type::suspect, suspected.key()) != nullptr);
    CHECK(answer[0].find(message_type::announce, dead.key()) != nullptr);
    CHECK(answer[0].find(message_type::dead, dead.key()) != nullptr);
}

TEST_CASE("suspicion lasts as long as its accusers make it, and then the member is dead, once") {
    auto t = quiet();
    t.probe_period = 10h;
    stage s{t};
    puppet& a = s.add_member(1);
    puppet& b = s.add_member(2);
    puppet& c = s.add_member(3);
    puppet& p = s.add_member(4);
    // Five members: shortest 4 * 10 h, longest six times that.
    s.accuse(a, message_type::suspect, p, 1);
    SUBCASE("one accuser") {
        s.advance(239h);
        CHECK(s.state_of(p) == member_state::suspect);
        s.advance(1h);
        CHECK(s.state_of(p) == member_state::dead);
        CHECK(s.last(event_kind::member_dead)->why == cause::suspicion_expired);
        s.advance(300h);
        CHECK(s.count(event_kind::member_dead) == 1);
    }
    SUBCASE("the same accuser again") {
        s.accuse(a, message_type::suspect, p, 1);
        s.accuse(a, message_type::suspect, p, 1);
        s.advance(239h);
        CHECK(s.state_of(p) == member_state::suspect);
    }
    SUBCASE("three accusers") {
        s.accuse(b, message_type::suspect, p, 1);
        s.accuse(c, message_type::suspect, p, 1);
        s.advance(39h);
        CHECK(s.state_of(p) == member_state::suspect);
        s.advance(1h);
        CHECK(s.state_of(p) == member_state::dead);
    }
    SUBCASE("confirmed when the shorter time is over already") {
        s.advance(100h);
        s.accuse(b, message_type::suspect, p, 1, {b.key(), c.key()});
        s.tick();
        CHECK(s.state_of(p) == member_state::dead);
        CHECK(s.count(event_kind::member_dead) == 1);
    }
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 18: with too few members to confirm, suspicion is short from the start") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& p = s.add_member(2);
    s.accuse(a, message_type::suspect, p, 1);
    s.advance(39h);
    CHECK(s.state_of(p) == member_state::suspect);
    s.advance(1h);
    CHECK(s.state_of(p) == member_state::dead);
}

TEST_CASE("behaviour 20: a new confirmation is passed on, a repeated one is not") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& b = s.add_member(2);
    s.add_member(3);
    puppet& p = s.add_member(4);
    s.accuse(a, message_type::suspect, p, 1);
    s.advance(10s);
    REQUIRE(s->queued() == 0);
    s.accuse(a, message_type::suspect, p, 1);
    CHECK(s->queued() == 0);
    s.accuse(b, message_type::suspect, p, 1);
    CHECK(s->queued() == 1);
    s.forget();
    s.advance(10s);
    for (auto const& d : s.sent) {
        if (auto const* m = d.find(message_type::suspect, p.key())) CHECK(m->accusers == ascending({a.key(), b.key()}));
    }
    CHECK(s.sent_count(message_type::suspect) > 0);
}

TEST_CASE("confirmations beyond those that shorten the suspicion are not passed on") {
    stage s{quiet()};
    std::vector<puppet*> accusers;
    for (std::uint64_t i = 1; i <= 6; ++i) accusers.push_back(&s.add_member(i));
    puppet& p = s.add_member(20);
    for (std::size_t i = 0; i < accusers.size(); ++i) {
        s.advance(10s);
        REQUIRE(s->queued() == 0);
        s.accuse(*accusers[i], message_type::suspect, p, 1);
        CHECK(s->queued() == (i < 3 ? 1 : 0));
    }
}

TEST_CASE("behaviour 22: only a higher incarnation clears a suspect, and that is a refutation") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& p = s.add_member(2, 5);
    s.accuse(a, message_type::suspect, p, 5);
    s.announce(p);
    CHECK(s.state_of(p) == member_state::suspect);
    p.incarnation = 6;
    s.announce(p);
    CHECK(s.state_of(p) == member_state::alive);
    CHECK(s.count(event_kind::member_refuted) == 1);
    CHECK(s.last(event_kind::member_refuted)->why == cause::refuted);
    CHECK(s.count(event_kind::member_updated) == 0);
    s.advance(500h);
    CHECK(s.state_of(p) == member_state::alive); // the timer is gone
    CHECK(s.count(event_kind::member_dead) == 0);
}

TEST_CASE("a refutation that also changes the description tells both") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& p = s.add_member(2, 5);
    s.accuse(a, message_type::suspect, p, 5);
    p.incarnation = 6;
    p.self.version = "new";
    s.announce(p);
    CHECK(s.count(event_kind::member_refuted) == 1);
    CHECK(s.count(event_kind::member_updated) == 1);
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 22: only a higher incarnation brings a dead member back") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& p = s.add_member(2, 5);
    s.accuse(a, message_type::dead, p, 5);
    CHECK(s.state_of(p) == member_state::dead);
    CHECK(s.last(event_kind::member_dead)->why == cause::declared_by_other);
    s.accuse(a, message_type::dead, p, 5);
    s.accuse(a, message_type::suspect, p, 5);
    s.announce(p);
    CHECK(s.state_of(p) == member_state::dead);
    CHECK(s.count(event_kind::member_dead) == 1);
    p.incarnation = 6;
    s.announce(p);
    CHECK(s.state_of(p) == member_state::alive);
    CHECK(s.count(event_kind::member_up) == 3);
    CHECK(s.fault == "");
}

TEST_CASE("leaving is final for its incarnation, and a higher one comes back") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& p = s.add_member(2, 5);
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(6, true)); });
    CHECK(s.state_of(p) == member_state::left);
    CHECK(s.last(event_kind::member_left)->why == cause::said_goodbye);
    std::uint64_t const before = s.digest();
    s.accuse(a, message_type::suspect, p, 6);
    s.accuse(a, message_type::dead, p, 6);
    s.announce(p);
    CHECK(s.digest() == before);
    CHECK(s.count(event_kind::member_left) == 1);
    CHECK(s.count(event_kind::member_dead) == 0);
    p.incarnation = 7;
    s.announce(p);
    CHECK(s.state_of(p) == member_state::alive);
}

TEST_CASE("a goodbye of an unknown node is remembered and told to nobody") {
    stage s{quiet()};
    puppet& p = s.add(2);
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(6, true)); });
    CHECK(s.state_of(p) == member_state::left);
    CHECK(s.events.empty());
    s.advance(1100h);
    CHECK_FALSE(s.state_of(p).has_value());
    CHECK(s.count(event_kind::member_removed) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 28: two records of one incarnation leave the same one everywhere, whichever came first") {
    puppet one{5}, two{5};
    one.self.version = "a";
    two.self.version = "b";
    struct version {
        bytes record;
        message_type accusation;
    };
    bytes const alive_one = one.record(4), alive_two = two.record(4), left_one = one.record(4, true),
                left_two = two.record(4, true);
    std::vector<bytes const*> order{&alive_one, &alive_two, &left_one, &left_two};
    std::vector<std::size_t> all{0, 1, 2, 3};
    std::vector<std::uint64_t> ends;
    do {
        stage s{quiet()};
        puppet& carrier = s.add_member(1);
        for (std::size_t const i : all) s.deliver(carrier, [&](auto& packet) { packet.announce(*order[i]); });
        for (std::size_t const i : all) s.deliver(carrier, [&](auto& packet) { packet.announce(*order[i]); });
        auto const found = s->find(one.id());
        REQUIRE(found.has_value());
        CHECK(found->state() == member_state::left);
        crypto::word_hash hash{1};
        hash.part(found->record().bytes());
        ends.push_back(hash.value());
        CHECK(s.count(event_kind::conflict) >= 1);
        CHECK(s.fault == "");
    } while (std::next_permutation(all.begin(), all.end()));
    CHECK(std::count(ends.begin(), ends.end(), ends[0]) == 24);
}

TEST_CASE("the losing record of a conflict is told once however often it is heard") {
    stage s{quiet()};
    puppet& carrier = s.add_member(1);
    puppet one{5}, two{5};
    one.self.version = "a";
    two.self.version = "b";
    for (int i = 0; i < 50; ++i) {
        s.deliver(carrier, [&](auto& packet) {
            packet.announce(one.record(4));
            packet.announce(two.record(4));
        });
    }
    CHECK(s.count(event_kind::conflict) == 1);
    CHECK(s.last(event_kind::conflict)->subject == one.id());
    s.deliver(carrier, [&](auto& packet) { packet.announce(one.record(5)); });
    s.deliver(carrier, [&](auto& packet) { packet.announce(two.record(5)); });
    CHECK(s.count(event_kind::conflict) == 2);
}

TEST_CASE("a full table takes newcomers in place of tombstones, never of the living") {
    auto t = quiet();
    t.max_members = 6;
    stage s{t};
    std::vector<puppet*> members;
    for (std::uint64_t i = 1; i <= 5; ++i) members.push_back(&s.add_member(i));
    REQUIRE(s->known_count() == 6);
    puppet& early = s.add_member(20);
    CHECK_FALSE(s.state_of(early).has_value());
    CHECK(s.refused(gossip_error::table_full) == 1);
    s.accuse(*members[0], message_type::suspect, *members[1], 1);
    s.announce(early);
    CHECK(s.refused(gossip_error::table_full) == 2);
    s.accuse(*members[0], message_type::dead, *members[2], 1);
    s.announce(early);
    CHECK(s.state_of(early) == member_state::alive);
    CHECK_FALSE(s.state_of(*members[2]).has_value());
    REQUIRE(s.last(event_kind::member_removed) != nullptr);
    CHECK(s.last(event_kind::member_removed)->why == cause::evicted);
    CHECK(s.last(event_kind::member_removed)->subject == members[2]->id());
    for (std::size_t i : {0U, 3U, 4U}) CHECK(s.state_of(*members[i]) == member_state::alive);
    CHECK(s.state_of(*members[1]) == member_state::suspect);
    CHECK(s->known_count() == 6);
    CHECK(s.fault == "");
}

TEST_CASE("running suspicions are capped; who is beyond the cap stays alive") {
    auto t = quiet();
    t.max_suspicions = 2;
    stage s{t};
    puppet& a = s.add_member(1);
    std::vector<puppet*> accused;
    for (std::uint64_t i = 2; i <= 5; ++i) accused.push_back(&s.add_member(i));
    for (puppet* p : accused) s.accuse(a, message_type::suspect, *p, 1);
    CHECK(s.state_of(*accused[1]) == member_state::suspect);
    CHECK(s.state_of(*accused[2]) == member_state::alive);
    CHECK(s.state_of(*accused[3]) == member_state::alive);
    CHECK(s.refused(gossip_error::too_many_suspicions) == 2);
    CHECK(s.count(event_kind::member_suspected) == 2);
    CHECK(s.fault == "");
}

TEST_CASE("signature checks are budgeted, known records cost none of it") {
    auto t = quiet();
    t.verifies_per_second = 10;
    stage s{t};
    puppet& a = s.add_member(1);
    for (std::uint64_t i = 2; i <= 60; ++i) {
        puppet p{i};
        s.deliver(a, [&](auto& packet) { packet.announce(p.record()); });
    }
    CHECK(s->known_count() == 21); // itself and a burst of twice ten
    CHECK(s.refused(gossip_error::verify_over_budget) == 40);
    CHECK(s->counters().signatures_checked == 20);
    s.announce(a);
    CHECK(s.refused(gossip_error::verify_over_budget) == 40);
    s.sleep(1s);
    for (std::uint64_t i = 31; i <= 60; ++i) {
        puppet p{i};
        s.deliver(a, [&](auto& packet) { packet.announce(p.record()); });
    }
    CHECK(s->known_count() == 31);
}

TEST_CASE("behaviour 37: whom the trust gate does not admit is refused before any signature is checked") {
    puppet friendly{1}, stranger{2};
    using strict = basic_stage<gossip::engine<fake_policies<gossip::allow_list>>>;
    strict::options o;
    o.tunables = quiet();
    strict s{o, gossip::allow_list{{friendly.id()}}};
    REQUIRE(s.start());
    s.announce(friendly);
    std::uint64_t const checked = s->counters().signatures_checked;
    std::uint64_t const before = s.digest();
    s.announce(stranger);
    CHECK(s->counters().signatures_checked == checked);
    CHECK(s.refused(gossip_error::not_admitted) == 1);
    CHECK(s.digest() == before);
    CHECK(s.state_of(friendly) == member_state::alive);
}

TEST_CASE("what the announcement handler refuses changes nothing, and it is asked about good signatures only") {
    struct picky {
        std::vector<gossip::announcement_context> seen{};
        [[nodiscard]] bool admits(node_id const&) const noexcept { return true; }
        [[nodiscard]] gossip::verdict on_announcement(wire::record_view const& r,
                                                      gossip::announcement_context const& c) noexcept {
            seen.push_back(c);
            return r.version() == "bad" ? gossip::verdict::refuse : gossip::verdict::accept;
        }
    };
    using judged = basic_stage<gossip::engine<fake_policies<picky>>>;
    judged::options o;
    o.tunables = quiet();
    judged s{o};
    REQUIRE(s.start());
    puppet& p = s.add(1);
    s.announce(p);
    REQUIRE(s.state_of(p) == member_state::alive);
    std::uint64_t const before = s.digest();
    p.incarnation = 2;
    p.self.version = "bad";
    s.announce(p);
    CHECK(s.refused(gossip_error::refused_by_handler) == 1);
    CHECK(s.digest() == before);
    bytes forged = p.record(3);
    forged.back() ^= std::byte{1};
    s.deliver(p, [&](auto& packet) { packet.announce(forged); });
    auto const& seen = s->handler().seen;
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].direct);
    CHECK_FALSE(seen[0].known);
    CHECK(seen[1].known);
    CHECK(seen[0].source == p.where);
    CHECK_FALSE(seen[0].over_stream);
}

TEST_CASE("calls that need a running node are refused before it starts and after it left") {
    basic_stage<fake_engine> s{with(quiet())};
    auto const all_refused = [&] {
        auto const updated =
            s.call([&](auto& e, auto now, auto& out) { return e.update(description_of(1), now, out); });
        auto const joined = s.call([&](auto& e, auto now, auto& out) { return e.join(address_of(1), now, out); });
        auto const accepted = s.accept(address_of(1));
        s.call([&](auto& e, auto now, auto& out) {
            e.hello(address_of(1), now, out);
            return 0;
        });
        return !updated && updated.error() == gossip_error::not_running && !joined &&
               joined.error() == gossip_error::not_running && !accepted &&
               accepted.error() == gossip_error::not_running && s.sent.empty() && s.dials.empty();
    };
    CHECK(all_refused());
    CHECK_FALSE(s->running());
    CHECK(s->next_deadline() == never);
    REQUIRE(s.start());
    auto const again = s.call([&](auto& e, auto now, auto& out) { return e.start(now, out); });
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error() == gossip_error::not_running);
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    s.forget();
    CHECK(all_refused());
}

TEST_CASE("a crash is seen by all, and a restarted node is taken back by all") {
    cluster c{5};
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    c.run_for(10s);
    c.crash(3);
    REQUIRE(c.run_until([&] { return c.all_see(3, member_state::dead); }, 120s));
    for (std::size_t i : {0U, 1U, 2U, 4U}) CHECK(c.count(i, event_kind::member_dead, 3) == 1);
    SUBCASE("with the incarnation it kept") { c.start(3, c.at(3).stored + 1); }
    SUBCASE("with its memory lost") { c.start(3, 1); }
    c.join(3, 0);
    CHECK(c.run_until([&] { return c.all_see_all(); }, 60s));
    CHECK(c.fault == "");
}

TEST_CASE("behaviour 26: a graceful leave is left everywhere and dead nowhere") {
    cluster c{5};
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    c.run_for(10s);
    c.call(2, [](auto& e, auto now, auto& out) { e.leave(now, out); });
    REQUIRE(c.run_until([&] { return c.all_see(2, member_state::left); }, 30s));
    c.run_until([&] { return !c[2].running(); }, 10s);
    c.crash(2);
    c.run_for(120s);
    CHECK(c.all_see(2, member_state::left));
    CHECK(c.count(event_kind::member_dead) == 0);
    CHECK(c.count(event_kind::member_left) == 4);
    CHECK(c.fault == "");
}

TEST_CASE("an update reaches everybody, once") {
    cluster c{5};
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    c.run_for(10s);
    description d = c[1].self();
    d.version = "9";
    c.call(1, [&](auto& e, auto now, auto& out) { REQUIRE(e.update(d, now, out).has_value()); });
    c.run_for(10s);
    CHECK(c.count(event_kind::member_updated) == 4);
    for (std::size_t i = 0; i < 5; ++i) CHECK(c[i].find(c[1].id())->record().version() == "9");
    CHECK(c.fault == "");
}

TEST_CASE("a partition longer than every timer heals, and nobody is lost") {
    cluster c{6};
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    auto const cut = [](std::size_t a, std::size_t b) { return (a < 3) != (b < 3); };
    c.drops = cut;
    c.blocks_stream = cut;
    c.run_for(10min);
    CHECK(c.sees(0, 5) == member_state::dead);
    CHECK(c.sees(5, 0) == member_state::dead);
    c.drops = {};
    c.blocks_stream = {};
    CHECK(c.run_until([&] { return c.all_see_all(); }, 2min));
    CHECK(c.fault == "");
}

TEST_CASE("a node shows itself at the first address it announces, whatever its subnets are") {
    stage s{quiet()};
    auto changed = s->self();
    ip_address const second = ip_address::v4(192, 168, 1, 1), third = ip_address::v4(100, 64, 0, 1);
    for (ip_address const& a : {second, third}) changed.addresses.push_back({a, 0, address_kind::local});
    auto const shown = [&] { return s->find(s->id())->endpoint().address; };
    auto const update = [&] {
        REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.update(changed, now, out); }).has_value());
    };
    update();
    CHECK(shown() == stage::own_address().address);
    s->set_subnets({{second, 24}});
    CHECK(shown() == stage::own_address().address);
    std::reverse(changed.addresses.begin(), changed.addresses.end());
    update();
    CHECK(shown() == third);
    CHECK(s.fault == "");
}

TEST_CASE("an introduced member is known, counts as joined, and is no news to others") {
    stage s{quiet()};
    puppet& a = s.add(1);
    auto const introduce = [&](bytes const& record) {
        return s.call([&](auto& e, auto now, auto& out) { return e.introduce(record, now, out); });
    };
    REQUIRE(introduce(a.record(5)).has_value());
    CHECK(s->joined());
    CHECK(s->find(a.key())->incarnation() == 5);
    CHECK(s->queued() == 1); // its own record
    REQUIRE(s.events.size() == 2);
    CHECK(s.events[0].kind == event_kind::member_up);
    CHECK(s.events[0].why == cause::requested);
    CHECK(s.events[1].kind == event_kind::joined);
    SUBCASE("older news of it is no error and changes nothing") {
        CHECK(introduce(a.record(4)).has_value());
        CHECK(s->find(a.key())->incarnation() == 5);
        CHECK(s.events.size() == 2);
    }
    SUBCASE("newer news is taken over and passed on") {
        CHECK(introduce(a.record(6)).has_value());
        CHECK(s->find(a.key())->incarnation() == 6);
        CHECK(s->queued() == 2);
    }
    SUBCASE("a goodbye introduces nobody") {
        CHECK(introduce(puppet{2}.record(1, true)).has_value());
        CHECK(s->known_count() == 2);
    }
    SUBCASE("a forged record is refused") {
        bytes forged = puppet{2}.record(1);
        forged.back() ^= std::byte{1};
        auto const done = introduce(forged);
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error() == gossip_error::bad_signature);
        CHECK(s->known_count() == 2);
    }
    SUBCASE("what is no record is refused") { CHECK_FALSE(introduce(bytes(40)).has_value()); }
    SUBCASE("no budget holds it up") {
        for (std::uint64_t i = 2; i < 1000; ++i) REQUIRE(introduce(puppet{i}.record()).has_value());
        CHECK(s->alive_count() == 1000);
    }
    CHECK(s.fault == "");
}

TEST_CASE("a node that does not run takes no introductions") {
    basic_stage<fake_engine> s{with(quiet())};
    auto const done = s.call([&](auto& e, auto now, auto& out) { return e.introduce(puppet{1}.record(), now, out); });
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error() == gossip_error::not_running);
}

TEST_CASE("a full table says so to who introduces") {
    auto numbers = quiet();
    numbers.max_members = 3;
    stage s{numbers};
    auto const introduce = [&](std::uint64_t i) {
        return s.call([&](auto& e, auto now, auto& out) { return e.introduce(puppet{i}.record(), now, out); });
    };
    REQUIRE(introduce(1).has_value());
    REQUIRE(introduce(2).has_value());
    auto const done = introduce(3);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error() == gossip_error::table_full);
}

TEST_CASE(
    "who was forgotten does not come back by what others say of the same life, but by its own word or a new one") {
    auto t = quiet();
    t.max_members = 3;
    stage s{t};
    puppet& p = s.add_member(1);
    puppet& carrier = s.add_member(2);
    s.accuse(carrier, message_type::dead, p, 1);
    // Room is needed: the tombstone is given up.
    s.sleep(1h);
    puppet& other = s.add_member(3);
    REQUIRE_FALSE(s.state_of(p));
    s.deliver(other, [&](auto& packet) { packet.announce(other.record(2, true)); });
    s.forget();
    SUBCASE("an old record of it is kept as that of the dead, without a word") {
        s.deliver(carrier, [&](auto& packet) { packet.announce(p.record(1)); });
        CHECK(s.state_of(p) == member_state::dead);
        CHECK(s.events.size() == 1); // the one who gave way
        CHECK(s.count(event_kind::member_up) == 0);
        SUBCASE("and it is up when it says that it lives") {
            p.incarnation = 2;
            s.announce(p);
            CHECK(s.state_of(p) == member_state::alive);
            CHECK(s.count(event_kind::member_up) == 1);
        }
    }
    SUBCASE("a record it signed since brings it back, whoever says it") {
        s.deliver(carrier, [&](auto& packet) { packet.announce(p.record(2)); });
        CHECK(s.state_of(p) == member_state::alive);
    }
    SUBCASE("its own word brings it back") {
        s.announce(p);
        CHECK(s.state_of(p) == member_state::alive);
    }
    CHECK(s.fault == "");
}

namespace {

/// A stage where names are unique.
struct unique_names : basic_stage<fake_engine> {
    explicit unique_names(gossip::name_policy policy) : basic_stage<fake_engine>{make(policy)} { REQUIRE(start()); }
    static fake_engine::options make(gossip::name_policy policy) {
        auto o = with(quiet(), 500);
        o.names = policy;
        return o;
    }
    /// A puppet of that name, announced at that incarnation.
    puppet& named(std::uint64_t seed, char const* name, std::uint64_t incarnation) {
        puppet& p = add(seed);
        p.self.name = name;
        p.incarnation = incarnation;
        announce(p);
        return p;
    }
};

} // namespace

TEST_CASE("where names are allowed to repeat, several members have one") {
    unique_names s{gossip::name_policy::allow};
    puppet &a = s.named(1, "db", 10), &b = s.named(2, "db", 20);
    CHECK(s.state_of(a) == member_state::alive);
    CHECK(s.state_of(b) == member_state::alive);
}

TEST_CASE("where the first keeps a name, later ones are refused until it is gone, whatever came first") {
    unique_names s{gossip::name_policy::refuse};
    SUBCASE("the first is known first") {
        puppet &first = s.named(1, "db", 10), &later = s.named(2, "db", 20);
        CHECK(s.state_of(first) == member_state::alive);
        CHECK_FALSE(s.state_of(later));
        CHECK(s.refused(gossip_error::name_taken) == 1);
        auto const* told = s.last(event_kind::refused);
        REQUIRE(told != nullptr);
        CHECK(told->what == gossip_error::name_taken);
        CHECK(told->subject == later.id());
        CHECK(told->by == first.key());
        s.announce(later);
        CHECK(s.count(event_kind::refused) == 1); // once
        first.incarnation = 11;
        s.announce(first);
        CHECK(s.incarnation_of(first) == 11);
        s.deliver(first, [&](auto& packet) { packet.announce(first.record(12, true)); });
        s.announce(later);
        CHECK(s.state_of(later) == member_state::alive);
    }
    SUBCASE("the first is known last, and the later one is dropped") {
        puppet &later = s.named(2, "db", 20), &first = s.named(1, "db", 10);
        CHECK(s.state_of(first) == member_state::alive);
        CHECK_FALSE(s.state_of(later));
        auto const* told = s.last(event_kind::member_dead);
        REQUIRE(told != nullptr);
        CHECK(told->why == cause::name_taken);
        CHECK(told->by == first.key());
        CHECK(s.count(event_kind::member_removed) == 1);
    }
    SUBCASE("a member that takes the name of another is refused the new one") {
        s.named(1, "db", 10);
        puppet& other = s.named(2, "web", 20);
        other.self.name = "db";
        other.incarnation = 21;
        s.announce(other);
        CHECK(s->find(other.id())->record().name() == "web");
    }
    SUBCASE("this node keeps its own against a later one, and hears that it has lost it against an earlier one") {
        puppet& later = s.named(1, "n1000", 501);
        CHECK_FALSE(s.state_of(later));
        puppet& earlier = s.named(2, "n1000", 499);
        CHECK(s.state_of(earlier) == member_state::alive);
        auto const* told = s.last(event_kind::refused);
        CHECK(told->subject == s->id());
        CHECK(told->by == earlier.key());
        CHECK(s->running());
    }
    CHECK(s.fault == "");
}

TEST_CASE("where the last gets a name, earlier ones are dropped at once, and stay out") {
    unique_names s{gossip::name_policy::replace};
    puppet &earlier = s.named(1, "db", 10), &last = s.named(2, "db", 20);
    CHECK_FALSE(s.state_of(earlier));
    CHECK(s.state_of(last) == member_state::alive);
    earlier.incarnation = 11;
    s.announce(earlier);
    CHECK_FALSE(s.state_of(earlier));
    CHECK(s.state_of(last) == member_state::alive);
    CHECK(s.fault == "");
}
