// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the store floor's errors.
#include <peerkit/store/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string_view>

using peerkit::error;
using peerkit::store::store_error;

TEST_CASE("every store error has a sentence of its own") {
    std::set<std::string_view> sentences;
    constexpr auto last = static_cast<std::uint16_t>(store_error::threw);
    for (std::uint16_t value = 1; value <= last; ++value) {
        error const e{static_cast<store_error>(value)};
        CAPTURE(value);
        CHECK(e.domain() == "store");
        CHECK(e.sentence() != "unknown store error");
        CHECK(sentences.insert(e.sentence()).second);
    }
    CHECK(error{static_cast<store_error>(0)}.sentence() == "unknown store error");
    CHECK(error{static_cast<store_error>(last + 1)}.sentence() == "unknown store error");
    CHECK(error{store_error::in_use, 4711, "lock"}.message() == "store: another store holds it, at 4711 (lock)");
}
