// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: probing members, directly, through helpers and by stream; probing for others.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_PROBING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_PROBING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
void engine<Policies>::tick_probe(time_point now, outbox& out) {
    if (next_probe_ <= now) begin_probe(now, out);
    for (probe_step step = probe_.due(now); step != probe_step::wait; step = probe_.due(now)) {
        if (step == probe_step::verdict)
            conclude_probe(now, out);
        else
            take_step(probe_, step, now, out);
    }
}

template <typename Policies>
void engine<Policies>::take_step(probe& p, probe_step step, time_point now, outbox& out) {
    if (step == probe_step::ping) ping_subject(p, out);
    if (step == probe_step::ask) ask_helpers(p, now, out);
}

template <typename Policies>
void engine<Policies>::begin_probe(time_point now, outbox& out) {
    // Periods are counted from where they should have begun, so that lateness does not add up.
    next_probe_ = std::max(saturating_add(next_probe_, detector_.period(numbers())), now + numbers().probe_period / 2);
    if (now < yield_until_) return; // nobody answers a node whose key another one uses
    if constexpr (detector::traits.watch == watching::heartbeats) return beat(now, out);
    look_around(now, out);
    slot const target = next_target();
    if (target == no_slot) return;
    ++counters_.probes;
    // A better address than the one in use is tried now and then: it may work again.
    member& row = table_[target];
    bool const look = row.several && (addresses_.wants_look(row) || (rng_() & 7U) == 0);
    probe_plan plan = detector_.plan(numbers());
    if (auto const known = contacts_.trips.estimate(target)) plan = stretched(plan, known->timeout());
    probe_.begin(target, row.key, rng_() | 1U, addresses_.to_try(row, look), plan, now);
}

/// Whoever watches one member for long does not learn by the way at which of their addresses the others answer. One of
/// those that have several is tried now and then, preferably one that was not yet heard where it is thought to be.
template <typename Policies>
void engine<Policies>::look_around(time_point now, outbox& out) {
    if constexpr (detector::traits.watch != watching::ring) return;
    if ((++periods_ & 1U) != 0) return;
    for (int tries = 0; tries < 4; ++tries) {
        slot const at = random_alive(key_);
        if (at == no_slot || !table_[at].several || !inquiries_.room_for({})) continue;
        member const& row = table_[at];
        if (row.proven != 0 && row.look == 0 && (rng_() & 7U) != 0) continue;
        if (accusations_.find(table_[at].key) != nullptr || inquiries_.holds({}, table_[at].key)) continue;
        return inquire(at, {}, now, out);
    }
}

/// On the ring: the next, past those already accused. Else the next member of this pass; a new random order begins each
/// pass, so that every member is probed once per pass.
template <typename Policies>
membership::slot engine<Policies>::next_target() noexcept {
    if constexpr (detector::traits.watch == watching::ring) {
        ring_.count();
        slot at = ring_.successor(table_, key_);
        while (at != no_slot && (accusations_.find(table_[at].key) || inquiries_.holds({}, table_[at].key)))
            at = ring_.after(table_, key_, ring_.distance(key_, table_[at].key));
        return at;
    }
    for (int pass = 0; pass < 2; ++pass) {
        while (order_at_ < order_.size()) {
            slot const at = order_[order_at_++];
            table_[at].in_order = false;
            member const& row = table_[at];
            if (row.used && at != self_ && row.state <= member_state::suspect) return at;
        }
        order_at_ = 0;
        order_.clear();
        table_.for_each([&](slot at, member const& row) {
            if (at == self_ || row.state > member_state::suspect) return;
            order_.push_back(at);
            table_[at].in_order = true;
        });
        shuffle(std::span{order_}, rng_);
    }
    return no_slot;
}

/// Gives a new member a random place in what is left of this pass. If everybody is waiting already, which is when
/// members come faster than they are probed, the next pass is soon enough.
template <typename Policies>
void engine<Policies>::probe_soon(slot at) {
    if constexpr (detector::traits.watch != watching::shuffled) return;
    if (order_.size() - order_at_ >= table_.size()) return;
    if (order_at_ > order_.size() / 2) {
        order_.erase(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(order_at_));
        order_at_ = 0;
    }
    if (table_[at].in_order) return;
    table_[at].in_order = true;
    order_.push_back(at);
    std::size_t const place =
        order_at_ + static_cast<std::size_t>(uniform(rng_, std::uint64_t{order_.size() - order_at_}));
    std::swap(order_.back(), order_[place]);
}

/// The row of a probe's subject; `no_slot` if it is somebody else's by now.
template <typename Policies>
membership::slot engine<Policies>::subject_of(probe const& p) const noexcept {
    member const& row = table_[p.subject()];
    return row.used && row.key == p.subject_key() ? p.subject() : no_slot;
}

/// The probe under way that a nonce belongs to, this node's own or one for somebody.
template <typename Policies>
probe* engine<Policies>::probe_of(std::uint64_t nonce) noexcept {
    if (probe_.address_of(nonce)) return &probe_;
    std::size_t const i = inquiries_.find(nonce);
    return i == inquiries_.size() ? nullptr : &inquiries_[i].probe;
}

template <typename Policies>
void engine<Policies>::send_ping(slot to, ip_endpoint const& where, std::uint64_t nonce, bool with_news, outbox& out) {
    send(where, to, limits::packet, out, [&](wire::packet_writer& packet) {
        packet.ping(nonce, incarnation_, ring_.epoch());
        // The accused hears of it with the question (Lifeguard's buddy rule), so its answer can already refute.
        if (table_[to].state != member_state::alive) (void)write_update(to, packet);
        // Whoever does not answer is no one to tell: each telling counts.
        if (with_news) fill_updates(packet);
    });
}

template <typename Policies>
void engine<Policies>::ping_subject(probe& p, outbox& out) {
    if (subject_of(p) == no_slot) return p.end();
    bool const with_news = &p == &probe_ && p.tries() == 1;
    p.for_each_due_address([&](std::size_t i) { send_ping(p.subject(), p.address(i), p.nonce_at(i), with_news, out); });
}

template <typename Policies>
void engine<Policies>::ask_helpers(probe& p, time_point now, outbox& out) {
    if (subject_of(p) == no_slot) return p.end();
    for (unsigned asked = 0, tries = 0; asked < p.plan().helpers && tries < 96u; ++tries) {
        slot const at = random_alive(p.subject_key());
        if (at == no_slot) break;
        if (!p.ask(table_[at].key)) continue;
        ++asked;
        send(table_[at].endpoint(), at, limits::packet, out, [&](wire::packet_writer& packet) {
            packet.indirect_ping(p.nonce(), p.subject_key());
            fill_updates(packet);
        });
    }
    if (numbers().stream_fallback) dial_subject(p, now, out);
}

/// Tries the next address of the probe's subject by stream, until there is none.
template <typename Policies>
void engine<Policies>::dial_subject(probe& p, time_point now, outbox& out) {
    auto const where = p.next_dial();
    if (!where) return;
    if (auto const made = dial(*where, purpose::probe, exchange_reason::periodic, now, out))
        find_stream(*made)->nonce = p.nonce();
}

template <typename Policies>
void engine<Policies>::conclude_probe(time_point now, outbox& out) {
    ++counters_.probes_failed;
    slot const at = subject_of(probe_);
    if (at == no_slot || table_[at].state > member_state::suspect) return;
    addresses_.silent(table_[at]);
    bool const sure = detector_.failed(probe_.failure());
    walk_on(table_[at].key, now, out);
    if (sure || lonely(now)) return accuse(at, now, out);
    ++counters_.probes_unsure;
}

template <typename Policies>
void engine<Policies>::subject_answered(probe const& p, std::size_t address, bool over_stream, bool through_helper,
                                        time_point now, outbox& out) {
    slot const at = subject_of(p);
    if (!over_stream && !through_helper && at != no_slot) addresses_.answered(table_[at], p.address(address));
    if (over_stream) {
        ++counters_.probes_by_stream;
        if (blocked_told_ == time_point{} || now - blocked_told_ > std::chrono::minutes{1}) {
            if (at == no_slot) return;
            blocked_told_ = now;
            notify(event_kind::datagrams_blocked, cause::contacted, at, p.subject_key(), out);
        }
    } else if (through_helper) {
        ++counters_.probes_by_helper;
    }
}

template <typename Policies>
void engine<Policies>::relay_ping(wire::message const& m, origin const& from, time_point now, outbox& out) {
    if (from.over_stream) return refuse(gossip_error::message_out_of_place);
    // Only a member's address out of its own signed record is ever pinged for somebody else.
    slot const at = table_.find(m.subject);
    if (at == no_slot || at == self_) return refuse(gossip_error::unknown_subject);
    relay made;
    made.nonce = rng_() | 1U;
    made.asked_nonce = m.nonce;
    made.requester = from.source;
    made.requester_key = from.sender;
    made.announced = announced(table_.find(from.sender), from.source).as != announced_as::nothing;
    made.subject = m.subject;
    probe_plan const plan = detector_.plan(numbers());
    if (plan.helpers_retry) made.repeat = now + numbers().helper_retry;
    made.nacks = plan.nacks;
    made.nack_at = now + numbers().helper_patience;
    if (!relays_.add(made)) return refuse(gossip_error::too_many_relays);
    send_ping(at, table_[at].endpoint(), made.nonce, false, out);
}

template <typename Policies>
void engine<Policies>::tick_relays(time_point now, outbox& out) {
    while (relays_.next() <= now) {
        if (auto const repeated = relays_.to_repeat(now)) {
            if (slot const at = table_.find(repeated->subject); at != no_slot) {
                auto const to = addresses_.to_try(table_[at]);
                for (std::size_t i = 0; i < to.size && i < 2; ++i)
                    send_ping(at, to.where[i], repeated->nonce, false, out);
            }
        }
        if (auto const over = relays_.expired(now); over && over->nacks) {
            send(over->requester, table_.find(over->requester_key), limits::packet, out,
                 [&](wire::packet_writer& packet) { packet.nack(over->asked_nonce); });
        }
    }
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
