// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the packet checker: what it accepts is read without surprise and is written again as the same bytes.
#include <peerkit/wire/message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;
using wire::message;
using wire::message_type;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

void write_again(message const& m, wire::packet_writer& out) {
    switch (m.type) {
    case message_type::ping: return require(out.ping(m.nonce, m.incarnation, m.epoch));
    case message_type::ack: return require(out.ack(m.nonce, m.incarnation, m.epoch));
    case message_type::nack: return require(out.nack(m.nonce));
    case message_type::indirect_ping: return require(out.indirect_ping(m.nonce, m.subject));
    case message_type::announce: return require(out.announce(m.record));
    case message_type::suspect:
    case message_type::dead: return require(out.accuse(m.type, m.subject, m.incarnation, m.accuser_list()));
    case message_type::want: return require(out.want(m.subject, m.incarnation));
    case message_type::hello: return require(out.hello(m.nonce, m.incarnation, m.epoch));
    case message_type::check: return require(out.check(m.nonce, m.subject, m.incarnation));
    case message_type::heard: return require(out.heard(m.nonce));
    case message_type::unheard: return require(out.unheard(m.nonce));
    case message_type::heartbeat: return require(out.heartbeat(m.incarnation, m.epoch));
    case message_type::exchange_begin: return require(out.exchange_begin(m.flags));
    case message_type::exchange_end: return require(out.exchange_end(m.count));
    case message_type::digest: return require(out.digest(static_cast<wire::digest_kind>(m.flags), m.count, m.nonce));
    case message_type::listing:
    case message_type::sums:
    case message_type::pull:
        return require(out.composed(m.type, [&](byte_span room) {
            if (room.size() < m.record.size()) return std::size_t{0};
            copy_bytes(m.record, room);
            return m.record.size();
        }));
    case message_type::observed: return require(out.observed(m.where()));
    case message_type::broadcast:
    case message_type::user_message:
    case message_type::request:
    case message_type::response:
    case message_type::offer:
    case message_type::fetch:
    case message_type::entry:
    case message_type::entry_marks: {
        byte_span const body = out.body(m.type, m.record.size());
        require(body.size() == m.record.size() && !body.empty());
        return copy_bytes(m.record, body);
    }
    }
    require(false);
}

/// `plain` without the messages a receiver passes over, by a reading of its own.
std::vector<std::byte> without_skippable(byte_view plain) {
    std::vector<std::byte> kept;
    for (byte_reader in{plain}; in.remaining() != 0;) {
        std::size_t const start = in.position();
        std::uint8_t const type = in.u8();
        (void)in.bytes(in.u16());
        require(static_cast<bool>(in));
        if (type <= 128)
            kept.insert(kept.end(), plain.begin() + static_cast<std::ptrdiff_t>(start),
                        plain.begin() + static_cast<std::ptrdiff_t>(in.position()));
    }
    return kept;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    byte_view const plain{reinterpret_cast<std::byte const*>(data), size};
    auto const packet = wire::packet_view::parse(plain);
    if (!packet) {
        require(packet.error().domain() == "wire");
        require(packet.error().position() <= size);
        require(!packet.error().field().empty());
        return 0;
    }
    std::vector<std::byte> room(size);
    wire::packet_writer out{room};
    std::size_t count = 0;
    auto messages = packet->messages();
    for (message m; messages.next(m); ++count) write_again(m, out);
    require(count == packet->count());
    require(count + packet->skipped() != 0);
    require(equal(out.written(), without_skippable(plain)));
    return 0;
}
