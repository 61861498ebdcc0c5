// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the stream splitter against a reading of the whole stream: the chunks must not matter.
#include <peerkit/wire/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

struct outcome {
    std::vector<std::vector<std::byte>> frames;
    bool failed = false;
    bool at_boundary = true;
    [[nodiscard]] friend bool operator==(outcome const&, outcome const&) = default;
};

outcome at_once(byte_view stream) {
    outcome o;
    byte_reader in{stream};
    while (in.remaining() != 0) {
        o.at_boundary = false;
        if (in.remaining() < wire::stream_prefix) return o;
        std::size_t const size = in.u32();
        if (size < wire::envelope::min_frame || size > limits::stream_frame) {
            o.failed = true;
            return o;
        }
        byte_view const frame = in.bytes(size);
        if (!in) return o;
        o.frames.emplace_back(frame.begin(), frame.end());
        o.at_boundary = true;
    }
    return o;
}

/// Chunk sizes repeat; a frame is overwritten once it was seen, as opening it would.
outcome in_chunks(byte_view stream, byte_view sizes) {
    outcome o;
    wire::frame_splitter splitter;
    for (std::size_t turn = 0; !stream.empty(); ++turn) {
        std::size_t const wanted =
            sizes.empty() ? stream.size() : 1 + std::to_integer<std::size_t>(sizes[turn % sizes.size()]);
        std::size_t const size = std::min(wanted, stream.size());
        splitter.feed(stream.first(size));
        stream = stream.subspan(size);
        for (;;) {
            auto const frame = splitter.next();
            require(splitter.memory() <= limits::stream_frame);
            if (!frame) {
                require(frame.error() == wire::wire_error::bad_length);
                require(!splitter.next());
                o.failed = true;
                o.at_boundary = false;
                return o;
            }
            if (frame->empty()) break;
            o.frames.emplace_back(frame->begin(), frame->end());
            std::fill(frame->begin(), frame->end(), std::byte{0xff});
        }
    }
    o.at_boundary = splitter.at_boundary();
    return o;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    byte_reader in{byte_view{reinterpret_cast<std::byte const*>(data), size}};
    byte_view const sizes = in.short_bytes();
    if (!in) return 0;
    byte_view const stream = in.bytes(in.remaining());
    outcome const expected = at_once(stream);
    require(in_chunks(stream, sizes) == expected);
    require(in_chunks(stream, {}) == expected);
    std::array<std::byte, 1> const one_byte{};
    require(in_chunks(stream, one_byte) == expected);
    return 0;
}
