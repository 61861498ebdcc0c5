// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the tests of the engine's user data share: puppets that speak, offer, ask and answer.
#ifndef PEERKIT_TESTS_UNIT_GOSSIP_IMPL_USER_DATA_HPP
#define PEERKIT_TESTS_UNIT_GOSSIP_IMPL_USER_DATA_HPP

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <vector>

#include <support/compiled_stage.hpp>

namespace tests {

using namespace peerkit;
using gossip::delivery_kind;
using gossip::request_id;
using gossip::stream_id;
using wire::broadcast_range;
using wire::broadcast_view;
using wire::range_list_view;
using wire::request_view;
using wire::response_status;
using wire::response_view;

inline bytes text(std::string_view what) {
    byte_view const view = as_bytes(what);
    return {view.begin(), view.end()};
}

/// A broadcast of `p`, as it is kept and forwarded.
inline bytes spoken(puppet const& p, std::uint64_t sequence, byte_view payload, std::uint64_t session = 1) {
    bytes out(broadcast_view::size_of("chat", payload.size()));
    crypto::signing_room room;
    REQUIRE(crypto::sign_broadcast(p.identity, p.keys.network, session, sequence, "chat", payload, room, out));
    return out;
}
/// The same as a message in a datagram for a node known by `life`.
inline void write(wire::packet_writer& packet, byte_view spoken_bytes, std::uint64_t life = 1, std::uint32_t age = 0) {
    byte_span const body = packet.body(message_type::broadcast, 12 + spoken_bytes.size());
    REQUIRE_FALSE(body.empty());
    store_big(body.data(), life);
    store_big(body.data() + 8, age);
    copy_bytes(spoken_bytes, body.subspan(12));
}
inline void tell(stage& s, puppet& by, byte_view spoken_bytes, std::uint64_t life = 1) {
    s.deliver(by, [&](auto& packet) { write(packet, spoken_bytes, life); });
}

inline std::size_t delivered(stage const& s, delivery_kind kind) {
    return static_cast<std::size_t>(std::count_if(s.delivered.begin(), s.delivered.end(),
                                                  [&](handed_over const& h) { return h.what.kind == kind; }));
}
/// Broadcast messages sent, by receiver.
inline std::vector<ip_endpoint> told(stage const& s) {
    std::vector<ip_endpoint> to;
    for (sent_datagram const& d : s.sent) {
        for (heard const& h : d.messages) {
            if (h.type == message_type::broadcast) to.push_back(d.to);
        }
    }
    return to;
}
inline heard const* last(stage const& s, message_type type) {
    for (std::size_t i = s.sent.size(); i-- > 0;) {
        if (heard const* const found = s.sent[i].find(type)) return found;
    }
    return nullptr;
}
inline bytes range_body(std::initializer_list<broadcast_range> ranges) {
    bytes room(2000);
    wire::packet_writer packet{room};
    REQUIRE(range_list_view::write(packet, message_type::offer, std::vector<broadcast_range>{ranges}));
    return {room.begin() + 3, room.begin() + static_cast<std::ptrdiff_t>(packet.size())};
}
inline void send_ranges(stage& s, puppet& by, message_type type, std::initializer_list<broadcast_range> ranges) {
    bytes const body = range_body(ranges);
    s.deliver(by, [&](auto& packet) { copy_bytes(body, packet.body(type, body.size())); });
}

inline auto ask(stage& s, puppet const& whom, byte_view payload, duration timeout = 5s) {
    return s.call(
        [&](auto& e, auto now, auto& out) { return e.request(whom.id(), "ask", payload, timeout, now, out); });
}
inline void answer(stage& s, puppet& by, request_id id, response_status status, byte_view payload = {}) {
    s.deliver(
        by, [&](auto& packet) { CHECK(response_view{static_cast<std::uint64_t>(id), status, payload}.write(packet)); });
}
inline std::vector<sent_datagram> request(stage& s, puppet& by, std::uint64_t id, std::string_view topic,
                                          byte_view payload, std::uint8_t flags = 0, std::uint64_t life = 1) {
    return s.deliver(by,
                     [&](auto& packet) { CHECK(request_view{life, id, flags, 5000, topic, payload}.write(packet)); });
}

} // namespace tests

#endif
