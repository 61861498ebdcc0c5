// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of watching interfaces: with a lister played by the test, and against the kernel in a namespace of its own.
#include <peerkit/net/interface_monitor.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#if defined(__linux__)
#    include <arpa/inet.h>
#    include <net/if.h>
#    include <sched.h>
#    include <sys/ioctl.h>
#endif

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace net_test;
using namespace peerkit::net;
using peerkit::ip_address;
using peerkit::result;

namespace {

using list = std::vector<interface_address>;

interface_address on_eth0(std::uint8_t last) { return {ip_address::v4(10, 0, 0, last), "eth0"}; }

/// Watches what the test says there is, at a quick pace.
struct watched {
    explicit watched(list known) {
        interface_monitor_options quick;
        quick.listen = false;
        quick.poll = 2ms;
        asio::co_spawn(loop,
                       watch_interfaces(
                           loop.get_executor(), stop, std::move(known),
                           [this](result<list> const& now) { told.push_back(now); }, quick,
                           [this] {
                               ++looks;
                               return there;
                           }),
                       [](std::exception_ptr e) {
                           if (e) std::rethrow_exception(e);
                       });
    }
    ~watched() {
        stop->stop();
        CHECK(runs_out(loop));
    }
    /// Lets it look a few times.
    void look() {
        int const enough = looks + 3;
        CHECK(eventually(loop, [&] { return looks >= enough; }));
    }

    asio::io_context loop;
    std::shared_ptr<stop_state> stop = std::make_shared<stop_state>();
    result<list> there = list{};
    int looks = 0;
    std::vector<result<list>> told;
};

} // namespace

TEST_CASE("what has changed is told once, what is known not at all") {
    watched w{{on_eth0(1)}};
    w.there = list{on_eth0(1)};
    w.look();
    CHECK(w.told.empty());
    w.there = list{on_eth0(1), on_eth0(2)};
    w.look();
    REQUIRE(w.told.size() == 1);
    CHECK(w.told[0].value() == list{on_eth0(1), on_eth0(2)});
    w.there = list{on_eth0(2), on_eth0(1)}; // in another order: no change
    w.look();
    CHECK(w.told.size() == 1);
    w.there = list{};
    w.look();
    REQUIRE(w.told.size() == 2);
    CHECK(w.told[1].value().empty());
}

TEST_CASE("a flag that changes is a change") {
    watched w{{on_eth0(1)}};
    auto down = on_eth0(1);
    down.running = false;
    w.there = list{down};
    w.look();
    REQUIRE(w.told.size() == 1);
    CHECK_FALSE(w.told[0].value()[0].running);
}

TEST_CASE("an error is told once, and when it is over what there is") {
    watched w{{on_eth0(1)}};
    w.there = peerkit::fail(net_error::interfaces_unknown, 24, "interfaces");
    w.look();
    REQUIRE(w.told.size() == 1);
    CHECK(w.told[0].error() == net_error::interfaces_unknown);
    w.there = list{on_eth0(1)};
    w.look();
    REQUIRE(w.told.size() == 2);
    CHECK(w.told[1].value() == list{on_eth0(1)});
}

TEST_CASE("a stop ends the watch at once, with and without word from the system") {
    for (bool const listen : {false, true}) {
        CAPTURE(listen);
        asio::io_context loop;
        auto const stop = std::make_shared<stop_state>();
        interface_monitor_options slow;
        slow.listen = listen;
        slow.look = slow.poll = std::chrono::hours{1};
        asio::co_spawn(
            loop, watch_interfaces(loop.get_executor(), stop, {}, [](auto const&) {}, slow), [](std::exception_ptr) {});
        loop.run_for(20ms);
        CHECK_FALSE(loop.stopped());
        stop->stop();
        CHECK(runs_out(loop));
    }
}

TEST_CASE("a stop from within the handler is no surprise") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    int calls = 0;
    asio::co_spawn(loop,
                   watch_interfaces(
                       loop.get_executor(), stop, {},
                       [&](auto const&) {
                           ++calls;
                           stop->stop();
                       },
                       {}, [] { return result<list>{list{on_eth0(1)}}; }),
                   [](std::exception_ptr) {});
    CHECK(runs_out(loop));
    CHECK(calls == 1);
}

#if defined(__linux__)

namespace {

/// Gives `lo` another address of that label, or takes the interface up or down. False if the system refuses.
bool set_address(char const* label, char const* text) {
    owned_fd const socket{::socket(AF_INET, SOCK_DGRAM, 0)};
    ifreq request{};
    std::strncpy(request.ifr_name, label, IFNAMSIZ - 1);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, text, &name.sin_addr);
    std::memcpy(&request.ifr_addr, &name, sizeof name);
    return ::ioctl(socket.get(), SIOCSIFADDR, &request) == 0;
}
bool set_up(char const* interface, bool up) {
    owned_fd const socket{::socket(AF_INET, SOCK_DGRAM, 0)};
    ifreq request{};
    std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    request.ifr_flags = up ? IFF_UP : 0;
    return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

} // namespace

TEST_CASE("in a network namespace every change of an interface is noticed, at once and as one change") {
    bool skipped = false;
    std::vector<list> told;
    std::vector<steady::duration> took;
    bool all_seen = true, heard_of_nothing = false;
    // A namespace is a thread's; this one ends with it.
    std::thread{[&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            skipped = true;
            return;
        }
        asio::io_context loop;
        auto const stop = std::make_shared<stop_state>();
        interface_monitor_options options;
        options.settle = 50ms;
        options.look = std::chrono::hours{1}; // what is noticed is noticed by word alone
        asio::co_spawn(loop,
                       watch_interfaces(
                           loop.get_executor(), stop, {},
                           [&](result<list> const& now) {
                               if (now) told.push_back(*now);
                           },
                           options),
                       [](std::exception_ptr) {});
        loop.run_for(100ms);
        heard_of_nothing = told.empty(); // there is nothing in a new namespace
        auto const noticed = [&](auto&& change) {
            std::size_t const before = told.size();
            auto const begun = steady::now();
            all_seen = all_seen && change();
            all_seen = eventually(loop, [&] { return told.size() > before; }) && all_seen;
            took.push_back(steady::now() - begun);
            loop.run_for(150ms); // nothing more comes of it
            all_seen = all_seen && told.size() == before + 1;
        };
        noticed([] { return set_up("lo", true); });
        noticed([] {
            return set_address("lo:1", "10.77.0.1") && set_address("lo:2", "10.77.0.2") &&
                   set_address("lo:3", "10.77.0.3");
        });
        noticed([] { return set_up("lo", false); });
        stop->stop();
        all_seen = runs_out(loop) && all_seen;
    }}.join();
    if (skipped) {
        MESSAGE("skipped: this process may not make a network namespace");
        return;
    }
    CHECK(heard_of_nothing);
    CHECK(all_seen);
    REQUIRE(told.size() == 3);
    auto const has = [](list const& in, std::uint8_t last) {
        return std::any_of(in.begin(), in.end(),
                           [&](auto const& one) { return one.address == ip_address::v4(10, 77, 0, last); });
    };
    CHECK(std::any_of(told[0].begin(), told[0].end(), [](auto const& one) { return one.address.is_loopback(); }));
    CHECK_FALSE(has(told[0], 1));
    for (std::uint8_t last = 1; last <= 3; ++last) CHECK(has(told[1], last));
    CHECK(told[2].empty());
}

#endif
