// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How one exchange is ended from outside; what it does with replies is in http_client.cpp.
#include <peerkit/net/http_client_connection.hpp>

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("An abort shuts the socket that is held, or the next one") {
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    char c = 0;
    SUBCASE("the one that is held") {
        net::http_control control;
        control.hold(pair[0]);
        CHECK_FALSE(control.aborted());
        control.abort();
        CHECK(control.aborted());
        CHECK(::recv(pair[1], &c, 1, MSG_DONTWAIT) == 0);
    }
    SUBCASE("one that comes later") {
        net::http_control control;
        control.abort();
        control.hold(pair[0]);
        CHECK(::recv(pair[1], &c, 1, MSG_DONTWAIT) == 0);
    }
    SUBCASE("none that was released") {
        net::http_control control;
        control.hold(pair[0]);
        control.release();
        control.abort();
        CHECK(::recv(pair[1], &c, 1, MSG_DONTWAIT) == -1);
        CHECK_FALSE(control.overfed(0));
    }
    ::close(pair[0]);
    ::close(pair[1]);
}

TEST_CASE("An abort in the moment before a socket is connected ends it all the same") {
    auto const socket_of = [] { return net::owned_fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}; };
    net::owned_fd const server = socket_of(), client = socket_of();
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const there = reinterpret_cast<sockaddr*>(&at);
    REQUIRE(::bind(server.get(), there, size) == 0);
    REQUIRE(::listen(server.get(), 1) == 0);
    REQUIRE(::getsockname(server.get(), there, &size) == 0);
    net::http_control control;
    control.hold(client.get());
    control.abort();
    char c = 'x';
    bool const sent = ::connect(client.get(), there, size) == 0 && ::send(client.get(), &c, 1, MSG_NOSIGNAL) == 1;
    CHECK_FALSE(sent);
    CHECK(::recv(client.get(), &c, 1, MSG_DONTWAIT) <= 0);
    control.release();
}

TEST_CASE("An exchange that was aborted before it began connects to nobody") {
    auto const origin = net::http_origin::parse("http://127.0.0.1:9");
    REQUIRE(origin.has_value());
    net::http_client_connection connection{*origin, origin->where.address(), {}};
    net::http_control control;
    control.abort();
    discovery::http_request asked;
    asked.target = "/";
    auto const until = net::http_client_connection::clock::now() + 20s;
    auto const got = connection.exchange(asked, until, until, control);
    REQUIRE_FALSE(got.has_value());
    CHECK_FALSE(connection.open());
    CHECK(net::http_client_connection::clock::now() < until - 15s);
}
