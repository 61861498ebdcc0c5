// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: construction, datagrams in, replies out, the clock.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_INPUTS_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_INPUTS_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
engine<Policies>::engine(signing identity, sealing seal, random rng, options chosen, announcements handler,
                         anti_entropy repair, detector watch, compression compress)
    : identity_{std::move(identity)}, sealing_{std::move(seal)}, rng_{std::move(rng)}, handler_{std::move(handler)},
      repair_{std::move(repair)}, detector_{std::move(watch)}, compressor_{std::move(compress)},
      options_{std::move(chosen)}, id_{identity_.id()}, key_{id_.short_id()},
      table_{options_.tunables.max_members, rng_(), options_.shared}, suspicions_{options_.tunables.max_suspicions},
      entries_{options_.tunables.max_entry_bytes},
      entry_verifies_{options_.tunables.entry_verifies_per_second, options_.tunables.entry_verifies_per_second * 10},
      sources_{options_.tunables.packets_per_source, rng_()},
      verifies_{options_.tunables.verifies_per_second, options_.tunables.verifies_per_second * 2},
      relays_{options_.tunables.max_relays},
      looks_{options_.tunables.looks_per_second, options_.tunables.looks_per_second},
      addresses_{std::move(options_.subnets)},
      own_{options_.tunables.comparison_packets, options_.tunables.comparison_packets}, others_{own_},
      windows_{numbers().max_origins, numbers().message_keep * 2, numbers().broadcasts_per_second * 2,
               numbers().broadcasts_per_second * 2},
      store_{numbers().max_message_bytes}, requests_{numbers().max_requests},
      served_{numbers().max_served_requests, 4 * numbers().max_message_bytes},
      own_broadcasts_{numbers().broadcasts_per_second, numbers().broadcasts_per_second},
      message_verifies_{numbers().message_verifies_per_second, numbers().message_verifies_per_second * 2} {
    streams_.reserve(std::min<std::size_t>(options_.tunables.max_streams, 32));
}

template <typename Policies>
result<void> engine<Policies>::start(time_point now, outbox& out) {
    if (life_ != life::fresh) return fail(gossip_error::not_running, 0, "started before");
    if (auto ok = check(numbers()); !ok) return ok;
    if (auto ok = normalize(options_.self); !ok) return ok;
    if (options_.self.addresses.empty()) return fail(core_error::empty, 0, "addresses");
    std::uint64_t const first = std::clamp<std::uint64_t>(options_.incarnation, 1, limits::incarnation - 1);
    services_ = service_versions{first};
    services_.number({}, options_.self.services);
    options_.self.takes_compressed = compressor<compression>::active;
    if (auto ok = mint(first, false, now, out); !ok) return ok;
    session_ = entry_floor_ = first;
    life_ = life::running;
    began_ = now;
    last_heard_ = now;
    next_probe_ = now + uniform(rng_, numbers().probe_period);
    exchange_gap_ = settling_gap();
    next_exchange_ = now + uniform(rng_, repair_.period(numbers().exchange_period, 1));
    next_contact_ = now + uniform(rng_, numbers().contact_period);
    next_sweep_ = now + numbers().tombstone_time / 16;
    return {};
}

template <typename Policies>
time_point engine<Policies>::next_deadline() const noexcept {
    if (!running()) return never;
    time_point at = std::min({next_probe_, next_gossip_, next_exchange_, next_contact_, next_sweep_, next_stream_,
                              next_message_, leave_by_});
    return std::min({at, probe_.next(), suspicions_.next(), relays_.next(), inquiries_.next(), next_accusation_});
}

/// A timer that comes much too late means that this process did not run, not that the others are gone.
template <typename Policies>
void engine<Policies>::note_time(time_point now) noexcept {
    time_point const due = next_deadline();
    // What was handed in since then shows that the process ran: a sleep counts once, whatever waited for its end.
    time_point const asleep = std::max(due, std::exchange(last_input_, now));
    if (due == never || now <= asleep || now - asleep <= numbers().pause_gap) return;
    duration const gap = now - asleep;
    ++counters_.pauses;
    probe_.end();
    relays_.clear();
    inquiries_.clear();
    accusations_.clear();
    watched_.postpone(gap);
    next_accusation_ = never;
    last_heard_ = saturating_add(last_heard_, gap);
    suspicions_.postpone(gap);
    for (stream_state& s : streams_) s.deadline = saturating_add(s.deadline, gap);
    next_stream_ = saturating_add(next_stream_, gap);
    // Hear the others out before probing them.
    next_probe_ = now + numbers().probe_period;
}

template <typename Policies>
void engine<Policies>::on_tick(time_point now, outbox& out) {
    if (!running()) return;
    note_time(now);
    tick_probe(now, out);
    tick_relays(now, out);
    tick_inquiries(now, out);
    tick_accusations(now, out);
    tick_suspicions(now, out);
    if (next_stream_ <= now) tick_streams(now, out);
    if (next_exchange_ <= now) tick_exchange(now, out);
    if (next_message_ <= now) tick_messages(now, out);
    if (next_contact_ <= now) tick_contact(now, out);
    if (next_sweep_ <= now) tick_tombstones(now, out);
    arm_gossip(now);
    if (next_gossip_ <= now) tick_gossip(now, out);
    if (life_ == life::leaving && leave_by_ <= now) finish_leaving(out);
}

template <typename Policies>
void engine<Policies>::on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, outbox& out) {
    if (!running()) return;
    note_time(now);
    ++counters_.datagrams_received;
    counters_.bytes_received += bytes.size();
    if (!sources_.take(from.address, now)) return refuse(gossip_error::source_over_budget);
    auto const frame = crypto::open_frame(sealing_, options_.network, id_, nullptr, bytes);
    if (!frame) {
        ++counters_.malformed;
        return;
    }
    wire::envelope const& head = frame->envelope;
    if (head.sender == key_) return refuse(gossip_error::from_self);
    slot const sender = table_.find(head.sender);
    bool const fresh = sender == no_slot
                           ? !unknown_.heard(head.sender, head.session, head.counter)
                           : table_[sender].window.accept(head.session, head.counter) == crypto::replay_verdict::fresh;
    auto const packet = read_packet(frame->plain, limits::packet);
    if (!packet) {
        ++counters_.malformed;
        return;
    }
    if (!fresh) {
        if (sender == no_slot || !answers_question(*packet, table_[sender])) return refuse(gossip_error::replayed);
        note_astray(table_[sender], head);
    } else if (sender != no_slot) {
        table_[sender].astray = 0;
    }
    ++counters_.datagrams_accepted;
    last_heard_ = now;
    counters_.messages_skipped += packet->skipped();
    if (sender != no_slot) contacts_.heard.note(sender, now);

    origin const source{from, head.sender, false, false};
    reply answer;
    answer.sender_was_alive = sender != no_slot && table_[sender].state == member_state::alive;
    for_each_message(*packet, [&](wire::message const& m, bool as_dead) {
        apply(m, {from, head.sender, false, answer.compared.has_value(), as_dead}, answer, now, out);
    });
    if (sender == no_slot) {
        // The packet that introduces its sender is no more to be replayed than the next.
        if (slot const met = table_.find(head.sender); met != no_slot) {
            (void)table_[met].window.accept(head.session, head.counter);
            contacts_.heard.note(met, now);
        } else {
            unknown_.note(head.sender, head.session, head.counter);
        }
    }
    if (!answer.empty()) send_reply(answer, source, bytes.size(), now, out);
    if (answer.compared) {
        answer_comparison(*answer.compared, source, bytes.size(), now, out);
        if (partners_.awaits(head.sender)) exchange_sooner(partners_.learnt(news_), false, now);
    }
    if (answer.contact_made && !answer.sender_was_alive && life_ == life::running) {
        slot const met = table_.find(head.sender);
        if (met != no_slot && table_[met].state == member_state::alive &&
            repair_.opening(exchange_reason::contact) == exchange_opening::compare) {
            ask_digest(met, out);
            return arm_gossip(now);
        }
        (void)dial(from, purpose::exchange, exchange_reason::contact, now, out);
    }
    arm_gossip(now);
}

/// An answer to an open question is no recording, whatever its sender's window says. One may have been overtaken, or be
/// of the sender's life before this one; two in a row mean that somebody has sent packets in the sender's name.
/// Beginning anew after one would forget which frames of the present session were received.
template <typename Policies>
void engine<Policies>::note_astray(member& sender, wire::envelope const& head) noexcept {
    if (!sender.window.is_astray(head.session, head.counter)) return;
    if (sender.astray != 0) sender.window.restart(head.session, head.counter);
    sender.astray ^= 1U;
}

/// Whether a packet answers something this node has asked and nobody answered yet.
template <typename Policies>
bool engine<Policies>::answers_question(wire::packet_view const& packet, member const& sender) const noexcept {
    auto messages = packet.messages();
    for (wire::message m; messages.next(m);) {
        if (m.type != wire::message_type::ack || m.nonce == 0) continue;
        bool const last_look =
            sender.state == member_state::suspect && look_secret_ != 0 && m.nonce == look_nonce(sender);
        if (last_look || probe_.address_of(m.nonce) || inquiries_.find(m.nonce) != inquiries_.size() ||
            relays_.awaits(m.nonce) || std::find(hellos_.begin(), hellos_.end(), m.nonce) != hellos_.end())
            return true;
    }
    return false;
}

/// The messages of an opened frame, expanded first if they came compressed. `most` is what they may take then.
template <typename Policies>
result<wire::packet_view> engine<Policies>::read_packet(byte_span plain, std::size_t most) noexcept {
    auto const whole = compressor_.expand(plain, most, counters_);
    if (!whole) return fail(whole.error());
    return wire::packet_view::parse(*whole);
}

/// Compresses a plaintext for a member that says it takes that; returns its size then.
template <typename Policies>
std::size_t engine<Policies>::compressed(slot receiver, byte_span room, std::size_t size) noexcept {
    if (!compressor<compression>::active || receiver == no_slot || !table_[receiver].record().takes_compressed())
        return size;
    return compressor_.compress(room, size, counters_);
}

/// Calls `f(message, as_dead)`; the second says that the message is a record whose subject the next one declares dead.
template <typename Policies>
template <typename F>
void engine<Policies>::for_each_message(wire::packet_view const& packet, F&& f) {
    auto messages = packet.messages();
    wire::message current, following;
    for (bool more = messages.next(current); more; current = following) {
        more = messages.next(following);
        bool as_dead = false;
        if (more && current.type == wire::message_type::announce && following.type == wire::message_type::dead) {
            auto const key = wire::record_view::peek(current.record);
            as_dead = key && key->subject == following.subject && key->incarnation == following.incarnation;
        }
        f(current, as_dead);
    }
}

template <typename Policies>
void engine<Policies>::apply(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out) {
    using enum wire::message_type;
    switch (m.type) {
    case ping:
        ring_.hear(m.epoch);
        answer.ack(m.nonce);
        meet(m.incarnation, from, answer);
        break;
    case hello:
        answer.ack(m.nonce);
        answer.announce(self_);
        meet(m.incarnation, from, answer);
        break;
    case ack:
        ring_.hear(m.epoch);
        meet(m.incarnation, from, answer);
        on_ack(m, from, answer, now, out);
        break;
    case nack:
        if (probe* const asked = probe_of(m.nonce); asked != nullptr && m.nonce == asked->nonce()) {
            asked->nack();
            ++counters_.nacks_received;
        } else {
            refuse(gossip_error::unexpected_ack);
        }
        break;
    case indirect_ping: relay_ping(m, from, now, out); break;
    case announce: on_record(m.record, from, answer, now, out); break;
    case wire::message_type::suspect:
    case dead: on_accusation(m, from, answer, now, out); break;
    case want:
        if (slot const at = table_.find(m.subject); at != no_slot) {
            if (table_[at].incarnation() > m.incarnation) answer.announce(at);
        } else {
            refuse(gossip_error::unknown_subject);
        }
        break;
    case observed: on_observed(m, from, answer, now, out); break;
    case wire::message_type::broadcast: on_broadcast(m.record, answer, now, out); break;
    case user_message: on_user_message(m.record, from, answer, out); break;
    case wire::message_type::request: (void)on_request(m.record, from, stream_id{}, answer, now, out); break;
    case response: on_response(m.record, from, now, out); break;
    case offer: on_offer(m.record, from, answer, now, out); break;
    case fetch: on_fetch(m.record, from, nullptr, now, out); break;
    case entry: on_entry(m.record, from, answer, now, out); break;
    case wire::message_type::heartbeat: on_heartbeat(m, from, answer, now); break;
    case check: on_check(m, from, answer, now, out); break;
    case heard:
    case unheard: on_verdict(m, from, answer, now, out); break;
    case wire::message_type::digest:
    case wire::message_type::listing:
    case wire::message_type::sums:
    case entry_marks:
    case wire::message_type::pull: note_comparison(m, from, answer); break;
    case exchange_begin:
    case exchange_end: refuse(gossip_error::message_out_of_place); break;
    }
}

/// The sender told its incarnation: find out whether one of the two is behind.
template <typename Policies>
void engine<Policies>::meet(std::uint64_t incarnation, origin const& from, reply& answer) noexcept {
    slot const at = table_.find(from.sender);
    if (at == no_slot || table_[at].incarnation() < incarnation) {
        answer.want(from.sender, at == no_slot ? 0 : table_[at].incarnation());
        return;
    }
    // It was started again and does not know what it once signed: its own record tells it.
    if (table_[at].incarnation() > incarnation) answer.announce(at);
    if (table_[at].state != member_state::alive) answer.accuse_sender = true;
}

template <typename Policies>
void engine<Policies>::on_ack(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out) {
    if (auto const address = probe_.address_of(m.nonce)) {
        answer.answered = true;
        note_round_trip(m.nonce, from, now);
        detector_.answered(probe_.subject_key(), !from.over_stream && from.sender == probe_.subject_key());
        accusations_.trust(probe_.subject_key());
        probe_.end();
        return subject_answered(probe_, *address, from.over_stream, from.sender != probe_.subject_key(), now, out);
    }
    if (std::size_t const i = inquiries_.find(m.nonce); i != inquiries_.size()) {
        answer.answered = true;
        return inquiry_answered(i, *inquiries_[i].probe.address_of(m.nonce), from, now, out);
    }
    if (auto const asked = relays_.answered(m.nonce)) {
        answer.answered = true;
        send(asked->requester, table_.find(asked->requester_key), limits::packet, out,
             [&](wire::packet_writer& packet) {
                 packet.ack(asked->asked_nonce, incarnation_, ring_.epoch());
                 if (asked->announced) fill_updates(packet);
             });
        return;
    }
    if (farewell_.heard(m.nonce, from.sender)) return;
    for (std::uint64_t& nonce : hellos_) {
        if (nonce != m.nonce || nonce == 0) continue;
        nonce = 0;
        answer.answered = answer.contact_made = true;
        return;
    }
    // Whoever was looked at says that it is alive, and in the same packet that it was not to be accused.
    if (slot const at = table_.find(from.sender);
        look_secret_ != 0 && at != no_slot && m.nonce == look_nonce(table_[at])) {
        answer.answered = true;
        return;
    }
    refuse(gossip_error::unexpected_ack);
}

/// Whether `who` signed that it is at the address of `source`: at any of those it announces. An address that is not
/// announced may be somebody else's.
template <typename Policies>
membership::announced_address engine<Policies>::announced(slot who, ip_endpoint const& source) const noexcept {
    return who == no_slot ? membership::announced_address{} : membership::announcement_of(table_[who].record(), source);
}

/// Writes a member's record together with what it is accused of, so that nobody hears of the first without the second.
template <typename Policies>
void engine<Policies>::write_member(slot at, wire::packet_writer& packet) const {
    member_state const state = table_[at].state;
    if (!packet.announce(table_[at].record_bytes())) return;
    if (state == member_state::suspect || state == member_state::dead) (void)write_update(at, packet);
}

/// Bytes that `write_member` takes.
template <typename Policies>
std::size_t engine<Policies>::member_size(slot at) const noexcept {
    member const& row = table_[at];
    std::size_t const record = wire::message_head + row.record_bytes().size();
    std::size_t const accusers = row.state == member_state::suspect ? suspicions_[row.suspicion].names().size()
                                 : row.state == member_state::dead  ? 1
                                                                    : 0;
    return record + (accusers == 0 ? 0 : wire::message_head + wire::detail::accusation_head + 8 * accusers);
}

template <typename Policies>
void engine<Policies>::send_reply(reply const& answer, origin const& from, std::size_t received, time_point now,
                                  outbox& out) {
    slot const sender = table_.find(from.sender);
    // An address that may be somebody else's gets at most three times what it sent, envelope included.
    constexpr std::size_t around = wire::envelope::head + wire::envelope::tail;
    membership::announced_address const known = announced(sender, from.source);
    // Every member asks now and then: what it does not ask with need not be looked at.
    if (sender != no_slot) addresses_.heard(table_[sender], known);
    std::size_t const room = known.as != announced_as::nothing ? limits::packet : received * 3 - around;
    send(from.source, sender, room, out, [&](wire::packet_writer& packet) {
        for (std::size_t i = 0; i < answer.ack_count; ++i) packet.ack(answer.acks[i], incarnation_, ring_.epoch());
        if (answer.accuse_sender && sender != no_slot) (void)write_update(sender, packet);
        for (std::size_t i = 0; i < answer.announce_count; ++i) write_member(answer.announces[i], packet);
        for (std::size_t i = 0; i < answer.entry_count; ++i) {
            if (entries_.holds(answer.entries[i])) (void)write_entry(entries_[answer.entries[i]].bytes(), packet);
        }
        // It does not know this address of its own, or knows it from others only.
        if (answer.ack_count != 0 && sender != no_slot && known.as != announced_as::endpoint)
            packet.observed(from.source);
        for (std::size_t i = 0; i < answer.want_count; ++i) {
            if (wants_.take(now)) packet.want(answer.wants[i].subject, answer.wants[i].known);
        }
        fill_updates(packet);
    });
}

/// Builds one datagram in place: `fill` writes the plaintext, then it is sealed for `receiver`, or for anyone.
template <typename Policies>
template <typename Fill>
void engine<Policies>::send(ip_endpoint const& to, slot receiver, std::size_t room, outbox& out, Fill&& fill) {
    byte_span const buffer = out.room(limits::datagram);
    wire::packet_writer packet{buffer.subspan(wire::envelope::head, std::min(room, limits::packet))};
    fill(packet);
    if (packet.empty()) return;
    wire::envelope head;
    head.sender = key_;
    head.session = session_;
    head.counter = ++frames_;
    head.random = rng_();
    node_id const whom = receiver == no_slot ? node_id{} : table_[receiver].record().id();
    std::size_t const size = compressed(receiver, buffer.subspan(wire::envelope::head), packet.size());
    byte_span const frame = crypto::seal_frame(sealing_, head, options_.network, whom, nullptr, buffer, size);
    ++counters_.datagrams_sent;
    counters_.bytes_sent += frame.size();
    out.send_datagram(to, frame.size());
}

template <typename Policies>
void engine<Policies>::hello(ip_endpoint const& where, time_point, outbox& out) {
    if (life_ == life::running) call(where, no_slot, out);
}

/// Says hello; to somebody held dead (`held`) together with that, so that the answer can refute it.
template <typename Policies>
void engine<Policies>::call(ip_endpoint const& where, slot held, outbox& out) {
    std::uint64_t const nonce = rng_() | 1U;
    hellos_[hello_at_++ % hellos_.size()] = nonce;
    // For anyone there: whoever was at this address may have come back under another key.
    send(where, no_slot, limits::packet, out, [&](wire::packet_writer& packet) {
        packet.hello(nonce, incarnation_, ring_.epoch());
        packet.announce(table_[self_].record_bytes());
        if (held != no_slot) (void)write_update(held, packet);
    });
}

template <typename Policies>
int engine<Policies>::check_invariants() const noexcept {
    if (int const code = table_.check_invariants(); code != 0) return code;
    if (int const code = suspicions_.check_invariants(table_); code != 0) return code;
    if (int const code = queue_.check_invariants(table_); code != 0) return code;
    if (int const code = windows_.check_invariants(); code != 0) return code;
    if (int const code = store_.check_invariants(); code != 0) return code;
    if (int const code = served_.check_invariants(); code != 0) return code;
    if (int const code = entries_.check_invariants(); code != 0) return code;
    for (slot at = 0; at < table_.end(); ++at) {
        if (table_.entries_sum(at) != entries_.sum(at)) return 76;
    }
    if (life_ == life::fresh) return 0;
    member const& row = table_[self_];
    if (row.state != (life_ == life::running ? member_state::alive : member_state::left)) return 31;
    if (row.incarnation() != incarnation_) return 32;
    return streams_.size() > numbers().max_streams ? 33 : 0;
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
