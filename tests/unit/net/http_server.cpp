// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the HTTP server as a whole: ports, families, room for those who are served, and its end.
#include <peerkit/net/http_server.hpp>

#include "http_bench.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <vector>

using namespace net_test;

TEST_CASE("those who send nothing whole make room for those who do") {
    auto options = local_options();
    options.connections = 40;
    options.connections_per_source = 40;
    http_bench b{std::move(options)};
    std::vector<http_client> idle, served;
    for (int i = 0; i < 40; ++i) {
        idle.emplace_back(b);
        idle.back().send("GET /never");
    }
    REQUIRE(eventually(b.loop, [&] { return b.server->counters().open == 40; }));
    idle.front().settle(150ms); // long enough to be called slow
    for (int i = 0; i < 20; ++i) {
        served.emplace_back(b);
        served.back().ask("/served");
        CHECK(served.back().sees("/served|"));
    }
    CHECK(b.server->counters().evicted == 20);
    CHECK(b.server->counters().refused == 0);
    CHECK(idle.front().sees_end());
}

TEST_CASE("when all connections are being answered, one more is told to come back") {
    auto const inheritable = [] {
        int count = 0;
        for (int fd = 0; fd < 1024; ++fd) {
            int const flags = ::fcntl(fd, F_GETFD);
            if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
        }
        return count;
    };
    int const before = inheritable();
    auto options = local_options();
    options.connections = 4;
    http_bench b{std::move(options)};
    std::vector<http_client> all;
    for (int i = 0; i < 4; ++i) {
        all.emplace_back(b);
        all.back().ask("/park");
    }
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 4; }));
    http_client more{b};
    CHECK(more.sees("HTTP/1.1 503 "));
    CHECK(b.server->counters().refused == 1);
    CHECK(b.server->counters().open == 5);
    CHECK(inheritable() == before); // programs the host starts do not keep connections open
    b.parked.clear();
    for (auto& one : all) CHECK(one.sees("HTTP/1.1 500 "));
}

TEST_CASE("one source has its share of the connections and no more") {
    auto options = local_options();
    options.connections_per_source = 2;
    http_bench b{std::move(options)};
    http_client one{b}, two{b};
    one.ask("/park");
    two.ask("/park");
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 2; }));
    http_client three{b};
    CHECK(three.sees("HTTP/1.1 503 "));
    one.close();
    b.parked.clear();
    CHECK(eventually(b.loop, [&] { return b.server->counters().open == 2; })); // two, and the refused one
}

TEST_CASE("a taken port leads to the next one that is free") {
    http_bench b;
    auto options = local_options();
    options.port = b.server->port();
    auto next = http_server::listen(b.loop.get_executor(), options);
    REQUIRE(next.has_value());
    CHECK(next->port() > options.port);
    options.ports = 1;
    auto none = http_server::listen(b.loop.get_executor(), options);
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error() == net::net_error::no_free_port);
    options.address = *ip_address::parse("192.0.2.1");
    auto elsewhere = http_server::listen(b.loop.get_executor(), options);
    REQUIRE_FALSE(elsewhere.has_value());
    CHECK(elsewhere.error() == net::net_error::bind_failed);
}

TEST_CASE("without an address both families are served") {
    auto options = local_options();
    options.address = {};
    http_bench b{std::move(options)};
    http_client v4{b};
    v4.ask("/v4");
    CHECK(v4.sees("/v4|"));
    CHECK(b.source.address == *ip_address::parse("127.0.0.1"));
}

TEST_CASE("a server ends at once with everything it has open") {
    http_bench b;
    http_client parked{b}, reading{b};
    parked.ask("/park");
    reading.send("GET");
    REQUIRE(eventually(b.loop, [&] { return b.parked.size() == 1 && b.server->counters().open == 2; }));
    b.server.reset();
    CHECK_FALSE(b.parked[0].wanted());
    b.parked.clear();
    CHECK(runs_out(b.loop));
    CHECK(parked.take());
    CHECK(reading.take());
}
