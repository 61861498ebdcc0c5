// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the wire errors.
#include <peerkit/wire/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>

using peerkit::error;
using peerkit::wire::wire_error;

TEST_CASE("every wire error has a sentence of its own") {
    std::set<std::string> sentences;
    auto const last = static_cast<std::uint16_t>(wire_error::out_of_order);
    for (std::uint16_t value = 1; value <= last; ++value) {
        error const e{static_cast<wire_error>(value)};
        CHECK(e.domain() == "wire");
        CHECK(e.sentence() != "unknown wire error");
        sentences.insert(std::string{e.sentence()});
    }
    CHECK(sentences.size() == last);
    CHECK(error{static_cast<wire_error>(last + 1)}.sentence() == "unknown wire error");
    CHECK(error{static_cast<wire_error>(0)}.sentence() == "unknown wire error");
}

TEST_CASE("a wire error is not a core error of the same number") {
    CHECK(error{wire_error::truncated} == wire_error::truncated);
    CHECK_FALSE(error{wire_error::truncated} == peerkit::core_error::empty);
    CHECK_FALSE(error{wire_error::truncated} == wire_error::trailing_bytes);
}
