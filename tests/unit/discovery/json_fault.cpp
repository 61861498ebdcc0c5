// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the diagnosis of documents that a JSON parser refused.
#include <peerkit/discovery/json_fault.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::find_invalid_utf8;
using discovery::find_json_fault;
using namespace std::string_view_literals;

namespace {

struct row {
    std::string_view text;
    discovery_error what;
    std::size_t position;
};

TEST_CASE("a fault in the outline of a document is named with its place") {
    for (row const& r : std::initializer_list<row>{
             {"", discovery_error::empty_document, 0},
             {" \r\n\t ", discovery_error::empty_document, 0},
             {"\xEF\xBB\xBF \n", discovery_error::empty_document, 0},
             {"\xFF\xFE{\0}\0"sv, discovery_error::utf16_document, 0},
             {"\xFE\xFF\0{\0}"sv, discovery_error::utf16_document, 0},
             {"{\0}\0"sv, discovery_error::utf16_document, 0},
             {"\0{\0}"sv, discovery_error::utf16_document, 0},
             {"{\"a\":\"\xff\"}", discovery_error::invalid_utf8, 6},
             {"failed to connect to local tailscaled", discovery_error::not_json, 0},
             {"  Warning: x", discovery_error::not_json, 2},
             {"nul", discovery_error::not_json, 0},
             {"null", discovery_error::not_an_object, 0},
             {" true", discovery_error::not_an_object, 1},
             {"[{}]", discovery_error::not_an_object, 0},
             {"\"text\"", discovery_error::not_an_object, 0},
             {"-1", discovery_error::not_an_object, 0},
             {"{\"a\": \"b", discovery_error::not_json, 6},
             {"{\"a\": \"b\\\"}", discovery_error::not_json, 6},
             {"{\"a\": \"b\nc\"}", discovery_error::not_json, 8},
             {"{\"a\": [}", discovery_error::not_json, 7},
             {"{\"a\": ]}", discovery_error::not_json, 6},
             {"{\"a\": [1, 2", discovery_error::not_json, 11},
             {"{}x", discovery_error::trailing_bytes, 2},
             {"{} \n {}", discovery_error::trailing_bytes, 5},
             {"{}\nWarning: client version", discovery_error::trailing_bytes, 3},
         }) {
        CAPTURE(r.text);
        auto const fault = find_json_fault(r.text, 16);
        REQUIRE(fault);
        CHECK(*fault == r.what);
        CHECK(fault->position() == r.position);
    }
}

TEST_CASE("a sound outline has no fault, whatever is inside the values") {
    for (std::string_view const text :
         {"{}"sv, " {\"a\": \"}]{[\\\"\"} \n"sv, "\xEF\xBB\xBF{\"a\": [1, {\"b\": null}]}"sv, "{\"a\": nonsense}"sv,
          "{\"name\": \"Zo\xc3\xab \xf0\x9f\x98\x80\"}"sv}) {
        CAPTURE(text);
        CHECK_FALSE(find_json_fault(text, 16));
    }
}

TEST_CASE("nesting up to the limit is sound and one more is too deep") {
    auto const nested = [](std::size_t depth) {
        return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    CHECK_FALSE(find_json_fault(nested(16), 16));
    auto const fault = find_json_fault(nested(17), 16);
    REQUIRE(fault);
    CHECK(*fault == discovery_error::too_deep);
    CHECK(fault->position() == 20);
}

TEST_CASE("the first byte that is not UTF-8 is found") {
    struct utf8_row {
        std::string_view text;
        std::optional<std::size_t> position;
    };
    for (utf8_row const& r : std::initializer_list<utf8_row>{
             {"", {}},
             {"plain", {}},
             {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", {}},
             {"ab\x80", 2},
             {"\xc0\xaf", 0},
             {"\xc1\xbf", 0},
             {"\xe0\x9f\xbf", 0},
             {"\xed\xa0\x80", 0},
             {"\xf0\x8f\xbf\xbf", 0},
             {"\xf4\x90\x80\x80", 0},
             {"\xf5\x80\x80\x80", 0},
             {"a\xe2\x82", 1},
             {"a\xe2\x82z", 1},
             {"a\xc3", 1},
             {"\xf0\x90\x80", 0},
         }) {
        CAPTURE(r.text);
        CHECK(find_invalid_utf8(r.text) == r.position);
    }
}

} // namespace
