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

/// What `announcer` has seen, kept where it outlives the node.
struct announcer_log {
    int runs = 0;
    std::vector<peerkit::discovery::announcement> read;
    int farewells = 0;
    bool said = false;
    bool silent = false; ///< the farewell is never answered
};

/// Says which registry it uses, reads what the node announces then, and watches that. Reads it again to say farewell.
struct announcer {
    announcer_log* log;

    [[nodiscard]] std::string_view name() const noexcept { return "announcer"; }
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point) {
        ++log->runs;
        return peerkit::discovery::step::ask(peerkit::discovery::use_registry{"registry.example:8000"}, 1);
    }
    [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket which, peerkit::discovery::outcome got,
                                                  peerkit::time_point) {
        using namespace peerkit::discovery;
        if (which == 1) {
            CHECK(std::get_if<elapsed>(&got) != nullptr);
            return step::ask(read_announcement{std::vector<std::byte>(32)}, 2);
        }
        if (which == 3) {
            log->said = std::get_if<elapsed>(&got) != nullptr;
            return step::found({});
        }
        auto const* const read = std::get_if<announcement>(&got);
        REQUIRE(read != nullptr);
        log->read.push_back(*read);
        auto const record = peerkit::wire::record_view::parse(read->record);
        return step::found({}).watching(watch_announcement{record->incarnation()});
    }
    [[nodiscard]] peerkit::discovery::step farewell(peerkit::time_point now) {
        using namespace peerkit::discovery;
        ++log->farewells;
        return step::ask(wait_until{log->silent ? peerkit::never : now + 20ms}, 3);
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

TEST_CASE("strategies read the node's announcement, name its registry to the others, and see it change") {
    asio::io_context loop;
    announcer_log log;
    node b = make(loop.get_executor(), quick("b"));
    node_config config = quick("a", {b.local()});
    config.discovery = announcer{&log};
    node a = make(loop.get_executor(), std::move(config));
    REQUIRE(b.start());
    REQUIRE(a.start());
    REQUIRE(eventually(loop, [&] { return !log.read.empty(); }));
    auto const record = peerkit::wire::record_view::parse(log.read.front().record);
    REQUIRE(record.has_value());
    CHECK(record->id() == a.id());
    CHECK(record->label_value("registry") == "registry.example:8000");
    std::vector<std::byte> const challenge(32);
    REQUIRE(log.read.front().proof.has_value());
    CHECK(peerkit::crypto::verify_challenge<peerkit::crypto::ed25519_identity>(a.id(), log.read.front().network,
                                                                               challenge, *log.read.front().proof));

    int const runs = log.runs;
    REQUIRE(a.edit([](peerkit::description& self) { return set_label(self, "zone", "b"); }));
    REQUIRE(eventually(loop, [&] { return log.runs > runs && log.read.size() > static_cast<std::size_t>(runs); }));
    CHECK(peerkit::wire::record_view::parse(log.read.back().record)->label_value("zone") == "b");

    REQUIRE(b.edit([](peerkit::description& self) { return set_label(self, "registry", "[2001:db8::1]:8000"); }));
    REQUIRE(a.contact(b.local()));
    REQUIRE(eventually(loop, [&] {
        if (b.alive_count() != 2) return false;
        (void)a.edit([&](peerkit::description& self) { return set_label(self, "n", std::to_string(log.runs)); });
        return !log.read.back().registries.empty();
    }));
    CHECK(log.read.back().registries == names_list{"[2001:db8::1]:8000"});
}

TEST_CASE("discovery says farewell when the node leaves, once, and not for longer than it may") {
    asio::io_context loop;
    for (bool const silent : {false, true}) {
        announcer_log log;
        log.silent = silent;
        node_config config = quick("a");
        config.discovery = announcer{&log};
        node a = make(loop.get_executor(), std::move(config));
        REQUIRE(a.start());
        REQUIRE(eventually(loop, [&] { return !log.read.empty(); }));
        int ended = 0;
        auto const began = steady::now();
        asio::co_spawn(loop, a.leave(), [&](std::exception_ptr) { ++ended; });
        asio::co_spawn(loop, a.leave(), [&](std::exception_ptr) { ++ended; });
        REQUIRE(runs_out(loop));
        CHECK(ended == 2);
        CHECK(log.farewells == 1);
        CHECK(log.said == !silent);
        if (silent) CHECK(steady::now() - began >= 1900ms);
    }
    // A stop says nothing, and a stop in the middle of a farewell ends it.
    announcer_log log;
    log.silent = true;
    node_config config = quick("a");
    config.discovery = announcer{&log};
    node a = make(loop.get_executor(), std::move(config));
    REQUIRE(a.start());
    REQUIRE(eventually(loop, [&] { return !log.read.empty(); }));
    asio::co_spawn(loop, a.leave(), [](std::exception_ptr) {});
    loop.poll();
    CHECK(log.farewells == 1);
    auto const began = steady::now();
    a.stop();
    CHECK(runs_out(loop));
    CHECK(steady::now() - began < 1500ms);
}

TEST_CASE("a run of discovery that has not ended is abandoned when the node leaves") {
    struct stuck {
        int* farewells;
        bool* resumed;
        [[nodiscard]] std::string_view name() const noexcept { return "stuck"; }
        [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point now) {
            return peerkit::discovery::step::ask(peerkit::discovery::wait_until{now + 100ms}, 1);
        }
        [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket which,
                                                      peerkit::discovery::outcome const&, peerkit::time_point) {
            if (which == 1) *resumed = true;
            return peerkit::discovery::step::found({});
        }
        [[nodiscard]] peerkit::discovery::step farewell(peerkit::time_point now) {
            ++*farewells;
            return peerkit::discovery::step::ask(peerkit::discovery::wait_until{now + 200ms}, 2);
        }
    };
    asio::io_context loop;
    int farewells = 0;
    bool resumed = false;
    node_config config = quick("a");
    config.discovery = stuck{&farewells, &resumed};
    node a = make(loop.get_executor(), std::move(config));
    REQUIRE(a.start());
    loop.poll();
    asio::co_spawn(loop, a.leave(), [](std::exception_ptr) {});
    CHECK(runs_out(loop));
    CHECK(farewells == 1);
    CHECK_FALSE(resumed);
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

TEST_CASE("notices of a strategy and trouble with the store reach the host, and the node runs") {
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
    struct broken_store {
        [[nodiscard]] std::string_view name() const noexcept { return "broken"; }
        [[nodiscard]] peerkit::result<void> claim() { return {}; }
        [[nodiscard]] peerkit::result<peerkit::store::loaded_state> load() { return refusal(); }
        [[nodiscard]] peerkit::result<void> save(peerkit::store::stored_state const&) { return refusal(); }
        [[nodiscard]] static tl::unexpected<peerkit::error> refusal() {
            return peerkit::fail(peerkit::store::store_error::read_only, 30, "open");
        }
    };
    asio::io_context loop;
    node_config config = quick("a");
    config.discovery = talkative{};
    config.store = broken_store{};
    node a = make(loop.get_executor(), std::move(config));
    std::vector<std::string> told;
    std::size_t about_store = 0;
    a.on_notice([&](peerkit::discovery::notice const& n) {
        told.push_back(n.text);
        about_store += n.what == peerkit::store::store_error::read_only ? 1U : 0U;
    });
    std::optional<peerkit::error> failed;
    a.on_event([&](event const& e) {
        if (e.kind == event_kind::discovery_failed) failed = e.what;
    });
    REQUIRE(a.start());
    CHECK(eventually(loop, [&] { return failed.has_value(); }));
    CHECK(*failed == peerkit::discovery::discovery_error::not_running);
    CHECK(std::find(told.begin(), told.end(), "me") != told.end());
    CHECK(eventually(loop, [&] { return a.logic().listening(); })); // without waiting for the store any longer
    CHECK(about_store == 1); // of the load; the save that failed for the same reason is no news
    CHECK(a.memory().trouble == peerkit::error{peerkit::store::store_error::read_only, 30, "open"});
    CHECK(a.memory().saves == 0);
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
