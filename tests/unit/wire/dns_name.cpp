// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of domain names: compression, limits, text, comparison.
#include <peerkit/wire/dns_name.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using peerkit::byte_view;
using namespace peerkit::wire;

namespace {

/// A header of zeros and what follows it.
std::vector<std::byte> message(std::string_view tail) {
    std::vector<std::byte> made(dns_header_size);
    for (char const c : tail) made.push_back(static_cast<std::byte>(c));
    return made;
}
peerkit::result<dns_name_view> at(std::vector<std::byte> const& bytes, std::size_t offset) {
    return dns_name_view::parse(bytes, offset);
}
std::string bytes(std::initializer_list<int> values) {
    std::string made;
    for (int const v : values) made.push_back(static_cast<char>(v));
    return made;
}
dns_name name(std::string_view text) { return dns_name::parse(text).value(); }

} // namespace

TEST_CASE("a name is read label by label, and through pointers to earlier names") {
    // 12: local, 19: _udp -> 12, 26: Node -> 19
    auto const m = message(std::string{"\5local\0\4_udp\xc0\x0c\4Node\xc0\x13", 21});
    auto const found = at(m, 26);
    REQUIRE(found);
    CHECK(found->to_string() == "Node._udp.local");
    CHECK(found->size() == 17);
    CHECK(found->stored_size() == 7);
    dns_label_reader labels = found->labels();
    std::string_view label;
    CHECK((labels.next(label) && label == "Node"));
    CHECK((labels.next(label) && label == "_udp"));
    CHECK((labels.next(label) && label == "local"));
    CHECK_FALSE(labels.next(label));
    CHECK(at(m, 12)->stored_size() == 7);
    CHECK(dns_name{*found}.to_string() == "Node._udp.local");
    CHECK(dns_name{*found}.bytes().size() == 17);
}

TEST_CASE("the root has no labels and is printed as a dot") {
    auto const m = message(std::string{"\0", 1});
    REQUIRE(at(m, 12));
    CHECK(at(m, 12)->is_root());
    CHECK(at(m, 12)->to_string() == ".");
    CHECK(at(m, 12)->stored_size() == 1);
    CHECK(dns_name_view{}.is_root());
    CHECK(dns_name{}.view() == dns_name_view{});
    CHECK(dns_name::parse(".")->is_root());
}

TEST_CASE("pointers to themselves, forward, into the header, or in a circle are refused") {
    CHECK(at(message("\xc0\x0c"), 12).error() == wire_error::bad_pointer);
    CHECK(at(message(std::string{"\1a\xc0\x0c", 4}), 12).error() == wire_error::bad_pointer); // into its own label
    CHECK(at(message(std::string{"\xc0\x0e\1a\0", 5}), 12).error() == wire_error::bad_pointer);
    CHECK(at(message(bytes({0xc0, 0x00})), 12).error() == wire_error::bad_pointer);
    CHECK(at(message(bytes({0xc0, 0x0b})), 12).error() == wire_error::bad_pointer);
    CHECK(at(message("\xc0\x0e\xc0\x0c"), 14).error() == wire_error::bad_pointer); // 14 -> 12 -> 14
    auto const wrong = at(message("\1x\xc0\x63"), 12);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().position() == 14);
    CHECK(wrong.error().field() == "name");
}

TEST_CASE("a chain of pointers is followed to the limit and no further") {
    auto chain = [](std::size_t count) {
        std::string text{'\0'};
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t const to = i == 0 ? 12 : 13 + 2 * (i - 1);
            text += bytes({0xc0 | static_cast<int>(to >> 8U), static_cast<int>(to & 0xffU)});
        }
        return message(text);
    };
    CHECK(at(chain(dns_pointer_limit), 13 + 2 * (dns_pointer_limit - 1)));
    CHECK(at(chain(dns_pointer_limit + 1), 13 + 2 * dns_pointer_limit).error() == wire_error::bad_pointer);
}

TEST_CASE("labels of the reserved types are refused") {
    CHECK(at(message("\x40xxxx"), 12).error() == wire_error::bad_label);
    CHECK(at(message("\x80xxxx"), 12).error() == wire_error::bad_label);
    CHECK(at(message("\xbfxxxx"), 12).error() == wire_error::bad_label);
}

TEST_CASE("a name that ends before it should is truncated, wherever that is") {
    CHECK(at(message(""), 12).error() == wire_error::truncated);
    CHECK(at(message("\5loca"), 12).error() == wire_error::truncated);
    CHECK(at(message("\5local"), 12).error() == wire_error::truncated);
    CHECK(at(message("\xc0"), 12).error() == wire_error::truncated);
    CHECK(at(message("\1a"), 400).error() == wire_error::truncated);
}

TEST_CASE("a name takes at most 255 octets, pointers counted for what they stand for") {
    auto labels = [](std::size_t last) {
        std::string text;
        for (int i = 0; i < 3; ++i) text += bytes({63}) + std::string(63, 'a');
        return text + bytes({static_cast<int>(last)}) + std::string(last, 'b') + bytes({0});
    };
    CHECK(at(message(labels(61)), 12)->size() == 255);
    CHECK(at(message(labels(62)), 12).error() == wire_error::name_too_long);
    auto const through = message(labels(59) + bytes({1, 'c', 0xc0, 12}));
    CHECK(at(through, 12 + 254 - 1)->size() == 255);
    auto const beyond = message(labels(60) + bytes({1, 'c', 0xc0, 12}));
    CHECK(at(beyond, 12 + 254).error() == wire_error::name_too_long);
}

TEST_CASE("names are compared without case, octet for octet otherwise") {
    CHECK(name("Node.LOCAL") == name("node.local."));
    CHECK_FALSE(name("Node.local").view().identical(name("node.local")));
    CHECK(name("node.local").view().identical(name("node.local")));
    CHECK_FALSE(name("node.local") == name("node.local.org"));
    CHECK_FALSE(name("a.b") == name("a\\.b"));
    CHECK_FALSE(name("ab.c") == name("a.bc"));
    CHECK_FALSE(name("[.local") == name("{.local")); // differ by the bit of case and are no letters
}

TEST_CASE("a child is told from its parent by exactly one label") {
    auto const parent = name("_peerkit._udp.local");
    std::string_view label;
    auto const child = dns_name::join("my node. 7", parent).value();
    REQUIRE(child.view().is_child_of(parent, label));
    CHECK(label == "my node. 7");
    auto const other_case = name("X._PEERKIT._udp.local");
    CHECK(other_case.view().is_child_of(parent, label));
    CHECK_FALSE(name("a.b._peerkit._udp.local").view().is_child_of(parent, label));
    CHECK_FALSE(parent.view().is_child_of(parent, label));
    CHECK_FALSE(name("a._peerkit._tcp.local").view().is_child_of(parent, label));
    CHECK_FALSE(dns_name{}.view().is_child_of(dns_name{}, label));
    CHECK(label == "X"); // of the last child found: untouched where there is none
    auto const top = name("local");
    CHECK(top.view().is_child_of(dns_name{}, label));
    CHECK(label == "local");
}

TEST_CASE("text and names turn into each other, whatever octets the labels hold") {
    std::string every;
    for (int i = 0; i < 63; ++i) every.push_back(static_cast<char>(i * 4 + 3));
    auto const strange = dns_name::join(every, name("local")).value();
    CHECK(dns_name::parse(strange.to_string()).value().view().identical(strange));
    CHECK(name("a\\.b\\\\.c").to_string() == "a\\.b\\\\.c");
    CHECK(name("a\\032b.c").to_string() == "a\\032b.c");
    CHECK(name("\\097\\b.c").to_string() == "ab.c");
}

TEST_CASE("text that is no name is refused where the label begins") {
    for (std::string_view const text : {"", "..", ".a", "a..b", "a\\", "a.b\\25", "a.\\256", "a.\\1x3"}) {
        CAPTURE(text);
        REQUIRE_FALSE(dns_name::parse(text));
        CHECK(dns_name::parse(text).error() == wire_error::bad_label);
    }
    CHECK(dns_name::parse("ok.a\\").error().position() == 3);
    CHECK(dns_name::parse(std::string(63, 'x')));
    CHECK(dns_name::parse(std::string(64, 'x')).error() == wire_error::bad_label);
    std::string longest;
    for (int i = 0; i < 126; ++i) longest += "a.";
    CHECK(dns_name::parse(longest + "b")->bytes().size() == 255);
    CHECK(dns_name::parse(longest + "bb").error() == wire_error::name_too_long);
    CHECK(dns_name::parse(longest + "b.c").error() == wire_error::name_too_long);
}

TEST_CASE("a label that is empty or too long joins nothing") {
    CHECK(dns_name::join("", name("local")).error() == wire_error::bad_label);
    CHECK(dns_name::join(std::string(64, 'x'), name("local")).error() == wire_error::bad_label);
    std::string longest;
    for (int i = 0; i < 126; ++i) longest += "a.";
    CHECK(dns_name::join("x", name(longest + "b")).error() == wire_error::name_too_long);
    CHECK(dns_name::join("x", name("local"))->to_string() == "x.local");
}
