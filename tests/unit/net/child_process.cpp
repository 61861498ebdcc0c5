// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of child processes by themselves; what they print is tested with command.hpp.
#include <peerkit/net/child_process.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

using namespace net_test;
using peerkit::net::child_process;

TEST_CASE("a child inherits no descriptors but its standard ones") {
    int const leaky = ::open("/dev/null", O_RDONLY); // not close-on-exec, as a careless host leaves it
    REQUIRE(leaky > 2);
    auto child =
        child_process::start({"sh", "-c", "[ -e /proc/self/fd/" + std::to_string(leaky) + " ] && exit 9; exit 0"});
    ::close(leaky);
    REQUIRE(child);
    asio::io_context loop;
    auto const status = finish(loop, child->wait(loop.get_executor()));
    REQUIRE(status);
#if defined(__GLIBC__) && __GLIBC__ == 2 && __GLIBC_MINOR__ >= 34
    CHECK(*status == 0);
#endif
}

TEST_CASE("a child has default signal handling and no blocked signals, whatever the host has") {
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, &before);
    auto const pipe_before = ::signal(SIGPIPE, SIG_IGN);
    auto child = child_process::start({"sh", "-c", "kill -TERM $$; exit 1"});
    auto piped = child_process::start({"sh", "-c", "kill -PIPE $$; exit 1"});
    ::signal(SIGPIPE, pipe_before);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    REQUIRE(child);
    REQUIRE(piped);
    asio::io_context loop;
    CHECK(finish(loop, child->wait(loop.get_executor())).value() == 128 + SIGTERM);
    CHECK(finish(loop, piped->wait(loop.get_executor())).value() == 128 + SIGPIPE);
}

TEST_CASE("a child that is no longer wanted is killed and reaped") {
    pid_t pid = 0;
    {
        auto child = child_process::start({"sleep", "1000"});
        REQUIRE(child);
        pid = child->pid();
        child_process moved = std::move(*child);
        CHECK(moved.pid() == pid);
    }
    bool gone = false;
    for (int i = 0; i < 1000 && !gone; ++i) {
        gone = ::kill(pid, 0) != 0 && errno == ESRCH;
        if (!gone) std::this_thread::sleep_for(10ms);
    }
    CHECK(gone);
}

TEST_CASE("standard descriptors that the host has closed do not confuse the child's pipes") {
    // In a process of its own, as the test needs its standard descriptors.
    pid_t const host = ::fork();
    if (host == 0) {
        ::close(0);
        ::close(1);
        ::close(2);
        auto child = child_process::start({"sh", "-c", "echo out; echo err >&2"});
        if (!child) ::_exit(1);
        peerkit::net::owned_fd const out = child->take_output(), err = child->take_diagnostics();
        int status = 0;
        if (::waitpid(child->pid(), &status, 0) < 0 || status != 0) ::_exit(2);
        std::array<char, 16> buffer{};
        if (::read(out.get(), buffer.data(), buffer.size()) != 4 || buffer[0] != 'o') ::_exit(3);
        if (::read(err.get(), buffer.data(), buffer.size()) != 4 || buffer[0] != 'e') ::_exit(4);
        ::_exit(0);
    }
    REQUIRE(host > 0);
    int status = 0;
    REQUIRE(::waitpid(host, &status, 0) == host);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
