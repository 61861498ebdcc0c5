// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of recordings in words.
#include <peerkit/sim/recording_text.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::input_kind;

namespace {

ip_endpoint const there{ip_address::v4(10, 0, 0, 1), 9000};

std::vector<std::byte> a_packet() {
    std::array<std::byte, limits::packet> room;
    wire::packet_writer packet{room};
    packet.ping(5, 6, 7);
    std::array const accusers{short_id{0xa}, short_id{0xb}};
    REQUIRE(packet.accuse(wire::message_type::dead, short_id{0xc}, 9, accusers));
    packet.want(short_id{0xd}, 1);
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(packet.size())};
}
/// The text of one input with this body and these answers.
template <typename Write>
std::string text_of(input_kind kind, Write&& write, byte_sink const& answers = {}) {
    byte_sink body;
    write(node::value_writer{body});
    sim::recorded_input input;
    input.kind = kind;
    input.body = body.bytes();
    input.answers = answers.bytes();
    return sim::input_text(input);
}
void frame(node::value_writer& to) {
    to.number(100);
    to.block(std::vector<std::byte>(wire::envelope::head));
}

} // namespace

TEST_CASE("a packet is told message by message, with whom it is about") {
    CHECK(sim::packet_text(a_packet()) == "ping, dead 000000000000000c (incarnation 9) by 000000000000000a "
                                          "000000000000000b, want 000000000000000d");
    CHECK(sim::packet_text(as_bytes("?")).find("no packet: ") == 0);
    CHECK(sim::packet_text(std::vector{wire::compressed_packet::marker, std::byte{1}}) ==
          "a compressed packet of 2 bytes");
}

TEST_CASE("every message has the name that docs/wire.md gives it") {
    std::set<std::string_view> names;
    for (int type = 0; type < 256; ++type) names.insert(sim::name_of(static_cast<wire::message_type>(type)));
    CHECK(names.size() == 28 + 1);
    CHECK(names.contains("unknown"));
}

TEST_CASE("of a frame is told what opened, or why nothing did") {
    auto const from = [](node::value_writer to) {
        to.place(there);
        frame(to);
    };
    byte_sink opened, unknown, forged;
    opened.u8(5), opened.u8(7), opened.block(a_packet());
    unknown.u8(4);
    forged.u8(5), forged.u8(6);
    CHECK(text_of(input_kind::datagram, from, opened).find("datagram from 10.0.0.1:9000, 100 bytes: ping, dead") == 0);
    CHECK(text_of(input_kind::datagram, from, unknown) ==
          "datagram from 10.0.0.1:9000, 100 bytes: sealed with an unknown key");
    CHECK(text_of(input_kind::datagram, from, forged) ==
          "datagram from 10.0.0.1:9000, 100 bytes: the seal does not open");
    CHECK(text_of(input_kind::datagram, from) ==
          "datagram from 10.0.0.1:9000, 100 bytes: refused before its seal was looked at");
    CHECK(text_of(input_kind::stream_frame, [](node::value_writer to) {
              to.number(3);
              frame(to);
          }) == "stream frame 3, 100 bytes: of no use");
}

TEST_CASE("every other input is a line, too") {
    using node::value_writer;
    CHECK(text_of(input_kind::tick, [](value_writer) {}) == "tick");
    CHECK(text_of(input_kind::stream_accepted, [](value_writer to) { to.place(there); }) ==
          "stream accepted from 10.0.0.1:9000");
    CHECK(text_of(input_kind::stream_opened, [](value_writer to) { to.number(4); }) == "stream opened 4");
    CHECK(text_of(input_kind::stream_closed, [](value_writer to) {
              to.number(4);
              to.flag(true);
              to.what(error{gossip::gossip_error::not_running});
          }).find("stream closed 4: gossip: ") == 0);
    CHECK(text_of(input_kind::candidates, [](value_writer to) {
              discovery::candidate c;
              c.name = c.name.cut("one");
              c.addresses = {there};
              to.number(1);
              to.candidate(c);
          }) == "candidates: 1: one 10.0.0.1:9000");
    CHECK(text_of(input_kind::discovery_failed, [](value_writer to) {
              to.what(error{discovery::discovery_error::timed_out});
          }).find("discovery failed: discovery: ") == 0);
    CHECK(text_of(input_kind::host_name, [](value_writer to) {
              to.address(there.address);
              to.flag(true);
              to.text("a\nb");
          }) == "host name of 10.0.0.1: a?b");
    CHECK(text_of(input_kind::update, [](value_writer to) { to.about({.name = "db1"}); }) == "update of db1");
    CHECK(text_of(input_kind::request, [](value_writer to) {
              to.id(node_id{{std::byte{1}}});
              to.text("sql");
              to.block(as_bytes("select"));
          }) == "request to 0100000000000000, topic 'sql', 6 bytes");
    CHECK(text_of(input_kind::broadcast, [](value_writer to) { to.text("news"); }) == "broadcast, topic 'news'");
    CHECK(text_of(input_kind::put, [](value_writer to) { to.text("color"); }) == "put 'color'");
    CHECK(text_of(input_kind::introduce, [](value_writer to) { to.block(as_bytes("abc")); }) == "introduce: 3 bytes");
    CHECK(text_of(input_kind::contact, [](value_writer to) { to.place(there); }) == "contact 10.0.0.1:9000");
    CHECK(text_of(input_kind::respond, [](value_writer to) { to.number(9); }) == "respond 9");
}

TEST_CASE("an action is a line") {
    gossip::outbox out;
    auto const last = [&] { return sim::action_text(out[out.size() - 1]); };
    std::vector<std::byte> const plain = a_packet();
    std::size_t const size = wire::envelope::head + plain.size() + wire::envelope::tail;
    copy_bytes(plain, out.room(size).subspan(wire::envelope::head));
    out.send_datagram(there, size);
    CHECK(last().find("send to 10.0.0.1:9000: ping, dead") == 0);
    copy_bytes(plain, out.room(4 + size).subspan(4 + wire::envelope::head));
    out.send_frame(gossip::stream_id{3}, 4 + size);
    CHECK(last().find("send on stream 3: ping, dead") == 0);
    out.send_datagram(there, 3);
    CHECK(last() == "send to 10.0.0.1:9000: nothing");
    out.open_stream(gossip::stream_id{3}, there);
    CHECK(last() == "open stream 3 to 10.0.0.1:9000");
    out.close_stream(gossip::stream_id{3});
    CHECK(last() == "close stream 3");
    out.run_discovery();
    CHECK(last() == "run discovery");
    out.resolve_address(there.address);
    CHECK(last() == "look up the name of 10.0.0.1");
    out.notify({.kind = gossip::event_kind::member_dead,
                .why = gossip::cause::accused,
                .subject = node_id{{std::byte{1}}},
                .by = short_id{2}});
    CHECK(last() == "tell: dead 0100000000000000 (accused, by 0000000000000002)");
    gossip::delivery d;
    d.topic = d.topic.cut("news");
    out.deliver(d, as_bytes("hello"));
    CHECK(last() == "deliver broadcast from 0000000000000000, topic 'news', 5 bytes");
}

TEST_CASE("times are seconds with microseconds, and texts of strangers are harmless and short") {
    CHECK(sim::detail::seconds(0s) == "0.000000");
    CHECK(sim::detail::seconds(61'000'042us + 999ns) == "61.000042");
    CHECK(sim::detail::printable("a\x1b[31m\x80") == "a?[31m?");
    CHECK(sim::detail::printable(std::string(100, 'x')).size() == 67);
}
