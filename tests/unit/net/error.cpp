// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the net floor's errors.
#include <peerkit/net/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string_view>

using peerkit::error;
using peerkit::net::net_error;

TEST_CASE("every net error has a sentence of its own") {
    std::set<std::string_view> sentences;
    constexpr auto last = static_cast<std::uint16_t>(net_error::http_bad_request);
    for (std::uint16_t value = 1; value <= last; ++value) {
        error const e{static_cast<net_error>(value)};
        CHECK(e.domain() == "net");
        CHECK(e.sentence() != "unknown net error");
        CHECK(sentences.insert(e.sentence()).second);
    }
    CHECK(error{static_cast<net_error>(last + 1)}.sentence() == "unknown net error");
    CHECK(error{net_error::port_in_use, 9000, "udp"}.message() == "net: another program holds the port, at 9000 (udp)");
}
