// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of endpoints: what users write, what is refused and where, and that printing reads back.
#include <peerkit/core/endpoint.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using peerkit::core_error;
using peerkit::endpoint;
using peerkit::ip_address;
using peerkit::ip_endpoint;
using peerkit::ip_family;
using peerkit::seeded_rng;
namespace limits = peerkit::limits;

namespace {

static_assert(std::is_trivially_copyable_v<ip_endpoint> && std::is_trivially_copyable_v<endpoint>);
static_assert(sizeof(ip_endpoint) == 20);
static_assert(!ip_endpoint{} && !endpoint{} && ip_endpoint{}.port == 0 && endpoint{}.port() == 0);
static_assert((*endpoint::parse("[2001:db8::7]:9100")).port() == 9100, "usable in constant expressions");
static_assert((*endpoint::parse("db1.example.org")).host_name() == "db1.example.org");
static_assert(std::is_convertible_v<ip_endpoint, endpoint>);

endpoint parsed(std::string_view text, std::uint16_t default_port = 9000) {
    CAPTURE(text);
    auto const made = endpoint::parse(text, default_port);
    REQUIRE(made);
    return *made;
}

void check_refused(std::string_view text, core_error expected, std::uint64_t position, std::string_view field) {
    CAPTURE(text);
    auto const made = endpoint::parse(text);
    REQUIRE(!made);
    CHECK(made.error() == expected);
    CHECK(made.error().position() == position);
    CHECK(made.error().field() == field);
}

/// Labels of the given sizes, joined by dots.
std::string host_of(std::vector<std::size_t> const& labels) {
    std::string text;
    for (std::size_t const size : labels) {
        if (!text.empty()) text.push_back('.');
        text.append(size, 'a');
    }
    return text;
}

} // namespace

TEST_CASE("a host name stands for itself at the default port") {
    for (char const* const text : {"db1", "db1.example.org", "a", "A-b_c.D", "1a", "a1", "1-2", "10.0.0.1a", "1.2.3.x4",
                                   "-", "_", "x.1.y", "db1.example.org.", "xn--bcher-kva.example"}) {
        endpoint const e = parsed(text);
        CHECK(e.is_host_name());
        CHECK(e.host_name() == text);
        CHECK(!e.address());
        CHECK(e.port() == 9000);
        CHECK(static_cast<bool>(e));
        CHECK(e.to_string() == std::string{text} + ":9000");
    }
}

TEST_CASE("an address of either family stands for itself at the default port") {
    endpoint const v4 = parsed("192.0.2.1");
    CHECK(!v4.is_host_name());
    CHECK(v4.host_name().empty());
    CHECK(v4.address() == ip_address::v4(192, 0, 2, 1));
    CHECK(v4.ip() == ip_endpoint{ip_address::v4(192, 0, 2, 1), 9000});
    CHECK(v4.to_string() == "192.0.2.1:9000");

    for (char const* const text : {"2001:db8::7", "[2001:db8::7]", "2001:DB8:0:0:0:0:0:7"}) {
        endpoint const v6 = parsed(text);
        CHECK(!v6.is_host_name());
        CHECK(v6.address().family() == ip_family::v6);
        CHECK(v6.port() == 9000);
        CHECK(v6.to_string() == "[2001:db8::7]:9000");
    }
    CHECK(parsed("::").to_string() == "[::]:9000");
}

TEST_CASE("a port follows a colon, after brackets for IPv6") {
    CHECK(parsed("db1:9100").to_string() == "db1:9100");
    CHECK(parsed("db1:9100").host_name() == "db1");
    CHECK(parsed("db1.example.org.:9100").host_name() == "db1.example.org.");
    CHECK(parsed("192.0.2.1:1").ip() == ip_endpoint{ip_address::v4(192, 0, 2, 1), 1});
    CHECK(parsed("[2001:db8::7]:65535").to_string() == "[2001:db8::7]:65535");
    // Without brackets everything belongs to the address.
    CHECK(parsed("2001:db8::7:9100").to_string() == "[2001:db8::7:9100]:9000");
}

TEST_CASE("a mapped address is IPv4 with and without brackets") {
    endpoint const plain{ip_address::v4(192, 0, 2, 1), 9000};
    CHECK(parsed("::ffff:192.0.2.1") == plain);
    CHECK(parsed("[::ffff:192.0.2.1]") == plain);
    CHECK(parsed("[::ffff:c000:201]:9100").to_string() == "192.0.2.1:9100");
}

TEST_CASE("the default port is the caller's, and the gossip port if he has none") {
    CHECK(endpoint::parse("db1")->port() == peerkit::default_gossip_port);
    for (char const* const text : {"db1", "192.0.2.1", "::1", "[::1]"}) CHECK(parsed(text, 53).port() == 53);
    for (char const* const text : {"db1:7", "192.0.2.1:7", "[::1]:7"}) CHECK(parsed(text, 53).port() == 7);
    // Zero asks to be told: what has no port of its own is not a complete endpoint.
    CHECK(parsed("db1", 0).port() == 0);
    CHECK(!parsed("db1", 0));
    CHECK(static_cast<bool>(parsed("db1:7", 0)));
}

TEST_CASE("every number from 1 to 65535 is a port and no other") {
    for (unsigned port = 0; port < 66'000; port += port < 1200 || port > 65'400 ? 1 : 97) {
        auto const made = endpoint::parse("h:" + std::to_string(port));
        CHECK(made.has_value() == (port >= 1 && port <= 65'535));
        if (made) CHECK(made->port() == port);
        if (!made) CHECK(made.error() == core_error::bad_port);
    }
    CHECK(parsed("h:00080").port() == 80);
}

TEST_CASE("a bad port is refused with its place, after a name and after an address of either family") {
    for (std::string const host : {"db1", "192.0.2.1", "[::1]"}) {
        std::size_t const digits = host.size() + 1;
        check_refused(host + ":", core_error::bad_port, digits, "port");
        check_refused(host + ":0", core_error::bad_port, digits, "port");
        check_refused(host + ":000", core_error::bad_port, digits, "port");
        check_refused(host + ":65536", core_error::bad_port, digits, "port");
        check_refused(host + ":99999999999999999999999999", core_error::bad_port, digits, "port");
        check_refused(host + ":4294967297", core_error::bad_port, digits, "port");
        check_refused(host + ":-1", core_error::bad_port, digits, "port");
        check_refused(host + ":+1", core_error::bad_port, digits, "port");
        check_refused(host + ":80 ", core_error::bad_port, digits + 2, "port");
        check_refused(host + ": 80", core_error::bad_port, digits, "port");
        check_refused(host + ":8x0", core_error::bad_port, digits + 1, "port");
        check_refused(host + ":0x50", core_error::bad_port, digits + 1, "port");
        check_refused(host + ":http", core_error::bad_port, digits, "port");
    }
    check_refused("[::1]:80:90", core_error::bad_port, 8, "port");
    check_refused("[::1]::80", core_error::bad_port, 6, "port");
}

TEST_CASE("an empty text is refused as empty") { check_refused("", core_error::empty, 0, "endpoint"); }

TEST_CASE("a bracket must be closed, hold an IPv6 address and be followed by a port or nothing") {
    check_refused("[", core_error::unclosed_bracket, 1, "address");
    check_refused("[::1", core_error::unclosed_bracket, 4, "address");
    check_refused("[::1:9000", core_error::unclosed_bracket, 9, "address");
    check_refused("[]", core_error::bad_address, 1, "address");
    check_refused("[]:9000", core_error::bad_address, 1, "address");
    check_refused("[192.0.2.1]:9000", core_error::bad_address, 1, "address");
    check_refused("[db1]:9000", core_error::bad_address, 1, "address");
    check_refused("[[::1]]", core_error::bad_address, 1, "address");
    check_refused("[fe80::1%eth0]:9000", core_error::bad_address, 1, "address");
    check_refused("[::1 ]", core_error::bad_address, 1, "address");
    check_refused("[::1]9000", core_error::bad_character, 5, "endpoint");
    check_refused("[::1] ", core_error::bad_character, 5, "endpoint");
    check_refused("[::1]]", core_error::bad_character, 5, "endpoint");
}

TEST_CASE("two colons without brackets are an IPv6 address or an error") {
    check_refused("db1:80:90", core_error::bad_address, 0, "address");
    check_refused("192.0.2.1:80:90", core_error::bad_address, 0, "address");
    check_refused("::g", core_error::bad_address, 0, "address");
    check_refused("web::80", core_error::bad_address, 0, "address");
    check_refused("fe80::1%eth0", core_error::bad_address, 0, "address");
    check_refused("http://db1:80", core_error::bad_address, 0, "address");
    check_refused("::1]:80", core_error::bad_address, 0, "address");
}

TEST_CASE("an all-digit last label is a mistyped address, not a name") {
    for (std::string_view const text :
         {"1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "192.0.2.01", "db1.7", "db1.7.", "1.2.3.4.", "00", "1.2.3:80"}) {
        check_refused(text, core_error::bad_host_name, 0, "host name");
    }
    CHECK(parsed("7.db1").host_name() == "7.db1");
}

TEST_CASE("a host name without characters, or with an empty label, is refused where the label is missing") {
    check_refused(".", core_error::bad_host_name, 0, "host name");
    check_refused("..", core_error::bad_host_name, 0, "host name");
    check_refused(":", core_error::bad_host_name, 0, "host name");
    check_refused(":9000", core_error::bad_host_name, 0, "host name");
    check_refused(".db1", core_error::bad_host_name, 0, "host name");
    check_refused("db1..org", core_error::bad_host_name, 4, "host name");
    check_refused("db1..", core_error::bad_host_name, 0, "host name");
}

TEST_CASE("a host name is letters, digits, hyphens, underscores and dots; anything else is refused where it "
          "stands") {
    for (int c = 0; c < 256; ++c) {
        std::string const text{'a', 'b', static_cast<char>(c), 'd'};
        auto const made = endpoint::parse(text);
        bool const fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.';
        CHECK(made.has_value() == fine);
        if (made) CHECK(made->host_name() == text);
        if (!made && c != ':') check_refused(text, core_error::bad_host_name, 2, "host name");
    }
    // After the colon of a port the same letter is the port's fault.
    check_refused("ab:d", core_error::bad_port, 3, "port");
    check_refused(" db1", core_error::bad_host_name, 0, "host name");
    check_refused("db1\n", core_error::bad_host_name, 3, "host name");
    check_refused("db1/24", core_error::bad_host_name, 3, "host name");
    check_refused("user@db1", core_error::bad_host_name, 4, "host name");
    check_refused("db1]", core_error::bad_host_name, 3, "host name");
}

TEST_CASE("a label has at most 63 characters, wherever it stands") {
    for (std::string const before : {"", "x.", "x.yy."}) {
        for (std::string const after : {"", ".", ".z", ".z."}) {
            std::string const fits = before + std::string(63, 'a') + after;
            CHECK(parsed(fits).host_name() == fits);
            check_refused(before + std::string(64, 'a') + after, core_error::too_long, before.size() + 63, "host name");
        }
    }
}

TEST_CASE("a host name has at most 253 characters, not counting a final dot") {
    std::string const longest = host_of({63, 63, 63, 61});
    REQUIRE(longest.size() == limits::host_name);
    CHECK(parsed(longest).host_name() == longest);
    CHECK(parsed(longest + ".").host_name() == longest + ".");
    CHECK(parsed(longest + ".:9100").port() == 9100);
    CHECK(parsed(parsed(longest + ".:9100").to_string()) == parsed(longest + ".:9100"));
    std::string const longer = host_of({63, 63, 63, 62});
    check_refused(longer, core_error::too_long, 254, "host name");
    check_refused(longer + ".", core_error::too_long, 254, "host name");
    check_refused(longer + ":80", core_error::too_long, 254, "host name");
    check_refused(std::string(100'000, 'a'), core_error::too_long, 100'000, "host name");
}

TEST_CASE("a zero byte ends no text early") {
    using namespace std::string_view_literals;
    check_refused("db1\0"sv, core_error::bad_host_name, 3, "host name");
    check_refused("db1:80\0"sv, core_error::bad_port, 6, "port");
    check_refused("[::1\0]"sv, core_error::bad_address, 1, "address");
    check_refused("[::1]\0"sv, core_error::bad_character, 5, "endpoint");
}

TEST_CASE("an endpoint is true if it has somewhere to go and a port") {
    ip_address const address = ip_address::v4(192, 0, 2, 1);
    CHECK(static_cast<bool>(ip_endpoint{address, 1}));
    CHECK(!ip_endpoint{address, 0});
    CHECK(!ip_endpoint{ip_address{}, 1});
    CHECK(static_cast<bool>(endpoint{address, 1}));
    CHECK(!endpoint{address, 0});
    CHECK(!endpoint{ip_address{}, 1});
    CHECK(endpoint{}.to_string() == "-:0");
}

TEST_CASE("an ip endpoint converts to an endpoint and back") {
    ip_endpoint const from{ip_address::v4(192, 0, 2, 1), 7};
    endpoint const e = from;
    CHECK(e.ip() == from);
    CHECK(e.to_string() == from.to_string());
    // A host name has no address to give.
    CHECK(parsed("db1:7").ip() == ip_endpoint{ip_address{}, 7});
}

TEST_CASE("endpoints differ by host, address and port") {
    std::vector<endpoint> const some{
        parsed("db1:1"),       parsed("db1:2"),       parsed("db2:1"),       parsed("db1.:1"),  parsed("DB1:1"),
        parsed("192.0.2.1:1"), parsed("192.0.2.1:2"), parsed("192.0.2.2:1"), parsed("[::1]:1"), endpoint{}};
    for (std::size_t i = 0; i < some.size(); ++i) {
        for (std::size_t j = 0; j < some.size(); ++j) {
            CHECK((some[i] == some[j]) == (i == j));
            // Exactly one of the three holds, so lists can be sorted and compared.
            CHECK(int{some[i] < some[j]} + int{some[i] == some[j]} + int{some[i] > some[j]} == 1);
        }
    }
    CHECK(ip_endpoint{ip_address::v4(1, 1, 1, 1), 9} < ip_endpoint{ip_address::v4(1, 1, 1, 2), 1});
    CHECK(ip_endpoint{ip_address::v4(1, 1, 1, 1), 1} < ip_endpoint{ip_address::v4(1, 1, 1, 1), 2});
}

TEST_CASE("printing and reading an endpoint gives the same endpoint") {
    seeded_rng rng{51};
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (int i = 0; i < 3000; ++i) {
        auto const port = static_cast<std::uint16_t>(1 + peerkit::uniform(rng, std::uint64_t{65'535}));
        endpoint e;
        if (i % 3 == 0) {
            std::string host;
            for (auto labels = 1 + peerkit::uniform(rng, std::uint64_t{4}); labels > 0; --labels) {
                if (!host.empty()) host.push_back('.');
                host.push_back('h'); // so that no label is all digits
                for (auto left = peerkit::uniform(rng, std::uint64_t{63}); left > 0; --left) {
                    host.push_back(letters[static_cast<std::size_t>(peerkit::uniform(rng, letters.size()))]);
                }
            }
            if (host.size() > limits::host_name) host.resize(limits::host_name - 1), host.push_back('h');
            if (host.find("..") != std::string::npos) continue;
            e = parsed(host + ":" + std::to_string(port));
        } else {
            std::array<std::byte, 16> bytes{};
            for (std::byte& b : bytes) b = static_cast<std::byte>(rng() & rng() & 0xffU);
            e = endpoint{ip_address::from_bytes(peerkit::byte_view{bytes}.first(i % 3 == 1 ? 4 : 16)), port};
        }
        CHECK(parsed(e.to_string(), 1) == e);
    }
}

TEST_CASE("no text, however random, is both accepted and printed as something else") {
    seeded_rng rng{52};
    constexpr std::string_view letters = "0123459afg.:[]%-_ ";
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (auto left = peerkit::uniform(rng, std::uint64_t{14}); left > 0; --left) {
            text.push_back(letters[static_cast<std::size_t>(peerkit::uniform(rng, letters.size()))]);
        }
        auto const made = endpoint::parse(text);
        if (!made) {
            CHECK(made.error().position() <= text.size());
            CHECK(!made.error().field().empty());
            continue;
        }
        ++accepted;
        CHECK(static_cast<bool>(*made));
        CHECK(parsed(made->to_string(), 1) == *made);
    }
    CHECK(accepted > 500);
}
