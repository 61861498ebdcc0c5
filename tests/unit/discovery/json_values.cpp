// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading single values: what is there, what is not, what has another type, what is no JSON.
#include <peerkit/discovery/json_values.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using reading = discovery::json_reading;

namespace {

/// What `use` makes of the value of the first field of `{"key":<value>}`.
template <typename Use>
reading read_field(std::string const& value, Use use) {
    simdjson::padded_string const document{"{\"key\":" + value + "}"};
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document doc;
    simdjson::ondemand::object top;
    REQUIRE_FALSE(parser.iterate(document).get(doc));
    REQUIRE_FALSE(doc.get_object().get(top));
    for (auto item : top) {
        if (item.error()) return reading::broken;
        simdjson::ondemand::field&& field = std::move(item).value_unsafe();
        CHECK(discovery::json_key_is(field.key().raw(), "key\""));
        CHECK_FALSE(discovery::json_key_is(field.key().raw(), "keys\""));
        return use(field.value());
    }
    return reading::broken;
}
template <typename T>
std::pair<reading, T> read_as(std::string const& value) {
    T into{};
    reading const state =
        read_field(value, [&](simdjson::ondemand::value& v) { return discovery::read_json(v, into); });
    return {state, into};
}
std::pair<reading, std::string> read_text(std::string const& value) {
    std::string into;
    reading const state = read_field(value, [&](simdjson::ondemand::value& v) {
        std::string_view text;
        reading const got = discovery::read_json(v, text);
        into = text;
        return got;
    });
    return {state, into};
}

} // namespace

TEST_CASE("numbers and truth values are read, and what is absent or of another type is told apart") {
    CHECK(read_as<std::uint64_t>("18446744073709551615") == std::pair{reading::got, UINT64_MAX});
    CHECK(read_as<std::uint64_t>("-1").first == reading::wrong);
    CHECK(read_as<std::uint64_t>("1.5").first == reading::wrong);
    CHECK(read_as<std::uint64_t>("18446744073709551616").first == reading::wrong);
    CHECK(read_as<std::uint64_t>("null").first == reading::absent);
    CHECK(read_as<std::uint64_t>("\"1\"").first == reading::wrong);
    CHECK(read_as<std::int64_t>("-5") == std::pair{reading::got, std::int64_t{-5}});
    CHECK(read_as<bool>("true") == std::pair{reading::got, true});
    CHECK(read_as<bool>("1").first == reading::wrong);
}

TEST_CASE("a text is read in place, or unescaped where it holds escapes") {
    using read = std::pair<reading, std::string>;
    CHECK(read_text("\"plain\"") == read{reading::got, "plain"});
    CHECK(read_text("\"\" ") == read{reading::got, ""});
    CHECK(read_text("\"a\\\"b\\u00e4\"") == read{reading::got, "a\"b\xc3\xa4"});
    std::string const longer(100, 'x');
    CHECK(read_text('"' + longer + "\\n\"") == read{reading::got, longer + '\n'});
    CHECK(read_text("null") == read{reading::absent, ""});
    CHECK(read_text("7") == read{reading::wrong, ""});
    CHECK(read_text("{}") == read{reading::wrong, ""});
    CHECK(read_text("\"\\x\"").first == reading::broken);
}

TEST_CASE("the texts of a list are handed on, and one that is no text is told") {
    auto const texts_of = [](std::string const& value) {
        std::vector<std::string> texts;
        reading const state = read_field(value, [&](simdjson::ondemand::value& v) {
            return discovery::each_json_text(v, [&](std::string_view text) { texts.emplace_back(text); });
        });
        return std::pair{state, texts};
    };
    using read = std::pair<reading, std::vector<std::string>>;
    CHECK(texts_of(R"(["a","b\n"])") == read{reading::got, {"a", "b\n"}});
    CHECK(texts_of("[]") == read{reading::got, {}});
    CHECK(texts_of(R"(["a",1,"b"])") == read{reading::wrong, {"a", "b"}});
    CHECK(texts_of("null") == read{reading::absent, {}});
    CHECK(texts_of("\"a\"") == read{reading::wrong, {}});
}

TEST_CASE("what is passed by is judged by its nesting only") {
    auto const skipped = [](std::string const& value, std::size_t depth) {
        return read_field(value, [&](simdjson::ondemand::value& v) { return discovery::skip_json(v, 1, depth); });
    };
    CHECK(skipped("5", 1) == reading::got);
    CHECK(skipped("[[1],{\"a\":[]}]", 4) == reading::got);
    CHECK(skipped("[[1],{\"a\":[]}]", 3) == reading::broken);
    CHECK(skipped("{\"a\":{\"b\":1}}", 3) == reading::got);
    CHECK(skipped("{\"a\":{\"b\":1}}", 2) == reading::broken);
}
