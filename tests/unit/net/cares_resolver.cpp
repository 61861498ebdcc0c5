// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of lookups by c-ares against a name server that answers, fails, lies, cuts short or is silent as it is told.
#include <peerkit/net/cares_resolver.hpp>

#include "support/dns_server.hpp"
#include "unit/net/support.hpp"

#include <asio/co_spawn.hpp>
#include <asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace net_test;
using namespace peerkit::discovery;
using peerkit::ip_address;
using peerkit::result;
using peerkit::net::cares_options;
using peerkit::net::cares_resolver;
using peerkit::net::stop_state;
using peerkit::wire::dns_type;
using peerkit_test::dns_bytes;
using peerkit_test::dns_query;
using peerkit_test::dns_replies;
using peerkit_test::dns_reply;
using peerkit_test::dns_server;

namespace {

/// What the scripted server says to a name: its first label tells.
dns_replies scripted(dns_query const& query) {
    std::string const name = query.name.to_string();
    std::string const label = query.label();
    bool const v4 = query.type == dns_type::a;
    bool const v6 = query.type == dns_type::aaaa;
    auto const good = [&] {
        dns_reply reply{query};
        if (v4) reply.address(name, "192.0.2.1", 60);
        if (v6) reply.address(name, "2001:db8::1", 30);
        return reply.bytes();
    };
    auto const starts = [&](std::string_view with) { return label.starts_with(with); };
    if (starts("ok")) return {good()};
    if (starts("none")) return {dns_reply{query, 3}.bytes()};
    if (starts("empty")) return {dns_reply{query}.bytes()};
    if (starts("fail")) return {dns_reply{query, 2}.bytes()};
    if (starts("refuse")) return {dns_reply{query, 5}.bytes()};
    if (starts("silent")) return {};
    if (starts("only4")) return {v4 ? good() : dns_reply{query}.bytes()};
    if (starts("drop6")) return v4 ? dns_replies{good()} : dns_replies{};
    if (starts("broken6")) return {v4 ? good() : dns_reply{query, 2}.bytes()};
    if (starts("hole4drop6")) return v4 ? dns_replies{dns_reply{query, 3}.bytes()} : dns_replies{};
    if (starts("void4drop6")) return v4 ? dns_replies{dns_reply{query}.bytes()} : dns_replies{};
    if (starts("hole6")) return {v4 ? good() : dns_reply{query, 3}.bytes()};
    if (starts("lossy")) return query.times > 1 ? dns_replies{good()} : dns_replies{};
    if (starts("many")) {
        if (!query.tcp) return {dns_reply{query}.address(name, "192.0.2.66").truncated().bytes()};
        dns_reply reply{query};
        for (int i = 0; i < 200 && v4; ++i) {
            reply.address(name, ip_address::v4(10, 9, 0, static_cast<std::uint8_t>(i)).to_string());
        }
        return {reply.bytes()};
    }
    if (starts("wrongid")) {
        dns_bytes forged = good();
        forged[0] ^= std::byte{0x55};
        return {forged};
    }
    if (starts("forged")) { // before the true one
        dns_bytes wrong_id = dns_reply{query}.address(name, "192.0.2.66").bytes();
        wrong_id[1] ^= std::byte{1};
        dns_bytes const other = dns_reply{query, peerkit::wire::dns_name::parse("other.test").value()}
                                    .address("other.test", "192.0.2.66")
                                    .bytes();
        return {wrong_id, other, good()};
    }
    if (starts("other")) return {dns_reply{query}.address("evil.test", "192.0.2.66").bytes()};
    if (starts("loop")) { // the owner of the record points to itself
        dns_bytes bytes = dns_reply{query}.bytes();
        bytes[7] = std::byte{1};
        auto const here = static_cast<std::byte>(bytes.size());
        for (int const b : {0xc0, 0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 66})
            bytes.push_back(static_cast<std::byte>(b));
        bytes[static_cast<std::size_t>(here) + 1] = here;
        return {bytes};
    }
    if (starts("lying")) {
        dns_bytes bytes = good();
        bytes[7] = std::byte{200};
        return {bytes};
    }
    if (starts("alias")) return {dns_reply{query}.alias(name, "ok.pk.test", 10).bytes()};
    if (starts("turn"))
        return {dns_reply{query}.alias(name, starts("turn1") ? "turn2.pk.test" : "turn1.pk.test").bytes()};
    if (starts("_peerkit")) {
        dns_reply reply{query};
        if (query.type == dns_type::srv) {
            reply.service(name, 10, 60, 7001, "node01.pk.test", 20).service(name, 20, 0, 7002, "node02.pk.test", 40);
        }
        if (query.type == dns_type::txt) reply.text(name, {"v=1", "net=dev"}, 15);
        return {reply.bytes()};
    }
    if (starts("big")) {
        if (!query.tcp) return {dns_reply{query}.truncated().bytes()};
        dns_reply reply{query};
        for (int i = 0; i < 240; ++i) reply.text(name, {std::string(250, 'x')});
        return {reply.bytes()};
    }
    if (query.type == dns_type::ptr) return {dns_reply{query}.pointer(name, "node07.pk.test").bytes()};
    return {dns_reply{query, 4}.bytes()};
}

resolve_name ask(std::string host, peerkit::duration timeout = 10s, unsigned tries = 2,
                 address_families families = address_families::both) {
    return {.host = std::move(host), .timeout = timeout, .families = families, .tries = tries};
}
cares_options at(std::string servers) {
    cares_options made;
    made.servers = std::move(servers);
    return made;
}

/// A server, a loop and a resolver that asks that server.
struct world {
    explicit world(dns_server::answering answer = scripted) : server{std::move(answer)} {}

    template <typename Request>
    result<typename Request::outcome_type> operator()(Request asked) {
        return finish(loop, resolver.resolve(stop, std::move(asked)));
    }
    result<resolved> operator()(char const* host) { return (*this)(ask(host)); }

    dns_server server;
    asio::io_context loop;
    std::shared_ptr<stop_state> stop = std::make_shared<stop_state>();
    cares_resolver resolver{loop.get_executor(), at(server.at())};
};

template <typename T>
void fails(result<T> const& got, discovery_error why) {
    REQUIRE_FALSE(got);
    CAPTURE(got.error().message());
    CHECK(got.error() == why);
}
template <typename T>
void fails(result<T> const& got, discovery_error why, std::uint64_t position) {
    fails(got, why);
    CHECK(got.error().position() == position);
}

} // namespace

TEST_CASE("both families are asked for at the same time and come back together, with the shortest time to live") {
    world ask_for;
    auto const got = ask_for("ok.pk.test.");
    REQUIRE(got);
    CHECK(got->addresses == std::vector{ip_address::v4(192, 0, 2, 1), ip_address::parse("2001:db8::1").value()});
    CHECK(got->time_to_live == 30s);
    CHECK(ask_for.server.queries() == 2);
    CHECK(ask_for.resolver.under_way() == 0);
}

TEST_CASE("only the families wanted are asked for") {
    world ask_for;
    auto const four = ask_for(ask("ok.pk.test", 10s, 1, address_families::v4));
    REQUIRE(four);
    CHECK(four->addresses == std::vector{ip_address::v4(192, 0, 2, 1)});
    CHECK(four->time_to_live == 60s);
    CHECK(ask_for.server.times("ok.pk.test", dns_type::aaaa) == 0);
    auto const six = ask_for(ask("ok.pk.test", 10s, 1, address_families::v6));
    REQUIRE(six);
    CHECK(six->addresses.size() == 1);
    CHECK(ask_for.server.queries() == 2);

    // A resolver that may ask for one family only.
    auto options = at(ask_for.server.at());
    options.families = address_families::v4;
    cares_resolver narrow{ask_for.loop.get_executor(), options};
    auto const both = finish(ask_for.loop, narrow.resolve(ask_for.stop, ask("ok.pk.test")));
    REQUIRE(both);
    CHECK(both->addresses.size() == 1);
    fails(finish(ask_for.loop, narrow.resolve(ask_for.stop, ask("ok.pk.test", 10s, 1, address_families::v6))),
          discovery_error::unresolved);
    CHECK(ask_for.server.queries() == 3);
}

TEST_CASE("no name, no record, a failure, a refusal and silence are told apart") {
    world ask_for;
    fails(ask_for("none.pk.test"), discovery_error::unresolved, 4);
    fails(ask_for("empty.pk.test"), discovery_error::unresolved, 1);
    fails(ask_for("fail.pk.test"), discovery_error::server_failed, 3);
    fails(ask_for("refuse.pk.test"), discovery_error::server_failed, 6);
    fails(ask_for("whatever.pk.test"), discovery_error::server_failed, 5);
    fails(ask_for(ask("silent.pk.test", 60ms, 2)), discovery_error::timed_out, 120);
}

TEST_CASE("one family does not spoil the other") {
    world ask_for;
    for (char const* name : {"only4.pk.test", "broken6.pk.test", "hole6.pk.test"}) {
        CAPTURE(name);
        auto const got = ask_for(name);
        REQUIRE(got);
        CHECK(got->addresses == std::vector{ip_address::v4(192, 0, 2, 1)});
    }
    // A server that drops what it does not know costs a moment, not all of the time there is.
    auto const begun = steady::now();
    auto const got = ask_for(ask("drop6.pk.test", 20s, 3));
    CHECK(steady::now() - begun < 15s);
    REQUIRE(got);
    CHECK(got->addresses == std::vector{ip_address::v4(192, 0, 2, 1)});
    fails(ask_for(ask("hole4drop6.pk.test", 20s, 3)), discovery_error::unresolved, 4);
    CHECK(steady::now() - begun < 30s);
    // No address of one family says nothing of the other.
    fails(ask_for(ask("void4drop6.pk.test", 100ms, 1)), discovery_error::timed_out, 100);
}

TEST_CASE("a query that is lost is asked again") {
    world ask_for;
    auto const got = ask_for("lossy.pk.test");
    REQUIRE(got);
    CHECK(got->addresses.size() == 2);
    CHECK(ask_for.server.times("lossy.pk.test", dns_type::a) == 2);
}

TEST_CASE("a server that stays silent for long is asked as long as there is time") {
    // c-ares by itself gives up after three.
    world ask_for{[](dns_query const& query) {
        if (query.times < 5) return dns_replies{};
        return dns_replies{dns_reply{query}.address(query.name.to_string(), "192.0.2.1").bytes()};
    }};
    auto options = at(ask_for.server.at());
    options.server_timeout = 10ms;
    cares_resolver resolver{ask_for.loop.get_executor(), options};
    CHECK(finish(ask_for.loop, resolver.resolve(ask_for.stop, ask("late.pk.test", 25s, 1, address_families::v4))));
    CHECK(ask_for.server.queries() == 5);
}

TEST_CASE("of two replies to one question the first one counts") {
    std::uint16_t first_id = 0;
    world ask_for{[&](dns_query const& query) {
        std::string const name = query.name.to_string();
        if (query.type == dns_type::a) return dns_replies{dns_reply{query}.address(name, "192.0.2.1").bytes()};
        if (query.label() == "true") {
            std::this_thread::sleep_for(30ms); // long after both replies
            return dns_replies{dns_reply{query}.address(name, "2001:db8::1").bytes()};
        }
        if (query.times == 1) {
            first_id = query.id;
            return dns_replies{};
        }
        // Asked again because of the silence, it answers both times.
        dns_query first = query;
        first.id = first_id;
        return dns_replies{dns_reply{query}.alias(name, "true.pk.test").bytes(),
                           dns_reply{first}.alias(name, "true.pk.test").bytes()};
    }};
    auto const got = ask_for("twice.pk.test");
    REQUIRE(got);
    CHECK(got->addresses == std::vector{ip_address::v4(192, 0, 2, 1), ip_address::parse("2001:db8::1").value()});
}

TEST_CASE("a reply that was cut short is asked for again over TCP") {
    world ask_for;
    auto const got = ask_for("many.pk.test");
    REQUIRE(got);
    CHECK(got->addresses.size() == 200);
    CHECK(got->addresses.front() == ip_address::v4(10, 9, 0, 0));
    CHECK(ask_for.server.tcp_queries() == 2);
}

TEST_CASE("replies with a wrong id or to another question are passed over") {
    world ask_for;
    fails(ask_for(ask("wrongid.pk.test", 50ms, 2)), discovery_error::timed_out);
    auto const got = ask_for("forged.pk.test");
    REQUIRE(got);
    CHECK(got->addresses == std::vector{ip_address::v4(192, 0, 2, 1), ip_address::parse("2001:db8::1").value()});
}

TEST_CASE("records of somebody else are not believed") {
    world ask_for;
    fails(ask_for("other.pk.test"), discovery_error::unresolved);
}

TEST_CASE("a reply that is malformed is a bad reply") {
    world ask_for;
    fails(ask_for("loop.pk.test"), discovery_error::bad_reply);
    fails(ask_for("lying.pk.test"), discovery_error::bad_reply);
}

TEST_CASE("aliases are followed from reply to reply, but not in circles") {
    world ask_for;
    auto const got = ask_for("alias.pk.test");
    REQUIRE(got);
    CHECK(got->addresses.size() == 2);
    CHECK(got->time_to_live == 10s);
    fails(ask_for("turn1.pk.test"), discovery_error::bad_reply);
    CHECK(ask_for.server.queries() < 40);
}

TEST_CASE("service, text and pointer records are looked up, with their times to live") {
    world ask_for;
    auto const services = ask_for(resolve_service{.name = "_peerkit._udp.pk.test", .timeout = 10s});
    REQUIRE(services);
    CHECK(services->records == std::vector{service_record{10, 60, 7001, "node01.pk.test", 20s},
                                           service_record{20, 0, 7002, "node02.pk.test", 40s}});
    auto const texts = ask_for(resolve_text{.name = "_peerkit._udp.pk.test.", .timeout = 10s});
    REQUIRE(texts);
    CHECK(texts->strings == std::vector<std::string>{"v=1", "net=dev"});
    CHECK(texts->time_to_live == 15s);
    auto const host = ask_for(resolve_address{.address = ip_address::v4(192, 0, 2, 7), .timeout = 10s});
    REQUIRE(host);
    CHECK(host->host == "node07.pk.test");
    CHECK(ask_for.server.times("7.2.0.192.in-addr.arpa", dns_type::ptr) == 1);

    fails(ask_for(resolve_service{.name = "none.pk.test", .timeout = 10s}), discovery_error::unresolved);
    fails(ask_for(resolve_text{.name = "fail.pk.test", .timeout = 10s}), discovery_error::server_failed);
    fails(ask_for(resolve_service{.name = "silent.pk.test", .timeout = 30ms, .tries = 2}), discovery_error::timed_out,
          60);
    fails(ask_for(resolve_address{}), discovery_error::unresolved);
}

TEST_CASE("text of the largest size is read") {
    world ask_for;
    auto const got = ask_for(resolve_text{.name = "big.pk.test", .timeout = 20s});
    REQUIRE(got);
    CHECK(got->strings.size() == 240);
}

TEST_CASE("what needs no server is not asked for, and neither is what is no name") {
    world ask_for;
    auto const address = ask_for("2001:db8::7");
    REQUIRE(address);
    CHECK(address->addresses == std::vector{ip_address::parse("2001:db8::7").value()});
    auto const here = ask_for("Localhost.");
    REQUIRE(here);
    CHECK(here->addresses == std::vector{ip_address::v4(127, 0, 0, 1), ip_address::parse("::1").value()});
    CHECK(ask_for("db.localhost"));
    for (std::string const& name :
         {std::string{}, std::string{"."}, std::string{"a..b"}, std::string(64, 'x') + ".test", std::string(300, 'y'),
          std::string{"two words.test"}, std::string{"a\\.b.test"}, std::string{"ok.pk.test\0.evil.test", 20},
          std::string{"caf\xc3\xa9.test"}}) {
        CAPTURE(name);
        fails(ask_for(ask(name)), discovery_error::unresolved);
    }
    CHECK(ask_for.server.queries() == 0);
}

TEST_CASE("when the first server is silent or fails, the next one is asked") {
    dns_server silent{[](dns_query const&) { return dns_replies{}; }};
    dns_server failing{[](dns_query const& query) { return dns_replies{dns_reply{query, 2}.bytes()}; }};
    dns_server good{scripted};
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    for (dns_server const* first : {&silent, &failing}) {
        auto options = at(first->at() + ", " + good.at());
        options.server_timeout = 100ms;
        cares_resolver resolver{loop.get_executor(), options};
        auto const got = finish(loop, resolver.resolve(stop, ask("ok.pk.test")));
        REQUIRE(got);
        CHECK(got->addresses.size() == 2);
        fails(finish(loop, resolver.resolve(stop, ask("none.pk.test"))), discovery_error::unresolved);
    }
    CHECK(silent.queries() > 0);
    CHECK(failing.queries() > 0);
    // No server knows anything.
    cares_resolver resolver{loop.get_executor(), at(failing.at() + "," + failing.at())};
    fails(finish(loop, resolver.resolve(stop, ask("ok.pk.test"))), discovery_error::server_failed);
}

TEST_CASE("a server that does not exist is a failure, not an answer") {
    std::string nowhere;
    {
        dns_server gone{scripted};
        nowhere = gone.at();
    }
    asio::io_context loop;
    cares_resolver resolver{loop.get_executor(), at(nowhere)};
    fails(finish(loop, resolver.resolve(std::make_shared<stop_state>(), ask("ok.pk.test"))),
          discovery_error::server_failed);
}

TEST_CASE("servers that are no addresses are refused by every lookup") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    struct {
        std::string servers;
        std::uint64_t index;
    } const cases[] = {{"192.0.2.1, ns.example.org", 1}, {"192.0.2.1:0", 0}, {"::1,,", 1}};
    for (auto const& c : cases) {
        CAPTURE(c.servers);
        cares_resolver resolver{loop.get_executor(), at(c.servers)};
        fails(finish(loop, resolver.resolve(stop, ask("ok.pk.test"))), discovery_error::bad_option, c.index);
    }
    CHECK(peerkit::net::cares_servers("192.0.2.1 , [2001:db8::1]:5353,2001:db8::2").value() ==
          "192.0.2.1:53,[2001:db8::1]:5353,[2001:db8::2]:53");
}

TEST_CASE("the system's servers are read again when they have changed") {
    dns_server before{[](dns_query const& query) { return dns_replies{dns_reply{query, 3}.bytes()}; }};
    dns_server after{scripted, 2, before.port()};
    scratch_directory scratch;
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    cares_options options;
    options.port = before.port();
    options.resolv_conf =
        scratch.write("resolv.conf", "nameserver " + before.address() + "\nsearch pk.test\noptions ndots:9\n");
    cares_resolver resolver{loop.get_executor(), options};
    fails(finish(loop, resolver.resolve(stop, ask("ok"))), discovery_error::unresolved, 4);
    CHECK(before.queries() == 2); // once each, and nothing of the search domain
    scratch.write("resolv.conf", "# another one\nnameserver " + after.address() + "\n");
    CHECK(finish(loop, resolver.resolve(stop, ask("ok"))));
    CHECK(before.queries() == 2);
    CHECK(after.queries() == 2);
    // There is only one: its failure is told as it is.
    fails(finish(loop, resolver.resolve(stop, ask("refuse"))), discovery_error::server_failed, 6);
    // A file that is gone leaves what is the default everywhere, 127.0.0.1.
    REQUIRE(std::filesystem::remove(options.resolv_conf));
    fails(finish(loop, resolver.resolve(stop, ask("ok"))), discovery_error::unresolved, 4);
    CHECK(before.queries() == 4);
}

TEST_CASE("hundreds of names at a time are all answered, each by its own reply") {
    world ask_for{[](dns_query const& query) {
        dns_reply reply{query};
        int const number = std::stoi(query.label().substr(1));
        if (query.type == dns_type::a) {
            reply.address(query.name.to_string(), ip_address::v4(10, 0, static_cast<std::uint8_t>(number / 256),
                                                                 static_cast<std::uint8_t>(number % 256))
                                                      .to_string());
        }
        return dns_replies{reply.bytes()};
    }};
    auto options = at(ask_for.server.at());
    options.max_queries = 40;
    cares_resolver resolver{ask_for.loop.get_executor(), options};
    int answered = 0;
    std::size_t most = 0;
    for (int i = 0; i < 300; ++i) {
        asio::co_spawn(ask_for.loop, resolver.resolve(ask_for.stop, ask("n" + std::to_string(i) + ".pk.test", 20s)),
                       [&, i](std::exception_ptr, result<resolved> got) {
                           most = std::max(most, resolver.under_way());
                           answered += got && got->addresses.size() == 1 &&
                                               got->addresses.front() ==
                                                   ip_address::v4(10, 0, static_cast<std::uint8_t>(i / 256),
                                                                  static_cast<std::uint8_t>(i % 256))
                                           ? 1
                                           : 0;
                       });
    }
    CHECK(eventually(ask_for.loop, [&] {
        most = std::max(most, resolver.under_way());
        return answered == 300;
    }));
    CHECK(most <= 40);
    CHECK(most > 10);
    CHECK(resolver.in_line() == 0);
    CHECK(runs_out(ask_for.loop));
}

TEST_CASE("who waits in line gives up in his own time, and others go on") {
    world ask_for;
    auto options = at(ask_for.server.at());
    options.max_queries = 1;
    options.server_timeout = 20ms;
    cares_resolver resolver{ask_for.loop.get_executor(), options};
    auto const first_stop = std::make_shared<stop_state>();
    std::optional<result<resolved>> first, second, third;
    asio::co_spawn(ask_for.loop, resolver.resolve(first_stop, ask("silent.pk.test", 20s, 1, address_families::v4)),
                   [&](std::exception_ptr, result<resolved> got) { first = got; });
    asio::co_spawn(ask_for.loop, resolver.resolve(ask_for.stop, ask("ok1.pk.test", 40ms, 1)),
                   [&](std::exception_ptr, result<resolved> got) { second = got; });
    asio::co_spawn(ask_for.loop, resolver.resolve(ask_for.stop, ask("ok2.pk.test", 20s, 1)),
                   [&](std::exception_ptr, result<resolved> got) { third = got; });
    CHECK(eventually(ask_for.loop, [&] { return second.has_value(); }));
    fails(*second, discovery_error::timed_out, 40);
    CHECK(resolver.under_way() == 1);
    CHECK(resolver.in_line() == 2);
    CHECK_FALSE(third);
    // The silent query ends by the timeouts of c-ares; then the next in line has its turn.
    CHECK(eventually(ask_for.loop, [&] { return third.has_value(); }));
    first_stop->stop();
    CHECK(eventually(ask_for.loop, [&] { return first.has_value(); }));
    CHECK(third->has_value());
    CHECK(runs_out(ask_for.loop));
}

TEST_CASE("the stop ends a lookup at once, and nothing stays behind") {
    world ask_for;
    asio::steady_timer later{ask_for.loop, 20ms};
    later.async_wait([&](asio::error_code) { ask_for.stop->stop(); });
    auto const begun = steady::now();
    // `finish` also sees that the loop has nothing left to do.
    fails(ask_for(ask("silent.pk.test", 1h, 3)), discovery_error::unavailable, ECANCELED);
    CHECK(steady::now() - begun < 20s);
    CHECK(ask_for.resolver.under_way() == 0);
    // What is stopped does not even begin.
    std::size_t const queries = ask_for.server.queries();
    fails(ask_for("ok.pk.test"), discovery_error::unavailable, ECANCELED);
    CHECK(ask_for.server.queries() == queries);
}

TEST_CASE("one of many is stopped and the others never notice; a late reply harms nobody") {
    std::atomic<bool> answer{false};
    world ask_for{[&](dns_query const& query) {
        while (!answer) std::this_thread::sleep_for(1ms);
        return scripted(query);
    }};
    auto const one_stop = std::make_shared<stop_state>();
    std::optional<result<resolved>> one, other;
    asio::co_spawn(ask_for.loop, ask_for.resolver.resolve(one_stop, ask("ok1.pk.test", 20s)),
                   [&](std::exception_ptr, result<resolved> got) { one = got; });
    asio::co_spawn(ask_for.loop, ask_for.resolver.resolve(ask_for.stop, ask("ok2.pk.test", 20s)),
                   [&](std::exception_ptr, result<resolved> got) { other = got; });
    CHECK(eventually(ask_for.loop, [&] { return ask_for.resolver.under_way() == 4; }));
    one_stop->stop();
    CHECK(eventually(ask_for.loop, [&] { return one.has_value(); }));
    fails(*one, discovery_error::unavailable, ECANCELED);
    CHECK_FALSE(other);
    answer = true;
    CHECK(eventually(ask_for.loop, [&] { return other.has_value(); }));
    CHECK(other->has_value());
    CHECK(runs_out(ask_for.loop));
}

TEST_CASE("a resolver moved during a lookup lets it go on; destroyed, it ends it at once") {
    world ask_for;
    std::optional<cares_resolver> resolver{std::in_place, ask_for.loop.get_executor(), at(ask_for.server.at())};
    std::optional<result<resolved>> got;
    asio::co_spawn(ask_for.loop, resolver->resolve(ask_for.stop, ask("silent.pk.test", 1h)),
                   [&](std::exception_ptr, result<resolved> r) { got = r; });
    CHECK(eventually(ask_for.loop, [&] { return resolver->under_way() == 2; }));
    std::optional<cares_resolver> other{std::move(*resolver)};
    resolver.reset();
    ask_for.loop.run_for(10ms);
    CHECK_FALSE(got);
    other.reset();
    CHECK(eventually(ask_for.loop, [&] { return got.has_value(); }));
    fails(*got, discovery_error::unavailable, ECANCELED);
    CHECK(runs_out(ask_for.loop));
}

TEST_CASE("a context destroyed during lookups takes everything with it") {
    dns_server server{scripted};
    auto loop = std::make_unique<asio::io_context>();
    auto options = at(server.at());
    options.max_queries = 3;
    auto const resolver = std::make_shared<cares_resolver>(loop->get_executor(), options);
    auto const stop = std::make_shared<stop_state>();
    for (int i = 0; i < 5; ++i) {
        // Held as a driver is: by what runs in the context.
        asio::co_spawn(
            *loop,
            [](std::shared_ptr<cares_resolver> self, std::shared_ptr<stop_state> until) -> asio::awaitable<void> {
                (void)co_await self->resolve(until, ask("silent.pk.test", 1h));
            }(resolver, stop),
            [](std::exception_ptr) { FAIL("ended"); });
    }
    CHECK(eventually(*loop, [&] { return resolver->under_way() == 3 && resolver->in_line() == 7; }));
    std::weak_ptr<cares_resolver> const seen = resolver;
    const_cast<std::shared_ptr<cares_resolver>&>(resolver).reset();
    loop.reset();
    CHECK(seen.expired());
}

TEST_CASE("a thousand lookups stopped against silence leave nothing in line and nothing under way") {
    world ask_for;
    auto options = at(ask_for.server.at());
    options.max_queries = 16;
    cares_resolver resolver{ask_for.loop.get_executor(), options};
    int ended = 0;
    for (int i = 0; i < 1000; ++i) {
        asio::co_spawn(ask_for.loop, resolver.resolve(ask_for.stop, ask("silent.pk.test", 1h)),
                       [&](std::exception_ptr, result<resolved> got) { ended += got ? 0 : 1; });
    }
    CHECK(eventually(ask_for.loop, [&] { return resolver.under_way() == 16 && resolver.in_line() == 1984; }));
    ask_for.stop->stop();
    CHECK(resolver.in_line() == 0);
    CHECK(resolver.under_way() == 0);
    CHECK(runs_out(ask_for.loop));
    CHECK(ended == 1000);
}
