// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the errors of the discovery floor.
#include <peerkit/discovery/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

using peerkit::error;
using peerkit::discovery::discovery_error;

namespace {

TEST_CASE("every discovery error has a sentence of its own") {
    std::set<std::string_view> sentences;
    constexpr auto last = static_cast<std::uint16_t>(discovery_error::not_permitted);
    for (std::uint16_t value = 1; value <= last; ++value) {
        CAPTURE(value);
        std::string_view const sentence = error{static_cast<discovery_error>(value)}.sentence();
        CHECK(sentence != "unknown discovery error");
        CHECK(sentences.insert(sentence).second);
    }
    CHECK(error{static_cast<discovery_error>(0)}.sentence() == "unknown discovery error");
    CHECK(error{static_cast<discovery_error>(last + 1)}.sentence() == "unknown discovery error");
}

TEST_CASE("a discovery error says its domain, place and field") {
    error const why{discovery_error::not_json, 12, "bracket"};
    CHECK(why == discovery_error::not_json);
    CHECK(why.message() == "discovery: the document is not valid JSON, at 12 (bracket)");
}

} // namespace
