// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading small JSON documents field by field.
#include <peerkit/registry/json_reply.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using peerkit::registry::json_reply;

TEST_CASE("fields are read by name, whatever their order, and unknown ones are passed by") {
    json_reply reader;
    std::uint64_t number = 0, text_number = 0;
    bool flag = false;
    std::string name;
    std::vector<std::uint64_t> list;
    std::string_view const document =
        R"({"deep":{"a":[{"b":[1,2,{"c":null}]}]},"n":7,"t":"18446744073709551615","f":true,)"
        R"("name":"\u0064b1","l":[1,"2",[],3]})";
    CHECK(reader.read_object(document, [&](std::string_view key, json_reply::value& v) {
        if (key == "n") return json_reply::read(v, number);
        if (key == "t") return json_reply::read(v, text_number);
        if (key == "f") return json_reply::read(v, flag);
        if (key == "name") return json_reply::read(v, name, 100);
        return key != "l" || json_reply::array_in(v, [&](json_reply::value& each) {
                   std::uint64_t one = 0;
                   bool const sound = json_reply::read(each, one);
                   list.push_back(one);
                   return sound;
               });
    }));
    CHECK(number == 7);
    CHECK(text_number == ~std::uint64_t{0});
    CHECK(flag);
    CHECK(name == "db1");
    CHECK(list == std::vector<std::uint64_t>{1, 2, 0, 3});
}

TEST_CASE("what has another type, or does not fit, leaves the value as it is") {
    json_reply reader;
    for (std::string_view const document :
         {R"({"a":-1})", R"({"a":1.5})", R"({"a":null})", R"({"a":{}})", R"({"a":""})", R"({"a":"1x"})",
          R"({"a":18446744073709551616})", R"({"b":1})"}) {
        CAPTURE(document);
        std::uint64_t number = 42;
        std::string text = "kept";
        CHECK(reader.read_object(document, [&](std::string_view key, json_reply::value& v) {
            return key != "a" || json_reply::read(v, number);
        }));
        CHECK(number == 42);
        static_cast<void>(reader.read_object(
            R"({"a":[1]})", [&](std::string_view, json_reply::value& v) { return json_reply::read(v, text, 10); }));
        CHECK(text == "kept");
    }
    std::string cut;
    CHECK(reader.read_object(R"({"a":"abcdef"})",
                             [&](std::string_view, json_reply::value& v) { return json_reply::read(v, cut, 3); }));
    CHECK(cut == "abc");
}

TEST_CASE("what is no document of the kind is told") {
    json_reply reader;
    auto const anything = [](std::string_view, json_reply::value&) { return true; };
    for (std::string_view const document : {"", " ", "[]", "1", "nul", "{", R"({"a":1)", R"({"a" 1})", R"({"a":1]})"}) {
        CAPTURE(document);
        CHECK_FALSE(reader.read_object(document, anything));
    }
    CHECK(reader.read_object(R"({"a\"b":1,"a\\":2})",
                             [](std::string_view key, json_reply::value&) { return key.empty(); }));
    std::string const long_key(500, 'k');
    CHECK(reader.read_object("{\"" + long_key + "\":1}",
                             [](std::string_view key, json_reply::value&) { return key.empty(); }));
    CHECK_FALSE(reader.read_array("{}", [](json_reply::value&) { return true; }));
    CHECK(reader.read_array("[1,2]", [](json_reply::value&) { return true; }));
    CHECK_FALSE(reader.read_array("[1,2]", [](json_reply::value&) { return false; }));
}
