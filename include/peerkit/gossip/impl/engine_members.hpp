// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: records and accusations of others, the states of members.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_MEMBERS_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_MEMBERS_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
void engine<Policies>::on_record(byte_view bytes, origin const& from, reply& answer, time_point now, outbox& out) {
    auto const key = wire::record_view::peek(bytes);
    if (!key) {
        ++counters_.malformed;
        return;
    }
    if (key->subject == key_) return on_own_record(bytes, *key, answer, now, out);
    slot const at = table_.find(key->subject);
    if (at != no_slot) {
        member const& row = table_[at];
        if (key->incarnation < row.incarnation()) return refuse(gossip_error::stale);
        if (key->incarnation == row.incarnation() && equal(bytes, row.record_bytes())) {
            ++counters_.duplicates;
            // In a storm, hearing it from others counts as having told it: they are telling it as well.
            if (row.queued && !from.in_exchange && queue_.size() > storm) queue_.count(table_, at, transmit_limit());
            return;
        }
    }
    auto const record = wire::record_view::parse(bytes);
    // A member that is nowhere can be neither probed nor told.
    if (!record || !record->first_endpoint()) {
        ++counters_.malformed;
        return;
    }
    if (at != no_slot && table_[at].record().id() != record->id()) return refuse(gossip_error::short_id_taken);
    if (!trustworthy(*record, from, at != no_slot, now)) return;
    if (!claim_name(*record, at, now, out)) return;
    if (at == no_slot) return insert(*record, from, now, out);
    if (record->incarnation() > table_[at].incarnation()) return renew(at, *record, from, now, out);

    // Two signed records with one incarnation: a cloned key. Everybody keeps the same one, whatever came first.
    bool const wins = record->left() != (table_[at].state == member_state::left)
                          ? record->left()
                          : std::lexicographical_compare(table_[at].record_bytes().begin(),
                                                         table_[at].record_bytes().end(), bytes.begin(), bytes.end());
    if (wins) {
        member_state const held = table_[at].state;
        remember(at, now);
        table_.replace(at, *record);
        addresses_.learn(table_[at]);
        if (record->left() && held != member_state::left) {
            suspicions_.stop(table_, at);
            set_state(at, member_state::left, now);
            if (held != member_state::dead && table_[at].reported) {
                notify(event_kind::member_left, cause::said_goodbye, at, from.sender, out);
                notify_if_alone(out);
            }
        }
        queue_.push(table_, at);
    }
    if (first_conflict(key->subject, key->incarnation))
        notify(event_kind::conflict, learnt(from, key->subject), at, from.sender, out);
}

/// Whether a conflict is new to the host. The losing record goes on circulating and is told of once.
template <typename Policies>
bool engine<Policies>::first_conflict(short_id subject, std::uint64_t incarnation) noexcept {
    std::pair const what{subject, incarnation};
    if (std::find(conflicts_.begin(), conflicts_.end(), what) != conflicts_.end()) return false;
    conflicts_[conflict_at_++ % conflicts_.size()] = what;
    return true;
}

/// The checks that cost, in the order of their cost; everything cheap was done by the caller.
template <typename Policies>
bool engine<Policies>::trustworthy(wire::record_view const& record, origin const& from, bool known, time_point now) {
    if (!handler_.admits(record.id())) {
        refuse(gossip_error::not_admitted);
        return false;
    }
    if (!verifies_.take(now)) {
        refuse(gossip_error::verify_over_budget);
        return false;
    }
    ++counters_.signatures_checked;
    if (!crypto::verify_record<signing>(record, options_.network)) {
        refuse(gossip_error::bad_signature);
        return false;
    }
    announcement_context const context{from.source, from.sender == record.short_id(), from.over_stream, known};
    if (handler_.on_announcement(record, context) == verdict::refuse) {
        refuse(gossip_error::refused_by_handler);
        return false;
    }
    return true;
}

template <typename Policies>
void engine<Policies>::insert(wire::record_view const& record, origin const& from, time_point now, outbox& out) {
    if (table_.size() >= table_.max_size()) {
        slot const victim = evictable(now);
        if (victim == no_slot) return refuse(gossip_error::table_full);
        forget(victim, cause::evicted, out);
    }
    // A member that was dead or gone here for so long that it was forgotten does not come back because somebody else
    // has not heard of it. If it lives, it will be called, and say so itself.
    bool const old_news =
        from.sender != record.short_id() && forgotten_.covers(record.short_id(), record.incarnation());
    if ((from.as_dead || old_news) && !record.left()) {
        // Known as a tombstone only. It is remembered and called now and then, but not passed on: if every newcomer
        // did, tombstones would go round for ever.
        slot const at = table_.insert(record, member_state::dead, now);
        unknown_.recall(record.short_id(), table_[at].window);
        addresses_.learn(table_[at]);
        return;
    }
    slot const at = table_.insert(record, record.left() ? member_state::left : member_state::alive, now);
    unknown_.recall(record.short_id(), table_[at].window);
    addresses_.learn(table_[at]);
    note_name(at);
    ++news_;
    // What a newcomer is told by the cluster it joins, the cluster knows.
    if ((joined_ || !from.in_exchange) && !from.introduced) queue_.push(table_, at);
    if (record.left()) return;
    probe_soon(at);
    evidence_ = {};
    watched_.stale();
    if constexpr (detector::traits.watch == watching::ring) ring_.came(at, table_[at].key, key_);
    table_[at].reported = true;
    if (from.in_exchange && from.sender != record.short_id()) ++brought_;
    notify(event_kind::member_up, learnt(from, record.short_id()), at, from.sender, out);
}

template <typename Policies>
result<void> engine<Policies>::introduce(byte_view bytes, time_point now, outbox& out) {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "introduce");
    note_time(now);
    auto const record = wire::record_view::parse(bytes);
    if (!record) return tl::unexpected{record.error()};
    if (record->short_id() == key_ || record->left() || !record->first_endpoint()) return {};
    slot const at = table_.find(record->short_id());
    if (at != no_slot) {
        if (table_[at].record().id() != record->id()) return fail(gossip_error::short_id_taken, 0, "introduce");
        if (record->incarnation() <= table_[at].incarnation()) return {};
    }
    if (!handler_.admits(record->id())) return fail(gossip_error::not_admitted, 0, "introduce");
    if (!crypto::verify_record<signing>(*record, options_.network))
        return fail(gossip_error::bad_signature, 0, "introduce");
    ++counters_.signatures_checked;
    if (handler_.on_announcement(*record, {{}, false, false, at != no_slot}) == verdict::refuse)
        return fail(gossip_error::refused_by_handler, 0, "introduce");
    origin from;
    from.introduced = true;
    if (at == no_slot) {
        insert(*record, from, now, out);
        if (table_.find(record->short_id()) == no_slot) return fail(gossip_error::table_full, 0, "introduce");
    } else {
        renew(at, *record, from, now, out);
    }
    if (!joined_) tell_joined(cause::requested, record->short_id(), record->first_endpoint(), out);
    return {};
}

template <typename Policies>
void engine<Policies>::renew(slot at, wire::record_view const& record, origin const& from, time_point now,
                             outbox& out) {
    member& row = table_[at];
    member_state const before = row.state;
    bool const changed = !equal(row.record().said(), record.said());
    remember(at, now);
    suspicions_.stop(table_, at);
    table_.replace(at, record);
    addresses_.learn(row);
    note_name(at);
    ++news_;
    queue_.push(table_, at);
    if (record.left()) {
        set_state(at, member_state::left, now);
        if (before <= member_state::suspect) {
            notify(event_kind::member_left, cause::said_goodbye, at, from.sender, out);
            notify_if_alone(out);
        }
        return;
    }
    set_state(at, member_state::alive, now);
    switch (before) {
    case member_state::alive:
        if (changed) notify(event_kind::member_updated, learnt(from, row.key), at, from.sender, out);
        break;
    case member_state::suspect:
        notify(event_kind::member_refuted, cause::refuted, at, from.sender, out);
        if (changed) notify(event_kind::member_updated, learnt(from, row.key), at, from.sender, out);
        break;
    case member_state::dead:
    case member_state::left:
        row.reported = true;
        if (from.in_exchange && from.sender != row.key) ++brought_;
        probe_soon(at);
        notify(event_kind::member_up, learnt(from, row.key), at, from.sender, out);
        break;
    }
}

template <typename Policies>
void engine<Policies>::on_accusation(wire::message const& m, origin const& from, reply& answer, time_point now,
                                     outbox& out) {
    if (m.subject == key_) {
        if (m.incarnation < incarnation_) {
            answer.announce(self_);
            return refuse(gossip_error::stale);
        }
        if (m.incarnation > incarnation_) {
            answer.want(key_, incarnation_);
            return refuse(gossip_error::unproven);
        }
        if (life_ == life::running) {
            refute(m.accusers[0], now, out);
            answer.announce(self_);
        }
        return;
    }
    slot const at = table_.find(m.subject);
    if (at == no_slot) {
        answer.want(m.subject, 0);
        return refuse(gossip_error::unknown_subject);
    }
    member const& row = table_[at];
    if (m.incarnation > row.incarnation()) {
        answer.want(m.subject, row.incarnation());
        return refuse(gossip_error::unproven);
    }
    if (m.incarnation < row.incarnation()) {
        answer.announce(at);
        return refuse(gossip_error::stale);
    }
    if (row.state >= member_state::dead) return;
    bool const final = m.type == wire::message_type::dead;
    if constexpr (detector::traits.bury == burying::after_a_look) {
        // Whoever is asked in vain once more has had its chance to refute, wherever the news is from.
        suspect(at, m.accuser_list(), cause::accused, now, out);
        if (final && table_[at].state == member_state::suspect) suspicions_.hurry(table_, at);
        return;
    }
    // Merged from a state exchange, "dead" may be old news of a partition: the subject gets its chance to refute.
    if (final && !from.in_exchange) {
        return declare_dead(at, cause::declared_by_other, m.accusers[0], now, out);
    }
    suspect(at, m.accuser_list(), cause::accused, now, out);
}

template <typename Policies>
void engine<Policies>::suspect(slot at, std::span<short_id const> accusers, cause why, time_point now, outbox& out) {
    if (table_[at].state == member_state::suspect) {
        if (suspicions_.confirm(table_, at, accusers) != 0) queue_.push(table_, at);
        return;
    }
    if (suspicions_.full()) return refuse(gossip_error::too_many_suspicions);
    auto const bounds = detector_.suspicion(numbers(), table_.reachable());
    remember(at, now);
    set_state(at, member_state::suspect, now);
    suspicions_.start(table_, at, accusers, bounds, now);
    queue_.push(table_, at);
    notify(event_kind::member_suspected, why, at, accusers.front(), out);
}

template <typename Policies>
void engine<Policies>::declare_dead(slot at, cause why, short_id by, time_point now, outbox& out) {
    remember(at, now);
    suspicions_.stop(table_, at);
    set_state(at, member_state::dead, now);
    detector_.confirmed(table_[at].key);
    last_death_ = now;
    queue_.push(table_, at);
    notify(event_kind::member_dead, why, at, by, out);
    notify_if_alone(out);
}

/// A member's state changes: so may the place on the ring.
template <typename Policies>
void engine<Policies>::set_state(slot at, member_state state, time_point now) noexcept {
    table_.set_state(at, state, now);
    watched_.stale();
    if constexpr (detector::traits.watch == watching::ring) {
        if (state == member_state::alive)
            ring_.came(at, table_[at].key, key_);
        else
            ring_.went(table_[at].key);
    }
}

/// Whether whoever signed this may have the name in it. The one who has it so far is dropped if its claim is worse.
template <typename Policies>
bool engine<Policies>::claim_name(wire::record_view const& record, slot own, time_point now, outbox& out) {
    if (options_.names == name_policy::allow || record.left()) return true;
    slot const holder = names_.find(table_, record.name(), own);
    if (holder == no_slot) return true;
    bool const wins = wins_name(options_.names, record.key(), table_[holder].record().key());
    if (!wins || holder == self_) {
        // The host hears of a newcomer that is refused, and of having lost its own name, once.
        node_id const loser = wins ? id_ : record.id();
        if (!wins) refuse(gossip_error::name_taken);
        if (first_conflict(loser.short_id(), 0)) {
            event e;
            e.kind = event_kind::refused;
            e.why = cause::name_taken;
            e.subject = loser;
            e.incarnation = wins ? incarnation_ : record.incarnation();
            e.by = wins ? record.short_id() : table_[holder].key;
            e.what = error{gossip_error::name_taken, 0, "name"};
            out.notify(e);
        }
        return wins;
    }
    remember(holder, now);
    suspicions_.stop(table_, holder);
    set_state(holder, member_state::dead, now);
    if (table_[holder].reported) notify(event_kind::member_dead, cause::name_taken, holder, record.short_id(), out);
    forget(holder, cause::name_taken, out);
    return true;
}

template <typename Policies>
void engine<Policies>::forget(slot at, cause why, outbox& out) {
    remember(at, last_input_);
    if (table_[at].reported) notify(event_kind::member_removed, why, at, key_, out);
    queue_.remove(table_, at);
    suspicions_.stop(table_, at);
    contacts_.forget(at);
    names_.clear(at);
    forgotten_.add(table_[at].key, table_[at].incarnation());
    forget_entries(at);
    table_.erase(at);
}

/// The oldest of some tombstones chosen at random; living members are never evicted for a newcomer.
template <typename Policies>
membership::slot engine<Policies>::evictable(time_point now) noexcept {
    slot oldest = no_slot;
    time_point since = now;
    for (int tries = 0; tries < 64; ++tries) {
        slot const at = table_.any(rng_);
        member const& row = table_[at];
        if (!row.used || row.state < member_state::dead || row.since > since || at == self_) continue;
        oldest = at;
        since = row.since;
    }
    return oldest;
}

template <typename Policies>
void engine<Policies>::notify_if_alone(outbox& out) {
    if (!joined_ || life_ != life::running || table_.reachable() > 1) return;
    joined_ = false;
    notify(event_kind::isolated, cause::alone, self_, key_, out);
}

template <typename Policies>
void engine<Policies>::notify(event_kind kind, cause why, slot at, short_id by, outbox& out, std::uint32_t count) {
    event e;
    e.kind = kind;
    e.why = why;
    e.by = by;
    e.subject = table_[at].record().id();
    e.incarnation = table_[at].incarnation();
    e.where = table_[at].endpoint();
    e.count = count;
    attach_evidence(e, at);
    journal_.note(e, last_input_);
    out.notify(e);
}

template <typename Policies>
cause engine<Policies>::learnt(origin const& from, short_id subject) const noexcept {
    if (from.introduced) return cause::requested;
    return from.in_exchange ? cause::state_exchange : from.sender == subject ? cause::contacted : cause::announced;
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
