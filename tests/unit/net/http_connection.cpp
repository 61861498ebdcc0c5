// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the HTTP server's connections over real sockets: order, deadlines, refusals.
#include <peerkit/net/http_connection.hpp>

#include "http_bench.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

using namespace net_test;

TEST_CASE("requests on one connection are answered in order") {
    http_bench b;
    http_client c{b};
    c.send("POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /two HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(c.sees("/two|"));
    CHECK(c.got.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nX-Method: POST\r\n"
                            "\r\n/one|helloHTTP/1.1 200 OK\r\n"));
    CHECK(b.source.address == *ip_address::parse("127.0.0.1"));
    c.ask("/three", "Connection: close\r\n");
    CHECK(c.sees_end());
    CHECK(c.got.find("Connection: close\r\n\r\n/three|") != std::string::npos);
    CHECK(b.server->counters().requests == 3);
}

TEST_CASE("an answer may come later, and none is an error of the server") {
    http_bench b;
    http_client c{b};
    c.ask("/park");
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 1; }));
    CHECK(b.parked[0].wanted());
    b.parked[0]({200, "text/plain", {}, "late"});
    CHECK_FALSE(b.parked[0].wanted());
    b.parked[0]({200, "text/plain", {}, "twice"});
    CHECK(c.sees("late"));
    c.ask("/drop");
    CHECK(c.sees("HTTP/1.1 500 "));
    CHECK(c.got.find("twice") == std::string::npos);
}

TEST_CASE("a parked request knows that its client has gone") {
    http_bench b;
    http_client c{b};
    c.ask("/park");
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 1; }));
    c.close();
    CHECK(eventually(b.loop, [&] { return !b.parked[0].wanted(); }));
    b.parked.clear();
    CHECK(eventually(b.loop, [&] { return b.server->counters().open == 0; }));
}

TEST_CASE("who has sent everything and closed that side still gets the answer") {
    http_bench b;
    http_client c{b};
    c.ask("/park");
    ::shutdown(c.fd, SHUT_WR);
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 1; }));
    c.settle(30ms);
    b.parked[0]({200, "text/plain", {}, "still"});
    CHECK(c.sees_end());
    CHECK(c.got.ends_with("still"));
}

TEST_CASE("answers without a body have none") {
    http_bench b;
    http_client c{b};
    c.ask("/304");
    CHECK(c.sees("ETag: \"1\"\r\n\r\n"));
    c.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(c.sees("Content-Length: 3\r\n"));
    c.settle(20ms);
    CHECK(c.got.ends_with("\r\n\r\n"));
}

TEST_CASE("a refusal after a HEAD has its body") {
    http_bench b;
    http_client c{b};
    c.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(c.sees("Content-Length: 3\r\n"));
    c.got.clear();
    c.send("nonsense\r\n\r\n");
    ::shutdown(c.fd, SHUT_WR);
    CHECK(c.sees_end());
    CHECK(c.got.find("HTTP/1.1 400 ") != std::string::npos);
    CHECK_FALSE(c.got.ends_with("\r\n\r\n"));
}

TEST_CASE("what is no request is refused and counted, and the connection closed") {
    http_bench b;
    for (auto const& [text, status] :
         {std::pair{"nonsense\r\n\r\n", "400 "}, std::pair{"GET / HTTP/1.1\r\n\r\n", "400 "},
          std::pair{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "411 "},
          std::pair{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\nmore on its way", "413 "}}) {
        http_client c{b};
        c.send(text);
        c.take();
        CHECK(c.sees("\r\n\r\n"));
        CHECK(c.got.starts_with("HTTP/1.1 " + std::string{status}));
        ::shutdown(c.fd, SHUT_WR);
        CHECK(c.sees_end());
    }
    CHECK(b.server->counters().malformed == 4);
    CHECK(b.server->counters().requests == 0);
    http_client large{b};
    large.send("GET / HTTP/1.1\r\nA: ");
    for (int i = 0; i < 20; ++i) large.send(std::string(1000, 'a'));
    CHECK(large.sees("431 "));
}

TEST_CASE("a body is asked for where the client waits for that") {
    http_bench b;
    http_client c{b};
    c.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(c.sees("HTTP/1.1 100 Continue\r\n\r\n"));
    c.send("ok");
    CHECK(c.sees("/e|ok"));
}

TEST_CASE("a request has one deadline however it drips in, a length that lies included") {
    auto options = local_options();
    options.request_time = 600ms;
    options.idle_time = 600ms;
    http_bench b{std::move(options)};
    http_client dripping{b}, lying{b}, silent{b}, idle{b};
    lying.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort");
    idle.ask("/idle");
    auto const begin = steady::now();
    std::string_view rest = "GET /slowly-slowly-slowly-slowly-slowly-slowly-slowly-slowly-slowly HTTP/1.1\r\n";
    while (!dripping.take() && !rest.empty()) {
        dripping.send(rest.substr(0, 1));
        rest.remove_prefix(1);
        dripping.settle(100ms);
    }
    CHECK(steady::now() - begin < 5s);
    CHECK(dripping.got.starts_with("HTTP/1.1 408 "));
    CHECK(lying.sees_end());
    CHECK(lying.got.starts_with("HTTP/1.1 408 "));
    CHECK(silent.sees_end());
    CHECK(silent.got.empty());
    CHECK(idle.sees_end());
    CHECK(idle.got.ends_with("/idle|"));
    CHECK(b.server->counters().timed_out == 2);
}

TEST_CASE("who does not take the answer loses the connection, and its memory is had back") {
    auto options = local_options();
    options.write_time = 300ms;
    options.slowest = std::size_t{1} << 30U;
    options.answer_bytes = std::size_t{12} << 20U;
    http_bench b{std::move(options)};
    http_client slow{b}, other{b};
    slow.ask("/large");
    REQUIRE(eventually(b.loop, [&] { return b.server->counters().requests == 1; }));
    other.ask("/large"); // together they would be too many bytes
    CHECK(other.sees("HTTP/1.1 503 "));
    CHECK(eventually(b.loop, [&] { return b.server->counters().timed_out == 1; }));
    other.got.clear();
    other.ask("/large");
    CHECK(eventually(b.loop, [&] {
        other.take();
        return other.got.size() > b.large;
    }));
}

TEST_CASE("a refusal that exceeds the memory for answers does not let the next answer through") {
    auto options = local_options();
    options.answer_bytes = (std::size_t{8} << 20U) + 1;
    http_bench b{std::move(options)};
    http_client one{b}, two{b}, three{b};
    for (http_client* c : {&one, &two, &three}) c->ask("/park");
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 3; }));
    for (auto& parked : b.parked) parked({200, "text/plain", {}, std::string(b.large, 'x')});
    CHECK(one.sees("HTTP/1.1 200 "));
    CHECK(two.sees("HTTP/1.1 503 "));
    CHECK(three.sees("HTTP/1.1 503 "));
}
