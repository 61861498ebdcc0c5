// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the checksum of stored documents.
#include <peerkit/store/checksum.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using peerkit::store::checksum;

namespace {

/// One bit at a time, as the definition has it.
std::uint64_t by_definition(std::string_view text) {
    std::uint64_t crc = ~std::uint64_t{0};
    for (char const c : text) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xc96c5795d7870f42U : 0U);
    }
    return ~crc;
}

} // namespace

TEST_CASE("the checksum is CRC-64/XZ") {
    static_assert(checksum("123456789") == 0x995dc9bbdf1939faU);
    CHECK(checksum("") == 0);
    std::string text;
    for (std::size_t i = 0; i < 70; ++i) {
        CHECK(checksum(text) == by_definition(text));
        text += static_cast<char>(i * 37 + 200);
    }
}
