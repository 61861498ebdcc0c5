// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::gossip_error.
#include <peerkit/gossip/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using peerkit::error;
using peerkit::gossip::gossip_error;

TEST_CASE("every gossip error has a sentence of its own and names its domain") {
    std::set<std::string> sentences;
    for (std::uint16_t value = 1; value < peerkit::gossip::gossip_error_count; ++value) {
        error const e{static_cast<gossip_error>(value), 3, "field"};
        CHECK(e.domain() == "gossip");
        CHECK_FALSE(e.sentence().empty());
        CHECK(e.sentence().find("unknown gossip") == std::string_view::npos);
        sentences.emplace(e.sentence());
    }
    CHECK(sentences.size() + 1 == peerkit::gossip::gossip_error_count);
}

TEST_CASE("a value that is no gossip error says so") {
    CHECK(error{static_cast<gossip_error>(peerkit::gossip::gossip_error_count)}.sentence() == "unknown gossip error");
    CHECK(error{static_cast<gossip_error>(0)}.sentence() == "unknown gossip error");
}
