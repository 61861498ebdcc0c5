// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a flight recorder tells apart: the inputs of a node, and the answers its policies gave it.
#ifndef PEERKIT_GOSSIP_RECORDED_KINDS_HPP
#define PEERKIT_GOSSIP_RECORDED_KINDS_HPP

#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// One call into a node. Numbers are written into files and do not change; `docs/recorder.md` says what follows each.
enum class input_kind : std::uint8_t {
    start = 1,
    datagram = 2,
    stream_accepted = 3,
    stream_opened = 4,
    stream_frame = 5,
    stream_closed = 6,
    tick = 7,
    candidates = 8,
    discovery_failed = 9,
    discovery_hint = 10,
    host_name = 11,
    update = 12,
    introduce = 13,
    moved = 14,
    leave = 15,
    broadcast = 16,
    send_message = 17,
    send_reliably = 18,
    request = 19,
    cancel_request = 20,
    respond = 21,
    decline = 22,
    put = 23,
    erase = 24,
    contact = 25,
    kept = 26,
    recollect = 27,
};

[[nodiscard]] constexpr std::string_view to_string(input_kind kind) noexcept {
    switch (kind) {
    case input_kind::start: return "start";
    case input_kind::datagram: return "datagram";
    case input_kind::stream_accepted: return "stream accepted";
    case input_kind::stream_opened: return "stream opened";
    case input_kind::stream_frame: return "stream frame";
    case input_kind::stream_closed: return "stream closed";
    case input_kind::tick: return "tick";
    case input_kind::candidates: return "candidates";
    case input_kind::discovery_failed: return "discovery failed";
    case input_kind::discovery_hint: return "discovery hint";
    case input_kind::host_name: return "host name";
    case input_kind::update: return "update";
    case input_kind::introduce: return "introduce";
    case input_kind::moved: return "moved";
    case input_kind::leave: return "leave";
    case input_kind::broadcast: return "broadcast";
    case input_kind::send_message: return "send message";
    case input_kind::send_reliably: return "send reliably";
    case input_kind::request: return "request";
    case input_kind::cancel_request: return "cancel request";
    case input_kind::respond: return "respond";
    case input_kind::decline: return "decline";
    case input_kind::put: return "put";
    case input_kind::erase: return "erase";
    case input_kind::contact: return "contact";
    case input_kind::kept: return "kept";
    case input_kind::recollect: return "recollect";
    }
    return "unknown";
}

/// The highest of them.
inline constexpr input_kind last_input_kind = input_kind::recollect;

/// What a policy answered while the node dealt with an input, in the order of the questions.
enum class answer_kind : std::uint8_t {
    key_id = 1,       ///< the sealing key's id has changed: u32
    draw = 2,         ///< a random number: u64
    signature = 3,    ///< this node's own signature: 64 bytes
    key_unknown = 4,  ///< a frame's key id is none of ours
    key_known = 5,    ///< it is
    forged = 6,       ///< the seal did not open
    opened = 7,       ///< it did: the plaintext, with its length
    admitted = 8,     ///< the announcement handler's `admits`
    not_admitted = 9, ///< the same
    accepted = 10,    ///< the announcement handler's verdict
    refused = 11,     ///< the same
    callable = 12,    ///< the host's dial rule
    ruled_out = 13,   ///< the same
};

[[nodiscard]] constexpr std::string_view to_string(answer_kind kind) noexcept {
    switch (kind) {
    case answer_kind::key_id: return "a key id";
    case answer_kind::draw: return "a random number";
    case answer_kind::signature: return "a signature";
    case answer_kind::key_unknown: return "an unknown key";
    case answer_kind::key_known: return "a known key";
    case answer_kind::forged: return "a broken seal";
    case answer_kind::opened: return "an opened frame";
    case answer_kind::admitted: return "an admission";
    case answer_kind::not_admitted: return "a refused admission";
    case answer_kind::accepted: return "an accepted announcement";
    case answer_kind::refused: return "a refused announcement";
    case answer_kind::callable: return "a place that may be called";
    case answer_kind::ruled_out: return "a place that may not be called";
    }
    return "unknown";
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
