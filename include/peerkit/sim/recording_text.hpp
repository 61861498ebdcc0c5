// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What is in a recording, in words: inputs, packets, and what a node wants done.
#ifndef PEERKIT_SIM_RECORDING_TEXT_HPP
#define PEERKIT_SIM_RECORDING_TEXT_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>
#include <peerkit/node/recorded_values.hpp>
#include <peerkit/sim/recording.hpp>
#include <peerkit/wire/compression.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/message.hpp>
#include <peerkit/wire/record.hpp>
#include <peerkit/wire/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// The name of a kind of message, as in docs/wire.md.
[[nodiscard]] constexpr std::string_view name_of(wire::message_type type) noexcept {
    switch (type) {
    case wire::message_type::ping: return "ping";
    case wire::message_type::ack: return "ack";
    case wire::message_type::nack: return "nack";
    case wire::message_type::indirect_ping: return "indirect_ping";
    case wire::message_type::announce: return "announce";
    case wire::message_type::suspect: return "suspect";
    case wire::message_type::dead: return "dead";
    case wire::message_type::want: return "want";
    case wire::message_type::hello: return "hello";
    case wire::message_type::check: return "check";
    case wire::message_type::heard: return "heard";
    case wire::message_type::unheard: return "unheard";
    case wire::message_type::heartbeat: return "heartbeat";
    case wire::message_type::exchange_begin: return "exchange_begin";
    case wire::message_type::exchange_end: return "exchange_end";
    case wire::message_type::digest: return "digest";
    case wire::message_type::listing: return "listing";
    case wire::message_type::sums: return "sums";
    case wire::message_type::pull: return "pull";
    case wire::message_type::broadcast: return "broadcast";
    case wire::message_type::user_message: return "user_message";
    case wire::message_type::request: return "request";
    case wire::message_type::response: return "response";
    case wire::message_type::offer: return "offer";
    case wire::message_type::fetch: return "fetch";
    case wire::message_type::entry: return "entry";
    case wire::message_type::entry_marks: return "entry_marks";
    case wire::message_type::observed: return "observed";
    }
    return "unknown";
}

namespace detail {

/// Text of strangers is for terminals, too: control characters become '?', and there is an end to it.
[[nodiscard]] inline std::string printable(std::string_view from, std::size_t most = 64) {
    std::string text{from.substr(0, most)};
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    }
    if (from.size() > most) text += "...";
    return text;
}
[[nodiscard]] inline std::string seconds(duration at) {
    auto const micro = std::chrono::duration_cast<std::chrono::microseconds>(at).count();
    std::string fraction = std::to_string(micro % 1'000'000);
    fraction.insert(0, 6 - std::min<std::size_t>(fraction.size(), 6), '0');
    return std::to_string(micro / 1'000'000) + "." + fraction;
}

} // namespace detail

/// The messages of a packet in plain: "ping, announce 0123456789abcdef (incarnation 7), dead ... by ...".
[[nodiscard]] inline std::string packet_text(byte_view plain) {
    if (wire::compressed_packet::is(plain)) return "a compressed packet of " + std::to_string(plain.size()) + " bytes";
    auto const packet = wire::packet_view::parse(plain);
    if (!packet) return "no packet: " + packet.error().message();
    constexpr std::size_t most = 32; // of a stream frame there may be thousands
    std::string text;
    std::size_t count = 0;
    auto messages = packet->messages();
    for (wire::message m; messages.next(m);) {
        if (++count > most) continue;
        text.append(text.empty() ? "" : ", ").append(name_of(m.type));
        switch (m.type) {
        case wire::message_type::announce:
            if (auto const key = wire::record_view::peek(m.record)) {
                text.append(" " + to_string(key->subject) + " (incarnation " + std::to_string(key->incarnation));
                text.append(key->left ? ", left)" : ")");
            }
            break;
        case wire::message_type::suspect:
        case wire::message_type::dead:
            text.append(" " + to_string(m.subject) + " (incarnation " + std::to_string(m.incarnation) + ") by");
            for (short_id const who : m.accuser_list()) text.append(" " + to_string(who));
            break;
        case wire::message_type::indirect_ping:
        case wire::message_type::check:
        case wire::message_type::want: text.append(" " + to_string(m.subject)); break;
        default: break;
        }
    }
    if (count > most) text.append(", and " + std::to_string(count - most) + " more");
    return text.empty() ? "nothing" : text;
}

/// A short line of an event, as `peerkit-node` prints them.
[[nodiscard]] inline std::string event_text(gossip::event_kind kind, gossip::cause why, short_id subject, short_id by) {
    std::string text{gossip::to_string(kind)};
    if (subject != short_id{}) text.append(" " + to_string(subject));
    text.append(" (").append(gossip::to_string(why));
    if (by != short_id{}) text.append(", by " + to_string(by));
    return text + ")";
}

/// What was handed in, in one line without its time: "datagram from 10.0.0.1:9000, 98 bytes: ping".
[[nodiscard]] inline std::string input_text(recorded_input const& input) {
    using enum gossip::input_kind;
    node::value_reader in{input.body};
    std::string text{gossip::to_string(input.kind)};
    auto const frame = [&](bool stream) {
        text.append(", " + std::to_string(in.number()) + " bytes: ");
        byte_reader answers{input.answers};
        bool known = true, forged = false;
        for (recorded_answer a; a.read(answers);) {
            known = known && a.kind != gossip::answer_kind::key_unknown;
            forged = forged || a.kind == gossip::answer_kind::forged;
        }
        if (byte_view const plain = input.opened(); !plain.empty())
            text.append(packet_text(plain));
        else
            text.append(!known   ? "sealed with an unknown key"
                        : forged ? "the seal does not open"
                        : stream ? "of no use"
                                 : "refused before its seal was looked at");
    };
    auto const message = [&] {
        text.append(" to " + to_string(in.id().short_id()));
        text.append(", topic '" + detail::printable(in.text()) + "'");
        text.append(", " + std::to_string(in.block().size()) + " bytes");
    };
    switch (input.kind) {
    case datagram:
        text.append(" from " + in.place().to_string());
        frame(false);
        return text;
    case stream_frame:
        text.append(" " + std::to_string(in.number()));
        frame(true);
        return text;
    case stream_accepted: return text.append(" from " + in.place().to_string());
    case contact: return text.append(" " + in.place().to_string());
    case stream_opened:
    case cancel_request:
    case decline: return text.append(" " + std::to_string(in.number()));
    case stream_closed:
        text.append(" " + std::to_string(in.number()));
        if (in.flag()) text.append(": " + detail::read_error(in).message());
        return text;
    case discovery_failed: return text.append(": " + detail::read_error(in).message());
    case candidates: {
        std::size_t const count = in.count();
        text.append(": " + std::to_string(count));
        for (std::size_t i = 0; i < std::min<std::size_t>(count, 8) && in; ++i) {
            discovery::candidate const one = in.candidate();
            text.append(i == 0 ? ": " : ", ").append(detail::printable(one.name.view()));
            for (ip_endpoint const& where : one.addresses) text.append(" " + where.to_string());
        }
        return text.append(count > 8 ? ", ..." : "");
    }
    case host_name: {
        text.append(" of " + in.address().to_string() + ": ");
        return text.append(in.flag() ? detail::printable(in.text()) : detail::read_error(in).message());
    }
    case update: return text.append(" of " + detail::printable(in.about().name));
    case introduce: return text.append(": " + std::to_string(in.block().size()) + " bytes");
    case broadcast: return text.append(", topic '" + detail::printable(in.text()) + "'");
    case send_message:
    case send_reliably:
    case request: message(); return text;
    case respond: return text.append(" " + std::to_string(in.number()));
    case put:
    case erase: return text.append(" '" + detail::printable(in.text()) + "'");
    case start:
    case tick:
    case discovery_hint:
    case moved:
    case leave:
    case kept:
    case recollect: return text;
    }
    return text;
}

/// What a replayed node wants done, in one line: "send to 10.0.0.1:9000: ack". Frames have to be in plain.
[[nodiscard]] inline std::string action_text(gossip::action const& a) {
    auto const packet = [&](std::size_t front) {
        std::size_t const around = front + wire::envelope::head + wire::envelope::tail;
        if (a.bytes.size() < around) return std::string{"nothing"};
        return packet_text(a.bytes.subspan(front + wire::envelope::head, a.bytes.size() - around));
    };
    std::string const stream = std::to_string(static_cast<std::uint32_t>(a.stream));
    switch (a.kind) {
    case gossip::action_kind::send_datagram: return "send to " + a.to.to_string() + ": " + packet(0);
    case gossip::action_kind::open_stream: return "open stream " + stream + " to " + a.to.to_string();
    case gossip::action_kind::send_frame: return "send on stream " + stream + ": " + packet(wire::stream_prefix);
    case gossip::action_kind::close_stream: return "close stream " + stream;
    case gossip::action_kind::run_discovery: return "run discovery";
    case gossip::action_kind::resolve_address: return "look up the name of " + a.to.address.to_string();
    case gossip::action_kind::persist: return "keep the own record";
    case gossip::action_kind::listen: return "listen";
    case gossip::action_kind::notify: {
        gossip::event const& e = *a.what;
        std::string text = "tell: " + event_text(e.kind, e.why, e.subject.short_id(), e.by);
        if (e.where) text.append(" at " + e.where.to_string());
        if (e.what) text.append(": " + e.what->message());
        return text;
    }
    case gossip::action_kind::deliver:
        return "deliver " + std::string{gossip::to_string(a.message->kind)} + " from " +
               to_string(a.message->from.short_id()) + ", topic '" + detail::printable(a.message->topic.view()) +
               "', " + std::to_string(a.bytes.size()) + " bytes";
    }
    return "unknown";
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
