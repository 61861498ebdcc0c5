// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of byte spans, hexadecimal text and the cursors that cannot overrun.
#include <peerkit/core/bytes.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using peerkit::byte_reader;
using peerkit::byte_span;
using peerkit::byte_view;
using peerkit::byte_writer;
using peerkit::core_error;
using peerkit::seeded_rng;

namespace {

template <typename... Values>
constexpr auto bytes_of(Values... values) {
    return std::array<std::byte, sizeof...(values)>{static_cast<std::byte>(values)...};
}

std::vector<std::byte> random_bytes(seeded_rng& rng, std::size_t size) {
    std::vector<std::byte> made(size);
    for (std::byte& b : made) b = static_cast<std::byte>(rng() & 0xffU);
    return made;
}

constexpr std::uint64_t written_then_read() {
    std::array<std::byte, 16> buffer{};
    byte_writer out{buffer};
    out.u8(1);
    out.u16(0x0203);
    out.u32(0x04050607);
    out.u64(0x08090a0b0c0d0e0f);
    byte_reader in{out.written()};
    std::uint64_t const sum = in.u8() + in.u16() + in.u32() + in.u64();
    return in && out && in.remaining() == 0 && out.remaining() == 1 ? sum : 0;
}
static_assert(written_then_read() == 1 + 0x0203 + 0x04050607 + 0x08090a0b0c0d0e0f, "usable in constant expressions");
static_assert(peerkit::load_big<std::uint32_t>(bytes_of(0xde, 0xad, 0xbe, 0xef).data()) == 0xdeadbeef);

} // namespace

TEST_CASE("text and bytes are views of each other") {
    std::string_view const text = "peer\0kit";
    byte_view const bytes = peerkit::as_bytes(text);
    CHECK(bytes.size() == text.size());
    CHECK(static_cast<void const*>(bytes.data()) == static_cast<void const*>(text.data()));
    CHECK(peerkit::as_text(bytes) == text);
    CHECK(peerkit::as_bytes({}).empty());
    CHECK(peerkit::as_text({}).empty());
}

TEST_CASE("bytes are equal if they have the same length and content") {
    auto const one = bytes_of(1, 2, 3), same = bytes_of(1, 2, 3), other = bytes_of(1, 2, 4);
    CHECK(peerkit::equal(one, same));
    CHECK(!peerkit::equal(one, other));
    CHECK(!peerkit::equal(one, byte_view{same}.first(2)));
    CHECK(!peerkit::equal(byte_view{one}.first(2), same));
    CHECK(peerkit::equal(byte_view{one}.first(2), byte_view{other}.first(2)));
    CHECK(peerkit::equal({}, {}));
    CHECK(peerkit::equal({}, byte_view{one}.first(0)));
    CHECK(!peerkit::equal({}, one));
}

TEST_CASE("copying fills the front and leaves the rest") {
    auto to = bytes_of(9, 9, 9);
    peerkit::copy_bytes(bytes_of(1, 2), to);
    CHECK(peerkit::equal(to, bytes_of(1, 2, 9)));
    peerkit::copy_bytes({}, to);
    CHECK(peerkit::equal(to, bytes_of(1, 2, 9)));
    peerkit::copy_bytes({}, {});
}

TEST_CASE("integers are stored with the highest byte first") {
    std::array<std::byte, 8> buffer{};
    peerkit::store_big(buffer.data(), std::uint64_t{0x0102030405060708});
    CHECK(peerkit::equal(buffer, bytes_of(1, 2, 3, 4, 5, 6, 7, 8)));
    CHECK(peerkit::load_big<std::uint64_t>(buffer.data()) == 0x0102030405060708);
    CHECK(peerkit::load_big<std::uint32_t>(buffer.data()) == 0x01020304);
    CHECK(peerkit::load_big<std::uint16_t>(buffer.data()) == 0x0102);
    CHECK(peerkit::load_big<std::uint8_t>(buffer.data()) == 1);
    peerkit::store_big(buffer.data(), std::uint16_t{0xfffe});
    CHECK(peerkit::equal(buffer, bytes_of(0xff, 0xfe, 3, 4, 5, 6, 7, 8)));
}

TEST_CASE("every integer comes back from its bytes") {
    seeded_rng rng{5};
    std::array<std::byte, 8> buffer{};
    auto const round_trip = [&](auto value) {
        peerkit::store_big(buffer.data(), value);
        CHECK(peerkit::load_big<decltype(value)>(buffer.data()) == value);
    };
    for (int i = 0; i < 500; ++i) {
        std::uint64_t const word = rng();
        round_trip(word);
        round_trip(static_cast<std::uint32_t>(word));
        round_trip(static_cast<std::uint16_t>(word));
        round_trip(static_cast<std::uint8_t>(word));
    }
    round_trip(~std::uint64_t{0});
    round_trip(std::uint64_t{0});
}

TEST_CASE("a reader gives what is there, in order, and knows where it is") {
    auto const data = bytes_of(0xff, 1, 2, 0x80, 0, 0, 1, 3, 'a', 'b', 'c', 0, 42);
    byte_reader in{data};
    CHECK(in.u8() == 0xff);
    CHECK(in.u16() == 0x0102);
    CHECK(in.position() == 3);
    CHECK(in.u32() == 0x80000001);
    CHECK(peerkit::as_text(in.short_bytes()) == "abc");
    byte_view const none = in.short_bytes();
    CHECK(none.empty());
    CHECK(static_cast<bool>(in));
    CHECK(in.remaining() == 1);
    CHECK(in.u8() == 42);
    CHECK(in.position() == data.size());
    CHECK(in.remaining() == 0);
    CHECK(in.bytes(0).empty());
    CHECK(static_cast<bool>(in));
}

TEST_CASE("a read past the end fails at every length and every width, and moves nothing") {
    std::array<std::byte, 9> data{};
    data.fill(std::byte{0xaa});
    auto const try_width = [&](std::size_t width, auto read) {
        for (std::size_t size = 0; size <= data.size(); ++size) {
            byte_reader in{byte_view{data}.first(size)};
            auto const value = read(in);
            CHECK(static_cast<bool>(in) == (size >= width));
            CHECK(in.position() == (size >= width ? width : 0));
            CHECK(in.remaining() == size - in.position());
            if (size < width) CHECK(value == 0);
            if (size >= width) CHECK(value != 0);
        }
    };
    try_width(1, [](byte_reader& in) { return in.u8(); });
    try_width(2, [](byte_reader& in) { return in.u16(); });
    try_width(4, [](byte_reader& in) { return in.u32(); });
    try_width(8, [](byte_reader& in) { return in.u64(); });
    for (std::size_t width = 1; width <= 9; ++width) {
        try_width(width, [width](byte_reader& in) { return in.bytes(width).size(); });
    }
}

TEST_CASE("a failed read is sticky: later reads give nothing even where bytes are left") {
    auto const data = bytes_of(1, 2, 3, 4, 5);
    byte_reader in{data};
    CHECK(in.u8() == 1);
    CHECK(in.u64() == 0);
    CHECK(!in);
    CHECK(in.position() == 1);
    CHECK(in.u8() == 0);
    CHECK(in.u16() == 0);
    CHECK(in.u32() == 0);
    CHECK(in.bytes(1).empty());
    CHECK(in.bytes(0).data() == nullptr);
    CHECK(in.short_bytes().empty());
    CHECK(!in);
    CHECK(in.position() == 1);
    CHECK(in.remaining() == 4);
}

TEST_CASE("a reader of nothing can read nothing, and that is no failure") {
    byte_reader in{byte_view{}};
    CHECK(in.bytes(0).empty());
    CHECK(static_cast<bool>(in));
    CHECK(in.u8() == 0);
    CHECK(!in);
}

TEST_CASE("a huge count does not wrap around") {
    auto const data = bytes_of(1, 2, 3);
    for (std::size_t const count : {~std::size_t{0}, ~std::size_t{0} - 1, ~std::size_t{0} / 2 + 1, std::size_t{3}}) {
        byte_reader in{data};
        CHECK(in.u8() == 1);
        CHECK(in.bytes(count).empty());
        CHECK(!in);
        CHECK(in.position() == 1);

        std::array<std::byte, 3> buffer{};
        byte_writer out{buffer};
        out.u8(1);
        CHECK(out.claim(count).empty());
        CHECK(!out);
        CHECK(out.position() == 1);
    }
}

TEST_CASE("short bytes that promise more than there is fail") {
    for (std::size_t promised = 0; promised <= 255; ++promised) {
        std::vector<std::byte> data(101, std::byte{1});
        data[0] = static_cast<std::byte>(promised);
        byte_reader in{data};
        CHECK(in.short_bytes().size() == (promised <= 100 ? promised : 0));
        CHECK(static_cast<bool>(in) == (promised <= 100));
    }
}

TEST_CASE("a write that does not fit fails at every length and every width, and writes nothing") {
    auto const try_width = [&](std::size_t width, auto write) {
        for (std::size_t size = 0; size <= 10; ++size) {
            std::vector<std::byte> buffer(size, std::byte{0xee});
            byte_writer out{buffer};
            write(out);
            CHECK(static_cast<bool>(out) == (size >= width));
            CHECK(out.position() == (size >= width ? width : 0));
            CHECK(out.remaining() == size - out.position());
            CHECK(out.written().size() == out.position());
            CHECK(std::count(buffer.begin(), buffer.end(), std::byte{0xee}) ==
                  static_cast<std::ptrdiff_t>(size - out.position()));
        }
    };
    auto const data = bytes_of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    try_width(1, [](byte_writer& out) { out.u8(1); });
    try_width(2, [](byte_writer& out) { out.u16(0x0101); });
    try_width(4, [](byte_writer& out) { out.u32(0x01010101); });
    try_width(8, [](byte_writer& out) { out.u64(0x0101010101010101); });
    for (std::size_t width = 0; width <= data.size(); ++width) {
        byte_view const some = byte_view{data}.first(width);
        try_width(width, [&](byte_writer& out) { out.bytes(some); });
        // The length goes with the bytes: both or neither.
        try_width(width + 1, [&](byte_writer& out) { out.short_bytes(some); });
    }
}

TEST_CASE("a failed write is sticky: later writes change nothing even where they would fit") {
    std::array<std::byte, 4> buffer{};
    buffer.fill(std::byte{0xee});
    byte_writer out{buffer};
    out.u8(1);
    out.u32(7);
    CHECK(!out);
    out.u8(2);
    out.u16(2);
    out.bytes(bytes_of(2));
    out.short_bytes(bytes_of(2));
    out.bytes({});
    CHECK(out.claim(1).empty());
    CHECK(!out);
    CHECK(out.position() == 1);
    CHECK(peerkit::equal(out.written(), bytes_of(1)));
    CHECK(peerkit::equal(buffer, bytes_of(1, 0xee, 0xee, 0xee)));
}

TEST_CASE("short bytes hold up to 255 bytes and no more") {
    std::vector<std::byte> const data(256, std::byte{3});
    std::array<std::byte, 300> buffer{};
    byte_writer out{buffer};
    out.short_bytes(byte_view{data}.first(255));
    CHECK(static_cast<bool>(out));
    CHECK(out.position() == 256);
    CHECK(buffer[0] == std::byte{255});
    out.rewind(0);
    out.short_bytes(data);
    CHECK(!out);
    CHECK(out.position() == 0);
}

TEST_CASE("claimed room is the caller's to fill and counts as written") {
    std::array<std::byte, 4> buffer{};
    byte_writer out{buffer};
    out.u8(1);
    byte_span const room = out.claim(2);
    REQUIRE(room.size() == 2);
    CHECK(room.data() == buffer.data() + 1);
    room[0] = std::byte{7};
    room[1] = std::byte{8};
    out.u8(9);
    CHECK(peerkit::equal(out.written(), bytes_of(1, 7, 8, 9)));
    CHECK(out.claim(0).empty());
    CHECK(static_cast<bool>(out));
}

TEST_CASE("rewinding forgets what came after and any failure") {
    std::array<std::byte, 4> buffer{};
    byte_writer out{buffer};
    out.u16(0x0102);
    std::size_t const mark = out.position();
    out.u8(3);
    out.u64(4);
    CHECK(!out);
    out.rewind(mark);
    CHECK(static_cast<bool>(out));
    CHECK(out.position() == 2);
    CHECK(out.remaining() == 2);
    out.u16(0x0506);
    CHECK(peerkit::equal(out.written(), bytes_of(1, 2, 5, 6)));
    out.rewind(0);
    CHECK(out.written().empty());
}

TEST_CASE("rewinding to a place not yet reached moves nothing, so the writer still cannot overrun") {
    std::array<std::byte, 4> buffer{};
    for (std::size_t const beyond : {std::size_t{2}, std::size_t{4}, std::size_t{5}, ~std::size_t{0}}) {
        byte_writer out{buffer};
        out.u8(1);
        out.rewind(beyond);
        CHECK(out.position() == 1);
        CHECK(out.remaining() == 3);
        CHECK(out.written().size() == 1);
        out.u32(7);
        CHECK(!out);
    }
}

TEST_CASE("any mix of reads agrees with a naive reader, on any input") {
    seeded_rng rng{6};
    int failures = 0, whole = 0;
    for (int round = 0; round < 2000; ++round) {
        auto const data = random_bytes(rng, static_cast<std::size_t>(peerkit::uniform(rng, std::uint64_t{400})));
        byte_reader in{data};
        std::size_t at = 0;
        bool fine = true;
        auto const naive = [&](std::size_t width) {
            fine = fine && data.size() - at >= width;
            std::uint64_t value = 0;
            for (std::size_t i = 0; fine && i < width; ++i)
                value = value * 256 + std::to_integer<std::uint64_t>(data[at + i]);
            if (fine) at += width;
            return value;
        };
        for (int step = 0; step < 10; ++step) {
            switch (peerkit::uniform(rng, std::uint64_t{6})) {
            case 0: CHECK(in.u8() == naive(1)); break;
            case 1: CHECK(in.u16() == naive(2)); break;
            case 2: CHECK(in.u32() == naive(4)); break;
            case 3: CHECK(in.u64() == naive(8)); break;
            case 4: {
                auto const count = static_cast<std::size_t>(peerkit::uniform(rng, std::uint64_t{12}));
                std::size_t const from = at;
                byte_view const got = in.bytes(count);
                naive(count);
                CHECK(peerkit::equal(got, byte_view{data}.subspan(from, at - from)));
                break;
            }
            default: {
                auto const count = static_cast<std::size_t>(naive(1));
                std::size_t const from = at;
                naive(count);
                byte_view const got = in.short_bytes();
                CHECK(got.size() == (fine ? count : 0));
                if (fine) CHECK(peerkit::equal(got, byte_view{data}.subspan(from, count)));
                // The length was read before its bytes were found missing.
                break;
            }
            }
            CHECK(static_cast<bool>(in) == fine);
            if (!fine) break;
            CHECK(in.position() == at);
        }
        failures += fine ? 0 : 1;
        whole += fine ? 1 : 0;
    }
    CHECK(failures > 100);
    CHECK(whole > 100);
}

TEST_CASE("hexadecimal text is lower case, two digits a byte, and comes back in either case") {
    CHECK(peerkit::to_hex({}).empty());
    CHECK(peerkit::to_hex(bytes_of(0, 0x0f, 0xf0, 0xab, 0xff)) == "000ff0abff");

    std::array<std::byte, 5> out{};
    CHECK(peerkit::from_hex("000ff0abff", out).has_value());
    CHECK(peerkit::equal(out, bytes_of(0, 0x0f, 0xf0, 0xab, 0xff)));
    CHECK(peerkit::from_hex("FFabCDEf01", out).has_value());
    CHECK(peerkit::equal(out, bytes_of(0xff, 0xab, 0xcd, 0xef, 0x01)));
    CHECK(peerkit::from_hex("", {}).has_value());

    seeded_rng rng{7};
    for (std::size_t size = 0; size < 64; ++size) {
        auto const data = random_bytes(rng, size);
        std::vector<std::byte> back(size);
        CHECK(peerkit::from_hex(peerkit::to_hex(data), back).has_value());
        CHECK(back == data);
    }
}

TEST_CASE("exactly the 22 hexadecimal digits are digits") {
    std::array<std::byte, 1> out{};
    int digits = 0;
    for (int c = 0; c < 256; ++c) {
        char const text[] = {'0', static_cast<char>(c)};
        auto const done = peerkit::from_hex({text, 2}, out);
        bool const digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        CHECK(done.has_value() == digit);
        digits += done ? 1 : 0;
    }
    CHECK(digits == 22);
}

TEST_CASE("wrong hexadecimal text is refused with its place, and the output stays as it was") {
    std::array<std::byte, 3> out{};
    auto const untouched = bytes_of(1, 2, 3);
    for (std::size_t size = 0; size < 10; ++size) {
        if (size == 6) continue;
        out = untouched;
        auto const done = peerkit::from_hex(std::string(size, '0'), out);
        REQUIRE(!done);
        CHECK(done.error() == core_error::bad_hex);
        CHECK(done.error().position() == size);
        CHECK(done.error().field() == "length");
        CHECK(out == untouched);
    }
    for (std::size_t i = 0; i < 6; ++i) {
        out = untouched;
        std::string text = "aabbcc";
        text[i] = ' ';
        auto const done = peerkit::from_hex(text, out);
        REQUIRE(!done);
        CHECK(done.error() == core_error::bad_hex);
        CHECK(done.error().position() == i);
        CHECK(done.error().field() == "digit");
        CHECK(out == untouched);
    }
}

TEST_CASE("every character at every place of a hexadecimal text is judged for itself") {
    std::array<std::byte, 9> bytes{};
    for (std::size_t place = 0; place < 18; ++place) {
        for (unsigned c = 0; c < 256; ++c) {
            std::string text = "0123456789abcdefAF";
            text[place] = static_cast<char>(c);
            bool const digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            bytes.fill(std::byte{0x77});
            auto const read = peerkit::from_hex(text, bytes);
            REQUIRE(read.has_value() == digit);
            if (digit) {
                std::string lower = text;
                for (char& one : lower) one = one >= 'A' && one <= 'F' ? static_cast<char>(one - 'A' + 'a') : one;
                REQUIRE(peerkit::to_hex(bytes) == lower);
            } else {
                REQUIRE(read.error().position() == place);
                REQUIRE(bytes[0] == std::byte{0x77});
            }
        }
    }
}
