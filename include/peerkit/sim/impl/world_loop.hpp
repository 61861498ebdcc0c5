// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// world: what happens next, calls into nodes, and what comes of them.
#ifndef PEERKIT_SIM_IMPL_WORLD_LOOP_HPP
#define PEERKIT_SIM_IMPL_WORLD_LOOP_HPP

#include <peerkit/sim/world.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

template <SimulatedNode Node>
void world<Node>::at(duration when, std::function<void()> f) {
    std::uint32_t slot = 0;
    if (free_scripts_.empty()) {
        slot = static_cast<std::uint32_t>(scripts_.size());
        scripts_.push_back(std::move(f));
    } else {
        slot = free_scripts_.back();
        free_scripts_.pop_back();
        scripts_[slot] = std::move(f);
    }
    schedule(std::max(now_, time_point{} + when), {occurrence_kind::script, slot, 0});
}

template <SimulatedNode Node>
bool world<Node>::step(duration limit) {
    time_point const end = time_point{} + limit;
    time_point const event = queue_.next_time(), timer = timers_.next_time();
    time_point const next = std::min(event, timer);
    if (next > end) {
        now_ = std::max(now_, end);
        audit_.set_time(now_);
        return false;
    }
    now_ = next;
    audit_.set_time(now_);
    if (now_ >= audit_.quiet_until()) audit_.check_quiet(net_, intruder_.active(), running_);
    if (event <= timer) {
        happen(queue_.pop());
    } else {
        tick(timers_.next());
    }
    return true;
}

template <SimulatedNode Node>
template <typename Predicate>
std::optional<duration> world<Node>::run_until(Predicate&& done, duration limit, duration every) {
    duration const begin = since_start();
    for (;;) {
        if (done()) return since_start() - begin;
        duration const left = limit - (since_start() - begin);
        if (left <= duration::zero()) return std::nullopt;
        run_for(std::min(left, every));
    }
}

template <SimulatedNode Node>
template <typename F>
void world<Node>::enter(node_index i, trace_line const& line, F&& f, call_reason why) {
    note(line);
    resident_type& r = residents_[i];
    f(*r.node, r.clock.to_node(now_), out_);
    settle(i, why);
}

template <SimulatedNode Node>
void world<Node>::settle(node_index i, call_reason why) {
    resident_type& r = residents_[i];
    ++r.stats.calls;
    ++stats_.calls;
    std::uint64_t const incarnation = r.node->incarnation();
    if (incarnation != r.last_incarnation || r.leaving) note_incarnation(r, incarnation);
    std::uint32_t const sent = carry_out(i);
    arm(i);
    audit_.after_call(i, why, sent, streams_.count(i));
    if (r.gone_for_good) {
        --stats_.crashes; // a goodbye is none
        take_down(i, false);
    }
}

template <SimulatedNode Node>
void world<Node>::note_incarnation(resident_type& r, std::uint64_t incarnation) {
    if (r.leaving) {
        r.minted.add_goodbye(incarnation);
    } else {
        r.minted.add(incarnation);
    }
    audit_.on_incarnation(r.self.index, r.last_incarnation, incarnation);
    r.last_incarnation = incarnation;
}

template <SimulatedNode Node>
std::uint32_t world<Node>::carry_out(node_index i) {
    std::uint32_t sent = 0;
    if (out_.empty()) return sent;
    carrying_out_ = true;
    for (std::size_t k = 0; k < out_.size(); ++k) {
        gossip::action const a = out_[k];
        switch (a.kind) {
        case gossip::action_kind::send_datagram:
            ++sent;
            send_datagram(i, a.to, a.bytes);
            break;
        case gossip::action_kind::open_stream: {
            ++residents_[i].stats.dials;
            ++stats_.dials;
            audit_.check_destination(i, a.to);
            if (!streams_.dial(i, a.stream, residents_.route(i, a.to).to))
                audit_.violate(i, "dialled with the name of a stream it has");
            break;
        }
        case gossip::action_kind::send_frame: send_frame(i, a.stream, a.bytes); break;
        case gossip::action_kind::close_stream:
            if (!streams_.close(i, a.stream)) audit_.violate(i, "closed a stream it does not have");
            break;
        case gossip::action_kind::run_discovery: begin_discovery(i); break;
        case gossip::action_kind::resolve_address: deny_name(i, a.to.address); break;
        case gossip::action_kind::persist:
            persist(i, a.bytes);
            announcement_changed(i);
            break;
        case gossip::action_kind::notify: take_event(i, *a.what); break;
        case gossip::action_kind::listen: hear(i); break;
        case gossip::action_kind::deliver: take_delivery(i, *a.message, a.bytes); break;
        }
    }
    carrying_out_ = false;
    out_.clear();
    return sent;
}

template <SimulatedNode Node>
void world<Node>::arm(node_index i) {
    resident_type& r = residents_[i];
    if (r.paused) return;
    time_point when = std::max(now_, r.clock.to_world(r.node->next_deadline()));
    if (options_.timer_lateness > duration::zero() && when != never) {
        // Drawn once per deadline: a call that leaves the deadline alone leaves the lateness alone.
        if (when == r.armed_for) return;
        r.armed_for = when;
        when += uniform(network_rng_, options_.timer_lateness + duration{1});
    }
    timers_.set(i, when);
}

template <SimulatedNode Node>
void world<Node>::tick(node_index i) {
    resident_type& r = residents_[i];
    r.armed_for = never;
    if (r.last_tick != now_) {
        r.last_tick = now_;
        r.stuck = 0;
    } else if (++r.stuck == 100) {
        audit_.violate(i, "its deadline does not move when its timer fires");
    }
    ++r.stats.ticks;
    ++stats_.ticks;
    enter(
        i, {since_start(), trace_kind::tick, nobody, i, 0, 0},
        [](Node& n, time_point now, gossip::outbox& out) { n.on_tick(now, out); }, call_reason::timer);
    if (r.stuck >= 100 && up(i)) timers_.set(i, now_ + std::chrono::milliseconds{1});
}

template <SimulatedNode Node>
void world<Node>::persist(node_index i, byte_view bytes) {
    resident_type& r = residents_[i];
    r.stored.assign(bytes.begin(), bytes.end());
    r.stored_incarnation = r.node->incarnation();
    // One call may mint several incarnations, of which only the last is seen from outside.
    if (auto const key = wire::record_view::peek(bytes); key && key->subject == r.id.short_id()) {
        if (key->left) {
            r.minted.add_goodbye(key->incarnation);
        } else {
            r.minted.add(key->incarnation);
        }
    }
}

template <SimulatedNode Node>
void world<Node>::take_event(node_index i, gossip::event const& e) {
    resident_type& r = residents_[i];
    node_index const subject = e.subject ? index_of(e.subject) : nobody;
    std::uint64_t const what = static_cast<std::uint64_t>(e.kind) << 8U | static_cast<std::uint64_t>(e.why);
    note({since_start(), trace_kind::event, subject, i, 0,
          detail::mix(what ^ static_cast<std::uint64_t>(e.subject.short_id()) ^ e.incarnation << 20U)});
    if (auto const kind = static_cast<std::size_t>(e.kind); kind < stats_.events.size()) ++stats_.events[kind];
    audit_.on_event(i, e, subject);
    if (e.kind == gossip::event_kind::self_left) r.gone_for_good = true;
    if (event_handler_) event_handler_(i, e);
}

template <SimulatedNode Node>
void world<Node>::take_delivery(node_index i, gossip::delivery const& d, byte_view payload) {
    node_index const from = d.from ? index_of(d.from) : nobody;
    note({since_start(), trace_kind::delivery, from, i, static_cast<std::uint32_t>(payload.size()),
          detail::mix(hash_bytes(payload) ^ static_cast<std::uint64_t>(d.kind) ^ d.sequence << 8U)});
    audit_.on_delivery(i, d, from);
    if (delivery_handler_) delivery_handler_(i, d, payload);
}

template <SimulatedNode Node>
void world<Node>::happen(occurrence const& what) {
    switch (what.kind) {
    case occurrence_kind::datagram: deliver_datagram(what); break;
    case occurrence_kind::dial: streams_.on_dial(what); break;
    case occurrence_kind::pump: streams_.on_pump(what); break;
    case occurrence_kind::broken: streams_.on_broken(what); break;
    case occurrence_kind::discovery: on_discovery(what); break;
    case occurrence_kind::noise: make_noise(); break;
    case occurrence_kind::script: {
        std::function<void()> const f = std::exchange(scripts_[what.a], nullptr);
        free_scripts_.push_back(what.a);
        f();
        break;
    }
    }
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
