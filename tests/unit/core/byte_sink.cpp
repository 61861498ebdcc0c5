// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the growing writer and of numbers of variable length.
#include <peerkit/core/byte_sink.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace peerkit;

TEST_CASE("what a sink wrote is read again") {
    byte_sink out;
    out.u8(7);
    out.u16(0x0102);
    out.u32(0x03040506);
    out.u64(0x0708090a0b0c0d0eULL);
    out.varint(300);
    out.text("db1");
    out.block({});
    byte_reader in{out.bytes()};
    CHECK(in.u8() == 7);
    CHECK(in.u16() == 0x0102);
    CHECK(in.u32() == 0x03040506);
    CHECK(in.u64() == 0x0708090a0b0c0d0eULL);
    CHECK(read_varint(in) == 300);
    CHECK(read_text(in) == "db1");
    CHECK(read_block(in).empty());
    CHECK(static_cast<bool>(in));
    CHECK(in.remaining() == 0);
}

TEST_CASE("a number takes a byte for every seven bits, and every number survives") {
    struct {
        std::uint64_t value;
        std::size_t size;
    } const cases[] = {{0, 1},     {127, 1},          {128, 2},
                       {16383, 2}, {16384, 3},        {std::uint64_t{1} << 56U, 9},
                       {300, 2},   {1ULL << 63U, 10}, {std::numeric_limits<std::uint64_t>::max(), 10}};
    for (auto const& one : cases) {
        CAPTURE(one.value);
        byte_sink out;
        out.varint(one.value);
        CHECK(out.size() == one.size);
        byte_reader in{out.bytes()};
        CHECK(read_varint(in) == one.value);
        CHECK(static_cast<bool>(in));
        for (std::size_t cut = 0; cut < one.size; ++cut) {
            byte_reader less{out.bytes().first(cut)};
            CHECK(read_varint(less) == 0);
            CHECK_FALSE(static_cast<bool>(less));
        }
    }
}

TEST_CASE("a number of more than 64 bits, and a block longer than what is there, are refused") {
    std::array<std::byte, 11> wide;
    wide.fill(std::byte{0xff});
    byte_reader in{wide};
    CHECK(read_varint(in) == 0);
    CHECK_FALSE(static_cast<bool>(in));
    std::array<std::byte, 10> above;
    above.fill(std::byte{0x80});
    above[9] = std::byte{2};
    byte_reader second{above};
    CHECK(read_varint(second) == 0);
    CHECK_FALSE(static_cast<bool>(second));
    std::array const long_block{std::byte{3}, std::byte{1}, std::byte{2}};
    byte_reader third{long_block};
    CHECK(read_block(third).empty());
    CHECK_FALSE(static_cast<bool>(third));
}

TEST_CASE("a sink that is cleared keeps its memory, one that is taken from has none") {
    byte_sink out;
    out.raw(std::vector<std::byte>(1000));
    std::byte const* const where = out.bytes().data();
    out.clear();
    CHECK(out.size() == 0);
    out.u8(1);
    CHECK(out.bytes().data() == where);
    CHECK(out.take() == std::vector{std::byte{1}});
    CHECK(out.size() == 0);
}
