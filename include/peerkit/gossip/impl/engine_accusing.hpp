// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: asking others about somebody silent, answering when asked, and the last look before somebody is held dead.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_ACCUSING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_ACCUSING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Nobody said anything for three periods: this node is cut off, or the last one left. Who cannot be heard can harm
/// nobody by judging alone.
template <typename Policies>
bool engine<Policies>::lonely(time_point now) const noexcept {
    return now - last_heard_ > numbers().probe_period * 3;
}

/// This node does not reach a member. What follows is the detector's manner.
template <typename Policies>
void engine<Policies>::accuse(slot at, time_point now, outbox& out) {
    if constexpr (detector::traits.accuse == accusing::quietly) {
        member const& row = table_[at];
        if (row.state == member_state::alive && !lonely(now)) {
            if (accusations_.find(row.key) != nullptr) return;
            jury const asked{table_, key_, row.key, row.incarnation()};
            if (asked.size() != 0) {
                if (accusations_.full()) {
                    ++counters_.probes_unsure;
                    return;
                }
                ++counters_.accusations;
                accusation const made{row.key, row.incarnation(), rng_() | 1U, asked, accusations_.needed(row.key),
                                      now};
                accusations_.add(made);
                ask_jury(made, out);
                return arm_accusations();
            }
        }
    }
    suspect(at, std::span{&key_, 1}, cause::probe_failed, now, out);
}

template <typename Policies>
void engine<Policies>::ask_jury(accusation const& a, outbox& out) {
    a.for_each_silent([&](short_id asked) {
        slot const at = table_.find(asked);
        if (at == no_slot || table_[at].state != member_state::alive) return;
        send(table_[at].endpoint(), at, limits::packet, out, [&](wire::packet_writer& packet) {
            packet.check(a.nonce(), a.subject(), a.incarnation());
            fill_updates(packet);
        });
    });
}

/// Tells everybody, with the names of those who tried as well. While there are few names and others can be asked, they
/// are: many members of the jury may be gone as well.
template <typename Policies>
void engine<Policies>::publish(accusation& a, time_point now, outbox& out) {
    std::array<short_id, limits::accusers> names{};
    std::size_t count = 0;
    names[count++] = key_;
    for (short_id const witness : a.witnesses()) names[count++] = witness;
    a.published();
    short_id const subject = a.subject();
    slot const at = table_.find(subject);
    if (a.proven(witnesses) || !a.widen(now))
        accusations_.remove(subject);
    else
        ask_jury(a, out);
    suspect(at, std::span{names}.first(count), cause::probe_failed, now, out);
}

template <typename Policies>
void engine<Policies>::arm_accusations() noexcept {
    probe_plan const whole = detector_.plan(numbers());
    duration const again = whole.helpers_again - whole.helpers_after;
    duration const patience = inquiry_plan(whole).verdict_after + again;
    next_accusation_ = never;
    for (std::size_t i = 0; i < accusations_.size(); ++i)
        next_accusation_ =
            std::min(next_accusation_, accusations_[i].begun() + (accusations_[i].repeated() ? patience : again));
}

/// The questions are repeated once. Whoever nobody heard by then is accused; if nobody answered at all, others are
/// asked, and then it is taken for this node's own fault.
template <typename Policies>
void engine<Policies>::tick_accusations(time_point now, outbox& out) {
    if (next_accusation_ > now) return;
    probe_plan const whole = detector_.plan(numbers());
    duration const again = whole.helpers_again - whole.helpers_after;
    duration const patience = inquiry_plan(whole).verdict_after + again;
    for (std::size_t i = 0; i < accusations_.size();) {
        accusation& a = accusations_[i];
        slot const at = table_.find(a.subject());
        if (at == no_slot || table_[at].state > member_state::suspect || table_[at].incarnation() != a.incarnation()) {
            accusations_.remove(a.subject());
            continue;
        }
        ++i;
        if (!a.repeated() && now - a.begun() >= again) {
            a.repeat();
            ask_jury(a, out);
        }
        if (now - a.begun() < patience) continue;
        if (!a.answered() && a.widen(now)) {
            ask_jury(a, out);
            continue;
        }
        --i;
        if (!a.witnesses().empty() && !a.is_published()) {
            publish(a, now, out);
            continue;
        }
        if (a.is_published() && a.widen(now)) {
            ask_jury(a, out);
            continue;
        }
        if (a.is_published()) {
            accusations_.remove(a.subject());
            continue;
        }
        if (a.answered())
            accusations_.let_go(a.subject());
        else
            ++counters_.probes_unsure;
        accusations_.remove(a.subject());
    }
    arm_accusations();
}

/// A member of the jury has tried.
template <typename Policies>
void engine<Policies>::on_verdict(wire::message const& m, origin const& from, reply& answer, time_point now,
                                  outbox& out) {
    accusation* const a = from.over_stream ? nullptr : accusations_.by_nonce(m.nonce);
    bool const heard = m.type == wire::message_type::heard;
    if (a == nullptr || !a->answer(from.sender, heard)) return refuse(gossip_error::unexpected_ack);
    answer.answered = true;
    short_id const subject = a->subject();
    if (!heard) detector_.confirmed(subject);
    slot const at = table_.find(subject);
    if (at == no_slot || table_[at].state > member_state::suspect || table_[at].incarnation() != a->incarnation()) {
        accusations_.remove(subject);
    } else if (a->is_published()) {
        if (!heard) publish(*a, now, out);
    } else if (a->refuted()) {
        ++counters_.accusations_let_go;
        accusations_.let_go(subject);
        accusations_.remove(subject);
    } else if (a->proven(witnesses)) {
        publish(*a, now, out);
    } else {
        return;
    }
    arm_accusations();
}

/// A member asks whether somebody can be reached from here.
template <typename Policies>
void engine<Policies>::on_check(wire::message const& m, origin const& from, reply& answer, time_point now,
                                outbox& out) {
    if (from.over_stream) return refuse(gossip_error::message_out_of_place);
    slot const at = table_.find(m.subject);
    slot const asker = table_.find(from.sender);
    if (at == no_slot || at == self_ || asker == no_slot) return refuse(gossip_error::unknown_subject);
    member const& row = table_[at];
    if (row.incarnation() > m.incarnation || row.state == member_state::left) return answer.announce(at);
    if (row.incarnation() < m.incarnation) answer.want(m.subject, row.incarnation());
    if (row.state == member_state::dead) {
        // It was looked at from here before it was held dead.
        answer.announce(at);
        return send(from.source, asker, limits::packet, out,
                    [&](wire::packet_writer& packet) { packet.unheard(m.nonce); });
    }
    if (!detector_.sound() || inquiries_.holds(from.sender, m.subject)) return;
    if (!inquiries_.room_for(from.sender)) return refuse(gossip_error::too_many_relays);
    inquiry made;
    made.asker = from.sender;
    made.asked_nonce = m.nonce;
    made.where = from.source;
    inquire(at, made, now, out);
    tick_inquiries(now, out);
}

template <typename Policies>
void engine<Policies>::inquire(slot at, inquiry made, time_point now, outbox&) {
    ++counters_.inquiries;
    member& row = table_[at];
    bool const look = row.several && (addresses_.wants_look(row) || (rng_() & 7U) == 0);
    made.probe.begin(at, row.key, rng_() | 1U, addresses_.to_try(row, look), inquiry_plan(detector_.plan(numbers())),
                     now);
    inquiries_.add(made);
}

template <typename Policies>
void engine<Policies>::tick_inquiries(time_point now, outbox& out) {
    if (inquiries_.next() > now) return;
    for (std::size_t i = 0; i < inquiries_.size();) {
        probe_step const step = inquiries_[i].probe.due(now);
        if (step == probe_step::verdict) {
            inquiry const over = inquiries_[i];
            inquiries_.remove(i);
            conclude_inquiry(over, now, out);
        } else if (step != probe_step::wait) {
            take_step(inquiries_[i].probe, step, now, out);
        } else if (!inquiries_[i].probe.active()) {
            inquiries_.remove(i);
        } else {
            ++i;
        }
    }
    inquiries_.refresh();
}

template <typename Policies>
void engine<Policies>::conclude_inquiry(inquiry const& over, time_point now, outbox& out) {
    slot const at = subject_of(over.probe);
    if (!over.own()) {
        if (slot const asker = table_.find(over.asker); asker != no_slot && detector_.sound()) {
            send(over.where, asker, limits::packet, out,
                 [&](wire::packet_writer& packet) { packet.unheard(over.asked_nonce); });
        }
        return;
    }
    if (at == no_slot || table_[at].state > member_state::suspect) return;
    walk_on(table_[at].key, now, out);
    if (detector_.sound() || lonely(now)) accuse(at, now, out);
}

template <typename Policies>
void engine<Policies>::inquiry_answered(std::size_t i, std::size_t address, origin const& from, time_point now,
                                        outbox& out) {
    inquiry const over = inquiries_[i];
    inquiries_.remove(i);
    inquiries_.refresh();
    short_id const subject = over.probe.subject_key();
    accusations_.trust(subject);
    subject_answered(over.probe, address, from.over_stream, from.sender != subject, now, out);
    if (over.own()) return;
    if (slot const asker = table_.find(over.asker); asker != no_slot) {
        send(over.where, asker, limits::packet, out,
             [&](wire::packet_writer& packet) { packet.heard(over.asked_nonce); });
    }
}

/// Somebody on the ring is silent, and may have been the one to watch those behind it: the next two are tried at once,
/// and behind each of those that is silent two more.
template <typename Policies>
void engine<Policies>::walk_on(short_id silent, time_point now, outbox& out) {
    if constexpr (detector::traits.watch == watching::ring) {
        std::uint64_t from = ring_.distance(key_, silent);
        for (int begun = 0; begun < 2 && inquiries_.room_for({});) {
            slot const at = ring_.after(table_, key_, from);
            if (at == no_slot) return;
            short_id const key = table_[at].key;
            from = ring_.distance(key_, key);
            if (accusations_.find(key) != nullptr || inquiries_.holds({}, key)) continue;
            if (probe_.active() && probe_.subject_key() == key) continue;
            inquire(at, {}, now, out);
            ++begun;
        }
    }
}

/// Of the last look at a member before it is held dead: known to whom it was sent, and needs not be kept. Every
/// incarnation has another, so that an answer of before is none.
template <typename Policies>
std::uint64_t engine<Policies>::look_nonce(member const& subject) const noexcept {
    std::uint64_t const mixed = static_cast<std::uint64_t>(subject.key) ^ look_secret_;
    return ring_place(static_cast<short_id>(mixed + subject.incarnation()), 0) | 1U;
}

/// Suspicions run out in death, but nobody is held dead whom this node did not itself ping in vain, as often as the
/// suspicion says. The ping carries the accusation, so that the answer refutes it. How many are looked at in a second
/// is bounded; the others wait.
template <typename Policies>
void engine<Policies>::tick_suspicions(time_point now, outbox& out) {
    for (slot at = suspicions_.expired(now); at != no_slot; at = suspicions_.expired(now)) {
        membership::suspicion const& s = suspicions_[table_[at].suspicion];
        if (!s.to_look()) {
            declare_dead(at, cause::suspicion_expired, s.names().front(), now, out);
        } else if (!looks_.take(now)) {
            suspicions_.defer(table_, at, now + numbers().eager_interval);
        } else {
            ++counters_.looks;
            if (look_secret_ == 0) look_secret_ = rng_() | 1U;
            auto const to = addresses_.to_try(table_[at]);
            for (std::size_t i = 0; i < to.size && i < 2; ++i)
                send_ping(at, to.where[i], look_nonce(table_[at]), false, out);
            suspicions_.looked(table_, at, now);
        }
    }
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
