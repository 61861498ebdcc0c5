// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// world: what nodes find out about the world around them.
#ifndef PEERKIT_SIM_IMPL_WORLD_DISCOVERY_HPP
#define PEERKIT_SIM_IMPL_WORLD_DISCOVERY_HPP

#include <peerkit/sim/world.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

template <SimulatedNode Node>
void world<Node>::begin_discovery(node_index i) {
    resident_type& r = residents_[i];
    ++r.discovery_run;
    r.discovering = true;
    r.announced.reset();
    r.answer.reset();
    if (r.discovery == nullptr) {
        return schedule(now_ + options_.discovery_delay, {occurrence_kind::discovery, i, r.discovery_run});
    }
    take_progress(i, r.discovery->begin(r.clock.to_node(now_)));
}

template <SimulatedNode Node>
void world<Node>::take_progress(node_index i, discovery_source::progress next) {
    resident_type& r = residents_[i];
    time_point const again = next.answer ? now_ : std::max(now_, r.clock.to_world(next.again));
    r.answer = std::move(next.answer);
    r.discovery_hint = next.hint == never ? never : std::max(now_, r.clock.to_world(next.hint));
    r.announced = next.announced;
    if (again != never) schedule(again, {occurrence_kind::discovery, i, r.discovery_run});
}

template <SimulatedNode Node>
void world<Node>::on_discovery(occurrence const& what) {
    node_index const i = what.a;
    resident_type& r = residents_[i];
    if (r.node == nullptr || r.discovery_run != what.b) return;
    if (r.paused) return r.waiting.push_back(what);
    if (r.discovery != nullptr && !r.answer) return take_progress(i, r.discovery->resume(r.clock.to_node(now_)));
    discovery_answer answer = r.answer ? std::move(*r.answer) : discovery_answer{default_candidates(i)};
    r.answer.reset();
    r.discovering = false;
    if (r.discovery_hint != never) tell_hint(i, std::exchange(r.discovery_hint, never) - now_);
    announcement_changed(i); // it may have, before there was an answer
    if (!answer) {
        return enter(
            i, {since_start(), trace_kind::discovery_failed, nobody, i, 0, answer.error().value()},
            [&](Node& n, time_point now, gossip::outbox& out) { n.on_discovery_failed(answer.error(), now, out); });
    }
    for (discovery::candidate const& c : *answer) {
        for (ip_endpoint const& where : c.addresses) audit_.know_destination(i, where);
    }
    enter(i, {since_start(), trace_kind::candidates, nobody, i, static_cast<std::uint32_t>(answer->size()), 0},
          [&](Node& n, time_point now, gossip::outbox& out) { n.on_candidates(*answer, now, out); });
}

template <SimulatedNode Node>
std::vector<discovery::candidate> world<Node>::default_candidates(node_index asker) const {
    std::vector<discovery::candidate> found;
    for (ip_endpoint const& where : seed_list_) {
        if (where == residents_[asker].self.where) continue;
        discovery::candidate c;
        c.addresses = {where};
        c.source = discovery::provenance::static_list;
        found.push_back(std::move(c));
    }
    return found;
}

template <SimulatedNode Node>
void world<Node>::tell_hint(node_index i, duration in) {
    if constexpr (requires(Node& n) { n.on_discovery_hint(now_, out_); }) {
        after(in, [this, i, run = residents_[i].discovery_run, life = residents_[i].self.life] {
            resident_type& r = residents_[i];
            if (!up(i) || r.self.life != life || r.discovery_run != run || r.paused) return;
            enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0},
                  [&](Node& n, time_point now, gossip::outbox& out) { n.on_discovery_hint(now, out); });
        });
    }
}

/// What a strategy may do with the announcement of a node of the world. Empty where nodes have none that can be read.
template <SimulatedNode Node>
peerkit::node::announcing_node world<Node>::announcing(node_index i) {
    using peerkit::node::announce_registry;
    using peerkit::node::read_own_announcement;
    if constexpr (peerkit::node::Announcing<Node>) {
        auto const gone = [] { return fail(discovery::discovery_error::unavailable, 0, "announcement"); };
        return {[this, i, gone](byte_view challenge) -> result<discovery::announcement> {
                    if (!up(i)) return gone();
                    return read_own_announcement(node(i), challenge);
                },
                [this, i, gone](std::string_view text) -> result<void> {
                    if (!up(i)) return gone();
                    if (!text.empty() && !peerkit::node::is_registry_text(text)) {
                        return fail(discovery::discovery_error::bad_option, 0, "registry");
                    }
                    // The strategy runs while the node's actions are carried out: it takes effect right after.
                    after(duration::zero(), [this, i, text = std::string{text}, life = residents_[i].self.life] {
                        if (!up(i) || residents_[i].self.life != life || residents_[i].paused) return;
                        enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0},
                              [&](Node& n, time_point now, gossip::outbox& out) {
                                  (void)announce_registry(n, text, now, out);
                              });
                    });
                    return {};
                },
                [this, i]() -> std::uint64_t { return up(i) ? node(i).incarnation() : 0; }};
    } else {
        return {};
    }
}

/// A strategy that watches the announcement and is not at work is told of another one.
template <SimulatedNode Node>
void world<Node>::announcement_changed(node_index i) {
    resident_type& r = residents_[i];
    if (r.discovering || !r.announced || *r.announced == r.node->incarnation()) return;
    r.announced.reset();
    tell_hint(i, duration::zero());
}

template <SimulatedNode Node>
void world<Node>::deny_name(node_index i, ip_address const& of) {
    using discovery::discovery_error;
    if constexpr (requires(Node& n, result<std::string_view> name) { n.on_host_name(of, name, now_, out_); }) {
        after(options_.discovery_delay, [this, i, of, life = residents_[i].self.life] {
            if (!up(i) || residents_[i].self.life != life || residents_[i].paused) return;
            enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0},
                  [&](Node& n, time_point now, gossip::outbox& out) {
                      n.on_host_name(of, fail(discovery_error::unresolved), now, out);
                  });
        });
    }
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
