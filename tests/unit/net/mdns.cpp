// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of multicast DNS on real sockets, on the loopback interface.
#include <peerkit/net/mdns.hpp>

#include "unit/net/support.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace net_test;
using namespace peerkit;
using namespace peerkit::net;
using discovery::discovery_error;
using discovery::mdns_publication;
using discovery::service_instances;

namespace {

using test_link = basic_mdns_link<seeded_rng>;

struct world {
    asio::io_context loop;
    std::uint16_t port = free_port();

    struct process {
        std::shared_ptr<stop_state> stop = std::make_shared<stop_state>();
        std::shared_ptr<test_link> link;
        explicit process(world& w, std::uint64_t seed, mdns_link_options options)
            : link{test_link::make(w.loop.get_executor(), stop, seeded_rng{seed}, std::move(options))} {}
        process(process const&) = delete;
        process& operator=(process const&) = delete;
        ~process() { stop->stop(); }
    };
    mdns_link_options options() {
        std::string const lo = ::if_nametoindex("lo") != 0 ? "lo" : "lo0";
        return {.port = port, .interfaces = {lo}, .v6 = false, .look = std::chrono::milliseconds{100}};
    }
    /// Browses until `enough` holds of the answer.
    template <typename Enough>
    service_instances browse_until(process& p, Enough enough) {
        std::optional<service_instances> got;
        std::optional<error> failed;
        asio::co_spawn(
            loop,
            [&]() -> asio::awaitable<void> {
                for (int i = 0; i < 300; ++i) {
                    co_await pause_for(loop.get_executor(), p.stop, 50ms);
                    discovery::browse_services wanted;
                    wanted.service = "_peerkit._udp";
                    wanted.listen = 100ms;
                    auto answer = co_await p.link->browse(p.stop, std::move(wanted));
                    if (!answer) {
                        failed = answer.error();
                        co_return;
                    }
                    if (enough(*answer)) {
                        got = std::move(*answer);
                        co_return;
                    }
                }
            },
            asio::detached);
        REQUIRE(eventually(loop, [&] { return got || failed; }));
        REQUIRE_MESSAGE(!failed, failed->message());
        return std::move(*got);
    }
};
mdns_publication node(std::uint16_t port, std::string instance = {}) {
    return {.instance = std::move(instance), .port = port, .text = {"v=1", "id=abc"}};
}
auto const at_least = [](std::size_t count) {
    return [count](service_instances const& s) { return s.instances.size() >= count; };
};

} // namespace

TEST_CASE("what one link publishes another finds, with port, text and address, until it is taken back") {
    world w;
    world::process one{w, 1, w.options()}, two{w, 2, w.options()};
    auto const id = one.link->publish(node(9001, "node one"));
    REQUIRE(id);
    auto const found = w.browse_until(two, at_least(1));
    REQUIRE(found.instances.size() == 1);
    CHECK(found.instances[0].instance == "node one");
    CHECK(found.instances[0].port == 9001);
    CHECK(found.instances[0].text == std::vector<std::string>{"v=1", "id=abc"});
    REQUIRE_FALSE(found.instances[0].addresses.empty());
    CHECK(found.instances[0].addresses[0].is_loopback());
    CHECK(found.instances[0].time_to_live > 60s);
    CHECK(one.link->published(*id)->is_established());
    std::vector<std::string> const text{"v=2"};
    REQUIRE(one.link->set_text(*id, text));
    w.browse_until(two,
                   [&](service_instances const& s) { return s.instances.size() == 1 && s.instances[0].text == text; });
    one.link->withdraw(*id);
    CHECK(one.link->set_text(*id, text));
    CHECK(one.link->published(*id) == nullptr);
    w.browse_until(two, [](service_instances const& s) { return s.instances.empty(); });
    one.link->withdraw(*id); // once more does nothing
}

TEST_CASE("two nodes of one name on one machine end up with two, and both are found by either") {
    world w;
    world::process one{w, 1, w.options()}, two{w, 2, w.options()};
    auto const first = one.link->publish(node(9001, "twin"));
    auto const second = two.link->publish(node(9002, "twin"));
    REQUIRE(first);
    REQUIRE(second);
    for (auto* p : {&one, &two}) {
        auto const found = w.browse_until(*p, at_least(2));
        CHECK(found.instances[0].instance == "twin");
        CHECK(found.instances[1].instance == "twin-2");
    }
}

TEST_CASE("a browse ends when the answers are in, without listening for as long as it may") {
    world w;
    world::process one{w, 1, w.options()}, two{w, 2, w.options()};
    REQUIRE(one.link->publish(node(9001)));
    REQUIRE(eventually(w.loop, [&] { return one.link->counters().sent >= 5; })); // probes and announcements
    discovery::browse_services wanted{"_peerkit._udp", 1h};
    for (int i = 0; i < 2; ++i) { // from the link, then from the cache
        std::optional<result<service_instances>> got;
        asio::co_spawn(w.loop, two.link->browse(two.stop, wanted),
                       [&](std::exception_ptr, result<service_instances> r) { got = std::move(r); });
        REQUIRE(eventually(w.loop, [&] { return got.has_value(); }));
        REQUIRE(*got);
        CHECK((*got)->instances.size() == 1);
    }
    // What it publishes itself is no reason to stop listening.
    std::optional<result<service_instances>> got;
    asio::co_spawn(w.loop, one.link->browse(one.stop, wanted),
                   [&](std::exception_ptr, result<service_instances> r) { got = std::move(r); });
    CHECK_FALSE(eventually(w.loop, [&] { return got.has_value(); }, 2s));
    one.stop->stop();
    REQUIRE(eventually(w.loop, [&] { return got.has_value(); }));
}

TEST_CASE("a link hosts several publications and finds them itself") {
    world w;
    world::process one{w, 1, w.options()};
    REQUIRE(one.link->publish(node(9001)));
    REQUIRE(one.link->publish(node(9002)));
    auto const found = w.browse_until(one, at_least(2));
    CHECK(found.instances[0].instance != found.instances[1].instance);
    CHECK(one.link->browsing("_peerkit._udp")->size() == 2);
    CHECK(one.link->browsing("_other._udp") == nullptr);
    CHECK(one.link->interfaces().size() == 1);
    CHECK(one.link->counters().sent != 0);
    CHECK(one.link->counters().received != 0);
}

TEST_CASE("the stop says goodbye, ends a browse at once, and leaves nothing under way") {
    world w;
    auto one = std::make_unique<world::process>(w, 1, w.options());
    world::process two{w, 2, w.options()};
    REQUIRE(one->link->publish(node(9001, "node one")));
    w.browse_until(two, at_least(1));
    one->stop->stop();
    w.browse_until(two, [](service_instances const& s) { return s.instances.empty(); });

    std::optional<result<service_instances>> got;
    asio::co_spawn(w.loop, two.link->browse(two.stop, {"_peerkit._udp", 1h}),
                   [&](std::exception_ptr, result<service_instances> r) { got = std::move(r); });
    w.loop.restart();
    w.loop.run_for(50ms);
    CHECK_FALSE(got);
    two.stop->stop();
    CHECK(runs_out(w.loop));
    REQUIRE(got);
    REQUIRE_FALSE(*got);
    CHECK(got->error() == discovery_error::unavailable);
    CHECK(got->error().position() == ECANCELED);
    // Nothing holds it any more.
    std::weak_ptr<test_link> const gone = two.link;
    two.link.reset();
    CHECK(gone.expired());
    // After the stop nothing begins.
    CHECK(one->link->publish(node(9001)).error() == discovery_error::unavailable);
    auto const late = finish(w.loop, one->link->browse(std::make_shared<stop_state>(), {"_peerkit._udp", 1s}));
    REQUIRE_FALSE(late);
    CHECK(late.error().position() == ECANCELED);
}

TEST_CASE("the caller's own stop ends its browse and nothing else") {
    world w;
    world::process one{w, 1, w.options()};
    auto const mine = std::make_shared<stop_state>();
    std::optional<result<service_instances>> got;
    asio::co_spawn(w.loop, one.link->browse(mine, {"_peerkit._udp", 1h}),
                   [&](std::exception_ptr, result<service_instances> r) { got = std::move(r); });
    w.loop.run_for(20ms);
    mine->stop();
    REQUIRE(eventually(w.loop, [&] { return got.has_value(); }));
    CHECK(got->error().position() == ECANCELED);
    w.browse_until(one, [](service_instances const&) { return true; });
}

TEST_CASE("without an interface browsing fails, and publishing waits for one") {
    world w;
    auto options = w.options();
    options.interfaces = {"no-such-interface"};
    world::process one{w, 1, options};
    auto answer = std::optional<result<service_instances>>{};
    asio::co_spawn(w.loop, one.link->browse(one.stop, {"_peerkit._udp", 10ms}),
                   [&](std::exception_ptr, result<service_instances> r) { answer = std::move(r); });
    REQUIRE(eventually(w.loop, [&] { return answer.has_value(); }));
    REQUIRE_FALSE(*answer);
    CHECK(answer->error() == discovery_error::unavailable);
    CHECK(answer->error().position() == ENODEV);
    CHECK(one.link->publish(node(9001)));
}

TEST_CASE("a port that is not shared makes browsing fail with the code of the system") {
    world w;
    owned_fd const other{::socket(AF_INET, SOCK_DGRAM, 0)};
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(w.port);
    REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    world::process one{w, 1, w.options()};
    std::optional<result<service_instances>> answer;
    asio::co_spawn(w.loop, one.link->browse(one.stop, {"_peerkit._udp", 10ms}),
                   [&](std::exception_ptr, result<service_instances> r) { answer = std::move(r); });
    REQUIRE(eventually(w.loop, [&] { return answer.has_value(); }));
    REQUIRE_FALSE(*answer);
    CHECK(answer->error().position() == EADDRINUSE);
}

TEST_CASE("what cannot be published or browsed for is refused, and there are limits to both") {
    world w;
    world::process one{w, 1, w.options()};
    CHECK(one.link->publish(node(0)).error() == discovery_error::bad_option);
    std::optional<result<service_instances>> answer;
    asio::co_spawn(w.loop, one.link->browse(one.stop, {"peerkit", 10ms}),
                   [&](std::exception_ptr, result<service_instances> r) { answer = std::move(r); });
    REQUIRE(eventually(w.loop, [&] { return answer.has_value(); }));
    CHECK(answer->error() == discovery_error::bad_option);
    std::size_t done = 0, refused = 0;
    for (std::size_t i = 0; i < test_link::max_services + 3; ++i) {
        asio::co_spawn(w.loop, one.link->browse(one.stop, {"_s" + std::to_string(i) + "._udp", 10ms}),
                       [&](std::exception_ptr, result<service_instances> r) { ++(r ? done : refused); });
    }
    REQUIRE(eventually(w.loop, [&] { return done + refused == test_link::max_services + 3; }));
    CHECK(done == test_link::max_services);
    for (std::size_t i = 0; i < test_link::max_publications; ++i) REQUIRE(one.link->publish(node(9000)));
    auto const more = one.link->publish(node(9000));
    REQUIRE_FALSE(more);
    CHECK(more.error().position() == ENOBUFS);
}
