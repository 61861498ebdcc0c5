// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of how a node runs: threads and strands, stops at bad moments, handlers that misbehave, a deaf UDP socket.
#include <peerkit/net/node_runtime.hpp>

#include "unit/net/nodes.hpp"

#include <asio/bind_executor.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/use_future.hpp>
#include <doctest/doctest.h>

#include <sys/socket.h>
#if defined(__linux__)
#    include <linux/filter.h>
#endif

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace net_test;
using names_list = std::vector<std::string>;

namespace {

/// A strategy that asks for one thing that takes for ever.
struct endless {
    peerkit::discovery::effect what;
    [[nodiscard]] std::string_view name() const noexcept { return "endless"; }
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point) { return peerkit::discovery::step::ask(what); }
    [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket, peerkit::discovery::outcome const&,
                                                  peerkit::time_point) {
        return peerkit::discovery::step::found({});
    }
};

} // namespace

TEST_CASE("nodes on strands of a loop that several threads run") {
    asio::io_context loop;
    constexpr std::size_t count = 5;
    auto const guard = asio::make_work_guard(loop);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&loop] { loop.run(); });

    std::vector<asio::strand<asio::io_context::executor_type>> strands;
    std::vector<std::unique_ptr<node>> nodes;
    std::atomic<int> ups{0};
    std::vector<ip_endpoint> first;
    for (std::size_t i = 0; i < count; ++i) {
        strands.push_back(asio::make_strand(loop));
        std::string name = "n";
        name += std::to_string(i);
        auto config = quick(std::move(name), first);
        config.schedule.refresh = 500ms;
        nodes.push_back(std::make_unique<node>(make(strands.back(), std::move(config))));
        if (i == 0) first = {nodes[0]->local()};
    }
    /// Calls on a node happen on its strand.
    auto const on = [&](std::size_t i, auto call) {
        return asio::post(strands[i], asio::use_future([&, i] { return call(*nodes[i]); })).get();
    };
    for (std::size_t i = 0; i < count; ++i) {
        on(i, [&](node& n) {
            n.on_event([&](event const& e) { ups += e.kind == event_kind::member_up ? 1 : 0; });
            REQUIRE(n.start());
            return true;
        });
    }
    auto const all_see = [&](std::size_t alive) {
        auto const end = steady::now() + patience;
        for (;;) {
            bool all = true;
            for (std::size_t i = 0; i < count; ++i) {
                all = all && (!nodes[i] || on(i, [](node& n) { return n.alive_count(); }) == alive);
            }
            if (all || steady::now() > end) return all;
            std::this_thread::sleep_for(5ms);
        }
    };
    CHECK(all_see(count));
    CHECK(ups >= static_cast<int>(count * (count - 1)));

    // A goodbye may be awaited from anywhere; here from the loop itself, beside the strand.
    asio::co_spawn(loop, nodes[4]->leave(), asio::use_future).get();
    on(4, [&](node&) {
        nodes[4].reset();
        return true;
    });
    CHECK(all_see(count - 1));
    for (std::size_t i = 0; i < 4; ++i) {
        on(i, [&](node&) {
            nodes[i].reset();
            return true;
        });
    }
    loop.stop();
    for (std::thread& t : threads) t.join();
}

TEST_CASE("a stop during a dial that nobody answers leaves nothing to wait for") {
    asio::io_context loop;
    // A listener whose queue is full: further connections are neither made nor refused.
    asio::ip::tcp::acceptor full{loop};
    full.open(asio::ip::tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(1);
    std::vector<asio::ip::tcp::socket> fillers;
    for (int i = 0; i < 8; ++i) {
        fillers.emplace_back(loop);
        fillers.back().open(asio::ip::tcp::v4());
        fillers.back().async_connect(full.local_endpoint(), [](asio::error_code) {});
    }
    loop.run_for(50ms);
    {
        node a = make(loop.get_executor(), quick("a", {peerkit::net::from_asio(full.local_endpoint())}));
        REQUIRE(a.start());
        CHECK(eventually(loop, [&] { return a.sockets().streams_dialled > 0; }));
        loop.run_for(20ms);
        CHECK(a.sockets().streams_dial_failed == 0);
        a.stop();
    }
    fillers.clear();
    full.close();
    CHECK(runs_out(loop, 10s));
}

TEST_CASE("a stop during discovery, whatever it waits for, leaves nothing to wait for") {
    scratch_directory const scratch;
    asio::io_context loop;
    peerkit::discovery::run_command command;
    command.argv = {"sleep", "1000"};
    command.timeout = 1h;
    peerkit::discovery::http_get get;
    get.socket_path = scratch.file("s");
    get.host = "h";
    get.target = "/";
    get.timeout = 1h;
    unix_server const silent{scratch.file("s"), [](int client) {
                                 char c = 0;
                                 while (::read(client, &c, 1) == 1) {}
                             }};
    peerkit::discovery::resolve_name name;
    name.host = "peerkit.invalid";
    name.timeout = 1h;
    std::vector<peerkit::discovery::effect> const waits{peerkit::discovery::wait_until{peerkit::never}, command, get,
                                                        name};
    std::vector<node> nodes;
    for (auto const& what : waits) {
        node_config config = quick("a");
        config.discovery = endless{what};
        nodes.push_back(make(loop.get_executor(), std::move(config)));
        REQUIRE(nodes.back().start());
    }
    loop.run_for(50ms);
    for (node& n : nodes) n.stop();
    CHECK(runs_out(loop, 10s));
}

TEST_CASE("a goodbye with nobody there, and one that is cut short by a stop, come to an end") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    REQUIRE(a.start());
    int ended = 0;
    asio::co_spawn(loop, a.leave(), [&](std::exception_ptr) { ++ended; });
    asio::co_spawn(loop, a.leave(), [&](std::exception_ptr) { ++ended; });
    CHECK(runs_out(loop));
    CHECK(ended == 2);

    node b = make(loop.get_executor(), quick("b"));
    node c = make(loop.get_executor(), quick("c", {b.local()}));
    REQUIRE(b.start());
    REQUIRE(c.start());
    CHECK(eventually(loop, [&] { return b.alive_count() == 2; }));
    asio::co_spawn(loop, b.leave(), [&](std::exception_ptr) { ++ended; });
    loop.poll();
    b.stop();
    c.stop();
    CHECK(runs_out(loop));
    CHECK(ended == 3);

    // Before the start there is nobody to say goodbye to.
    node d = make(loop.get_executor(), quick("d"));
    asio::co_spawn(loop, d.leave(), [&](std::exception_ptr) { ++ended; });
    CHECK(runs_out(loop));
    CHECK(ended == 4);
    CHECK(d.start().error() == peerkit::net::net_error::stopped);
}

TEST_CASE("a handler may call, stop and destroy the node it is told of") {
    asio::io_context loop;
    auto a = std::make_unique<node>(make(loop.get_executor(), quick("a")));
    node b = make(loop.get_executor(), quick("b", {a->local()}));
    int events = 0;
    a->on_event([&](event const& e) {
        ++events;
        if (e.kind != event_kind::member_up) return;
        peerkit::description changed;
        changed.name = "renamed";
        CHECK(a->update(changed));
        CHECK(a->contact(b.local()));
        CHECK(a->members().size() == 2);
        a.reset();
    });
    REQUIRE(a->start());
    REQUIRE(b.start());
    CHECK(eventually(loop, [&] { return a == nullptr; }));
    int const seen = events;
    loop.run_for(50ms);
    CHECK(events == seen);
    b.stop();
    CHECK(runs_out(loop, 10s));
}

TEST_CASE("an exception of a handler stops the node and leaves run()") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node b = make(loop.get_executor(), quick("b", {a.local()}));
    a.on_event([](event const& e) {
        if (e.kind == event_kind::member_up) throw std::runtime_error{"a careless host"};
    });
    REQUIRE(a.start());
    REQUIRE(b.start());
    bool thrown = false;
    try {
        (void)eventually(loop, [] { return false; }, 10s);
    } catch (std::runtime_error const&) {
        thrown = true;
    }
    CHECK(thrown);
    CHECK_FALSE(a.running());
    CHECK(b.running());
    b.stop();
    CHECK(runs_out(loop, 10s));
}

TEST_CASE("a context destroyed under running nodes takes everything with it") {
    auto loop = std::make_unique<asio::io_context>();
    {
        node a = make(loop->get_executor(), quick("a"));
        node b = make(loop->get_executor(), quick("b", {a.local()}));
        REQUIRE(a.start());
        REQUIRE(b.start());
        CHECK(eventually(*loop, [&] { return a.sockets().streams_accepted > 0; }));
        asio::co_spawn(*loop, b.leave(), [](std::exception_ptr) {});
        loop->run_for(1ms);
    } // stopped, but what was under way has not been told yet
    loop.reset();
}

TEST_CASE("notices of a strategy and trouble with the state directory reach the host") {
    struct talkative {
        [[nodiscard]] std::string_view name() const noexcept { return "talkative"; }
        [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point) {
            return peerkit::discovery::step::failed(peerkit::discovery::discovery_error::not_running)
                .with({peerkit::discovery::notice::severity::warning, peerkit::discovery::discovery_error::not_running,
                       "me"});
        }
        [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket, peerkit::discovery::outcome const&,
                                                      peerkit::time_point) {
            return peerkit::discovery::step::found({});
        }
    };
    scratch_directory const scratch;
    std::filesystem::create_directory(scratch.file("state"));
    asio::io_context loop;
    node_config config = quick("a");
    config.discovery = talkative{};
    config.state_directory = scratch.file("state");
    node a = make(loop.get_executor(), std::move(config));
    std::filesystem::remove(scratch.file("state"));
    std::vector<std::string> told;
    a.on_notice([&](peerkit::discovery::notice const& n) { told.push_back(n.text); });
    std::optional<peerkit::error> failed;
    a.on_event([&](event const& e) {
        if (e.kind == event_kind::discovery_failed) failed = e.what;
    });
    REQUIRE(a.start());
    CHECK(eventually(loop, [&] { return failed.has_value(); }));
    CHECK(*failed == peerkit::discovery::discovery_error::not_running);
    CHECK(std::find(told.begin(), told.end(), "me") != told.end());
    CHECK(std::find(told.begin(), told.end(),
                    scratch.file("state") + "/peerkit-" + to_string(a.id().short_id()) + ".incarnation") != told.end());
    a.stop();
    CHECK(runs_out(loop, 10s));
}

#if defined(__linux__)
TEST_CASE("a member that datagrams do not reach stays a member by its streams") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node deaf = make(loop.get_executor(), quick("deaf", {a.local()}));
    // The system drops every datagram for it, as a firewall would.
    sock_filter drop_all[] = {{BPF_RET | BPF_K, 0, 0, 0}};
    sock_fprog const program{1, drop_all};
    REQUIRE(::setsockopt(deaf.datagram_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
    bool blocked = false, dead = false;
    a.on_event([&](event const& e) {
        blocked = blocked || e.kind == event_kind::datagrams_blocked;
        dead = dead || e.kind == event_kind::member_dead;
    });
    deaf.on_event([&](event const& e) { dead = dead || e.kind == event_kind::member_dead; });
    REQUIRE(a.start());
    REQUIRE(deaf.start());
    CHECK(eventually(loop, [&] { return a.alive_count() == 2 && deaf.alive_count() == 2; }));
    (void)eventually(loop, [&] { return dead; }, 6s); // a dozen probe periods
    CHECK_FALSE(dead);
    CHECK(blocked);
    CHECK(a.alive_count() == 2);
    CHECK(deaf.alive_count() == 2);
    CHECK(deaf.sockets().datagrams_received == 0);
    CHECK(a.counters().probes_by_stream > 0);
}
#endif
