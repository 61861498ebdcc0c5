// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: user data reaches whom it is for, once, whatever the weather; floods and recordings do not get through.
#include "support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace scenario;
using namespace peerkit;
using gossip::delivery;
using gossip::delivery_kind;

namespace {

using bytes = std::vector<std::byte>;

void with_user_data(sim::world_options& o) { o.invariants = sim::invariants_with_user_data(gossip::lan()); }

/// Who got what: payload, by receiver, in order.
struct post_office {
    explicit post_office(default_world& of) : world{of} {
        world.on_deliver([this](node_index to, delivery const& d, byte_view payload) {
            took.push_back(world.elapsed());
            received[to].push_back({d, {payload.begin(), payload.end()}});
            if (handler) handler(to, d, payload);
        });
    }
    struct item {
        delivery what;
        bytes payload;
    };
    /// Deliveries of one kind at a node.
    [[nodiscard]] std::size_t count(node_index at, delivery_kind kind) const {
        auto const found = received.find(at);
        if (found == received.end()) return 0;
        return static_cast<std::size_t>(std::count_if(found->second.begin(), found->second.end(),
                                                      [&](item const& i) { return i.what.kind == kind; }));
    }
    /// Nodes that have at least `times` broadcasts.
    [[nodiscard]] std::size_t reached(std::size_t times = 1) const {
        std::size_t nodes = 0;
        for (node_index i = 0; i < world.size(); ++i) nodes += count(i, delivery_kind::broadcast) >= times ? 1U : 0U;
        return nodes;
    }
    default_world& world;
    std::map<node_index, std::vector<item>> received;
    std::vector<duration> took;
    std::function<void(node_index, delivery const&, byte_view)> handler;
};

bool say(default_world& world, node_index from, std::string_view text) {
    bool said = false;
    world.call(from, [&](auto& n, time_point now, gossip::outbox&) {
        said = n.broadcast("chat", as_bytes(text), now).has_value();
    });
    return said;
}

} // namespace

TEST_CASE("a broadcast reaches all others within moments, once each, and its origin not at all") {
    cluster world{100, 3, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    REQUIRE(say(world, 7, "hello"));
    auto const took = world.run_until([&] { return post.reached() == 99; }, 10s, 1ms);
    REQUIRE(took);
    CHECK(*took < 1s);
    world.run_for(3min);
    CHECK(post.reached(2) == 0);
    CHECK(post.count(7, delivery_kind::broadcast) == 0);
    auto const& item = post.received[8].front();
    CHECK(item.what.from == world.id_of(7));
    CHECK(item.what.topic.view() == "chat");
    CHECK(item.what.sequence == 1);
    CHECK(as_text(item.payload) == "hello");
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("with a fifth of all packets lost every member still gets every broadcast, once") {
    std::size_t const count = full() ? 1000 : 150;
    cluster world{count, 5, {}, with_user_data};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(20)});
    post_office post{world};
    for (node_index i = 0; i < 10; ++i) REQUIRE(say(world, i * 3, "number " + std::to_string(i)));
    auto const all = [&] {
        std::size_t sum = 0;
        for (node_index i = 0; i < count; ++i) sum += post.count(i, delivery_kind::broadcast);
        return sum == 10 * count - 10;
    };
    auto const took = world.run_until(all, 60s, 10ms);
    REQUIRE(took);
    CHECK(*took < 15s);
    world.run_for(90s);
    CHECK(all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("large broadcasts are fetched by everybody, one of 60 KiB as well") {
    cluster world{60, 6, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    std::string const large(limits::payload, 'x'), medium(limits::datagram_payload + 1, 'y');
    REQUIRE(say(world, 1, large));
    REQUIRE(say(world, 2, medium));
    auto const took = world.run_until([&] { return post.reached(1) == 60 && post.reached(2) == 58; }, 30s, 10ms);
    REQUIRE(took);
    CHECK(*took < 10s);
    for (auto const& [to, items] : post.received) {
        for (auto const& i : items) CHECK(as_text(i.payload) == (i.what.from == world.id_of(1) ? large : medium));
    }
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a burst of broadcasts from everybody arrives everywhere, and nobody is taken for dead meanwhile") {
    cluster world{40, 7, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    std::string const text(300, 'z');
    for (int round = 0; round < 10; ++round) {
        for (node_index i = 0; i < 40; ++i) REQUIRE(say(world, i, text));
    }
    auto const took = world.run_until([&] { return post.reached(390) == 40; }, 60s, 10ms);
    CHECK(took);
    world.run_for(60s);
    CHECK(post.reached(391) == 0);
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("what was said on one side of a partition reaches the other when it heals within the window") {
    cluster world{30, 8, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    std::vector<node_index> left;
    for (node_index i = 0; i < 15; ++i) left.push_back(i);
    world.net().partition({left});
    REQUIRE(say(world, 3, "left"));
    REQUIRE(say(world, 20, "right"));
    world.run_for(20s);
    CHECK(post.reached() == 28);
    CHECK(post.reached(2) == 0);
    world.net().heal();
    auto const took = world.run_until([&] { return post.reached(2) == 28 && post.reached() == 30; }, 40s, 10ms);
    REQUIRE(took);
    world.run_for(2min);
    CHECK(post.reached(3) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("an origin that was started again is heard again; what was said before a life is not heard in it") {
    cluster world{20, 9, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    REQUIRE(say(world, 4, "before"));
    REQUIRE(world.run_until([&] { return post.reached() == 19; }, 10s));
    world.crash(4);
    world.crash(5);
    world.restart(4);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 2min));
    REQUIRE(say(world, 4, "after"));
    REQUIRE(world.run_until([&] { return post.reached(2) >= 18; }, 10s));
    world.restart(5);
    world.run_for(50s);
    CHECK(post.count(5, delivery_kind::broadcast) == 1);
    REQUIRE(say(world, 4, "now"));
    REQUIRE(world.run_until([&] { return post.count(5, delivery_kind::broadcast) == 2; }, 10s));
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("one member that floods is held to its budget; the others are heard as ever") {
    cluster world{30, 10, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    // A dishonest member has no budget of its own: its packets are made by another node with a larger one.
    std::size_t said = 0;
    for (int second = 0; second < 5; ++second) {
        for (int i = 0; i < 300; ++i) said += say(world, 1, "spam " + std::to_string(i)) ? 1U : 0U;
        world.run_for(1s);
    }
    CHECK(said <= 100 + 5 * 100);
    REQUIRE(say(world, 2, "important"));
    auto const heard = [&] {
        std::size_t nodes = 0;
        for (auto const& [to, items] : post.received)
            nodes +=
                std::any_of(items.begin(), items.end(), [](auto const& i) { return as_text(i.payload) == "important"; })
                    ? 1U
                    : 0U;
        return nodes == 29;
    };
    CHECK(world.run_until(heard, 5s, 10ms));
    world.run_for(60s);
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("recorded packets deliver nothing a second time, not even after the receiver was started again") {
    cluster world{10, 11, {}, with_user_data};
    REQUIRE(world.joined);
    post_office post{world};
    struct recorded {
        ip_endpoint from;
        node_index to;
        bytes frame;
    };
    std::vector<recorded> tape;
    world.on_send([&](node_index from, node_index to, byte_view frame) {
        if (to != sim::nobody) tape.push_back({world.endpoint_of(from), to, {frame.begin(), frame.end()}});
    });
    REQUIRE(say(world, 1, "once"));
    world.call(2, [&](auto& n, time_point now, gossip::outbox& out) {
        CHECK(n.send_message(world.id_of(3), "direct", as_bytes("once"), out));
        CHECK(n.send_reliably(world.id_of(3), "sure", as_bytes("once"), 5s, now, out));
        CHECK(n.request(world.id_of(3), "ask", as_bytes("once"), 5s, now, out));
    });
    world.run_for(90s);
    world.on_send(nullptr);
    auto const counted = [&] {
        std::size_t sum = 0;
        for (auto const& [to, items] : post.received) sum += items.size();
        return sum;
    };
    std::size_t const before = counted();
    CHECK(before == 9 + 1 + 1 + 1 + 2);
    auto const replay = [&] {
        for (recorded& r : tape) {
            world.allow_destination(r.to, r.from);
            world.call(r.to, [&](auto& n, time_point now, gossip::outbox& out) {
                bytes copy = r.frame;
                n.on_datagram(copy, r.from, now, out);
            });
        }
        world.run_for(5s);
    };
    replay();
    CHECK(counted() == before);
    for (node_index const i : {3U, 5U}) {
        world.crash(i);
        world.restart(i);
    }
    // At once, when it knows nobody, and when it knows them all.
    replay();
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 2min));
    replay();
    CHECK(counted() == before);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("requests are answered under loss, each carried out once; reliable messages arrive once") {
    cluster world{20, 12, {}, with_user_data};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(20), .duplicate = percent(10)});
    post_office post{world};
    post.handler = [&](node_index at, delivery const& d, byte_view payload) {
        if (d.kind != delivery_kind::request) return;
        // Some answer at once, some take a while, and some have much to say.
        duration const wait = d.topic.view() == "slow" ? duration{3s} : duration{0};
        std::string answer = std::string{as_text(payload)} + "!";
        if (d.topic.view() == "large") answer.resize(limits::payload, '.');
        world.after(wait, [&world, at, id = d.request, answer] {
            world.call(at, [&](auto& n, time_point now, gossip::outbox& out) {
                CHECK(n.respond(id, as_bytes(answer), now, out));
            });
        });
    };
    std::size_t asked = 0;
    for (node_index i = 0; i < 20; ++i) {
        for (std::string_view const topic : {"quick", "slow", "large"}) {
            world.call(i, [&](auto& n, time_point now, gossip::outbox& out) {
                auto const& to = world.id_of((i + 7) % 20);
                CHECK(n.request(to, topic, as_bytes("q"), 20s, now, out));
                CHECK(n.send_reliably(to, "note", bytes(topic == "large" ? 20000 : 10), 20s, now, out));
                ++asked;
            });
        }
    }
    world.run_for(30s);
    std::size_t answers = 0, requests = 0, messages = 0, confirmed = 0, failed = 0;
    for (node_index i = 0; i < 20; ++i) {
        answers += post.count(i, delivery_kind::response);
        requests += post.count(i, delivery_kind::request);
        messages += post.count(i, delivery_kind::message);
        confirmed += post.count(i, delivery_kind::confirmed);
        failed += post.count(i, delivery_kind::failed);
    }
    CHECK(answers == asked);
    CHECK(requests == asked);
    CHECK(messages == asked);
    CHECK(confirmed == asked);
    CHECK(failed == 0);
    PEERKIT_CHECK_WORLD(world);
}
