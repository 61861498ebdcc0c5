// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Plays holders of the network key that say whatever the input says, to one engine, by datagram and by stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <support/script.hpp>
#include <support/stage.hpp>

namespace {

using namespace tests;
using namespace peerkit;

constexpr std::size_t players = 6;

/// A datagram whose plaintext is `plain`, sealed as it is.
bytes sealed(puppet& from, node_id const& to, byte_view plain) {
    bytes frame(limits::datagram);
    std::size_t const size = std::min(plain.size(), limits::datagram - wire::envelope::head - wire::envelope::tail);
    copy_bytes(plain.first(size), byte_span{frame}.subspan(wire::envelope::head));
    wire::envelope head;
    head.sender = from.key();
    head.session = from.session;
    head.counter = ++from.counter;
    frame.resize(crypto::seal_frame(from.keys.sealing, head, from.keys.network, to, nullptr, frame, size).size());
    return frame;
}

/// A comparison: a digest, and perhaps sums, a listing or a pull of small numbers, so that they often fit together.
void say_digest(script& in, wire::packet_writer& packet, puppet const& about) {
    packet.digest(static_cast<wire::digest_kind>(in.below(3)), in.byte(), in.number());
    unsigned const bits = static_cast<unsigned>(in.below(34));
    auto const id = static_cast<std::uint64_t>(about.key());
    auto const range = static_cast<std::uint32_t>(bits == 0 || bits > 32 ? 0 : id >> (64U - bits));
    switch (in.below(5)) {
    case 0:
        packet.composed(message_type::sums, [&](byte_span room) {
            unsigned const span = static_cast<unsigned>(in.below(std::min(bits, 8U) + 1));
            wire::sums_writer body{room, bits, span};
            std::vector<std::uint32_t> const sums(std::size_t{1} << span, in.byte());
            (void)body.add(range >> span, sums);
            return body.size();
        });
        break;
    case 1:
        packet.composed(message_type::listing, [&](byte_span room) {
            wire::listing_writer body{room, bits};
            wire::listed const entry{about.key(), in.incarnation(), in.byte()};
            (void)body.add(range, std::span{&entry, static_cast<std::size_t>(in.byte() & 1U)});
            return body.size();
        });
        break;
    case 2:
        packet.composed(message_type::pull, [&](byte_span room) {
            byte_writer body{room};
            body.u64(id);
            body.u64(in.incarnation());
            return body ? body.position() : 0;
        });
        break;
    case 3: {
        byte_view const raw = in.bytes(60);
        packet.composed(static_cast<message_type>(21 + in.below(3)), [&](byte_span room) {
            std::size_t const size = std::min(room.size(), raw.size());
            copy_bytes(raw.first(size), room);
            return size;
        });
        break;
    }
    default: break;
    }
}

/// User data by choice, of anybody, in anybody's name, to this life of the engine or an earlier one.
void say_user_data(script& in, wire::packet_writer& packet, puppet& about, short_id subject, std::uint64_t nonce) {
    std::uint64_t const life = in.incarnation();
    byte_view const payload = in.bytes(in.byte());
    switch (in.below(6)) {
    case 0: {
        bytes spoken(wire::broadcast_view::size_of("t", payload.size()));
        crypto::signing_room room;
        if (!crypto::sign_broadcast(about.identity, about.keys.network, 1 + in.below(3), 1 + in.byte(), "t", payload,
                                    room, spoken))
            break;
        if (in.below(4) == 0) spoken[in.below(24)] ^= std::byte{1};
        byte_span const body = packet.body(message_type::broadcast, wire::hop_size + spoken.size());
        if (body.empty()) break;
        store_big(body.data(), life);
        store_big(body.data() + wire::life_size, std::uint32_t{in.byte()});
        copy_bytes(spoken, body.subspan(wire::hop_size));
        break;
    }
    case 1: wire::user_message_view{life, "t", payload}.write(packet); break;
    case 2:
        wire::request_view{life, in.byte(), static_cast<std::uint8_t>(in.below(2)), in.byte() * 16U, "t", payload}
            .write(packet);
        break;
    case 3: {
        auto const status = static_cast<wire::response_status>(in.below(5));
        bool const answered = status == wire::response_status::answered;
        wire::response_view{nonce, status, answered ? payload : byte_view{}}.write(packet);
        break;
    }
    default: {
        wire::broadcast_range const range{subject, 1U + in.below(3), 64U + in.byte(), in.number() | 1U,
                                          in.below(2) == 0};
        auto const type = in.below(2) == 0 ? message_type::offer : message_type::fetch;
        wire::range_list_view::write(packet, type, std::span{&range, 1});
    }
    }
}

/// One message by choice; nonces are sometimes those the engine sent last.
void say(script& in, wire::packet_writer& packet, std::vector<puppet*> const& all, stage& s, std::uint64_t seen) {
    puppet& about = *all[in.below(players)];
    short_id const subject = in.below(8) == 0 ? s->id().short_id() : about.key();
    std::uint64_t const nonce = (in.byte() & 1U) != 0 ? seen : in.number();
    switch (in.below(13)) {
    case 0: packet.ping(nonce, in.incarnation()); break;
    case 1: packet.hello(nonce, in.incarnation()); break;
    case 2: packet.ack(nonce, in.incarnation()); break;
    case 3: packet.nack(nonce); break;
    case 4: packet.indirect_ping(nonce, subject); break;
    case 5: {
        about.self.version = std::string(in.below(4), 'v');
        packet.announce(about.record(in.incarnation(), (in.byte() & 3U) == 0));
        break;
    }
    case 6: {
        // This node's own key in other hands.
        puppet const clone{stage::own_seed};
        packet.announce(clone.record(in.incarnation(), (in.byte() & 3U) == 0));
        break;
    }
    case 7:
    case 8: {
        std::vector<short_id> names;
        for (std::size_t n = 1 + in.below(3); n > 0; --n) names.push_back(all[in.below(players)]->key());
        names = ascending(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        packet.accuse((in.byte() & 1U) != 0 ? message_type::suspect : message_type::dead, subject, in.incarnation(),
                      names);
        break;
    }
    case 9: packet.want(subject, in.incarnation()); break;
    case 10: say_digest(in, packet, about); break;
    case 11: say_user_data(in, packet, about, subject, nonce); break;
    default:
        switch (in.byte() & 7U) {
        case 0:
        case 2: packet.exchange_end(1); break;
        case 4: packet.check(nonce, subject, in.incarnation()); break;
        case 6:
            packet.heard(nonce);
            packet.unheard(in.number());
            packet.heartbeat(in.incarnation(), static_cast<std::uint32_t>(in.number()));
            break;
        default: packet.exchange_begin(static_cast<std::uint8_t>(in.below(4)));
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    script in{data, size};
    auto t = gossip::lan();
    t.max_members = 2 + in.below(6);
    t.max_suspicions = 1 + in.below(4);
    t.max_relays = 1 + in.below(4);
    t.max_streams = 4 + in.below(6);
    t.verifies_per_second = 1 + in.byte();
    stage s{t, in.incarnation()};
    s.polite = false;
    std::vector<puppet*> all;
    for (std::uint64_t i = 1; i <= players; ++i) all.push_back(&s.add(i));
    struct open_stream {
        gossip::stream_id id;
        puppet_stream end;
    };
    std::vector<open_stream> streams;
    std::map<node_id, membership::standing> held;
    std::set<node_id> told;
    std::uint64_t own = s->incarnation(), seen = 0;
    for (int step = 0; step < 400 && !in.over(); ++step) {
        puppet& from = *all[in.below(players)];
        std::size_t const budget = s.sent.size();
        switch (in.below(9)) {
        case 0: s.deliver_raw(sealed(from, s->id(), in.bytes(1200)), from.where); break;
        case 1:
        case 2:
        case 3:
            s.deliver(from, [&](auto& packet) {
                for (std::size_t n = 1 + in.below(6); n > 0; --n) say(in, packet, all, s, seen);
            });
            break;
        case 4: require(s.advance(std::chrono::milliseconds{in.byte() * 10})); break;
        case 5:
            s.sleep(std::chrono::milliseconds{in.byte() * 100});
            s.tick();
            break;
        case 6: {
            auto const id = s.accept(from.where);
            if (id) streams.push_back({*id, {from, puppet_stream::side::dialer}});
            break;
        }
        case 7: {
            if (!s.dials.empty()) {
                dialled const d = s.dials.back();
                s.dials.pop_back();
                if ((in.byte() & 1U) != 0) {
                    s.closed(d.id);
                    break;
                }
                s.frames.clear();
                s.opened(d.id);
                open_stream made{d.id, {from, puppet_stream::side::acceptor}};
                for (sent_frame const& f : s.frames) {
                    if (f.id != d.id) continue;
                    auto const heard = made.end.open(f.frame);
                    require(heard.has_value());
                    for (auto const& m : *heard) seen = m.nonce != 0 ? m.nonce : seen;
                }
                streams.push_back(std::move(made));
            }
            break;
        }
        default: {
            if (streams.empty()) break;
            open_stream& chosen = streams[in.below(std::min<std::size_t>(streams.size(), 256))];
            s.frame(chosen.id, chosen.end.frame([&](auto& packet) {
                for (std::size_t n = 1 + in.below(6); n > 0; --n) say(in, packet, all, s, seen);
            }));
            if (s.closed_by_engine(chosen.id))
                std::erase_if(streams, [&](open_stream const& o) { return s.closed_by_engine(o.id); });
        }
        }
        for (std::size_t i = budget; i < s.sent.size(); ++i) {
            for (heard const& h : s.sent[i].messages) seen = h.nonce != 0 ? h.nonce : seen;
        }
        require(s.fault.empty());
        require(s->known_count() <= t.max_members);
        require(s->incarnation() >= own);
        own = s->incarnation();
        // Nothing the host was told of ever goes back, until it is told that it was forgotten. A tombstone it was never
        // told of may be evicted without a word.
        for (auto const& e : s.events) {
            if (e.kind == event_kind::member_up && told.insert(e.subject).second) held.erase(e.subject);
            if (e.kind != event_kind::member_removed) continue;
            told.erase(e.subject);
            held.erase(e.subject);
        }
        std::map<node_id, membership::standing> now;
        s->for_each_member([&](gossip::member_view const& m) {
            if (m.is_self()) return;
            now[m.id()] = {m.incarnation(), m.state()};
            auto const before = held.find(m.id());
            require(before == held.end() || told.count(m.id()) == 0 || before->second <= now[m.id()]);
        });
        held = std::move(now);
        s.sent.clear();
        s.events.clear();
    }
    return 0;
}
