// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenario: a member forges the entries of others, floods its own and asks for everything; nobody else is the worse.
#include <peerkit/crypto/signed_entry.hpp>
#include <peerkit/sim/insider.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace scenario;
using namespace peerkit;
using sim::insider_deeds;
using sim::insider_hands;

namespace {

constexpr node_index liar = 3, count = 16;

/// Ten times a second it says to everybody: this and that of you is erased, here are twenty new keys of mine, and show
/// me all you hold of everybody.
insider_deeds meddles(std::uint64_t identity_seed) {
    insider_deeds d;
    d.period = 100ms;
    d.every_period = [me = crypto::fake_identity{identity_seed},
                      round = std::uint64_t{0}](insider_hands& hands) mutable {
        if (++round < 300) return; // all have joined and put by then
        crypto::signing_room room;
        std::vector<std::byte> made(wire::entry_view::most);
        auto const write = [](wire::packet_writer& packet, byte_view entry) {
            byte_span const body = packet.body(wire::message_type::entry, entry.size());
            if (!body.empty()) copy_bytes(entry, body);
        };
        for (auto const& to : hands.members) {
            if (to.is_self) continue;
            hands.say(to, [&](wire::packet_writer& packet) {
                auto const& about = hands.members[uniform(hands.rng, std::uint64_t{hands.members.size()})];
                auto const forged =
                    crypto::sign_entry(me, network_id{}, limits::incarnation - 1, "key", {}, true, room, made);
                std::vector<std::byte> other{forged->bytes().begin(), forged->bytes().end()};
                store_big(other.data(), static_cast<std::uint64_t>(about.id.short_id()));
                write(packet, other);
                for (int i = 0; i < 8; ++i) {
                    std::uint64_t const version = round * 1000 + uniform(hands.rng, std::uint64_t{1000});
                    auto const mine = crypto::sign_entry(me, network_id{}, version, "flood" + std::to_string(version),
                                                         as_bytes("x"), false, room, made);
                    write(packet, mine->bytes());
                }
            });
            hands.say(to, [&](wire::packet_writer& packet) {
                packet.digest(wire::digest_kind::repair, 1, hands.rng());
                for (auto const& about : hands.members)
                    wire::entry_marks_view::write(packet, about.id.short_id(), true, 0, {});
            });
        }
    };
    return d;
}

} // namespace

TEST_CASE("a member that forges, floods and asks for everything changes no other's map and grows nothing") {
    sim::default_nodes const nodes;
    auto options = sim::options_for(nodes, 23);
    options.invariants.timer_datagrams = 0; // the liar's are not bounded
    sim::insider_world world{options, sim::with_insiders{nodes, [](sim::birth const& b) {
                                                             return b.index == liar ? meddles(b.identity_seed)
                                                                                    : insider_deeds{};
                                                         }}};
    world.spawn_many(count);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 25s));
    std::size_t deaths = 0, of_others = 0;
    for (node_index i = 0; i < count; ++i) {
        world.call(i, [&](auto& n, time_point now, gossip::outbox&) {
            CHECK(n.put("key", as_bytes("mine"), now));
            CHECK(n.put("k" + std::to_string(i), as_bytes("mine"), now));
        });
    }
    auto const whole = [&] {
        for (node_index i = 0; i < count; ++i) {
            for (node_index of = 0; of < count; ++of) {
                if (i == liar || of == liar) continue;
                auto const held = world.node(i).get(world.id_of(of), "key");
                if (!held || as_text(held->value()) != "mine" ||
                    !world.node(i).get(world.id_of(of), "k" + std::to_string(of)))
                    return false;
            }
        }
        return true;
    };
    REQUIRE(world.run_until(whole, 20s));
    world.on_event([&](node_index observer, gossip::event const& e) {
        if (observer == liar) return;
        bool const entry = e.kind == event_kind::entry_changed || e.kind == event_kind::entry_erased;
        if (entry && world.index_of(e.subject) != liar) ++of_others;
        if (e.kind == event_kind::member_dead) ++deaths;
    });
    world.run_for(2min);
    // Changes still get through, and are not changed back.
    world.call(5, [&](auto& n, time_point now, gossip::outbox&) { CHECK(n.put("late", as_bytes("5"), now)); });
    CHECK(world.run_until(
        [&] {
            for (node_index i = 0; i < count; ++i) {
                if (i != liar && !world.node(i).get(world.id_of(5), "late")) return false;
            }
            return true;
        },
        60s));
    CHECK(whole());
    CHECK(deaths == 0);
    CHECK(of_others == count - 2); // "late", once at each of the honest
    for (node_index i = 0; i < count; ++i) {
        if (i == liar) continue;
        auto const& n = world.node(i);
        std::size_t held = 0;
        n.for_each_entry(world.id_of(liar), [&](wire::entry_view const&) { ++held; });
        CHECK(held <= limits::entries);
        CHECK(n.entry_memory() < 200'000);
        CHECK(n.counters().refused(gossip::gossip_error::bad_signature) > 100);
        CHECK(n.counters().refused(gossip::gossip_error::too_many_entries) > 1000);
    }
    PEERKIT_CHECK_WORLD(world);
}
