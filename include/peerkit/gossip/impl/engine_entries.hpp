// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: entries: this node's own map and what is held of the others', merged, spread and compared.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_ENTRIES_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_ENTRIES_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
result<void> engine<Policies>::put(std::string_view key, byte_view value, time_point now) {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "entry");
    if (auto ok = wire::check_entry_key(key); !ok) return ok;
    if (value.size() > limits::entry_value)
        return fail(gossip_error::entry_too_large, value.size(), "limits::entry_value");
    auto const held = entries_.find(self_, key);
    bool const there = held != membership::entry_store::none && !entries_[held].erased();
    if (there && equal(entries_[held].value(), value)) {
        entries_.mark_own(held); // from an earlier life, perhaps: from now on of this one
        return {};
    }
    if (!there && entries_.count(self_) >= limits::own_entries)
        return fail(gossip_error::too_many_entries, entries_.count(self_), "limits::own_entries");
    std::size_t const size = wire::entry_view::size_of(key, value.size());
    std::size_t const before = there ? entries_[held].bytes().size() : 0;
    if (entries_.bytes(self_) - before + size > limits::own_entry_bytes)
        return fail(gossip_error::too_many_entries, entries_.bytes(self_), "limits::own_entry_bytes");
    if (!make_entry_room(size)) return fail(gossip_error::entries_full, entries_.memory(), "max_entry_bytes");
    return mint_entry(key, value, false, now);
}

template <typename Policies>
result<void> engine<Policies>::erase(std::string_view key, time_point now) {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "entry");
    auto const held = entries_.find(self_, key);
    if (held == membership::entry_store::none || entries_[held].erased())
        return fail(core_error::not_found, 0, "entry");
    return mint_entry(key, {}, true, now);
}

template <typename Policies>
std::optional<wire::entry_view> engine<Policies>::get(node_id const& owner, std::string_view key) const noexcept {
    slot const at = table_.find(owner.short_id());
    if (at == no_slot || table_[at].record().id() != owner) return std::nullopt;
    auto const held = entries_.find(at, key);
    if (held == membership::entry_store::none || entries_[held].erased()) return std::nullopt;
    return entries_[held];
}

/// Signs the next version of one of this node's own keys.
template <typename Policies>
result<void> engine<Policies>::mint_entry(std::string_view key, byte_view value, bool erased, time_point now) {
    std::array<std::byte, wire::entry_view::most> room;
    std::uint64_t const version = std::max(entry_version_, entry_floor_) + 1;
    auto const made = crypto::sign_entry(identity_, options_.network, version, key, value, erased, signing_room_, room);
    if (!made) return fail(made.error());
    if (erased && entries_.erased(self_) >= limits::erased) entry_dropped_ = entry_version_;
    auto const at = entries_.put(self_, *made, now);
    if (at == membership::entry_store::none) return fail(gossip_error::too_many_entries, 0, "entry");
    entry_version_ = version;
    entries_.mark_own(at);
    entries_.push(at);
    table_.set_entries_sum(self_, entries_.sum(self_));
    arm_gossip(now);
    return {};
}

template <typename Policies>
void engine<Policies>::on_entry(byte_view body, origin const& from, reply& answer, time_point now, outbox& out) {
    auto const said = wire::entry_view::parse(body);
    if (!said) {
        ++counters_.malformed;
        return;
    }
    slot const owner = table_.find(said->owner());
    if (owner == no_slot) {
        answer.want(said->owner(), 0);
        return refuse(gossip_error::unknown_subject);
    }
    using enum membership::entry_standing;
    auto const standing = entries_.compare(owner, *said);
    if (standing == same) {
        ++counters_.entries_repeated;
        // In a storm, hearing it from others counts as having told it: they are telling it as well.
        if (!from.in_exchange && entries_.queued() > storm)
            entries_.count(entries_.find(owner, said->key()), transmit_limit());
        return;
    }
    if (standing == older) {
        answer.entry(entries_.find(owner, said->key()));
        return refuse(gossip_error::stale);
    }
    if (!may_take(owner, *said, now)) return;
    bool const conflict = standing == wins || standing == loses;
    if (conflict && owner != self_ && first_conflict(said->owner(), said->version()))
        notify(event_kind::conflict, learnt(from, said->owner()), owner, from.sender, out);
    if (owner == self_) return on_own_entry(*said, standing, from, now, out);
    if (standing == loses) return;
    auto const at = entries_.put(owner, *said, now);
    if (at == membership::entry_store::none) return refuse(gossip_error::too_many_entries);
    entries_.charge(owner, numbers().entry_changes_per_second, now);
    table_.set_entries_sum(owner, entries_.sum(owner));
    ++counters_.entries_learnt;
    ++news_;
    // What a newcomer is told by the cluster it joins, the cluster knows.
    if (joined_ || !from.in_exchange) entries_.push(at);
    notify_entry(*said, from, owner, out);
}

/// The checks that cost, and those of the budgets, in the order of their cost. Only what is signed is charged to its
/// owner, so that nobody can use up the budget of another.
template <typename Policies>
bool engine<Policies>::may_take(slot owner, wire::entry_view const& said, time_point now) {
    auto const refused = [&](gossip_error why) {
        refuse(why);
        return false;
    };
    if (owner != self_ && !entries_.ready(owner, numbers().entry_changes_per_second, now))
        return refused(gossip_error::too_many_entries);
    if (!entry_verifies_.take(now)) return refused(gossip_error::verify_over_budget);
    ++counters_.signatures_checked;
    if (!crypto::verify_entry<signing>(said, table_[owner].record().id(), options_.network, signing_room_))
        return refused(gossip_error::bad_signature);
    // Last, so that nothing goes for what nobody signed.
    if (!make_entry_room(said.bytes().size())) return refused(gossip_error::entries_full);
    return true;
}

/// An entry this node signed and does not hold so: in an earlier life, or another node has its key. What the host has
/// put or erased in this life is said again, above it; anything else of an earlier life is this node's again.
template <typename Policies>
void engine<Policies>::on_own_entry(wire::entry_view const& said, membership::entry_standing standing,
                                    origin const& from, time_point now, outbox& out) {
    if (life_ != life::running) return;
    if (standing == membership::entry_standing::wins || standing == membership::entry_standing::loses)
        notify_own_conflict(now, out);
    auto const held = entries_.find(self_, said.key());
    bool const of_this_life = held != membership::entry_store::none && entries_.own(held);
    bool const erased_since =
        held == membership::entry_store::none && said.version() > entry_floor_ && said.version() <= entry_dropped_;
    if (!of_this_life && !erased_since) {
        if (standing == membership::entry_standing::loses) return;
        auto const at = entries_.put(self_, said, now);
        if (at == membership::entry_store::none) return refuse(gossip_error::too_many_entries);
        entry_version_ = std::max(entry_version_, said.version());
        table_.set_entries_sum(self_, entries_.sum(self_));
        ++news_;
        return notify_entry(said, from, self_, out);
    }
    if (!entry_adoptions_.take(now)) return notify_own_conflict(now, out);
    entry_version_ = std::max(entry_version_, said.version());
    std::array<std::byte, limits::entry_value> kept;
    std::size_t size = 0;
    bool erased = erased_since;
    if (of_this_life) {
        wire::entry_view const mine = entries_[held];
        erased = mine.erased();
        size = mine.value().size();
        copy_bytes(mine.value(), kept);
    }
    if (!mint_entry(said.key(), byte_view{kept}.first(size), erased, now)) refuse(gossip_error::too_many_entries);
}

/// Whether so many bytes may be held; for that, one dead or departed member's entries may have to go. The living lose
/// nothing for others.
template <typename Policies>
bool engine<Policies>::make_entry_room(std::size_t bytes) noexcept {
    if (entries_.fits(bytes)) return true;
    slot victim = no_slot;
    for (int tries = 0; tries < 64; ++tries) {
        slot const at = table_.any(rng_);
        member const& row = table_[at];
        if (!row.used || row.state < member_state::dead || at == self_) continue;
        if (entries_.next(at, membership::entry_store::none) == membership::entry_store::none) continue;
        if (victim == no_slot || row.since < table_[victim].since) victim = at;
    }
    if (victim == no_slot) return false;
    forget_entries(victim);
    return entries_.fits(bytes);
}

template <typename Policies>
void engine<Policies>::forget_entries(slot owner) noexcept {
    if (entries_.empty()) return;
    entries_.forget(owner);
    table_.set_entries_sum(owner, 0);
}

template <typename Policies>
void engine<Policies>::notify_entry(wire::entry_view const& what, origin const& from, slot owner, outbox& out) {
    event e;
    e.kind = what.erased() ? event_kind::entry_erased : event_kind::entry_changed;
    e.why = learnt(from, what.owner());
    e.by = from.sender;
    e.subject = table_[owner].record().id();
    e.incarnation = table_[owner].incarnation();
    e.key = bounded_text<limits::entry_key>::cut(what.key());
    e.version = what.version();
    out.notify(e);
}

template <typename Policies>
bool engine<Policies>::write_entry(byte_view bytes, wire::packet_writer& packet) const noexcept {
    byte_span const body = packet.body(wire::message_type::entry, bytes.size());
    if (body.empty()) return false;
    copy_bytes(bytes, body);
    return true;
}

template <typename Policies>
void engine<Policies>::fill_entries(wire::packet_writer& packet) {
    if (entries_.queued() == 0) return;
    entries_.fill(transmit_limit(), [&](byte_view bytes) { return write_entry(bytes, packet); });
}

/// Bytes that `write_marks` takes.
template <typename Policies>
std::size_t engine<Policies>::marks_size(slot at) const noexcept {
    return wire::message_head + wire::entry_marks_view::head + 4 * entries_.count(at);
}

template <typename Policies>
void engine<Policies>::write_marks(slot at, bool answer, wire::packet_writer& packet) {
    (void)wire::entry_marks_view::write(packet, table_[at].key, answer, record_mark(at), entries_.marks(at));
}

/// What the partner lacks of one member's entries, its record if that is another one, and, if asked for, what is held
/// here, so that the partner can send the rest.
template <typename Policies>
void engine<Policies>::say_entries(byte_view body, comparison_answer& to, time_point now, outbox& out) {
    auto const marks = wire::entry_marks_view::parse(body);
    if (!marks) return void(++counters_.malformed);
    slot const at = table_.find(marks->owner());
    if (at == no_slot) {
        say(wire::digest_kind::repair, to, now, out, [&](wire::packet_writer& packet) {
            packet.composed(wire::message_type::pull, [&](byte_span room) {
                byte_writer pull{room};
                pull.u64(static_cast<std::uint64_t>(marks->owner()));
                pull.u64(0);
                return pull ? pull.position() : 0;
            });
        });
        return;
    }
    member const& row = table_[at];
    bool const other_record = marks->record() != record_mark(at);
    bool const tells = other_record && (row.state != member_state::dead || row.reported);
    std::size_t shared = 0;
    entries_.for_each(
        at, {}, [&](wire::entry_view const& e) { shared += marks->holds(membership::entry_store::mark(e)) ? 1U : 0U; });
    bool const answers = marks->answer() && (other_record || shared < marks->size());
    auto next = membership::entry_store::none;
    auto const skip = [&] { // to the next one that the partner lacks
        do next = entries_.next(at, next);
        while (next != membership::entry_store::none &&
               (entries_[next].erased() || marks->holds(membership::entry_store::mark(entries_[next]))));
        return next != membership::entry_store::none;
    };
    bool more = skip();
    for (bool first = true; more || (first && (tells || answers)); first = false) {
        std::size_t const least = first && (tells || answers) ? 0 : entries_[next].bytes().size();
        constexpr std::size_t around = wire::envelope::head + wire::envelope::tail + 2 * wire::message_head + 13;
        if (to.allowed < around + least) return;
        bool const said = say(wire::digest_kind::repair, to, now, out, [&](wire::packet_writer& packet) {
            if (first && tells && packet.remaining() >= member_size(at)) write_member(at, packet);
            if (first && answers) write_marks(at, false, packet);
            for (; more && write_entry(entries_[next].bytes(), packet); more = skip()) ++counters_.entries_repaired;
        });
        if (!said) return;
    }
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
