// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's messages and requests to one member: repetition, streams, caps, what is refused and why.
#include <peerkit/gossip/impl/engine_messaging.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "user_data.hpp"

using namespace peerkit;
using namespace tests;

TEST_CASE("a message goes to one member as one sealed datagram, or is a typed error") {
    stage s{quiet()};
    puppet& p = s.add_member(1, 3);
    puppet& gone = s.add_member(2);
    s.forget();
    auto const send = [&](node_id const& to, std::size_t size) {
        return s.call([&](auto& e, auto, auto& out) { return e.send_message(to, "note", bytes(size), out); });
    };
    REQUIRE(send(p.id(), limits::datagram_payload));
    REQUIRE(s.sent.size() == 1);
    CHECK(s.sent[0].to == p.where);
    CHECK(s.sent[0].opened);
    auto const view = wire::user_message_view::parse(s.sent[0].messages[0].record);
    REQUIRE(view);
    CHECK(view->life == 3);
    CHECK(view->topic == "note");
    CHECK(view->payload.size() == limits::datagram_payload);
    CHECK(send(p.id(), limits::datagram_payload + 1).error() == gossip_error::message_too_large);
    CHECK(send(puppet{9}.id(), 1).error() == gossip_error::unknown_subject);
    CHECK(send(s->id(), 1).error() == gossip_error::not_reachable);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    CHECK(send(gone.id(), 1).error() == gossip_error::not_reachable);
}

TEST_CASE("a message to this life of this node is handed over; one to an earlier life is refused") {
    stage s{quiet(), 50};
    puppet& p = s.add_member(1);
    puppet& stranger = s.add(2);
    auto const say = [&](puppet& by, std::uint64_t life) {
        return s.deliver(
            by, [&](auto& packet) { CHECK(wire::user_message_view{life, "note", as_bytes("x")}.write(packet)); });
    };
    say(p, 50);
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].what.kind == delivery_kind::message);
    CHECK(s.delivered[0].what.from == p.id());
    CHECK(s.delivered[0].what.request == request_id{});
    auto const reply = say(p, 49);
    CHECK(s.refused(gossip_error::stale) == 1);
    REQUIRE(reply.size() == 1);
    CHECK(reply[0].find(message_type::announce, s->id().short_id()) != nullptr);
    CHECK(say(stranger, 50)[0].find(message_type::want, stranger.key()) != nullptr);
    CHECK(s.delivered.size() == 1);
}

TEST_CASE("a request is repeated until it is answered, then tried by stream, then given up") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    s.forget();
    auto const id = ask(s, p, text("question"));
    REQUIRE(id);
    s.advance(700ms);
    CHECK(s.sent_count(message_type::request) == 3);
    s.advance(200ms);
    CHECK(s.sent_count(message_type::request) == 3);
    REQUIRE(s.dials.size() == 1);
    SUBCASE("the answer comes by datagram") {
        answer(s, p, *id, response_status::answered, text("answer"));
        REQUIRE(s.delivered.size() == 1);
        CHECK(s.delivered[0].what.kind == delivery_kind::response);
        CHECK(s.delivered[0].what.request == *id);
        CHECK(s.delivered[0].what.topic.view() == "ask");
        CHECK(s.delivered[0].payload == text("answer"));
        CHECK(s.closed_by_engine(s.dials[0].id));
        answer(s, p, *id, response_status::answered, text("again"));
        CHECK(s.refused(gossip_error::unexpected_ack) == 1);
    }
    SUBCASE("the answer comes by stream") {
        s.opened(s.dials[0].id);
        puppet_stream stream{p, puppet_stream::side::acceptor};
        auto const question = stream.open(s.frames.at(0).frame);
        REQUIRE(question);
        CHECK(request_view::parse(question->front().record)->id == static_cast<std::uint64_t>(*id));
        s.frame(s.dials[0].id, stream.frame([&](auto& packet) {
            CHECK(
                response_view{static_cast<std::uint64_t>(*id), response_status::answered, bytes(50'000)}.write(packet));
        }));
        REQUIRE(s.delivered.size() == 1);
        CHECK(s.delivered[0].payload.size() == 50'000);
        CHECK(s.closed_by_engine(s.dials[0].id));
    }
    SUBCASE("nothing comes") {
        s.closed(s.dials[0].id);
        s.advance(5s);
        REQUIRE(s.delivered.size() == 1);
        CHECK(s.delivered[0].what.kind == delivery_kind::failed);
        CHECK(*s.delivered[0].what.why == gossip_error::request_timed_out);
        CHECK(s.refused(gossip_error::request_timed_out) == 1);
    }
    SUBCASE("it is cancelled") {
        s.call([&](auto& e, auto, auto& out) {
            e.cancel_request(*id, out);
            return 0;
        });
        CHECK(s.closed_by_engine(s.dials[0].id));
        s.advance(10s);
        CHECK(s.delivered.empty());
    }
    SUBCASE("somebody else answers") {
        puppet& other = s.add_member(2);
        answer(s, other, *id, response_status::answered, text("lie"));
        CHECK(s.delivered.empty());
    }
    CHECK(s.fault == "");
}

TEST_CASE("a request that is being worked on does not take a stream, and its outcome is told as it is") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    auto const id = ask(s, p, text("q"), 20s);
    REQUIRE(id);
    for (int i = 0; i < 8; ++i) {
        s.advance(1s);
        answer(s, p, *id, response_status::confirmed);
    }
    CHECK(s.dials.size() <= 1);
    gossip_error why{};
    SUBCASE("refused") {
        answer(s, p, *id, response_status::refused);
        why = gossip_error::request_refused;
    }
    SUBCASE("busy") {
        answer(s, p, *id, response_status::busy);
        why = gossip_error::request_busy;
    }
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].what.kind == delivery_kind::failed);
    CHECK(*s.delivered[0].what.why == why);
    CHECK(s.fault == "");
}

TEST_CASE("requests of others reach the host once; the answer is kept for who asks again") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    CHECK(request(s, p, 9, "ask", text("q")).empty());
    auto const working = request(s, p, 9, "ask", text("q"));
    REQUIRE(working.size() == 1);
    CHECK(response_view::parse(working[0].find(message_type::response)->record)->status == response_status::confirmed);
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].what.kind == delivery_kind::request);
    request_id const handle = s.delivered[0].what.request;
    s.forget();
    REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.respond(handle, text("a"), now, out); }));
    REQUIRE(s.sent.size() == 1);
    CHECK(s.sent[0].to == p.where);
    CHECK(s.call([&](auto& e, auto now, auto& out) { return e.respond(handle, text("b"), now, out); }).error() ==
          gossip_error::no_such_request);
    auto const again = request(s, p, 9, "ask", text("q"));
    REQUIRE(again.size() == 1);
    CHECK(as_text(response_view::parse(again[0].find(message_type::response)->record)->payload) == "a");
    CHECK(s.delivered.size() == 1);
    CHECK(s->counters().requests_repeated == 2);
    // Another request, declined.
    s.delivered.clear();
    request(s, p, 10, "ask", text("q"));
    REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.decline(s.delivered[0].what.request, now, out); }));
    CHECK(response_view::parse(last(s, message_type::response)->record)->status == response_status::refused);
    // And one whose requester has given up.
    s.delivered.clear();
    request(s, p, 11, "ask", text("q"));
    s.sleep(10s);
    CHECK(s.call([&](auto& e, auto now, auto& out) {
               return e.respond(s.delivered[0].what.request, text("late"), now, out);
           }).error() == gossip_error::no_such_request);
    CHECK(s.fault == "");
}

TEST_CASE("a large answer to a datagram is asked for again over a stream, and comes there") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    request(s, p, 9, "ask", text("q"));
    REQUIRE(s.call([&](auto& e, auto now, auto& out) {
        return e.respond(s.delivered.at(0).what.request, bytes(5000), now, out);
    }));
    CHECK(response_view::parse(last(s, message_type::response)->record)->status == response_status::by_stream);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frame(*id,
            stream.frame([&](auto& packet) { CHECK(request_view{1, 9, 0, 5000, "ask", text("q")}.write(packet)); }));
    auto const got = stream.open(s.frames.at(0).frame);
    REQUIRE(got);
    CHECK(response_view::parse(got->front().record)->payload.size() == 5000);
    CHECK(s.closed_by_engine(*id));
    CHECK(s.delivered.size() == 1);
    CHECK(s.fault == "");
}

TEST_CASE("a request over a stream is answered there, later too") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frame(*id, stream.frame(
                     [&](auto& packet) { CHECK(request_view{1, 9, 0, 5000, "ask", bytes(40'000)}.write(packet)); }));
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].payload.size() == 40'000);
    CHECK_FALSE(s.closed_by_engine(*id));
    s.forget();
    REQUIRE(s.call(
        [&](auto& e, auto now, auto& out) { return e.respond(s.delivered[0].what.request, text("a"), now, out); }));
    CHECK(s.sent.empty());
    REQUIRE(s.frames.size() == 1);
    CHECK(as_text(response_view::parse(stream.open(s.frames[0].frame)->front().record)->payload) == "a");
    CHECK(s.closed_by_engine(*id));
    CHECK(s.fault == "");
}

TEST_CASE("a reliable message is confirmed by the engine, handed over once, and needs no answer") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    for (int i = 0; i < 3; ++i) {
        auto const back = request(s, p, 9, "note", text("x"), request_view::confirm_only);
        REQUIRE(back.size() == 1);
        CHECK(response_view::parse(back[0].find(message_type::response)->record)->status == response_status::confirmed);
    }
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].what.kind == delivery_kind::message);
    CHECK(s.delivered[0].what.request == request_id{});

    s.delivered.clear();
    auto const id =
        s.call([&](auto& e, auto now, auto& out) { return e.send_reliably(p.id(), "note", text("y"), 5s, now, out); });
    REQUIRE(id);
    answer(s, p, *id, response_status::confirmed);
    REQUIRE(s.delivered.size() == 1);
    CHECK(s.delivered[0].what.kind == delivery_kind::confirmed);
    CHECK(s.delivered[0].what.from == p.id());
}

TEST_CASE("the cap on own requests is a typed error, and leaving fails those under way") {
    auto t = quiet();
    t.max_requests = 2;
    stage s{t};
    puppet& p = s.add_member(1);
    REQUIRE(ask(s, p, {}, 60s));
    REQUIRE(ask(s, p, {}, 60s));
    CHECK(ask(s, p, {}, 60s).error() == gossip_error::too_many_requests);
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    s.advance(10s);
    CHECK(delivered(s, delivery_kind::failed) == 2);
    CHECK(*s.delivered.back().what.why == gossip_error::not_running);
    CHECK(ask(s, p, {}).error() == gossip_error::not_running);
}

TEST_CASE("messages on a stream dialled for user data do not begin an exchange") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    auto const id = ask(s, p, bytes(5000));
    REQUIRE(id);
    REQUIRE(s.dials.size() == 1);
    s.opened(s.dials[0].id);
    puppet_stream stream{p, puppet_stream::side::acceptor};
    REQUIRE(stream.open(s.frames.at(0).frame));
    s.frame(s.dials[0].id, stream.frame([&](auto& packet) { packet.exchange_begin(0); }));
    CHECK(s.refused(gossip_error::stream_protocol) == 1);
    CHECK(s.closed_by_engine(s.dials[0].id));
    // The request is not lost: another stream is dialled.
    s.advance(500ms);
    CHECK(s.dials.size() == 2);
    CHECK(s.fault == "");
}
