// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: machines with several addresses, of which not all are good from everywhere and at any time.
#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using namespace scenario;
using namespace peerkit;

namespace {

/// Two subnets and an overlay that connects them. A node announces its address on its subnet first, then the overlay's;
/// its first interface, which all share, is down once it has been found.
struct sites : default_world {
    static constexpr std::uint32_t count = 16;

    static ip_prefix lan_of(node_index i) {
        return {ip_address::v4(192, 168, static_cast<std::uint8_t>(1 + i % 2), static_cast<std::uint8_t>(10 + i)), 24};
    }
    static ip_prefix overlay_of(node_index i) {
        return {ip_address::v4(100, 64, 1, static_cast<std::uint8_t>(10 + i)), 10};
    }
    static ip_endpoint at(ip_prefix const& p) { return {p.address, default_gossip_port}; }
    static bool same_site(node_index a, node_index b) { return a % 2 == b % 2; }

    explicit sites(std::uint64_t seed, bool knows_subnets = true) : default_world{options(seed), nodes()} {
        spawn_many(count);
        for (node_index i = 0; i < count; ++i) {
            add_interface(i, lan_of(i));
            add_interface(i, overlay_of(i));
            set_interface(i, endpoint_of(i).address, false);
            if (knows_subnets) tell_subnets(i, {lan_of(i), overlay_of(i)});
        }
        set_seed_endpoints({at(overlay_of(0))});
        joined = run_until([this] { return all_see_all(); }, 2min);
    }
    void tell_subnets(node_index i, std::vector<ip_prefix> const& own) {
        call(i, [&](auto& n, time_point, gossip::outbox&) { n.engine().set_subnets(own); });
    }
    [[nodiscard]] ip_endpoint used(node_index observer, node_index subject) const {
        return node(observer).find(id_of(subject))->endpoint();
    }
    /// Every node reaches those of its site over the subnet, the others over the overlay.
    [[nodiscard]] bool settled() const {
        for (node_index i = 0; i < count; ++i) {
            for (node_index k = 0; k < count; ++k) {
                if (i != k && used(i, k) != at(same_site(i, k) ? lan_of(k) : overlay_of(k))) return false;
            }
        }
        return true;
    }
    std::optional<duration> joined;

private:
    static default_nodes nodes() {
        default_nodes made;
        made.describe = [](sim::birth const& b, description& d) {
            d.addresses = {{lan_of(b.index).address, 0, address_kind::local},
                           {overlay_of(b.index).address, 0, address_kind::overlay}};
        };
        return made;
    }
    static sim::world_options options(std::uint64_t seed) { return sim::options_for(nodes(), seed); }
};

} // namespace

TEST_CASE("members are reached on the subnet that is shared and over the overlay otherwise, and nobody is accused") {
    sites world{61};
    REQUIRE(world.joined);
    auto const took = world.run_until([&] { return world.settled(); }, 5min, 1s);
    REQUIRE_MESSAGE(took, world.report());
    MESSAGE("settled after " << sim::trace::seconds(*took) << " s");
    world.run_for(2min);
    CHECK(world.settled());
    CHECK(world.all_see_all());
    CHECK(deaths(world) == 0);
    CHECK(world.statistics().count(event_kind::member_suspected) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a first address that is dead for half of the members costs nobody's life although no subnets are known") {
    sites world{62, false};
    INFO(world.report());
    REQUIRE(world.joined);
    world.run_for(5min);
    CHECK(world.all_see_all());
    CHECK(deaths(world) == 0);
    // By trial alone every node found which address works from where it is.
    CHECK(world.settled());
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("an interface that goes down is followed by the other without a death, and used again when it is back") {
    sites world{63};
    REQUIRE(world.joined);
    REQUIRE(world.run_until([&] { return world.settled(); }, 5min, 1s));
    node_index const moved = 4;
    SUBCASE("noticed by the machine itself") {
        world.set_interface(moved, sites::lan_of(moved).address, false);
        world.tell_subnets(moved, {sites::overlay_of(moved)});
        for (node_index k = 0; k < sites::count; ++k) {
            if (k != moved) CHECK(world.used(moved, k) == sites::at(sites::overlay_of(k)));
        }
    }
    SUBCASE("noticed by nobody") { world.set_interface(moved, sites::lan_of(moved).address, false); }
    auto const elsewhere = [&] {
        for (node_index k = 0; k < sites::count; ++k) {
            if (k != moved && world.used(k, moved) != sites::at(sites::overlay_of(moved))) return false;
            if (k != moved && world.used(moved, k) != sites::at(sites::overlay_of(k))) return false;
        }
        return true;
    };
    auto const took = world.run_until(elsewhere, 5min, 1s);
    REQUIRE_MESSAGE(took, world.report());
    CHECK(deaths(world) == 0);
    CHECK(world.statistics().count(event_kind::member_suspected) == 0);
    world.set_interface(moved, sites::lan_of(moved).address, true);
    world.tell_subnets(moved, {sites::lan_of(moved), sites::overlay_of(moved)});
    auto const back = world.run_until([&] { return world.settled(); }, 20min, 1s);
    REQUIRE_MESSAGE(back, world.report());
    MESSAGE("elsewhere after " << sim::trace::seconds(*took) << " s, back after " << sim::trace::seconds(*back)
                               << " s");
    CHECK(world.all_see_all());
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("with a fifth of the datagrams lost and half of the first addresses dead nobody is declared dead") {
    sites world{64, false};
    REQUIRE(world.joined);
    world.net().set_default({.loss = percent(20)});
    world.run_for(full() ? 30min : 3min);
    INFO(world.report());
    CHECK(deaths(world) == 0);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a machine that loses every interface is declared dead, and is found at its second address when it is back") {
    sites world{65};
    REQUIRE(world.joined);
    REQUIRE(world.run_until([&] { return world.settled(); }, 5min, 1s));
    node_index const lost = 3;
    world.set_interface(lost, sites::lan_of(lost).address, false);
    world.set_interface(lost, sites::overlay_of(lost).address, false);
    auto const gone = [&] {
        for (node_index k = 0; k < sites::count; ++k) {
            if (k != lost && world.counts(k, lost)) return false;
        }
        return true;
    };
    auto const took = world.run_until(gone, 2min);
    INFO(world.report());
    REQUIRE(took);
    world.set_interface(lost, sites::overlay_of(lost).address, true);
    REQUIRE(world.run_until([&] { return world.all_see_all(); }, 5min));
    PEERKIT_CHECK_WORLD(world);
}
