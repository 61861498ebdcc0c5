// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The container of compressed plaintexts, with a policy that is easy to follow.
#include <peerkit/wire/compression.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace peerkit;
using wire::compressed_packet;
using wire::wire_error;

namespace {

/// Runs of one byte: count, value, again and again.
struct run_lengths {
    static constexpr std::uint8_t algorithm = 200;
    std::size_t compress(byte_view from, byte_span to) noexcept {
        std::size_t used = 0;
        for (std::size_t at = 0; at < from.size();) {
            std::size_t run = 1;
            while (at + run < from.size() && run < 255 && from[at + run] == from[at]) ++run;
            if (to.size() - used < 2) return 0;
            to[used++] = static_cast<std::byte>(run);
            to[used++] = from[at];
            at += run;
        }
        return used;
    }
    bool expand(byte_view from, byte_span to) const noexcept {
        std::size_t used = 0;
        for (std::size_t at = 0; at + 1 < from.size(); at += 2) {
            auto const run = std::to_integer<std::size_t>(from[at]);
            if (run > to.size() - used) return false;
            std::fill_n(to.begin() + static_cast<std::ptrdiff_t>(used), run, from[at + 1]);
            used += run;
        }
        return from.size() % 2 == 0 && used == to.size();
    }
};
static_assert(wire::check_compression<run_lengths>());

std::vector<std::byte> runs(std::size_t size, std::size_t length) {
    std::vector<std::byte> made(size);
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>(1 + i / length % 7);
    return made;
}

std::size_t compressed(byte_span room, std::size_t size) {
    run_lengths policy;
    std::vector<std::byte> scratch(size);
    return compressed_packet::write(policy, room, size, scratch);
}

/// A compressed packet that says what it is told to say.
std::vector<std::byte> packet(std::uint8_t algorithm, std::uint32_t expanded, std::size_t block) {
    std::vector<std::byte> made(compressed_packet::head + block, std::byte{9});
    made[0] = compressed_packet::marker;
    made[1] = std::byte{algorithm};
    store_big(made.data() + 2, expanded);
    return made;
}

} // namespace

TEST_CASE("what is compressed is smaller and expands to what it was") {
    auto const before = runs(1100, 40);
    auto room = before;
    std::size_t const size = compressed(room, room.size());
    CHECK(size < before.size() / 4);
    REQUIRE(compressed_packet::is({room.data(), size}));
    std::array<std::byte, 2000> expanded;
    auto const after = compressed_packet::expand(run_lengths{}, {room.data(), size}, expanded);
    REQUIRE(after.has_value());
    CHECK(std::equal(after->begin(), after->end(), before.begin(), before.end()));
}

TEST_CASE("what does not shrink by an eighth stays as it is") {
    auto const before = runs(1100, 2); // 2 bytes for each 2
    auto room = before;
    CHECK(compressed(room, room.size()) == before.size());
    CHECK(room == before);
}

TEST_CASE("what the receiver would take for a bomb is not compressed") {
    std::vector<std::byte> room(60000, std::byte{7});
    CHECK(compressed(room, room.size()) == room.size());
    CHECK(std::all_of(room.begin(), room.end(), [](std::byte b) { return b == std::byte{7}; }));
}

TEST_CASE("without scratch or room nothing is compressed") {
    auto room = runs(1100, 40);
    run_lengths policy;
    std::array<std::byte, 1099> small;
    CHECK(compressed_packet::write(policy, room, room.size(), small) == room.size());
    CHECK(compressed_packet::write(policy, room, room.size() + 1, room) == room.size() + 1);
    CHECK(compressed_packet::write(policy, room, 0, small) == 0);
}

TEST_CASE(
    "a size of nothing, above what there is room for, or beyond the ratio is refused before anything is expanded") {
    std::array<std::byte, 1000> room;
    auto const refused = [&](std::vector<std::byte> const& made) {
        auto const got = compressed_packet::expand(run_lengths{}, made, room);
        REQUIRE_FALSE(got.has_value());
        return got.error();
    };
    CHECK(refused(packet(200, 0, 10)) == wire_error::bad_expansion);
    CHECK(refused(packet(200, 1001, 100)) == wire_error::bad_expansion);
    CHECK(refused(packet(200, 1001, 100)).position() == 1001);
    CHECK(refused(packet(200, 10 * compressed_packet::most_ratio + 1, 10)) == wire_error::bad_expansion);
    CHECK(refused(packet(200, 0xffffffffU, 100)) == wire_error::bad_expansion);
    CHECK(refused(packet(200, 100, 0)) == wire_error::truncated);
}

TEST_CASE("a block that is damaged or expands to another size is refused") {
    std::array<std::byte, 2000> room;
    auto made = runs(1100, 40);
    made.resize(compressed(made, made.size()));
    store_big(made.data() + 2, std::uint32_t{1099});
    CHECK(compressed_packet::expand(run_lengths{}, made, room).error() == wire_error::bad_compression);
    store_big(made.data() + 2, std::uint32_t{1101});
    CHECK(compressed_packet::expand(run_lengths{}, made, room).error() == wire_error::bad_compression);
}

TEST_CASE("another algorithm than the policy's is refused, and any by a node that does not compress") {
    std::array<std::byte, 1000> room;
    auto const other = compressed_packet::expand(run_lengths{}, packet(201, 18, 2), room);
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error() == wire_error::bad_compression);
    CHECK(other.error().position() == 201);
    CHECK(compressed_packet::expand(wire::no_compression{}, packet(0, 18, 2), room).error() ==
          wire_error::bad_compression);
}

TEST_CASE("the default compresses nothing") {
    static_assert(wire::check_compression<wire::no_compression>());
    auto room = runs(1100, 40);
    std::vector<std::byte> scratch(room.size());
    wire::no_compression none;
    CHECK(compressed_packet::write(none, room, room.size(), scratch) == room.size());
}
