// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of host name lookups, with the system's resolver and with one that hangs.
#include <peerkit/net/name_lookup.hpp>

#include "unit/net/support.hpp"

#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <netdb.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

using namespace net_test;
using peerkit::ip_address;
using peerkit::result;
using peerkit::discovery::discovery_error;
using peerkit::discovery::resolved;
using peerkit::net::looked_up;
using peerkit::net::name_lookup;
using peerkit::net::stop_state;

namespace {

std::atomic<int> under_way{0}, most_under_way{0};
std::atomic<bool> released{true};

/// Answers "slow..." when it is released; other names at once.
looked_up scripted(std::string const& host) {
    int const now = ++under_way;
    for (int seen = most_under_way; seen < now && !most_under_way.compare_exchange_weak(seen, now);) {}
    if (host.starts_with("slow")) {
        while (!released) std::this_thread::sleep_for(1ms);
    }
    --under_way;
    looked_up answer;
    if (host == "nobody")
        answer.code = EAI_NONAME;
    else
        answer.addresses = {ip_address::v4(192, 0, 2, 1), ip_address::v4(192, 0, 2, 2)};
    return answer;
}

peerkit::discovery::resolve_name ask(std::string host, peerkit::duration timeout = 20s) {
    peerkit::discovery::resolve_name what;
    what.host = std::move(host);
    what.timeout = timeout;
    return what;
}

void let_threads_end(name_lookup const& lookup) {
    released = true;
    for (int i = 0; i < 10000 && lookup.running() != 0; ++i) std::this_thread::sleep_for(1ms);
    CHECK(lookup.running() == 0);
}

} // namespace

TEST_CASE("the system's resolver knows localhost, and says what it does not know") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor()};
    auto const stop = std::make_shared<stop_state>();
    auto const got = finish(loop, lookup.resolve(stop, ask("localhost")));
    REQUIRE(got);
    REQUIRE_FALSE(got->addresses.empty());
    for (ip_address const& a : got->addresses) CHECK(a.is_loopback());
    // Reserved never to exist (RFC 6761), and answered at once where there is no network.
    auto const none = finish(loop, lookup.resolve(stop, ask("peerkit.invalid", 10s)));
    REQUIRE_FALSE(none);
    CHECK((none.error() == discovery_error::unresolved || none.error() == discovery_error::timed_out));
}

TEST_CASE("an address is its own answer, without a thread") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor(), 16, [](std::string const&) -> looked_up { std::abort(); }};
    auto const got = finish(loop, lookup.resolve(std::make_shared<stop_state>(), ask("2001:db8::1")));
    REQUIRE(got);
    REQUIRE(got->addresses.size() == 1);
    CHECK(got->addresses.front().to_string() == "2001:db8::1");
}

TEST_CASE("a name without addresses is unresolved, with the resolver's code") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor(), 16, scripted};
    auto const got = finish(loop, lookup.resolve(std::make_shared<stop_state>(), ask("nobody")));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unresolved);
    CHECK(got.error().position() == static_cast<std::uint64_t>(std::abs(EAI_NONAME)));
}

TEST_CASE("a resolver that hangs is left behind when the time is over") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor(), 16, scripted};
    released = false;
    auto const begun = steady::now();
    auto const got = finish(loop, lookup.resolve(std::make_shared<stop_state>(), ask("slow", 30ms)));
    CHECK(steady::now() - begun < 20s);
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::timed_out);
    CHECK(got.error().position() == 30);
    CHECK(lookup.running() == 1);
    let_threads_end(lookup);
}

TEST_CASE("the stop leaves a resolver that hangs behind, and the loop has nothing left to do") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor(), 16, scripted};
    auto const stop = std::make_shared<stop_state>();
    released = false;
    asio::steady_timer later{loop, 20ms};
    later.async_wait([&](asio::error_code) { stop->stop(); });
    auto const got = finish(loop, lookup.resolve(stop, ask("slow", 1h)));
    REQUIRE_FALSE(got);
    CHECK(got.error().position() == ECANCELED);
    CHECK(lookup.running() == 1);
    let_threads_end(lookup);
}

TEST_CASE("a context destroyed during a lookup does not wait for it, and the late answer harms nobody") {
    released = false;
    std::optional<name_lookup> lookup; // outlives the loop only for its count
    auto const begun = steady::now();
    {
        asio::io_context loop;
        lookup.emplace(loop.get_executor(), 16, scripted);
        auto const stop = std::make_shared<stop_state>();
        asio::co_spawn(loop, lookup->resolve(stop, ask("slow", 1h)),
                       [](std::exception_ptr, result<resolved>) { FAIL("ended"); });
        loop.run_for(20ms);
        CHECK(lookup->running() == 1);
    }
    CHECK(steady::now() - begun < 20s);
    let_threads_end(*lookup);
}

TEST_CASE("many names are looked up a few at a time, and all are answered") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor(), 4, scripted};
    auto const stop = std::make_shared<stop_state>();
    released = false;
    most_under_way = 0;
    int answered = 0;
    for (int i = 0; i < 20; ++i) {
        asio::co_spawn(
            loop, lookup.resolve(stop, ask("slow" + std::to_string(i))),
            [&](std::exception_ptr, result<resolved> got) { answered += got && got->addresses.size() == 2 ? 1 : 0; });
    }
    CHECK(eventually(loop, [] { return under_way == 4; }));
    released = true;
    CHECK(eventually(loop, [&] { return answered == 20; }));
    CHECK(most_under_way == 4);
    let_threads_end(lookup);
}

TEST_CASE("a name that waits for a free thread gives up in its own time") {
    asio::io_context loop;
    name_lookup lookup{loop.get_executor(), 1, scripted};
    auto const stop = std::make_shared<stop_state>();
    released = false;
    asio::co_spawn(loop, lookup.resolve(stop, ask("slow")), [](std::exception_ptr, result<resolved>) {});
    CHECK(eventually(loop, [] { return under_way == 1; }));
    std::optional<result<resolved>> got;
    asio::co_spawn(loop, lookup.resolve(stop, ask("quick", 30ms)),
                   [&](std::exception_ptr, result<resolved> r) { got = r; });
    CHECK(eventually(loop, [&] { return got.has_value(); }));
    CHECK(got->error() == discovery_error::timed_out);
    released = true;
    CHECK(runs_out(loop));
    let_threads_end(lookup);
}
