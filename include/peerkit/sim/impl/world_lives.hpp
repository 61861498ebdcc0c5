// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// world: the lives of nodes: born, crashed, restarted, paused, leaving.
#ifndef PEERKIT_SIM_IMPL_WORLD_LIVES_HPP
#define PEERKIT_SIM_IMPL_WORLD_LIVES_HPP

#include <peerkit/sim/world.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

template <SimulatedNode Node>
node_index world<Node>::spawn(std::string name) {
    auto const i = static_cast<node_index>(residents_.size());
    resident_type& r = residents_.add();
    r.self.index = i;
    r.self.life = 0;
    r.self.name = name.empty() ? "n" + std::to_string(i) : std::move(name);
    r.self.where = population<Node>::endpoint_of(i);
    r.self.identity_seed = seeds_();
    r.self.rng_seed = seeds_();
    r.clock = node_clock{std::chrono::seconds{1000} + uniform(seeds_, duration{std::chrono::hours{300}})};
    timers_.add();
    net_.know(i);
    streams_.know(i);
    bring_up(i, wall_clock());
    return i;
}

template <SimulatedNode Node>
void world<Node>::spawn_many(std::size_t count, duration within) {
    for (std::size_t k = 0; k < count; ++k) {
        duration const wait = within / static_cast<duration::rep>(count) * static_cast<duration::rep>(k);
        if (wait == duration::zero()) {
            spawn();
        } else {
            after(wait, [this] { spawn(); });
        }
    }
}

template <SimulatedNode Node>
bool world<Node>::set_interface(node_index i, ip_address const& address, bool up) {
    audit_.disturb();
    return residents_.set_interface(i, address, up);
}

template <SimulatedNode Node>
bool world<Node>::restart(node_index i, memory what) {
    std::uint64_t const stored = what == memory::kept ? residents_[i].stored_incarnation : 0;
    return restart_with(i, what == memory::lost_and_clock_wrong ? 1 : std::max(stored + 1, wall_clock()), what);
}

template <SimulatedNode Node>
bool world<Node>::restart_with(node_index i, std::uint64_t incarnation, memory what) {
    if (busy() || up(i)) return false;
    if (what != memory::kept) {
        residents_[i].stored.clear();
        residents_[i].remembered.clear();
    }
    ++stats_.restarts;
    bring_up(i, incarnation);
    return up(i);
}

template <SimulatedNode Node>
bool world<Node>::pause(node_index i) {
    resident_type& r = residents_[i];
    if (busy() || !up(i) || r.paused) return false;
    r.paused = true;
    ++stats_.pauses;
    timers_.set(i, never);
    r.armed_for = never;
    note({since_start(), trace_kind::paused, nobody, i, 0, 0});
    audit_.disturb();
    return true;
}

template <SimulatedNode Node>
bool world<Node>::resume(node_index i) {
    resident_type& r = residents_[i];
    if (busy() || !r.paused) return false;
    r.paused = false;
    note({since_start(), trace_kind::resumed, nobody, i, 0, 0});
    // What a real loop finds first, the timer or the socket, is chance.
    if (happens(network_rng_, 500'000) && r.node->next_deadline() <= r.clock.to_node(now_)) tick(i);
    hear(i);
    if (up(i)) arm(i);
    audit_.disturb();
    return true;
}

template <SimulatedNode Node>
bool world<Node>::pause_for(node_index i, duration d) {
    if (!pause(i)) return false;
    std::uint32_t const life = residents_[i].self.life;
    after(d, [this, i, life] {
        if (residents_[i].self.life == life) resume(i);
    });
    return true;
}

template <SimulatedNode Node>
bool world<Node>::leave(node_index i) {
    if (busy() || !up(i) || residents_[i].paused) return false;
    residents_[i].leaving = true;
    return call(i, [](Node& n, time_point now, gossip::outbox& out) { n.leave(now, out); });
}

template <SimulatedNode Node>
template <typename F>
bool world<Node>::call(node_index i, F&& f) {
    resident_type& r = residents_[i];
    if (busy() || !up(i) || r.paused) return false;
    audit_.disturb();
    enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0}, std::forward<F>(f));
    return true;
}

template <SimulatedNode Node>
bool world<Node>::acquaint_all()
    requires NodeTakesIntroductions<Node>
{
    if (busy()) return false;
    std::vector<byte_view> records(residents_.size());
    for (node_index i = 0; i < residents_.size(); ++i) {
        if (up(i) && !leaving(i)) records[i] = node(i).find(id_of(i))->record().bytes();
    }
    bool taken = true;
    for (node_index i = 0; i < residents_.size(); ++i) {
        call(i, [&](Node& n, time_point now, gossip::outbox& out) {
            for (node_index other = 0; other < records.size(); ++other) {
                if (other != i && !records[other].empty()) taken &= n.introduce(records[other], now, out).has_value();
            }
        });
    }
    return taken;
}
template <SimulatedNode Node>
void world<Node>::leap_clock(node_index i, duration ahead) {
    residents_[i].clock.leap(ahead);
    if (up(i) && !residents_[i].paused) arm(i);
    audit_.disturb();
}

template <SimulatedNode Node>
void world<Node>::set_drift(node_index i, std::int32_t millionths) {
    residents_[i].clock.set_drift(millionths, now_);
    if (up(i) && !residents_[i].paused) arm(i);
}

/// What waited is taken now.
template <SimulatedNode Node>
void world<Node>::hear(node_index i) {
    resident_type& r = residents_[i];
    r.waiting_datagrams = 0;
    for (occurrence const& o : r.waiting) schedule(now_, o);
    r.waiting.clear();
}

template <SimulatedNode Node>
void world<Node>::bring_up(node_index i, std::uint64_t incarnation) {
    resident_type& r = residents_[i];
    ++r.self.life;
    if (r.self.life > 1) r.self.rng_seed = seeded_rng{r.self.rng_seed + r.self.life}();
    r.self.incarnation = incarnation;
    r.self.stored = r.stored;
    r.self.shared = &shared_;
    r.self.remembered = r.remembered;
    r.machine_down = false;
    r.leaving = r.gone_for_good = r.paused = false;
    r.destinations.clear();
    r.foreign.clear();
    for (node::remembered_peer const& peer : r.remembered) {
        if (peer.last_endpoint) audit_.know_destination(i, peer.last_endpoint);
        auto const record = wire::record_view::parse(peer.record);
        for (std::size_t k = 0; record && k < record->address_count(); ++k) {
            audit_.know_destination(i, record->gossip_endpoint(k));
        }
    }
    r.views.forget();
    r.broadcasts.clear();
    r.last_incarnation = 0;
    r.node = make_(r.self);
    if (r.node == nullptr) return audit_.violate(i, "the factory made no node");
    ++running_;
    residents_.set_id(i, r.node->id());
    audit_.disturb();
    result<void> started{};
    enter(i, {since_start(), trace_kind::started, nobody, i, 0, incarnation},
          [&](Node& n, time_point now, gossip::outbox& out) { started = n.start(now, out); });
    if (!started) {
        audit_.violate(i, "did not start: " + started.error().message());
        take_down(i, false);
    }
}

template <SimulatedNode Node>
bool world<Node>::take_down(node_index i, bool machine_too) {
    resident_type& r = residents_[i];
    if (busy() || r.node == nullptr) return false;
    audit_.on_end(i);
    if constexpr (NodeRemembersPeers<Node>) {
        r.remembered = r.node->recollect(r.clock.to_node(now_), static_cast<std::int64_t>(wall_clock() / 1000));
    }
    r.node.reset();
    --running_;
    ++r.discovery_run;
    r.discovering = false;
    r.machine_down = machine_too;
    r.paused = false;
    for (occurrence const& o : r.waiting) {
        if (o.kind == occurrence_kind::datagram) give_back_parcel(o.a);
    }
    r.waiting.clear();
    r.waiting_datagrams = 0;
    timers_.set(i, never);
    r.armed_for = never;
    streams_.crashed(i, machine_too);
    ++stats_.crashes;
    note({since_start(), trace_kind::crashed, nobody, i, 0, 0});
    audit_.disturb();
    return true;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
