// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes entries and their marks: what is accepted is written again as the same bytes.
#include <peerkit/wire/entry.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

void try_entry(byte_view body) {
    auto const read = wire::entry_view::parse(body);
    if (!read) return;
    std::vector<std::byte> again(body.begin(), body.end());
    byte_view const part =
        wire::entry_view::write(again, read->owner(), read->version(), read->key(), read->value(), read->erased());
    require(equal(part, read->signed_part()) && equal(again, body));
    require(body.size() <= wire::entry_view::most);
}

void try_marks(byte_view body) {
    auto const read = wire::entry_marks_view::parse(body);
    if (!read) return;
    std::vector<std::uint32_t> marks;
    for (std::size_t i = 0; i < read->size(); ++i) {
        marks.push_back((*read)[i]);
        require(read->holds(marks.back()));
    }
    std::vector<std::byte> room(body.size() + wire::message_head);
    wire::packet_writer packet{room};
    require(wire::entry_marks_view::write(packet, read->owner(), read->answer(), read->record(), marks));
    require(equal(packet.written().subspan(wire::message_head), body));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    byte_view const body{reinterpret_cast<std::byte const*>(data + 1), size - 1};
    data[0] % 2U == 0 ? try_entry(body) : try_marks(body);
    return 0;
}
