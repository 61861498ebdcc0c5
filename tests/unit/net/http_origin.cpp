// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// URLs of servers, and what may stand in a request.
#include <peerkit/net/http_origin.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

using namespace peerkit;
using discovery::discovery_error;
using discovery::http_request;
using net::check_http_request;
using net::http_origin;

TEST_CASE("A URL is a scheme, a host and a port, or the scheme's port") {
    auto const plain = http_origin::parse("http://registry.example:8000");
    REQUIRE(plain.has_value());
    CHECK_FALSE(plain->secure);
    CHECK(plain->host() == "registry.example");
    CHECK(plain->where.port() == 8000);
    auto const v6 = http_origin::parse("https://[2001:db8::7]/");
    REQUIRE(v6.has_value());
    CHECK(v6->secure);
    CHECK(v6->host() == "2001:db8::7");
    CHECK(v6->where.port() == 443);
    CHECK(http_origin::parse("http://192.0.2.1")->where.port() == 80);
    CHECK(http_origin::parse("http://192.0.2.1:80") == http_origin::parse("http://192.0.2.1/"));
}

TEST_CASE("What is no such URL is refused where it goes wrong") {
    for (std::string_view const text : {"", "registry.example", "ftp://registry.example", "http://", "http:///",
                                        "http://a:b@c", "http://host:0", "http://host:70000", "http://host/path",
                                        "http://ho st", "https://[::1", "http://host?query", "HTTP://host"}) {
        CAPTURE(text);
        auto const got = http_origin::parse(text);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error() == discovery_error::bad_option);
        CHECK(got.error().field() == "http url");
        CHECK(got.error().position() <= text.size());
    }
    CHECK(http_origin::parse("http://host:70000").error().position() == 12);
}

TEST_CASE("A target is a path of printable characters") {
    http_request asked;
    asked.target = "/v1/health?index=1&wait=30s%20";
    CHECK(check_http_request(asked).has_value());
    for (std::string const& target : {std::string{}, std::string{"v1"}, std::string{"/a b"}, std::string{"/a\r\nX: y"},
                                      std::string{"/\xc3\xa4"}, std::string{"/a#b"}, std::string(9'000, '/')}) {
        CAPTURE(target);
        asked.target = target;
        auto const got = check_http_request(asked);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error() == discovery_error::bad_option);
        CHECK(got.error().field() == "http target");
    }
}

TEST_CASE("Headers cannot add lines, and framing is the client's business") {
    http_request asked;
    asked.target = "/";
    asked.headers = {{"Authorization", "Bearer a.b-c_d"}, {"X-Empty", ""}, {"X-Utf8", "\xc3\xa4\t"}};
    CHECK(check_http_request(asked).has_value());
    for (discovery::http_header const& bad :
         {discovery::http_header{"", "x"}, discovery::http_header{"X Y", "x"}, discovery::http_header{"X:", "x"},
          discovery::http_header{"X", "a\r\nY: b"}, discovery::http_header{"X", std::string{"a\0b", 3}},
          discovery::http_header{"Content-Length", "3"}, discovery::http_header{"TRANSFER-ENCODING", "chunked"},
          discovery::http_header{"Host", "other"}, discovery::http_header{"Connection", "close"},
          discovery::http_header{"X", std::string(9'000, 'x')}}) {
        CAPTURE(bad.name);
        asked.headers = {{"X-Good", "x"}, bad};
        auto const got = check_http_request(asked);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().field() == "http header");
        CHECK(got.error().position() == 1);
    }
    asked.headers.assign(65, {"X", "x"});
    CHECK_FALSE(check_http_request(asked).has_value());
}

TEST_CASE("Lower case is a matter of ASCII") { CHECK(net::http_lower("ETag-\xc3\x84Z") == "etag-\xc3\x84z"); }
