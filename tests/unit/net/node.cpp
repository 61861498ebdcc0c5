// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of nodes on real loopback sockets: joining, leaving, dying, being unheard.
#include <peerkit/net/node.hpp>

#include <peerkit/store/memory_store.hpp>

#include "unit/net/nodes.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <vector>

using namespace net_test;
using names_list = std::vector<std::string>;

TEST_CASE("three nodes in one loop join through one of them and all see all") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node b = make(loop.get_executor(), quick("b", {a.local()}));
    node c = make(loop.get_executor(), quick("c", {a.local()}));
    CHECK(a.alive_count() == 0);
    for (node* n : {&a, &b, &c}) REQUIRE(n->start());
    names_list const all{"a", "b", "c"};
    CHECK(eventually(loop, [&] { return names(a) == all && names(b) == all && names(c) == all; }));
    for (node* n : {&a, &b, &c}) {
        CHECK(n->alive_count() == 3);
        CHECK(n->running());
        CHECK(n->logic().check_invariants() == 0);
    }
    auto const seen = c.find(b.id());
    REQUIRE(seen);
    CHECK(seen->name == "b");
    CHECK(seen->endpoint == b.local());
    CHECK_FALSE(seen->is_self);
    CHECK(c.find(c.id())->is_self);
    CHECK(eventually(loop, [&] { return a.sockets().datagrams_received > 0; }));
    CHECK(a.sockets().streams_accepted > 0);
    CHECK(b.sockets().streams_dialled > 0);
    auto const quiet = [&] {
        return a.sockets().streams_open + b.sockets().streams_open + c.sockets().streams_open == 0;
    };
    CHECK_MESSAGE(eventually(loop, quiet, 5s), "streams stay open when their exchange is over");

    SUBCASE("one that leaves is seen to leave, and its loop has nothing left to do") {
        bool gone = false;
        asio::co_spawn(loop, b.leave(), [&](std::exception_ptr) { gone = true; });
        CHECK(eventually(loop, [&] { return gone && names(a, member_state::left) == names_list{"b"}; }));
        CHECK(eventually(loop, [&] { return names(c, member_state::left) == names_list{"b"}; }));
        CHECK_FALSE(b.running());
        CHECK(b.start().error() == peerkit::net::net_error::stopped);
        a.stop();
        c.stop();
        CHECK(runs_out(loop, 10s));
    }
    SUBCASE("one that stops without a word is found dead") {
        std::vector<event_kind> told;
        c.on_event([&](event const& e) {
            if (e.subject == b.id()) told.push_back(e.kind);
        });
        b.stop();
        CHECK(eventually(loop, [&] { return names(a, member_state::dead) == names_list{"b"}; }));
        CHECK(eventually(loop, [&] { return names(c, member_state::dead) == names_list{"b"}; }));
        CHECK(a.alive_count() == 2);
        CHECK(told.back() == event_kind::member_dead);
        CHECK(std::find(told.begin(), told.end(), event_kind::member_suspected) != told.end());
    }
    SUBCASE("a changed description reaches everybody") {
        peerkit::description changed;
        changed.name = "b2";
        changed.roles = {"worker"};
        changed.labels = {{"zone", "x"}};
        REQUIRE(b.update(changed));
        CHECK(
            eventually(loop, [&] { return c.find(b.id())->name == "b2" && a.find(b.id())->about.has_role("worker"); }));
        CHECK(a.find(b.id())->about.gossip_port == b.local().port);
        CHECK(a.find(b.id())->about.addresses.size() == 1);

        changed.labels.assign(40, {"k", "v"});
        CHECK_FALSE(b.update(changed));
        CHECK(b.find(b.id())->name == "b2");
    }
    SUBCASE("a part of the description is edited, and members are found by it") {
        REQUIRE(b.edit([](peerkit::description& self) {
            return peerkit::upsert_service(self, {"sql", 5432, "", peerkit::service_health::passing});
        }));
        CHECK(eventually(loop, [&] { return c.members({.service = "sql", .passing = true}).size() == 1; }));
        auto const before = c.find(b.id())->about.services.front();
        REQUIRE(b.set_service_health("sql", peerkit::service_health::critical));
        CHECK(b.self().services.front().health == peerkit::service_health::critical);
        CHECK(eventually(loop, [&] { return c.members({.service = "sql", .passing = true}).empty(); }));
        CHECK(c.members({.service = "sql"}).front().name == "b");
        CHECK(c.find(b.id())->about.services.front().version > before.version);
        CHECK(b.set_service_health("smtp", peerkit::service_health::critical).error() ==
              peerkit::core_error::not_found);
        // Answered pings tell how far away a member is; whom this node does not ping comes last.
        CHECK(eventually(loop, [&] { return c.find(a.id())->round_trip || c.find(b.id())->round_trip; }));
        CHECK(eventually(loop, [&] { return c.find(a.id())->heard_since.has_value(); }));
        auto const near = c.nearest(5);
        REQUIRE(near.size() == 2);
        REQUIRE(near[0].round_trip);
        if (near[1].round_trip) CHECK(*near[0].round_trip <= *near[1].round_trip);
        CHECK(c.nearest(5, {.name = "b"}).size() == 1);
    }
    SUBCASE("a node destroyed in the middle of everything leaves nothing behind") {
        {
            node gone = std::move(c);
            loop.run_for(5ms);
        }
        CHECK(eventually(loop, [&] { return a.alive_count() == 2; }));
        a.stop();
        b.stop();
        CHECK(runs_out(loop, 10s));
    }
}

TEST_CASE("a node says what it cannot do before it is started and after it was stopped") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    CHECK(a.update({}).error() == peerkit::net::net_error::not_started);
    CHECK(a.contact({ip_address::v4(127, 0, 0, 1), 9}).error() == peerkit::net::net_error::not_started);
    CHECK(a.set_service_health("sql", peerkit::service_health::passing).error() ==
          peerkit::net::net_error::not_started);
    CHECK(a.members().empty());
    CHECK(a.nearest(3).empty());
    REQUIRE(a.start());
    CHECK(a.start().error() == peerkit::net::net_error::already_started);
    CHECK(a.members().size() == 1);
    a.stop();
    a.stop();
    CHECK(a.start().error() == peerkit::net::net_error::stopped);
    CHECK(a.update({}).error() == peerkit::net::net_error::stopped);
    CHECK(runs_out(loop, 10s));
}

TEST_CASE("a port that is taken, for UDP or for TCP, is an error that says so; the port is free again after a stop") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node_config same = quick("b");
    same.listen.port = a.local().port;
    auto const refused = node::create(loop.get_executor(), std::move(same));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == peerkit::net::net_error::port_in_use);
    CHECK(refused.error().position() == a.local().port);
    CHECK(refused.error().field() == "udp");

    std::uint16_t const port = a.local().port;
    a.stop();
    node_config again = quick("c");
    again.listen.port = port;
    CHECK(node::create(loop.get_executor(), std::move(again)));
}

TEST_CASE("a node of a sealed network needs a key, one of an open network takes none") {
    asio::io_context loop;
    node_config config = quick("a");
    config.key.reset();
    CHECK(node::create(loop.get_executor(), std::move(config)).error() == peerkit::net::net_error::no_key);
    CHECK(peerkit::net::open_node::create(loop.get_executor(), quick("a")).error() ==
          peerkit::net::net_error::unwanted_key);
}

TEST_CASE("a description or tunables that cannot be used are refused at the start") {
    asio::io_context loop;
    node_config config = quick("a");
    config.self.roles.assign(9, "r");
    node a = make(loop.get_executor(), std::move(config));
    CHECK_FALSE(a.start());
    config = quick("b");
    config.tunables.fan_out = 0;
    node b = make(loop.get_executor(), std::move(config));
    CHECK(b.start().error() == peerkit::gossip::gossip_error::bad_tunables);
    CHECK(runs_out(loop, 10s));
}

TEST_CASE("a node with another key sees nobody, and nobody sees it") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node_config config = quick("stranger", {a.local()});
    config.key = test_key(99);
    node stranger = make(loop.get_executor(), std::move(config));
    int failures = 0;
    stranger.on_event([&](event const& e) { failures += e.kind == event_kind::join_failed ? 1 : 0; });
    REQUIRE(a.start());
    REQUIRE(stranger.start());
    CHECK(eventually(loop, [&] { return failures >= 2; }));
    CHECK(a.alive_count() == 1);
    CHECK(a.members().size() == 1);
    CHECK(stranger.alive_count() == 1);
    CHECK(a.sockets().datagrams_sent == 0);
    CHECK(a.counters().malformed > 0);
}

TEST_CASE("an open node and a sealed node understand nothing of each other") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node_config config = quick("open", {a.local()});
    config.key.reset();
    auto open = peerkit::net::open_node::create(loop.get_executor(), std::move(config));
    REQUIRE(open);
    config = quick("open2", {open->local(), a.local()});
    config.key.reset();
    auto second = peerkit::net::open_node::create(loop.get_executor(), std::move(config));
    REQUIRE(second);
    REQUIRE(a.start());
    REQUIRE(open->start());
    REQUIRE(second->start());
    CHECK(eventually(loop, [&] { return open->alive_count() == 2 && second->alive_count() == 2; }));
    loop.run_for(500ms);
    CHECK(a.alive_count() == 1);
}

TEST_CASE("junk is not answered, on either protocol, and a node goes on") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    REQUIRE(a.start());
    asio::ip::udp::socket raw{loop, {asio::ip::address_v4::loopback(), 0}};
    auto const target = peerkit::net::to_asio<asio::ip::udp>(a.local());
    for (std::size_t size : {0U, 1U, 2U, 14U, 37U, 38U, 54U, 55U, 100U, 1199U, 1200U, 1201U, 5000U}) {
        for (unsigned const fill : {0x00U, 0x01U, 0xffU}) {
            std::vector<unsigned char> junk(size, static_cast<unsigned char>(fill));
            if (size > 2) junk[0] = 1; // looks like the right version
            raw.send_to(asio::buffer(junk), target);
        }
    }
    asio::ip::tcp::socket stream{loop};
    stream.connect(peerkit::net::to_asio<asio::ip::tcp>(a.local()));
    std::vector<unsigned char> const frame{0, 0, 0, 60, 1, 1, 2, 3};
    asio::error_code ignored;
    stream.write_some(asio::buffer(frame), ignored);
    std::vector<unsigned char> const rest(300, 7);
    stream.write_some(asio::buffer(rest), ignored);

    std::size_t bytes_back = 0;
    std::vector<char> answer(2000);
    raw.async_receive(asio::buffer(answer), [&](asio::error_code ec, std::size_t n) { bytes_back += ec ? 0 : n + 1; });
    bool closed = false;
    stream.async_read_some(asio::buffer(answer), [&](asio::error_code ec, std::size_t n) {
        bytes_back += n;
        closed = static_cast<bool>(ec);
    });
    CHECK(eventually(loop, [&] { return a.sockets().datagrams_received >= 39 && closed; }));
    loop.run_for(300ms);
    CHECK(bytes_back == 0);
    CHECK(a.sockets().datagrams_sent == 0);
    CHECK(a.sockets().stream_bytes_sent == 0);
    CHECK(a.sockets().oversize == 6);
    CHECK(a.logic().check_invariants() == 0);

    node b = make(loop.get_executor(), quick("b", {a.local()}));
    REQUIRE(b.start());
    CHECK(eventually(loop, [&] { return a.alive_count() == 2 && b.alive_count() == 2; }));
}

TEST_CASE("an identity file gives a node the same identity again, and the store a higher incarnation") {
    asio::io_context loop;
    scratch_directory const scratch;
    auto const shelf = std::make_shared<peerkit::store::memory_shelf>();
    auto const configure = [&] {
        node_config config = quick("a");
        config.identity_file = scratch.file("identity");
        config.store = peerkit::store::memory_store{shelf};
        return config;
    };
    peerkit::node_id id;
    std::uint64_t before = 0;
    {
        node a = make(loop.get_executor(), configure());
        REQUIRE(a.start());
        REQUIRE(eventually(loop, [&] { return a.memory().saves == 1; }));
        id = a.id();
        before = a.find(id)->incarnation;
        CHECK(a.memory().store == "memory");
        a.stop();
        CHECK(runs_out(loop));
    }
    // A clock set back is outweighed by what was stored.
    std::uint64_t const far_ahead = before + 1'000'000'000'000;
    {
        peerkit::store::memory_store held{shelf};
        auto found = held.load();
        REQUIRE(found);
        CHECK(found->state.incarnation == before + peerkit::store::incarnations_ahead);
        found->state.incarnation = far_ahead;
        REQUIRE(held.save(found->state));
    }
    node again = make(loop.get_executor(), configure());
    REQUIRE(again.start());
    CHECK(again.id() == id);
    CHECK(again.find(id)->incarnation == far_ahead + 1);
    // One node at a time.
    CHECK(node::create(loop.get_executor(), configure()).error() == peerkit::store::store_error::in_use);
}

TEST_CASE("a node without discovery joins from its store, at its old port and under its old name") {
    asio::io_context loop;
    auto const shelf = std::make_shared<peerkit::store::memory_shelf>();
    node other = make(loop.get_executor(), quick("other"));
    REQUIRE(other.start());
    ip_endpoint where;
    scratch_directory const scratch;
    auto const configure = [&](std::string name, std::vector<ip_endpoint> seeds) {
        node_config config = quick(std::move(name), std::move(seeds));
        config.identity_file = scratch.file("identity");
        config.store = peerkit::store::memory_store{shelf};
        return config;
    };
    {
        node a = make(loop.get_executor(), configure("a", {other.local()}));
        REQUIRE(a.start());
        where = a.local();
        REQUIRE(eventually(loop, [&] { return other.alive_count() == 2 && a.alive_count() == 2; }));
        bool left = false;
        asio::co_spawn(loop, a.leave(), [&](std::exception_ptr) { left = true; });
        REQUIRE(eventually(loop, [&] { return left && other.alive_count() == 1; }));
        CHECK(a.memory().saves >= 2);
    }
    node again = make(loop.get_executor(), configure("", {}));
    std::vector<event_kind> told;
    again.on_event([&](event const& e) {
        if (e.kind >= event_kind::peers_recalled || e.kind == event_kind::discovery_found) told.push_back(e.kind);
    });
    REQUIRE(again.start());
    CHECK(again.local() == where);
    CHECK(again.self().name == "a");
    CHECK(again.memory().recalled == 1);
    CHECK(eventually(loop, [&] { return again.alive_count() == 2 && other.alive_count() == 2; }));
    CHECK(told == std::vector{event_kind::discovery_found, event_kind::peers_recalled, event_kind::listening,
                              event_kind::announced});
    for (auto const& c : again.candidates()) CHECK(c.last == peerkit::node::call_result::answered);
}

TEST_CASE("a name made of the host's is fit to be a node's name") {
    std::string const name = peerkit::net::host_label();
    CHECK(peerkit::check_name(name, peerkit::limits::name, "name"));
}

TEST_CASE("a node lists the places it may call, with their sources and what became of the last call") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node b = make(loop.get_executor(), quick("b", {a.local(), {ip_address::v4(127, 0, 0, 1), 1}}));
    REQUIRE(a.start());
    REQUIRE(b.start());
    auto const last_of = [&b](ip_endpoint const& where) {
        for (auto const& c : b.candidates()) {
            if (c.addresses.at(0) == where) return c;
        }
        return peerkit::net::candidate_info{};
    };
    CHECK(eventually(loop, [&] {
        return last_of(a.local()).last == peerkit::node::call_result::answered &&
               last_of({ip_address::v4(127, 0, 0, 1), 1}).last == peerkit::node::call_result::refused;
    }));
    CHECK(last_of(a.local()).sources.contains(peerkit::discovery::provenance::static_list));
    CHECK(last_of({ip_address::v4(127, 0, 0, 1), 1}).why);
}

TEST_CASE("what one node puts the others hold, are told of by the beginning of its key, and see erased") {
    asio::io_context loop;
    node a = make(loop.get_executor(), quick("a"));
    node b = make(loop.get_executor(), quick("b", {a.local()}));
    using peerkit::as_bytes;
    CHECK(a.put("shard/1", as_bytes("ready")).error() == peerkit::net::net_error::not_started);
    names_list told;
    b.on_entry("shard/", [&](peerkit::net::entry_change const& c) {
        CHECK(c.owner == a.id());
        told.push_back(std::string{c.key} + (c.erased ? " erased" : "=" + std::string{c.text()}));
        if (c.key == "shard/2") CHECK(b.put("seen", as_bytes(c.text()))); // a handler may change things
    });
    for (node* n : {&a, &b}) REQUIRE(n->start());
    REQUIRE(a.put("shard/1", as_bytes("ready")));
    REQUIRE(a.put("other", as_bytes("x")));
    CHECK(eventually(loop, [&] { return told == names_list{"shard/1=ready"} && b.get(a.id(), "other"); }));
    REQUIRE(a.put("shard/2", as_bytes("loading")));
    REQUIRE(a.erase("shard/1"));
    CHECK(a.erase("shard/1").error() == peerkit::core_error::not_found);
    CHECK(eventually(loop, [&] { return a.get(b.id(), "seen").has_value() && told.size() == 3; }));
    CHECK(names_list{told.begin() + 1, told.end()}.size() == 2);
    CHECK(std::count(told.begin(), told.end(), "shard/1 erased") == 1);
    CHECK(std::count(told.begin(), told.end(), "shard/2=loading") == 1);
    auto const of_a = b.entries(a.id());
    REQUIRE(of_a.size() == 2);
    CHECK(of_a[0].key == "other");
    CHECK(of_a[1].text() == "loading");
    CHECK(of_a[1].owner == a.id());
    CHECK(b.entries_with("s").size() == 2);
    b.on_entry("shard/", nullptr);
    REQUIRE(a.put("shard/3", as_bytes("x")));
    CHECK(eventually(loop, [&] { return b.get(a.id(), "shard/3").has_value(); }));
    CHECK(told.size() == 3);
}
