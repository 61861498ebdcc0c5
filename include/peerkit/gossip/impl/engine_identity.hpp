// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: this node's own record: minting, refuting, other nodes with its key, leaving.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_IDENTITY_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_IDENTITY_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
void engine<Policies>::on_own_record(byte_view bytes, wire::record_key const& key, reply& answer, time_point now,
                                     outbox& out) {
    if (key.incarnation < incarnation_) {
        answer.announce(self_);
        return refuse(gossip_error::stale);
    }
    if (key.incarnation == incarnation_ && equal(bytes, table_[self_].record_bytes())) {
        ++counters_.duplicates;
        return;
    }
    if (life_ != life::running) return;
    auto const record = wire::record_view::parse(bytes);
    if (!record) {
        ++counters_.malformed;
        return;
    }
    if (record->id() != id_) return refuse(gossip_error::short_id_taken);
    if (!verifies_.take(now)) return refuse(gossip_error::verify_over_budget);
    ++counters_.signatures_checked;
    if (!crypto::verify_record<signing>(*record, options_.network)) return refuse(gossip_error::bad_signature);
    if (give_way(*record, now, out)) return;
    if (key.incarnation > incarnation_) {
        // An earlier life of this node, whose incarnation was not kept: go on above it. If that does not end, another
        // node has the same key and does the same.
        if (!adoptions_.take(now)) return notify_own_conflict(now, out);
        if (!mint(key.incarnation + 1, false, now, out)) return;
        session_ = key.incarnation + 1;
        frames_ = 0;
        return answer.announce(self_);
    }
    if (!adoptions_.take(now)) return;
    notify_own_conflict(now, out);
    if (mint(key.incarnation + 1, false, now, out)) answer.announce(self_);
}

/// Whether a record of this node's own key names none of the places this node announces.
template <typename Policies>
bool engine<Policies>::elsewhere(wire::record_view const& record) const noexcept {
    wire::record_view const own = table_[self_].record();
    for (std::size_t i = 0; i < record.address_count(); ++i) {
        if (own.index_of(record.gossip_endpoint(i))) return false;
    }
    return true;
}

/// Two nodes with one key would outbid each other for ever. Of two that announce different places, the one whose record
/// says what sorts higher goes on, which both see in the same way; the other tells its host, is quiet, and tries again
/// after ten minutes. An earlier life of this node does not outbid: it is no clone, and its incarnation is adopted.
template <typename Policies>
bool engine<Policies>::give_way(wire::record_view const& record, time_point now, outbox& out) {
    if (!elsewhere(record)) return false;
    bool const outbid = record.incarnation() - incarnation_ <= clone_reach;
    // At first the record may be that of an earlier life at another address.
    if (outbid || now - table_[self_].since > std::chrono::minutes{1}) notify_own_conflict(now, out);
    byte_view const ours = table_[self_].record().said(), theirs = record.said();
    if (!outbid || !std::lexicographical_compare(ours.begin(), ours.end(), theirs.begin(), theirs.end())) return false;
    if (yield_until_ == time_point{}) yield_until_ = now + yield_time;
    if (now < yield_until_) return true;
    yield_until_ = {};
    return false;
}

/// Another node uses this node's key; told once in ten seconds.
template <typename Policies>
void engine<Policies>::notify_own_conflict(time_point now, outbox& out) {
    if (conflict_told_ != time_point{} && now - conflict_told_ < std::chrono::seconds{10}) return;
    conflict_told_ = now;
    notify(event_kind::conflict, cause::announced, self_, key_, out);
}

/// Signs this node's record anew and queues it.
template <typename Policies>
result<void> engine<Policies>::mint(std::uint64_t incarnation, bool left, time_point now, outbox& out) {
    byte_span const room = out.room(limits::record);
    auto const record = sign_self(incarnation, left, room);
    if (!record) return fail(record.error());
    incarnation_ = incarnation;
    if (self_ == no_slot)
        self_ = table_.insert(*record, member_state::alive, now);
    else
        table_.replace(self_, *record);
    addresses_.prefer_first(table_[self_]);
    note_name(self_);
    if (left) table_.set_state(self_, member_state::left, now);
    queue_.push(table_, self_);
    out.persist(record->size());
    return {};
}

template <typename Policies>
void engine<Policies>::refute(short_id accuser, time_point now, outbox& out) {
    if (!mint(incarnation_ + 1, false, now, out)) return;
    ++counters_.refutations;
    detector_.refuted();
    notify(event_kind::self_refuted, cause::accused, self_, accuser, out);
}

template <typename Policies>
result<void> engine<Policies>::update(description changed, time_point now, outbox& out) {
    if (life_ != life::running) return fail(gossip_error::not_running, 0, "update");
    if (auto ok = normalize(changed); !ok) return ok;
    if (changed.addresses.empty()) return fail(core_error::empty, 0, "addresses");
    services_.number(options_.self.services, changed.services);
    changed.takes_compressed = options_.self.takes_compressed;
    std::swap(options_.self, changed);
    auto const minted = mint(incarnation_ + 1, false, now, out);
    if (!minted) std::swap(options_.self, changed);
    arm_gossip(now);
    return minted;
}

template <typename Policies>
void engine<Policies>::leave(time_point now, outbox& out) {
    if (life_ != life::running) return;
    life_ = life::leaving;
    if (!mint(incarnation_ + 1, true, now, out)) {
        // There is no higher incarnation to say goodbye with: the others will have to notice.
        table_.set_state(self_, member_state::left, now);
        return finish_leaving(out);
    }
    leave_by_ = now + numbers().leave_patience;
    farewell_.begin(rng_() | 1U);
    next_probe_ = next_exchange_ = next_contact_ = never;
    probe_.end();
    inquiries_.clear();
    accusations_.clear();
    next_accusation_ = never;
    if (table_.reachable() == 0) return finish_leaving(out);
    arm_gossip(now);
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
