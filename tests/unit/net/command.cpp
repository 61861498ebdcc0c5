// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of running commands: output while they run, limits, time, and what happens to those that do not end.
#include <peerkit/net/command.hpp>

#include "unit/net/support.hpp"

#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

using namespace net_test;
using peerkit::result;
using peerkit::discovery::command_exit;
using peerkit::discovery::discovery_error;
using peerkit::net::stop_state;

namespace {

peerkit::discovery::run_command shell(std::string script) {
    peerkit::discovery::run_command made;
    made.argv = {"sh", "-c", std::move(script)};
    made.timeout = 30s;
    return made;
}

result<command_exit> run(peerkit::discovery::run_command what) {
    asio::io_context loop;
    return finish(loop,
                  peerkit::net::run_command(loop.get_executor(), std::make_shared<stop_state>(), std::move(what)));
}

/// Nothing of ours is left to be waited for.
bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

} // namespace

TEST_CASE("a command is found through PATH; its output, diagnostics and status are kept apart") {
    auto const got = run(shell("echo out; echo err >&2; exit 3"));
    REQUIRE(got);
    CHECK(got->status == 3);
    CHECK(got->output == "out\n");
    CHECK(got->diagnostics == "err\n");
    CHECK(no_children());
}

TEST_CASE("arguments are handed over as they are, not read by a shell") {
    peerkit::discovery::run_command what;
    what.argv = {"printf", "%s|", "$HOME", "a b", "*", ";exit"};
    auto const got = run(std::move(what));
    REQUIRE(got);
    CHECK(got->output == "$HOME|a b|*|;exit|");
}

TEST_CASE("standard input is empty") {
    auto const got = run(shell("cat; echo end"));
    REQUIRE(got);
    CHECK(got->output == "end\n");
}

TEST_CASE("output larger than a pipe holds is read while the command runs") {
    auto const got = run(shell("i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678901234567890123456789012345678;"
                               " echo noise >&2; i=$((i+1)); done"));
    REQUIRE(got);
    CHECK(got->status == 0);
    CHECK(got->output.size() == 250000);
    CHECK(got->diagnostics.size() == 4096);
}

TEST_CASE("a command that floods is killed at the limit") {
    auto what = shell("while :; do echo flood; done");
    what.max_bytes = 100000;
    auto const got = run(std::move(what));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::too_large);
    CHECK(got.error().position() == 100000);
    CHECK(no_children());
}

TEST_CASE("output of exactly the limit is no flood") {
    auto what = shell("printf 1234567890");
    what.max_bytes = 10;
    auto const got = run(std::move(what));
    REQUIRE(got);
    CHECK(got->output == "1234567890");
}

TEST_CASE("a command that does not end is killed with everything it started, when its time is over") {
    scratch_directory const scratch;
    auto what = shell("trap '' TERM INT; (sleep 1000; :) & echo $! > " + scratch.file("pid") + "; wait; sleep 1000");
    what.timeout = 300ms;
    auto const begun = steady::now();
    auto const got = run(std::move(what));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::timed_out);
    CHECK(got.error().position() == 300);
    CHECK(steady::now() - begun < 20s);
    CHECK(no_children());
    int background = 0;
    std::ifstream{scratch.file("pid")} >> background;
    REQUIRE(background > 1);
    // The orphan is reaped by whoever adopts orphans; until then it is a zombie, which no longer runs.
    bool gone = false;
    for (int i = 0; i < 500 && !gone; ++i) {
        std::string state = "gone";
        std::ifstream stat{"/proc/" + std::to_string(background) + "/stat"};
        if (stat) stat >> state >> state >> state;
        gone = ::kill(background, 0) != 0 || state == "Z" || state == "X" || state == "gone";
        if (!gone) std::this_thread::sleep_for(10ms);
    }
    CHECK(gone);
}

TEST_CASE("a descendant that keeps the pipes open does not hold up the answer") {
    auto const begun = steady::now();
    auto const got = run(shell("echo answer; setsid sleep 20 & exit 0"));
    REQUIRE(got);
    CHECK(got->output == "answer\n");
    CHECK(steady::now() - begun < 15s);
}

TEST_CASE("a command ended by a signal says which") {
    auto const got = run(shell("kill -SEGV $$"));
    REQUIRE(got);
    CHECK(got->status == 128 + SIGSEGV);
}

TEST_CASE("a program that does not exist or cannot be executed is unavailable, with the reason") {
    peerkit::discovery::run_command what;
    what.argv = {"peerkit-no-such-program"};
    auto const missing = run(what);
    REQUIRE_FALSE(missing);
    CHECK(missing.error() == discovery_error::unavailable);
    CHECK(missing.error().position() == ENOENT);

    scratch_directory const scratch;
    what.argv = {scratch.write("data", "no program")};
    auto const denied = run(what);
    REQUIRE_FALSE(denied);
    CHECK(denied.error().position() == EACCES);

    what.argv = {};
    CHECK(run(what).error() == discovery_error::bad_option);
}

TEST_CASE("the stop kills a command and comes back at once") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    asio::steady_timer later{loop, 50ms};
    later.async_wait([&](asio::error_code) { stop->stop(); });
    auto const begun = steady::now();
    auto const got = finish(loop, peerkit::net::run_command(loop.get_executor(), stop, shell("sleep 1000")));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unavailable);
    CHECK(got.error().position() == ECANCELED);
    CHECK(steady::now() - begun < 20s);
    CHECK(no_children());
}

TEST_CASE("a host that waits for all its children takes the status, which is then an error and not a guess") {
    struct sigaction ignore{}, before{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGCHLD, &ignore, &before);
    auto const got = run(shell("echo out"));
    ::sigaction(SIGCHLD, &before, nullptr);
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unavailable);
    CHECK(got.error().position() == ECHILD);
}

TEST_CASE("other children of the host are left to the host") {
    pid_t const other = ::fork();
    if (other == 0) ::_exit(7);
    REQUIRE(other > 0);
    CHECK(run(shell("exit 0")));
    int status = 0;
    CHECK(::waitpid(other, &status, 0) == other);
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("a context destroyed while a command runs kills it") {
    pid_t child = 0;
    scratch_directory const scratch;
    {
        asio::io_context loop;
        auto const stop = std::make_shared<stop_state>();
        asio::co_spawn(loop,
                       peerkit::net::run_command(loop.get_executor(), stop,
                                                 shell("echo $$ > " + scratch.file("pid") + "; sleep 1000")),
                       [](std::exception_ptr, result<command_exit>) { FAIL("ended"); });
        REQUIRE(eventually(loop, [&] { return static_cast<bool>(std::ifstream{scratch.file("pid")} >> child); }));
    }
    bool gone = false;
    for (int i = 0; i < 1000 && !gone; ++i) {
        gone = ::kill(child, 0) != 0;
        if (!gone) std::this_thread::sleep_for(10ms);
    }
    CHECK(gone);
}
