// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading DNS messages: a reply of avahi, and what hostile senders make of the format.
#include <peerkit/wire/dns_message.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using peerkit::byte_view;
using peerkit::ip_address;
using namespace peerkit::wire;

namespace {

/// Bytes from hexadecimal text; everything but digits is passed over, and a comment begins with '#'.
std::vector<std::byte> hex(std::string_view text) {
    std::vector<std::byte> made;
    bool comment = false;
    int high = -1;
    for (char const c : text) {
        comment = (comment || c == '#') && c != '\n';
        int const digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (comment || digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            made.push_back(static_cast<std::byte>(high * 16 + digit));
            high = -1;
        }
    }
    return made;
}
/// One answer whose name is the root.
std::vector<std::byte> answer(std::string_view type, std::string_view data, std::string_view rest = "") {
    auto const content = hex(data);
    std::vector<std::byte> made = hex("0000 8400 0000 0001 0000 0000 00");
    for (std::byte const b : hex(type)) made.push_back(b);
    for (std::byte const b : hex("0001 00000078")) made.push_back(b);
    made.push_back(static_cast<std::byte>(content.size() >> 8U));
    made.push_back(static_cast<std::byte>(content.size() & 0xffU));
    for (std::byte const b : content) made.push_back(b);
    for (std::byte const b : hex(rest)) made.push_back(b);
    return made;
}
/// The only record of a message; `bytes` have to outlive it.
dns_record only_of(std::vector<std::byte> const& bytes) {
    auto const m = dns_message_view::parse(bytes);
    REQUIRE(m);
    auto records = m->records();
    dns_record r;
    REQUIRE(records.next(r));
    dns_record none;
    REQUIRE_FALSE(records.next(none));
    return r;
}
/// The same of a message that is kept.
dns_record only(std::vector<std::byte> bytes) {
    static std::list<std::vector<std::byte>> kept;
    return only_of(kept.emplace_back(std::move(bytes)));
}
void refused(std::vector<std::byte> const& bytes, wire_error what, std::size_t position) {
    auto const m = dns_message_view::parse(bytes);
    REQUIRE_FALSE(m);
    CHECK(m.error() == what);
    CHECK(m.error().position() == position);
    CHECK_FALSE(m.error().field().empty());
}

} // namespace

TEST_CASE("the legacy unicast reply of avahi 0.8 is read to the last record") {
    std::ifstream file{PEERKIT_TEST_DATA "/mdns/avahi_legacy_unicast_reply.hex"};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    auto const bytes = hex(text);
    REQUIRE(bytes.size() == 142);
    auto const m = dns_message_view::parse(bytes);
    REQUIRE(m);
    CHECK(m->header().is_response());
    CHECK(m->header().id == 0);
    CHECK(m->header().flags == (dns_header::response_bit | dns_header::authoritative_bit));
    CHECK_FALSE(m->header().is_truncated());
    CHECK(m->question_count() == 1);
    CHECK(m->count(dns_section::answer) == 5);
    CHECK(m->count(dns_section::authority) == 0);

    auto questions = m->questions();
    dns_question q;
    REQUIRE(questions.next(q));
    CHECK(q.name.to_string() == "_peerkit._udp.local");
    CHECK(q.type == dns_type::ptr);
    CHECK(q.wants_unicast());
    CHECK(q.record_class() == dns_class_in);
    CHECK_FALSE(questions.next(q));

    auto records = m->records();
    dns_record r;
    REQUIRE(records.next(r));
    CHECK(r.target()->to_string() == "pk1._peerkit._udp.local");
    CHECK(r.time_to_live == 10);
    CHECK_FALSE(r.flushes_cache());
    REQUIRE(records.next(r));
    auto strings = r.strings();
    std::string_view one;
    REQUIRE(strings.next(one));
    CHECK(one == "id=abc");
    CHECK_FALSE(strings.next(one));
    CHECK_FALSE(r.service());
    CHECK_FALSE(r.address());
    REQUIRE(records.next(r));
    auto const service = r.service();
    REQUIRE(service);
    CHECK(service->port == 7001);
    CHECK(service->target.to_string() == "pk1.local");
    CHECK(r.name.to_string() == "pk1._peerkit._udp.local");
    CHECK_FALSE(r.target());
    REQUIRE(records.next(r));
    CHECK(r.address() == ip_address::parse("fd00::2").value());
    REQUIRE(records.next(r));
    CHECK(r.address() == ip_address::v4(192, 0, 2, 2));
    CHECK(r.section == dns_section::answer);
    CHECK_FALSE(records.next(r));
}

TEST_CASE("sections are told apart, also where some are empty") {
    auto const bytes = hex("0001 0000 0000 0000 0001 0002"
                           "00 0001 0001 00000001 0004 0a000001"
                           "00 0001 8001 00000002 0004 0a000002"
                           "00 0001 0001 00000003 0004 0a000003");
    auto const m = dns_message_view::parse(bytes);
    REQUIRE(m);
    auto records = m->records();
    dns_record r;
    REQUIRE(records.next(r));
    CHECK(r.section == dns_section::authority);
    REQUIRE(records.next(r));
    CHECK(r.section == dns_section::additional);
    CHECK(r.flushes_cache());
    CHECK(r.record_class() == dns_class_in);
    CHECK(r.address() == ip_address::v4(10, 0, 0, 2));
    REQUIRE(records.next(r));
    CHECK(r.time_to_live == 3);
    CHECK_FALSE(records.next(r));
}

TEST_CASE("counts are believed no further than the bytes go") {
    refused(hex("0000 0000 ffff ffff ffff ffff"), wire_error::truncated, 12);
    refused(hex("0000 0000 0000 ffff ffff ffff 00 0001 0001 00000001 0004 0a000001"), wire_error::truncated, 27);
    refused(hex("0000 0000 0001 0000 0000 0000 00 0001"), wire_error::truncated, 15);
    for (std::size_t size = 0; size < 12; ++size) {
        refused(std::vector<std::byte>(size), wire_error::truncated, size / 2 * 2);
    }
}

TEST_CASE("bytes behind the last record are refused") {
    refused(hex("0000 0000 0000 0000 0000 0000 00"), wire_error::trailing_bytes, 12);
    refused(answer("0001", "0a000001", "ff"), wire_error::trailing_bytes, 27);
    CHECK(dns_message_view::parse(hex("0000 0000 0000 0000 0000 0000")));
}

TEST_CASE("a message larger than a length can state is refused before it is read") {
    refused(std::vector<std::byte>(dns_message_limit + 1), wire_error::frame_too_large, dns_message_limit + 1);
}

TEST_CASE("the data of a record cannot reach beyond the message") {
    refused(hex("0000 0000 0000 0001 0000 0000 00 0010 0001 00000001 0100 0a000001"), wire_error::truncated, 23);
}

TEST_CASE("addresses have the size of their family") {
    CHECK(only(answer("0001", "0a000001")).address() == ip_address::v4(10, 0, 0, 1));
    refused(answer("0001", "0a0000"), wire_error::bad_rdata, 23);
    refused(answer("0001", "0a00000101"), wire_error::bad_rdata, 23);
    refused(answer("001c", "0a000001"), wire_error::bad_rdata, 23);
    CHECK(only(answer("001c", "00000000000000000000ffff0a000001")).address() == ip_address::v4(10, 0, 0, 1));
}

TEST_CASE("a name in the data ends where the data ends, and is read within the data only") {
    CHECK(only(answer("000c", "0161 00")).target()->to_string() == "a");
    refused(answer("000c", "0161 00 00"), wire_error::bad_rdata, 26);
    refused(answer("000c", "0161"), wire_error::truncated, 25); // the name goes on behind the data
    refused(answer("000c", "0561"), wire_error::truncated, 25);
    refused(answer("000c", ""), wire_error::truncated, 23);
    refused(answer("000c", "c017"), wire_error::bad_pointer, 23); // to itself
    refused(answer("0005", "c030"), wire_error::bad_pointer, 23); // forward
    refused(answer("0021", "0000 0000 0001"), wire_error::truncated, 29);
    refused(answer("0021", "0000 0000 00"), wire_error::bad_rdata, 23);
    refused(answer("0021", "0000 0000 0001 00 00"), wire_error::bad_rdata, 30);
    CHECK(only(answer("0021", "0001 0002 0003 00")).service()->target.is_root());
    CHECK(only(answer("0021", "0001 0002 0003 00")).service()->priority == 1);
    CHECK(only(answer("0021", "0001 0002 0003 00")).service()->weight == 2);
}

TEST_CASE("strings of a text record fill it exactly; none at all is an empty text") {
    auto strings = only(answer("0010", "01 61 00 02 62 3d")).strings();
    std::string_view text;
    CHECK((strings.next(text) && text == "a"));
    CHECK((strings.next(text) && text.empty()));
    CHECK((strings.next(text) && text == "b="));
    CHECK_FALSE(strings.next(text));
    CHECK_FALSE(only(answer("0010", "")).strings().next(text));
    refused(answer("0010", "05 61"), wire_error::bad_rdata, 24);
    refused(answer("0010", "00 ff 61"), wire_error::bad_rdata, 25);
}

TEST_CASE("a text record of the largest size is read without copying it") {
    std::string large = "0000 8400 0000 0001 0000 0000 00 0010 0001 00000078 ff00";
    for (int i = 0; i < 255; ++i) {
        large += " ff";
        for (int k = 0; k < 255; ++k) large += "61";
    }
    auto const bytes = hex(large);
    auto strings = only_of(bytes).strings();
    std::size_t count = 0;
    for (std::string_view text; strings.next(text); ++count) {
        CHECK(text.size() == 255);
        CHECK(reinterpret_cast<std::byte const*>(text.data()) > bytes.data());
        CHECK(reinterpret_cast<std::byte const*>(text.data()) < bytes.data() + bytes.size());
    }
    CHECK(count == 255);
}

TEST_CASE("an NSEC record tells which types there are") {
    dns_record const r = only(answer("002f", "00 00 04 40000008 01 01 80"));
    CHECK(r.asserts(dns_type::a));
    CHECK(r.asserts(dns_type::aaaa));
    CHECK_FALSE(r.asserts(dns_type::txt));
    CHECK_FALSE(r.asserts(dns_type::srv));
    CHECK(r.asserts(static_cast<dns_type>(256)));
    CHECK_FALSE(r.asserts(static_cast<dns_type>(257)));
    CHECK_FALSE(r.asserts(static_cast<dns_type>(512)));
    CHECK(r.next_name()->is_root());
    CHECK(r.type_bitmaps().size() == 9);
    refused(answer("002f", "00 00"), wire_error::bad_rdata, 25);
    refused(answer("002f", "00 00 00"), wire_error::bad_rdata, 26);
    refused(answer("002f", "00 00 05 40"), wire_error::bad_rdata, 26);
    refused(answer("002f", "00 01 01 40 01 01 40"), wire_error::bad_rdata, 30);
    refused(answer("002f", "00 01 01 40 00 01 40"), wire_error::bad_rdata, 30);
    CHECK_FALSE(only(answer("0001", "0a000001")).asserts(dns_type::a));
}

TEST_CASE("types and classes this codec does not know are passed over whatever their data is") {
    dns_record const r = only(answer("00ff", "c0"));
    CHECK_FALSE(r.target());
    CHECK(r.data().size() == 1);
    auto other_class = answer("0001", "c0");
    other_class[16] = std::byte{3};
    CHECK_FALSE(only(other_class).address());
    other_class[14] = std::byte{12};
    CHECK_FALSE(only(other_class).target());
}

TEST_CASE("many records whose names are long chains of pointers cost no more than the limit of pointers each") {
    // Far more pointers than one name may follow, and a thousand records that refer to the last.
    std::vector<std::byte> bytes = hex("0000 8400 0000 0002 0000 0000 00 00ff 0001 00000000 0000");
    std::size_t const length_at = bytes.size() - 2;
    bytes.push_back(std::byte{0});
    std::size_t last = bytes.size() - 1;
    for (int i = 0; i < 2000; ++i) {
        std::size_t const here = bytes.size();
        bytes.push_back(static_cast<std::byte>(0xc0U | last >> 8U));
        bytes.push_back(static_cast<std::byte>(last & 0xffU));
        last = here;
    }
    std::size_t const data = bytes.size() - length_at - 2;
    bytes[length_at] = static_cast<std::byte>(data >> 8U);
    bytes[length_at + 1] = static_cast<std::byte>(data & 0xffU);
    std::size_t const name_at = bytes.size();
    bytes.push_back(static_cast<std::byte>(0xc0U | last >> 8U));
    bytes.push_back(static_cast<std::byte>(last & 0xffU));
    for (std::byte const b : hex("0001 0001 00000000 0004 0a000001")) bytes.push_back(b);
    auto const m = dns_message_view::parse(bytes);
    REQUIRE_FALSE(m);
    CHECK(m.error() == wire_error::bad_pointer);
    CHECK(m.error().position() < name_at);
}
