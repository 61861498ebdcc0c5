// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the writer: commas, escapes, numbers, and a limit that leaves no half value.
#include <peerkit/core/json_writer.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

using peerkit::json_writer;

namespace {

template <typename Write>
std::string written(Write write) {
    json_writer out;
    write(out);
    CHECK(out);
    return std::move(out).text();
}
std::string text_of(std::string_view text) {
    return written([text](json_writer& out) { out.value(text); });
}

} // namespace

TEST_CASE("values are divided by commas, whatever they are nested in") {
    CHECK(written([](json_writer& out) {
              out.open('{').key("name").value("db1").key("ports").open('[').value(1).value(2).close(']');
              out.key("none").open('[').close(']').field("up", true).key("at").open('{').close('}').close('}');
          }) == R"({"name":"db1","ports":[1,2],"none":[],"up":true,"at":{}})");
    CHECK(written([](json_writer& out) {
              out.open('[').open('{').close('}').open('[').close(']').raw("null").close(']');
          }) == "[{},[],null]");
}

TEST_CASE("numbers are written to the last digit") {
    CHECK(written([](json_writer& out) { out.value(std::numeric_limits<std::uint64_t>::max()); }) ==
          "18446744073709551615");
    CHECK(written([](json_writer& out) { out.value(std::numeric_limits<std::int64_t>::min()); }) ==
          "-9223372036854775808");
    CHECK(written([](json_writer& out) { out.value(std::uint8_t{200}); }) == "200");
    CHECK(written([](json_writer& out) { out.value(false); }) == "false");
}

TEST_CASE("bytes are written as hexadecimal digits or Base64") {
    constexpr std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0xab}, std::byte{0xff}};
    CHECK(written([&](json_writer& out) { out.hex(bytes); }) == R"("00abff")");
    CHECK(written([&](json_writer& out) { out.base64(bytes); }) == R"("AKv/")");
    CHECK(written([&](json_writer& out) { out.open('[').hex({}).base64({}).close(']'); }) == R"(["",""])");
}

TEST_CASE("a text is escaped so that the document is valid whatever it holds") {
    CHECK(text_of("plain") == R"("plain")");
    CHECK(text_of("") == R"("")");
    CHECK(text_of(R"(a"b\c)") == R"("a\"b\\c")");
    CHECK(text_of(std::string_view{"\0\n\x1f", 3}) == "\"\\u0000\\u000a\\u001f\"");
    CHECK(text_of("\x7f") == "\"\x7f\"");
    CHECK(text_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\x8d") ==
          "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\x8d\"");
    // Overlong, a surrogate, above U+10FFFF, a lonely continuation, cut off.
    CHECK(text_of("\xc0\xaf") == R"("\ufffd\ufffd")");
    CHECK(text_of("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");
    CHECK(text_of("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
    CHECK(text_of("a\x80z") == R"("a\ufffdz")");
    CHECK(text_of("a\xe2\x82") == R"("a\ufffd\ufffd")");
}

TEST_CASE("what does not fit the limit is left out whole and said") {
    json_writer out{10};
    out.open('[').value(1234).value("123456");
    CHECK_FALSE(out);
    CHECK(out.size() == 5);
    out.value(1); // it would fit, but the document is given up
    CHECK(std::move(out).text() == "[1234");

    json_writer exact{7};
    exact.open('[').value(12345).close(']');
    CHECK(exact);
    CHECK(std::move(exact).text() == "[12345]");
}
