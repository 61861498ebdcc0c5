// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of user data between nodes on real loopback sockets: broadcasts, messages, requests, handlers of every kind.
#include <peerkit/net/message.hpp>

#include "unit/net/nodes.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace net_test;
using peerkit::as_bytes;
using peerkit::as_text;
using peerkit::byte_view;
using peerkit::result;
using peerkit::gossip::gossip_error;
using peerkit::gossip::incoming;
using peerkit::net::message;
using peerkit::net::net_error;
namespace gossip = peerkit::gossip;
using blob = std::vector<std::byte>;

namespace {

struct shout {
    std::string operator()(incoming const& m) const { return std::string{m.text()} + "!"; }
};
auto slow_answer = [](message m) -> asio::awaitable<std::string> {
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::milliseconds{300}};
    co_await timer.async_wait(asio::use_awaitable);
    co_return std::string{m.text()} + " at last";
};
static_assert(peerkit::net::MessageCoroutine<decltype(slow_answer)>);
static_assert(!peerkit::net::MessageCoroutine<shout>);

blob of(std::string_view text) {
    byte_view const view = as_bytes(text);
    return {view.begin(), view.end()};
}

/// Three nodes that see each other.
struct trio {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node b = make(loop.get_executor(), quick("b", {a.local()}));
    node c = make(loop.get_executor(), quick("c", {a.local()}));

    trio() {
        for (node* n : {&a, &b, &c}) REQUIRE(n->start());
        REQUIRE(eventually(loop, [&] { return names(a).size() + names(b).size() + names(c).size() == 9; }));
    }
    /// What `b` answers to `a`.
    result<blob> ask(std::string topic, blob payload, peerkit::duration timeout = 5s) {
        std::optional<result<blob>> got;
        asio::co_spawn(loop, a.request(b.id(), std::move(topic), std::move(payload), timeout),
                       [&](std::exception_ptr, result<blob> r) { got = std::move(r); });
        REQUIRE(eventually(loop, [&] { return got.has_value(); }));
        return std::move(*got);
    }
};

std::string text(result<blob> const& r) { return r ? std::string{as_text(*r)} : r.error().message(); }

} // namespace

TEST_CASE("a broadcast reaches the others by topic, large ones and those without a handler of their own, too") {
    trio t;
    std::map<std::string, int> got;
    for (auto [n, name] : {std::pair{&t.a, "a"}, {&t.b, "b"}, {&t.c, "c"}}) {
        REQUIRE(n->on_message("chat", [&got, name = std::string{name}, &t](incoming const& m) {
            CHECK(m.what.from == t.a.id());
            ++got[name + " " + std::string{m.text()}];
        }));
        REQUIRE(n->on_message("", [&got, name = std::string{name}](incoming const& m) {
            ++got[name + " other " + std::string{m.topic()} + " " + std::to_string(m.payload.size())];
        }));
    }
    CHECK(t.a.broadcast("chat", as_bytes("hi")).value() == 1);
    CHECK(t.a.broadcast("bulk", blob(50'000)).value() == 2);
    CHECK(eventually(t.loop, [&] { return got.size() == 4; }));
    t.loop.run_for(500ms);
    CHECK(got ==
          std::map<std::string, int>{{"b hi", 1}, {"c hi", 1}, {"b other bulk 50000", 1}, {"c other bulk 50000", 1}});
    CHECK(t.a.broadcast("two words", {}).error() == peerkit::core_error::bad_character);
    CHECK(t.a.on_message("two words", shout{}).error() == peerkit::core_error::bad_character);
}

TEST_CASE("requests are answered by functions, coroutines, later, or not at all") {
    trio t;
    REQUIRE(t.b.on_message("shout", shout{}));
    REQUIRE(t.b.on_message("slow", slow_answer));
    std::vector<gossip::request_id> open;
    REQUIRE(t.b.on_message("later", [&](incoming const& m) { open.push_back(m.what.request); }));
    REQUIRE(t.b.on_message("large", [](incoming const& m) { return blob(m.payload.size() * 2); }));
    t.b.on_topics(gossip::topics<gossip::on<"fixed", shout>>{});

    CHECK(text(t.ask("shout", of("hey"))) == "hey!");
    CHECK(text(t.ask("fixed", of("hey"))) == "hey!");
    CHECK(text(t.ask("slow", of("done"))) == "done at last");
    CHECK(t.ask("large", blob(25'000)).value().size() == 50'000);
    CHECK(t.ask("large", blob(50'000)).error() == gossip_error::request_refused);
    CHECK(t.ask("unheard of", {}).error() == peerkit::core_error::bad_character);
    CHECK(t.ask("unheard-of", {}).error() == gossip_error::request_refused);
    CHECK(t.ask("later", {}, 300ms).error() == gossip_error::request_timed_out);
    REQUIRE(open.size() == 1);

    std::optional<result<blob>> got;
    asio::co_spawn(t.loop, t.a.request(t.b.id(), "later", {}),
                   [&](std::exception_ptr, result<blob> r) { got = std::move(r); });
    REQUIRE(eventually(t.loop, [&] { return open.size() == 2; }));
    SUBCASE("answered") {
        REQUIRE(t.b.respond(open[1], as_bytes("now")));
        CHECK(t.b.respond(open[1], {}).error() == gossip_error::no_such_request);
        REQUIRE(eventually(t.loop, [&] { return got.has_value(); }));
        CHECK(text(*got) == "now");
    }
    SUBCASE("declined") {
        REQUIRE(t.b.decline(open[1]));
        REQUIRE(eventually(t.loop, [&] { return got.has_value(); }));
        CHECK(got->error() == gossip_error::request_refused);
    }
    SUBCASE("the asker is stopped meanwhile") {
        t.a.stop();
        REQUIRE(eventually(t.loop, [&] { return got.has_value(); }));
        CHECK(got->error() == net_error::stopped);
    }
}

TEST_CASE("messages to one arrive, reliable ones are confirmed, and handlers may call the node") {
    trio t;
    std::vector<std::string> got;
    REQUIRE(t.b.on_message("note", [&](incoming const& m) {
        // What is said here travels behind what is being carried out.
        for (int i = 0; i < 50; ++i) CHECK(t.b.send_message(m.what.from, "echo", blob(800)));
        got.emplace_back(m.text());
    }));
    int echoes = 0;
    REQUIRE(t.a.on_message("echo", [&](incoming const&) { ++echoes; }));
    REQUIRE(t.a.send_message(t.b.id(), "note", as_bytes("quick")));
    CHECK(eventually(t.loop, [&] { return got == std::vector<std::string>{"quick"} && echoes >= 1; }));
    CHECK(t.a.send_message(t.b.id(), "note", blob(5000)).error() == gossip_error::message_too_large);

    std::optional<result<void>> sure;
    asio::co_spawn(t.loop, t.a.send_reliably(t.b.id(), "note", of(std::string(20'000, 's'))),
                   [&](std::exception_ptr, result<void> r) { sure = r; });
    REQUIRE(eventually(t.loop, [&] { return sure.has_value(); }));
    CHECK(sure->has_value());
    CHECK(got.back().size() == 20'000);
    // To one that is gone.
    t.b.stop();
    sure.reset();
    asio::co_spawn(t.loop, t.a.send_reliably(t.b.id(), "note", {}, 400ms),
                   [&](std::exception_ptr, result<void> r) { sure = r; });
    REQUIRE(eventually(t.loop, [&] { return sure.has_value(); }));
    CHECK(sure->error() == gossip_error::request_timed_out);
}

TEST_CASE("a node that is not running says so") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    CHECK(a.broadcast("t", {}).error() == net_error::not_started);
    CHECK(a.send_message(a.id(), "t", {}).error() == net_error::not_started);
    CHECK(a.respond({}, {}).error() == net_error::not_started);
    CHECK(a.decline({}).error() == net_error::not_started);
    std::optional<result<blob>> got;
    asio::co_spawn(loop, a.request(a.id(), "t", {}), [&](std::exception_ptr, result<blob> r) { got = std::move(r); });
    CHECK(eventually(loop, [&] { return got.has_value(); }));
    CHECK(got->error() == net_error::not_started);
    a.stop();
    CHECK(a.broadcast("t", {}).error() == net_error::stopped);
}
