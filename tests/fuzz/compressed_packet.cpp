// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes compressed packets: whatever expands fits its room and what it said; whatever is compressed comes back.
#include <peerkit/wire/lz4.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;
using wire::compressed_packet;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static wire::lz4_compression policy;
    byte_view const given{reinterpret_cast<std::byte const*>(data), size};

    // As an attacker's packet. The room is one of its own so that a byte beyond it is noticed.
    std::vector<std::byte> room(size % 2 == 0 ? limits::packet : limits::stream_frame);
    auto const expanded = compressed_packet::expand(policy, given, room);
    if (expanded) {
        require(compressed_packet::is(given) && expanded->data() == room.data());
        require(expanded->size() == load_big<std::uint32_t>(given.data() + 2));
        require(expanded->size() <= (size - compressed_packet::head) * compressed_packet::most_ratio);
    }

    // As a plaintext of our own.
    std::vector<std::byte> plain{given.begin(), given.end()};
    std::vector<std::byte> scratch(size);
    std::size_t const written = compressed_packet::write(policy, plain, size, scratch);
    if (written == size) {
        require(std::equal(plain.begin(), plain.end(), given.begin(), given.end()));
    } else {
        require(written < size && compressed_packet::is(plain));
        std::vector<std::byte> back(size);
        auto const again = compressed_packet::expand(policy, byte_view{plain}.first(written), back);
        require(again.has_value() && std::equal(again->begin(), again->end(), given.begin(), given.end()));
    }
    return 0;
}
