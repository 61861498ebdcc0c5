// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: broadcasts to everybody: telling, offering, fetching what was missed.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_BROADCASTING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_BROADCASTING_HPP

#include <peerkit/gossip/engine.hpp>

#include <bit>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
result<std::uint64_t> engine<Policies>::broadcast(std::string_view topic, byte_view payload, time_point now) {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "broadcast");
    if (auto const ok = check_sendable(topic, payload, limits::payload); !ok) return fail(ok.error());
    if (!own_broadcasts_.take(now)) return fail(gossip_error::too_many_messages, 0, "broadcasts");
    broadcast_room_.resize(wire::broadcast_view::size_of(topic, payload.size()));
    auto const made = crypto::sign_broadcast(identity_, options_.network, session_, sequence_ + 1, topic, payload,
                                             signing_room_, broadcast_room_);
    if (!made) return fail(made.error());
    keep_broadcast(*made, now, now);
    return ++sequence_;
}

template <typename Policies>
void engine<Policies>::on_broadcast(byte_view body, reply& answer, time_point now, outbox& out) {
    auto const what = wire::broadcast_view::parse(body.subspan(wire::hop_size));
    if (!what) {
        ++counters_.malformed;
        return;
    }
    if (load_big<std::uint64_t>(body.data()) < session_) return refuse(gossip_error::stale);
    if (what->origin() == key_) return refuse(gossip_error::from_self);
    if (!windows_.fresh(what->origin(), what->session(), what->sequence())) {
        if (windows_.stale(what->origin(), what->session())) return refuse(gossip_error::stale);
        ++counters_.broadcasts_repeated;
        store_.count(what->origin(), what->session(), what->sequence());
        return;
    }
    // Signed by a member that is known, whatever its state, or not at all.
    slot const at = table_.find(what->origin());
    if (at == no_slot) {
        answer.want(what->origin(), 0);
        return refuse(gossip_error::unknown_subject);
    }
    // Who has used up its budget costs no more than this; what it was not charged for is only what it signed.
    if (!windows_.ready(what->origin(), now)) return refuse(gossip_error::too_many_messages);
    if (!message_verifies_.take(now)) return refuse(gossip_error::verify_over_budget);
    ++counters_.signatures_checked;
    node_id const by = table_[at].record().id();
    if (!crypto::verify_broadcast<signing>(*what, by, options_.network, signing_room_))
        return refuse(gossip_error::bad_signature);
    if (!windows_.take(what->origin(), now)) return refuse(gossip_error::too_many_messages);
    windows_.mark(what->origin(), what->session(), what->sequence());
    duration const age = std::chrono::milliseconds{load_big<std::uint32_t>(body.data() + wire::life_size)};
    // This life hears what is said in it: who was told to start again is not told again.
    if (age > now - began_) return refuse(gossip_error::stale);
    time_point const said = now - age;
    ++counters_.broadcasts_delivered;
    delivery told{delivery_kind::broadcast, by, bounded_text<limits::topic>::cut(what->topic())};
    told.session = what->session();
    told.sequence = what->sequence();
    out.deliver(told, what->payload());
    keep_broadcast(*what, said, now);
}

/// From now on it is told to others and can be asked for.
template <typename Policies>
void engine<Policies>::keep_broadcast(wire::broadcast_view const& what, time_point said, time_point now) {
    store_.expire(now - numbers().message_keep);
    store_.push(what, said);
    counters_.broadcasts_dropped = store_.dropped_untold();
    // With the next tick, so that what arrives together is forwarded together.
    next_spread_ = now;
    next_offer_ = std::min(next_offer_, now + numbers().message_interval * 4);
    arm_messages();
}

/// How often a broadcast is told: half as often as news of members, because who misses it hears of it by an offer.
template <typename Policies>
unsigned engine<Policies>::message_limit() const noexcept {
    auto const others = static_cast<unsigned>(std::clamp<std::size_t>(table_.reachable(), 1, 1000)) - 1U;
    return std::min(std::max<unsigned>(numbers().fan_out, (transmit_limit() + 1) / 2), 2 * others);
}

/// A random member that is not among the latest few (`told`, of which the oldest makes room).
template <typename Policies>
membership::slot engine<Policies>::message_target(std::array<slot, 4>& told) noexcept {
    for (int tries = 0; tries < 24; ++tries) {
        slot const at = table_.any(rng_);
        if (at == no_slot) break;
        member const& row = table_[at];
        if (!row.used || at == self_ || row.state > member_state::suspect) continue;
        if (std::find(told.begin(), told.end(), at) != told.end() && table_.reachable() > 2) continue;
        std::rotate(told.begin(), told.end() - 1, told.end());
        told[0] = at;
        return at;
    }
    return random_alive(key_);
}

/// The member behind this node in the order of keys, around its end: everybody has another one, so what everybody
/// tells its own reaches all, whoever chance leaves out (RingCast; Voulgaris, van Steen 2007).
template <typename Policies>
membership::slot engine<Policies>::ring_successor() noexcept {
    std::uint64_t const version = table_.digest().root();
    if (ring_version_ == version && ring_next_ != no_slot) return ring_next_;
    ring_version_ = version;
    ring_next_ = no_slot;
    std::uint64_t nearest = ~std::uint64_t{0};
    for (slot at = 0; at < table_.end(); ++at) {
        member const& row = table_[at];
        if (!row.used || at == self_ || row.state > member_state::suspect) continue;
        std::uint64_t const ahead = static_cast<std::uint64_t>(row.key) - static_cast<std::uint64_t>(key_);
        if (ahead <= nearest) {
            nearest = ahead;
            ring_next_ = at;
        }
    }
    return ring_next_;
}

template <typename Policies>
void engine<Policies>::spread_broadcasts(time_point now, outbox& out) {
    unsigned const limit = message_limit();
    std::array<slot, 4> told{};
    told.fill(no_slot);
    for (unsigned packets = 0; packets < most_message_packets && store_.pending(limit); ++packets) {
        // One round tells each of them to as many members as news is told; more only while there is more than fits.
        if (packets >= numbers().fan_out && !store_.pending(std::min<unsigned>(limit, numbers().fan_out))) break;
        slot const to = store_.untold() ? ring_successor() : message_target(told);
        if (to == no_slot) break;
        if (told[0] == no_slot) told[0] = to;
        send(table_[to].endpoint(), to, limits::packet, out, [&](wire::packet_writer& packet) {
            packet.hold(queue_.empty() ? 0 : packet_share);
            fill_broadcasts(to, packet);
            if (packet.empty() && !queue_.empty()) { // too large for all but a whole packet
                packet.release();
                fill_broadcasts(to, packet);
            }
            packet.release();
            if (!packet.empty()) fill_updates(packet);
        });
    }
    next_spread_ = store_.pending(limit) ? now + numbers().message_interval : never;
}

/// Writes user data that is still being spread, as far as it fits.
template <typename Policies>
void engine<Policies>::fill_broadcasts(slot to, wire::packet_writer& packet) {
    store_.fill(message_limit(), 1, [&](message_store::entry const& e, byte_view) {
        if (e.origin == table_[to].key) return true; // told without a word
        if (!e.large) return write_broadcast(to, e, packet);
        wire::broadcast_range const offered{e.origin, e.session, e.sequence, 1, true};
        return wire::range_list_view::write(packet, wire::message_type::offer, std::span{&offered, 1});
    });
}

template <typename Policies>
bool engine<Policies>::write_broadcast(slot to, message_store::entry const& what, wire::packet_writer& packet) const {
    byte_view const bytes = store_.bytes_of(what);
    byte_span const body = packet.body(wire::message_type::broadcast, wire::hop_size + bytes.size());
    if (body.empty()) return false;
    store_big(body.data(), table_[to].incarnation());
    auto const age = std::chrono::duration_cast<std::chrono::milliseconds>(last_input_ - what.since).count();
    store_big(body.data() + wire::life_size,
              static_cast<std::uint32_t>(std::clamp<std::int64_t>(age, 0, std::numeric_limits<std::uint32_t>::max())));
    copy_bytes(bytes, body.subspan(wire::hop_size));
    return true;
}

/// Tells one member what is kept here, more seldom the older it is: who missed something asks for it.
template <typename Policies>
void engine<Policies>::offer_broadcasts(time_point now, outbox& out) {
    store_.expire(now - numbers().message_keep);
    if (store_.empty()) {
        next_offer_ = never;
        return;
    }
    duration const age = now - store_[store_.size() - 1].since;
    next_offer_ = now + jitter(rng_, std::clamp(age, numbers().message_interval * 4, numbers().offer_interval), 20);
    std::array<slot, 4> told{};
    told.fill(no_slot);
    slot const to = message_target(told);
    if (to == no_slot) return;
    std::array<wire::broadcast_range, wire::broadcast_range::most> ranges;
    std::size_t const count = store_.ranges(ranges, offered_, now - numbers().message_keep);
    send(table_[to].endpoint(), to, limits::packet, out, [&](wire::packet_writer& packet) {
        (void)wire::range_list_view::write(packet, wire::message_type::offer, std::span{ranges}.first(count));
        fill_updates(packet);
    });
}

template <typename Policies>
void engine<Policies>::on_offer(byte_view body, origin const& from, reply& answer, time_point now, outbox& out) {
    auto const offer = wire::range_list_view::parse(body);
    if (!offer) {
        ++counters_.malformed;
        return;
    }
    slot const at = table_.find(from.sender);
    if (at == no_slot) return refuse(gossip_error::unknown_subject);
    if (life_ != life::running) return;
    std::array<wire::broadcast_range, wire::broadcast_range::most> lacking;
    std::size_t ranges = 0, messages = 0;
    bool by_stream = false;
    for (std::size_t i = 0; i < offer->size(); ++i) {
        wire::broadcast_range range = (*offer)[i];
        if (range.origin == key_) continue;
        range.bitmap = windows_.missing(range);
        // What was asked for a moment ago may be on its way.
        for (asked_for const& other : asked_) {
            if (other.until <= now || other.origin != range.origin || other.session != range.session) continue;
            if (other.sequence <= range.highest && range.highest - other.sequence < 64)
                range.bitmap &= ~(std::uint64_t{1} << (range.highest - other.sequence));
        }
        if (range.bitmap == 0) continue;
        if (table_.find(range.origin) == no_slot) {
            answer.want(range.origin, 0);
            continue;
        }
        int const above = std::countr_zero(range.bitmap);
        range.highest -= static_cast<std::uint64_t>(above);
        range.bitmap >>= above;
        messages += static_cast<std::size_t>(std::popcount(range.bitmap));
        by_stream = by_stream || range.large;
        lacking[ranges++] = range;
    }
    if (ranges == 0 || !fetches_.take(now)) return;
    by_stream = by_stream || messages > most_fetched;
    if (by_stream) ranges = std::min(ranges, fetch_job{}.ranges.size());
    std::span<wire::broadcast_range const> const wanted{lacking.data(), ranges};
    if (by_stream) {
        if (!fetch_by_stream(at, wanted, now, out)) return;
    } else {
        send(table_[at].endpoint(), at, limits::packet, out, [&](wire::packet_writer& packet) {
            (void)wire::range_list_view::write(packet, wire::message_type::fetch, wanted);
        });
    }
    counters_.broadcasts_fetched += messages;
    time_point const until = now + (by_stream ? numbers().probe_period : numbers().probe_retry * 2);
    for (wire::broadcast_range const& range : wanted) {
        for (std::uint64_t bit = 0; bit < 64; ++bit) {
            if ((range.bitmap >> bit & 1U) != 0)
                asked_[asked_at_++ % asked_.size()] = {range.origin, range.session, range.highest - bit, until};
        }
    }
}

/// Dials a member to fetch what it offered. False if enough of that is under way.
template <typename Policies>
bool engine<Policies>::fetch_by_stream(slot from, std::span<wire::broadcast_range const> wanted, time_point now,
                                       outbox& out) {
    std::size_t under_way = 0;
    for (stream_state const& s : streams_) {
        if (s.use != purpose::fetch) continue;
        if (s.partner == table_[from].key) return false;
        ++under_way;
    }
    if (under_way >= most_fetch_streams) return false;
    auto const made = dial(table_[from].endpoint(), purpose::fetch, exchange_reason::periodic, now, out);
    if (!made) return false;
    find_stream(*made)->partner = table_[from].key;
    std::erase_if(fetching_, [&](fetch_job const& job) { return find_stream(job.stream) == nullptr; });
    fetch_job& job = fetching_.emplace_back();
    job.stream = *made;
    job.count = std::min(wanted.size(), job.ranges.size());
    std::copy_n(wanted.begin(), job.count, job.ranges.begin());
    return true;
}

/// Sends what a member asks for, as far as it is still kept: a few datagrams, or all of it on the stream the question
/// came on.
template <typename Policies>
void engine<Policies>::on_fetch(byte_view body, origin const& from, stream_state* stream, time_point now, outbox& out) {
    auto const wanted = wire::range_list_view::parse(body);
    if (!wanted) {
        ++counters_.malformed;
        return;
    }
    slot const to = table_.find(from.sender);
    if (to == no_slot) return refuse(gossip_error::unknown_subject);
    if (!fetches_.take(now)) return refuse(gossip_error::too_many_messages);
    std::size_t next = 0;
    auto const is_wanted = [&](message_store::entry const& e) {
        if (e.large && stream == nullptr) return false;
        for (std::size_t i = 0; i < wanted->size(); ++i) {
            wire::broadcast_range const range = (*wanted)[i];
            if (range.origin == e.origin && range.session == e.session && e.sequence <= range.highest &&
                range.highest - e.sequence < 64 && (range.bitmap >> (range.highest - e.sequence) & 1U) != 0)
                return true;
        }
        return false;
    };
    auto const fill = [&](wire::packet_writer& packet) {
        for (; next < store_.size(); ++next) {
            message_store::entry const& e = store_[next];
            if (is_wanted(e) && !write_broadcast(to, e, packet)) return;
        }
    };
    if (stream != nullptr) {
        while (next < store_.size()) send_frame(*stream, out, fill);
        return;
    }
    for (std::size_t packets = 0; packets < most_fetched && next < store_.size(); ++packets)
        send(table_[to].endpoint(), to, limits::packet, out, fill);
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
