// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of noticing that a file was written, replaced, removed or made.
#include <peerkit/net/file_watch.hpp>

#include "unit/net/support.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

using namespace net_test;
using peerkit::discovery::discovery_error;
using peerkit::net::stamp_of;
using peerkit::net::stop_state;

namespace {

/// Watches a file while something happens to it 30 ms later.
template <typename Change>
bool notices(std::string const& path, Change change) {
    asio::io_context loop;
    asio::steady_timer later{loop, 30ms};
    later.async_wait([&](asio::error_code) { change(); });
    auto const seen = stamp_of(path);
    return finish(loop,
                  peerkit::net::watch_file(loop.get_executor(), std::make_shared<stop_state>(), {path, seen}, 5ms))
        .has_value();
}

} // namespace

TEST_CASE("a file that is written, replaced, removed or made has changed") {
    scratch_directory const scratch;
    std::string const path = scratch.write("peers", "one");
    CHECK(notices(path, [&] { scratch.write("peers", "longer"); }));
    CHECK(notices(path, [&] { std::filesystem::rename(scratch.write("new", "longer"), path); }));
    CHECK(notices(path, [&] { std::filesystem::remove(path); }));
    CHECK_FALSE(stamp_of(path));
    CHECK(notices(path, [&] { scratch.write("peers", ""); }));
}

TEST_CASE("a change made before the watch begins is noticed at once") {
    scratch_directory const scratch;
    std::string const path = scratch.write("peers", "one");
    asio::io_context loop;
    CHECK(finish(
        loop, peerkit::net::watch_file(loop.get_executor(), std::make_shared<stop_state>(), {path, std::nullopt}, 1h)));
}

TEST_CASE("a file that stays as it is is watched until the stop") {
    scratch_directory const scratch;
    std::string const path = scratch.write("peers", "one");
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    asio::steady_timer later{loop, 50ms};
    later.async_wait([&](asio::error_code) { stop->stop(); });
    auto const end = finish(loop, peerkit::net::watch_file(loop.get_executor(), stop, {path, stamp_of(path)}, 5ms));
    REQUIRE_FALSE(end);
    CHECK(end.error() == discovery_error::unavailable);
    CHECK(end.error().position() == ECANCELED);
}

TEST_CASE("a path with a zero byte names no file") { CHECK_FALSE(stamp_of(std::string{"/tmp\0x", 6})); }
