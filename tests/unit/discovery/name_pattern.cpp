// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of name patterns: prefixes, wildcards, folding, appended numbers, and what is refused.
#include <peerkit/discovery/name_pattern.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

using peerkit::discovery::discovery_error;
using peerkit::discovery::name_pattern;

namespace {

struct row {
    std::string_view pattern, label;
    bool matches;
};

TEST_CASE("a pattern matches the labels it describes and no others") {
    for (row const& r : std::initializer_list<row>{
             {"", "anything", true},
             {"", "", true},
             {"*", "anything", true},
             {"***", "", true},
             // prefixes
             {"tw_node*", "tw-node01", true},
             {"tw_node*", "tw_node22", true},
             {"tw_node*", "tw-node", true},
             {"tw_node*", "tw-nod", false},
             {"tw_node*", "smithfam-tw-node01", false},
             {"tw-node*", "TW-NODE7", true},
             {"TW_Node*", "tw-node7", true},
             {"tw_node*", "tw-node01-1", true},
             // exact names, and the number appended to a name that is taken
             {"db", "db", true},
             {"db", "DB", true},
             {"db", "db-1", true},
             {"db", "db-12", true},
             {"db", "db-", false},
             {"db", "db-1a", false},
             {"db", "db1", false},
             {"db", "db-1-1", false},
             {"db", "-1", false},
             {"db-1", "db-1", true},
             {"db-1", "db", false},
             // wildcards inside
             {"db??", "db01", true},
             {"db??", "db1", false},
             {"db??", "db01-3", true},
             {"*node*", "my-node-7", true},
             {"a*c*e", "abcde", true},
             {"a*c*e", "abcd", false},
             {"a*bc", "abbc", true},
             {"a*b*b", "ab", false},
             {"*-eu", "db-eu", true},
             {"*-eu", "db-eu-2", true},
             {"*-eu", "db-us", false},
             {"?", "", false},
         }) {
        CAPTURE(r.pattern);
        CAPTURE(r.label);
        auto const pattern = name_pattern::parse(r.pattern);
        REQUIRE(pattern);
        CHECK(pattern->matches(r.label) == r.matches);
    }
}

TEST_CASE("a pattern nobody set matches every name") {
    CHECK(name_pattern{}.matches("anything"));
    CHECK(name_pattern{}.matches(""));
}

TEST_CASE("of a host name only the first label is looked at") {
    for (row const& r : std::initializer_list<row>{
             {"", "db.example.org", true},
             {"db*", "db1.example.org", true},
             {"db*", "web.db.example.org", false},
             {"db", "db.example.org", true},
             {"db", "db-1.example.org", true},
             {"db", "db1.example.org", false},
             {"*org", "db.example.org", false},
             {"d?", "db", true},
             {"d?", "d.b", false},
             {"db*", "d.b", false},
         }) {
        CAPTURE(r.pattern);
        CAPTURE(r.label);
        CHECK(name_pattern::parse(r.pattern)->matches_host(r.label) == r.matches);
    }
}

TEST_CASE("a character that no label holds is refused with its offset") {
    struct refused {
        std::string_view text;
        std::size_t offset;
    };
    for (refused const& r :
         std::initializer_list<refused>{{"db.example", 2}, {"db 1", 2}, {"[ab]", 0}, {"b\xc3\xbc", 1}, {"tag:db", 3}}) {
        CAPTURE(r.text);
        auto const made = name_pattern::parse(r.text);
        REQUIRE_FALSE(made);
        CHECK(made.error() == discovery_error::bad_pattern);
        CHECK(made.error().position() == r.offset);
    }
}

TEST_CASE("a pattern longer than a label is refused with its length") {
    CHECK(name_pattern::parse(std::string(63, 'a')));
    auto const made = name_pattern::parse(std::string(64, 'a'));
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::bad_pattern);
    CHECK(made.error().position() == 64);
}

TEST_CASE("a pattern made to take long does not") {
    auto const pattern = name_pattern::parse("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
    REQUIRE(pattern);
    CHECK_FALSE(pattern->matches(std::string(100'000, 'a')));
}

} // namespace
