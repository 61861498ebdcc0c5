// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: probing members, directly, through helpers and by stream; probing for others.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_PROBING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_PROBING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
void engine<Policies>::tick_probe(time_point now, outbox& out) {
    if (next_probe_ <= now) begin_probe(now);
    for (;;) {
        switch (probe_.due(now)) {
        case probe_step::wait: return;
        case probe_step::ping: ping_subject(out); break;
        case probe_step::ask: ask_helpers(now, out); break;
        case probe_step::verdict: conclude_probe(now, out); break;
        }
    }
}

template <typename Policies>
void engine<Policies>::begin_probe(time_point now) {
    // Periods are counted from where they should have begun, so that lateness does not add up.
    next_probe_ = std::max(saturating_add(next_probe_, detector_.period(numbers())), now + numbers().probe_period / 2);
    if (now < yield_until_) return; // nobody answers a node whose key another one uses
    slot const target = next_target();
    if (target == no_slot) return;
    ++counters_.probes;
    // A better address than the one in use is tried now and then: it may work again.
    member& row = table_[target];
    bool const look = row.several && (addresses_.wants_look(row) || (rng_() & 7U) == 0);
    probe_.begin(target, row.key, rng_() | 1U, addresses_.to_try(row, look), detector_.plan(numbers()), now);
}

/// The next member of this pass; a new random order begins each pass, so that every member is probed once per pass.
template <typename Policies>
membership::slot engine<Policies>::next_target() noexcept {
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

/// Whether the row of the probe's subject still is its subject's.
template <typename Policies>
bool engine<Policies>::subject_held() const noexcept {
    member const& row = table_[probe_.subject()];
    return row.used && row.key == probe_.subject_key();
}

template <typename Policies>
void engine<Policies>::send_ping(slot to, ip_endpoint const& where, std::uint64_t nonce, outbox& out) {
    send(where, to, limits::packet, out, [&](wire::packet_writer& packet) {
        packet.ping(nonce, incarnation_);
        // The accused hears of it with the question (Lifeguard's buddy rule), so its answer can already refute.
        if (table_[to].state != member_state::alive) (void)write_update(to, packet);
        fill_updates(packet);
    });
}

template <typename Policies>
void engine<Policies>::ping_subject(outbox& out) {
    if (!subject_held()) return probe_.end();
    probe_.for_each_due_address(
        [&](std::size_t i) { send_ping(probe_.subject(), probe_.address(i), probe_.nonce_at(i), out); });
}

template <typename Policies>
void engine<Policies>::ask_helpers(time_point now, outbox& out) {
    if (!subject_held()) return probe_.end();
    for (unsigned asked = 0, tries = 0; asked < probe_.plan().helpers && tries < 32u; ++tries) {
        slot const at = random_alive(probe_.subject_key());
        if (at == no_slot) break;
        if (!probe_.ask(table_[at].key)) continue;
        ++asked;
        send(table_[at].endpoint(), at, limits::packet, out, [&](wire::packet_writer& packet) {
            packet.indirect_ping(probe_.nonce(), probe_.subject_key());
            fill_updates(packet);
        });
    }
    if (numbers().stream_fallback) dial_subject(now, out);
}

/// Tries the next address of the probe's subject by stream, until there is none.
template <typename Policies>
void engine<Policies>::dial_subject(time_point now, outbox& out) {
    auto const where = probe_.next_dial();
    if (!where) return;
    if (auto const made = dial(*where, purpose::probe, exchange_reason::periodic, now, out))
        find_stream(*made)->nonce = probe_.nonce();
}

template <typename Policies>
void engine<Policies>::conclude_probe(time_point now, outbox& out) {
    ++counters_.probes_failed;
    slot const at = probe_.subject();
    if (!subject_held() || table_[at].state > member_state::suspect) return;
    addresses_.silent(table_[at]);
    if (!detector_.failed(probe_.failure())) {
        ++counters_.probes_unsure;
        return;
    }
    suspect(at, std::span{&key_, 1}, cause::probe_failed, now, out);
}

template <typename Policies>
void engine<Policies>::probe_answered(std::size_t address, bool over_stream, bool through_helper, time_point now,
                                      outbox& out) {
    detector_.answered(probe_.subject_key(), !over_stream && !through_helper);
    probe_.end();
    if (!over_stream && !through_helper && subject_held())
        addresses_.answered(table_[probe_.subject()], probe_.address(address));
    if (over_stream) {
        ++counters_.probes_by_stream;
        if (blocked_told_ == time_point{} || now - blocked_told_ > std::chrono::minutes{1}) {
            if (!subject_held()) return;
            blocked_told_ = now;
            notify(event_kind::datagrams_blocked, cause::contacted, probe_.subject(), probe_.subject_key(), out);
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
    send_ping(at, table_[at].endpoint(), made.nonce, out);
}

template <typename Policies>
void engine<Policies>::tick_relays(time_point now, outbox& out) {
    while (relays_.next() <= now) {
        if (auto const repeated = relays_.to_repeat(now)) {
            if (slot const at = table_.find(repeated->subject); at != no_slot) {
                auto const to = addresses_.to_try(table_[at]);
                for (std::size_t i = 0; i < to.size && i < 2; ++i) send_ping(at, to.where[i], repeated->nonce, out);
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
