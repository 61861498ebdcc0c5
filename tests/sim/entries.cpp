// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: maps end equal everywhere, nothing erased comes back, each version is told once, and what a change costs.
#include "support.hpp"

#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/message.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace scenario;
using namespace peerkit;

namespace {

using map_of = std::map<std::string, std::string>;

/// What every node has put and not erased, by the node that did; and every version anybody may hear of.
struct maps {
    explicit maps(default_world& w) : world{w} {
        world.on_event([this](node_index observer, gossip::event const& e) {
            if (e.kind == event_kind::entry_changed || e.kind == event_kind::entry_erased) {
                ++heard;
                if (!told.emplace(observer, e.subject, e.version).second) ++twice;
            }
        });
    }
    void put(node_index i, std::string const& key, std::string const& value) {
        bool done = false;
        world.call(i, [&](sim::default_node& n, time_point now, gossip::outbox&) {
            done = n.put(key, as_bytes(value), now).has_value();
        });
        REQUIRE(done);
        expected[i][key] = value;
    }
    void erase(node_index i, std::string const& key) {
        bool done = false;
        world.call(
            i, [&](sim::default_node& n, time_point now, gossip::outbox&) { done = n.erase(key, now).has_value(); });
        REQUIRE(done);
        expected[i].erase(key);
    }
    [[nodiscard]] map_of held(node_index at, node_index of) const {
        map_of found;
        world.node(at).for_each_entry(world.id_of(of),
                                      [&](wire::entry_view const& e) { found.emplace(e.key(), as_text(e.value())); });
        return found;
    }
    [[nodiscard]] bool equal_everywhere(std::size_t nodes) {
        for (node_index i = 0; i < nodes; ++i) {
            for (node_index of = 0; of < nodes; ++of) {
                if (held(i, of) != expected[of]) return false;
            }
        }
        return true;
    }

    default_world& world;
    std::map<node_index, map_of> expected;
    std::set<std::tuple<node_index, node_id, std::uint64_t>> told;
    std::size_t heard = 0, twice = 0;
};

} // namespace

TEST_CASE("all maps are equal in the end, through loss and a partition, and nothing erased comes back") {
    constexpr std::size_t count = 100;
    cluster world{count, 17};
    REQUIRE(world.joined);
    maps m{world};
    world.net().set_default({.loss = percent(20)});
    auto const change = [&](int round) {
        for (node_index i = 0; i < count; ++i) {
            std::string const key = "k" + std::to_string(uniform(world.rng(), std::uint64_t{5}));
            if (m.expected[i].contains(key) && uniform(world.rng(), std::uint64_t{3}) == 0)
                m.erase(i, key);
            else
                m.put(i, key, "value " + std::to_string(round) + " of " + std::to_string(i));
        }
    };
    for (int round = 0; round < 6; ++round) {
        change(round);
        world.run_for(3s);
    }
    // Each half goes on by itself for minutes.
    std::vector<node_index> half, rest;
    for (node_index i = 0; i < count; ++i) (i % 2 == 0 ? half : rest).push_back(i);
    world.net().partition({half, rest});
    for (int round = 6; round < 12; ++round) {
        change(round);
        world.run_for(30s);
    }
    world.net().heal();
    world.net().set_default({});
    auto const took = world.run_until([&] { return m.equal_everywhere(count); }, 10min);
    INFO(world.report());
    REQUIRE(took);
    MESSAGE("maps of " << count << " nodes equal " << std::chrono::duration_cast<std::chrono::seconds>(*took).count()
                       << " s after the partition");
    world.run_for(5min);
    CHECK(m.equal_everywhere(count));
    CHECK(m.twice == 0);
    CHECK(m.heard > count * count);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("one change costs its transmissions, and a settled cluster sends nothing of its entries") {
    constexpr std::size_t count = 100;
    cluster world{count, 18};
    REQUIRE(world.joined);
    maps m{world};
    for (int k = 0; k < 10; ++k) {
        for (node_index i = 0; i < count; ++i) m.put(i, "key" + std::to_string(k), std::string(40, 'v'));
        world.run_for(2s);
    }
    REQUIRE(world.run_until([&] { return m.equal_everywhere(count); }, 5min));
    world.run_for(2min);
    std::uint64_t entries = 0, marks = 0, bytes = 0;
    std::map<node_index, unsigned> told;
    world.on_send([&](node_index from, node_index, byte_view sent) {
        constexpr std::size_t around = wire::envelope::head + wire::envelope::tail;
        auto const packet = wire::packet_view::parse(sent.subspan(wire::envelope::head, sent.size() - around));
        if (!packet) return;
        auto messages = packet->messages();
        for (wire::message one; messages.next(one);) {
            if (one.type == wire::message_type::entry_marks) ++marks;
            if (one.type != wire::message_type::entry) continue;
            ++entries;
            ++told[from];
            bytes += wire::message_head + one.record.size();
        }
    });
    world.run_for(2min);
    CHECK(entries == 0);
    CHECK(marks == 0);
    m.put(7, "key3", std::string(40, 'w'));
    auto const took = world.run_until([&] { return m.equal_everywhere(count); }, 30s);
    REQUIRE(took);
    CHECK(*took < 3s);
    world.run_for(2min);
    // log10 of 101, rounded up, times the factor: 12 times by each.
    CHECK(entries <= 12 * count);
    CHECK(entries >= count);
    for (auto const& [who, times] : told) CHECK(times <= 12);
    MESSAGE("one change among 100 members: " << entries << " transmissions, " << bytes
                                             << " bytes of entries, all hold it after " << sim::trace::seconds(*took)
                                             << " s");
    CHECK(marks == 0);
    CHECK(m.twice == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("who joins late hears of each key once; who comes back without its memory gets its own back") {
    constexpr std::size_t count = 20;
    cluster world{count, 19};
    REQUIRE(world.joined);
    maps m{world};
    for (node_index i = 0; i < count; ++i) {
        for (int k = 0; k < 30; ++k) m.put(i, "k" + std::to_string(k), std::string(300, 'a'));
        m.put(i, "k1", "later");
        m.erase(i, "k2");
    }
    REQUIRE(world.run_until([&] { return m.equal_everywhere(count); }, 5min));
    node_index const late = world.spawn();
    REQUIRE(world.run_until([&] { return m.equal_everywhere(count + 1); }, 2min));
    std::size_t told = 0;
    for (auto const& [observer, owner, version] : m.told) told += observer == late ? 1U : 0U;
    CHECK(told == count * 29);

    world.crash(4);
    world.run_for(60s);
    world.restart(4);
    m.put(4, "k5", "of this life");
    REQUIRE(world.run_until([&] { return m.equal_everywhere(count + 1); }, 5min));
    CHECK(m.held(4, 4).at("k5") == "of this life");
    CHECK(m.held(4, 4).at("k1") == "later");
    CHECK_FALSE(m.held(4, 4).contains("k2"));
    PEERKIT_CHECK_WORLD(world);
}
