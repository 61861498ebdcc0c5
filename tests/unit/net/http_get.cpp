// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the HTTP client against servers on unix sockets: good, slow, rude and absent ones.
#include <peerkit/net/http_get.hpp>

#include "unit/net/support.hpp"

#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

using namespace net_test;
using peerkit::result;
using peerkit::discovery::discovery_error;
using peerkit::discovery::http_reply;
using peerkit::net::stop_state;

namespace {

peerkit::discovery::http_get request(std::string path) {
    peerkit::discovery::http_get made;
    made.socket_path = std::move(path);
    made.host = "local-tailscaled.sock";
    made.target = "/localapi/v0/status";
    made.timeout = 20s;
    return made;
}

result<http_reply> get(peerkit::discovery::http_get what) {
    asio::io_context loop;
    return finish(loop, peerkit::net::http_get(loop.get_executor(), std::make_shared<stop_state>(), std::move(what)));
}

} // namespace

TEST_CASE("a GET names the host and target, keeps nothing open, and hands over status and body") {
    scratch_directory const scratch;
    std::string asked;
    result<http_reply> got = peerkit::fail(discovery_error::stalled);
    {
        unix_server const server{scratch.file("s"), [&](int client) {
                                     asked = read_request(client);
                                     write_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
                                 }};
        got = get(request(scratch.file("s")));
    }
    REQUIRE(got);
    CHECK(got->status == 200);
    CHECK(got->body == "body");
    CHECK(asked.starts_with("GET /localapi/v0/status HTTP/1.1\r\n"));
    CHECK(asked.find("\r\nHost: local-tailscaled.sock\r\n") != std::string::npos);
    CHECK(asked.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(asked.find("Origin") == std::string::npos);
    CHECK(asked.find("Referer") == std::string::npos);
}

TEST_CASE("a chunked reply that trickles in is put together") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 std::string const reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                           "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
                                 for (char const c : reply) {
                                     write_text(client, {&c, 1});
                                     std::this_thread::sleep_for(1ms);
                                 }
                             }};
    auto const got = get(request(scratch.file("s")));
    REQUIRE(got);
    CHECK(got->body == "abcde");
}

TEST_CASE("a large body arrives whole") {
    scratch_directory const scratch;
    std::string body(3 << 20, 'x');
    for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
    unix_server const server{scratch.file("s"), [&](int client) {
                                 (void)read_request(client);
                                 write_text(client, "HTTP/1.1 200 OK\r\n\r\n" + body);
                             }};
    auto const got = get(request(scratch.file("s")));
    REQUIRE(got);
    CHECK(got->body == body);
}

TEST_CASE("an error status is a reply, not an error") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 write_text(client, "HTTP/1.1 403 Forbidden\r\n\r\ninvalid localapi request\n");
                             }};
    auto const got = get(request(scratch.file("s")));
    REQUIRE(got);
    CHECK(got->status == 403);
    CHECK(got->body == "invalid localapi request\n");
}

TEST_CASE("a reply that is cut off, or is not HTTP, is a bad reply with its place") {
    scratch_directory const scratch;
    {
        unix_server const server{scratch.file("cut"), [](int client) {
                                     (void)read_request(client);
                                     write_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
                                 }};
        auto const got = get(request(scratch.file("cut")));
        REQUIRE_FALSE(got);
        CHECK(got.error() == discovery_error::bad_reply);
        CHECK(got.error().position() == 49);
    }
    unix_server const server{scratch.file("other"), [](int client) {
                                 (void)read_request(client);
                                 write_text(client, "220 mail ready\r\n");
                             }};
    auto const got = get(request(scratch.file("other")));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::bad_reply);
    CHECK(got.error().field() == "status line");
}

TEST_CASE("a body above the limit is refused with the limit") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 write_text(client, "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x'));
                             }};
    auto what = request(scratch.file("s"));
    what.max_bytes = 4999;
    auto const got = get(std::move(what));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::too_large);
    CHECK(got.error().position() == 4999);
}

TEST_CASE("a server that says nothing is left when the time is over") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 char c = 0;
                                 (void)::read(client, &c, 1); // until the client hangs up
                             }};
    auto what = request(scratch.file("s"));
    what.timeout = 50ms;
    auto const begun = steady::now();
    auto const got = get(std::move(what));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::timed_out);
    CHECK(got.error().position() == 50);
    CHECK(steady::now() - begun < patience);
}

TEST_CASE("a missing socket, and a socket nobody listens on, say which error the system gave") {
    scratch_directory const scratch;
    auto const missing = get(request(scratch.file("nothing")));
    REQUIRE_FALSE(missing);
    CHECK(missing.error() == discovery_error::unavailable);
    CHECK(missing.error().position() == ENOENT);

    auto const refused = get(request(scratch.write("file", "not a socket")));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == discovery_error::unavailable);
    CHECK(refused.error().position() == ECONNREFUSED);

    auto const too_long = get(request("/" + std::string(200, 'x')));
    REQUIRE_FALSE(too_long);
    CHECK(too_long.error().position() == ENAMETOOLONG);
}

TEST_CASE("a host or target that would break the request is refused before anything is sent") {
    for (std::string const& target :
         {std::string{"/a b"}, std::string{"/a\r\nX: y"}, std::string{"a"}, std::string{}}) {
        auto what = request("/nowhere");
        what.target = target;
        auto const got = get(std::move(what));
        REQUIRE_FALSE(got);
        CHECK(got.error() == discovery_error::bad_option);
    }
    auto what = request("/nowhere");
    what.host = "a\nb";
    CHECK(get(std::move(what)).error() == discovery_error::bad_option);
}

TEST_CASE("the stop ends a request at once") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 char c = 0;
                                 (void)::read(client, &c, 1);
                             }};
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    asio::steady_timer later{loop, 30ms};
    later.async_wait([&](asio::error_code) { stop->stop(); });
    auto const got = finish(loop, peerkit::net::http_get(loop.get_executor(), stop, request(scratch.file("s"))));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unavailable);
    CHECK(got.error().position() == ECANCELED);

    auto const after = finish(loop, peerkit::net::http_get(loop.get_executor(), stop, request(scratch.file("s"))));
    CHECK(after.error().position() == ECANCELED);
}

TEST_CASE("a context destroyed in the middle of a request takes everything with it") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 char c = 0;
                                 (void)::read(client, &c, 1);
                             }};
    auto const stop = std::make_shared<stop_state>();
    {
        asio::io_context loop;
        asio::co_spawn(loop, peerkit::net::http_get(loop.get_executor(), stop, request(scratch.file("s"))),
                       [](std::exception_ptr, result<http_reply>) { FAIL("ended"); });
        loop.run_for(30ms);
    }
    CHECK(stop.use_count() == 1);
}
