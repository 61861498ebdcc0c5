// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of choosing by labels.
#include <peerkit/core/label_filter.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace peerkit;

namespace {

description const me{.name = "n",
                     .labels = {{"zone", "a"}, {"tier", "free"}, {"empty", ""}, {"note", "a,b|c \"d\" \\"}}};

bool fits(std::string_view text) {
    CAPTURE(text);
    auto const parsed = label_filter::parse(text);
    REQUIRE(parsed);
    return parsed->matches(me);
}

void check_refused(std::string_view text, core_error what, std::size_t position, std::string_view field) {
    CAPTURE(text);
    auto const parsed = label_filter::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == what);
    CHECK(parsed.error().position() == position);
    CHECK(parsed.error().field() == field);
}

} // namespace

TEST_CASE("an empty filter fits everybody") {
    CHECK(fits(""));
    CHECK(fits("   "));
    CHECK(label_filter{}.matches(me));
    CHECK(label_filter{}.empty());
    CHECK_FALSE(label_filter::parse("zone")->empty());
}

TEST_CASE("a key asks whether the label is there, with an exclamation mark whether it is not") {
    CHECK(fits("zone"));
    CHECK(fits("empty"));
    CHECK_FALSE(fits("gpu"));
    CHECK(fits("!gpu"));
    CHECK_FALSE(fits("!zone"));
    CHECK_FALSE(fits("zon"));
}

TEST_CASE("a value asks for this one, or for one of several") {
    CHECK(fits("zone=a"));
    CHECK_FALSE(fits("zone=b"));
    CHECK_FALSE(fits("zone=aa"));
    CHECK_FALSE(fits("gpu=a"));
    CHECK(fits("zone=b|a"));
    CHECK_FALSE(fits("zone=b|c"));
    CHECK(fits("empty="));
    CHECK_FALSE(fits("zone="));
    CHECK_FALSE(fits("gpu="));
    CHECK(fits("zone=|a"));
}

TEST_CASE("a refused value is none of these, and a label that is not there has none of them") {
    CHECK(fits("tier!=paid"));
    CHECK_FALSE(fits("tier!=free"));
    CHECK_FALSE(fits("tier!=paid|free"));
    CHECK(fits("gpu!=a"));
    CHECK_FALSE(fits("empty!="));
}

TEST_CASE("all terms must hold") {
    CHECK(fits("zone=a,!gpu,tier!=paid"));
    CHECK_FALSE(fits("zone=a,gpu"));
    CHECK_FALSE(fits("zone=b,!gpu"));
}

TEST_CASE("blanks around terms, keys and values do not count") {
    CHECK(fits("  zone = a , ! gpu ,tier != paid | basic  "));
    CHECK_FALSE(fits(" zone = a b "));
}

TEST_CASE("values in quotes may hold what divides terms and values") {
    CHECK(fits(R"(note="a,b|c \"d\" \\")"));
    CHECK(fits(R"(zone="a")"));
    CHECK_FALSE(fits(R"(zone=" a")"));
    CHECK(fits(R"(zone="b" | "a" ,tier)"));
    CHECK(fits(R"(empty="")"));
}

TEST_CASE("what is wrong is said with its place") {
    check_refused(",zone", core_error::empty, 0, "label key");
    check_refused("zone,", core_error::empty, 5, "label key");
    check_refused("zone,,tier", core_error::empty, 5, "label key");
    check_refused("!", core_error::empty, 1, "label key");
    check_refused("=a", core_error::empty, 0, "label key");
    check_refused("zo*ne", core_error::bad_character, 2, "label key");
    check_refused("a,zo*ne=b", core_error::bad_character, 4, "label key");
    check_refused("zone a", core_error::bad_character, 5, "label filter");
    check_refused("zone!a", core_error::bad_character, 4, "label filter");
    check_refused("zone!", core_error::bad_character, 4, "label filter");
    check_refused("!zone=a", core_error::bad_character, 5, "label filter");
    check_refused("!zone!=a", core_error::bad_character, 5, "label filter");
    check_refused("zone=a\"b", core_error::bad_character, 6, "label value");
    check_refused("zone=\"a\"b", core_error::bad_character, 8, "label value");
    check_refused("zone=\"a", core_error::unclosed_quote, 5, "label value");
    check_refused("zone=\"a\\\"", core_error::unclosed_quote, 5, "label value");
    check_refused("zone=\"a\\", core_error::unclosed_quote, 5, "label value");
    check_refused("a, b=\x01", core_error::bad_character, 5, "label value");
    check_refused("a," + std::string(limits::label_key + 1, 'k'), core_error::too_long, 2, "label key");
    check_refused("k=" + std::string(limits::label_value + 1, 'v'), core_error::too_long, 2, "label value");
    std::string terms = "k", values = "k=v";
    for (std::size_t i = 1; i < label_filter::max_terms; ++i) {
        terms += ",k";
        values += "|v";
    }
    CHECK(label_filter::parse(terms));
    CHECK(label_filter::parse(values));
    check_refused(terms + ",k", core_error::too_long, terms.size() + 1, "label filter");
    check_refused(values + "|v", core_error::too_long, values.size() + 1, "label filter");
}

TEST_CASE("whatever the text, a filter comes of it or an error inside it") {
    constexpr std::string_view letters = "ab=!,| \"\\\x01*";
    seeded_rng rng{3};
    int parsed = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string text;
        for (auto size = uniform(rng, std::uint64_t{12}); text.size() < size;)
            text.push_back(letters[static_cast<std::size_t>(uniform(rng, std::uint64_t{letters.size()}))]);
        CAPTURE(text);
        auto const made = label_filter::parse(text);
        if (made) {
            ++parsed;
            (void)made->matches(me);
            continue;
        }
        CHECK(made.error().position() <= text.size());
        CHECK_FALSE(made.error().field().empty());
    }
    CHECK(parsed > 500);
}
