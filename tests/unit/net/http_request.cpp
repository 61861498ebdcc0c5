// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the HTTP request parser: framing, limits, what is refused, and that the cutting of the input never matters.
#include <peerkit/net/http_request.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using peerkit::error;
using peerkit::net::http_request;
using peerkit::net::http_request_limits;
using peerkit::net::http_request_parser;
using peerkit::net::net_error;

struct outcome {
    std::optional<error> failed;
    std::vector<http_request> requests;
    bool started = false; ///< of one more
};

outcome parse(std::string_view text, std::size_t step) {
    http_request_parser parser{{200, 4, 20}};
    outcome made;
    for (std::size_t at = 0; at < text.size();) {
        auto const used = parser.feed(text.substr(at, step));
        if (!used) {
            made.failed = used.error();
            return made;
        }
        at += *used;
        if (parser.complete()) made.requests.push_back(parser.take());
    }
    made.started = parser.started();
    return made;
}

/// Parses in pieces of every size and insists on one outcome.
outcome read(std::string_view text) {
    outcome const whole = parse(text, text.size() + 1);
    for (std::size_t step = 1; step <= text.size(); ++step) {
        outcome const cut = parse(text, step);
        CHECK(cut.failed.has_value() == whole.failed.has_value());
        CHECK(cut.started == whole.started);
        REQUIRE(cut.requests.size() == whole.requests.size());
        for (std::size_t i = 0; i < cut.requests.size(); ++i) {
            CHECK(cut.requests[i].target == whole.requests[i].target);
            CHECK(cut.requests[i].headers == whole.requests[i].headers);
            CHECK(cut.requests[i].body == whole.requests[i].body);
        }
        if (cut.failed && whole.failed) {
            CHECK(*cut.failed == *whole.failed);
            CHECK(cut.failed->position() == whole.failed->position());
        }
    }
    return whole;
}

void check_refused(std::string_view text, net_error why, unsigned status) {
    CAPTURE(std::string{text});
    outcome const got = read(text);
    REQUIRE(got.failed.has_value());
    CAPTURE(got.failed->message());
    CHECK(*got.failed == why);
    CHECK(http_request_parser::status_of(*got.failed) == status);
}

} // namespace

TEST_CASE("requests follow each other on one connection") {
    outcome const got = read("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-One:  two words \r\n\r\nhello"
                             "\r\nGET / HTTP/1.1\nhost: y\n\n"
                             "GET /z HTTP/1.0\r\n\r\nGET /unfinished");
    REQUIRE(got.requests.size() == 3);
    CHECK(got.requests[0].method == "POST");
    CHECK(got.requests[0].target == "/a?b=c");
    CHECK(got.requests[0].header("x-one") == "two words");
    CHECK(got.requests[0].header("x-two").empty());
    CHECK(got.requests[0].body == "hello");
    CHECK(got.requests[0].keep_alive);
    CHECK(got.requests[1].body.empty());
    CHECK_FALSE(got.requests[2].keep_alive);
    CHECK(got.started);
    CHECK_FALSE(read("GET / HTTP/1.0\r\n\r\n\r\n").started);
}

TEST_CASE("the connection is kept as the sender asks") {
    auto const kept = [](std::string_view head) { return read(head).requests.at(0).keep_alive; };
    CHECK(kept("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_FALSE(kept("GET / HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n"));
    CHECK(kept("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_CASE("who waits for a go-ahead before sending a body is seen") {
    http_request_parser parser{{}};
    REQUIRE(parser.feed("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"));
    CHECK_FALSE(parser.awaits_continue());
    REQUIRE(parser.feed("\r\n"));
    CHECK(parser.awaits_continue());
    REQUIRE(parser.feed("a"));
    CHECK_FALSE(parser.awaits_continue());
}

TEST_CASE("a first line that is no request is refused") {
    for (std::string_view const line :
         {"GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/2.0", "GET / http/1.1", "GET / HTTP/1.1 x", "G(T / HTTP/1.1",
          "GET x HTTP/1.1", "GET http://h/ HTTP/1.1", "* / HTTP", " GET / HTTP/1.1", "\x16\x03\x01",
          "GET /\x01 HTTP/1.1", "METHODWITHALONGNAME / HTTP/1.1"}) {
        check_refused(std::string{line} + "\r\n\r\n", net_error::http_bad_request, 400);
    }
}

TEST_CASE("what two readers could understand differently is refused") {
    std::string const head = "POST / HTTP/1.1\r\nHost: x\r\n";
    for (std::string_view const line :
         {"Content-Length: 1\r\nContent-Length: 2", "Content-Length: +1", "Content-Length: 1, 1",
          "Content-Length:", "Content-Length: 99999999999999999999"})
        check_refused(head + std::string{line} + "\r\n\r\n", net_error::http_bad_length, 400);
    for (std::string_view const line :
         {"Transfer-Encoding: chunked", "Content-Length: 1\r\nTransfer-Encoding: chunked", "transfer-encoding: x"})
        check_refused(head + std::string{line} + "\r\n\r\n", net_error::http_unknown_encoding, 411);
    for (std::string_view const line :
         {"no colon", ": nameless", "Sp ace: x", "A : b", "Host: y", " folded", "A: \x01"})
        check_refused(head + std::string{line} + "\r\n\r\n", net_error::http_bad_header, 400);
    check_refused("GET / HTTP/1.1\r\n\r\n", net_error::http_bad_header, 400); // no host
}

TEST_CASE("a head, a number of headers or a body beyond the limit is refused") {
    std::string const head = "POST / HTTP/1.1\r\nHost: x\r\n";
    check_refused(head + "A: " + std::string(200, 'a'), net_error::http_head_too_large, 431);
    check_refused(std::string(300, 'G'), net_error::http_head_too_large, 431);
    check_refused(head + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", net_error::http_head_too_large, 431);
    check_refused(head + "Content-Length: 21\r\n\r\n", net_error::http_body_too_large, 413);
    outcome const fits = read(head + "Content-Length: 20\r\n\r\n" + std::string(20, 'b'));
    REQUIRE(fits.requests.size() == 1);
    CHECK(fits.requests[0].body.size() == 20);
}

TEST_CASE("a refusal is final") {
    http_request_parser parser{{}};
    CHECK_FALSE(parser.feed("nonsense\r\n").has_value());
    auto const again = parser.feed("GET / HTTP/1.0\r\n\r\n");
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error() == net_error::http_bad_request);
    CHECK_FALSE(parser.complete());
}
