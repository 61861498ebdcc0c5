// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of lookups by the system's resolver, and by one that hangs.
#include <peerkit/net/system_resolver.hpp>

#include "unit/net/support.hpp"

#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <netdb.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace net_test;
using peerkit::ip_address;
using peerkit::result;
using peerkit::discovery::discovery_error;
using peerkit::discovery::named;
using peerkit::discovery::resolved;
using peerkit::net::looked_up;
using peerkit::net::stop_state;
using peerkit::net::system_resolver;

namespace {

std::atomic<int> under_way{0}, most_under_way{0};
std::atomic<bool> released{true};

/// Answers "slow..." when it is released; other names at once.
struct scripted {
    looked_up operator()(peerkit::discovery::resolve_name const& wanted) const {
        int const now = ++under_way;
        for (int seen = most_under_way; seen < now && !most_under_way.compare_exchange_weak(seen, now);) {}
        if (wanted.host.starts_with("slow")) {
            while (!released) std::this_thread::sleep_for(1ms);
        }
        --under_way;
        looked_up answer;
        if (wanted.host.starts_with("code ")) {
            answer.code = std::stoi(wanted.host.substr(5));
            answer.system_error = EMFILE;
        } else if (wanted.host == "greedy") {
            throw std::bad_alloc{};
        } else {
            answer.addresses = {ip_address::v4(192, 0, 2, 1), ip_address::v4(192, 0, 2, 2)};
        }
        return answer;
    }
    looked_up operator()(peerkit::discovery::resolve_address const& wanted) const {
        looked_up answer;
        if (wanted.address.is_loopback())
            answer.code = EAI_NONAME;
        else
            answer.host = "host-of-" + wanted.address.to_string();
        return answer;
    }
};
using scripted_resolver = peerkit::net::basic_system_resolver<scripted>;
static_assert(peerkit::net::check_resolver<scripted_resolver>());

peerkit::discovery::resolve_name ask(std::string host, peerkit::duration timeout = 20s, unsigned tries = 1) {
    peerkit::discovery::resolve_name what;
    what.host = std::move(host);
    what.timeout = timeout;
    what.tries = tries;
    return what;
}

void let_threads_end(scripted_resolver const& lookup) {
    released = true;
    for (int i = 0; i < 10000 && lookup.running() != 0; ++i) std::this_thread::sleep_for(1ms);
    CHECK(lookup.running() == 0);
}

} // namespace

TEST_CASE("the system's resolver knows localhost, and says what it does not know") {
    asio::io_context loop;
    system_resolver lookup{loop.get_executor()};
    auto const stop = std::make_shared<stop_state>();
    auto const got = finish(loop, lookup.resolve(stop, ask("localhost")));
    REQUIRE(got);
    REQUIRE_FALSE(got->addresses.empty());
    for (ip_address const& a : got->addresses) CHECK(a.is_loopback());
    // Reserved never to exist (RFC 6761), and answered at once where there is no network.
    auto const none = finish(loop, lookup.resolve(stop, ask("peerkit.invalid", 10s)));
    REQUIRE_FALSE(none);
    CHECK((none.error() == discovery_error::unresolved || none.error() == discovery_error::server_failed ||
           none.error() == discovery_error::timed_out));
}

TEST_CASE("only the families asked for are answered") {
    asio::io_context loop;
    system_resolver lookup{loop.get_executor()};
    auto const stop = std::make_shared<stop_state>();
    auto four = ask("localhost"), six = ask("localhost");
    four.families = peerkit::discovery::address_families::v4;
    six.families = peerkit::discovery::address_families::v6;
    auto const only_four = finish(loop, lookup.resolve(stop, four));
    REQUIRE(only_four);
    for (ip_address const& a : only_four->addresses) CHECK(a.family() == peerkit::ip_family::v4);
    // Not every machine gives localhost an IPv6 address.
    if (auto const only_six = finish(loop, lookup.resolve(stop, six))) {
        for (ip_address const& a : only_six->addresses) CHECK(a.family() == peerkit::ip_family::v6);
    } else {
        CHECK(only_six.error() == discovery_error::unresolved);
    }
}

TEST_CASE("an address is its own answer, without a thread") {
    struct never_asked {
        looked_up operator()(peerkit::discovery::resolve_name const&) const { std::abort(); }
        looked_up operator()(peerkit::discovery::resolve_address const&) const { std::abort(); }
    };
    asio::io_context loop;
    peerkit::net::basic_system_resolver<never_asked> lookup{loop.get_executor()};
    auto const stop = std::make_shared<stop_state>();
    auto const got = finish(loop, lookup.resolve(stop, ask("2001:db8::1")));
    REQUIRE(got);
    REQUIRE(got->addresses.size() == 1);
    CHECK(got->addresses.front().to_string() == "2001:db8::1");
    CHECK_FALSE(got->time_to_live);
    // Neither is anything asked that cannot be a name, or an address.
    for (std::string const& host : {std::string{}, std::string{"good.example\0evil.example", 25}}) {
        auto const none = finish(loop, lookup.resolve(stop, ask(host)));
        REQUIRE_FALSE(none);
        CHECK(none.error() == discovery_error::unresolved);
    }
    auto const nobody = finish(loop, lookup.resolve(stop, peerkit::discovery::resolve_address{}));
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error() == discovery_error::unresolved);
}

TEST_CASE("no such name, a resolver that could not tell, and a system that failed are told apart") {
    asio::io_context loop;
    scripted_resolver lookup{loop.get_executor()};
    struct {
        int code;
        discovery_error error;
        std::uint64_t position;
    } const cases[] = {
        {EAI_NONAME, discovery_error::unresolved, static_cast<std::uint64_t>(std::abs(EAI_NONAME))},
        {EAI_AGAIN, discovery_error::server_failed, static_cast<std::uint64_t>(std::abs(EAI_AGAIN))},
        {EAI_FAIL, discovery_error::server_failed, static_cast<std::uint64_t>(std::abs(EAI_FAIL))},
        {EAI_SYSTEM, discovery_error::unavailable, EMFILE},
        {EAI_MEMORY, discovery_error::unavailable, ENOMEM},
#ifdef EAI_NODATA
        {EAI_NODATA, discovery_error::unresolved, static_cast<std::uint64_t>(std::abs(EAI_NODATA))},
#endif
    };
    auto const stop = std::make_shared<stop_state>();
    for (auto const& c : cases) {
        CAPTURE(c.code);
        auto const got = finish(loop, lookup.resolve(stop, ask("code " + std::to_string(c.code))));
        REQUIRE_FALSE(got);
        CHECK(got.error() == c.error);
        CHECK(got.error().position() == c.position);
    }
}

TEST_CASE("memory that runs out on the thread is an error of this lookup") {
    asio::io_context loop;
    scripted_resolver lookup{loop.get_executor()};
    auto const got = finish(loop, lookup.resolve(std::make_shared<stop_state>(), ask("greedy")));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unavailable);
    CHECK(got.error().position() == ENOMEM);
}

TEST_CASE("addresses are looked up, too; records are not") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    {
        system_resolver lookup{loop.get_executor()};
        peerkit::discovery::resolve_address me;
        me.address = ip_address::v4(127, 0, 0, 1);
        auto const got = finish(loop, lookup.resolve(stop, me));
        REQUIRE(got);
        CHECK_FALSE(got->host.empty());
        auto const service = finish(loop, lookup.resolve(stop, peerkit::discovery::resolve_service{}));
        REQUIRE_FALSE(service);
        CHECK(service.error() == discovery_error::unsupported);
        auto const text = finish(loop, lookup.resolve(stop, peerkit::discovery::resolve_text{}));
        REQUIRE_FALSE(text);
        CHECK(text.error() == discovery_error::unsupported);
    }
    scripted_resolver lookup{loop.get_executor()};
    peerkit::discovery::resolve_address other;
    other.address = ip_address::parse("2001:db8::7").value();
    result<named> const got = finish(loop, lookup.resolve(stop, other));
    REQUIRE(got);
    CHECK(got->host == "host-of-2001:db8::7");
    other.address = ip_address::v4(127, 0, 0, 1);
    auto const none = finish(loop, lookup.resolve(stop, other));
    REQUIRE_FALSE(none);
    CHECK(none.error() == discovery_error::unresolved);
}

TEST_CASE("a resolver that hangs is left behind when the time is over") {
    asio::io_context loop;
    scripted_resolver lookup{loop.get_executor()};
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

TEST_CASE("all tries together are the time that a lookup has") {
    asio::io_context loop;
    scripted_resolver lookup{loop.get_executor()};
    released = false;
    auto const begun = steady::now();
    auto const got = finish(loop, lookup.resolve(std::make_shared<stop_state>(), ask("slow", 20ms, 3)));
    CHECK(steady::now() - begun >= 60ms);
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::timed_out);
    CHECK(got.error().position() == 60);
    let_threads_end(lookup);
}

TEST_CASE("a resolver moved or destroyed during a lookup lets it go on") {
    asio::io_context loop;
    std::optional<scripted_resolver> lookup{loop.get_executor()};
    released = false;
    std::optional<result<resolved>> got;
    asio::co_spawn(loop, lookup->resolve(std::make_shared<stop_state>(), ask("slow")),
                   [&](std::exception_ptr, result<resolved> r) { got = r; });
    CHECK(eventually(loop, [] { return under_way == 1; }));
    scripted_resolver other = std::move(*lookup);
    lookup.reset();
    released = true;
    CHECK(eventually(loop, [&] { return got.has_value(); }));
    CHECK(got->has_value());
    let_threads_end(other);
}

TEST_CASE("the stop leaves a resolver that hangs behind, and the loop has nothing left to do") {
    asio::io_context loop;
    scripted_resolver lookup{loop.get_executor()};
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
    std::optional<scripted_resolver> lookup; // outlives the loop only for its count
    auto const begun = steady::now();
    {
        asio::io_context loop;
        lookup.emplace(loop.get_executor());
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
    scripted_resolver lookup{loop.get_executor(), 4};
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
    scripted_resolver lookup{loop.get_executor(), 1};
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
