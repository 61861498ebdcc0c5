// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading in blocks: it is from_base64 and from_hex, for every character at every place and every size.
#include <peerkit/registry/text_blocks.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Both readers agree, in room of this size.
void agree(std::string_view text, std::size_t room) {
    std::vector<std::byte> plain(room), blocks(room);
    auto const expected = peerkit::from_base64(text, plain);
    auto const read = peerkit::registry::from_base64_blocks(text, blocks);
    REQUIRE(read.has_value() == expected.has_value());
    if (expected) {
        REQUIRE(*read == *expected);
        REQUIRE(peerkit::equal(peerkit::byte_view{blocks}.first(*read), peerkit::byte_view{plain}.first(*read)));
    } else {
        REQUIRE(read.error() == expected.error());
        REQUIRE(read.error().position() == expected.error().position());
        REQUIRE(read.error().field() == expected.error().field());
    }
}
std::string random_text(std::size_t bytes) {
    peerkit::seeded_rng rng{bytes};
    std::vector<std::byte> made(bytes);
    for (std::byte& b : made) b = static_cast<std::byte>(rng() >> 56U);
    return peerkit::to_base64(made);
}

} // namespace

TEST_CASE("texts of every size are read as from_base64 reads them, in room that is tight, ample or too small") {
    for (std::size_t bytes = 0; bytes < 300; ++bytes) {
        std::string const text = random_text(bytes);
        agree(text, bytes);
        agree(text, bytes + 40);
        if (bytes != 0) agree(text, bytes - 1);
        if (!text.empty()) agree(std::string_view{text}.substr(1), bytes + 40);
    }
}

TEST_CASE("every character at every place of a block is judged as from_base64 judges it") {
    std::string const good = random_text(96);
    for (std::size_t place = 0; place < good.size(); ++place) {
        for (unsigned c = 0; c < 256; ++c) {
            std::string text = good;
            text[place] = static_cast<char>(c);
            agree(text, 136);
        }
    }
}

TEST_CASE("ids are read as from_hex reads them, whatever the character at whatever place") {
    std::string const good = "00112233445566778899aabbccddeeffFFEEDDCCBBAA0123456789abcdefABCD";
    std::array<std::byte, 32> plain{}, blocks{};
    for (std::size_t place = 0; place < good.size(); ++place) {
        for (unsigned c = 0; c < 256; ++c) {
            std::string text = good;
            text[place] = static_cast<char>(c);
            plain.fill(std::byte{1});
            blocks.fill(std::byte{1});
            auto const expected = peerkit::from_hex(text, plain);
            auto const read = peerkit::registry::from_hex_blocks(text, blocks);
            REQUIRE(read.has_value() == expected.has_value());
            REQUIRE(blocks == plain);
            if (!read) REQUIRE(read.error().position() == expected.error().position());
        }
    }
    CHECK_FALSE(peerkit::registry::from_hex_blocks(good.substr(2), blocks));
    CHECK(peerkit::registry::from_hex_blocks("ff", peerkit::byte_span{blocks}.first(1)));
}
