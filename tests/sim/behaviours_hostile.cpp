// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: one member holds the key and lies. Nobody honest dies of it, nobody dead lives by it, nothing grows.
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/sim/insider.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

using namespace scenario;
using namespace peerkit;
using sim::insider_deeds;
using sim::insider_hands;
using wire::message_type;

namespace {

constexpr node_index liar = 3;

/// `count` nodes, of which node 3, and as many more behind it as `liars` says, begin their `deeds` a while after all
/// have joined.
struct with_liar : sim::insider_world {
    with_liar(node_index count, std::uint64_t seed, insider_deeds deeds, gossip::tunables const& t = gossip::lan(),
              node_index liars = 1)
        : sim::insider_world{options(seed, t), maker(std::move(deeds), t, liars)}, liars_{liars} {
        spawn_many(count);
        joined = run_until([this] { return all_see_all(); }, 2min).has_value();
        run_for(10s);
        on_event([this](node_index observer, gossip::event const& e) {
            if (dishonest(observer)) return;
            node_index const subject = index_of(e.subject);
            bool const lives = !dishonest(subject) && subject != sim::nobody && up(subject);
            if (e.kind == event_kind::member_dead && lives) ++wrong;
            if (e.kind == event_kind::member_suspected && lives) ++suspected;
            if (e.kind == event_kind::member_up) ++ups;
        });
    }
    [[nodiscard]] bool dishonest(node_index i) const { return i >= liar && i < liar + liars_; }
    bool joined = false;
    std::uint64_t wrong = 0, suspected = 0, ups = 0;

private:
    static sim::default_nodes nodes(gossip::tunables const& t) {
        sim::default_nodes made;
        made.tunables = t;
        return made;
    }
    /// What a liar sends is not bounded; what others answer to one packet still is.
    static sim::world_options options(std::uint64_t seed, gossip::tunables const& t) {
        auto o = sim::options_for(nodes(t), seed);
        o.invariants.timer_datagrams = 0;
        return o;
    }
    /// The honest half of the liar joins before the other half wakes.
    static sim::with_insiders<sim::default_policies> maker(insider_deeds deeds, gossip::tunables const& t,
                                                           node_index liars) {
        if (deeds.every_period) {
            deeds.every_period = [deed = std::move(deeds.every_period), periods = 0](insider_hands& hands) mutable {
                if (++periods > 20) deed(hands);
            };
        }
        return {nodes(t), [deeds, liars](sim::birth const& b) {
                    return b.index >= liar && b.index < liar + liars ? deeds : insider_deeds{};
                }};
    }
    node_index liars_;
};

/// Says `fill(packet, about)` to everybody about everybody else.
template <typename Fill>
insider_deeds slander(Fill fill) {
    insider_deeds d;
    d.every_period = [fill](insider_hands& hands) {
        for (auto const& to : hands.members) {
            if (to.is_self) continue;
            for (auto const& about : hands.members) {
                if (about.is_self || about.id == to.id) continue;
                hands.say(to, [&](wire::packet_writer& packet) { fill(hands, packet, about); });
            }
        }
    };
    return d;
}

} // namespace

TEST_CASE("accusations of incarnations nobody signed, however large, suspect nobody") {
    for (std::uint64_t const more : {std::uint64_t{1}, std::uint64_t{1'000'000}, limits::incarnation}) {
        with_liar world{16, 501, slander([more](insider_hands& hands, wire::packet_writer& packet, auto const& about) {
                            std::uint64_t const unsigned_one =
                                std::min(about.incarnation + more, limits::incarnation - 1);
                            auto const names = sim::detail::forged_accusers(hands, about.id.short_id());
                            packet.accuse(message_type::suspect, about.id.short_id(), unsigned_one, names);
                            packet.accuse(message_type::dead, about.id.short_id(), unsigned_one, names);
                        })};
        REQUIRE(world.joined);
        world.run_for(60s);
        CHECK(world.suspected == 0);
        CHECK(world.wrong == 0);
        std::uint64_t refused = 0;
        for (node_index i = 0; i < 16; ++i) {
            refused += world.node(i).counters().refused(gossip::gossip_error::unproven);
            CHECK((i == liar || world.node(i).counters().refutations == 0));
        }
        CHECK(refused > 1000);
        CHECK(world.all_see_all());
        PEERKIT_CHECK_WORLD(world);
    }
}

TEST_CASE("accusations of incarnations that are over are answered with the newer one and suspect nobody") {
    with_liar world{16, 502, slander([](insider_hands& hands, wire::packet_writer& packet, auto const& about) {
                        if (about.incarnation < 2) return;
                        auto const names = sim::detail::forged_accusers(hands, about.id.short_id());
                        packet.accuse(message_type::dead, about.id.short_id(), about.incarnation - 1, names);
                        packet.accuse(message_type::suspect, about.id.short_id(), 1, names);
                    })};
    REQUIRE(world.joined);
    world.run_for(60s);
    CHECK(world.suspected == 0);
    CHECK(world.wrong == 0);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a member that tells incarnations of its own that it never signed is asked, and nothing comes of it") {
    insider_deeds d;
    d.every_period = [](insider_hands& hands) {
        for (auto const& to : hands.members) {
            if (!to.is_self) hands.say(to, [&](wire::packet_writer& p) { p.ping(1, limits::incarnation - 1); });
        }
    };
    with_liar world{12, 503, d};
    REQUIRE(world.joined);
    world.run_for(60s);
    CHECK(world.wrong == 0);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("old records and accusations said again for ever take nothing back") {
    struct memory {
        std::vector<std::vector<std::byte>> records;
        std::vector<wire::message> accusations;
    };
    auto const heard = std::make_shared<memory>();
    insider_deeds d;
    d.hears = [heard](insider_hands&, wire::message const& m, short_id, ip_endpoint const&) {
        if (m.type == message_type::announce && heard->records.size() < 200)
            heard->records.emplace_back(m.record.begin(), m.record.end());
        if ((m.type == message_type::suspect || m.type == message_type::dead) && heard->accusations.size() < 200)
            heard->accusations.push_back(m);
        return false;
    };
    d.every_period = [heard](insider_hands& hands) {
        for (auto const& to : hands.members) {
            if (to.is_self) continue;
            for (auto const& record : heard->records)
                hands.say(to, [&](wire::packet_writer& p) { p.announce(record); });
            for (auto const& m : heard->accusations)
                hands.say(
                    to, [&](wire::packet_writer& p) { p.accuse(m.type, m.subject, m.incarnation, m.accuser_list()); });
        }
    };
    with_liar world{12, 504, d};
    REQUIRE(world.joined);
    // Members come and go, so that there is something old to say.
    for (node_index i = 5; i < 9; ++i) {
        world.crash(i);
        world.run_for(30s);
        world.restart(i);
        world.run_for(15s);
    }
    world.leave(10);
    world.run_for(60s);
    REQUIRE(heard->records.size() > 12);
    REQUIRE(heard->accusations.size() > 1);
    CHECK(world.wrong == 0);
    CHECK(world.all_see_all());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a flood of newcomers that nobody has ever met fills the table and not more, and no member is lost") {
    auto t = gossip::lan();
    t.max_members = 64;
    insider_deeds d;
    d.every_period = [next = std::uint64_t{1000}](insider_hands& hands) mutable {
        for (int i = 0; i < 100; ++i) {
            crypto::fake_identity const sybil{++next};
            description said;
            said.name = "s" + std::to_string(next);
            said.gossip_port = 9000;
            said.addresses.push_back({ip_address::v4(10, 0, 0, liar), 0, address_kind::local});
            std::array<std::byte, limits::record> room{};
            auto const record = crypto::sign_record(sybil, network_id{}, said, 1, false, room);
            for (auto const& to : hands.members) {
                if (!to.is_self && record) hands.say(to, [&](wire::packet_writer& p) { p.announce(record->bytes()); });
            }
        }
    };
    with_liar world{12, 505, d, t};
    REQUIRE(world.joined);
    world.run_for(30s);
    for (node_index i = 0; i < 12; ++i) {
        CHECK(world.node(i).engine().known_count() == 64);
        for (node_index k = 0; k < 12; ++k) CHECK(world.counts(i, k));
    }
    CHECK(world.wrong == 0);
}

TEST_CASE("a helper that acknowledges for the dead delays their death, and does not prevent it") {
    with_liar world{24, 506, sim::lies_as_helper(true)};
    REQUIRE(world.joined);
    world.crash(9);
    auto const took = world.run_until([&] { return world.gone(9); }, 2min);
    INFO(world.report());
    REQUIRE(took);
    CHECK(*took < 60s);
    CHECK(world.wrong == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a helper that says nack for the living costs nobody's life, also in the rain") {
    with_liar world{24, 507, sim::lies_as_helper(false)};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(15)});
    world.run_for(full() ? duration{10h} : duration{20min});
    CHECK(world.wrong == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a member that answers what it is asked and passes nothing on is missed by nobody") {
    insider_deeds d;
    // Nothing of what it hears goes further: it is a member that only answers pings.
    d.hears = [](insider_hands& hands, wire::message const& m, short_id sender, ip_endpoint const&) {
        auto const* const asker = hands.find(sender);
        if (m.type == message_type::ping && asker != nullptr) {
            auto const own =
                std::find_if(hands.members.begin(), hands.members.end(), [](auto& o) { return o.is_self; });
            hands.say(*asker, [&](wire::packet_writer& p) { p.ack(m.nonce, own->incarnation); });
        }
        return m.type != message_type::ack;
    };
    with_liar world{24, 508, d};
    REQUIRE(world.joined);
    world.crash(9);
    world.crash(11);
    auto const took = world.run_until([&] { return world.gone(9) && world.gone(11); }, 1min);
    // The liar itself hears of nothing.
    bool known = true;
    for (node_index i = 0; i < 24; ++i) known = known && (i == liar || !world.counts(i, 9));
    CHECK((took.has_value() || known));
    CHECK(world.wrong == 0);
}

TEST_CASE("packets in somebody else's name do not silence that member for good") {
    // A session it never had; the one it has, ahead of all its counters.
    for (bool const own_session : {false, true}) {
        insider_deeds d;
        d.every_period = [own_session, done = 0](insider_hands& hands) mutable {
            if (++done > 1) return;
            auto const victim = std::find_if(hands.members.begin(), hands.members.end(), [](auto& m) {
                return m.where == sim::population<sim::default_node>::endpoint_of(5);
            });
            for (auto const& to : hands.members) {
                if (to.is_self || to.id == victim->id) continue;
                hands.say_as(victim->id.short_id(), own_session ? victim->incarnation : ~std::uint64_t{0},
                             ~std::uint64_t{0} >> 1U, to.id, to.where, [](wire::packet_writer& p) { p.nack(1); });
            }
        };
        auto t = gossip::lan();
        t.stream_fallback = false;
        with_liar world{12, 509, d, t};
        REQUIRE(world.joined);
        world.run_for(10min);
        std::uint64_t refused = 0;
        for (node_index i = 0; i < 12; ++i) refused += world.node(i).counters().refused(gossip::gossip_error::replayed);
        CHECK(refused != 0); // it struck
        CHECK(world.wrong == 0);
        CHECK(world.all_see_all());
        PEERKIT_CHECK_WORLD(world);
    }
}

TEST_CASE("a member that accuses everyone with forged accusers, and declares everyone dead, is believed by nobody") {
    with_liar world{24, 510, sim::accuses_everyone()};
    REQUIRE(world.joined);
    world.run_for(3min);
    std::uint64_t refuted = 0;
    for (node_index i = 0; i < 24; ++i) refuted += world.node(i).counters().refutations;
    CHECK(refuted > 1000); // it was heard
    CHECK(world.wrong == 0);
    // Who is really dead is known all the same.
    world.crash(9);
    auto const took = world.run_until([&] { return world.gone(9); }, 1min);
    INFO(world.report());
    CHECK(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("witnesses that have heard everybody do not keep the dead alive, three of 24") {
    with_liar world{24, 511, sim::lies_as_witness(true), gossip::lan(), 3};
    REQUIRE(world.joined);
    for (node_index const victim : {9U, 14U, 20U}) {
        world.crash(victim);
        auto const took = world.run_until([&] { return world.gone(victim); }, 2min);
        INFO(world.report());
        REQUIRE(took);
        CHECK(*took < 60s);
    }
    CHECK(world.wrong == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("witnesses that have heard nobody kill nobody, three of 24, also in the rain") {
    with_liar world{24, 512, sim::lies_as_witness(false), gossip::lan(), 3};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(20)});
    world.run_for(full() ? duration{10h} : duration{30min});
    CHECK(world.wrong == 0);
    PEERKIT_CHECK_WORLD(world);
}
