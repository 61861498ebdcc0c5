// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of text stored in place.
#include <peerkit/core/bounded_text.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

using peerkit::bounded_text;
using peerkit::core_error;

namespace {

static_assert(std::is_trivially_copyable_v<bounded_text<63>>);
static_assert(std::is_nothrow_default_constructible_v<bounded_text<63>>);
static_assert(sizeof(bounded_text<63>) == 64, "one byte more than the text");
static_assert(bounded_text<31>::max_size == 31);
static_assert((*bounded_text<5>::from("hello")).view() == "hello", "usable in constant expressions");
static_assert(!bounded_text<4>::from("hello").has_value());
static_assert(bounded_text<3>::cut("abcd") == bounded_text<3>::cut("abc"));

std::string random_text(peerkit::seeded_rng& rng, std::size_t most) {
    std::string text;
    for (auto left = peerkit::uniform(rng, most + 1); left > 0; --left)
        text.push_back(static_cast<char>(rng() & 0xffU));
    return text;
}

} // namespace

TEST_CASE("text up to the bound is kept whole and longer text is refused with its length") {
    for (std::size_t size = 0; size <= 8; ++size) {
        std::string const text(size, 'x');
        auto const made = bounded_text<5>::from(text);
        CHECK(made.has_value() == (size <= 5));
        if (made) {
            CHECK(made->view() == text);
            CHECK(made->empty() == (size == 0));
        } else {
            CHECK(made.error() == core_error::too_long);
            CHECK(made.error().position() == size);
            CHECK(made.error().field() == "text");
        }
    }
}

TEST_CASE("cutting keeps the first characters") {
    CHECK(bounded_text<3>::cut("").view().empty());
    CHECK(bounded_text<3>::cut("ab").view() == "ab");
    CHECK(bounded_text<3>::cut("abc").view() == "abc");
    CHECK(bounded_text<3>::cut("abcdef").view() == "abc");
}

TEST_CASE("the largest bound is 255 and the smallest is nothing") {
    std::string const text(256, 'y');
    CHECK(bounded_text<255>::cut(text).view() == std::string(255, 'y'));
    CHECK(bounded_text<255>::from(std::string_view{text}.substr(1)).has_value());
    CHECK(bounded_text<255>::from(text).error() == core_error::too_long);
    CHECK(bounded_text<0>::from("").has_value());
    CHECK(bounded_text<0>::from("a").error() == core_error::too_long);
    CHECK(bounded_text<0>{}.empty());
}

TEST_CASE("a zero byte is a character like any other") {
    std::string_view const text{"a\0b", 3};
    auto const made = bounded_text<8>::from(text);
    REQUIRE(made);
    CHECK(made->view() == text);
    CHECK(*made != bounded_text<8>::cut("a"));
}

TEST_CASE("nothing is left of a longer text that was replaced by a shorter one") {
    auto text = bounded_text<8>::cut("longer");
    text = bounded_text<8>::cut("lo");
    CHECK(text == bounded_text<8>::cut("lo"));
    CHECK(text.view() == "lo");
}

TEST_CASE("bounded texts compare as their views do") {
    peerkit::seeded_rng rng{1};
    int equal = 0, less = 0;
    for (int i = 0; i < 2000; ++i) {
        std::string const a = random_text(rng, 2), b = random_text(rng, 2);
        auto const left = bounded_text<2>::cut(a), right = bounded_text<2>::cut(b);
        CHECK((left == right) == (a == b));
        CHECK((left < right) == (std::string_view{a} < std::string_view{b}));
        equal += a == b ? 1 : 0;
        less += a < b ? 1 : 0;
    }
    CHECK(equal > 0);
    CHECK(less > 0);
}
