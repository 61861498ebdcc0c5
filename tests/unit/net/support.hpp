// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the tests of the net floor share: running loops with a limit, scratch directories, servers on unix sockets.
#ifndef PEERKIT_TESTS_UNIT_NET_SUPPORT_HPP
#define PEERKIT_TESTS_UNIT_NET_SUPPORT_HPP

#include <peerkit/core/error.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace net_test {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

/// Sanitizers and a busy machine make everything slower: limits are for failures, not for measuring.
inline constexpr auto patience = 30s;

/// Runs the loop until `done()`, or gives up after `limit`.
template <typename Done>
bool eventually(asio::io_context& loop, Done done, steady::duration limit = patience) {
    auto const end = steady::now() + limit;
    while (!done()) {
        if (steady::now() > end) return false;
        if (loop.stopped()) loop.restart();
        if (loop.run_one_for(10ms) == 0) std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// True if the loop runs out of work within the limit.
inline bool runs_out(asio::io_context& loop, steady::duration limit = patience) {
    if (loop.stopped()) loop.restart();
    loop.run_for(limit);
    return loop.stopped();
}

/// Runs one coroutine to its end and gives what it returned. Everything it began must have ended, too.
template <typename T>
T finish(asio::io_context& loop, asio::awaitable<T> what) {
    std::optional<T> got;
    std::exception_ptr thrown;
    asio::co_spawn(loop, std::move(what), [&](std::exception_ptr e, T value) {
        thrown = e;
        got.emplace(std::move(value));
    });
    bool const ended = runs_out(loop);
    if (thrown) std::rethrow_exception(thrown);
    REQUIRE_MESSAGE((ended && got.has_value()), "the coroutine did not end");
    return std::move(*got);
}

/// A UDP port that nobody uses now.
inline std::uint16_t free_port() {
    asio::io_context loop;
    return asio::ip::udp::socket{loop, {asio::ip::udp::v4(), 0}}.local_endpoint().port();
}

/// A directory that is removed with its owner.
class scratch_directory {
public:
    scratch_directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "peerkit-test-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    scratch_directory(scratch_directory const&) = delete;
    scratch_directory& operator=(scratch_directory const&) = delete;
    ~scratch_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
    [[nodiscard]] std::string path() const { return path_.string(); }
    std::string write(std::string_view name, std::string_view text) const {
        std::ofstream{path_ / name, std::ios::binary} << text;
        return file(name);
    }

private:
    std::filesystem::path path_;
};

/// A server on a unix socket that takes one connection on a thread of its own and lets `serve(fd)` talk to it.
class unix_server {
public:
    unix_server(std::string const& path, std::function<void(int)> serve)
        : listener_{::socket(AF_UNIX, SOCK_STREAM, 0)} {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        path.copy(name.sun_path, sizeof name.sun_path - 1);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
        REQUIRE(::listen(listener_, 4) == 0);
        thread_ = std::thread{[this, serve = std::move(serve)] {
            int const client = ::accept(listener_, nullptr, nullptr);
            if (client < 0) return;
            serve(client);
            ::close(client);
        }};
    }
    unix_server(unix_server const&) = delete;
    unix_server& operator=(unix_server const&) = delete;
    ~unix_server() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

private:
    int listener_;
    std::thread thread_;
};

/// Reads a request up to its blank line.
inline std::string read_request(int client) {
    std::string text;
    char c = 0;
    while (!text.ends_with("\r\n\r\n") && ::read(client, &c, 1) == 1) text.push_back(c);
    return text;
}
inline void write_text(int client, std::string_view text) {
    while (!text.empty()) {
        ssize_t const put = ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
        if (put <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
}

} // namespace net_test

#endif
