// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a channel of c-ares on Asio: every query is answered exactly once, and sockets go when nothing is under way.
#include <peerkit/net/cares_channel.hpp>

#include "support/dns_server.hpp"
#include "unit/net/support.hpp"

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace net_test;
using peerkit::byte_view;
using peerkit::discovery::discovery_error;
using peerkit::net::cares_channel;
using peerkit::net::cares_options;
using peerkit::net::cares_servers;
using peerkit::wire::dns_type;
using peerkit_test::dns_query;
using peerkit_test::dns_replies;
using peerkit_test::dns_reply;
using peerkit_test::dns_server;

namespace {

dns_replies answer(dns_query const& query) {
    if (query.label() == "silent") return {};
    if (query.label() == "none") return {dns_reply{query, 3}.bytes()};
    return {dns_reply{query}.address(query.name.to_string(), "192.0.2.1").bytes()};
}

struct world {
    dns_server server{answer};
    asio::io_context loop;
    std::shared_ptr<cares_channel> channel = cares_channel::open(loop.get_executor(), {.servers = server.at()}).value();
    std::vector<int> statuses;

    void ask(char const* name) {
        channel->ask(name, dns_type::a, [this](int status, byte_view reply) {
            CHECK(reply.empty() == (status != ARES_SUCCESS));
            statuses.push_back(status);
        });
    }
};

} // namespace

TEST_CASE("a query is answered with the reply, or with what went wrong") {
    world w;
    w.ask("ok.test");
    w.ask("none.test");
    CHECK(w.channel->under_way() == 2);
    // The sockets go with the last query: then the loop has nothing left to do.
    CHECK(runs_out(w.loop));
    CHECK(w.channel->under_way() == 0);
    CHECK(w.statuses.size() == 2);
    CHECK(std::count(w.statuses.begin(), w.statuses.end(), int{ARES_SUCCESS}) == 1);
    CHECK(std::count(w.statuses.begin(), w.statuses.end(), int{ARES_ENOTFOUND}) == 1);
    w.ask("ok.test");
    CHECK(runs_out(w.loop));
    CHECK(w.statuses.size() == 3);
}

TEST_CASE("an answer may lead to the next question") {
    world w;
    int asked = 0;
    std::function<void()> next = [&] {
        w.channel->ask("ok.test", dns_type::a, [&](int status, byte_view) {
            CHECK(status == ARES_SUCCESS);
            if (++asked < 5) next();
        });
    };
    next();
    CHECK(runs_out(w.loop));
    CHECK(asked == 5);
}

TEST_CASE("cancelled, all that is under way is answered at once, and the channel goes on") {
    world w;
    w.ask("silent.test");
    w.ask("silent.test");
    w.loop.run_for(10ms);
    CHECK(w.statuses.empty());
    w.channel->cancel();
    CHECK(w.statuses == std::vector<int>{ARES_ECANCELLED, ARES_ECANCELLED});
    CHECK(w.channel->under_way() == 0);
    CHECK(runs_out(w.loop));
    w.ask("ok.test");
    CHECK(runs_out(w.loop));
    CHECK(w.statuses.back() == ARES_SUCCESS);
}

TEST_CASE("a channel that goes answers what is under way, and its loop has nothing left to do") {
    world w;
    w.ask("silent.test");
    w.loop.run_for(10ms);
    w.channel.reset();
    CHECK(w.statuses == std::vector<int>{ARES_EDESTRUCTION});
    CHECK(runs_out(w.loop));
}

TEST_CASE("servers are written with their ports, and what is no address is refused") {
    CHECK(cares_servers("").value().empty());
    CHECK(cares_servers("192.0.2.1").value() == "192.0.2.1:53");
    CHECK(cares_servers(" 192.0.2.1 , [2001:db8::1]:5353", 99).value() == "192.0.2.1:99,[2001:db8::1]:5353");
    auto const bad = cares_servers("192.0.2.1,dns.example");
    REQUIRE_FALSE(bad);
    CHECK(bad.error() == discovery_error::bad_option);
    CHECK(bad.error().position() == 1);
    asio::io_context loop;
    CHECK_FALSE(cares_channel::open(loop.get_executor(), {.servers = "nobody"}));
}
