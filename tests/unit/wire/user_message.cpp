// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the bodies that carry user data: round trips, golden vectors, and everything that is refused.
#include <peerkit/wire/user_message.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>
#include <string>
#include <vector>

using namespace peerkit;
using tests::bytes;
using wire::broadcast_range;
using wire::broadcast_view;
using wire::message_type;
using wire::range_list_view;
using wire::request_view;
using wire::response_status;
using wire::response_view;
using wire::user_message_view;
using wire::wire_error;

namespace {

/// The body of the one message that `write(packet)` writes.
template <typename Write>
bytes body_of(Write&& write) {
    bytes room(limits::stream_frame);
    wire::packet_writer packet{room};
    REQUIRE(write(packet));
    auto const read = wire::packet_view::parse(packet.written());
    REQUIRE(read);
    wire::message m;
    auto messages = read->messages();
    REQUIRE(messages.next(m));
    return {m.record.begin(), m.record.end()};
}

bytes filled(std::size_t size, int value = 7) { return bytes(size, static_cast<std::byte>(value)); }

bytes broadcast(std::string_view topic, byte_view payload, std::uint64_t session = 5, std::uint64_t sequence = 6) {
    bytes made(broadcast_view::size_of(topic, payload.size()), std::byte{0x5a});
    byte_view const part = broadcast_view::write(made, short_id{9}, session, sequence, topic, payload);
    REQUIRE(part.size() == made.size() - broadcast_view::signature_size);
    return made;
}

} // namespace

TEST_CASE("a broadcast reads as it was written, whatever its size") {
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, limits::datagram_payload, limits::payload}) {
        bytes const payload = filled(size);
        bytes const made = broadcast("chat/room-1", payload);
        auto const read = broadcast_view::parse(made);
        REQUIRE(read);
        CHECK(read->origin() == short_id{9});
        CHECK(read->session() == 5);
        CHECK(read->sequence() == 6);
        CHECK(read->topic() == "chat/room-1");
        CHECK(equal(read->payload(), payload));
        CHECK(equal(read->signature(), filled(64, 0x5a)));
        CHECK(read->small() == (size <= limits::datagram_payload));
    }
}

TEST_CASE("the largest small broadcast fits a datagram beside a ping, the largest of all a stream frame") {
    std::string const topic(limits::topic, 't');
    bytes room(limits::packet);
    wire::packet_writer packet{room};
    CHECK(packet.ping(1, 1));
    CHECK_FALSE(
        packet.body(message_type::broadcast, wire::hop_size + broadcast_view::size_of(topic, limits::datagram_payload))
            .empty());
    bytes frame(limits::stream_frame - wire::message_head - 54);
    CHECK(wire::hop_size + broadcast_view::size_of(topic, limits::payload) <= frame.size());
    CHECK(request_view::head + 1 + limits::topic + limits::payload <= frame.size());
}

TEST_CASE("a broadcast that its origin may not make is not written") {
    bytes room(limits::stream_frame);
    auto const write = [&](std::string_view topic, std::size_t payload, std::uint64_t session, std::uint64_t sequence) {
        return !broadcast_view::write(room, short_id{1}, session, sequence, topic, filled(payload)).empty();
    };
    CHECK(write("t", 0, 1, 1));
    CHECK_FALSE(write("", 0, 1, 1));
    CHECK_FALSE(write("two words", 0, 1, 1));
    CHECK_FALSE(write(std::string(limits::topic + 1, 't'), 0, 1, 1));
    CHECK_FALSE(write("t", limits::payload + 1, 1, 1));
    CHECK_FALSE(write("t", 0, 0, 1));
    CHECK_FALSE(write("t", 0, 1, 0));
    CHECK_FALSE(write("t", 0, limits::incarnation, 1));
    CHECK_FALSE(write("t", 0, 1, limits::incarnation));
    room.resize(broadcast_view::size_of("t", 3) - 1);
    CHECK_FALSE(write("t", 3, 1, 1));
}

TEST_CASE("a broadcast cut off anywhere, or with numbers and topics that are none, is refused") {
    bytes const good = broadcast("topic", filled(3));
    for (std::size_t size = 0; size < broadcast_view::size_of("topic", 0); ++size)
        CHECK_FALSE(broadcast_view::parse(byte_view{good}.first(size)));
    auto const changed = [&](std::size_t at, int value) {
        bytes copy = good;
        copy[at] = static_cast<std::byte>(value);
        return broadcast_view::parse(copy);
    };
    CHECK(changed(8, 0x80).error() == wire_error::reserved_incarnation);
    CHECK(changed(16, 0x80).error() == wire_error::reserved_incarnation);
    CHECK(changed(15, 0).error() == wire_error::reserved_incarnation);
    CHECK(changed(23, 0).error() == wire_error::reserved_incarnation);
    CHECK(changed(24, 0).error() == wire_error::bad_text);
    CHECK(changed(24, 9).error() == wire_error::truncated);
    CHECK(changed(24, 64).error() == wire_error::truncated);
    CHECK(changed(25, ' ').error() == wire_error::bad_text);
    bytes long_topic = broadcast("t", filled(limits::topic + 1, 't'));
    long_topic[24] = static_cast<std::byte>(limits::topic + 1);
    CHECK(broadcast_view::parse(long_topic).error() == wire_error::bad_text);
    bytes large = broadcast("t", filled(limits::payload));
    large.push_back(std::byte{0});
    CHECK(broadcast_view::parse(large).error() == wire_error::bad_length);
}

TEST_CASE("messages, requests and responses read as they were written") {
    bytes const payload = filled(20);
    bytes const said = body_of([&](auto& p) { return user_message_view{77, "a.b", payload}.write(p); });
    auto const message = user_message_view::parse(said);
    REQUIRE(message);
    CHECK(message->life == 77);
    CHECK(message->topic == "a.b");
    CHECK(equal(message->payload, payload));

    bytes const asked = body_of(
        [&](auto& p) { return request_view{78, 0x1122, request_view::confirm_only, 2500, "q", payload}.write(p); });
    auto const request = request_view::parse(asked);
    REQUIRE(request);
    CHECK(request->life == 78);
    CHECK(request->id == 0x1122);
    CHECK(request->flags == request_view::confirm_only);
    CHECK(request->patience == 2500);
    CHECK(request->topic == "q");
    CHECK(equal(request->payload, payload));

    bytes const told = body_of([&](auto& p) { return response_view{5, response_status::answered, payload}.write(p); });
    auto const response = response_view::parse(told);
    REQUIRE(response);
    CHECK(response->id == 5);
    CHECK(response->status == response_status::answered);
    CHECK(equal(response->payload, payload));
}

TEST_CASE("the patience of a request is clamped, unknown flags and states are refused") {
    bytes asked = body_of([&](auto& p) { return request_view{1, 2, 0, 0xffffffffU, "q", {}}.write(p); });
    CHECK(request_view::parse(asked)->patience == limits::patience);
    asked[16] = std::byte{2};
    CHECK(request_view::parse(asked).error() == wire_error::bad_flags);
    asked[16] = std::byte{0};
    CHECK(request_view::parse(byte_view{asked}.first(21)).error() == wire_error::truncated);

    bytes told = body_of([&](auto& p) { return response_view{5, response_status::refused, {}}.write(p); });
    CHECK(response_view::parse(told)->status == response_status::refused);
    told[8] = std::byte{5};
    CHECK(response_view::parse(told).error() == wire_error::bad_flags);
    told[8] = std::byte{1};
    told.push_back(std::byte{0});
    CHECK(response_view::parse(told).error() == wire_error::trailing_bytes);
    CHECK(response_view::parse(byte_view{told}.first(8)).error() == wire_error::truncated);
}

TEST_CASE("what a receiver would refuse is not written") {
    bytes room(2 * limits::stream_frame);
    wire::packet_writer packet{room};
    bytes const large = filled(limits::payload + 1);
    CHECK_FALSE(user_message_view{1, "", {}}.write(packet));
    CHECK_FALSE(user_message_view{1, "t", large}.write(packet));
    CHECK_FALSE(request_view{1, 2, 2, 0, "t", {}}.write(packet));
    CHECK_FALSE(request_view{1, 2, 0, 0, "t", large}.write(packet));
    CHECK_FALSE(response_view{1, response_status::answered, large}.write(packet));
    CHECK_FALSE(response_view{1, response_status::busy, filled(1)}.write(packet));
    CHECK_FALSE(range_list_view::write(packet, message_type::offer, {}));
    std::vector<broadcast_range> const many(broadcast_range::most + 1, {short_id{1}, 1, 1, 1, false});
    CHECK_FALSE(range_list_view::write(packet, message_type::offer, many));
    CHECK(packet.empty());
    wire::packet_writer narrow{byte_span{room}.first(20)};
    CHECK_FALSE(user_message_view{1, "t", filled(20)}.write(narrow));
    CHECK_FALSE(request_view{1, 2, 0, 0, "t", {}}.write(narrow));
    CHECK_FALSE(response_view{1, response_status::answered, filled(20)}.write(narrow));
    CHECK_FALSE(range_list_view::write(narrow, message_type::offer, std::span{many}.first(1)));
}

TEST_CASE("ranges read as they were written; what names no broadcast is refused") {
    std::array<broadcast_range, 2> const ranges{
        {{short_id{3}, 4, 70, 0x8000'0000'0000'0001ULL, true}, {short_id{4}, 1, 2, 3, false}}};
    bytes const body = body_of([&](auto& p) { return range_list_view::write(p, message_type::fetch, ranges); });
    auto const read = range_list_view::parse(body);
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK((*read)[0] == ranges[0]);
    CHECK((*read)[1] == ranges[1]);
    auto const changed = [&](std::size_t at, int value) {
        bytes copy = body;
        copy[at] = static_cast<std::byte>(value);
        return range_list_view::parse(copy);
    };
    CHECK(changed(0, 2).error() == wire_error::bad_flags);
    CHECK(changed(9, 0x80).error() == wire_error::reserved_incarnation);
    CHECK(changed(17, 0x80).error() == wire_error::reserved_incarnation);
    CHECK(changed(32, 2).error() == wire_error::not_canonical);      // the highest is not among them
    CHECK(changed(33 + 32, 7).error() == wire_error::not_canonical); // sequence 0
    CHECK(range_list_view::parse(byte_view{body}.first(32)).error() == wire_error::bad_message_length);
    CHECK(range_list_view::parse({}).error() == wire_error::bad_message_length);
    CHECK(range_list_view::parse(filled(33 * 33, 1)).error() == wire_error::too_many);
}

TEST_CASE("the golden vectors say what is written") {
    std::string const file = "user_messages.txt";
    bytes const payload = tests::vector_of(file, "payload");
    REQUIRE(payload.size() == 5);
    auto const golden = [&](std::string const& name) { return tests::vector_of(file, name); };

    bytes const spoken = golden("broadcast");
    auto const read = broadcast_view::parse(spoken);
    REQUIRE(read);
    CHECK(read->session() == 1'700'000'000'000'000);
    CHECK(read->sequence() == 3);
    CHECK(read->topic() == "chat");
    CHECK(equal(read->payload(), payload));

    CHECK(body_of([&](auto& p) { return user_message_view{42, "chat", payload}.write(p); }) == golden("user_message"));
    CHECK(body_of([&](auto& p) { return request_view{42, 0x1122334455667788, 1, 2000, "chat", payload}.write(p); }) ==
          golden("request"));
    CHECK(body_of([&](auto& p) {
              return response_view{0x1122334455667788, response_status::answered, payload}.write(p);
          }) == golden("response"));
    std::array<broadcast_range, 2> const ranges{
        {{read->origin(), read->session(), 3, 5, false}, {short_id{7}, 9, 1, 1, true}}};
    CHECK(body_of([&](auto& p) { return range_list_view::write(p, message_type::offer, ranges); }) == golden("ranges"));
}
