// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: how members answer, and where they see this node.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_OBSERVING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_OBSERVING_HPP

#include <peerkit/gossip/engine.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
explanation::witness engine<Policies>::witness(short_id key) const {
    slot const at = table_.find(key);
    return {key, at == no_slot ? std::string{} : std::string{table_[at].record().name()}};
}

template <typename Policies>
std::optional<explanation> engine<Policies>::explain(node_id const& id, time_point now) const {
    slot const at = table_.find(id.short_id());
    if (at == no_slot || table_[at].record().id() != id) return std::nullopt;
    member const& row = table_[at];
    wire::record_view const record = row.record();
    explanation made;
    made.id = id;
    made.name = std::string{record.name()};
    made.is_self = at == self_;
    made.state = row.state;
    made.in_state = std::max(now - row.since, duration::zero());
    made.incarnation = record.incarnation();
    made.reported = row.reported;
    made.asked = now;
    if (row.suspicion != member::no_suspicion) {
        membership::suspicion const& running = suspicions_[row.suspicion];
        for (short_id const accuser : running.names()) made.accusers.push_back(witness(accuser));
        made.left_to_refute = std::max(running.deadline - now, duration::zero());
        made.confirmations = static_cast<std::uint8_t>(running.bounds.confirmations);
    }
    made.probed_now = probe_.active() && probe_.subject_key() == row.key;
    member_view const seen = view(at, row);
    made.round_trip = seen.round_trip();
    if (auto const heard = seen.last_heard(now)) made.last_heard = now - *heard;
    membership::address_book::endpoints const ways = addresses_.to_try(row);
    for (std::size_t i = 0; i < ways.size; ++i) {
        explanation::way way{ways.where[i]};
        way.in_use = i == 0;
        way.proven = i == 0 && row.proven != 0;
        std::size_t index = record.index_of(way.where).value_or(0);
        for (typed_address const& a : record.addresses()) {
            if (index-- == 0) way.kind = a.kind;
        }
        made.ways.push_back(way);
    }
    journal_.for_each(row.key, [&](journal_entry const& entry) {
        made.changes.push_back({std::max(now - entry.at, duration::zero()), entry.kind, entry.why, witness(entry.by)});
    });
    return made;
}

/// To be called before the state of a row changes: what the event of it will tell of the state that ends.
template <typename Policies>
void engine<Policies>::remember(slot at, time_point now) noexcept {
    member const& row = table_[at];
    evidence_ = {std::max(now - row.since, duration::zero()), {}, 0};
    if (row.suspicion != member::no_suspicion) evidence_.accused_by(suspicions_[row.suspicion].names());
}

template <typename Policies>
void engine<Policies>::attach_evidence(event& e, slot at) noexcept {
    switch (e.kind) {
    case event_kind::member_suspected:
        if (table_[at].suspicion != member::no_suspicion)
            evidence_.accused_by(suspicions_[table_[at].suspicion].names());
        break;
    case event_kind::member_dead:
        if (evidence_.accuser_count == 0) evidence_.accused_by({&e.by, 1});
        break;
    case event_kind::member_up: evidence_.accuser_count = 0; break;
    case event_kind::member_refuted:
    case event_kind::member_left:
    case event_kind::member_removed: break;
    default: return; // not a change of state
    }
    e.age = evidence_.age;
    e.accusers = evidence_.accusers;
    e.accuser_count = evidence_.accuser_count;
}

/// Whether a member came up in the last ten seconds: what meets now says hello first.
template <typename Policies>
bool engine<Policies>::just_came(short_id key, time_point now) const noexcept {
    slot const at = table_.find(key);
    return at != no_slot && at != self_ && table_[at].state <= member_state::suspect &&
           now - table_[at].since < std::chrono::seconds{10};
}

/// One newcomer is a join. A newcomer that brings others to a node that had company is another cluster.
template <typename Policies>
void engine<Policies>::notice_merge(stream_state const& s, time_point now, outbox& out) {
    if (s.brought == 0 || s.alive_before < 2 || life_ != life::running || !just_came(s.partner, now)) return;
    event e;
    e.kind = event_kind::cluster_merged;
    e.why = cause::state_exchange;
    e.subject = id_;
    e.incarnation = incarnation_;
    e.by = s.partner;
    e.where = s.where;
    e.count = s.brought + 1;
    out.notify(e);
}

/// An answer of the probe's subject itself, to a ping of this node: the only ones that tell how long the way is.
template <typename Policies>
void engine<Policies>::note_round_trip(std::uint64_t nonce, origin const& from, time_point now) {
    if (from.over_stream || from.sender != probe_.subject_key() || subject_of(probe_) == no_slot) return;
    if (auto const taken = probe_.under_way(nonce, now)) contacts_.trips.note(probe_.subject(), *taken);
}

/// The record of what the host says, and of where others see this node if that is to be said and there is room.
template <typename Policies>
result<wire::record_view> engine<Policies>::sign_self(std::uint64_t incarnation, bool left, byte_span room) const {
    if (options_.advertise_observed && observed_.any()) {
        description more = options_.self;
        for (ip_family const family : {ip_family::v4, ip_family::v6}) {
            ip_endpoint const seen = observed_.believed(family);
            if (seen && more.addresses.size() < limits::addresses)
                more.addresses.push_back({seen.address, seen.port, address_kind::observed});
        }
        auto record = crypto::sign_record(identity_, options_.network, more, incarnation, left, room);
        if (record) return record;
    }
    return crypto::sign_record(identity_, options_.network, options_.self, incarnation, left, room);
}

/// A member tells where it sees this node. Only an answer counts, and only what several tell is believed.
template <typename Policies>
void engine<Policies>::on_observed(wire::message const& m, origin const& from, reply const& answer, time_point now,
                                   outbox& out) {
    if (from.over_stream || !answer.answered) return refuse(gossip_error::message_out_of_place);
    slot const at = table_.find(from.sender);
    if (at == no_slot || table_[at].state > member_state::suspect) return refuse(gossip_error::unknown_subject);
    ip_endpoint const where = m.where();
    if (!observed_addresses::plausible(where.address, from.source.address))
        return refuse(gossip_error::implausible_address);
    // An address of this host that it does not announce is a decision of the host's.
    if (addresses_.is_own(where.address)) return;
    if (observed_.note(where, from.sender, now)) adopt_observed(now, out);
}

/// What is believed has changed: the host hears of it, and the others if it is to be announced.
template <typename Policies>
void engine<Policies>::adopt_observed(time_point now, outbox& out) {
    for (ip_family const family : {ip_family::v4, ip_family::v6}) {
        if (!observed_.changed(family)) continue;
        event e;
        e.kind = event_kind::address_observed;
        e.why = cause::contacted;
        e.subject = id_;
        e.incarnation = incarnation_;
        e.where = observed_.believed(family);
        e.count = static_cast<std::uint32_t>(observed_.observers(family));
        out.notify(e);
    }
    if (options_.advertise_observed && life_ == life::running) (void)mint(incarnation_ + 1, false, now, out);
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
