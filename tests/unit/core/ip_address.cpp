// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of IP addresses: reading, canonical printing, classes.
#include <peerkit/core/ip_address.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using peerkit::byte_view;
using peerkit::core_error;
using peerkit::ip_address;
using peerkit::ip_family;
using peerkit::seeded_rng;

namespace {

static_assert(std::is_trivially_copyable_v<ip_address>);
static_assert(sizeof(ip_address) == 17);
static_assert(!ip_address{} && ip_address{}.family() == ip_family::none && ip_address{}.bytes().empty());
static_assert((*ip_address::parse("192.0.2.1")) == ip_address::v4(192, 0, 2, 1), "usable in constant expressions");
static_assert((*ip_address::parse("2001:db8::1")).family() == ip_family::v6);
static_assert(ip_address::parse("2001:db8:::1").error() == core_error::bad_address);

ip_address parsed(std::string_view text) {
    CAPTURE(text);
    auto const made = ip_address::parse(text);
    REQUIRE(made);
    return *made;
}
std::string canonical(std::string_view text) { return parsed(text).to_string(); }

ip_address v6(std::array<std::uint16_t, 8> groups) {
    std::array<std::byte, 16> bytes{};
    for (std::size_t i = 0; i < 8; ++i) peerkit::store_big(&bytes[2 * i], groups[i]);
    return ip_address::from_bytes(bytes);
}

/// RFC 5952 said again, differently: try every gap and keep the first longest one.
std::string slow_text(std::array<std::uint16_t, 8> groups) {
    auto const hex = [](unsigned value) {
        std::string text;
        do {
            text.insert(text.begin(), "0123456789abcdef"[value % 16]);
            value /= 16;
        } while (value != 0);
        return text;
    };
    std::size_t best = 0, best_size = 0;
    for (std::size_t size = 8; size >= 2 && best_size == 0; --size) {
        for (std::size_t first = 0; first + size <= 8 && best_size == 0; ++first) {
            bool const zero = std::all_of(groups.begin() + static_cast<std::ptrdiff_t>(first),
                                          groups.begin() + static_cast<std::ptrdiff_t>(first + size),
                                          [](std::uint16_t g) { return g == 0; });
            if (zero) {
                best = first;
                best_size = size;
            }
        }
    }
    auto const join = [&](std::size_t first, std::size_t last) {
        std::string text;
        for (std::size_t i = first; i < last; ++i) text += (i == first ? "" : ":") + hex(groups[i]);
        return text;
    };
    return best_size == 0 ? join(0, 8) : join(0, best) + "::" + join(best + best_size, 8);
}

std::array<std::uint16_t, 8> random_groups(seeded_rng& rng) {
    std::array<std::uint16_t, 8> groups{};
    for (std::uint16_t& g : groups) {
        std::uint64_t const word = rng();
        // Half are zero, so gaps of every place and length turn up; the others have one to four digits.
        g = word % 2 == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(word >> 48U >> 4U * (word / 2 % 4));
    }
    return groups;
}

} // namespace

TEST_CASE("none is neither family, has no bytes and prints as a dash") {
    ip_address const none;
    CHECK(!none);
    CHECK(none.family() == ip_family::none);
    CHECK(none.bytes().empty());
    CHECK(none.to_string() == "-");
    CHECK(none.is_unspecified());
    CHECK(!none.is_loopback());
    CHECK(!none.is_link_local());
    CHECK(!none.is_multicast());
    CHECK(!none.is_private());
    CHECK(!none.is_overlay());
}

TEST_CASE("IPv4 addresses are read and printed") {
    for (char const* const text :
         {"0.0.0.0", "1.2.3.4", "127.0.0.1", "10.20.30.40", "192.0.2.255", "255.255.255.255", "99.100.199.200"}) {
        ip_address const address = parsed(text);
        CHECK(address.family() == ip_family::v4);
        CHECK(address.bytes().size() == 4);
        CHECK(address.to_string() == text);
    }
    CHECK(parsed("1.2.3.4") == ip_address::v4(1, 2, 3, 4));
    CHECK(parsed("1.2.3.4").bytes()[0] == std::byte{1});
    CHECK(parsed("1.2.3.4").bytes()[3] == std::byte{4});
}

TEST_CASE("every number from 0 to 255 is a part of an IPv4 address and no other") {
    for (int part = 0; part < 1100; ++part) {
        std::string const number = std::to_string(part);
        CHECK(ip_address::parse(number + ".0.0.0").has_value() == (part < 256));
        CHECK(ip_address::parse("0." + number + ".0.0").has_value() == (part < 256));
        CHECK(ip_address::parse("0.0." + number + ".0").has_value() == (part < 256));
        CHECK(ip_address::parse("0.0.0." + number).has_value() == (part < 256));
    }
}

TEST_CASE("malformed IPv4 addresses are refused") {
    for (std::string_view const text :
         {"1",         "1.2",       "1.2.3",     "1.2.3.4.5",  ".1.2.3.4",
          "1.2.3.4.",  "1..2.3",    "1.2.3.",    ".",          "...",
          "....",      "256.1.1.1", "1.1.1.256", "1.1.1.1000", "1.1.1.99999999999999999999",
          "01.2.3.4",  "1.2.3.04",  "00.0.0.0",  "000.0.0.0",  "1.2.3.4 ",
          " 1.2.3.4",  "1.2.3.4\n", "1. 2.3.4",  "+1.2.3.4",   "-1.2.3.4",
          "0x1.2.3.4", "1.2.3.a",   "a.b.c.d",   "1,2,3,4",    "1.2.3.4%1",
          "1.2.3.4/8", "16909060",  "1.2.3.4:80"}) {
        CAPTURE(text);
        auto const made = ip_address::parse(text);
        REQUIRE(!made);
        CHECK(made.error() == core_error::bad_address);
        CHECK(made.error().field() == "address");
    }
}

TEST_CASE("an empty text is refused as empty") {
    auto const made = ip_address::parse("");
    REQUIRE(!made);
    CHECK(made.error() == core_error::empty);
    CHECK(made.error().position() == 0);
    CHECK(made.error().field() == "address");
}

TEST_CASE("a zero byte ends no text early") {
    using namespace std::string_view_literals;
    CHECK(!ip_address::parse("1.2.3.4\0"sv));
    CHECK(!ip_address::parse("::1\0"sv));
    CHECK(!ip_address::parse("\0"sv));
}

TEST_CASE("IPv6 addresses are printed as RFC 5952 recommends") {
    // The examples of its sections 1 to 4.
    for (char const* const spelling :
         {"2001:db8:0:0:1:0:0:1", "2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "2001:db8::0:1:0:0:1",
          "2001:0db8::1:0:0:1", "2001:db8:0:0:1::1", "2001:db8:0000:0:1::1", "2001:DB8:0:0:1::1"}) {
        CHECK(canonical(spelling) == "2001:db8::1:0:0:1");
    }
    CHECK(canonical("2001:0db8::0001") == "2001:db8::1");               // 4.1: leading zeros go
    CHECK(canonical("2001:db8:0:0:0:0:2:1") == "2001:db8::2:1");        // 4.2.1: as short as possible
    CHECK(canonical("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1"); // 4.2.2: not for a single group
    CHECK(canonical("2001:db8::1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  //        even if written so
    CHECK(canonical("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");          // 4.2.3: the longest run
    CHECK(canonical("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");    //        the first of equals
    CHECK(canonical("2001:DB8::ABCD:EF") == "2001:db8::abcd:ef");       // 4.3: lower case
    CHECK(canonical("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001") == "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1");
}

TEST_CASE("a gap may stand anywhere and for any number of groups") {
    CHECK(canonical("::") == "::");
    CHECK(canonical("0:0:0:0:0:0:0:0") == "::");
    CHECK(canonical("::1") == "::1");
    CHECK(canonical("1::") == "1::");
    CHECK(canonical("0:0:0:0:0:0:0:1") == "::1");
    CHECK(canonical("1:0:0:0:0:0:0:0") == "1::");
    CHECK(canonical("::2:3:4:5:6:7:8") == "0:2:3:4:5:6:7:8");
    CHECK(canonical("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
    CHECK(canonical("1:2:3::5:6:7:8") == "1:2:3:0:5:6:7:8");
    CHECK(canonical("::3:4:5:6:7:8") == "::3:4:5:6:7:8");
    CHECK(canonical("1:2:3:4:5:6::") == "1:2:3:4:5:6::");
    CHECK(canonical("0:0:3:0:0:0:7:8") == "0:0:3::7:8");
    CHECK(canonical("0:0:0:4:5:0:0:0") == "::4:5:0:0:0");
    CHECK(canonical("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    CHECK(canonical("0001:0020:0300:4000:0:0a0:00b:c") == "1:20:300:4000:0:a0:b:c");
}

TEST_CASE("every gap printed is the first longest run of zeros, and every print reads back") {
    // All 256 patterns of zero and other groups.
    for (unsigned pattern = 0; pattern < 256; ++pattern) {
        std::array<std::uint16_t, 8> groups{};
        for (unsigned i = 0; i < 8; ++i)
            groups[i] = (pattern >> i & 1U) != 0 ? static_cast<std::uint16_t>(0xa0U + i) : std::uint16_t{0};
        ip_address const address = v6(groups);
        CHECK(address.to_string() == slow_text(groups));
        CHECK(parsed(address.to_string()) == address);
    }
    seeded_rng rng{41};
    for (int i = 0; i < 3000; ++i) {
        auto const groups = random_groups(rng);
        ip_address const address = v6(groups);
        if (address.family() == ip_family::v6) CHECK(address.to_string() == slow_text(groups));
        CHECK(parsed(address.to_string()) == address);
    }
}

TEST_CASE("an IPv4-mapped IPv6 address is the IPv4 address it maps") {
    for (char const* const text :
         {"::ffff:192.0.2.1", "::FFFF:192.0.2.1", "0:0:0:0:0:ffff:192.0.2.1", "::ffff:c000:201", "0:0::ffff:192.0.2.1",
          "0000:0000:0000:0000:0000:ffff:c000:0201"}) {
        CHECK(parsed(text) == ip_address::v4(192, 0, 2, 1));
        CHECK(canonical(text) == "192.0.2.1");
    }
    CHECK(canonical("::ffff:0:0") == "0.0.0.0");
    // Its neighbours are not mapped.
    CHECK(parsed("::fffe:192.0.2.1").family() == ip_family::v6);
    CHECK(parsed("::1:ffff:192.0.2.1").family() == ip_family::v6);
    CHECK(parsed("::192.0.2.1").family() == ip_family::v6);
    CHECK(parsed("ffff::192.0.2.1").family() == ip_family::v6);
    CHECK(parsed("64:ff9b::192.0.2.1").family() == ip_family::v6);
}

TEST_CASE("the last four bytes of an IPv6 address may be written as IPv4") {
    CHECK(canonical("64:ff9b::192.0.2.33") == "64:ff9b::c000:221");
    CHECK(canonical("1:2:3:4:5:6:1.2.3.4") == "1:2:3:4:5:6:102:304");
    CHECK(canonical("::1.2.3.4") == "::102:304");
    CHECK(canonical("1::1.2.3.4") == "1::102:304");
    CHECK(canonical("1:2:3:4:5::1.2.3.4") == "1:2:3:4:5:0:102:304");
    CHECK(canonical("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for (std::string_view const text :
         {"1.2.3.4::", "1:2:3:4:5:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "::1.2.3.4:5", "::1.2.3",
          "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4", "::1.2.3.4.", "::.1.2.3", "1.2.3.4:", ":1.2.3.4", "::a.2.3.4",
          "1:2:3:4:5:6:1.2.3.4:7", "1:2:3:4:5:6:1.2.3.4::"}) {
        CAPTURE(text);
        CHECK(ip_address::parse(text).has_value() == false);
    }
}

TEST_CASE("malformed IPv6 addresses are refused") {
    for (std::string_view const text : {":",
                                        ":::",
                                        "::::",
                                        "1:",
                                        ":1",
                                        "1::2::3",
                                        "::1::",
                                        "1:::2",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1:2:3:4:5:6:7:8",
                                        "1:2:3:4::5:6:7:8",
                                        "1:2:3:4:5:6:7:8:",
                                        ":1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7:",
                                        ":2:3:4:5:6:7:8",
                                        "12345::",
                                        "::12345",
                                        "::00001",
                                        "g::",
                                        "::g",
                                        "::-1",
                                        "::+1",
                                        "::0x1",
                                        " ::1",
                                        "::1 ",
                                        "::1\n",
                                        "1: :2",
                                        "[::1]",
                                        "::1/128",
                                        "1::2:",
                                        ":1::2",
                                        "0000:0000:0000:0000:0000:0000:0000:00000",
                                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"}) {
        CAPTURE(text);
        auto const made = ip_address::parse(text);
        REQUIRE(!made);
        CHECK(made.error() == core_error::bad_address);
        CHECK(made.error().field() == "address");
    }
}

TEST_CASE("a zone is refused: it means nothing on another host") {
    for (std::string_view const text :
         {"fe80::1%eth0", "fe80::1%1", "fe80::1%", "fe80::%lo", "::1%25", "%eth0", "fe80:%1::"}) {
        CAPTURE(text);
        CHECK(ip_address::parse(text).error() == core_error::bad_address);
    }
}

TEST_CASE("a text far too long is refused") {
    CHECK(!ip_address::parse(std::string(100'000, ':')));
    CHECK(!ip_address::parse(std::string(100'000, '0')));
    CHECK(!ip_address::parse("::" + std::string(100'000, '1')));
    CHECK(!ip_address::parse(std::string(100'000, '.')));
}

TEST_CASE("an address is made of 4 or 16 bytes; any other number gives none") {
    std::array<std::byte, 20> bytes{};
    bytes.fill(std::byte{0x20});
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        ip_address const made = ip_address::from_bytes(byte_view{bytes}.first(size));
        CHECK(made.family() == (size == 4 ? ip_family::v4 : size == 16 ? ip_family::v6 : ip_family::none));
        CHECK(peerkit::equal(made.bytes(), byte_view{bytes}.first(made ? size : 0)));
    }
}

TEST_CASE("mapped bytes become IPv4, and one bit less does not") {
    std::array<std::byte, 16> bytes{};
    bytes[10] = bytes[11] = std::byte{0xff};
    bytes[12] = std::byte{10};
    bytes[15] = std::byte{9};
    CHECK(ip_address::from_bytes(bytes) == ip_address::v4(10, 0, 0, 9));
    for (std::size_t bit = 0; bit < 96; ++bit) {
        auto other = bytes;
        other[bit / 8] ^= std::byte{1} << (bit % 8);
        CHECK(ip_address::from_bytes(other).family() == ip_family::v6);
    }
}

TEST_CASE("bytes and addresses are the same thing both ways") {
    seeded_rng rng{42};
    for (int i = 0; i < 1000; ++i) {
        std::array<std::byte, 16> bytes{};
        for (std::byte& b : bytes) b = static_cast<std::byte>(rng() & 0xffU);
        byte_view const some = byte_view{bytes}.first(i % 2 == 0 ? 4 : 16);
        ip_address const address = ip_address::from_bytes(some);
        CHECK(peerkit::equal(address.bytes(), some));
        CHECK(parsed(address.to_string()) == address);
    }
}

TEST_CASE("addresses of different families are different, whatever their bytes") {
    CHECK(ip_address::v4(1, 2, 3, 4) != parsed("102:304::"));
    CHECK(ip_address::v4(0, 0, 0, 0) != parsed("::"));
    CHECK(ip_address::v4(0, 0, 0, 0) != ip_address{});
    CHECK((ip_address::v4(1, 2, 3, 4) <=> parsed("102:304::")) != std::strong_ordering::equal);
}

TEST_CASE("order is total: by bytes, so that lists can be sorted and compared") {
    std::vector<ip_address> some{ip_address{},
                                 ip_address::v4(0, 0, 0, 0),
                                 parsed("::"),
                                 parsed("::1"),
                                 ip_address::v4(1, 2, 3, 4),
                                 ip_address::v4(1, 2, 3, 5),
                                 ip_address::v4(2, 0, 0, 0),
                                 parsed("2001:db8::1")};
    for (std::size_t i = 0; i < some.size(); ++i) {
        for (std::size_t j = 0; j < some.size(); ++j) {
            CHECK((some[i] < some[j]) == (i < j));
            CHECK((some[i] == some[j]) == (i == j));
        }
    }
}

namespace {

using question = bool (ip_address::*)() const noexcept;

void check_class(question is, std::vector<char const*> const& members, std::vector<char const*> const& others) {
    for (char const* const text : members) {
        CAPTURE(text);
        CHECK((parsed(text).*is)());
    }
    for (char const* const text : others) {
        CAPTURE(text);
        CHECK(!(parsed(text).*is)());
    }
}

} // namespace

TEST_CASE("the unspecified addresses are 0.0.0.0 and ::") {
    check_class(&ip_address::is_unspecified, {"0.0.0.0", "::", "::ffff:0.0.0.0"},
                {"0.0.0.1", "1.0.0.0", "::1", "1::", "0:0:0:1::"});
}

TEST_CASE("loopback is 127.0.0.0/8 and ::1") {
    check_class(&ip_address::is_loopback, {"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"},
                {"126.255.255.255", "128.0.0.0", "0.0.0.0", "::", "::2", "1::1", "7f00::", "::127.0.0.1"});
}

TEST_CASE("every bit set besides makes ::1 something else than loopback, and :: something else than unspecified") {
    for (std::size_t bit = 0; bit < 127; ++bit) {
        std::array<std::byte, 16> bytes{};
        bytes[bit / 8] = std::byte{0x80} >> (bit % 8);
        CHECK(!ip_address::from_bytes(bytes).is_unspecified());
        bytes[15] |= std::byte{1};
        CHECK(!ip_address::from_bytes(bytes).is_loopback());
    }
}

TEST_CASE("link-local is 169.254.0.0/16 and fe80::/10") {
    check_class(&ip_address::is_link_local,
                {"169.254.0.0", "169.254.255.255", "fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
                {"169.253.255.255", "169.255.0.0", "168.254.0.0", "fe7f:ffff::", "fec0::", "ff80::", "::", "0.0.0.0"});
}

TEST_CASE("multicast is 224.0.0.0/4, the broadcast address and ff00::/8") {
    check_class(&ip_address::is_multicast,
                {"224.0.0.0", "239.255.255.255", "255.255.255.255", "ff00::", "ff02::1",
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
                {"223.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.254.255", "255.254.255.255",
                 "254.255.255.255", "feff:ffff::", "::ff", "::"});
}

TEST_CASE("private is the three ranges of RFC 1918 and fc00::/7") {
    check_class(&ip_address::is_private,
                {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
                 "fc00::", "fd00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
                {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
                 "191.168.0.0", "100.64.0.1", "fbff:ffff::", "fe00::", "::", "0.0.0.0"});
}

TEST_CASE("overlay is a tailnet's 100.64.0.0/10 without the range kept for others, and fd7a:115c:a1e0::/48") {
    check_class(&ip_address::is_overlay,
                {"100.64.0.0", "100.100.100.100", "100.127.255.255", "100.115.91.255", "100.115.94.0", "100.114.92.0",
                 "100.116.93.0", "fd7a:115c:a1e0::", "fd7a:115c:a1e0:ffff:ffff:ffff:ffff:ffff"},
                {"100.63.255.255", "100.128.0.0", "99.64.0.0", "101.64.0.0", "100.115.92.0", "100.115.93.255",
                 "fd7a:115c:a1df::", "fd7a:115c:a1e1::", "fd7a:115d:a1e0::", "fd7a:105c:a1e0::", "fd7b:115c:a1e0::",
                 "fc7a:115c:a1e0::", "fd7a:115c:a0e0::", "::"});
}
