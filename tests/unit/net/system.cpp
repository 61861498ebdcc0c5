// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of owned descriptors and detached threads.
#include <peerkit/net/system.hpp>

#include <asio/error.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <future>
#include <memory>
#include <utility>

using namespace peerkit::net;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
} // namespace

TEST_CASE("an owned descriptor is closed once, by its last owner") {
    int raw = -1;
    {
        owned_fd first{::open("/dev/null", O_RDONLY)};
        raw = first.get();
        REQUIRE(is_open(raw));
        owned_fd second{std::move(first)};
        CHECK_FALSE(first);
        CHECK(second.get() == raw);
        owned_fd third;
        third = std::move(second);
        CHECK(is_open(raw));
        int const released = third.release();
        CHECK_FALSE(third);
        CHECK(is_open(released));
        third = owned_fd{released};
    }
    CHECK_FALSE(is_open(raw));
}

TEST_CASE("a descriptor is marked so that programs do not inherit it") {
    owned_fd const fd{::open("/dev/null", O_RDONLY)};
    CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) == 0);
    close_on_exec(fd.get());
    CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the system's code is kept") {
    CHECK(system_code(asio::error::connection_refused) == ECONNREFUSED);
    CHECK(system_code({}) == 0);
}

TEST_CASE("a detached thread runs with every signal blocked and leaves the caller's signals alone") {
    auto const done = std::make_shared<std::promise<bool>>();
    auto result = done->get_future();
    REQUIRE(run_detached([done] {
                sigset_t now;
                ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
                done->set_value(sigismember(&now, SIGINT) == 1 && sigismember(&now, SIGTERM) == 1);
            }) == 0);
    CHECK(result.get());
    sigset_t mine;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGINT) == 0);
}
