// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: messages and requests to one member, and when user data is due.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_MESSAGING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_MESSAGING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
result<void> engine<Policies>::send_message(node_id const& to, std::string_view topic, byte_view payload, outbox& out) {
    auto const at = addressee(to, topic, payload, limits::datagram_payload);
    if (!at) return fail(at.error());
    send(table_[*at].endpoint(), *at, limits::packet, out, [&](wire::packet_writer& packet) {
        wire::user_message_view{table_[*at].incarnation(), topic, payload}.write(packet);
    });
    return {};
}

template <typename Policies>
result<request_id> engine<Policies>::send_reliably(node_id const& to, std::string_view topic, byte_view payload,
                                                   duration timeout, time_point now, outbox& out) {
    return begin_request(to, topic, payload, timeout, true, now, out);
}

template <typename Policies>
result<request_id> engine<Policies>::request(node_id const& to, std::string_view topic, byte_view payload,
                                             duration timeout, time_point now, outbox& out) {
    return begin_request(to, topic, payload, timeout, false, now, out);
}

template <typename Policies>
result<void> engine<Policies>::respond(request_id to, byte_view payload, time_point now, outbox& out) {
    if (payload.size() > limits::payload) return fail(gossip_error::message_too_large, payload.size(), "answer");
    return finish_served(to, wire::response_status::answered, payload, now, out);
}

template <typename Policies>
result<void> engine<Policies>::decline(request_id which, time_point now, outbox& out) {
    return finish_served(which, wire::response_status::refused, {}, now, out);
}

template <typename Policies>
void engine<Policies>::cancel_request(request_id which, outbox& out) {
    pending_request* const found = requests_.find(which);
    if (found == nullptr) return;
    stream_id const stream = found->stream;
    requests_.erase(which);
    drop_stream(stream, std::nullopt, true, out);
    arm_messages();
}

/// @par Errors of what a host wants to say.
template <typename Policies>
result<void> engine<Policies>::check_sendable(std::string_view topic, byte_view payload, std::size_t most) noexcept {
    if (auto ok = wire::check_topic(topic); !ok) return ok;
    if (payload.size() > most) return fail(gossip_error::message_too_large, payload.size(), "payload");
    return {};
}

template <typename Policies>
result<membership::slot> engine<Policies>::addressee(node_id const& to, std::string_view topic, byte_view payload,
                                                     std::size_t most) const noexcept {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "message");
    if (auto const ok = check_sendable(topic, payload, most); !ok) return fail(ok.error());
    slot const at = table_.find(to.short_id());
    if (at == no_slot || table_[at].record().id() != to) return fail(gossip_error::unknown_subject, 0, "member");
    if (at == self_ || table_[at].state > member_state::suspect) return fail(gossip_error::not_reachable, 0, "member");
    return at;
}

template <typename Policies>
void engine<Policies>::on_user_message(byte_view body, origin const& from, reply& answer, outbox& out) {
    auto const what = wire::user_message_view::parse(body);
    if (!what) {
        ++counters_.malformed;
        return;
    }
    slot const at = caller(what->life, from, answer);
    if (at == no_slot) return;
    ++counters_.messages_delivered;
    out.deliver(
        {delivery_kind::message, table_[at].record().id(), bounded_text<limits::topic>::cut(what->topic), {}, {}},
        what->payload);
}

/// The member that says something to this life of this node; none if it is not known, or meant another life.
template <typename Policies>
membership::slot engine<Policies>::caller(std::uint64_t to_life, origin const& from, reply& answer) noexcept {
    slot const at = table_.find(from.sender);
    if (at == no_slot) {
        answer.want(from.sender, 0);
        refuse(gossip_error::unknown_subject);
    } else if (to_life < session_) {
        answer.announce(self_);
        refuse(gossip_error::stale);
        return no_slot;
    } else if (life_ != life::running) {
        refuse(gossip_error::not_running);
        return no_slot;
    }
    return at;
}

template <typename Policies>
result<request_id> engine<Policies>::begin_request(node_id const& to, std::string_view topic, byte_view payload,
                                                   duration timeout, bool confirm_only, time_point now, outbox& out) {
    auto const at = addressee(to, topic, payload, limits::payload);
    if (!at) return fail(at.error());
    if (requests_.full()) return fail(gossip_error::too_many_requests, requests_.size(), "requests");
    pending_request& made = requests_.add(request_id{rng_() | 1U}, to, topic, payload);
    request_id const id = made.id;
    made.confirm_only = confirm_only;
    made.by_stream = payload.size() > limits::datagram_payload;
    made.wait = numbers().probe_retry;
    made.next = now;
    made.deadline =
        now + std::clamp<duration>(timeout, std::chrono::milliseconds{1}, std::chrono::milliseconds{limits::patience});
    requests_.update_next();
    drive_requests(now, out);
    arm_messages();
    return id;
}

template <typename Policies>
void engine<Policies>::drive_requests(time_point now, outbox& out) {
    while (pending_request* const due = requests_.due(now)) {
        if (due->deadline <= now) {
            finish_request(*due, delivery_kind::failed, error{gossip_error::request_timed_out, 0, "request"}, {}, out);
            continue;
        }
        pending_request& r = *due;
        // Where datagrams do not pass a stream may.
        if (r.tries >= pending_request::datagrams && numbers().stream_fallback) r.by_stream = true;
        if (slot const at = table_.find(r.to.short_id()); at != no_slot) {
            if (!r.by_stream) {
                send(table_[at].endpoint(), at, limits::packet, out,
                     [&](wire::packet_writer& packet) { write_request(r, at, now, packet); });
            } else if (r.stream == stream_id{}) {
                dial_for_request(r, at, now, out);
            }
        }
        r.tried(now);
        requests_.update_next();
    }
}

template <typename Policies>
void engine<Policies>::write_request(pending_request const& r, slot to, time_point now,
                                     wire::packet_writer& packet) const {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(r.deadline - now).count();
    wire::request_view made;
    made.life = table_[to].incarnation();
    made.id = static_cast<std::uint64_t>(r.id);
    made.flags = r.confirm_only ? wire::request_view::confirm_only : std::uint8_t{0};
    made.patience = static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, limits::patience));
    made.topic = r.topic.view();
    made.payload = r.payload;
    (void)made.write(packet);
}

template <typename Policies>
void engine<Policies>::dial_for_request(pending_request& r, slot to, time_point now, outbox& out) {
    auto const candidates = addresses_.to_try(table_[to]);
    if (candidates.size == 0) return;
    auto const made =
        dial(candidates.where[r.tries % candidates.size], purpose::request, exchange_reason::periodic, now, out);
    if (!made) return;
    stream_state& s = *find_stream(*made);
    s.nonce = static_cast<std::uint64_t>(r.id);
    s.partner = table_[to].key;
    r.stream = *made;
}

/// A stream that was dialled for user data is there.
template <typename Policies>
void engine<Policies>::message_stream_opened(stream_state& s, time_point now, outbox& out) {
    if (s.use == purpose::fetch) {
        for (fetch_job const& job : fetching_) {
            if (job.stream != s.id) continue;
            send_frame(s, out, [&](wire::packet_writer& packet) {
                (void)wire::range_list_view::write(packet, wire::message_type::fetch,
                                                   std::span{job.ranges}.first(job.count));
            });
            return;
        }
    } else if (pending_request const* const r = requests_.find(request_id{s.nonce})) {
        if (slot const at = table_.find(r->to.short_id()); at != no_slot) {
            send_frame(s, out, [&](wire::packet_writer& packet) { write_request(*r, at, now, packet); });
            return;
        }
    }
    drop_stream(s.id, std::nullopt, true, out);
}

/// A stream that carried a request has ended: the next one is dialled when the next repetition is due.
template <typename Policies>
void engine<Policies>::message_stream_lost(stream_id id) noexcept {
    if (pending_request* const r = requests_.on_stream(id)) r->stream = stream_id{};
}

/// Tells the host what became of a request, and forgets it.
template <typename Policies>
void engine<Policies>::finish_request(pending_request const& r, delivery_kind how, std::optional<error> why,
                                      byte_view payload, outbox& out) {
    stream_id const stream = r.stream;
    delivery told{how, r.to, r.topic, r.id};
    told.why = why;
    if (why && *why == gossip_error::request_timed_out) refuse(gossip_error::request_timed_out);
    out.deliver(told, payload);
    requests_.erase(told.request);
    if (stream != stream_id{}) drop_stream(stream, std::nullopt, true, out);
}

template <typename Policies>
void engine<Policies>::on_response(byte_view body, origin const& from, time_point now, outbox& out) {
    auto const what = wire::response_view::parse(body);
    if (!what) {
        ++counters_.malformed;
        return;
    }
    pending_request* const r = requests_.find(request_id{what->id});
    if (r == nullptr || r->to.short_id() != from.sender) return refuse(gossip_error::unexpected_ack);
    auto const failed = [&](gossip_error why) {
        refuse(why);
        finish_request(*r, delivery_kind::failed, error{why, 0, "request"}, {}, out);
    };
    switch (what->status) {
    case wire::response_status::answered:
        finish_request(*r, r->confirm_only ? delivery_kind::confirmed : delivery_kind::response, std::nullopt,
                       what->payload, out);
        break;
    case wire::response_status::confirmed:
        if (r->confirm_only) {
            finish_request(*r, delivery_kind::confirmed, std::nullopt, {}, out);
        } else { // it is being worked on
            r->tries = 1;
            requests_.update_next();
        }
        break;
    case wire::response_status::refused: failed(gossip_error::request_refused); break;
    case wire::response_status::busy: failed(gossip_error::request_busy); break;
    case wire::response_status::by_stream:
        if (!r->by_stream) {
            r->by_stream = true;
            r->next = now;
            requests_.update_next();
        }
        break;
    }
    arm_messages();
}

/// True if the stream it came on has served its purpose.
template <typename Policies>
bool engine<Policies>::on_request(byte_view body, origin const& from, stream_id stream, reply& answer, time_point now,
                                  outbox& out) {
    auto const what = wire::request_view::parse(body);
    if (!what) {
        ++counters_.malformed;
        return false;
    }
    slot const at = caller(what->life, from, answer);
    if (at == no_slot) return false;
    if (served_request* const known = served_.find(from.sender, what->id)) {
        ++counters_.requests_repeated;
        if (stream != stream_id{}) known->stream = stream;
        if (!known->waiting) return send_answer(*known, known->status, known->answer, out) != stream_id{};
        if (stream == stream_id{}) send_response(at, what->id, wire::response_status::confirmed, {}, out);
        return false;
    }
    time_point const until = now + std::chrono::milliseconds{what->patience} + std::chrono::seconds{2};
    served_request* const made = served_.add(from.sender, what->id, until, now);
    if (made == nullptr) {
        refuse(gossip_error::too_many_requests);
        send_response(at, what->id, wire::response_status::busy, {}, out);
        return stream != stream_id{};
    }
    made->stream = stream;
    bool const confirm = (what->flags & wire::request_view::confirm_only) != 0;
    ++counters_.messages_delivered;
    out.deliver({confirm ? delivery_kind::message : delivery_kind::request, table_[at].record().id(),
                 bounded_text<limits::topic>::cut(what->topic), confirm ? request_id{} : made->handle},
                what->payload);
    if (!confirm) return false;
    served_.answered(*made, wire::response_status::confirmed, {});
    return send_answer(*made, wire::response_status::confirmed, {}, out) != stream_id{};
}

template <typename Policies>
result<void> engine<Policies>::finish_served(request_id which, wire::response_status status, byte_view payload,
                                             time_point now, outbox& out) {
    if (!running()) return fail(gossip_error::not_running, 0, "answer");
    served_request* const found = served_.find(which);
    if (found == nullptr || found->until <= now) return fail(gossip_error::no_such_request, 0, "request");
    served_.answered(*found, status, payload);
    drop_stream(send_answer(*found, status, payload, out), std::nullopt, true, out);
    return {};
}

/// Sends an answer where the requester waits for it: on its stream, or as a datagram to its announced address. Gives
/// the stream, which is to be closed; zero if it was a datagram.
template <typename Policies>
stream_id engine<Policies>::send_answer(served_request& of, wire::response_status status, byte_view payload,
                                        outbox& out) {
    stream_id const id = std::exchange(of.stream, stream_id{});
    if (stream_state* const s = id == stream_id{} ? nullptr : find_stream(id)) {
        send_frame(*s, out, [&](wire::packet_writer& packet) {
            (void)wire::response_view{of.id, status, payload}.write(packet);
        });
        return id;
    }
    slot const to = table_.find(of.from);
    if (to == no_slot) return stream_id{};
    if (payload.size() <= limits::datagram_payload)
        send_response(to, of.id, status, payload, out);
    else
        send_response(to, of.id, wire::response_status::by_stream, {}, out);
    return stream_id{};
}

template <typename Policies>
void engine<Policies>::send_response(slot to, std::uint64_t id, wire::response_status status, byte_view payload,
                                     outbox& out) {
    send(table_[to].endpoint(), to, limits::packet, out,
         [&](wire::packet_writer& packet) { (void)wire::response_view{id, status, payload}.write(packet); });
}

template <typename Policies>
void engine<Policies>::arm_messages() noexcept {
    next_message_ = std::min({next_spread_, next_offer_, requests_.next()});
}

template <typename Policies>
void engine<Policies>::tick_messages(time_point now, outbox& out) {
    if (next_spread_ <= now) spread_broadcasts(now, out);
    if (next_offer_ <= now) offer_broadcasts(now, out);
    if (requests_.next() <= now) drive_requests(now, out);
    arm_messages();
}

/// This node is gone: nobody answers it any more.
template <typename Policies>
void engine<Policies>::fail_requests(outbox& out) {
    while (pending_request const* const r = requests_.any()) {
        finish_request(*r, delivery_kind::failed, error{gossip_error::not_running, 0, "request"}, {}, out);
    }
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
