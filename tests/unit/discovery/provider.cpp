// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the grammar of strategies written as text.
#include <peerkit/discovery/provider.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::parse_provider;
using discovery::provider_text;
using peerkit::core_error;

namespace {

provider_text parsed(std::string_view text) {
    auto made = parse_provider(text);
    REQUIRE(made);
    return std::move(*made);
}
std::string printed(std::string_view text) { return to_string(parsed(text)); }
peerkit::error refused(std::string_view text) {
    auto const made = parse_provider(text);
    REQUIRE_FALSE(made);
    return made.error();
}

TEST_CASE("a strategy is a name, or a name and options") {
    provider_text const word = parsed("tailscale");
    CHECK(word.name == "tailscale");
    CHECK(word.options.empty());
    CHECK(word.parts.empty());

    provider_text const pattern = parsed("  dns_pattern prefix=tw_node\tdomain=example.org\nport=9000 ");
    CHECK(pattern.name == "dns_pattern");
    CHECK(pattern.offset == 2);
    REQUIRE(pattern.options.size() == 3);
    CHECK(pattern.options[0].key == "prefix");
    CHECK(pattern.options[0].value == "tw_node");
    CHECK(pattern.options[0].offset == 14);
    CHECK(pattern.options[0].value_offset == 21);
    CHECK(pattern.options[2].value == "9000");
}

TEST_CASE("the name may be an option, anywhere among the others") {
    CHECK(printed("provider=dns_pattern prefix=tw_node") == "dns_pattern prefix=tw_node");
    CHECK(printed("prefix=tw_node provider=dns_pattern port=9000") == "dns_pattern prefix=tw_node port=9000");
    CHECK(parsed("a=b provider=x").offset == 13);
    CHECK(printed("first_of(provider=static peers=a, a=b provider=mdns)") == "first_of(static peers=a, mdns a=b)");
}

TEST_CASE("a value in quotes may hold everything; two escapes") {
    provider_text const list = parsed(R"(static peers="db1:9000 zone=a, db2 note=\"a\\b\"" keep=1h)");
    REQUIRE(list.options.size() == 2);
    CHECK(list.options[0].value == R"(db1:9000 zone=a, db2 note="a\b")");
    CHECK(list.options[0].value_offset == 14);
    CHECK(list.options[1].value == "1h");
    CHECK(parsed("x y=\"\"").options[0].value.empty());
    CHECK(parsed("x y=").options[0].value.empty());
    CHECK(parsed("x y=a=b\\c").options[0].value == "a=b\\c");
}

TEST_CASE("a comma belongs to a value, except in parentheses") {
    CHECK(parsed("static peers=a,b").options[0].value == "a,b");
    CHECK(printed("static peers=a,b") == "static peers=\"a,b\"");
    CHECK(parsed("all_of(static peers=a,b)").parts.size() == 2);
    CHECK(parsed("all_of(static peers=\"a,b\")").parts.size() == 1);
    CHECK(parsed("all_of(mdns) where=a,b").options[0].value == "a,b");
}

TEST_CASE("lists nest, and have options of their own") {
    provider_text const tree =
        parsed("first_of( tailscale tag=tag:db , all_of(mdns,dns_name names=x) timeout=5s) keep=1h retry=2");
    CHECK(tree.name == "first_of");
    REQUIRE(tree.parts.size() == 2);
    CHECK(tree.parts[0].options[0].value == "tag:db");
    CHECK(tree.parts[1].parts.size() == 2);
    CHECK(tree.parts[1].options[0].key == "timeout");
    CHECK(tree.options.size() == 2);
    CHECK(tree.parts[1].parts[1].offset == 45);
    CHECK(to_string(tree) ==
          "first_of(tailscale tag=tag:db, all_of(mdns, dns_name names=x) timeout=5s) keep=1h retry=2");
}

TEST_CASE("what is printed reads back to the same") {
    for (char const* const text :
         {"none", "x a=\"\"", R"x(x a="\"" b="\\" c="a b,(c)")x", "first_of(a, b(c, d x=y) z=1)", "x a=\"1\n2\""}) {
        CHECK(printed(printed(text)) == printed(text));
    }
    CHECK(printed(R"(x a="" b="plain" c="a b" d="\\")") == R"(x a="" b=plain c="a b" d=\)");
}

TEST_CASE("syntax errors say where and what was expected") {
    struct expectation {
        char const* text;
        peerkit::error what;
    };
    for (expectation const& one : {
             expectation{"", {core_error::empty, 0, "strategy"}},
             {"   ", {core_error::empty, 3, "strategy"}},
             {"(a)", {core_error::bad_character, 0, "strategy"}},
             {"a=b", {discovery_error::missing_option, 0, "provider"}},
             {"static peers", {core_error::bad_character, 12, "'=' behind the option"}},
             {"static 192.0.2.1", {core_error::bad_character, 10, "'=' behind the option"}},
             {"static =x", {core_error::bad_character, 7, "option"}},
             {"static, mdns", {core_error::bad_character, 6, "option"}},
             {"a)", {core_error::bad_character, 1, "end of the strategy"}},
             {"a x=y)", {core_error::bad_character, 5, "end of the strategy"}},
             {"a x=y(b)", {core_error::bad_character, 5, "option"}},
             {"a(b", {core_error::unclosed_bracket, 1, "parenthesis"}},
             {"a(b, ", {core_error::empty, 5, "strategy"}},
             {"a()", {core_error::bad_character, 2, "strategy"}},
             {"a(b,)", {core_error::bad_character, 4, "strategy"}},
             {"a(b) (c)", {core_error::bad_character, 5, "option"}},
             {"a x=b\"c\"", {core_error::bad_character, 5, "value"}},
             {"a x=\"b\"c", {core_error::bad_character, 7, "value"}},
             {"a x=\"b\\n\"", {core_error::bad_character, 7, "value"}},
             {"a x=\"b", {core_error::bad_character, 4, "quote that is not closed"}},
             {"a x=\"b\\", {core_error::bad_character, 4, "quote that is not closed"}},
             {"a provider=b", {core_error::duplicate_key, 2, "provider"}},
             {"provider=a provider=b", {core_error::duplicate_key, 11, "provider"}},
             {"provider=", {core_error::empty, 9, "provider"}},
             {"provider=a.b", {core_error::bad_character, 10, "provider"}},
         }) {
        CAPTURE(one.text);
        peerkit::error const got = refused(one.text);
        CHECK(got == one.what);
        CHECK(got.position() == one.what.position());
        CHECK(got.field() == one.what.field());
    }
}

TEST_CASE("depth, number and length have bounds") {
    auto const nested = [](std::size_t depth) {
        std::string text;
        for (std::size_t i = 1; i < depth; ++i) text += "a(";
        return text + "b" + std::string(depth - 1, ')');
    };
    CHECK(parse_provider(nested(8)));
    CHECK(refused(nested(9)) == discovery_error::too_deep);
    CHECK(refused(nested(9)).position() == 16);
    CHECK(refused(nested(2000)) == discovery_error::too_deep);

    auto const parts = [](std::size_t count) {
        std::string text = "a(b";
        for (std::size_t i = 1; i < count; ++i) text += ",b";
        return text + ")";
    };
    CHECK(parse_provider(parts(8)));
    CHECK(refused(parts(9)) == discovery_error::too_large);
    CHECK(refused(parts(9)).field() == "strategies in parentheses");
    CHECK(refused(parts(9)).position() == 18);
    std::string const eight = parts(8);
    std::string const many =
        "x(" + eight + "," + eight + "," + eight + "," + eight + "," + eight + "," + eight + "," + eight;
    CHECK(parse_provider(many + ")"));
    CHECK(refused(many + ",b)").field() == "strategies");

    std::string options = "a";
    for (int i = 0; i < 32; ++i) options += " k=v";
    CHECK(parse_provider(options));
    CHECK(refused(options + " k=v").field() == "options");
    CHECK(refused(options + " k=v").position() == options.size() + 1);

    std::string const long_value = "a k=" + std::string(65536 - 4, 'v');
    CHECK(parse_provider(long_value));
    CHECK(refused(long_value + "v") == discovery_error::too_large);
    CHECK(refused(long_value + "v").position() == 65536);
}

TEST_CASE("an error is shown with its place in the text") {
    CHECK(discovery::point_at("a x", refused("a x")) ==
          "core: a character is not allowed here, at 3 ('=' behind the option)\n  a x\n     ^");
    CHECK(discovery::point_at("", refused("")) == "core: the text is empty where a value is required (strategy)");
    // Line ends do not break it, letters of several bytes are one column, and long texts are cut on both sides.
    CHECK(discovery::point_at("a\nb=\"\xc3\xa4\"c", refused("a\nb=\"\xc3\xa4\"c")) ==
          "core: a character is not allowed here, at 8 (value)\n  a b=\"\xc3\xa4\"c\n         ^");
    std::string const wide = "a k=" + std::string(100, 'v') + " !" + std::string(100, 'w');
    CHECK(discovery::point_at(wide, refused(wide)) == "core: a character is not allowed here, at 105 (option)\n  " +
                                                          std::string(49, 'v') + " !" + std::string(25, 'w') + "\n  " +
                                                          std::string(50, ' ') + "^");
}

} // namespace
