// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: spreading updates, calling those who are not alive, forgetting tombstones.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_SPREADING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_SPREADING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
unsigned engine<Policies>::transmit_limit() const noexcept {
    return std::min(broadcast_queue::max_transmits,
                    numbers().retransmit_factor * membership::decades(table_.reachable()));
}

/// Writes what is held of a member as one message. False if it does not fit.
template <typename Policies>
bool engine<Policies>::write_update(slot at, wire::packet_writer& packet) const {
    member const& row = table_[at];
    switch (row.state) {
    case member_state::alive:
    case member_state::left: return packet.announce(row.record_bytes());
    case member_state::suspect:
        return packet.accuse(wire::message_type::suspect, row.key, row.incarnation(),
                             suspicions_[row.suspicion].names());
    case member_state::dead:
        return packet.accuse(wire::message_type::dead, row.key, row.incarnation(), std::span{&key_, 1});
    }
    return false;
}

template <typename Policies>
void engine<Policies>::fill_updates(wire::packet_writer& packet) {
    // Members come first, entries in what they leave; in every fourth packet the other way round, so that in a storm
    // of news of one kind the other gets through.
    bool const turned = entries_.queued() != 0 && (++news_turn_ & 3U) == 0;
    if (turned) fill_entries(packet);
    if (!queue_.empty()) {
        queue_.fill(table_, transmit_limit(), [&](slot at) {
            // The goodbye travels with the question whether it was heard.
            if (at == self_ && life_ == life::leaving) return false;
            return write_update(at, packet);
        });
    }
    if (!turned) fill_entries(packet);
}

template <typename Policies>
void engine<Policies>::arm_gossip(time_point now) noexcept {
    // Nobody is left to say goodbye to.
    if (life_ == life::leaving && table_.reachable() == 0) leave_by_ = std::min(leave_by_, now);
    bool const somebody = table_.reachable() + (life_ == life::leaving ? 1 : 0) > 1 ||
                          (table_.count(member_state::dead) != 0 && now - last_death_ < numbers().gossip_to_dead);
    if ((queue_.empty() && entries_.queued() == 0) || !somebody) {
        next_gossip_ = never;
        return;
    }
    bool const fresh = queue_.has_fresh() || entries_.has_fresh();
    next_gossip_ = std::max(now, last_gossip_ + (fresh ? numbers().eager_interval : numbers().gossip_interval));
}

template <typename Policies>
void engine<Policies>::tick_gossip(time_point now, outbox& out) {
    last_gossip_ = now;
    std::array<slot, 5> told{};
    for (std::size_t i = 0; i < numbers().fan_out && (!queue_.empty() || entries_.queued() != 0); ++i) {
        slot const to = gossip_target(now);
        if (to == no_slot || std::find(told.begin(), told.begin() + i, to) != told.begin() + i) {
            told[i] = no_slot;
            continue;
        }
        told[i] = to;
        bool const user_data = store_.pending(message_limit()) && table_[to].state <= member_state::suspect;
        send(table_[to].endpoint(), to, limits::packet, out, [&](wire::packet_writer& packet) {
            if (life_ == life::leaving) write_goodbye(packet);
            packet.hold(user_data ? packet_share : 0);
            fill_updates(packet);
            bool const too_large = packet.empty() && !queue_.empty(); // for all but a whole packet
            packet.release();
            if (too_large) fill_updates(packet);
            if (user_data) fill_broadcasts(to, packet);
        });
    }
    if (life_ == life::leaving && !table_[self_].queued) {
        if (farewell_.enough(table_.reachable())) return finish_leaving(out);
        queue_.push(table_, self_); // spread often enough, but did anybody hear it?
    }
    arm_gossip(now);
}

/// Somebody alive; one time in four possibly somebody lately declared dead, who may be able to refute.
template <typename Policies>
membership::slot engine<Policies>::gossip_target(time_point now) noexcept {
    bool const dead_too = (rng_() & 3U) == 0;
    for (int tries = 0; tries < 24; ++tries) {
        slot const at = table_.any(rng_);
        member const& row = table_[at];
        if (!row.used || at == self_ || row.state == member_state::left) continue;
        if (row.state != member_state::dead) return at;
        if (dead_too && now - row.since < numbers().gossip_to_dead) return at;
    }
    return random_alive(key_);
}

/// A random alive member but this node and `except`. Falls back to a scan, so that it finds one if there is one.
template <typename Policies>
membership::slot engine<Policies>::random_alive(short_id except) noexcept {
    slot const end = table_.end();
    auto const fits = [&](slot at) {
        member const& row = table_[at];
        return row.used && at != self_ && row.state == member_state::alive && row.key != except;
    };
    for (int tries = 0; tries < 8; ++tries) {
        if (slot const at = table_.any(rng_); fits(at)) return at;
    }
    slot const first = table_.any(rng_);
    for (slot i = 0; i < end; ++i) {
        if (slot const at = (first + i) % end; fits(at)) return at;
    }
    return no_slot;
}

/// Calls a few of the dead: a partition that outlasted every timer heals because somebody still asks.
template <typename Policies>
void engine<Policies>::tick_contact(time_point now, outbox& out) {
    next_contact_ = now + jitter(rng_, numbers().contact_period, 20);
    std::size_t const dead = table_.count(member_state::dead);
    std::size_t const calls = std::min<std::size_t>(numbers().contacts, dead);
    slot const end = table_.end();
    slot at = table_.any(rng_);
    for (std::size_t called = 0, seen = 0; called < calls && seen < end; ++seen, at = (at + 1) % end) {
        member const& row = table_[at];
        if (!row.used || row.state != member_state::dead) continue;
        ++called;
        call(row.endpoint(), at, out);
        addresses_.rotate(table_[at]);
    }
}

template <typename Policies>
void engine<Policies>::tick_tombstones(time_point now, outbox& out) {
    next_sweep_ = now + numbers().tombstone_time / 16;
    entries_.expire(now - numbers().tombstone_time, self_);
    for (slot at = 0; at < table_.end(); ++at) {
        member const& row = table_[at];
        if (!row.used || at == self_ || row.state < member_state::dead) continue;
        if (now - row.since >= numbers().tombstone_time) forget(at, cause::tombstone_expired, out);
    }
}

/// This node's last record and a ping behind it: whoever answers has heard both.
template <typename Policies>
void engine<Policies>::write_goodbye(wire::packet_writer& packet) {
    if (!write_update(self_, packet)) return;
    packet.ping(farewell_.nonce(), incarnation_, ring_.epoch());
    if (table_[self_].queued) queue_.count(table_, self_, transmit_limit());
}

template <typename Policies>
void engine<Policies>::finish_leaving(outbox& out) {
    notify(event_kind::self_left, cause::requested, self_, key_, out,
           static_cast<std::uint32_t>(farewell_.confirmed()));
    fail_requests(out);
    while (!streams_.empty()) drop_stream(streams_.back().id, std::nullopt, true, out);
    life_ = life::left;
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
