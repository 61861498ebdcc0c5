// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// world: streams between the stream layer and the nodes.
#ifndef PEERKIT_SIM_IMPL_WORLD_STREAMS_HPP
#define PEERKIT_SIM_IMPL_WORLD_STREAMS_HPP

#include <peerkit/sim/world.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

template <SimulatedNode Node>
void world<Node>::send_frame(node_index i, gossip::stream_id stream, byte_view bytes) {
    resident_type& r = residents_[i];
    ++r.stats.frames_sent;
    r.stats.frame_bytes_sent += bytes.size();
    ++stats_.frames_sent;
    stats_.frame_bytes_sent += bytes.size();
    if (bytes.size() < 4 || bytes.size() > byte_pool::max_size ||
        load_big<std::uint32_t>(bytes.data()) != bytes.size() - 4) {
        return audit_.violate(i, "sent a frame whose length prefix is wrong or too large");
    }
    if (!streams_.send(i, stream, bytes.subspan(4)))
        audit_.violate(i, "sent a frame to a stream it does not have open");
}

template <SimulatedNode Node>
void world<Node>::tell_opened(node_index i, gossip::stream_id stream) {
    enter(i, {since_start(), trace_kind::dial_opened, nobody, i, 0, static_cast<std::uint64_t>(stream)},
          [&](Node& n, time_point now, gossip::outbox& out) { n.on_stream_opened(stream, now, out); });
}

template <SimulatedNode Node>
bool world<Node>::tell_accepted(node_index i, node_index dialer, std::uint32_t connection) {
    // The source port of a dial is not the port its node listens on.
    ip_endpoint const from{endpoint_of(dialer).address, static_cast<std::uint16_t>(49152 + connection % 16384)};
    bool taken = false;
    audit_.know_node(i, dialer);
    enter(i, {since_start(), trace_kind::dial_accepted, dialer, i, 0, 0},
          [&](Node& n, time_point now, gossip::outbox& out) {
              auto const id = n.on_stream_accepted(from, now, out);
              taken = id.has_value();
              if (taken) streams_.bind(connection, *id);
          });
    return taken;
}

template <SimulatedNode Node>
void world<Node>::tell_frame(node_index i, gossip::stream_id stream, node_index from, byte_span bytes) {
    enter(i, {since_start(), trace_kind::frame, from, i, static_cast<std::uint32_t>(bytes.size()), hash_bytes(bytes)},
          [&](Node& n, time_point now, gossip::outbox& out) { n.on_stream_frame(stream, bytes, now, out); });
}

template <SimulatedNode Node>
void world<Node>::tell_closed(node_index i, gossip::stream_id stream, std::optional<error> why) {
    if (why) ++stats_.streams_failed;
    enter(i, {since_start(), trace_kind::stream_closed, nobody, i, 0, why ? std::uint64_t{why->value()} : 0U},
          [&](Node& n, time_point now, gossip::outbox& out) { n.on_stream_closed(stream, why, now, out); });
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
