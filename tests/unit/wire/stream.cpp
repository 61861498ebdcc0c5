// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the frame splitter: any chunks, bounded memory, bad lengths.
#include <peerkit/wire/stream.hpp>

#include <doctest/doctest.h>

#include "unit/wire/samples.hpp"
#include "unit/wire/vectors.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

using namespace peerkit;
using wire::frame_splitter;
using wire::wire_error;

namespace {

using bytes = std::vector<std::byte>;

bytes framed(std::vector<bytes> const& frames) {
    bytes stream;
    for (bytes const& frame : frames) {
        std::array<std::byte, wire::stream_prefix> prefix;
        wire::write_stream_prefix(prefix, frame.size());
        stream.insert(stream.end(), prefix.begin(), prefix.end());
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    return stream;
}

bytes prefix_of(std::uint32_t length) {
    bytes made(4);
    store_big(made.data(), length);
    return made;
}

/// Cuts `stream` into chunks whose sizes come from `next_size`; false at the first error.
template <typename NextSize>
bool split(frame_splitter& splitter, byte_view stream, NextSize next_size, std::vector<bytes>& frames) {
    while (!stream.empty()) {
        std::size_t const size = std::min(next_size(), stream.size());
        splitter.feed(stream.first(size));
        stream = stream.subspan(size);
        for (;;) {
            auto const frame = splitter.next();
            if (!frame) return false;
            if (frame->empty()) break;
            frames.emplace_back(frame->begin(), frame->end());
        }
    }
    return true;
}

std::vector<bytes> some_frames() {
    std::vector<bytes> frames;
    int fill = 1;
    for (std::size_t const size :
         {wire::envelope::min_frame, std::size_t{58}, std::size_t{1000}, limits::stream_frame}) {
        frames.emplace_back(size, static_cast<std::byte>(fill++));
    }
    frames.emplace_back(wire::envelope::min_frame, std::byte{9});
    return frames;
}

} // namespace

TEST_CASE("frames come out as they went in, whatever the chunks") {
    std::vector<bytes> const frames = some_frames();
    bytes const stream = framed(frames);
    for (std::size_t const chunk : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}, std::size_t{5},
                                    std::size_t{61}, std::size_t{62}, std::size_t{4096}, stream.size()}) {
        frame_splitter splitter;
        std::vector<bytes> got;
        CHECK(split(splitter, stream, [&] { return chunk; }, got));
        CHECK(got == frames);
        CHECK(splitter.at_boundary());
        CHECK(splitter.memory() <= limits::stream_frame);
    }
    seeded_rng rng{4};
    for (int i = 0; i < 50; ++i) {
        frame_splitter splitter;
        std::vector<bytes> got;
        CHECK(split(splitter, stream, [&] { return 1 + tests::below(rng, 3000); }, got));
        CHECK(got == frames);
    }
}

TEST_CASE("the splitter knows when the stream may end") {
    bytes const stream = framed({bytes(57, std::byte{1})});
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        frame_splitter splitter;
        std::vector<bytes> got;
        REQUIRE(split(splitter, byte_view{stream}.first(size), [] { return std::size_t{7}; }, got));
        CHECK(splitter.at_boundary() == (size == 0 || size == stream.size()));
        CHECK(got.size() == (size == stream.size() ? 1 : 0));
    }
}

TEST_CASE("a frame that has come while more is waiting is not yet the end") {
    bytes const stream = framed({bytes(57, std::byte{1}), bytes(57, std::byte{2})});
    frame_splitter splitter;
    splitter.feed(stream);
    CHECK_FALSE(splitter.at_boundary());
    CHECK(splitter.next()->size() == 57);
    CHECK_FALSE(splitter.at_boundary());
    CHECK(splitter.next()->size() == 57);
    CHECK(splitter.at_boundary());
    CHECK(splitter.next()->empty());
    CHECK(splitter.at_boundary());
}

TEST_CASE("an impossible length is refused for good, as soon as it is known") {
    for (std::uint32_t const length : {0U, 1U, 56U, 65537U, 0x01000000U, 0xffffffffU}) {
        for (std::size_t const chunk : {std::size_t{1}, std::size_t{100}}) {
            bytes stream = framed({bytes(60, std::byte{3})});
            bytes const bad = prefix_of(length);
            stream.insert(stream.end(), bad.begin(), bad.end());
            frame_splitter splitter;
            std::vector<bytes> got;
            CHECK_FALSE(split(splitter, stream, [&] { return chunk; }, got));
            CHECK(got.size() == 1);
            auto const again = splitter.next();
            REQUIRE_FALSE(again);
            CHECK(again.error() == wire_error::bad_length);
            CHECK(again.error().position() == length);
            CHECK(again.error().field() == "stream frame");
            splitter.feed(framed({bytes(57, std::byte{1})}));
            CHECK_FALSE(splitter.next());
        }
    }
}

TEST_CASE("a length alone costs no memory, and what has come is held no more than twice") {
    frame_splitter splitter;
    std::vector<bytes> got;
    bytes const head = prefix_of(limits::stream_frame);
    REQUIRE(split(splitter, head, [] { return std::size_t{4}; }, got));
    CHECK(splitter.memory() == 0);
    bytes const part(3000, std::byte{1});
    REQUIRE(split(splitter, part, [] { return std::size_t{100}; }, got));
    CHECK(splitter.memory() >= 3000);
    CHECK(splitter.memory() <= 6000);
    CHECK(got.empty());
}

TEST_CASE("a frame may be changed in place") {
    bytes const stream = framed({bytes(57, std::byte{1}), bytes(57, std::byte{2})});
    frame_splitter splitter;
    splitter.feed(stream);
    auto const first = splitter.next();
    REQUIRE(first);
    std::fill(first->begin(), first->end(), std::byte{0xff});
    auto const second = splitter.next();
    REQUIRE(second);
    CHECK(bytes(second->begin(), second->end()) == bytes(57, std::byte{2}));
}

TEST_CASE("the golden stream is cut into its frames") {
    bytes const stream = tests::vector_of("stream.txt", "from_dialer");
    frame_splitter splitter;
    std::vector<bytes> got;
    REQUIRE(split(splitter, stream, [] { return std::size_t{10}; }, got));
    REQUIRE(got.size() == 2);
    for (bytes const& frame : got) {
        auto const head = wire::envelope::decode(frame);
        REQUIRE(head);
        CHECK(head->stream);
    }
}
