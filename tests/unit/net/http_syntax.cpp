// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the words of HTTP lines.
#include <peerkit/net/http_syntax.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using namespace peerkit::net::http_syntax;

TEST_CASE("a length is digits only and fits") {
    CHECK(parse_length("0") == 0U);
    CHECK(parse_length("1844674407370955160") == 1844674407370955160U);
    for (auto const* bad : {"", "-1", "+1", "1 ", "0x1", "1e3", "18446744073709551616", "99999999999999999999999"})
        CHECK_FALSE(parse_length(bad).has_value());
}

TEST_CASE("words compare without regard to case, and lose blanks at their ends") {
    CHECK(same_word("Close", "close"));
    CHECK_FALSE(same_word("Close ", "close"));
    CHECK(trimmed(" \t a b\t ") == "a b");
    CHECK(trimmed(" \t").empty());
}

TEST_CASE("tokens hold no separators") {
    CHECK(is_token("X-Consul-Index"));
    for (auto const* bad : {"", "a b", "a:b", "(a)", "a/b", "\"a\"", "a\x7f", "\xc3\xa4"}) CHECK_FALSE(is_token(bad));
    CHECK(hex_digit('f') == 15);
    CHECK(hex_digit('A') == 10);
    CHECK(hex_digit('g') == 16);
}
