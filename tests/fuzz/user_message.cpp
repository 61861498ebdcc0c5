// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the bodies that carry user data: what is accepted is written again as the same bytes.
#include <peerkit/wire/user_message.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;
using wire::message_type;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// The first byte chooses the layout, the rest is the body.
void try_body(unsigned kind, byte_view body) {
    std::vector<std::byte> room(body.size() + wire::message_head);
    wire::packet_writer packet{room};
    auto const same = [&](byte_view with_changes) {
        require(equal(packet.written().subspan(wire::message_head), with_changes));
    };
    switch (kind) {
    case 0:
        if (auto const read = wire::broadcast_view::parse(body)) {
            std::vector<std::byte> again(body.begin(), body.end());
            byte_view const part = wire::broadcast_view::write(again, read->origin(), read->session(), read->sequence(),
                                                               read->topic(), read->payload());
            require(equal(part, read->signed_part()) && equal(again, body));
        }
        return;
    case 1:
        if (auto const read = wire::user_message_view::parse(body)) {
            require(read->write(packet));
            same(body);
        }
        return;
    case 2:
        if (auto const read = wire::request_view::parse(body)) {
            require(read->patience <= limits::patience && read->write(packet));
            std::vector<std::byte> clamped(body.begin(), body.end());
            store_big(clamped.data() + 17, read->patience);
            same(clamped);
        }
        return;
    case 3:
        if (auto const read = wire::response_view::parse(body)) {
            require(read->write(packet));
            same(body);
        }
        return;
    default:
        if (auto const read = wire::range_list_view::parse(body)) {
            std::vector<wire::broadcast_range> all;
            for (std::size_t i = 0; i < read->size(); ++i) all.push_back((*read)[i]);
            require(wire::range_list_view::write(packet, message_type::offer, all));
            same(body);
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size != 0) try_body(data[0] % 5U, {reinterpret_cast<std::byte const*>(data + 1), size - 1});
    return 0;
}
