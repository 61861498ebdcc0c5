// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: heartbeats to the watchers of this node, and silence of those it watches.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_BEATING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_BEATING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

template <typename Policies>
void engine<Policies>::beat(time_point now, outbox& out) {
    if constexpr (detector::traits.watch == watching::heartbeats) {
        if (!watched_.known()) watched_.rebuild(table_, key_, now);
        watched_.for_each_watcher([&](short_id watcher) {
            slot const at = table_.find(watcher);
            if (at == no_slot) return;
            send(table_[at].endpoint(), at, limits::packet, out, [&](wire::packet_writer& packet) {
                packet.heartbeat(incarnation_, ring_.epoch());
                fill_updates(packet);
            });
        });
        watched_.for_each_silent(numbers().probe_period * detector::silence, now, [&](short_id silent) {
            ++counters_.probes_failed;
            slot const at = table_.find(silent);
            if (at != no_slot && table_[at].state <= member_state::suspect) accuse(at, now, out);
        });
    }
}

/// A heartbeat says that its sender is alive and gets no answer, unless one of the two is behind, or the sender is
/// accused: that it is told, so that it can refute.
template <typename Policies>
void engine<Policies>::on_heartbeat(wire::message const& m, origin const& from, reply& answer, time_point now) {
    watched_.heard(from.sender, now);
    meet(m.incarnation, from, answer);
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
