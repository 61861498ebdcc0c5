// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a registry on a thread of its own: it serves, and its end is waited for.
#include <peerkit/net/registry_thread.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

using namespace net_test;
using namespace peerkit;

namespace {

net::registry_config config_of(asio::any_io_executor const&) {
    net::registry_config made;
    made.http.address = *ip_address::parse("127.0.0.1");
    made.http.port = 0;
    return made;
}
int connect_to(ip_endpoint const& there) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(there.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
    ::close(fd);
    return -1;
}

} // namespace

TEST_CASE("a registry serves beside its host, which need not run a loop, and ends with its object") {
    auto made = net::registry_thread::start(config_of);
    REQUIRE(made.has_value());
    std::optional<net::registry_thread> one{std::move(*made)};
    int const fd = connect_to(one->local());
    REQUIRE(fd >= 0);
    write_text(fd, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    std::string got;
    char c = 0;
    while (::read(fd, &c, 1) == 1) got.push_back(c);
    ::close(fd);
    CHECK(got.find("\"role\":\"root\"") != std::string::npos);

    int const waiting = connect_to(one->local());
    REQUIRE(waiting >= 0);
    write_text(waiting, "GET /api/nodes?wait=50&version=0 HTTP/1.1\r\nHost: x\r\n\r\n");
    auto const there = one->local();
    one.reset();
    CHECK(::read(waiting, &c, 1) <= 0);
    ::close(waiting);
    CHECK(connect_to(there) < 0);
}

TEST_CASE("where no thread can be had, no registry begins, and signals are not left blocked") {
    pthread_attr_t usual, greedy;
    REQUIRE(::pthread_getattr_default_np(&usual) == 0);
    REQUIRE(::pthread_attr_init(&greedy) == 0);
    REQUIRE(::pthread_attr_setstacksize(&greedy, std::size_t{1} << 50U) == 0);
    bool stored = false;
    SUBCASE("for the registry") {}
    SUBCASE("for what it stores") { stored = true; }
    REQUIRE(::pthread_setattr_default_np(&greedy) == 0);
    auto const none = net::registry_thread::start([stored](asio::any_io_executor const& executor) {
        auto config = config_of(executor);
        if (stored) config.storage.apply = [](auto const&) -> result<void> { return {}; };
        return config;
    });
    REQUIRE(::pthread_setattr_default_np(&usual) == 0);
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error() == net::net_error::no_thread);
    CHECK(none.error().field() == (stored ? "journal" : "registry"));
    sigset_t mine;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGINT) == 0);
}

TEST_CASE("a registry that cannot begin leaves no thread") {
    auto const none = net::registry_thread::start([](asio::any_io_executor const& executor) {
        auto config = config_of(executor);
        config.http.address = *ip_address::parse("192.0.2.1");
        return config;
    });
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error() == net::net_error::bind_failed);
}
