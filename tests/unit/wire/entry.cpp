// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of entries and their marks: round trips, golden vectors, and everything that is refused.
#include <peerkit/wire/entry.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

using namespace peerkit;
using tests::bytes;
using wire::entry_marks_view;
using wire::entry_view;
using wire::message_type;
using wire::wire_error;

namespace {

bytes entry(std::string_view key, byte_view value, std::uint64_t version = 6, bool erased = false) {
    bytes made(entry_view::size_of(key, value.size()), std::byte{0x5a});
    byte_view const part = entry_view::write(made, short_id{9}, version, key, value, erased);
    REQUIRE(part.size() == made.size() - entry_view::signature_size);
    return made;
}

bytes marks(std::vector<std::uint32_t> const& held, bool answer = true) {
    bytes room(limits::packet);
    wire::packet_writer packet{room};
    REQUIRE(entry_marks_view::write(packet, short_id{9}, answer, 77, held));
    byte_view const body = packet.written().subspan(wire::message_head);
    return {body.begin(), body.end()};
}

} // namespace

TEST_CASE("an entry reads as it was written, whatever its size") {
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, limits::entry_value}) {
        bytes const value(size, std::byte{7});
        bytes const made = entry("shard/7.state", value);
        auto const read = entry_view::parse(made);
        REQUIRE(read);
        CHECK(read->owner() == short_id{9});
        CHECK(read->version() == 6);
        CHECK_FALSE(read->erased());
        CHECK(read->key() == "shard/7.state");
        CHECK(equal(read->value(), value));
        CHECK(equal(read->signature(), bytes(64, std::byte{0x5a})));
        CHECK(read->signature_word() == 0x5a5a5a5a5a5a5a5aULL);
        CHECK(equal(read->bytes(), made));
    }
    bytes const gone = entry("k", {}, 1, true);
    REQUIRE(entry_view::parse(gone));
    CHECK(entry_view::parse(gone)->erased());
}

TEST_CASE("the largest entry fits a datagram beside a ping") {
    bytes room(limits::packet);
    wire::packet_writer packet{room};
    CHECK(packet.ping(1, 1));
    CHECK(entry_view::size_of(std::string(limits::entry_key, 'k'), limits::entry_value) == entry_view::most);
    CHECK_FALSE(packet.body(message_type::entry, entry_view::most).empty());
}

TEST_CASE("the golden entries read as they were made") {
    bytes const put_bytes = tests::vector_of("entries.txt", "put"),
                gone_bytes = tests::vector_of("entries.txt", "erased");
    auto const put = entry_view::parse(put_bytes), gone = entry_view::parse(gone_bytes);
    REQUIRE(put);
    REQUIRE(gone);
    CHECK(put->version() == 1'700'000'000'000'000);
    CHECK(put->key() == "shard/7");
    CHECK(as_text(put->value()) == "ready");
    CHECK(gone->erased());
    CHECK(gone->key() == "shard/8");
    bytes const mark_bytes = tests::vector_of("entries.txt", "marks");
    auto const held = entry_marks_view::parse(mark_bytes);
    REQUIRE(held);
    CHECK(held->owner() == put->owner());
    CHECK(held->answer());
    REQUIRE(held->size() == 2);
    CHECK((*held)[0] == 3);
    CHECK((*held)[1] == 0x80000000U);
    bytes room(limits::packet);
    wire::packet_writer packet{room};
    CHECK(entry_marks_view::write(packet, held->owner(), true, held->record(), std::array{3U, 0x80000000U}));
    CHECK(equal(packet.written().subspan(wire::message_head), mark_bytes));
}

TEST_CASE("an entry that its owner may not make is not written") {
    bytes room(entry_view::most);
    auto const write = [&](std::string_view key, std::size_t value, std::uint64_t version, bool erased) {
        return !entry_view::write(room, short_id{1}, version, key, bytes(value), erased).empty();
    };
    CHECK(write("k", 0, 1, false));
    CHECK_FALSE(write("", 0, 1, false));
    CHECK_FALSE(write("two words", 0, 1, false));
    CHECK_FALSE(write(std::string(limits::entry_key + 1, 'k'), 0, 1, false));
    CHECK_FALSE(write("k", limits::entry_value + 1, 1, false));
    CHECK_FALSE(write("k", 1, 1, true));
    CHECK_FALSE(write("k", 0, 0, false));
    CHECK_FALSE(write("k", 0, limits::incarnation, false));
    room.resize(entry_view::size_of("k", 3) - 1);
    CHECK_FALSE(write("k", 3, 1, false));
}

TEST_CASE("an entry cut off anywhere, or with a field that none has, is refused by name") {
    bytes const good = entry("key", bytes(3, std::byte{1}));
    for (std::size_t size = 0; size < entry_view::size_of("key", 0); ++size)
        CHECK(entry_view::parse(byte_view{good}.first(size)).error() == wire_error::truncated);
    auto const changed = [&](std::size_t at, int value) {
        bytes copy = good;
        copy[at] = static_cast<std::byte>(value);
        return entry_view::parse(copy);
    };
    CHECK(changed(8, 0x80).error() == wire_error::reserved_incarnation);
    CHECK(changed(15, 0).error() == wire_error::reserved_incarnation);
    CHECK(changed(16, 2).error() == wire_error::bad_flags);
    CHECK(changed(16, 1).error() == wire_error::trailing_bytes);
    CHECK(changed(17, 0).error() == wire_error::bad_text);
    CHECK(changed(17, 7).error() == wire_error::truncated);
    CHECK(changed(18, ' ').error() == wire_error::bad_text);
    bytes long_key = entry("k", bytes(limits::entry_key + 1, static_cast<std::byte>('k')));
    long_key[17] = static_cast<std::byte>(limits::entry_key + 1);
    CHECK(entry_view::parse(long_key).error() == wire_error::bad_text);
    bytes large = entry("k", bytes(limits::entry_value));
    large.push_back(std::byte{0});
    CHECK(entry_view::parse(large).error() == wire_error::bad_length);
}

TEST_CASE("marks read as they were written and are found") {
    for (std::size_t const count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, limits::entries}) {
        std::vector<std::uint32_t> held;
        for (std::uint32_t i = 0; i < count; ++i) held.push_back(i * 16'000'000U + 5);
        bytes const body = marks(held, count % 2 == 0);
        auto const read = entry_marks_view::parse(body);
        REQUIRE(read);
        CHECK(read->owner() == short_id{9});
        CHECK(read->record() == 77);
        CHECK(read->answer() == (count % 2 == 0));
        REQUIRE(read->size() == count);
        for (std::uint32_t const mark : held) {
            CHECK(read->holds(mark));
            CHECK_FALSE(read->holds(mark + 1));
            CHECK_FALSE(read->holds(mark - 1));
        }
    }
    CHECK_FALSE(entry_marks_view::parse(marks({}))->holds(0));
}

TEST_CASE("marks that do not ascend, too many of them, and other flags are refused") {
    bytes const good = marks({1, 2, 3});
    CHECK(entry_marks_view::parse(byte_view{good}.first(good.size() - 1)).error() == wire_error::bad_message_length);
    CHECK(entry_marks_view::parse(byte_view{good}.first(12)).error() == wire_error::bad_message_length);
    CHECK(entry_marks_view::parse(marks({1, 3, 3})).error() == wire_error::not_canonical);
    CHECK(entry_marks_view::parse(marks({2, 1})).error() == wire_error::not_canonical);
    bytes flags = good;
    flags[8] = std::byte{2};
    CHECK(entry_marks_view::parse(flags).error() == wire_error::bad_flags);
    bytes many(entry_marks_view::head + 4 * (limits::entries + 1));
    CHECK(entry_marks_view::parse(many).error() == wire_error::too_many);
    bytes room(4096);
    wire::packet_writer packet{room};
    CHECK_FALSE(entry_marks_view::write(packet, short_id{9}, true, 0, std::vector<std::uint32_t>(limits::entries + 1)));
    wire::packet_writer tight{byte_span{room}.first(wire::message_head + entry_marks_view::head + 3)};
    CHECK_FALSE(entry_marks_view::write(tight, short_id{9}, true, 0, std::array{1U}));
    CHECK(tight.empty());
}
