// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the grammar of written peers.
#include <peerkit/discovery/peers_text.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::parse_peers;
using discovery::parsed_peers;
using peerkit::core_error;
using peerkit::label;

namespace {

using texts = std::vector<std::string>;

parsed_peers peers(std::string_view text, discovery::peers_text_options const& options = {}) {
    auto list = parse_peers(text, options);
    REQUIRE(list);
    return std::move(*list);
}
/// Every entry as it is printed.
texts printed(parsed_peers const& list) {
    texts all;
    for (auto const& entry : list.entries) all.push_back(to_string(entry));
    return all;
}
/// The one refusal in `text`, which holds the peer "ok" before and behind it.
discovery::refused_entry refusal(std::string const& text) {
    parsed_peers list = peers("ok, " + text + "\nok");
    REQUIRE(list.entries.size() == 2);
    REQUIRE(list.refused.size() == 1);
    CHECK(list.refused[0].index == 1);
    CHECK(list.refused[0].offset == 4);
    CHECK(list.refused[0].line == 1);
    return std::move(list.refused[0]);
}

TEST_CASE("entries of every form are read, between commas, blanks and line ends") {
    CHECK(printed(peers(
              "db1.example.org, db2:9100 192.0.2.1\t192.0.2.2:7\r\n2001:db8::1\n[2001:db8::2],[2001:db8::3]:9200,,")) ==
          texts{"db1.example.org:9000", "db2:9100", "192.0.2.1:9000", "192.0.2.2:7", "[2001:db8::1]:9000",
                "[2001:db8::2]:9000", "[2001:db8::3]:9200"});
    CHECK(printed(peers("a b:1", {.default_port = 7000})) == texts{"a:7000", "b:1"});
    CHECK(peers("").size() == 0);
    CHECK(peers(" ,\n\t\r\n,").size() == 0);
}

TEST_CASE("words with '=' are labels of the entry they follow") {
    parsed_peers const list = peers("db1.example.org:9000 zone=a role=db\ndb2, db3 zone=b db4 rack=7,db5");
    CHECK(printed(list) ==
          texts{"db1.example.org:9000 zone=a role=db", "db2:9000", "db3:9000 zone=b", "db4:9000 rack=7", "db5:9000"});
    CHECK(list.entries[0].labels == std::vector<label>{{"zone", "a"}, {"role", "db"}});
}

TEST_CASE("a value in quotes may hold blanks, commas, hashes and quotes") {
    parsed_peers const list =
        peers(R"(db1 note="rack 3, left # top" path="a\\b" said="\"yes\"" none="" empty= mix="a, \\b", db2)");
    REQUIRE(list.entries.size() == 2);
    CHECK(list.refused.empty());
    CHECK(list.entries[0].labels == std::vector<label>{{"note", "rack 3, left # top"},
                                                       {"path", "a\\b"},
                                                       {"said", "\"yes\""},
                                                       {"none", ""},
                                                       {"empty", ""},
                                                       {"mix", "a, \\b"}});
    parsed_peers const again = peers(to_string(list.entries[0]));
    REQUIRE(again.entries.size() == 1);
    CHECK(again.entries[0] == list.entries[0]);
}

TEST_CASE("a value without quotes may hold '=', '#' and a backslash") {
    parsed_peers const list = peers(R"(db1 query=a=b color=#fff share=\\host\share)");
    REQUIRE(list.entries.size() == 1);
    CHECK(list.entries[0].labels ==
          std::vector<label>{{"query", "a=b"}, {"color", "#fff"}, {"share", R"(\\host\share)"}});
}

TEST_CASE("a hash at the start of a word begins a comment up to the end of the line") {
    CHECK(printed(peers("# all of them\ndb1 # the first, 192.0.2.1\n  #db2\ndb3 zone=a #zone=b\n#")) ==
          texts{"db1:9000", "db3:9000 zone=a"});
}

TEST_CASE("a byte-order mark of UTF-8 is skipped; UTF-16 is named as such") {
    CHECK(printed(peers("\xef\xbb\xbf"
                        "db1")) == texts{"db1:9000"});
    auto const utf16 = parse_peers(std::string_view{"\xff\xfe"
                                                    "d\0b\0",
                                                    6});
    REQUIRE_FALSE(utf16);
    CHECK(utf16.error() == discovery_error::utf16_document);
}

TEST_CASE("a refused entry is reported with line, offset and reason, and hides no other") {
    parsed_peers const list = peers("a\nb:99999 c\n\n  [2001:db8::1 zone=x, 0.0.0.0\n1.2.3\nd");
    CHECK(printed(list) == texts{"a:9000", "c:9000", "d:9000"});
    REQUIRE(list.refused.size() == 4);
    auto const& port = list.refused[0];
    CHECK(port.index == 1);
    CHECK(port.line == 2);
    CHECK(port.offset == 2);
    CHECK(port.text == "b:99999");
    CHECK(port.why == core_error::bad_port);
    CHECK(port.why.position() == 2);
    auto const& bracket = list.refused[1];
    CHECK(bracket.index == 3);
    CHECK(bracket.line == 4);
    CHECK(bracket.text == "[2001:db8::1 zone=x");
    CHECK(bracket.why == core_error::unclosed_bracket);
    CHECK(list.refused[2].why == core_error::bad_address);
    CHECK(list.refused[3].line == 5);
    CHECK(list.refused[3].why == core_error::bad_host_name);
}

TEST_CASE("a bad label refuses its entry and says where") {
    auto const key = refusal("db zo!ne=a");
    CHECK(key.why == core_error::bad_character);
    CHECK(key.why.position() == 5);
    CHECK(key.why.field() == "label key");
    CHECK(key.text == "db zo!ne=a");

    auto const nameless = refusal("db =a zone=b");
    CHECK(nameless.why == core_error::empty);
    CHECK(nameless.why.field() == "label key");

    auto const value = refusal("db zone=a\x01z role=db");
    CHECK(value.why == core_error::bad_character);
    CHECK(value.why.position() == 9);
    CHECK(value.why.field() == "label value");

    auto const twice = refusal("db zone=a zone=b");
    CHECK(twice.why == core_error::duplicate_key);
    CHECK(twice.why.position() == 10);

    auto const long_key = refusal("db " + std::string(32, 'k') + "=v");
    CHECK(long_key.why == core_error::too_long);
    CHECK(long_key.why.position() == 32);

    auto const long_value = refusal("db k=" + std::string(128, 'v'));
    CHECK(long_value.why == core_error::too_long);
    CHECK(long_value.why.position() == 128);
    CHECK(peers("db k=" + std::string(127, 'v')).refused.empty());

    std::string many = "db";
    for (int i = 0; i < 16; ++i) many += " k" + std::to_string(i) + "=v";
    CHECK(peers(many).refused.empty());
    auto const too_many = refusal(many + " k16=v");
    CHECK(too_many.why == core_error::too_long);
    CHECK(too_many.why.position() == 17);
    CHECK(too_many.why.field() == "labels");
}

TEST_CASE("a quote that is not closed ends with its line") {
    auto const open = refusal("db note=\"left, right");
    CHECK(open.text == "db note=\"left, right");
    CHECK(open.why == core_error::bad_character);
    CHECK(open.why.position() == 8);
    CHECK(open.why.field() == "quote that is not closed");
    CHECK(refusal("db note=\"left\\").why.field() == "quote that is not closed");
}

TEST_CASE("text behind a closing quote, a quote inside a value, and other escapes are refused") {
    CHECK(refusal("db note=\"a\"b").why.position() == 11);
    CHECK(refusal("db note=a\"b").why.position() == 9);
    auto const escape = refusal("db note=\"a\\nb\"");
    CHECK(escape.why == core_error::bad_character);
    CHECK(escape.why.position() == 11);
}

TEST_CASE("labels without a peer in front are one refused entry") {
    parsed_peers const list = peers("zone=a role=db, db1\nzone=b db2");
    CHECK(printed(list) == texts{"db1:9000", "db2:9000"});
    REQUIRE(list.refused.size() == 2);
    CHECK(list.refused[0].text == "zone=a role=db");
    CHECK(list.refused[0].why == core_error::empty);
    CHECK(list.refused[0].why.field() == "peer in front of the label");
    CHECK(list.refused[1].text == "zone=b");
}

TEST_CASE("an entry that is too long is refused, its text cut") {
    auto const refused = refusal(std::string(5000, 'x'));
    CHECK(refused.why == core_error::too_long);
    CHECK(refused.why.position() == 5000);
    CHECK(refused.text == std::string(128, 'x'));
    std::string const wide = "db" + std::string(4090, ' ') + "k=v";
    CHECK(peers(wide).refused.empty());
    auto const wider = refusal("db" + std::string(4093, ' ') + "k=v");
    CHECK(wider.why == core_error::too_long);
    CHECK(wider.why.field() == "entry");
}

TEST_CASE("too many entries, refused ones included, are an error with their number") {
    CHECK(parse_peers("a, !, c", {.max_entries = 3}));
    auto const many = parse_peers("a, !, c d", {.max_entries = 3});
    REQUIRE_FALSE(many);
    CHECK(many.error() == discovery_error::too_large);
    CHECK(many.error().position() == 4);
    CHECK(many.error().field() == "entries");
}

TEST_CASE("a text longer than its limit is an error with its size") {
    CHECK(parse_peers("abcd", {.max_bytes = 4}));
    auto const large = parse_peers("abcde", {.max_bytes = 4});
    REQUIRE_FALSE(large);
    CHECK(large.error() == discovery_error::too_large);
    CHECK(large.error().position() == 5);
    CHECK(large.error().field() == "text");
}

TEST_CASE("a default port of 0 is a bad option") {
    auto const made = parse_peers("a", {.default_port = 0});
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::bad_option);
    CHECK(made.error().field() == "default port");
}

TEST_CASE("a refused entry is printed in one line") {
    auto const refused = refusal("d\x01"
                                 "b:9");
    CHECK(to_string(refused) ==
          "line 1: 'd?b:9' (core: the text is neither an address nor a host name, at 1 (host name))");
}

} // namespace
