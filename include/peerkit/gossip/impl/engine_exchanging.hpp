// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: streams: full-state exchange, and probes where datagrams do not pass.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_EXCHANGING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_EXCHANGING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
detail::stream_state* engine<Policies>::find_stream(stream_id id) noexcept {
    for (stream_state& s : streams_) {
        if (s.id == id) return &s;
    }
    return nullptr;
}

template <typename Policies>
result<stream_id> engine<Policies>::dial(ip_endpoint const& where, purpose use, exchange_reason reason, time_point now,
                                         outbox& out) {
    if (streams_.size() >= numbers().max_streams) {
        refuse(gossip_error::too_many_streams);
        return fail(gossip_error::too_many_streams, streams_.size(), "streams");
    }
    stream_state made;
    made.id = stream_id{++last_stream_};
    made.use = use;
    made.reason = reason;
    made.where = where;
    made.deadline = now + numbers().stream_timeout;
    streams_.push_back(made);
    next_stream_ = std::min(next_stream_, made.deadline);
    out.open_stream(made.id, where);
    return made.id;
}

/// Dials a member for a state exchange: at the address in use, then at each of the others that is not in `tried`.
template <typename Policies>
void engine<Policies>::dial_member(slot at, std::uint8_t tried, time_point now, outbox& out) {
    member const& row = table_[at];
    auto const candidates = addresses_.to_try(row);
    for (std::size_t i = 0; i < candidates.size; ++i) {
        std::size_t const index = row.record().index_of(candidates.where[i]).value_or(0);
        auto const bit = static_cast<std::uint8_t>(1U << index);
        if ((tried & bit) != 0) continue;
        auto const made = dial(candidates.where[i], purpose::exchange, exchange_reason::periodic, now, out);
        if (!made) return;
        stream_state& s = *find_stream(*made);
        s.partner = row.key;
        s.tried = tried | bit;
        return;
    }
}

/// A dial came to nothing: another address of the same member may be better.
template <typename Policies>
void engine<Policies>::dial_elsewhere(stream_state const& failed, time_point now, outbox& out) {
    if (failed.sends.index != 0 || life_ != life::running) return;
    if (failed.use == purpose::probe) {
        if (probe* const p = probe_of(failed.nonce)) dial_subject(*p, now, out);
    }
    if (failed.use != purpose::exchange || failed.tried == 0) return;
    slot const at = table_.find(failed.partner);
    if (at != no_slot && table_[at].several && table_[at].state <= member_state::suspect)
        dial_member(at, failed.tried, now, out);
}

template <typename Policies>
result<void> engine<Policies>::join(ip_endpoint const& where, time_point now, outbox& out) {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "join");
    if (auto const dialled = dial(where, purpose::exchange, exchange_reason::join, now, out); !dialled)
        return fail(dialled.error());
    return {};
}

template <typename Policies>
result<stream_id> engine<Policies>::on_stream_accepted(ip_endpoint const& from, time_point now, outbox&) {
    if (!running()) return fail(gossip_error::not_running, 0, "stream");
    // Accepted streams leave some room for the dials of this node itself.
    if (streams_.size() >= numbers().max_streams - numbers().max_streams / 4) {
        refuse(gossip_error::too_many_streams);
        return fail(gossip_error::too_many_streams, streams_.size(), "streams");
    }
    stream_state made;
    made.id = stream_id{++last_stream_};
    made.where = from;
    made.deadline = now + numbers().stream_timeout;
    streams_.push_back(made);
    next_stream_ = std::min(next_stream_, made.deadline);
    return made.id;
}

template <typename Policies>
void engine<Policies>::on_stream_opened(stream_id id, time_point now, outbox& out) {
    if (!running()) return;
    note_time(now);
    stream_state* const s = find_stream(id);
    if (s == nullptr) return;
    if (s->use == purpose::exchange) {
        send_state(*s, s->reason == exchange_reason::join ? wire::exchange_flags::join : std::uint8_t{0}, out);
    } else if (probe_of(s->nonce) != nullptr) {
        send_frame(*s, out, [&](wire::packet_writer& packet) {
            packet.ping(s->nonce, incarnation_, ring_.epoch());
            fill_updates(packet);
        });
    } else if (s->use == purpose::request || s->use == purpose::fetch) {
        message_stream_opened(*s, now, out);
    } else {
        drop_stream(id, std::nullopt, true, out);
    }
}

template <typename Policies>
void engine<Policies>::on_stream_frame(stream_id id, byte_span frame, time_point now, outbox& out) {
    if (!running()) return;
    note_time(now);
    stream_state* s = find_stream(id);
    if (s == nullptr) return;
    ++counters_.frames_received;
    if (s->received + frame.size() > limits::stream_total) {
        refuse(gossip_error::stream_too_large);
        return drop_stream(id, error{gossip_error::stream_too_large, s->received + frame.size(), "stream"}, true, out);
    }
    auto const opened = crypto::open_frame(sealing_, options_.network, id_, &s->receives, frame);
    if (!opened) {
        ++counters_.malformed;
        return drop_stream(id, opened.error(), true, out);
    }
    if (opened->envelope.sender == key_) {
        refuse(gossip_error::from_self);
        return drop_stream(id, error{gossip_error::from_self, 0, "stream"}, true, out);
    }
    if (s->use == purpose::serve && s->receives.index == 0) s->sends = wire::frame_binding::of_acceptor(frame);
    s->receives = s->receives.following(frame);
    s->partner = opened->envelope.sender;
    auto const packet = read_packet(opened->plain, limits::stream_frame);
    if (!packet) {
        ++counters_.malformed;
        return drop_stream(id, packet.error(), true, out);
    }
    if (slot const at = table_.find(s->partner); at != no_slot) contacts_.heard.note(at, now);
    s->received += packet->bytes().size(); // what a compressed frame expands to is work, too
    reply answer;
    bool done = false;
    std::uint32_t const brought_before = brought_;
    last_refusal_.reset();
    for_each_message(*packet, [&](wire::message const& m, bool as_dead) {
        if (!done) apply_stream_message(*s, m, as_dead, answer, done, now, out);
    });
    s = find_stream(id);
    if (s == nullptr) return;
    if (last_refusal_) s->refused = last_refusal_;
    s->brought += brought_ - brought_before;
    if (!done && s->use == purpose::serve && !s->exchanging && !answer.empty()) {
        send_frame(*s, out, [&](wire::packet_writer& reply_packet) {
            for (std::size_t i = 0; i < answer.ack_count; ++i)
                reply_packet.ack(answer.acks[i], incarnation_, ring_.epoch());
            if (answer.accuse_sender) {
                if (slot const at = table_.find(s->partner); at != no_slot) (void)write_update(at, reply_packet);
            }
            for (std::size_t i = 0; i < answer.announce_count; ++i) write_member(answer.announces[i], reply_packet);
            fill_updates(reply_packet);
        });
    }
    if (done) {
        if (s->exchanging) notice_merge(*s, now, out);
        if (s->exchanging) exchange_done(*s, now, out);
        drop_stream(id, std::nullopt, true, out);
    }
    arm_gossip(now);
}

template <typename Policies>
void engine<Policies>::apply_stream_message(stream_state& s, wire::message const& m, bool as_dead, reply& answer,
                                            bool& done, time_point now, outbox& out) {
    origin const from{s.where, s.partner, true, s.exchanging, as_dead};
    bool const dialled = s.use == purpose::exchange;
    switch (m.type) {
    case wire::message_type::exchange_begin: {
        bool const reply_flag = (m.flags & wire::exchange_flags::reply) != 0;
        if (s.exchanging || (s.use != purpose::serve && !dialled) || reply_flag != dialled) {
            refuse(gossip_error::stream_protocol);
            done = true;
            return drop_stream(s.id, error{gossip_error::stream_protocol, 0, "exchange_begin"}, true, out);
        }
        s.exchanging = true;
        s.news_before = news_;
        s.alive_before = static_cast<std::uint32_t>(table_.reachable()) - (just_came(s.partner, now) ? 1U : 0U);
        if (!dialled && (m.flags & wire::exchange_flags::join) != 0) s.reason = exchange_reason::join;
        return;
    }
    case wire::message_type::exchange_end:
        if (!s.exchanging) {
            refuse(gossip_error::stream_protocol);
            done = true;
            return drop_stream(s.id, error{gossip_error::stream_protocol, 0, "exchange_end"}, true, out);
        }
        // Merged first, answered then: the answer holds what both know.
        if (!dialled) send_state(s, wire::exchange_flags::reply, out);
        done = true;
        return;
    case wire::message_type::ack:
        on_ack(m, from, answer, now, out);
        done = s.use == purpose::probe;
        return;
    case wire::message_type::request: done = on_request(m.record, from, s.id, answer, now, out); return;
    case wire::message_type::response: {
        stream_id const id = s.id;
        on_response(m.record, from, now, out);
        done = find_stream(id) == nullptr;
        return;
    }
    case wire::message_type::fetch:
        on_fetch(m.record, from, &s, now, out);
        done = true;
        return;
    default: return apply(m, from, answer, now, out);
    }
}

/// Sends everything the policy offers, in as few frames as it takes.
template <typename Policies>
void engine<Policies>::send_state(stream_state& s, std::uint8_t flags, outbox& out) {
    using store = membership::entry_store;
    slot at = 0;
    store::id entry = store::none; // the last one sent of the row
    std::uint32_t announced = 0;
    bool begun = false, ended = false, half = false;
    constexpr std::size_t most_per_member = 3 + limits::record + 3 + 17 + 8 * limits::accusers;
    while (!ended) {
        send_frame(s, out, [&](wire::packet_writer& packet) {
            if (!begun) packet.exchange_begin(flags);
            begun = true;
            for (; at < table_.end() && packet.remaining() > most_per_member; ++at) {
                member const& row = table_[at];
                if (!row.used || !repair_.offers(row, s.reason)) continue;
                if (row.state == member_state::dead && !row.reported) continue; // see insert()
                if (!half) {
                    write_member(at, packet);
                    ++announced;
                    entry = store::none;
                }
                half = false;
                for (auto next = entries_.next(at, entry); next != store::none && !half;
                     next = entries_.next(at, entry)) {
                    half = !entries_[next].erased() && !write_entry(entries_[next].bytes(), packet);
                    if (!half) entry = next;
                }
                if (half) return; // the rest of its entries begins the next frame
            }
            if (at == table_.end()) ended = packet.exchange_end(announced);
        });
    }
}

template <typename Policies>
template <typename Fill>
void engine<Policies>::send_frame(stream_state& s, outbox& out, Fill&& fill) {
    byte_span const buffer = out.room(wire::stream_prefix + limits::stream_frame);
    byte_span const body = buffer.subspan(wire::stream_prefix);
    wire::packet_writer packet{
        body.subspan(wire::envelope::head, limits::stream_frame - wire::envelope::head - wire::envelope::tail)};
    fill(packet);
    if (packet.empty()) return;
    wire::envelope head;
    head.sender = key_;
    head.session = session_;
    head.counter = ++frames_;
    head.random = rng_();
    bool const dialled = s.use != purpose::serve;
    s.sends.direction = dialled ? wire::frame_binding::dialer : wire::frame_binding::acceptor;
    std::size_t const size = compressed(table_.find(s.partner), body.subspan(wire::envelope::head), packet.size());
    byte_span const frame = crypto::seal_frame(sealing_, head, options_.network, node_id{}, &s.sends, body, size);
    if (dialled && s.sends.index == 0) s.receives = wire::frame_binding::of_acceptor(frame);
    s.sends = s.sends.following(frame);
    wire::write_stream_prefix(buffer.first<wire::stream_prefix>(), frame.size());
    ++counters_.frames_sent;
    counters_.stream_bytes_sent += wire::stream_prefix + frame.size();
    out.send_frame(s.id, wire::stream_prefix + frame.size());
}

/// The more an exchange taught, the sooner the next one: a node among many that join at once settles in seconds, a
/// settled cluster exchanges at the policy's leisure.
template <typename Policies>
void engine<Policies>::exchange_done(stream_state const& s, time_point now, outbox& out) {
    ++counters_.exchanges;
    if (life_ != life::running) return;
    if (table_.reachable() < 2 && s.use == purpose::exchange && s.reason == exchange_reason::join) {
        // Whoever is there may not be a member; the refusal of its record says why.
        return tell_join_failed(s.where, error{s.refused.value_or(gossip_error::stream_refused), 0, "members"}, out);
    }
    bool const first = !joined_ && table_.reachable() > 1;
    if (first || s.use == purpose::exchange)
        exchange_sooner(first ? ~std::uint64_t{0} : news_ - s.news_before, true, now);
    if (!first) return;
    cause const why = s.reason == exchange_reason::join      ? cause::requested
                      : s.reason == exchange_reason::contact ? cause::contacted
                                                             : cause::scheduled;
    tell_joined(why, s.partner, s.where, out);
}

template <typename Policies>
void engine<Policies>::tell_joined(cause why, short_id by, ip_endpoint const& where, outbox& out) {
    joined_ = true;
    event e;
    e.kind = event_kind::joined;
    e.why = why;
    e.subject = id_;
    e.incarnation = incarnation_;
    e.by = by;
    e.where = where;
    e.count = static_cast<std::uint32_t>(table_.reachable());
    out.notify(e);
}

/// Something was learnt from an exchange or a comparison, so there may be more to learn: after much of it the next one
/// comes at once, after a little of it no later than this one did. A whole exchange is too dear for a little.
template <typename Policies>
void engine<Policies>::exchange_sooner(std::uint64_t learnt, bool whole, time_point now) noexcept {
    bool const much = learnt > 1 + table_.reachable() / 100;
    if (!much && (whole || learnt == 0 || hastened_)) return;
    exchange_gap_ = much ? settling_gap() : std::max(settling_gap(), exchange_gap_ / 2);
    hastened_ = true;
    next_exchange_ = std::min(next_exchange_, now + jitter(rng_, exchange_gap_, 40));
}

/// Ends a stream; `why` tells what went wrong, if anything did.
template <typename Policies>
void engine<Policies>::drop_stream(stream_id id, std::optional<error> why, bool close, outbox& out) {
    stream_state* const found = find_stream(id);
    if (found == nullptr) return;
    stream_state const s = *found;
    *found = streams_.back();
    streams_.pop_back();
    next_stream_ = never;
    for (stream_state const& other : streams_) next_stream_ = std::min(next_stream_, other.deadline);
    if (s.use == purpose::request) message_stream_lost(id);
    if (close) out.close_stream(id);
    if (why && s.use == purpose::exchange && s.reason == exchange_reason::join) tell_join_failed(s.where, *why, out);
}

template <typename Policies>
void engine<Policies>::tell_join_failed(ip_endpoint const& where, error why, outbox& out) {
    event e;
    e.kind = event_kind::join_failed;
    e.why = cause::requested;
    e.subject = id_;
    e.incarnation = incarnation_;
    e.where = where;
    e.what = why;
    out.notify(e);
}

template <typename Policies>
void engine<Policies>::on_stream_closed(stream_id id, std::optional<error> why, time_point now, outbox& out) {
    if (!running()) return;
    note_time(now);
    stream_state const* const found = find_stream(id);
    if (found == nullptr) return;
    stream_state const s = *found;
    if (s.use == purpose::exchange) refuse(gossip_error::stream_refused);
    drop_stream(id, why ? *why : error{gossip_error::stream_refused, 0, "stream"}, false, out);
    dial_elsewhere(s, now, out);
}

template <typename Policies>
void engine<Policies>::tick_streams(time_point now, outbox& out) {
    for (std::size_t i = 0; i < streams_.size();) {
        if (streams_[i].deadline > now) {
            ++i;
            continue;
        }
        stream_state const s = streams_[i];
        refuse(gossip_error::stream_timed_out);
        drop_stream(s.id, error{gossip_error::stream_timed_out, 0, "stream"}, true, out);
        dial_elsewhere(s, now, out);
        i = 0;
    }
}

template <typename Policies>
void engine<Policies>::tick_exchange(time_point now, outbox& out) {
    duration const period = repair_.period(numbers().exchange_period, table_.reachable());
    exchange_gap_ = std::min(exchange_gap_ * 2, period);
    hastened_ = false;
    next_exchange_ = now + jitter(rng_, exchange_gap_, 20);
    if (observed_.expire(now)) adopt_observed(now, out);
    short_id const last = partners_.last();
    if (partners_.end(news_, now, period * 16)) {
        // Comparing comes to no end with this one. Everything once, then nothing for a while.
        refuse(gossip_error::never_agrees);
        if (slot const who = table_.find(last); who != no_slot && table_[who].state <= member_state::suspect)
            dial_member(who, 0, now, out);
    }
    slot const at = exchange_partner(now);
    if (at == no_slot) return;
    // Who answers no datagram may answer a stream.
    if (repair_.opening(exchange_reason::periodic) == exchange_opening::compare && partners_.unanswered() < 3)
        return ask_digest(at, out);
    partners_.begin(table_[at].key, news_, false);
    dial_member(at, 0, now, out);
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
