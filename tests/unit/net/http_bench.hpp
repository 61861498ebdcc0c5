// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// An HTTP server and clients on blocking sockets, all on one thread, for the tests of the HTTP server.
#ifndef PEERKIT_TESTS_UNIT_NET_HTTP_BENCH_HPP
#define PEERKIT_TESTS_UNIT_NET_HTTP_BENCH_HPP

#include "support.hpp"

#include <peerkit/net/http_server.hpp>

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net_test {

using namespace peerkit;
using net::http_request;
using net::http_responder;
using net::http_server;
using net::http_server_options;

inline http_server_options local_options() {
    http_server_options made;
    made.address = *ip_address::parse("127.0.0.1");
    made.port = 0;
    return made;
}

/// A server and clients on blocking sockets that are read without waiting, all on one thread.
struct http_bench {
    explicit http_bench(http_server_options options = local_options()) {
        auto made = http_server::listen(loop.get_executor(), std::move(options));
        REQUIRE_MESSAGE(made.has_value(), made.error().message());
        server.emplace(std::move(*made));
        server->serve([this](http_request request, ip_endpoint const& from, http_responder answer) {
            source = from;
            if (request.target == "/park") return parked.push_back(std::move(answer));
            if (request.target == "/drop") return;
            if (request.target == "/large") return answer({200, "text/plain", {}, std::string(large, 'x')});
            if (request.target == "/304") return answer({304, "", {{"ETag", "\"1\""}}, "never sent"});
            answer({200, "text/plain", {{"X-Method", request.method}}, request.target + "|" + request.body});
        });
    }
    asio::io_context loop;
    std::optional<http_server> server;
    std::vector<http_responder> parked;
    ip_endpoint source;
    std::size_t large = std::size_t{8} << 20U;
};

struct http_client {
    explicit http_client(http_bench& served) : of{served}, fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(served.server->port());
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    }
    http_client(http_client&& from) noexcept : of{from.of}, fd{std::exchange(from.fd, -1)}, got{std::move(from.got)} {}
    ~http_client() { close(); }
    void close() {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
    void send(std::string_view text) const { (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
    void ask(std::string_view target, std::string_view more = {}) const {
        send("GET " + std::string{target} + " HTTP/1.1\r\nHost: x\r\n" + std::string{more} + "\r\n");
    }
    /// Takes what is there. @returns true once the other side has closed
    bool take() {
        char block[65536];
        for (;;) {
            ssize_t const size = ::recv(fd, block, sizeof block, MSG_DONTWAIT);
            if (size == 0) return true;
            if (size < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
            got.append(block, static_cast<std::size_t>(size));
        }
    }
    /// Waits for a text in what comes.
    bool sees(std::string_view text) {
        return eventually(of.loop, [&] {
            take();
            return got.find(text) != std::string::npos;
        });
    }
    bool sees_end() {
        return eventually(of.loop, [&] { return take(); });
    }
    /// The server is given the time to do this or that.
    void settle(std::chrono::milliseconds time) {
        auto const end = steady::now() + time;
        while (steady::now() < end) of.loop.run_one_for(5ms);
    }

    http_bench& of;
    int fd;
    std::string got;
};

} // namespace net_test

#endif
