// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node ids and their short form.
#include <peerkit/core/node_id.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>

using peerkit::core_error;
using peerkit::node_id;
using peerkit::seeded_rng;
using peerkit::short_id;

namespace {

static_assert(std::is_trivially_copyable_v<node_id>);
static_assert(sizeof(node_id) == node_id::size && node_id::size == 32, "it is the bytes of the key and nothing else");
static_assert(std::is_same_v<std::underlying_type_t<short_id>, std::uint64_t>);
static_assert(!std::is_convertible_v<std::uint64_t, short_id>, "a number is not taken for an id by mistake");
static_assert(!node_id{} && node_id{}.short_id() == short_id{0}, "usable in constant expressions");

constexpr std::string_view key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

node_id random_id(seeded_rng& rng) {
    node_id id;
    for (std::byte& b : id.bytes) b = static_cast<std::byte>(rng() & 0xffU);
    return id;
}

} // namespace

TEST_CASE("a node id is read from 64 hexadecimal digits of either case") {
    auto const id = node_id::parse(key);
    REQUIRE(id);
    for (std::size_t i = 0; i < node_id::size; ++i) CHECK(id->bytes[i] == static_cast<std::byte>(i));
    CHECK(id->to_string() == key);

    std::string upper{key};
    for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    CHECK(node_id::parse(upper) == id);
}

TEST_CASE("a text of the wrong length is not a node id and the error says how long it was") {
    for (std::size_t size = 0; size < 130; ++size) {
        auto const id = node_id::parse(std::string(size, 'a'));
        CHECK(id.has_value() == (size == 64));
        if (!id) {
            CHECK(id.error() == core_error::bad_hex);
            CHECK(id.error().position() == size);
            CHECK(id.error().field() == "length");
        }
    }
}

TEST_CASE("a wrong digit is refused wherever it stands and the error says where") {
    for (std::size_t i = 0; i < 64; ++i) {
        std::string text{key};
        text[i] = 'g';
        auto const id = node_id::parse(text);
        REQUIRE(!id);
        CHECK(id.error() == core_error::bad_hex);
        CHECK(id.error().position() == i);
        CHECK(id.error().field() == "digit");
    }
}

TEST_CASE("a node id is made from exactly 32 bytes; any other number gives none") {
    std::array<std::byte, 40> bytes{};
    bytes.fill(std::byte{7});
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        auto const id = node_id::from_bytes(peerkit::byte_view{bytes}.first(size));
        CHECK(static_cast<bool>(id) == (size == 32));
        if (size == 32) CHECK(peerkit::equal(id.bytes, peerkit::byte_view{bytes}.first(32)));
    }
}

TEST_CASE("an id is none exactly if all its bytes are zero") {
    CHECK(!node_id{});
    for (std::size_t i = 0; i < node_id::size; ++i) {
        node_id id;
        id.bytes[i] = std::byte{1};
        CHECK(static_cast<bool>(id));
        CHECK(id != node_id{});
    }
}

TEST_CASE("the short id is the first eight bytes as a big-endian number and prints as their digits") {
    auto const id = node_id::parse(key);
    REQUIRE(id);
    CHECK(id->short_id() == short_id{0x0001020304050607});
    CHECK(peerkit::to_string(id->short_id()) == "0001020304050607");
    CHECK(peerkit::to_string(short_id{0}) == "0000000000000000");
    CHECK(peerkit::to_string(short_id{~std::uint64_t{0}}) == "ffffffffffffffff");

    node_id same = *id;
    for (std::size_t i = 8; i < node_id::size; ++i) {
        same.bytes[i] = std::byte{0};
        CHECK(same.short_id() == id->short_id());
    }
    for (std::size_t i = 0; i < 8; ++i) {
        node_id other = *id;
        other.bytes[i] = std::byte{0xee};
        CHECK(other.short_id() != id->short_id());
    }
}

TEST_CASE("printing and reading a node id gives the same id, and order is that of the text") {
    seeded_rng rng{32};
    node_id before;
    for (int i = 0; i < 500; ++i) {
        node_id const id = random_id(rng);
        std::string const text = id.to_string();
        CHECK(node_id::parse(text).value() == id);
        CHECK(text.substr(0, 16) == peerkit::to_string(id.short_id()));
        CHECK((before < id) == (before.to_string() < text));
        CHECK((before == id) == (before.to_string() == text));
        before = id;
    }
}

TEST_CASE("node ids are keys of unordered containers, equal ids with equal hashes") {
    seeded_rng rng{33};
    std::unordered_set<node_id> ids;
    for (int i = 0; i < 200; ++i) ids.insert(random_id(rng));
    CHECK(ids.size() == 200);
    seeded_rng again{33};
    for (int i = 0; i < 200; ++i) CHECK(!ids.insert(random_id(again)).second);

    auto const id = node_id::parse(key);
    REQUIRE(id);
    node_id const copy = *id;
    CHECK(std::hash<node_id>{}(copy) == std::hash<node_id>{}(*id));
    CHECK(std::hash<node_id>{}(*id) != std::hash<node_id>{}(node_id{}));
}
