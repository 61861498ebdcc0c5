// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// LZ4 as a compression policy.
#include <peerkit/wire/lz4.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

using namespace peerkit;
using wire::compressed_packet;
using wire::lz4_compression;
using wire::wire_error;

namespace {

std::vector<std::byte> text(std::size_t size) {
    constexpr std::string_view words = R"({"zone":"eu-west","service":"sql","state":"passing","port":5432})";
    std::vector<std::byte> made(size);
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>(words[i % words.size()]);
    // Not too much alike, or it would be taken for a bomb.
    for (std::size_t i = 0; i < size; i += 50) made[i] = static_cast<std::byte>(i / 50 % 251);
    return made;
}

std::vector<std::byte> compressed(std::vector<std::byte> plain) {
    lz4_compression policy;
    std::vector<std::byte> scratch(plain.size());
    plain.resize(compressed_packet::write(policy, plain, plain.size(), scratch));
    REQUIRE(compressed_packet::is(plain));
    return plain;
}

} // namespace

TEST_CASE("packets of every size expand to what they were") {
    lz4_compression const policy;
    std::vector<std::byte> room(65536);
    for (std::size_t const size : {1024u, 1025u, 1136u, 4096u, 65482u}) {
        auto const plain = text(size);
        auto const packet = compressed(plain);
        CHECK(packet.size() < size);
        auto const after = compressed_packet::expand(policy, packet, room);
        REQUIRE(after.has_value());
        CHECK(std::equal(after->begin(), after->end(), plain.begin(), plain.end()));
    }
}

TEST_CASE("a block cut off anywhere is refused") {
    lz4_compression const policy;
    std::array<std::byte, 1136> room;
    auto const packet = compressed(text(1100));
    for (std::size_t size = compressed_packet::head + 1; size < packet.size(); ++size) {
        auto const got = compressed_packet::expand(policy, byte_view{packet}.first(size), room);
        REQUIRE_FALSE(got.has_value());
    }
}

TEST_CASE("a block followed by anything is refused") {
    lz4_compression const policy;
    std::array<std::byte, 1136> room;
    auto packet = compressed(text(1100));
    packet.push_back(std::byte{0});
    CHECK(compressed_packet::expand(policy, packet, room).error() == wire_error::bad_compression);
}

TEST_CASE("damage is refused or expands to the size that was said, never beyond it") {
    lz4_compression const policy;
    auto const packet = compressed(text(1100));
    std::vector<std::byte> room(1101, std::byte{0x5a});
    for (std::size_t at = compressed_packet::head; at < packet.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto damaged = packet;
            damaged[at] ^= std::byte{1} << bit;
            auto const got = compressed_packet::expand(policy, damaged, byte_span{room}.first(1100));
            if (got) CHECK(got->size() == 1100);
            REQUIRE(room.back() == std::byte{0x5a});
        }
    }
}

TEST_CASE("random bytes are left alone") {
    std::vector<std::byte> noise(1100);
    std::uint32_t state = 1;
    for (std::byte& b : noise) b = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24U);
    auto const before = noise;
    lz4_compression policy;
    std::vector<std::byte> scratch(noise.size());
    CHECK(compressed_packet::write(policy, noise, noise.size(), scratch) == before.size());
    CHECK(noise == before);
}

TEST_CASE("nothing, and no room, give nothing") {
    lz4_compression policy;
    std::array<std::byte, 4> room{};
    CHECK(policy.compress({}, room) == 0);
    CHECK(policy.compress(text(1100), {}) == 0);
    CHECK_FALSE(policy.expand({}, room));
    CHECK_FALSE(policy.expand(room, {}));
}
