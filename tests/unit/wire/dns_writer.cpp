// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of writing DNS messages: what is written is read again, compressed, all or nothing.
#include <peerkit/wire/dns_writer.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using peerkit::byte_span;
using peerkit::byte_view;
using peerkit::ip_address;
using namespace peerkit::wire;

namespace {

dns_name name(std::string_view text) { return dns_name::parse(text).value(); }

auto const service_name = name("_peerkit._udp.local");
auto const instance = name("Node 7._peerkit._udp.local");
auto const host = name("node7.local");

/// A response like that of a responder.
void write_all(dns_writer& out) {
    REQUIRE(out.question(service_name, dns_type::ptr, dns_class_in | dns_class_top_bit));
    REQUIRE(out.pointer({service_name, 4500}, dns_type::ptr, instance));
    REQUIRE(
        out.service({instance, 120, dns_section::additional, dns_class_in | dns_class_top_bit}, {1, 2, 9000, host}));
    REQUIRE(out.raw({instance, 4500, dns_section::additional}, dns_type::txt, peerkit::as_bytes("\4id=1\3v=1")));
    REQUIRE(out.address({host, 120, dns_section::additional}, ip_address::v4(192, 0, 2, 7)));
    REQUIRE(out.address({host, 120, dns_section::additional}, ip_address::parse("2001:db8::7").value()));
    std::array const types{dns_type::a, dns_type::aaaa};
    REQUIRE(out.only_types({host, 120, dns_section::additional}, types));
}

} // namespace

TEST_CASE("a message is read as it was written") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {0x1234, dns_header::response_bit}};
    write_all(out);
    CHECK(out.count() == 7);
    auto const m = dns_message_view::parse(out.written());
    REQUIRE(m);
    CHECK(m->header() == dns_header{0x1234, dns_header::response_bit});
    CHECK(m->count(dns_section::answer) == 1);
    CHECK(m->count(dns_section::additional) == 5);
    auto questions = m->questions();
    dns_question q;
    REQUIRE(questions.next(q));
    CHECK(q.name == service_name);
    CHECK(q.wants_unicast());
    auto records = m->records();
    dns_record r;
    REQUIRE(records.next(r));
    CHECK(r.target()->identical(instance));
    CHECK(r.time_to_live == 4500);
    CHECK(r.class_bits == dns_class_in);
    REQUIRE(records.next(r));
    CHECK(r.service()->priority == 1);
    CHECK(r.service()->weight == 2);
    CHECK(r.service()->port == 9000);
    CHECK(r.service()->target.identical(host));
    CHECK(r.flushes_cache());
    REQUIRE(records.next(r));
    auto strings = r.strings();
    std::string_view text;
    CHECK((strings.next(text) && text == "id=1" && strings.next(text) && text == "v=1" && !strings.next(text)));
    REQUIRE(records.next(r));
    CHECK(r.address() == ip_address::v4(192, 0, 2, 7));
    REQUIRE(records.next(r));
    CHECK(r.address().to_string() == "2001:db8::7");
    REQUIRE(records.next(r));
    CHECK(r.asserts(dns_type::a));
    CHECK(r.asserts(dns_type::aaaa));
    CHECK_FALSE(r.asserts(dns_type::txt));
    CHECK(*r.next_name() == host);
    CHECK(r.section == dns_section::additional);
    CHECK_FALSE(records.next(r));
}

TEST_CASE("names that were written before are shared, whole or from any label on") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {}};
    REQUIRE(out.question(service_name, dns_type::ptr));
    std::size_t const first = out.written().size();
    CHECK(first == 12 + 21 + 4);
    REQUIRE(out.pointer({service_name}, dns_type::ptr, instance));
    CHECK(out.written().size() == first + 2 + 10 + 7 + 2); // the name is a pointer, the instance a label and a pointer
    std::size_t const second = out.written().size();
    REQUIRE(out.service({instance}, {0, 0, 1, host}));
    CHECK(out.written().size() == second + 2 + 10 + 6 + 6 + 2);
}

TEST_CASE("the target of a service record is left whole where compressing it is forbidden") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {}, dns_srv_targets::whole};
    REQUIRE(out.address({host}, ip_address::v4(192, 0, 2, 7)));
    std::size_t const before = out.written().size();
    REQUIRE(out.service({host}, {0, 0, 1, host}));
    CHECK(out.written().size() == before + 2 + 10 + 6 + host.bytes().size());
    CHECK(dns_message_view::parse(out.written()));
}

TEST_CASE("only names of the same case are shared, so that none comes back altered") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {}};
    REQUIRE(out.question(name("Node.local"), dns_type::a));
    REQUIRE(out.question(name("node.LOCAL"), dns_type::a));
    REQUIRE(out.question(name("x.node.local"), dns_type::a));
    auto const m = dns_message_view::parse(out.written());
    REQUIRE(m);
    auto questions = m->questions();
    dns_question q;
    for (std::string_view const wanted : {"Node.local", "node.LOCAL", "x.node.local"}) {
        REQUIRE(questions.next(q));
        CHECK(q.name.to_string() == wanted);
    }
}

TEST_CASE("a name whose labels repeat is written and read") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {}};
    REQUIRE(out.question(name("a.a.a.a"), dns_type::a));
    REQUIRE(out.question(name("a.a"), dns_type::a));
    REQUIRE(out.question(dns_name{}, dns_type::a));
    auto const m = dns_message_view::parse(out.written());
    REQUIRE(m);
    auto questions = m->questions();
    dns_question q;
    for (std::string_view const wanted : {"a.a.a.a", "a.a", "."}) {
        REQUIRE(questions.next(q));
        CHECK(q.name.to_string() == wanted);
    }
    CHECK(out.written().size() == 12 + (9 + 4) + (2 + 4) + (1 + 4));
}

TEST_CASE("in every smaller buffer each item is written whole or refused, and the message stays whole") {
    std::array<std::byte, 512> room;
    dns_writer whole{room, {}};
    write_all(whole);
    std::size_t const full = whole.written().size();
    for (std::size_t size = 0; size < full; ++size) {
        CAPTURE(size);
        std::vector<std::byte> exact(size);
        dns_writer out{exact, {}};
        std::size_t done = 0, refused = 0;
        auto const count = [&](peerkit::result<void> const& written) {
            ++(written ? done : refused);
            if (!written) {
                CHECK(written.error() == wire_error::no_room);
                CHECK(written.error().position() > size);
            }
        };
        count(out.question(service_name, dns_type::ptr));
        count(out.pointer({service_name, 4500}, dns_type::ptr, instance));
        count(out.service({instance, 120}, {1, 2, 9000, host}));
        count(out.raw({instance, 4500}, dns_type::txt, peerkit::as_bytes("\4id=1\3v=1")));
        count(out.address({host, 120}, ip_address::v4(192, 0, 2, 7)));
        count(out.address({host, 120}, ip_address::parse("2001:db8::7").value()));
        std::array const types{dns_type::a, dns_type::aaaa};
        count(out.only_types({host, 120}, types));
        CHECK(refused > 0);
        CHECK(out.count() == done);
        if (size < dns_header_size) {
            CHECK(out.written().empty());
            CHECK(done == 0);
            continue;
        }
        auto const m = dns_message_view::parse(out.written());
        REQUIRE(m);
        CHECK(m->question_count() + m->count(dns_section::answer) == done);
    }
    std::vector<std::byte> exact(full);
    dns_writer out{exact, {}};
    write_all(out);
}

TEST_CASE("the remembered names are bounded, and later names are written whole") {
    std::vector<std::byte> room(65535);
    dns_writer out{room, {}};
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(out.question(name("n" + std::to_string(i) + ".x" + std::to_string(i) + ".local"), dns_type::a));
    }
    auto const m = dns_message_view::parse(out.written());
    REQUIRE(m);
    auto questions = m->questions();
    dns_question q;
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(questions.next(q));
        CHECK(q.name == name("n" + std::to_string(i) + ".x" + std::to_string(i) + ".local"));
    }
}

TEST_CASE("names of what was refused are not remembered") {
    std::array<std::byte, 100> room;
    dns_writer out{room, {}};
    std::string const large(200, 'x');
    for (int i = 0; i < 300; ++i) {
        REQUIRE_FALSE(out.raw({name("n" + std::to_string(i))}, dns_type::txt, peerkit::as_bytes(large)));
    }
    REQUIRE(out.raw({dns_name{}}, dns_type::txt, peerkit::as_bytes("\1x"))); // elsewhere than those
    REQUIRE(out.address({host}, ip_address::v4(10, 0, 0, 1)));
    std::size_t const before = out.written().size();
    REQUIRE(out.address({host}, ip_address::v4(10, 0, 0, 2)));
    CHECK(out.written().size() == before + 2 + 10 + 4);
    CHECK(dns_message_view::parse(out.written()));
}

TEST_CASE("names beyond the reach of a pointer are not pointed at") {
    std::vector<std::byte> room(65535);
    dns_writer out{room, {}};
    std::string const filler(255, 'x');
    for (int i = 0; i < 70; ++i) {
        REQUIRE(out.raw({dns_name{}}, static_cast<dns_type>(99), peerkit::as_bytes(filler)));
    }
    REQUIRE(out.written().size() > 0x4000);
    REQUIRE(out.address({host}, ip_address::v4(10, 0, 0, 1)));
    REQUIRE(out.address({host}, ip_address::v4(10, 0, 0, 2)));
    auto const m = dns_message_view::parse(out.written());
    REQUIRE(m);
    auto records = m->records();
    dns_record r;
    int seen = 0;
    while (records.next(r)) seen += r.name == host ? 1 : 0;
    CHECK(seen == 2);
}

TEST_CASE("sections are written in their order") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {}};
    REQUIRE(out.address({host, 1, dns_section::authority}, ip_address::v4(10, 0, 0, 1)));
    CHECK(out.question(host, dns_type::a).error() == wire_error::out_of_order);
    CHECK(out.address({host, 1, dns_section::answer}, ip_address::v4(10, 0, 0, 1)).error() == wire_error::out_of_order);
    CHECK(out.address({host, 1, dns_section::additional}, ip_address::v4(10, 0, 0, 1)));
    CHECK(out.count() == 2);
}

TEST_CASE("values that no record can hold are refused") {
    std::array<std::byte, 512> room;
    dns_writer out{room, {}};
    CHECK(out.address({host}, ip_address{}).error() == wire_error::bad_address);
    CHECK(out.only_types({host}, {}).error() == wire_error::bad_rdata);
    std::array const beyond{static_cast<dns_type>(256)};
    CHECK(out.only_types({host}, beyond).error() == wire_error::bad_rdata);
    CHECK(out.count() == 0);
}

TEST_CASE("a message can say that more follows") {
    std::array<std::byte, 12> room;
    dns_writer out{room, {.flags = 0x0001}};
    CHECK_FALSE(dns_message_view::parse(out.written())->header().is_truncated());
    out.set_truncated();
    CHECK(dns_message_view::parse(out.written())->header().is_truncated());
    CHECK(dns_message_view::parse(out.written())->header().code() == 1);
    dns_writer none{byte_span{room}.first(11), {}};
    none.set_truncated();
    CHECK(none.written().empty());
}

TEST_CASE("records of another message are copied with their names made whole") {
    std::array<std::byte, 512> room, other;
    dns_writer out{room, {}};
    write_all(out);
    auto const m = dns_message_view::parse(out.written()).value();
    dns_writer copy{other, m.header()};
    auto questions = m.questions();
    for (dns_question q; questions.next(q);) REQUIRE(copy.question(q.name, q.type, q.class_bits));
    auto records = m.records();
    for (dns_record r; records.next(r);) REQUIRE(copy.copy(r));
    CHECK(peerkit::equal(copy.written(), out.written()));
}
