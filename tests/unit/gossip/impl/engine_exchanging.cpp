// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's streams: joining, exchange, protocol violations, caps, time limits.
#include <peerkit/gossip/impl/engine_exchanging.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;
using gossip::stream_id;

namespace {

/// The one stream the engine dialled to join through `p`.
stream_id join(stage& s, puppet const& p) {
    std::size_t const before = s.dials.size();
    REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.join(p.where, now, out); }).has_value());
    REQUIRE(s.dials.size() == before + 1);
    return s.dials.back().id;
}

std::vector<heard> open_all(stage const& s, stream_id id, puppet_stream& at) {
    std::vector<heard> all;
    for (sent_frame const& f : s.frames) {
        if (f.id != id) continue;
        auto messages = at.open(f.frame);
        REQUIRE(messages.has_value());
        all.insert(all.end(), messages->begin(), messages->end());
    }
    return all;
}

bool has(std::vector<heard> const& all, message_type type, short_id subject) {
    return std::any_of(all.begin(), all.end(), [&](heard const& h) {
        return h.type == type && (type == message_type::announce ? h.view().short_id() : h.subject) == subject;
    });
}

} // namespace

TEST_CASE("joining sends everything held, takes in the answer, and tells the host") {
    stage s{quiet()};
    puppet& known = s.add_member(5);
    puppet& p = s.add(1);
    puppet& beyond = s.add(2);
    stream_id const id = join(s, p);
    CHECK(s.dials[0].to == p.where);
    CHECK(s.frames.empty());
    s.opened(id);
    puppet_stream stream{p, puppet_stream::side::acceptor};
    auto const said = open_all(s, id, stream);
    REQUIRE(said.size() == 4);
    CHECK(said.front().type == message_type::exchange_begin);
    CHECK(said.front().flags == wire::exchange_flags::join);
    CHECK(has(said, message_type::announce, s->id().short_id()));
    CHECK(has(said, message_type::announce, known.key()));
    CHECK(said.back().type == message_type::exchange_end);
    CHECK(said.back().count == 2);
    CHECK_FALSE(s->joined());
    s.frame(id, stream.frame([&](auto& packet) {
        packet.exchange_begin(wire::exchange_flags::reply);
        packet.announce(p.record());
        packet.announce(beyond.record());
        packet.exchange_end(2);
    }));
    CHECK(s->joined());
    CHECK(s.state_of(p) == member_state::alive);
    CHECK(s.state_of(beyond) == member_state::alive);
    CHECK(s.closed_by_engine(id));
    REQUIRE(s.count(event_kind::joined) == 1);
    CHECK(s.last(event_kind::joined)->why == cause::requested);
    CHECK(s.last(event_kind::joined)->where == p.where);
    CHECK(s.last(event_kind::joined)->by == p.key());
    CHECK(s.last(event_kind::joined)->count == 4);
    CHECK(s.last(event_kind::member_up)->why == cause::state_exchange);
    CHECK(s->counters().exchanges == 1);
    CHECK(s.fault == "");
}

TEST_CASE("whoever is joined through answers after merging, with everything and its accusations") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& suspected = s.add_member(2);
    puppet& dead = s.add_member(3);
    puppet& gone = s.add_member(4);
    s.accuse(a, message_type::suspect, suspected, 1);
    s.accuse(a, message_type::dead, dead, 1);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    puppet& joiner = s.add(9);
    auto const id = s.accept(joiner.where);
    REQUIRE(id.has_value());
    puppet_stream stream{joiner, puppet_stream::side::dialer};
    s.frames.clear();
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(wire::exchange_flags::join);
        packet.announce(joiner.record());
    }));
    CHECK(s.frames.empty());
    s.frame(*id, stream.frame([&](auto& packet) { packet.exchange_end(1); }));
    auto const said = open_all(s, *id, stream);
    CHECK(said.front().type == message_type::exchange_begin);
    CHECK(said.front().flags == wire::exchange_flags::reply);
    for (puppet* p : {&a, &suspected, &dead, &gone, &joiner}) CHECK(has(said, message_type::announce, p->key()));
    CHECK(has(said, message_type::announce, s->id().short_id()));
    CHECK(has(said, message_type::suspect, suspected.key()));
    CHECK(has(said, message_type::dead, dead.key()));
    CHECK(said.back().count == 6);
    CHECK(s.closed_by_engine(*id));
    CHECK(s.state_of(joiner) == member_state::alive);
    CHECK(s.last(event_kind::joined)->by == joiner.key());
}

TEST_CASE("a state too large for one frame is sent in several, each record with its accusation") {
    auto t = quiet();
    t.max_members = 500;
    stage s{t};
    puppet& accuser = s.add(1);
    s.announce(accuser);
    for (std::uint64_t i = 2; i <= 150; ++i) {
        puppet& p = s.add(i);
        for (char c = 'a'; c < 'h'; ++c) p.self.labels.push_back({std::string(1, c), std::string(110, 'x')});
        s.announce(p);
        if (i % 2 == 0) s.accuse(accuser, message_type::suspect, p, 1);
    }
    REQUIRE(s->known_count() == 151);
    puppet& joiner = s.add(400);
    auto const id = s.accept(joiner.where);
    puppet_stream stream{joiner, puppet_stream::side::dialer};
    s.frames.clear();
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(0);
        packet.exchange_end(0);
    }));
    CHECK(s.frames.size() >= 2);
    std::size_t announced = 0, accused = 0;
    for (sent_frame const& f : s.frames) {
        CHECK(f.frame.size() <= limits::stream_frame);
        auto const said = stream.open(f.frame);
        REQUIRE(said.has_value());
        for (heard const& h : *said) {
            if (h.type == message_type::announce) ++announced;
            if (h.type != message_type::suspect) continue;
            ++accused;
            CHECK(has(*said, message_type::announce, h.subject));
        }
    }
    CHECK(announced == 151);
    CHECK(accused == 75);
}

TEST_CASE("behaviour 29: death told in an exchange is only an accusation, a goodbye is one, older news loses") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet& dead = s.add_member(2, 5);
    puppet& gone = s.add_member(3, 5);
    puppet& newer = s.add_member(4, 5);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(0);
        packet.announce(dead.record(5));
        packet.accuse(message_type::dead, dead.key(), 5, std::array{p.key()});
        packet.announce(gone.record(6, true));
        packet.announce(newer.record(4));
        packet.accuse(message_type::dead, newer.key(), 4, std::array{p.key()});
        packet.exchange_end(3);
    }));
    CHECK(s.state_of(dead) == member_state::suspect);
    CHECK(s.state_of(gone) == member_state::left);
    CHECK(s.state_of(newer) == member_state::alive);
    CHECK(s.incarnation_of(newer) == 5);
    CHECK(s.count(event_kind::member_dead) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("a member that nobody but tombstones remember is not brought back by them") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet& dead = s.add(2);
    auto const exchange = [&](auto&& fill) {
        auto const id = s.accept(p.where);
        puppet_stream stream{p, puppet_stream::side::dialer};
        s.frames.clear();
        s.frame(*id, stream.frame([&](auto& packet) {
            packet.exchange_begin(0);
            fill(packet);
            packet.exchange_end(1);
        }));
        return open_all(s, *id, stream);
    };
    s.forget();
    auto const answer = exchange([&](auto& packet) {
        packet.announce(dead.record(5));
        packet.accuse(message_type::dead, dead.key(), 5, std::array{p.key()});
    });
    CHECK(s.count(event_kind::member_up) == 0);
    CHECK(s.state_of(dead) == member_state::dead);
    // It is not passed on: only who knew it alive tells of its death, so the memory of it ends.
    CHECK_FALSE(has(answer, message_type::announce, dead.key()));
    s.forget();
    s.advance(10s);
    for (auto const& d : s.sent) {
        CHECK(d.find(message_type::announce, dead.key()) == nullptr);
        CHECK(d.find(message_type::dead, dead.key()) == nullptr);
    }
    // If it lives after all, it says so.
    dead.incarnation = 6;
    s.announce(dead);
    CHECK(s.state_of(dead) == member_state::alive);
    CHECK(s.count(event_kind::member_up) == 1);
    CHECK(s.fault == "");
}

TEST_CASE("an unknown member that an exchange suspects is up and suspected") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet& accused = s.add(2);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(0);
        packet.announce(accused.record(5));
        packet.accuse(message_type::suspect, accused.key(), 5, std::array{p.key()});
        packet.exchange_end(1);
    }));
    CHECK(s.state_of(accused) == member_state::suspect);
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 37: a join that fails tells where and why") {
    stage s{quiet()};
    puppet& p = s.add(1);
    stream_id const id = join(s, p);
    puppet_stream stream{p, puppet_stream::side::acceptor};
    auto const fails_with = [&](auto expected) {
        REQUIRE(s.count(event_kind::join_failed) == 1);
        auto const* told = s.last(event_kind::join_failed);
        CHECK(told->where == p.where);
        CHECK(told->why == cause::requested);
        REQUIRE(told->what.has_value());
        CHECK(*told->what == expected);
        CHECK(s.count(event_kind::joined) == 0);
        CHECK_FALSE(s->joined());
    };
    SUBCASE("nobody there") {
        s.closed(id);
        fails_with(gossip_error::stream_refused);
        CHECK(s.refused(gossip_error::stream_refused) == 1);
    }
    SUBCASE("the shell's own reason") {
        s.closed(id, error{core_error::bad_address, 3, "dial"});
        fails_with(core_error::bad_address);
    }
    SUBCASE("closed before the answer") {
        s.opened(id);
        s.closed(id);
        fails_with(gossip_error::stream_refused);
    }
    SUBCASE("closed in the middle of the answer") {
        s.opened(id);
        (void)open_all(s, id, stream);
        s.frame(id, stream.frame([&](auto& packet) {
            packet.exchange_begin(wire::exchange_flags::reply);
            packet.announce(p.record());
        }));
        s.closed(id);
        fails_with(gossip_error::stream_refused);
    }
    SUBCASE("silence") {
        s.opened(id);
        s.advance(20h);
        fails_with(gossip_error::stream_timed_out);
        CHECK(s.refused(gossip_error::stream_timed_out) >= 1);
        CHECK(s.closed_by_engine(id));
    }
    SUBCASE("another network key") {
        s.opened(id);
        (void)open_all(s, id, stream);
        p.keys.sealing = crypto::fake_sealing{8};
        s.frame(id, stream.frame([&](auto& packet) { packet.exchange_begin(wire::exchange_flags::reply); }));
        fails_with(crypto::crypto_error::no_key);
        CHECK(s.closed_by_engine(id));
    }
    SUBCASE("a protocol violation") {
        s.opened(id);
        (void)open_all(s, id, stream);
        s.frame(id, stream.frame([&](auto& packet) { packet.exchange_end(0); }));
        fails_with(gossip_error::stream_protocol);
    }
    SUBCASE("this node itself") {
        s.opened(id);
        puppet self{stage::own_seed};
        puppet_stream mirror{self, puppet_stream::side::acceptor};
        for (auto const& f : s.frames) (void)mirror.open(f.frame);
        s.frame(id, mirror.frame([&](auto& packet) { packet.exchange_begin(wire::exchange_flags::reply); }));
        fails_with(gossip_error::from_self);
    }
    SUBCASE("nobody there who may be a member") {
        s.opened(id);
        (void)open_all(s, id, stream);
        bytes forged = p.record();
        forged.back() ^= std::byte{1};
        s.frame(id, stream.frame([&](auto& packet) {
            packet.exchange_begin(wire::exchange_flags::reply);
            packet.announce(forged);
            packet.exchange_end(1);
        }));
        fails_with(gossip_error::bad_signature);
    }
    CHECK(s.fault == "");
}

TEST_CASE("what is not allowed at that point of a stream ends it, and nothing more of it counts") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet& fresh = s.add(2);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frames.clear();
    auto const ends = [&](auto&& fill) {
        s.frame(*id, stream.frame([&](auto& packet) {
            fill(packet);
            packet.announce(fresh.record());
        }));
        CHECK(s.closed_by_engine(*id));
        CHECK(s.refused(gossip_error::stream_protocol) == 1);
        CHECK_FALSE(s.state_of(fresh).has_value());
        CHECK(s.frames.empty());
        CHECK(s->counters().exchanges == 0);
    };
    SUBCASE("an end without a beginning") {
        ends([](auto& packet) { packet.exchange_end(0); });
    }
    SUBCASE("two beginnings") {
        ends([](auto& packet) {
            packet.exchange_begin(0);
            packet.exchange_begin(0);
        });
    }
    SUBCASE("a reply to what was not asked") {
        ends([](auto& packet) { packet.exchange_begin(wire::exchange_flags::reply); });
    }
}

TEST_CASE("frames that are changed, repeated, left out or moved to another stream end the stream") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    bytes const first = stream.frame([](auto& packet) { packet.exchange_begin(0); });
    bytes const second = stream.frame([](auto& packet) { packet.exchange_end(0); });
    std::uint64_t const before = s.digest();
    s.frames.clear();
    SUBCASE("changed") {
        bytes bad = first;
        bad.back() ^= std::byte{1};
        s.frame(*id, bad);
    }
    SUBCASE("left out") { s.frame(*id, second); }
    SUBCASE("repeated") {
        s.frame(*id, first);
        CHECK_FALSE(s.closed_by_engine(*id));
        s.frame(*id, first);
    }
    SUBCASE("moved") {
        puppet_stream another{p, puppet_stream::side::dialer};
        s.frame(*id, another.frame([](auto& packet) { packet.exchange_begin(0); }));
        CHECK_FALSE(s.closed_by_engine(*id));
        s.frame(*id, second);
    }
    CHECK(s.closed_by_engine(*id));
    CHECK(s.frames.empty());
    CHECK(s.digest() == before);
    CHECK(s->counters().malformed == 1);
}

TEST_CASE("behaviour 39: an exchange larger than its cap ends") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([](auto& packet) { packet.exchange_begin(0); }));
    bytes const record = p.record();
    auto const fill = [&](auto& packet) {
        while (packet.announce(record)) {}
    };
    std::size_t total = 0;
    while (total + limits::stream_frame <= limits::stream_total) {
        bytes frame = stream.frame(fill);
        total += frame.size();
        s.frame(*id, std::move(frame));
        REQUIRE_FALSE(s.closed_by_engine(*id));
    }
    for (int i = 0; i < 2000 && !s.closed_by_engine(*id); ++i) s.frame(*id, stream.frame(fill));
    CHECK(s.closed_by_engine(*id));
    CHECK(s.refused(gossip_error::stream_too_large) == 1);
}

TEST_CASE("streams are capped, and those accepted leave room for those dialled") {
    auto t = quiet();
    t.max_streams = 8;
    stage s{t};
    puppet& p = s.add_member(1);
    for (int i = 0; i < 6; ++i) CHECK(s.accept(p.where).has_value());
    auto const more = s.accept(p.where);
    REQUIRE_FALSE(more.has_value());
    CHECK(more.error() == gossip_error::too_many_streams);
    join(s, p);
    join(s, p);
    auto const dialled = s.call([&](auto& e, auto now, auto& out) { return e.join(p.where, now, out); });
    REQUIRE_FALSE(dialled.has_value());
    CHECK(dialled.error() == gossip_error::too_many_streams);
    CHECK(s.refused(gossip_error::too_many_streams) == 2);
    s.advance(20h); // the silent ones time out
    CHECK(s.refused(gossip_error::stream_timed_out) == 8);
    CHECK(s.accept(p.where).has_value());
}

TEST_CASE("a stream that only trickles is ended at its time all the same") {
    stage s{};
    puppet& p = s.add_member(1);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    for (int i = 0; i < 9; ++i) {
        s.frame(*id, stream.frame([](auto& packet) { packet.ping(1, 1); }));
        s.advance(1s);
    }
    CHECK_FALSE(s.closed_by_engine(*id));
    s.advance(1s);
    CHECK(s.closed_by_engine(*id));
    CHECK(s.refused(gossip_error::stream_timed_out) >= 1);
}

TEST_CASE("a ping on a stream is answered on the stream") {
    stage s{quiet(), 9};
    puppet& p = s.add(1);
    auto const id = s.accept(p.where);
    puppet_stream stream{p, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([](auto& packet) { packet.ping(321, 1); }));
    REQUIRE(s.frames.size() == 1);
    auto const said = stream.open(s.frames[0].frame);
    REQUIRE(said.has_value());
    CHECK(said->front().type == message_type::ack);
    CHECK(said->front().nonce == 321);
    CHECK(said->front().incarnation == 9);
    CHECK(s.sent.empty());
}

TEST_CASE("reports about streams that are over are ignored") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    std::uint64_t const before = s.digest();
    s.opened(stream_id{77});
    s.frame(stream_id{77}, bytes(100, std::byte{1}));
    s.closed(stream_id{77});
    CHECK(s.digest() == before);
    CHECK(s.events.size() == 1); // the member
    CHECK(s.state_of(p) == member_state::alive);
}

TEST_CASE("the next exchange comes within its period, with a member that is alive") {
    auto t = quiet();
    t.probe_period = 1s;
    t.exchange_period = 30s;
    stage s{t};
    puppet& p = s.add_member(1);
    puppet& dead = s.add_member(2);
    s.accuse(p, message_type::dead, dead, 1);
    s.advance(5min); // the first ones come sooner, until nothing new is learnt
    std::vector<time_point> at;
    for (int i = 0; i < 600; ++i) {
        std::size_t const before = s.dials.size();
        s.advance(1s);
        if (s.dials.size() != before) at.push_back(s.now());
    }
    REQUIRE(at.size() >= 16);
    CHECK(at.size() <= 26);
    for (std::size_t i = 1; i < at.size(); ++i) {
        CHECK(at[i] - at[i - 1] >= 23s);
        CHECK(at[i] - at[i - 1] <= 37s);
    }
    for (dialled const& d : s.dials) CHECK(d.to == p.where);
}

TEST_CASE("a repair policy says what is offered and how often") {
    struct only_itself {
        [[nodiscard]] duration period(duration base, std::size_t) const noexcept { return base * 2; }
        [[nodiscard]] bool offers(membership::member const& row, gossip::exchange_reason why) const noexcept {
            return row.record().name() == "n1000" || why == gossip::exchange_reason::join;
        }
        [[nodiscard]] gossip::exchange_opening opening(gossip::exchange_reason) const noexcept {
            return gossip::exchange_opening::whole;
        }
    };
    using chosen = basic_stage<gossip::engine<fake_policies<gossip::accept_announcements, only_itself>>>;
    chosen::options o;
    o.tunables = quiet();
    chosen s{o};
    REQUIRE(s.start());
    puppet& p = s.add_member(1);
    for (std::uint8_t flags : {std::uint8_t{0}, wire::exchange_flags::join}) {
        auto const id = s.accept(p.where);
        puppet_stream stream{p, puppet_stream::side::dialer};
        s.frames.clear();
        s.frame(*id, stream.frame([&](auto& packet) {
            packet.exchange_begin(flags);
            packet.exchange_end(0);
        }));
        REQUIRE(s.frames.size() == 1);
        auto const said = stream.open(s.frames[0].frame);
        CHECK(said->back().count == (flags == 0 ? 1 : 2));
    }
}

TEST_CASE("behaviour 37: a join whose stream is refused tells why and adds nobody on either side") {
    cluster c{2};
    c.blocks_stream = [](std::size_t, std::size_t) { return true; };
    c.join(1, 0);
    c.run_for(5s);
    REQUIRE(c.count(event_kind::join_failed) == 1);
    CHECK(c[0].known_count() == 1);
    CHECK(c[1].known_count() == 1);
    CHECK(c.fault == "");
}

TEST_CASE("one join between two clusters makes them one") {
    cluster c{6};
    for (std::size_t i = 1; i < 3; ++i) c.join(i, 0);
    for (std::size_t i = 4; i < 6; ++i) c.join(i, 3);
    c.run_for(10s);
    CHECK(c[0].alive_count() == 3);
    c.join(5, 1);
    CHECK(c.run_until([&] { return c.all_see_all(); }, 30s));
    CHECK(c.fault == "");
}

TEST_CASE("an exchange with a member is tried at its other addresses when a dial is refused or comes to nothing") {
    auto t = quiet();
    t.stream_fallback = false; // probes dial, too
    stage s{t};
    puppet& p = s.add(1);
    ip_endpoint const second{ip_address::v4(100, 64, 0, 1), 9000}, third{ip_address::v4(192, 168, 1, 1), 9000};
    p.self.addresses.push_back({second.address, 0, address_kind::overlay});
    p.self.addresses.push_back({third.address, 0, address_kind::local});
    s.announce(p);
    for (int i = 0; i < 1000 && s.dials.empty(); ++i) {
        s.sleep(std::max(duration::zero(), s->next_deadline() - s.now()));
        std::size_t const before = s.sent.size();
        s.tick();
        for (std::size_t k = before, end = s.sent.size(); k < end; ++k) {
            auto const* ping = s.sent[k].find(message_type::ping);
            if (ping == nullptr) continue;
            std::uint64_t const nonce = ping->nonce;
            s.deliver(p, [&](auto& packet) { packet.ack(nonce, p.incarnation); });
        }
    }
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == p.where);
    SUBCASE("refused") {
        s.closed(s.dials[0].id, error{gossip_error::stream_refused});
        REQUIRE(s.dials.size() == 2);
        CHECK(s.dials[1].to == second);
        s.closed(s.dials[1].id, error{gossip_error::stream_refused});
        REQUIRE(s.dials.size() == 3);
        CHECK(s.dials[2].to == third);
        s.closed(s.dials[2].id, error{gossip_error::stream_refused});
        CHECK(s.dials.size() == 3);
        CHECK(s.count(event_kind::join_failed) == 0);
    }
    SUBCASE("nothing comes of it in time") {
        s.advance(t.stream_timeout);
        REQUIRE(s.dials.size() >= 2);
        CHECK(s.closed_by_engine(s.dials[0].id));
        CHECK(std::any_of(s.dials.begin() + 1, s.dials.end(), [&](dialled const& d) { return d.to == second; }));
    }
    SUBCASE("opened and then closed: it is there") {
        s.opened(s.dials[0].id);
        s.closed(s.dials[0].id);
        CHECK(s.dials.size() == 1);
    }
    SUBCASE("the member has died meanwhile") {
        puppet& other = s.add_member(2);
        s.accuse(other, message_type::dead, p, 1);
        REQUIRE(s.state_of(p) == member_state::dead);
        s.closed(s.dials[0].id, error{gossip_error::stream_refused});
        REQUIRE(s.dials.size() == 1);
    }
    SUBCASE("the node is leaving") {
        s.call([](auto& e, auto now, auto& out) {
            e.leave(now, out);
            return 0;
        });
        s.closed(s.dials[0].id, error{gossip_error::stream_refused});
        CHECK(s.dials.size() == 1);
    }
}
