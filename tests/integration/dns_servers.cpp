// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The c-ares resolver against dnsmasq, Knot and a server that says nothing. Status 77 where the programs are missing.
#include <peerkit/net/cares_resolver.hpp>

#include "support/dns_programs.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;
using discovery::discovery_error;
using net::cares_resolver;
using steady = std::chrono::steady_clock;

int failures = 0;

void expect(bool holds, std::string_view what) {
    std::printf("%s: %.*s\n", holds ? "ok" : "FAILED", static_cast<int>(what.size()), what.data());
    failures += holds ? 0 : 1;
}

/// A loop, and a resolver that asks one server.
class client {
public:
    explicit client(std::string server) : resolver_{loop_.get_executor(), {.servers = std::move(server)}} {}

    template <typename Request>
    result<typename Request::outcome_type> operator()(Request asked) {
        std::optional<result<typename Request::outcome_type>> got;
        asio::co_spawn(loop_, resolver_.resolve(stop_, std::move(asked)),
                       [&](std::exception_ptr, result<typename Request::outcome_type> what) { got = std::move(what); });
        loop_.restart();
        loop_.run();
        return got ? std::move(*got) : fail(discovery_error::unavailable);
    }
    result<discovery::resolved> name(std::string host) {
        return (*this)(discovery::resolve_name{.host = std::move(host), .timeout = 10s, .tries = 2});
    }
    /// Whether the server answers at all, within half a minute.
    bool reaches(std::string const& host) {
        for (auto const end = steady::now() + 30s; steady::now() < end;) {
            if ((*this)(discovery::resolve_name{.host = host, .timeout = 1s})) return true;
            std::this_thread::sleep_for(20ms);
        }
        return false;
    }
    /// 99 names at the same time: how many have the address of their number, and how many have none.
    std::pair<int, int> fleet(peerkit::duration timeout, unsigned tries) {
        int right = 0, failed = 0;
        for (int i = 1; i <= 99; ++i) {
            std::string number = std::to_string(i);
            if (number.size() < 2) number.insert(0, "0");
            asio::co_spawn(loop_,
                           resolver_.resolve(stop_, discovery::resolve_name{.host = "fleet" + number + ".pk.test.",
                                                                            .timeout = timeout,
                                                                            .tries = tries}),
                           [&, i](std::exception_ptr, result<discovery::resolved> got) {
                               failed += got ? 0 : 1;
                               right += got && got->addresses.size() == 1 &&
                                                got->addresses.front() ==
                                                    ip_address::v4(10, 8, 0, static_cast<std::uint8_t>(i))
                                            ? 1
                                            : 0;
                           });
        }
        loop_.restart();
        loop_.run();
        return {right, failed};
    }
    asio::io_context& loop() { return loop_; }
    net::stop_state& stop() { return *stop_; }

private:
    asio::io_context loop_;
    std::shared_ptr<net::stop_state> stop_ = std::make_shared<net::stop_state>();
    cares_resolver resolver_;
};

template <typename T>
bool failed(result<T> const& got, discovery_error why, std::uint64_t position) {
    if (!got && got.error() == why && got.error().position() == position) return true;
    std::printf("   got %s\n", got ? "an answer" : got.error().message().c_str());
    return false;
}
bool found(result<discovery::resolved> const& got, std::vector<std::string_view> const& addresses) {
    bool holds = got && got->addresses.size() == addresses.size();
    for (std::string_view const one : addresses) {
        holds = holds && std::count(got->addresses.begin(), got->addresses.end(), ip_address::parse(one).value()) == 1;
    }
    if (!holds) std::printf("   got %s\n", got ? "other addresses" : got.error().message().c_str());
    return holds;
}

void ask_dnsmasq(client& ask) {
    expect(found(ask.name("node01.pk.test"), {"127.0.0.11", "::1"}), "dnsmasq: a name with both families");
    expect(found(ask.name("node07.pk.test."), {"127.0.0.17"}), "dnsmasq: a name with one family");
    expect(found(ask.name("node09.pk.test"), {"127.0.0.12"}), "dnsmasq: an alias");
    expect(found(ask.name("whatever.wild.test"), {"127.0.0.99"}), "dnsmasq: a wildcard");
    auto const live = ask.name("node02.pk.test");
    expect(live && live->time_to_live == 45s, "dnsmasq: the time to live");
    auto const many = ask.name("many.pk.test");
    expect(many && many->addresses.size() == 40, "dnsmasq: 40 addresses, cut short over UDP and whole over TCP");
    expect(failed(ask.name("nope.pk.test"), discovery_error::unresolved, 4), "dnsmasq: no such name");
    expect(failed(ask(discovery::resolve_name{.host = "node02.pk.test", .families = discovery::address_families::v6}),
                  discovery_error::unresolved, 1),
           "dnsmasq: no address of that family");
    expect(failed(ask.name("elsewhere.test"), discovery_error::server_failed, 6), "dnsmasq: refused");

    auto const services = ask(discovery::resolve_service{.name = "_peerkit._tcp.pk.test"});
    bool all = services && services->records.size() == 3;
    for (auto const& [port, target] :
         {std::pair{7001, "node01.pk.test"}, {7002, "node02.pk.test"}, {7007, "node07.pk.test"}}) {
        all = all && std::count_if(services->records.begin(), services->records.end(), [&](auto const& one) {
                         return one.port == port && one.target == target && one.priority == (port == 7007 ? 20 : 10);
                     }) == 1;
    }
    expect(all, "dnsmasq: service records");
    auto const texts = ask(discovery::resolve_text{.name = "_peerkit._tcp.pk.test"});
    expect(texts && texts->strings == std::vector<std::string>{"v=1", "net=dev"}, "dnsmasq: text records");
    auto const host = ask(discovery::resolve_address{.address = ip_address::v4(127, 0, 0, 12)});
    expect(host && host->host == "node02.pk.test", "dnsmasq: the name of an address");

    auto const begun = steady::now();
    auto const [right, none] = ask.fleet(10s, 2);
    auto const took = std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - begun);
    std::printf("   99 names in %.1f ms\n", static_cast<double>(took.count()) / 1000);
    expect(right == 99 && none == 0, "dnsmasq: 99 names at the same time");
}

void ask_knot(client& ask) {
    auto const node = ask.name("node01.kz.test");
    expect(found(node, {"127.0.0.21"}) && node->time_to_live == 60s, "Knot: a name and its time to live");
    expect(found(ask.name("alias.kz.test"), {"127.0.0.21"}), "Knot: an alias");
    expect(found(ask.name("headless.kz.test"), {"10.1.0.1", "10.1.0.2", "10.1.0.3"}), "Knot: a headless service");
    expect(found(ask.name("x.w.kz.test"), {"127.0.0.99"}), "Knot: a wildcard");
    expect(failed(ask.name("dead.kz.test"), discovery_error::unresolved, 4), "Knot: an alias of nothing");
    auto const turning = ask.name("loop1.kz.test");
    expect(!turning && turning.error() == discovery_error::bad_reply, "Knot: aliases that go round in a circle");
    expect(failed(ask.name("nope.kz.test"), discovery_error::unresolved, 4), "Knot: no such name");
    expect(failed(ask.name("node01.broken.test"), discovery_error::server_failed, 3),
           "Knot: a zone that cannot be read");
    expect(failed(ask.name("node01.other.test"), discovery_error::server_failed, 6), "Knot: somebody else's zone");
    auto const services = ask(discovery::resolve_service{.name = "_peerkit._tcp.headless.kz.test."});
    expect(services && services->records.size() == 2 && services->records[0].port == 7001 &&
               services->records[0].time_to_live == 60s,
           "Knot: service records of a headless service");
}

void ask_nobody() {
    peerkit_test::silent_server const silent;
    client ask{silent.at()};
    auto const begun = steady::now();
    auto const [right, none] = ask.fleet(100ms, 2);
    auto const took = steady::now() - begun;
    // All at the same time: 99 times 200 ms one after the other would be 20 s.
    expect(right == 0 && none == 99 && took >= 200ms && took < 10s, "silence: 99 names cost what one costs");

    asio::steady_timer later{ask.loop(), 50ms};
    later.async_wait([&](asio::error_code) { ask.stop().stop(); });
    auto const again = steady::now();
    auto const stopped = ask.fleet(1h, 2);
    expect(stopped.second == 99 && steady::now() - again < 10s, "silence: 99 names are cancelled at once");
}

} // namespace

int main() {
    std::string const data = PEERKIT_TEST_DATA "/dns/";
    auto dnsmasq = peerkit_test::dns_program::dnsmasq(data + "dnsmasq.conf", 99);
    auto knot = peerkit_test::dns_program::knot(data + "knot.conf", data + "kz.zone");
    if (!dnsmasq || !knot) {
        std::printf("there is no %s here (Debian: dnsmasq-base, knot)\n", dnsmasq ? "knotd" : "dnsmasq");
        return std::getenv("CI") != nullptr && std::string_view{std::getenv("CI")} == "true" ? 1 : 77;
    }
    client first{dnsmasq->at()};
    if (!first.reaches("node01.pk.test")) {
        std::printf("dnsmasq does not answer:\n%s", dnsmasq->printed().c_str());
        return 1;
    }
    ask_dnsmasq(first);
    client second{knot->at()};
    if (!second.reaches("node01.kz.test")) {
        std::printf("Knot does not answer:\n%s", knot->printed().c_str());
        return 1;
    }
    ask_knot(second);
    ask_nobody();
    std::printf(failures == 0 ? "all well\n" : "%d failed\n", failures);
    return failures == 0 ? 0 : 1;
}
