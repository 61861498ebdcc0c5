// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the HTTP response parser: framing of bodies, limits, and that the cutting of the input never matters.
#include <peerkit/net/http_response.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using peerkit::error;
using peerkit::net::http_response_parser;
using peerkit::net::net_error;

struct outcome {
    std::optional<error> failed;
    unsigned status = 0;
    std::string body;
};

outcome parse(std::string_view text, std::size_t step, std::size_t max_body, std::size_t max_head) {
    http_response_parser parser{max_body, max_head};
    for (std::size_t i = 0; i < text.size(); i += step) {
        if (auto const ok = parser.feed(text.substr(i, step)); !ok) return {ok.error(), 0, {}};
    }
    if (!parser.complete()) {
        if (auto const ok = parser.finish(); !ok) return {ok.error(), 0, {}};
    }
    CHECK(parser.complete());
    return {std::nullopt, parser.status(), parser.take_body()};
}

/// Parses in pieces of every size and insists on one outcome, the place of an error included.
outcome read(std::string_view text, std::size_t max_body = 1000, std::size_t max_head = 1000) {
    outcome const whole = parse(text, text.size() + 1, max_body, max_head);
    for (std::size_t step = 1; step <= text.size(); ++step) {
        outcome const cut = parse(text, step, max_body, max_head);
        CHECK(cut.status == whole.status);
        CHECK(cut.body == whole.body);
        CHECK(cut.failed.has_value() == whole.failed.has_value());
        if (cut.failed && whole.failed) {
            CHECK(*cut.failed == *whole.failed);
            CHECK(cut.failed->position() == whole.failed->position());
        }
    }
    return whole;
}

bool refused(std::string_view text, net_error why, std::uint64_t position) {
    outcome const got = read(text);
    if (!got.failed) return false;
    CAPTURE(got.failed->message());
    CHECK(got.failed->position() == position);
    return *got.failed == why;
}

} // namespace

TEST_CASE("a body with Content-Length ends where it says, and what follows is ignored") {
    auto const got = read("HTTP/1.1 200 OK\r\ncontent-LENGTH:  5 \r\nX: y\r\n\r\nhelloEXTRA");
    CHECK(got.status == 200);
    CHECK(got.body == "hello");
    CHECK(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").body.empty());
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab").body == "ab");
}

TEST_CASE("a chunked body is put together, extensions and trailers passed over") {
    auto const got = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
                          "5\r\nhello\r\n"
                          "0A ; name=value\r\n 0123\r\n678\r\n"
                          "000\r\nTrailer: x\r\n\r\n");
    CHECK(got.status == 200);
    CHECK(got.body == "hello 0123\r\n678");
}

TEST_CASE("a body of unknown length ends with the connection") {
    auto const got = read("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\ninvalid localapi request\n");
    CHECK(got.status == 403);
    CHECK(got.body == "invalid localapi request\n");
}

TEST_CASE("responses without a body and interim responses are understood") {
    CHECK(read("HTTP/1.1 204 No Content\r\n\r\n").status == 204);
    CHECK(read("HTTP/1.1 304\r\nContent-Length: 70\r\n\r\n").status == 304);
    auto const got = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    CHECK(got.status == 200);
    CHECK(got.body == "ok");
}

TEST_CASE("lines may end in a bare line feed") { CHECK(read("HTTP/1.1 200 OK\nContent-Length: 1\n\nx").body == "x"); }

TEST_CASE("what is not a status line is refused") {
    CHECK(refused("SSH-2.0-OpenSSH\r\n", net_error::http_bad_status, 0));
    CHECK(refused("HTTP/2 200\r\n\r\n", net_error::http_bad_status, 0));
    CHECK(refused("HTTP/1.1 2x0 OK\r\n\r\n", net_error::http_bad_status, 0));
    CHECK(refused("HTTP/1.1 099 No\r\n\r\n", net_error::http_bad_status, 0));
    CHECK(refused("HTTP/1.1 2000 No\r\n\r\n", net_error::http_bad_status, 0));
    CHECK(refused("HTTP/1.1 101 Switching Protocols\r\n\r\n", net_error::http_bad_status, 34));
}

TEST_CASE("malformed headers are refused with their place") {
    CHECK(refused("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", net_error::http_bad_header, 17));
    CHECK(refused("HTTP/1.1 200 OK\r\nA: b\r\n: empty\r\n\r\n", net_error::http_bad_header, 23));
    CHECK(refused("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", net_error::http_bad_header, 23));
    CHECK(refused("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", net_error::http_bad_header, 17));
}

TEST_CASE("lengths that are malformed or contradict each other are refused") {
    CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", net_error::http_bad_length, 17));
    CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", net_error::http_bad_length, 17));
    CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", net_error::http_bad_length, 17));
    CHECK(
        refused("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", net_error::http_bad_length, 36));
    CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                  net_error::http_bad_length, 64));
    CHECK(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", net_error::http_unknown_encoding, 17));
    CHECK(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                  net_error::http_unknown_encoding, 45));
}

TEST_CASE("malformed chunks are refused") {
    std::string const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(refused(head + "x\r\n", net_error::http_bad_chunk, head.size()));
    CHECK(refused(head + "\r\n", net_error::http_bad_chunk, head.size()));
    CHECK(refused(head + "1 2\r\n", net_error::http_bad_chunk, head.size()));
    CHECK(refused(head + "2\r\nabc\r\n", net_error::http_bad_chunk, head.size() + 5));
    CHECK(refused(head + "11111111111111111\r\n", net_error::http_bad_chunk, head.size()));
}

TEST_CASE("a body above the limit is refused, at the limit accepted, however its length is said") {
    std::string const body(1000, 'x');
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body).body == body);
    CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", net_error::http_body_too_large, 1000));
    CHECK(read("HTTP/1.1 200 OK\r\n\r\n" + body).body == body);
    CHECK(refused("HTTP/1.1 200 OK\r\n\r\n" + body + "y", net_error::http_body_too_large, 1000));
    std::string const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + "\r\n";
    CHECK(read(chunked + "0\r\n\r\n").body == body);
    CHECK(refused(chunked + "1\r\ny\r\n0\r\n\r\n", net_error::http_body_too_large, 1000));
    CHECK(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                  net_error::http_body_too_large, 1000));
}

TEST_CASE("headers without end are refused at the limit") {
    std::string const endless(2000, 'a');
    CHECK(refused("HTTP/1.1 200 OK\r\n" + endless, net_error::http_head_too_large, 1000));
    CHECK(refused(endless, net_error::http_head_too_large, 1000));
    std::string trailers = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for (int i = 0; i < 200; ++i) trailers += "A: b\r\n";
    CHECK(refused(trailers, net_error::http_head_too_large, 1000));
}

TEST_CASE("a connection that ends early is an error") {
    CHECK(refused("", net_error::http_truncated, 0));
    CHECK(refused("HTTP/1.1 200", net_error::http_truncated, 12));
    CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", net_error::http_truncated, 42));
    CHECK(
        refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", net_error::http_truncated, 57));
}

TEST_CASE("the first error is final") {
    http_response_parser parser{10};
    CHECK_FALSE(parser.feed("nonsense\r\n"));
    auto const again = parser.feed("HTTP/1.1 200 OK\r\n\r\n");
    REQUIRE_FALSE(again);
    CHECK(again.error() == net_error::http_bad_status);
    CHECK_FALSE(parser.finish());
    CHECK_FALSE(parser.complete());
}

TEST_CASE("the body keeps spare room behind it") {
    http_response_parser parser{100};
    REQUIRE(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
    std::string const body = parser.take_body();
    CHECK(body.capacity() >= body.size() + 64);
}
