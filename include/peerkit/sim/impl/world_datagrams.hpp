// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// world: datagrams on their way, and those of the intruder.
#ifndef PEERKIT_SIM_IMPL_WORLD_DATAGRAMS_HPP
#define PEERKIT_SIM_IMPL_WORLD_DATAGRAMS_HPP

#include <peerkit/sim/world.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

template <SimulatedNode Node>
void world<Node>::send_datagram(node_index from, ip_endpoint const& where, byte_view bytes) {
    resident_type& r = residents_[from];
    ++r.stats.datagrams_sent;
    r.stats.datagram_bytes_sent += bytes.size();
    ++stats_.datagrams_sent;
    stats_.datagram_bytes_sent += bytes.size();
    simulated_route const route = residents_.route(from, where);
    node_index const to = route.to;
    audit_.check_destination(from, where);
    audit_.check_datagram(from, bytes.size());
    if (send_handler_) send_handler_(from, to, bytes);
    if (to == nobody || bytes.size() > byte_pool::max_size) {
        ++stats_.nobody_there;
        return;
    }
    datagram_fate const fate = net_.draw_fate(from, to, network_rng_);
    switch (fate.how) {
    case datagram_fate::end::cut: ++stats_.cut; return;
    case datagram_fate::end::blocked: ++stats_.blocked; return;
    case datagram_fate::end::lost: ++stats_.lost; return;
    case datagram_fate::end::delivered: break;
    }
    stats_.duplicated += fate.copies - 1U;
    stats_.reordered += fate.reordered ? 1 : 0;
    for (std::size_t copy = 0; copy < fate.copies; ++copy) {
        std::uint32_t const slot = take_parcel();
        parcel& p = parcels_[slot];
        p = {from, to, pool_.take(bytes.size()), static_cast<std::uint32_t>(bytes.size()), false, route.source};
        std::byte* const kept = pool_.data(p.bytes);
        copy_bytes(bytes, {kept, bytes.size()});
        if (copy == 0 && fate.corrupted && !bytes.empty()) {
            std::uint64_t const bit = uniform(network_rng_, std::uint64_t{bytes.size() * 8});
            kept[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
            p.corrupted = true;
            ++stats_.corrupted;
        }
        schedule(now_ + fate.delay[copy], {occurrence_kind::datagram, slot, 0});
    }
}

template <SimulatedNode Node>
void world<Node>::deliver_datagram(occurrence const& what) {
    parcel const p = parcels_[what.a];
    resident_type& r = residents_[p.to];
    if (r.node == nullptr) {
        ++stats_.nobody_there;
        return give_back_parcel(what.a);
    }
    if (r.paused || deaf(p.to)) {
        if (r.waiting_datagrams >= options_.socket_buffer) {
            ++stats_.buffer_full;
            return give_back_parcel(what.a);
        }
        ++r.waiting_datagrams;
        r.waiting.push_back(what);
        return;
    }
    byte_span const bytes{pool_.data(p.bytes), p.size};
    ++r.stats.datagrams_received;
    ++stats_.datagrams_delivered;
    if (intruder_.active() && !p.corrupted) intruder_.overhear(p.to, r.self.life, p.source, bytes);
    trace_line const line{since_start(), trace_kind::datagram, p.from, p.to, p.size, hash_bytes(bytes)};
    if (p.corrupted && audit_.enabled()) {
        note(line);
        deliver_unauthentic(p.to, p.source, bytes, "a packet damaged on its way", false);
    } else {
        audit_.know_node(p.to, p.from);
        enter(
            p.to, line, [&](Node& n, time_point now, gossip::outbox& out) { n.on_datagram(bytes, p.source, now, out); },
            call_reason::datagram);
    }
    give_back_parcel(what.a);
}

template <SimulatedNode Node>
void world<Node>::deliver_unauthentic(node_index to, ip_endpoint const& from, byte_span bytes, std::string_view what,
                                      bool genuine) {
    resident_type& r = residents_[to];
    // A node whose timer is due or overdue may do on any packet what it would do then.
    bool const punctual = r.node->next_deadline() > r.clock.to_node(now_);
    std::uint64_t const state = audit_.digest(*r.node, false);
    time_point const timer = r.node->next_deadline();
    property const nothing = genuine ? property::replay_is_nothing : property::strangers_change_nothing;
    r.node->on_datagram(bytes, from, r.clock.to_node(now_), out_);
    if (audit_.digest(*r.node, false) != state)
        audit_.violate(to, nothing, std::string{what} + " changed its state");
    else if (punctual && r.node->next_deadline() != timer)
        audit_.violate(to, nothing, std::string{what} + " moved its timer");
    bool answered = false, told = false;
    for (std::size_t k = 0; k < out_.size(); ++k) {
        (out_[k].kind == gossip::action_kind::notify ? told : answered) = true;
    }
    if (told && punctual) audit_.violate(to, nothing, std::string{what} + " caused an event");
    if (answered && !genuine && punctual)
        audit_.violate(to, property::strangers_get_no_answer, std::string{what} + " was answered");
    settle(to, call_reason::datagram);
}

template <SimulatedNode Node>
void world<Node>::make_noise() {
    schedule(now_ + intruder_.interval(), {occurrence_kind::noise, 0, 0});
    if (residents_.size() == 0) return;
    auto const same_life = [&](node_index i, std::uint32_t life) { return up(i) && residents_[i].self.life == life; };
    intruder::shot const shot = intruder_.forge(residents_.size(), noise_, same_life);
    if (shot.to == nobody || !up(shot.to) || residents_[shot.to].paused || deaf(shot.to)) return;
    ++stats_.noise;
    deliver_unauthentic(shot.to, shot.from, byte_span{noise_}.first(shot.size), to_string(shot.kind),
                        shot.kind == noise_kind::replayed);
}

template <SimulatedNode Node>
std::uint32_t world<Node>::take_parcel() {
    if (free_parcels_.empty()) {
        parcels_.emplace_back();
        free_parcels_.reserve(parcels_.capacity());
        return static_cast<std::uint32_t>(parcels_.size() - 1);
    }
    std::uint32_t const slot = free_parcels_.back();
    free_parcels_.pop_back();
    return slot;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
