// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the messages inside a packet: writer, checker, cursor.
#include <peerkit/wire/message.hpp>

#include <doctest/doctest.h>

#include "unit/wire/samples.hpp"
#include "unit/wire/vectors.hpp"

#include <array>
#include <initializer_list>
#include <vector>

using namespace peerkit;
using wire::message;
using wire::message_type;
using wire::packet_view;
using wire::packet_writer;
using wire::wire_error;

namespace {

using bytes = std::vector<std::byte>;

bytes raw(std::initializer_list<int> values) {
    bytes made;
    for (int const v : values) made.push_back(static_cast<std::byte>(v));
    return made;
}

bytes one(int type, std::size_t body, int fill = 1) {
    bytes made = raw({type, static_cast<int>(body >> 8U), static_cast<int>(body & 0xffU)});
    made.insert(made.end(), body, static_cast<std::byte>(fill));
    return made;
}

bytes joined(std::initializer_list<bytes> parts) {
    bytes all;
    for (bytes const& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

void check_refused(bytes const& plain, wire_error what, std::size_t position) {
    auto const packet = packet_view::parse(plain);
    REQUIRE_FALSE(packet);
    CHECK(packet.error() == what);
    CHECK(packet.error().position() == position);
    CHECK_FALSE(packet.error().field().empty());
}

std::vector<message> read_all(byte_view plain) {
    std::vector<message> all;
    auto const packet = packet_view::parse(plain);
    if (!packet) return all;
    auto messages = packet->messages();
    for (message m; messages.next(m);) all.push_back(m);
    CHECK(all.size() == packet->count());
    return all;
}

/// suspect or dead with these accusers and incarnation
bytes accusation(int type, std::vector<std::uint64_t> const& accusers, std::uint64_t incarnation = 5) {
    bytes made = one(type, 17 + 8 * accusers.size());
    store_big(made.data() + 3 + 8, incarnation);
    made[3 + 16] = static_cast<std::byte>(accusers.size());
    for (std::size_t i = 0; i < accusers.size(); ++i) store_big(made.data() + 3 + 17 + 8 * i, accusers[i]);
    return made;
}

constexpr auto largest = limits::incarnation - 1;

/// A message with the body 7, 8, 9 that some other codec made.
bool composed(packet_writer& out, message_type type) {
    return out.composed(type, [](byte_span room) -> std::size_t {
        if (room.size() < 3) return 0;
        for (std::size_t i = 0; i < 3; ++i) room[i] = static_cast<std::byte>(7 + i);
        return 3;
    });
}

} // namespace

TEST_CASE("every message comes back as it was written") {
    bytes const record = tests::unsigned_record(tests::full_description());
    std::array<short_id, 2> const accusers{short_id{3}, short_id{9}};
    std::array<std::byte, limits::packet> room;
    packet_writer out{room};
    CHECK(out.empty());
    CHECK(out.ping(1, 2, 0xfffffffe));
    CHECK(out.ack(3, largest, 4));
    CHECK(out.nack(5));
    CHECK(out.indirect_ping(6, short_id{7}));
    CHECK(out.announce(record));
    CHECK(out.accuse(message_type::suspect, short_id{8}, 9, accusers));
    CHECK(out.accuse(message_type::dead, short_id{10}, largest, std::span{accusers}.first(1)));
    CHECK(out.want(short_id{11}, 0));
    CHECK(out.hello(12, 0));
    CHECK(out.exchange_begin(wire::exchange_flags::join | wire::exchange_flags::reply));
    CHECK(out.exchange_end(0xffffffff));
    ip_endpoint const seen_v4{ip_address::v4(192, 0, 2, 7), 9100};
    ip_endpoint const seen_v6{ip_address::parse("2001:db8::7").value(), 65535};
    CHECK(out.observed(seen_v4));
    CHECK(out.observed(seen_v6));
    CHECK(out.check(13, short_id{14}, largest));
    CHECK(out.heard(15));
    CHECK(out.unheard(16));
    CHECK(out.heartbeat(largest, 17));
    CHECK(out.digest(wire::digest_kind::repair, 10000, ~std::uint64_t{0}));
    for (auto const type : {message_type::listing, message_type::sums, message_type::pull}) CHECK(composed(out, type));
    CHECK_FALSE(out.empty());
    CHECK(out.size() + out.remaining() == room.size());

    auto const m = read_all(out.written());
    REQUIRE(m.size() == 21);
    CHECK((m[0].type == message_type::ping && m[0].nonce == 1 && m[0].incarnation == 2));
    CHECK((m[0].epoch == 0xfffffffe && m[1].epoch == 4 && m[2].epoch == 0 && m[8].epoch == 0));
    CHECK((m[1].type == message_type::ack && m[1].nonce == 3 && m[1].incarnation == largest));
    CHECK((m[2].type == message_type::nack && m[2].nonce == 5 && m[2].incarnation == 0));
    CHECK((m[3].type == message_type::indirect_ping && m[3].nonce == 6 && m[3].subject == short_id{7}));
    CHECK((m[4].type == message_type::announce && equal(m[4].record, record)));
    CHECK((m[5].type == message_type::suspect && m[5].subject == short_id{8} && m[5].incarnation == 9));
    CHECK(m[5].accuser_count == 2);
    CHECK((m[5].accuser_list()[0] == short_id{3} && m[5].accuser_list()[1] == short_id{9}));
    CHECK((m[6].type == message_type::dead && m[6].subject == short_id{10} && m[6].incarnation == largest));
    CHECK(m[6].accuser_list().size() == 1);
    CHECK((m[7].type == message_type::want && m[7].subject == short_id{11} && m[7].incarnation == 0));
    CHECK((m[8].type == message_type::hello && m[8].nonce == 12 && m[8].incarnation == 0));
    CHECK((m[9].type == message_type::exchange_begin && m[9].flags == 3));
    CHECK((m[10].type == message_type::exchange_end && m[10].count == 0xffffffff));
    CHECK((m[11].type == message_type::observed && m[11].where() == seen_v4));
    CHECK((m[12].type == message_type::observed && m[12].where() == seen_v6));
    CHECK((m[13].type == message_type::check && m[13].nonce == 13 && m[13].subject == short_id{14}));
    CHECK(m[13].incarnation == largest);
    CHECK((m[14].type == message_type::heard && m[14].nonce == 15 && m[14].subject == short_id{}));
    CHECK((m[15].type == message_type::unheard && m[15].nonce == 16));
    CHECK((m[16].type == message_type::heartbeat && m[16].incarnation == largest && m[16].epoch == 17));
    CHECK((m[17].type == message_type::digest && m[17].flags == 2));
    CHECK((m[17].count == 10000 && m[17].nonce == ~std::uint64_t{0}));
    CHECK((m[18].type == message_type::listing && equal(m[18].record, raw({7, 8, 9}))));
    CHECK((m[19].type == message_type::sums && m[20].type == message_type::pull));
}

TEST_CASE("user data is handed on as it came; only its length is looked at") {
    struct bounds {
        message_type type;
        std::size_t least, most;
    };
    for (bounds const b : {bounds{message_type::broadcast, 102, 61'604}, bounds{message_type::user_message, 10, 61'512},
                           bounds{message_type::request, 23, 61'525}, bounds{message_type::response, 9, 61'449},
                           bounds{message_type::offer, 33, 1056}, bounds{message_type::fetch, 33, 1056},
                           bounds{message_type::entry, 83, 945}, bounds{message_type::entry_marks, 13, 1037}}) {
        for (std::size_t const size : {b.least, b.most}) {
            bytes room(size + wire::message_head);
            packet_writer out{room};
            byte_span const body = out.body(b.type, size);
            REQUIRE(body.size() == size);
            body[0] = body[size - 1] = std::byte{0xff};
            auto const m = read_all(out.written());
            REQUIRE(m.size() == 1);
            CHECK(m[0].type == b.type);
            CHECK(equal(m[0].record, body));
            packet_writer tight{byte_span{room}.first(room.size() - 1)};
            CHECK(tight.body(b.type, size).empty());
        }
        check_refused(one(static_cast<int>(b.type), b.least - 1), wire_error::bad_message_length, 3);
        check_refused(one(static_cast<int>(b.type), b.most + 1), wire_error::bad_message_length, 3);
    }
}

TEST_CASE("a message leaves nothing of the one before in its fields") {
    std::array<std::byte, 256> room;
    packet_writer out{room};
    std::array<short_id, 1> const accuser{short_id{3}};
    CHECK(out.accuse(message_type::dead, short_id{8}, 9, accuser));
    CHECK(out.exchange_end(77));
    CHECK(out.nack(5));
    CHECK(out.observed({ip_address::v4(192, 0, 2, 7), 9100}));
    CHECK(out.nack(6));
    auto const m = read_all(out.written());
    REQUIRE(m.size() == 5);
    CHECK((m[3].nonce == 0 && m[3].incarnation == 0));
    CHECK_FALSE(static_cast<bool>(m[4].where()));
    CHECK((m[1].subject == short_id{} && m[1].incarnation == 0 && m[1].accuser_list().empty()));
    CHECK((m[2].count == 0 && m[2].nonce == 5 && m[2].record.empty()));
}

TEST_CASE("a message that does not fit is not begun") {
    bytes const record = tests::unsigned_record(tests::full_description());
    std::array<short_id, 1> const accuser{short_id{3}};
    auto const attempt = [&](std::size_t kind, packet_writer& out) {
        switch (kind) {
        case 0: return out.ping(1, 1);
        case 1: return out.nack(1);
        case 2: return out.indirect_ping(1, short_id{1});
        case 3: return out.announce(record);
        case 4: return out.accuse(message_type::suspect, short_id{1}, 1, accuser);
        case 5: return out.want(short_id{1}, 1);
        case 6: return out.exchange_begin(0);
        case 8: return out.observed({ip_address::v4(192, 0, 2, 7), 9100});
        case 9: return out.check(1, short_id{1}, 1);
        case 10: return out.heard(1);
        case 11: return out.unheard(1);
        case 12: return out.heartbeat(1);
        case 13: return out.digest(wire::digest_kind::ask, 1, 2);
        default: return out.exchange_end(1);
        }
    };
    std::array<std::size_t, 14> const sizes{23, 11, 19, 3 + record.size(), 28, 19, 4, 7, 10, 27, 11, 11, 15, 16};
    for (std::size_t kind = 0; kind < sizes.size(); ++kind) {
        bytes room(sizes[kind], std::byte{0xaa});
        packet_writer tight{byte_span{room}.first(sizes[kind] - 1)};
        CHECK_FALSE(attempt(kind, tight));
        CHECK(tight.empty());
        CHECK(room == bytes(sizes[kind], std::byte{0xaa}));
        packet_writer fits{room};
        CHECK(attempt(kind, fits));
        CHECK(fits.remaining() == 0);
        CHECK(packet_view::parse(room));
    }
}

TEST_CASE("what is held of the room is written to by nobody until it is released") {
    bytes room(30, std::byte{0xaa});
    packet_writer out{room};
    out.hold(10);
    CHECK(out.remaining() == 20);
    CHECK(out.nack(1));
    CHECK_FALSE(out.nack(2));
    CHECK_FALSE(out.composed(message_type::pull, [](byte_span body) { return body.size() + 1; }));
    out.hold(100); // all there is
    CHECK(out.remaining() == 0);
    out.release();
    CHECK(out.remaining() == 19);
    CHECK(out.nack(2));
    CHECK(out.size() == 22);
}

TEST_CASE("nothing is written that a receiver would refuse") {
    std::array<std::byte, 4096> room;
    packet_writer out{room};
    CHECK_FALSE(out.ping(1, limits::incarnation));
    CHECK_FALSE(out.ack(1, ~std::uint64_t{0}));
    CHECK_FALSE(out.hello(1, limits::incarnation));
    CHECK_FALSE(out.want(short_id{1}, limits::incarnation));
    CHECK_FALSE(out.check(1, short_id{1}, limits::incarnation));
    CHECK_FALSE(out.heartbeat(limits::incarnation));
    CHECK_FALSE(out.exchange_begin(4));
    CHECK_FALSE(out.observed({}));
    CHECK_FALSE(out.observed({ip_address::v4(192, 0, 2, 7), 0}));
    CHECK_FALSE(out.announce(bytes(wire::record_layout::min_size - 1)));
    CHECK_FALSE(out.announce(bytes(limits::record + 1)));
    std::array<short_id, 7> many{};
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = short_id{i};
    auto const few = std::span{many}.first(2);
    CHECK_FALSE(out.accuse(message_type::suspect, short_id{1}, 1, {}));
    CHECK_FALSE(out.accuse(message_type::suspect, short_id{1}, 1, many));
    CHECK_FALSE(out.accuse(message_type::ping, short_id{1}, 1, few));
    CHECK_FALSE(out.accuse(message_type::dead, short_id{1}, 0, few));
    CHECK_FALSE(out.accuse(message_type::dead, short_id{1}, limits::incarnation, few));
    std::array<short_id, 2> const same{short_id{4}, short_id{4}}, falling{short_id{4}, short_id{3}};
    CHECK_FALSE(out.accuse(message_type::dead, short_id{1}, 1, same));
    CHECK_FALSE(out.accuse(message_type::dead, short_id{1}, 1, falling));
    CHECK(out.empty());
    CHECK(out.indirect_ping(1, short_id{~std::uint64_t{0}})); // a subject is not an incarnation
    CHECK(out.announce(bytes(limits::record)));
    CHECK(out.accuse(message_type::dead, short_id{1}, 1, std::span{many}.first(limits::accusers)));
    CHECK(packet_view::parse(out.written()));
}

TEST_CASE("a packet without messages is refused") { check_refused({}, wire_error::truncated, 0); }

TEST_CASE("a packet that is cut short inside a message is refused") {
    bytes const whole = joined({one(1, 20), accusation(6, {1, 2}), one(3, 8)});
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto const packet = packet_view::parse(byte_view{whole}.first(size));
        if (packet) {
            ++accepted;
            continue;
        }
        CHECK(packet.error() == wire_error::truncated);
        CHECK(packet.error().position() <= size);
    }
    CHECK(accepted == 2); // at the two boundaries between messages
    CHECK(packet_view::parse(whole));
}

TEST_CASE("a message of the wrong length is refused, whatever its type") {
    struct rule {
        int type;
        std::size_t size;
    };
    for (rule const r : {rule{1, 20},
                         {2, 20},
                         {3, 8},
                         {4, 16},
                         {8, 16},
                         {9, 20},
                         {10, 24},
                         {11, 8},
                         {12, 8},
                         {13, 12},
                         {16, 1},
                         {17, 4}}) {
        CHECK(packet_view::parse(one(r.type, r.size)));
        for (std::size_t const wrong : {std::size_t{0}, r.size - 1, r.size + 1, std::size_t{300}}) {
            if (wrong != r.size) check_refused(one(r.type, wrong), wire_error::bad_message_length, 3);
        }
    }
    CHECK(packet_view::parse(one(5, wire::record_layout::min_size)));
    CHECK(packet_view::parse(one(5, limits::record)));
    check_refused(one(5, wire::record_layout::min_size - 1), wire_error::bad_message_length, 3);
    check_refused(one(5, limits::record + 1), wire_error::bad_message_length, 3);
}

TEST_CASE("an incarnation in the reserved half is refused in every message that has one") {
    struct place {
        int type;
        std::size_t size, at;
    };
    for (place const p : {place{1, 20, 8}, {2, 20, 8}, {8, 16, 8}, {9, 20, 8}, {10, 24, 16}, {13, 12, 0}}) {
        bytes plain = one(p.type, p.size);
        plain[3 + p.at] = std::byte{0x80};
        check_refused(plain, wire_error::reserved_incarnation, 3 + p.at);
    }
    for (int const type : {6, 7}) {
        check_refused(accusation(type, {1}, limits::incarnation), wire_error::reserved_incarnation, 3 + 8);
        check_refused(accusation(type, {1}, 0), wire_error::reserved_incarnation, 3 + 8);
        CHECK(packet_view::parse(accusation(type, {1}, largest)));
    }
}

TEST_CASE("an accusation names 1 to 6 accusers, ascending and unique") {
    for (int const type : {6, 7}) {
        CHECK(packet_view::parse(accusation(type, {0})));
        CHECK(packet_view::parse(accusation(type, {1, 2, 3, 4, 5, ~std::uint64_t{0}})));
        check_refused(accusation(type, {}), wire_error::too_many_accusers, 3 + 16);
        check_refused(accusation(type, {1, 2, 3, 4, 5, 6, 7}), wire_error::too_many_accusers, 3 + 16);
        check_refused(accusation(type, {1, 1}), wire_error::not_canonical, 3 + 17 + 8);
        check_refused(accusation(type, {1, 3, 2}), wire_error::not_canonical, 3 + 17 + 16);
        check_refused(one(type, 16), wire_error::bad_message_length, 3);
        bytes lying = accusation(type, {1, 2});
        lying[3 + 16] = std::byte{3};
        check_refused(lying, wire_error::bad_message_length, 3);
        lying[3 + 16] = std::byte{1};
        check_refused(lying, wire_error::bad_message_length, 3);
    }
}

TEST_CASE("reserved flags of an exchange are refused") {
    for (int bit = 2; bit < 8; ++bit) check_refused(one(16, 1, 1 << bit), wire_error::bad_flags, 3);
    for (int flags = 0; flags < 4; ++flags) CHECK(packet_view::parse(one(16, 1, flags)));
}

TEST_CASE("a body that another codec makes is a message, unless it is empty or does not fit") {
    for (std::size_t const size : {0U, 2U, 3U, 5U}) {
        bytes room(size, std::byte{0xaa});
        packet_writer tight{room};
        CHECK_FALSE(composed(tight, message_type::pull));
        CHECK(tight.empty());
    }
    bytes room(6);
    packet_writer out{room};
    CHECK_FALSE(out.composed(message_type::pull, [](byte_span) { return std::size_t{0}; }));
    CHECK_FALSE(out.composed(message_type::pull, [](byte_span body) { return body.size() + 1; }));
    CHECK(composed(out, message_type::pull));
    CHECK(room == raw({23, 0, 3, 7, 8, 9}));
}

TEST_CASE("a digest is an ask, an answer or a repair") {
    for (int kind = 0; kind < 3; ++kind) CHECK(packet_view::parse(one(20, 13, kind)));
    check_refused(one(20, 13, 3), wire_error::bad_flags, 3);
    check_refused(one(20, 12, 0), wire_error::bad_message_length, 3);
    for (int const type : {21, 22, 23}) check_refused(one(type, 0), wire_error::bad_message_length, 3);
}

TEST_CASE("an observed endpoint is an address of its family's size and a port") {
    auto const with = [](std::initializer_list<int> body) {
        return joined({raw({128, 0, static_cast<int>(body.size())}), raw(body)});
    };
    bytes const v4 = with({4, 192, 0, 2, 7, 0x23, 0x28});
    bytes const v6 = with({6, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0x23, 0x28});
    CHECK(packet_view::parse(v4));
    CHECK(packet_view::parse(v6));
    check_refused(with({}), wire_error::bad_message_length, 3);
    check_refused(with({5, 192, 0, 2, 7, 0x23, 0x28}), wire_error::bad_address, 3);
    check_refused(with({4, 192, 0, 2, 7, 0x23}), wire_error::bad_message_length, 3);
    check_refused(with({4, 192, 0, 2, 7, 0x23, 0x28, 0}), wire_error::bad_message_length, 3);
    check_refused(with({6, 192, 0, 2, 7, 0x23, 0x28}), wire_error::bad_message_length, 3);
    check_refused(with({4, 192, 0, 2, 7, 0, 0}), wire_error::zero_port, 3 + 5);
    check_refused(with({6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7, 0x23, 0x28}),
                  wire_error::bad_address, 3);
}

TEST_CASE("reserved message types are refused, types from 128 on are passed over and counted") {
    for (int type = 0; type < 128; ++type) {
        bool const known = (type >= 1 && type <= 13) || type == 16 || type == 17 || (type >= 20 && type <= 23) ||
                           (type >= 32 && type <= 37) || type == 48 || type == 49;
        if (!known) check_refused(joined({one(3, 8), one(type, 5)}), wire_error::unknown_message, 11);
    }
    for (int type = 129; type < 256; ++type) {
        bytes const plain = joined({one(type, 0), one(3, 8), one(type, 300)});
        auto const packet = packet_view::parse(plain);
        REQUIRE(packet);
        CHECK(packet->count() == 1);
        CHECK(packet->skipped() == 2);
        auto const m = read_all(plain);
        REQUIRE(m.size() == 1);
        CHECK(m[0].type == message_type::nack);
    }
}

TEST_CASE("one bad message spoils the packet, wherever it stands") {
    bytes const good = one(3, 8), bad = one(3, 9);
    check_refused(joined({bad, good}), wire_error::bad_message_length, 3);
    check_refused(joined({good, bad}), wire_error::bad_message_length, 11 + 3);
    check_refused(joined({good, good, good, bad, good}), wire_error::bad_message_length, 33 + 3);
}

TEST_CASE("the cursor leaves the message alone at the end") {
    bytes const plain = one(3, 8, 7);
    auto const packet = packet_view::parse(plain);
    REQUIRE(packet);
    auto messages = packet->messages();
    message m;
    CHECK(messages.next(m));
    std::uint64_t const nonce = m.nonce;
    CHECK_FALSE(messages.next(m));
    CHECK_FALSE(messages.next(m));
    CHECK(m.nonce == nonce);
    CHECK(packet->bytes().data() == plain.data());
}

TEST_CASE("an accepted packet written again is the same bytes, unless something was skipped") {
    bytes const all = tests::vector_of("messages.txt", "packet");
    seeded_rng rng{0xfeed};
    int accepted = 0;
    for (int i = 0; i < 20000; ++i) {
        bytes spoiled = all;
        spoiled[tests::below(rng, spoiled.size())] = static_cast<std::byte>(tests::below(rng, 256));
        auto const packet = packet_view::parse(spoiled);
        if (!packet) continue;
        ++accepted;
        std::array<std::byte, 2048> room;
        packet_writer out{room};
        auto messages = packet->messages();
        for (message m; messages.next(m);) {
            switch (m.type) {
            case message_type::ping: REQUIRE(out.ping(m.nonce, m.incarnation, m.epoch)); break;
            case message_type::ack: REQUIRE(out.ack(m.nonce, m.incarnation, m.epoch)); break;
            case message_type::nack: REQUIRE(out.nack(m.nonce)); break;
            case message_type::indirect_ping: REQUIRE(out.indirect_ping(m.nonce, m.subject)); break;
            case message_type::announce: REQUIRE(out.announce(m.record)); break;
            case message_type::suspect:
            case message_type::dead: REQUIRE(out.accuse(m.type, m.subject, m.incarnation, m.accuser_list())); break;
            case message_type::want: REQUIRE(out.want(m.subject, m.incarnation)); break;
            case message_type::hello: REQUIRE(out.hello(m.nonce, m.incarnation, m.epoch)); break;
            case message_type::check: REQUIRE(out.check(m.nonce, m.subject, m.incarnation)); break;
            case message_type::heard: REQUIRE(out.heard(m.nonce)); break;
            case message_type::unheard: REQUIRE(out.unheard(m.nonce)); break;
            case message_type::heartbeat: REQUIRE(out.heartbeat(m.incarnation, m.epoch)); break;
            case message_type::exchange_begin: REQUIRE(out.exchange_begin(m.flags)); break;
            case message_type::exchange_end: REQUIRE(out.exchange_end(m.count)); break;
            case message_type::observed: REQUIRE(out.observed(m.where())); break;
            case message_type::digest:
                REQUIRE(out.digest(static_cast<wire::digest_kind>(m.flags), m.count, m.nonce));
                break;
            case message_type::listing:
            case message_type::sums:
            case message_type::pull:
                REQUIRE(out.composed(m.type, [&](byte_span body) {
                    copy_bytes(m.record, body);
                    return m.record.size();
                }));
                break;
            case message_type::broadcast:
            case message_type::user_message:
            case message_type::request:
            case message_type::response:
            case message_type::offer:
            case message_type::fetch:
            case message_type::entry:
            case message_type::entry_marks: {
                byte_span const body = out.body(m.type, m.record.size());
                REQUIRE(body.size() == m.record.size());
                copy_bytes(m.record, body);
                break;
            }
            }
        }
        if (packet->skipped() == 0) { // the type to be skipped became one whose body is checked by its reader
            REQUIRE(equal(out.written(), spoiled));
        } else if (packet->skipped() == 1) {
            REQUIRE(equal(out.written(), byte_view{spoiled}.first(spoiled.size() - 10)));
        } else {
            REQUIRE(packet->skipped() == 2);
        }
    }
    CHECK(accepted > 10000);
}

TEST_CASE("the golden packet holds one message of each type") {
    bytes const plain = tests::vector_of("messages.txt", "packet");
    auto const m = read_all(plain);
    std::vector<int> const types{1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 16,
                                 17, 20, 21, 22, 23, 32, 33, 34, 35, 36, 37, 48, 49, 128};
    REQUIRE(m.size() == types.size());
    for (std::size_t i = 0; i < types.size(); ++i) CHECK(static_cast<int>(m[i].type) == types[i]);
    CHECK(equal(m[4].record, tests::vector_of("record.txt", "full")));
    CHECK(packet_view::parse(plain)->skipped() == 1);
}
