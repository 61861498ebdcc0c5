// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: news reaches everybody, each node repeats it a bounded number of times, and then is silent about it.
#include "support.hpp"

#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/message.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>
#include <utility>

#include "toy_node.hpp"

namespace {

std::size_t allocations = 0;

} // namespace

// Counts for the whole test program; only differences within one test are looked at.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const made = std::malloc(size == 0 ? 1 : size)) return made;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace scenario;
using namespace peerkit;

namespace {

/// Calls `f(from, to, message)` for every message of every datagram sent. The fake seal hides nothing.
template <typename F>
void overhear(default_world& world, F f) {
    world.on_send([f](node_index from, node_index to, byte_view bytes) {
        constexpr std::size_t around = wire::envelope::head + wire::envelope::tail;
        if (bytes.size() <= around) return;
        auto const packet = wire::packet_view::parse(bytes.subspan(wire::envelope::head, bytes.size() - around));
        if (!packet) return;
        auto messages = packet->messages();
        for (wire::message m; messages.next(m);) f(from, to, m);
    });
}

} // namespace

TEST_CASE("a changed description reaches all of 60, and nobody repeats it more often than the limit") {
    cluster world{60, 91};
    REQUIRE(world.joined);
    world.run_for(4min);
    std::map<node_index, std::uint64_t> told; // by whom, how often
    std::uint64_t const before = world.minted(7);
    overhear(world, [&](node_index from, node_index, wire::message const& m) {
        if (m.type != wire::message_type::announce) return;
        auto const key = wire::record_view::peek(m.record);
        if (key && key->subject == world.id_of(7).short_id() && key->incarnation > before) ++told[from];
    });
    description changed = world.node(7).find(world.id_of(7))->record().to_description();
    changed.labels.push_back({"zone", "b"});
    bool accepted = false;
    world.call(7, [&](sim::default_node& n, time_point now, gossip::outbox& out) {
        accepted = n.update(changed, now, out).has_value();
    });
    REQUIRE(accepted);
    auto const everyone_knows = [&] {
        for (node_index i = 0; i < 60; ++i) {
            if (world.node(i).find(world.id_of(7))->record().label_value("zone") != "b") return false;
        }
        return true;
    };
    auto const took = world.run_until(everyone_knows, 30s);
    INFO(world.report());
    REQUIRE(took);
    CHECK(*took < 5s);
    world.run_for(60s);
    std::uint64_t most = 0, all = 0;
    for (auto const& [from, count] : told) {
        most = std::max(most, count);
        all += count;
    }
    // factor * ceil(log10(61)), and a few in answer to who asks for it.
    std::uint64_t const limit = gossip::lan().retransmit_factor * 2U;
    CHECK(all > 59);
    CHECK(most <= limit + 4);
    told.clear();
    world.run_for(60s);
    CHECK(told.empty());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a death is spoken of by every survivor a bounded number of times") {
    cluster world{40, 92};
    REQUIRE(world.joined);
    world.run_for(4min);
    std::map<std::pair<node_index, wire::message_type>, std::uint64_t> told;
    overhear(world, [&](node_index from, node_index to, wire::message const& m) {
        bool const accusation = m.type == wire::message_type::suspect || m.type == wire::message_type::dead;
        // Whoever calls the dead one tells it what is said of it, for ever: so it can refute when it is back.
        if (to != 9 && accusation && m.subject == world.id_of(9).short_id()) ++told[{from, m.type}];
    });
    world.crash(9);
    REQUIRE(world.run_until([&] { return world.everyone_sees(9, member_state::dead); }, 60s));
    world.run_for(2min);
    INFO(world.report());
    std::uint64_t most = 0;
    for (auto const& [what, count] : told) most = std::max(most, count);
    // A suspicion is told anew for each accuser that joins it.
    std::uint64_t const limit = gossip::lan().retransmit_factor * 2U;
    CHECK(most > 0);
    CHECK(most <= limit * (1U + gossip::lan().confirmations) + 4);
    told.clear();
    world.run_for(2min);
    CHECK(told.empty());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("the world itself allocates nothing once it is warm") {
    toy::world world{{.seed = 93}, toy::make};
    world.spawn_many(20);
    world.run_for(5min);
    REQUIRE(world.all_see_all());
    auto const before = allocations;
    auto const sent = world.statistics().datagrams_sent;
    world.run_for(10min);
    CHECK(world.statistics().datagrams_sent - sent > 20'000);
    CHECK(allocations == before);
}
