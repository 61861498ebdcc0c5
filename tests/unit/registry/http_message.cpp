// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of targets: paths, parameters, escapes, and what is refused.
#include <peerkit/registry/http_message.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

namespace registry = peerkit::registry;
using registry::registry_error;
using registry::request_target;

namespace {

std::size_t refused_at(std::string_view target) {
    CAPTURE(target);
    auto const read = request_target::parse(target);
    REQUIRE_FALSE(read);
    CHECK(read.error() == registry_error::bad_query);
    return static_cast<std::size_t>(read.error().position());
}

} // namespace

TEST_CASE("a target is a path and parameters, each decoded once") {
    auto const plain = request_target::parse("/health");
    REQUIRE(plain);
    CHECK(plain->path() == "/health");
    CHECK(plain->parameters().empty());

    auto const full =
        request_target::parse("/api/n%6Fdes?role=db&label=zone%3Da%7Cb,!gpu&&stale&found_by=dns+mdns&x=%2541&y=a=b");
    REQUIRE(full);
    CHECK(full->path() == "/api/nodes");
    CHECK(full->parameters().size() == 6);
    CHECK(full->find("role") == "db");
    CHECK(full->find("label") == "zone=a|b,!gpu");
    CHECK(full->find("stale") == "");
    CHECK(full->find("found_by") == "dns+mdns");
    CHECK(full->find("x") == "%41");
    CHECK(full->find("y") == "a=b");
    CHECK_FALSE(full->find("none"));
    CHECK(request_target::parse("/?")->parameters().empty());
}

TEST_CASE("a target that can be read in two ways, or not at all, is refused with the place") {
    CHECK(refused_at("") == 0);
    CHECK(refused_at("http://host/") == 0);
    CHECK(refused_at("/a%") == 2);
    CHECK(refused_at("/a%4") == 2);
    CHECK(refused_at("/a%4g") == 2);
    CHECK(refused_at("/a?b=%zz") == 5);
    CHECK(refused_at("/a?b=1&b=2") == 7);
    CHECK(refused_at("/a?b=%00") == 7);
    CHECK(refused_at("/a?b=\x7f") == 5);
    CHECK(refused_at('/' + std::string(request_target::max_size, 'a')) == request_target::max_size);
    std::string many = "/a?";
    for (int i = 0; i < 17; ++i) many += "p" + std::to_string(i) + "=1&";
    CHECK(refused_at(many) == many.rfind("p16"));
}

TEST_CASE("what is escaped is decoded to what it was") {
    std::string all;
    for (int c = 0x20; c < 0x7f; ++c) all += static_cast<char>(c);
    all += "gr\xc3\xbc\xc3\x9f";
    std::string target = "/x?v=";
    registry::append_escaped(all, target);
    auto const read = request_target::parse(target);
    REQUIRE(read);
    CHECK(read->find("v") == all);
}

TEST_CASE("a header is found by its name in lower case") {
    std::array<registry::header_field, 2> const headers{{{"if-none-match", "\"a\""}, {"authorization", "Bearer t"}}};
    registry::api_request const request{.method = "GET", .target = "/", .headers = headers};
    CHECK(request.header("authorization") == "Bearer t");
    CHECK(request.header("accept").empty());
}
