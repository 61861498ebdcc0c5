// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's inputs: what is dropped unread, what is answered, how much, and to whom.
#include <peerkit/gossip/impl/engine_inputs.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

TEST_CASE("behaviour 38: what does not authenticate changes nothing and gets not one byte in reply") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    s.advance(10s);
    s.forget();
    std::uint64_t const before = s.digest();
    auto const drop = [&](bytes frame) {
        auto const answer = s.deliver_raw(std::move(frame), p.where);
        CHECK(answer.empty());
        CHECK(s.events.empty());
        CHECK(s.dials.empty());
        CHECK(s.digest() == before);
        CHECK(s->counters().datagrams_accepted == 1); // the announcement that made `p` a member
    };
    auto const hello = [&](puppet& from, node_id const& to) {
        return from.datagram(to, [&](auto& packet) {
            packet.hello(5, 1);
            packet.announce(from.record(99));
        });
    };
    SUBCASE("every bit of a good frame flipped, one at a time") {
        bytes const good = hello(p, s->id());
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            bytes bad = good;
            bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
            drop(bad);
        }
    }
    SUBCASE("a good frame cut at every length") {
        bytes const good = hello(p, s->id());
        for (std::size_t size = 0; size < good.size(); ++size)
            drop({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
    }
    SUBCASE("sealed with another key") {
        p.keys.sealing = crypto::fake_sealing{8};
        drop(hello(p, s->id()));
    }
    SUBCASE("of another network") {
        p.keys.network.bytes[3] = std::byte{1};
        drop(hello(p, s->id()));
    }
    SUBCASE("sealed for somebody else") { drop(hello(p, puppet{77}.id())); }
    SUBCASE("a frame of a stream") {
        wire::frame_binding const binding{};
        drop(p.seal({}, &binding, limits::datagram, [&](auto& packet) { packet.hello(5, 1); }));
    }
    SUBCASE("too long") { drop(bytes(limits::datagram + 1, std::byte{1})); }
    SUBCASE("random bytes") {
        seeded_rng rng{4};
        for (int i = 0; i < 2000; ++i) {
            bytes noise(static_cast<std::size_t>(uniform(rng, std::uint64_t{1300})));
            for (std::byte& b : noise) b = static_cast<std::byte>(rng());
            if (i % 2 == 0 && noise.size() > 1) noise[0] = std::byte{1};
            drop(noise);
        }
    }
    CHECK(s->counters().malformed > 0);
}

TEST_CASE("behaviour 35: a frame that opens but does not parse is dropped whole") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet& other = s.add_member(2);
    s.advance(10s);
    std::uint64_t const before = s.digest();
    // A good accusation in front of a message that is cut short.
    bytes plain(200);
    wire::packet_writer writer{plain};
    writer.accuse(message_type::dead, other.key(), 1, std::array{p.key()});
    std::size_t const good = writer.size();
    auto const seal_raw = [&](std::size_t size) {
        wire::envelope head;
        head.sender = p.key();
        head.session = p.session;
        head.counter = ++p.counter;
        bytes frame(limits::datagram);
        copy_bytes(byte_view{plain}.first(size), byte_span{frame}.subspan(wire::envelope::head));
        frame.resize(crypto::seal_frame(p.keys.sealing, head, p.keys.network, s->id(), nullptr, frame, size).size());
        return frame;
    };
    plain[good] = static_cast<std::byte>(message_type::ping);
    plain[good + 2] = std::byte{16};
    auto const answer = s.deliver_raw(seal_raw(good + 10), p.where);
    CHECK(answer.empty());
    CHECK(s.state_of(other) == member_state::alive);
    CHECK(s.digest() == before);
    CHECK(s->counters().malformed == 1);
    s.deliver_raw(seal_raw(good), p.where);
    CHECK(s.state_of(other) == member_state::dead);
}

TEST_CASE("messages a receiver may skip are skipped and counted") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    wire::envelope head;
    head.sender = p.key();
    head.session = p.session;
    head.counter = 500;
    bytes frame(limits::datagram);
    byte_span const plain = byte_span{frame}.subspan(wire::envelope::head);
    plain[0] = std::byte{200};
    plain[2] = std::byte{1};
    wire::packet_writer rest{plain.subspan(4, 100)};
    rest.ping(9, 1);
    frame.resize(
        crypto::seal_frame(p.keys.sealing, head, p.keys.network, s->id(), nullptr, frame, 4 + rest.size()).size());
    auto const answer = s.deliver_raw(frame, p.where);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::ack)->nonce == 9);
    CHECK(s->counters().messages_skipped == 1);
}

TEST_CASE("a ping is answered to its source, with its nonce, and once") {
    stage s{quiet(), 30};
    puppet& p = s.add_member(1);
    ip_endpoint const elsewhere{ip_address::v4(203, 0, 113, 9), 4000};
    bytes const ping = p.datagram(s->id(), [&](auto& packet) { packet.ping(77, 1); });
    auto const answer = s.deliver_raw(ping, elsewhere);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].to == elsewhere);
    REQUIRE(answer[0].find(message_type::ack) != nullptr);
    CHECK(answer[0].find(message_type::ack)->nonce == 77);
    CHECK(answer[0].find(message_type::ack)->incarnation == 30);
    CHECK(s.deliver_raw(ping, elsewhere).empty());
    CHECK(s.refused(gossip_error::replayed) == 1);
}

TEST_CASE("the packet that introduced its sender is not accepted a second time") {
    stage s{quiet()};
    puppet& p = s.add(1);
    bytes const first = p.datagram(s->id(), [&](auto& packet) {
        packet.hello(5, 1);
        packet.announce(p.record());
    });
    CHECK(s.deliver_raw(first, p.where).size() == 1);
    REQUIRE(s.state_of(p) == member_state::alive);
    std::uint64_t const before = s.digest();
    CHECK(s.deliver_raw(first, p.where).empty());
    CHECK(s.refused(gossip_error::replayed) == 1);
    CHECK(s.digest() == before);
}

TEST_CASE("frames of an earlier session of a member are refused") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    p.session = 9;
    CHECK(s.deliver(p, [&](auto& packet) { packet.ping(1, 1); }).size() == 1);
    p.session = 8;
    p.counter = 1000;
    CHECK(s.deliver(p, [&](auto& packet) { packet.ping(2, 1); }).empty());
    CHECK(s.refused(gossip_error::replayed) == 1);
}

TEST_CASE("a member in whose name somebody sent a far session is heard again once it has answered two questions") {
    stage s{gossip::lan()};
    s.polite = false;
    puppet& p = s.add_member(1);
    p.session = std::uint64_t{1} << 62U; // said by another holder of the network's key
    s.deliver(p, [](auto& packet) { packet.ping(1, 1); });
    p.session = 1;
    CHECK(s.deliver(p, [](auto& packet) { packet.ping(2, 1); }).empty());
    CHECK(s.deliver(p, [](auto& packet) { packet.ack(12345, 1); }).empty());
    CHECK(s.refused(gossip_error::replayed) == 2);

    auto const answer_next_ping = [&] {
        s.forget();
        while (s.sent_count(message_type::ping) == 0) REQUIRE(s.advance(50ms));
        std::uint64_t const nonce = s.sent_to(p).back().find(message_type::ping)->nonce;
        bytes const answer = p.datagram(s->id(), [&](auto& packet) { packet.ack(nonce, 1); });
        s.deliver_raw(answer, p.where);
        return answer;
    };
    std::uint64_t const failed = s->counters().probes_failed;
    bytes const first = answer_next_ping();
    CHECK(s.refused(gossip_error::replayed) == 2);
    CHECK(s.deliver(p, [](auto& packet) { packet.ping(3, 1); }).empty());
    bytes const second = answer_next_ping();
    CHECK(s.refused(gossip_error::replayed) == 3);
    CHECK(s.deliver(p, [](auto& packet) { packet.ping(4, 1); }).size() == 1);
    for (bytes const& recorded : {first, second}) s.deliver_raw(recorded, p.where);
    CHECK(s.refused(gossip_error::replayed) == 5);
    CHECK(s->counters().probes_failed == failed);
}

TEST_CASE("an answer that was overtaken by many frames is heard, and those stay received") {
    stage s{gossip::lan()};
    s.polite = false;
    puppet& p = s.add_member(1);
    s.forget();
    while (s.sent_count(message_type::ping) == 0) REQUIRE(s.advance(50ms));
    std::uint64_t const nonce = s.sent_to(p).back().find(message_type::ping)->nonce;
    bytes const overtaken = p.datagram(s->id(), [&](auto& packet) { packet.ack(nonce, 1); });
    p.counter += 100;
    bytes const ping = p.datagram(s->id(), [](auto& packet) { packet.ping(5, 1); });
    CHECK(s.deliver_raw(ping, p.where).size() == 1);
    s.deliver_raw(overtaken, p.where);
    CHECK(s.refused(gossip_error::replayed) == 0);
    for (bytes const& recorded : {ping, overtaken}) CHECK(s.deliver_raw(recorded, p.where).empty());
    CHECK(s.refused(gossip_error::replayed) == 2);
}

TEST_CASE("a frame that claims to be from this node itself is refused") {
    stage s{quiet()};
    puppet self{stage::own_seed};
    CHECK(s.deliver(self, [&](auto& packet) { packet.hello(1, 1); }).empty());
    CHECK(s.refused(gossip_error::from_self) == 1);
    CHECK(s->known_count() == 1);
}

TEST_CASE("a ping that tells a newer incarnation is answered with a request for the record") {
    stage s{quiet()};
    puppet& p = s.add_member(1, 5);
    auto answer = s.deliver(p, [&](auto& packet) { packet.ping(1, 5); });
    CHECK(answer[0].find(message_type::want) == nullptr);
    answer = s.deliver(p, [&](auto& packet) { packet.ping(2, 6); });
    REQUIRE(answer[0].find(message_type::want, p.key()) != nullptr);
    CHECK(answer[0].find(message_type::want, p.key())->incarnation == 5);
    puppet& stranger = s.add(2);
    answer = s.deliver(stranger, [&](auto& packet) { packet.ping(3, 9); });
    REQUIRE(answer[0].find(message_type::want, stranger.key()) != nullptr);
    CHECK(answer[0].find(message_type::want, stranger.key())->incarnation == 0);
}

TEST_CASE("a node that forgot its incarnation is told its own newer record") {
    stage s{quiet()};
    puppet& p = s.add_member(1, 50);
    auto const answer = s.deliver(p, [&](auto& packet) { packet.ping(1, 2); });
    REQUIRE(answer.size() == 1);
    REQUIRE(answer[0].find(message_type::announce, p.key()) != nullptr);
    CHECK(answer[0].find(message_type::announce, p.key())->view().incarnation() == 50);
}

TEST_CASE("a member held dead that speaks is told so, and can refute at once") {
    stage s{quiet()};
    puppet& other = s.add_member(1);
    puppet& p = s.add_member(2, 5);
    s.accuse(other, message_type::dead, p, 5);
    auto const answer = s.deliver(p, [&](auto& packet) { packet.ping(1, 5); });
    REQUIRE(answer.size() == 1);
    REQUIRE(answer[0].find(message_type::dead, p.key()) != nullptr);
    CHECK(answer[0].find(message_type::dead, p.key())->incarnation == 5);
    CHECK(s.state_of(p) == member_state::dead);
}

TEST_CASE("hello is answered with this node's record; who asked for a known record gets newer ones only") {
    stage s{quiet(), 12};
    puppet& p = s.add_member(1, 5);
    auto answer = s.deliver(p, [&](auto& packet) { packet.hello(8, 5); });
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::ack)->nonce == 8);
    CHECK(answer[0].find(message_type::announce, s->id().short_id())->view().incarnation() == 12);
    s.advance(10s);
    s.forget();
    CHECK(s.deliver(p, [&](auto& packet) { packet.want(s->id().short_id(), 12); }).empty());
    answer = s.deliver(p, [&](auto& packet) { packet.want(s->id().short_id(), 11); });
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::announce, s->id().short_id()) != nullptr);
    CHECK(s.deliver(p, [&](auto& packet) { packet.want(puppet{90}.key(), 0); }).empty());
    CHECK(s.refused(gossip_error::unknown_subject) == 1);
}

TEST_CASE("messages of an exchange are out of place in a datagram") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    s.forget();
    s.deliver(p, [&](auto& packet) {
        packet.exchange_begin(0);
        packet.exchange_end(0);
    });
    CHECK(s.refused(gossip_error::message_out_of_place) == 2);
    CHECK(s.sent.empty());
    CHECK(s.frames.empty());
}

TEST_CASE("an answered hello of this node leads to an exchange with whoever answered, once") {
    stage s{quiet()};
    puppet& p = s.add(1);
    ip_endpoint const where{ip_address::v4(203, 0, 113, 1), 9000};
    s.call([&](auto& e, auto now, auto& out) {
        e.hello(where, now, out);
        return 0;
    });
    REQUIRE(s.sent.size() == 1);
    CHECK(s.sent[0].to == where);
    auto const* hello = s.sent[0].find(message_type::hello);
    REQUIRE(hello != nullptr);
    CHECK(s.sent[0].find(message_type::announce, s->id().short_id()) != nullptr);
    s.deliver(p, [&](auto& packet) { packet.ack(hello->nonce + 2, 1); }, where);
    CHECK(s.dials.empty());
    s.deliver(p, [&](auto& packet) { packet.ack(hello->nonce, 1); }, where);
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == where);
    s.deliver(p, [&](auto& packet) { packet.ack(hello->nonce, 1); }, where);
    CHECK(s.dials.size() == 1);
}

TEST_CASE("an address its sender does not announce gets at most three times what it sent") {
    stage s{quiet()};
    std::vector<puppet*> members;
    for (std::uint64_t i = 1; i <= 20; ++i) {
        puppet& p = s.add(i);
        p.self.version = std::string(31, 'v');
        for (char c = 'a'; c < 'e'; ++c) p.self.labels.push_back({std::string(1, c), std::string(100, 'x')});
        s.announce(p);
        members.push_back(&p);
    }
    REQUIRE(s->queued() > 10); // plenty to say
    ip_endpoint const victim{ip_address::v4(203, 0, 113, 66), 53};
    auto const ratio = [&](puppet& from, auto&& fill) {
        bytes const frame = from.datagram(s->id(), fill);
        std::size_t out = 0;
        for (auto const& d : s.deliver_raw(frame, victim)) {
            if (d.to == victim) out += d.frame.size();
        }
        CHECK(out > 0);
        CHECK(out <= 3 * frame.size());
    };
    puppet& stranger = s.add(100);
    for (puppet* from : {members[0], &stranger}) {
        ratio(*from, [](auto& packet) { packet.ping(1, 1); });
        ratio(*from, [](auto& packet) { packet.hello(1, 1); });
        ratio(*from, [&](auto& packet) {
            for (puppet* p : members) packet.want(p->key(), 0);
        });
        ratio(*from, [&](auto& packet) {
            packet.hello(1, 1);
            packet.announce(members[1]->record());
        });
    }
    // Through a helper's relay: the answer of the subject is passed on to where the request came from.
    for (puppet* from : {members[0], &stranger}) {
        s.forget();
        bytes const frame = from->datagram(s->id(), [&](auto& packet) { packet.indirect_ping(1, members[3]->key()); });
        auto const pings = s.deliver_raw(frame, victim);
        REQUIRE(pings.size() == 1);
        std::uint64_t const nonce = pings[0].find(message_type::ping)->nonce;
        auto const passed = s.deliver(*members[3], [&](auto& packet) { packet.ack(nonce, 1); });
        std::size_t out = 0;
        for (auto const& d : passed) out += d.to == victim ? d.frame.size() : 0;
        CHECK(out > 0);
        CHECK(out <= 3 * frame.size());
    }
    // An announced address gets news beside its answer.
    s.forget();
    auto const full = s.deliver(*members[0], [](auto& packet) { packet.ping(1, 1); });
    REQUIRE(full.size() == 1);
    CHECK(full[0].frame.size() > 600);
}

TEST_CASE("packets of one source beyond its budget are dropped before anything is opened") {
    auto t = quiet();
    t.packets_per_source = 50;
    stage s{t};
    puppet& p = s.add_member(1);
    for (int i = 0; i < 200; ++i) s.deliver(p, [&](auto& packet) { packet.ping(1, 1); });
    CHECK(s.refused(gossip_error::source_over_budget) == 151);
    CHECK(s->counters().datagrams_accepted == 50);
    s.sleep(3s);
    CHECK(s.deliver(p, [&](auto& packet) { packet.ping(1, 1); }).size() == 1);
}

TEST_CASE("requests for records are limited per second") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    std::size_t wants = 0;
    for (std::uint64_t i = 1; i <= 500; ++i) {
        auto const answer = s.deliver(p, [&](auto& packet) {
            packet.accuse(message_type::suspect, static_cast<short_id>(i), 1, std::array{p.key()});
        });
        for (auto const& d : answer) wants += d.find(message_type::want) != nullptr ? 1U : 0U;
    }
    CHECK(wants == 100);
}

TEST_CASE("replaying every datagram of a run, shuffled, changes no state and tells nothing") {
    cluster c{4};
    std::vector<cluster::recorded> tape;
    c.tape = &tape;
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    c.run_for(20s);
    description d = c[1].self();
    d.version = "2";
    c.call(1, [&](auto& e, auto now, auto& out) { REQUIRE(e.update(d, now, out).has_value()); });
    c.drops = [](std::size_t from, std::size_t to) { return from == 2 || to == 2; };
    c.blocks_stream = c.drops;
    REQUIRE(c.run_until([&] { return c.all_see(2, member_state::dead); }, 120s));
    c.drops = {};
    c.blocks_stream = {};
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 120s));
    c.call(3, [](auto& e, auto now, auto& out) { e.leave(now, out); });
    REQUIRE(c.run_until([&] { return c.all_see(3, member_state::left); }, 30s));
    c.run_for(20s);
    c.tape = nullptr;
    REQUIRE(tape.size() > 200);

    c.drops = [](std::size_t, std::size_t) { return true; };
    std::vector<std::uint64_t> before;
    std::vector<std::size_t> told;
    for (std::size_t i = 0; i < 4; ++i) {
        before.push_back(c.digest(i));
        told.push_back(c.at(i).events.size());
    }
    seeded_rng rng{9};
    shuffle(std::span{tape}, rng);
    for (auto const& r : tape) c.deliver(r.to, r.frame, r.from);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(c.digest(i) == before[i]);
        CHECK(c.at(i).events.size() == told[i]);
    }
    CHECK(c[0].counters().refused(gossip_error::replayed) > 50);
    CHECK(c.fault == "");
}

TEST_CASE("a datagram from any address its sender announces gets a full answer") {
    auto const answer_from = [](ip_endpoint const& source) {
        stage s{quiet()};
        puppet& p = s.add(1);
        p.self.addresses.push_back({ip_address::v4(100, 64, 0, 1), 0, address_kind::overlay});
        s.announce(p);
        for (std::uint64_t i = 10; i < 20; ++i) s.add_member(i); // news
        auto const sent = s.deliver(p, [&](auto& packet) { packet.ping(5, 1); }, source);
        std::size_t records = 0;
        for (auto const& d : sent) {
            CHECK(d.to == source);
            for (heard const& h : d.messages) records += h.type == message_type::announce ? 1U : 0U;
        }
        return records;
    };
    CHECK(answer_from(address_of(1)) >= 4);
    CHECK(answer_from({ip_address::v4(100, 64, 0, 1), 9000}) >= 4);
    CHECK(answer_from({ip_address::v4(100, 64, 0, 1), 4444}) >= 4); // a stream's, or another socket of that machine
    CHECK(answer_from({ip_address::v4(100, 64, 0, 2), 9000}) <= 1); // three times what was asked with
}

TEST_CASE("whoever asks from where it does not announce is told where it was seen, with the answer") {
    stage s{quiet()};
    puppet& p = s.add(1);
    p.self.addresses.push_back({ip_address::v4(198, 51, 100, 9), 4009, address_kind::observed});
    s.announce(p);
    auto const told = [&](ip_endpoint const& source) {
        auto const sent = s.deliver(p, [&](auto& packet) { packet.ping(5, 1); }, source);
        REQUIRE(sent.size() == 1);
        CHECK(sent[0].to == source);
        CHECK(sent[0].find(message_type::ack) != nullptr);
        auto const* seen = sent[0].find(message_type::observed);
        return seen == nullptr ? ip_endpoint{} : seen->where;
    };
    ip_endpoint const outside{ip_address::v4(198, 51, 100, 7), 4001};
    CHECK(told(p.where) == ip_endpoint{});
    CHECK(told(outside) == outside);
    CHECK(told({p.where.address, 4444}) == ip_endpoint{p.where.address, 4444});
    // What it knows from others only is confirmed, so that it knows when that ends.
    CHECK(told({ip_address::v4(198, 51, 100, 9), 4009}) == ip_endpoint{ip_address::v4(198, 51, 100, 9), 4009});
    // Without a question there is no answer.
    CHECK(s.deliver(p, [&](auto& packet) { packet.want(p.key(), 99); }, outside).empty());
    CHECK(s.fault == "");
}

TEST_CASE("a newcomer that says hello from behind address translation is told where it was seen") {
    stage s{quiet()};
    puppet& p = s.add(1);
    ip_endpoint const outside{ip_address::v4(198, 51, 100, 7), 4001};
    auto const sent = s.deliver(
        p,
        [&](auto& packet) {
            packet.hello(5, 1);
            packet.announce(p.record());
        },
        outside);
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].find(message_type::observed) != nullptr);
    CHECK(sent[0].find(message_type::observed)->where == outside);
}
