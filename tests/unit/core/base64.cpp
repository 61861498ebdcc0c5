// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of Base64: the vectors of RFC 4648, and that no two texts stand for the same bytes.
#include <peerkit/core/base64.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

using peerkit::as_bytes;
using peerkit::as_text;
using peerkit::base64_size;
using peerkit::core_error;
using peerkit::from_base64;
using peerkit::to_base64;

TEST_CASE("the examples of RFC 4648 read and write as it says") {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> examples{{{"", ""},
                                                                                     {"f", "Zg=="},
                                                                                     {"fo", "Zm8="},
                                                                                     {"foo", "Zm9v"},
                                                                                     {"foob", "Zm9vYg=="},
                                                                                     {"fooba", "Zm9vYmE="},
                                                                                     {"foobar", "Zm9vYmFy"}}};
    for (auto const& [bytes, text] : examples) {
        CHECK(to_base64(as_bytes(bytes)) == text);
        CHECK(base64_size(bytes.size()) == text.size());
        auto const read = from_base64(text);
        REQUIRE(read);
        CHECK(as_text(*read) == bytes);
    }
}

TEST_CASE("every byte at every place of a group comes back, and its text has one spelling only") {
    for (std::size_t size = 1; size <= 4; ++size) {
        for (std::size_t place = 0; place < size; ++place) {
            for (unsigned value = 0; value < 256; ++value) {
                std::array<std::byte, 4> bytes{std::byte{0x5a}, std::byte{0xa5}, std::byte{0}, std::byte{0xff}};
                bytes[place] = static_cast<std::byte>(value);
                peerkit::byte_view const there{bytes.data(), size};
                std::string const text = to_base64(there);
                auto const read = from_base64(text);
                REQUIRE(read);
                REQUIRE(peerkit::equal(*read, there));
            }
        }
    }
    // Whatever is accepted is what would be written.
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            std::string const text{static_cast<char>(a), static_cast<char>(b), '=', '='};
            if (auto const read = from_base64(text)) REQUIRE(to_base64(*read) == text);
        }
    }
}

TEST_CASE("what is no Base64 is refused with the place that is wrong") {
    auto const refused = [](std::string_view text, std::size_t where, std::string_view field) {
        CAPTURE(text);
        auto const read = from_base64(text);
        REQUIRE_FALSE(read);
        CHECK(read.error() == core_error::bad_base64);
        CHECK(read.error().position() == where);
        CHECK(read.error().field() == field);
    };
    refused("Zg=", 3, "length");
    refused("Zg", 2, "length");
    refused("Zm9vZ", 5, "length");
    refused("Zm-v", 2, "digit");
    refused("Zm9v Zm9", 4, "digit");
    refused("Zm9v\nZm9", 4, "digit");
    refused("Zm9vZm9\xff", 7, "digit");
    refused("====", 0, "digit");
    refused("=m9v", 0, "digit");
    refused("Z===", 1, "digit");
    refused("Zg==Zm9v", 2, "digit");
    refused("Z\x80==", 1, "digit");
    refused("Zh==", 1, "unused bits");
    refused("Zm9=", 2, "unused bits");
}

TEST_CASE("bytes that do not fit are refused with the size they take") {
    std::array<std::byte, 3> room{};
    CHECK(from_base64("Zm9v", room).value() == 3);
    auto const read = from_base64("Zm9vYg==", room);
    REQUIRE_FALSE(read);
    CHECK(read.error() == core_error::too_long);
    CHECK(read.error().position() == 4);
}
