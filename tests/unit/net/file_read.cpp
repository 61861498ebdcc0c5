// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading files: whole, bounded, regular ones only.
#include <peerkit/net/file_read.hpp>

#include "unit/net/support.hpp"

#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string>

using namespace net_test;
using peerkit::result;
using peerkit::discovery::discovery_error;
using peerkit::discovery::file_text;
using peerkit::net::stop_state;

namespace {

result<file_text> read(std::string path, std::size_t limit = 1 << 20) {
    asio::io_context loop;
    peerkit::discovery::read_file what;
    what.path = std::move(path);
    what.max_bytes = limit;
    return finish(loop, peerkit::net::read_file(loop.get_executor(), std::make_shared<stop_state>(), std::move(what)));
}

} // namespace

TEST_CASE("a file is read whole, in several turns when it is large") {
    scratch_directory const scratch;
    std::string text(300000, 'x');
    text[70000] = '\0';
    text.back() = '!';
    auto const got = read(scratch.write("large", text));
    REQUIRE(got);
    CHECK(got->text == text);
    CHECK(read(scratch.write("empty", "")).value().text.empty());
}

TEST_CASE("a file above the limit is refused, at the limit read") {
    scratch_directory const scratch;
    CHECK(read(scratch.write("ten", "0123456789"), 10).value().text == "0123456789");
    auto const got = read(scratch.write("eleven", "0123456789a"), 10);
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::too_large);
    CHECK(got.error().position() == 10);
    // Files of the proc file system say that they are empty; what is read counts.
    CHECK(read("/proc/self/status", 10).error() == discovery_error::too_large);
    CHECK(read("/proc/self/status").value().text.size() > 10);
}

TEST_CASE("what is missing, not permitted or not a regular file is unavailable, with the reason") {
    scratch_directory const scratch;
    auto const missing = read(scratch.file("none"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error() == discovery_error::unavailable);
    CHECK(missing.error().position() == ENOENT);
    CHECK(read(scratch.path()).error().position() == EINVAL);
    REQUIRE(::mkfifo(scratch.file("pipe").c_str(), 0600) == 0);
    CHECK(read(scratch.file("pipe")).error().position() == EINVAL);
    CHECK(read(scratch.write("x", "") + std::string(1, '\0')).error().position() == EINVAL);
}

TEST_CASE("the stop ends the reading between two turns") {
    scratch_directory const scratch;
    std::string const path = scratch.write("large", std::string(1 << 20, 'x'));
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    stop->stop();
    auto const got = finish(loop, peerkit::net::read_file(loop.get_executor(), stop, {path, 1 << 21}));
    REQUIRE_FALSE(got);
    CHECK(got.error().position() == ECANCELED);
}
