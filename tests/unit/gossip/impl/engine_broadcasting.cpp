// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's broadcasts: who is told, what is refused, what was missed.
#include <peerkit/gossip/impl/engine_broadcasting.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "user_data.hpp"

using namespace peerkit;
using namespace tests;

TEST_CASE("a broadcast goes out with the next tick, signed, to a few members, and stops after its limit") {
    stage s{quiet()};
    std::vector<puppet*> all;
    for (std::uint64_t i = 1; i <= 9; ++i) all.push_back(&s.add_member(i));
    s.advance(60s);
    s.forget();
    auto const number = s.call([&](auto& e, auto now, auto&) { return e.broadcast("chat", text("hello"), now); });
    REQUIRE(number);
    CHECK(*number == 1);
    CHECK(s.sent.empty());
    CHECK(s->next_deadline() == s.now());
    s.tick();
    auto const first = told(s);
    CHECK(std::set(first.begin(), first.end()).size() == 3);
    heard const* const h = last(s, message_type::broadcast);
    REQUIRE(h != nullptr);
    CHECK(load_big<std::uint64_t>(h->record.data()) == all[0]->incarnation);
    auto const view = broadcast_view::parse(byte_view{h->record}.subspan(12));
    REQUIRE(view);
    crypto::signing_room room;
    CHECK(crypto::verify_broadcast<crypto::fake_identity>(*view, s->id(), network_id{}, room));
    CHECK(as_text(view->payload()) == "hello");
    s.advance(10s);
    CHECK(told(s).size() == 4); // half of 4 times the digits of 10 members
    CHECK(s.sent_count(message_type::offer) > 2);
    s.advance(2min);
    s.forget();
    s.advance(10min);
    CHECK(s.sent_count(message_type::offer) == 0);
    CHECK(s.delivered.empty());
    CHECK(s.fault == "");
}

TEST_CASE("the first to be told is the next member in the order of keys, who may change, and then random ones") {
    stage s{quiet()};
    std::vector<puppet*> all;
    for (std::uint64_t i = 1; i <= 20; ++i) all.push_back(&s.add_member(i));
    auto const next = [&] {
        auto const ahead = [&](puppet const* p) {
            return static_cast<std::uint64_t>(p->key()) - static_cast<std::uint64_t>(s->id().short_id());
        };
        return *std::min_element(all.begin(), all.end(),
                                 [&](puppet const* a, puppet const* b) { return ahead(a) < ahead(b); });
    };
    s.advance(60s);
    std::set<std::vector<ip_endpoint>> others;
    for (int round = 0; round < 15; ++round) {
        s.forget();
        REQUIRE(s.call([&](auto& e, auto now, auto&) { return e.broadcast("chat", text("hello"), now); }));
        s.tick();
        auto to = told(s);
        REQUIRE(to.size() >= 3); // and one more beside news of who left
        CHECK(to[0] == next()->where);
        others.insert({to[1], to[2]});
        s.advance(1s);
        if (round % 5 != 4) continue;
        puppet* const gone = next();
        s.deliver(*gone, [&](auto& packet) { packet.announce(gone->record(2, true)); });
        std::erase(all, gone);
    }
    CHECK(others.size() > 10);
    CHECK(s.fault == "");
}

TEST_CASE("what may not be broadcast is a typed error") {
    stage s{quiet()};
    auto const say = [&](std::string_view topic, std::size_t size) {
        return s.call([&](auto& e, auto now, auto&) { return e.broadcast(topic, bytes(size), now); });
    };
    CHECK(say("", 1).error() == core_error::empty);
    CHECK(say("two words", 1).error() == core_error::bad_character);
    CHECK(say("t", limits::payload + 1).error() == gossip_error::message_too_large);
    CHECK(say("t", limits::payload + 1).error().position() == limits::payload + 1);
    for (std::uint32_t i = 0; i < s->numbers().broadcasts_per_second; ++i) CHECK(say("t", 1).value() == i + 1);
    CHECK(say("t", 1).error() == gossip_error::too_many_messages);
    s.sleep(1s);
    CHECK(say("t", 1));
    basic_stage<fake_engine> unborn{with(quiet())};
    CHECK(unborn.call([](auto& e, auto now, auto&) { return e.broadcast("t", {}, now); }).error() ==
          gossip_error::not_running);
}

TEST_CASE("a broadcast is handed over once, whoever repeats it, and forwarded") {
    stage s{quiet()};
    puppet& origin = s.add_member(1);
    puppet& carrier = s.add_member(2);
    for (std::uint64_t i = 3; i <= 8; ++i) s.add_member(i);
    s.advance(60s);
    s.forget();
    bytes const what = spoken(origin, 5, text("hi"));
    tell(s, carrier, what);
    tell(s, origin, what);
    tell(s, carrier, what);
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].what.kind == delivery_kind::broadcast);
    CHECK(s.delivered[0].what.from == origin.id());
    CHECK(s.delivered[0].what.topic.view() == "chat");
    CHECK(s.delivered[0].what.session == 1);
    CHECK(s.delivered[0].what.sequence == 5);
    CHECK(s.delivered[0].payload == text("hi"));
    CHECK(s->counters().broadcasts_repeated == 2);
    s.tick();
    heard const* const h = last(s, message_type::broadcast);
    REQUIRE(h != nullptr);
    CHECK(equal(byte_view{h->record}.subspan(12), what));
    for (ip_endpoint const& to : told(s)) CHECK(to != origin.where);
    CHECK(s.fault == "");
}

TEST_CASE("what was said before this life began is not handed over, nor asked for again; the rest keeps its age") {
    stage s{quiet()};
    puppet& origin = s.add_member(1);
    puppet& carrier = s.add_member(2);
    s.advance(10s);
    bytes const before = spoken(origin, 1, text("before")), since = spoken(origin, 2, text("since"));
    s.deliver(carrier, [&](auto& packet) { write(packet, before, 1, 10'001); });
    CHECK(s.delivered.empty());
    CHECK(s.refused(gossip_error::stale) == 1);
    s.deliver(carrier, [&](auto& packet) { write(packet, since, 1, 9'999); });
    CHECK(s.delivered.size() == 1);
    s.forget();
    send_ranges(s, carrier, message_type::offer, {{origin.key(), 1, 2, 0b11, false}});
    CHECK(s.sent_count(message_type::fetch) == 0);
    s.sleep(1s);
    s.tick();
    heard const* const h = last(s, message_type::broadcast);
    REQUIRE(h != nullptr);
    CHECK(load_big<std::uint32_t>(h->record.data() + 8) == 10'999);
    // A minute after it was said nobody is offered it, whenever it was heard.
    s.advance(50s);
    s.forget();
    s.advance(60s);
    CHECK(s.sent_count(message_type::offer) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("what is forged, of another life, of a stranger or malformed is refused and counted") {
    stage s{quiet(), 50};
    puppet& origin = s.add_member(1);
    puppet& liar = s.add_member(2);
    puppet stranger{77};
    bytes const good = spoken(origin, 5, text("hi"));
    SUBCASE("signed by somebody else") {
        bytes forged = spoken(liar, 5, text("hi"));
        store_big(forged.data(), static_cast<std::uint64_t>(origin.key()));
        tell(s, liar, forged, 50);
        CHECK(s.refused(gossip_error::bad_signature) == 1);
        // It neither used up the origin's budget nor its sequence.
        tell(s, liar, good, 50);
        CHECK(s.delivered.size() == 1);
        s.delivered.clear();
    }
    SUBCASE("meant for an earlier life of this node") {
        tell(s, liar, good, 49);
        CHECK(s.refused(gossip_error::stale) == 1);
    }
    SUBCASE("of an earlier session of its origin") {
        tell(s, liar, spoken(origin, 1, text("new"), 9), 50);
        s.delivered.clear();
        tell(s, liar, spoken(origin, 2, text("old"), 8), 50);
        CHECK(s.refused(gossip_error::stale) == 1);
    }
    SUBCASE("of nobody this node knows: its record is asked for") {
        tell(s, liar, spoken(stranger, 5, text("hi")), 50);
        CHECK(s.refused(gossip_error::unknown_subject) == 1);
        CHECK(s.sent.back().find(message_type::want, stranger.key()) != nullptr);
    }
    SUBCASE("of this node itself") {
        bytes own = good;
        store_big(own.data(), static_cast<std::uint64_t>(s->id().short_id()));
        tell(s, liar, own, 50);
        CHECK(s.refused(gossip_error::from_self) == 1);
    }
    SUBCASE("with a topic that is none") {
        bytes bad = good;
        bad[24] = std::byte{0};
        tell(s, liar, bad, 50);
        CHECK(s->counters().malformed == 1);
    }
    CHECK(s.delivered.empty());
    CHECK(s.fault == "");
}

TEST_CASE("an origin that floods is held to its budget without costing signatures, the others are not") {
    stage s{quiet()};
    puppet& origin = s.add_member(1);
    puppet& other = s.add_member(2);
    auto const before = s->counters().signatures_checked;
    std::size_t const allowed = s->numbers().broadcasts_per_second * 2;
    for (std::uint64_t i = 1; i <= allowed + 50; ++i) tell(s, origin, spoken(origin, i, text("spam")));
    CHECK(s.delivered.size() == allowed);
    CHECK(s.refused(gossip_error::too_many_messages) == 50);
    CHECK(s->counters().signatures_checked - before == allowed);
    tell(s, origin, spoken(other, 1, text("news")));
    CHECK(s.delivered.size() == allowed + 1);
    // What was refused was not taken for heard: a second later it is welcome.
    s.sleep(1s);
    tell(s, origin, spoken(origin, allowed + 1, text("spam")));
    CHECK(s.delivered.size() == allowed + 2);
}

TEST_CASE("forgeries cost no more signature checks than their budget, and what came meanwhile can come again") {
    auto t = quiet();
    t.message_verifies_per_second = 10;
    stage s{t};
    puppet& origin = s.add_member(1);
    puppet& liar = s.add_member(2);
    bytes forged = spoken(liar, 5, text("hi"));
    store_big(forged.data(), static_cast<std::uint64_t>(origin.key()));
    auto const before = s->counters().signatures_checked;
    for (int i = 0; i < 100; ++i) tell(s, liar, forged);
    CHECK(s->counters().signatures_checked - before == 20);
    bytes const good = spoken(origin, 5, text("hi"));
    tell(s, liar, good);
    CHECK(s.refused(gossip_error::verify_over_budget) == 81);
    s.sleep(1s);
    tell(s, liar, good);
    CHECK(s.delivered.size() == 1);
}

TEST_CASE("of an offer only what was missed is fetched, from who offered it, and not from two at once") {
    stage s{quiet()};
    puppet& origin = s.add_member(1);
    puppet& holder = s.add_member(2);
    puppet& second = s.add_member(3);
    tell(s, holder, spoken(origin, 6, text("six")));
    s.forget();
    send_ranges(s, holder, message_type::offer, {{origin.key(), 1, 7, 0b111, false}});
    auto const asked = s.sent_to(holder);
    REQUIRE_FALSE(asked.empty());
    heard const* const h = asked.back().find(message_type::fetch);
    REQUIRE(h != nullptr);
    auto const wanted = range_list_view::parse(h->record);
    REQUIRE(wanted);
    REQUIRE(wanted->size() == 1);
    CHECK((*wanted)[0] == broadcast_range{origin.key(), 1, 7, 0b101, false});
    s.forget();
    send_ranges(s, second, message_type::offer, {{origin.key(), 1, 7, 0b111, false}});
    CHECK(s.sent_count(message_type::fetch) == 0);
    s.sleep(1s);
    send_ranges(s, second, message_type::offer, {{origin.key(), 1, 7, 0b111, false}});
    CHECK(s.sent_count(message_type::fetch) == 1);
    // Nothing is missing of this node's own.
    s.forget();
    send_ranges(s, second, message_type::offer, {{s->id().short_id(), 1, 7, 1, false}});
    CHECK(s.sent_count(message_type::fetch) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("whoever fetches gets what is kept, in a few datagrams at its announced address") {
    stage s{quiet()};
    puppet& origin = s.add_member(1);
    puppet& asks = s.add_member(2);
    for (std::uint64_t i = 1; i <= 8; ++i) tell(s, origin, spoken(origin, i, bytes(700)));
    s.advance(10s);
    s.forget();
    send_ranges(s, asks, message_type::fetch, {{origin.key(), 1, 8, 0b10000001, false}});
    auto const sent = s.sent_to(asks);
    REQUIRE(told(s).size() == 2);
    std::set<std::uint64_t> got;
    for (auto const& d : sent) {
        CHECK(d.opened);
        for (heard const& h : d.messages) {
            if (h.type == message_type::broadcast)
                got.insert(broadcast_view::parse(byte_view{h.record}.subspan(12))->sequence());
        }
    }
    CHECK(got == std::set<std::uint64_t>{8, 1});
    s.forget();
    send_ranges(s, asks, message_type::fetch, {{origin.key(), 1, 8, 0xff, false}});
    CHECK(told(s).size() == 3);
    puppet& stranger = s.add(66);
    s.forget();
    send_ranges(s, stranger, message_type::fetch, {{origin.key(), 1, 8, 0xff, false}});
    CHECK(told(s).empty());
    CHECK(s.fault == "");
}

TEST_CASE("many missed broadcasts, and large ones, are fetched over a stream") {
    stage s{quiet()};
    puppet& origin = s.add_member(1);
    puppet& holder = s.add_member(2);
    s.forget();
    send_ranges(s, holder, message_type::offer, {{origin.key(), 1, 7, 0b1111, false}, {origin.key(), 1, 9, 1, true}});
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == holder.where);
    stream_id const id = s.dials[0].id;
    s.opened(id);
    puppet_stream stream{holder, puppet_stream::side::acceptor};
    REQUIRE(s.frames.size() == 1);
    auto const question = stream.open(s.frames[0].frame);
    REQUIRE(question);
    REQUIRE(question->front().type == message_type::fetch);
    CHECK(range_list_view::parse(question->front().record)->size() == 2);
    bytes const small = spoken(origin, 7, text("hi")), much = spoken(origin, 9, bytes(limits::payload));
    s.frame(id, stream.frame([&](auto& packet) { write(packet, small); }));
    s.frame(id, stream.frame([&](auto& packet) { write(packet, much); }));
    s.closed(id);
    REQUIRE(s.delivered.size() == 2);
    CHECK(s.delivered[1].payload.size() == limits::payload);
    // The large one is offered on, not sent.
    s.forget();
    s.tick();
    heard const* const h = last(s, message_type::offer);
    REQUIRE(h != nullptr);
    CHECK((*range_list_view::parse(h->record))[0] == broadcast_range{origin.key(), 1, 9, 1, true});
    CHECK(s.fault == "");
}

TEST_CASE("a fetch over a stream is answered with everything, and the stream is closed") {
    stage s{quiet()};
    puppet& asks = s.add_member(1);
    REQUIRE(s.call([&](auto& e, auto now, auto&) { return e.broadcast("chat", bytes(limits::payload), now); }));
    REQUIRE(s.call([&](auto& e, auto now, auto&) { return e.broadcast("chat", text("small"), now); }));
    auto const id = s.accept(asks.where);
    REQUIRE(id);
    puppet_stream stream{asks, puppet_stream::side::dialer};
    bytes const body = range_body({{s->id().short_id(), 1, 2, 1, false}, {s->id().short_id(), 1, 1, 1, true}});
    s.frame(*id, stream.frame([&](auto& packet) { copy_bytes(body, packet.body(message_type::fetch, body.size())); }));
    std::size_t got = 0;
    for (sent_frame const& f : s.frames) {
        auto const messages = stream.open(f.frame);
        REQUIRE(messages);
        for (heard const& h : *messages) got += h.type == message_type::broadcast ? 1U : 0U;
    }
    CHECK(got == 2);
    CHECK(s.closed_by_engine(*id));
    CHECK(s.fault == "");
}
