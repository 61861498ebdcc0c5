// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: a cold start with inconsistent answers makes one cluster, and candidates bring together what was apart.
#include "support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace scenario;
using peerkit::discovery::candidate;
using peerkit::discovery::provenance;
using peerkit::sim::discovery_answer;
using peerkit::sim::scripted_discovery;
using peerkit::sim::sim_error;

namespace {

candidate candidate_at(peerkit::ip_endpoint const& where, provenance from = provenance::dns) {
    candidate c;
    c.addresses = {where};
    c.source = from;
    return c;
}

peerkit::ip_endpoint endpoint_of(node_index i) {
    return peerkit::sim::population<peerkit::sim::default_node>::endpoint_of(i);
}

/// Lets `world` answer node `i` with what `answer(now)` returns.
template <typename F>
void discover(default_world& world, node_index i, F answer, peerkit::duration delay = 20ms) {
    world.set_discovery(i, std::make_unique<scripted_discovery>(std::move(answer), delay));
}

/// Sets of nodes that see exactly each other: how many clusters there are.
std::size_t clusters(default_world const& world) {
    std::set<std::vector<node_index>> views;
    for (node_index i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        std::vector<node_index> view;
        for (node_index k = 0; k < world.size(); ++k) {
            if (k == i || world.counts(i, k)) view.push_back(k);
        }
        views.insert(view);
    }
    return views.size();
}

/// Who may ever hear of whom, in one direction each: a random tree and a few more, so that all hang together and nobody
/// knows how.
std::vector<std::vector<node_index>> hearsay(std::size_t count, peerkit::seeded_rng& rng) {
    std::vector<node_index> order(count);
    std::iota(order.begin(), order.end(), 0);
    peerkit::shuffle(std::span{order}, rng);
    std::vector<std::vector<node_index>> knows(count);
    auto const tell = [&](node_index a, node_index b) {
        bool const turned = peerkit::happens(rng, 500'000);
        knows[turned ? b : a].push_back(turned ? a : b);
    };
    for (std::size_t i = 1; i < count; ++i) tell(order[i], order[peerkit::uniform(rng, std::uint64_t{i})]);
    for (std::size_t i = 0; i < count / 4; ++i) {
        auto const a = peerkit::uniform(rng, std::uint64_t{count}), b = peerkit::uniform(rng, std::uint64_t{count});
        if (a != b) tell(static_cast<node_index>(a), static_cast<node_index>(b));
    }
    return knows;
}

/// A cold start: all nodes within two seconds; answers are shuffled, partial, late, sometimes empty, failed or about
/// the asker alone, and contain addresses nobody is at. @returns how long it took until all saw all.
std::optional<peerkit::duration> cold_start(std::size_t count, std::uint64_t seed) {
    default_nodes nodes;
    auto options = peerkit::sim::options_for(nodes, seed);
    options.invariants.views_per_call = 5;
    default_world world{options, nodes};
    peerkit::seeded_rng dice{seed * 7919};
    auto const knows = hearsay(count, dice);
    world.set_seeds({});
    world.spawn_many(count, 2s);
    for (node_index i = 0; i < count; ++i) {
        auto rng = std::make_shared<peerkit::seeded_rng>(dice.split());
        auto const silent_until = peerkit::happens(dice, 200'000) ? peerkit::uniform(dice, peerkit::duration{20s}) : 0s;
        auto const delay = 1ms + peerkit::uniform(dice, peerkit::duration{300ms});
        auto answer = [&world, &knows, i, rng, silent_until](peerkit::time_point) -> discovery_answer {
            std::vector<candidate> found;
            if (world.elapsed() < silent_until) return found;
            if (peerkit::happens(*rng, 100'000)) return peerkit::fail(sim_error::discovery_unavailable);
            // As in life, it gets better.
            std::uint32_t const chance = world.elapsed() < 2min ? 600'000 : 950'000;
            for (node_index const k : knows[i]) {
                if (peerkit::happens(*rng, chance)) found.push_back(candidate_at(endpoint_of(k)));
            }
            if (peerkit::happens(*rng, 300'000)) found.push_back(candidate_at(endpoint_of(i)));
            if (peerkit::happens(*rng, 300'000)) {
                auto const nobody = static_cast<std::uint8_t>(peerkit::uniform(*rng, std::uint64_t{250}));
                found.push_back(candidate_at({peerkit::ip_address::v4(192, 0, 2, nobody), 9000}));
            }
            peerkit::shuffle(std::span{found}, *rng);
            return found;
        };
        // Not born yet, most of them: their discovery is there when they are.
        peerkit::duration const born = peerkit::duration{2s} / static_cast<peerkit::duration::rep>(count) * i;
        world.at(born, [&world, i, answer, delay] { discover(world, i, answer, delay); });
    }
    auto const took = world.run_until([&] { return world.size() == count && world.all_see_all(); }, 10min, 50ms);
    INFO(world.report());
    CHECK(clusters(world) == 1);
    PEERKIT_CHECK_WORLD(world);
    return took;
}

} // namespace

TEST_CASE("20 nodes with partial, shuffled, one-sided answers become exactly one cluster") {
    std::uint64_t const starts = full() ? 1000 : 60;
    peerkit::duration longest{};
    for (std::uint64_t seed = 1; seed <= starts; ++seed) {
        CAPTURE(seed);
        auto const took = cold_start(20, seed);
        REQUIRE(took);
        longest = std::max(longest, *took);
    }
    MESSAGE(starts << " cold starts of 20, the longest took " << peerkit::sim::trace::seconds(longest) << " s");
}

TEST_CASE("100 nodes with partial, shuffled, one-sided answers become exactly one cluster") {
    std::uint64_t const starts = full() ? 100 : 6;
    peerkit::duration longest{};
    for (std::uint64_t seed = 1; seed <= starts; ++seed) {
        CAPTURE(seed);
        auto const took = cold_start(100, 10'000 + seed);
        REQUIRE(took);
        longest = std::max(longest, *took);
    }
    MESSAGE(starts << " cold starts of 100, the longest took " << peerkit::sim::trace::seconds(longest) << " s");
}

TEST_CASE("nodes that hear only of themselves stay alone, and become one when a single one hears of another") {
    cluster world{0, 41};
    world.set_seeds({});
    std::size_t heard = 0;
    world.spawn_many(10);
    for (node_index i = 0; i < 10; ++i) {
        discover(world, i, [&, i](peerkit::time_point) -> discovery_answer {
            std::vector<candidate> found{candidate_at(endpoint_of(i))};
            // From then on each hears of the next one; the last hears of nobody.
            if (heard != 0 && i != 9) found.push_back(candidate_at(endpoint_of(i + 1)));
            return found;
        });
    }
    world.run_for(2min);
    CHECK(clusters(world) == 10);
    CHECK(world.statistics().dials == 0);
    CHECK(world.statistics().datagrams_sent == 0);
    heard = 1;
    auto const took = world.run_until([&] { return world.all_see_all(); }, 60s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("two clusters become one when one member of one hears of one member of the other") {
    cluster world{0, 42};
    world.spawn_many(20);
    for (node_index i = 0; i < 20; ++i) {
        discover(world, i, [&world, i](peerkit::time_point) -> discovery_answer {
            std::vector<candidate> found{candidate_at(endpoint_of(i < 10 ? 0 : 10))};
            if (i == 7 && world.elapsed() > 60s) found.push_back(candidate_at(endpoint_of(13)));
            return found;
        });
    }
    world.run_for(50s);
    CHECK(clusters(world) == 2);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 3min);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("isolation makes a node look for others at once and call whom it knows") {
    cluster world{8, 43};
    REQUIRE(world.joined);
    world.run_for(30s);
    std::optional<peerkit::duration> isolated, looked;
    world.on_event([&](node_index observer, peerkit::gossip::event const& e) {
        if (observer != 5) return;
        if (e.kind == event_kind::isolated) isolated = world.elapsed();
        if (e.kind == event_kind::discovery_started && isolated && !looked) looked = world.elapsed();
    });
    for (node_index i = 0; i < 8; ++i) {
        if (i != 5) world.leave(i);
    }
    REQUIRE(world.run_until([&] { return isolated.has_value(); }, 60s));
    world.run_for(100ms);
    REQUIRE(looked);
    CHECK(*looked - *isolated < 50ms);
    // Those who come back are found by calling, without waiting for a refresh.
    world.restart(0);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 20s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a partition that outlasts every memory of the engine heals by candidates alone") {
    default_nodes nodes;
    nodes.tunables.tombstone_time = 5min;
    peerkit::duration const apart = full() ? 6h : 40min;
    enum class found_by { list, members };
    for (found_by how : {found_by::list, found_by::members}) {
        CAPTURE(static_cast<int>(how));
        // Views are not compared: a tombstone known by hearsay goes without an event, and a member forgotten in a
        // partition comes back with the incarnation it was accused of. Tombstones are meant to outlast partitions.
        cluster world{0, 44, nodes, [](peerkit::sim::world_options& o) { o.invariants.views_per_call = 0; }};
        world.spawn_many(10);
        for (node_index i = 0; i < 10; ++i) {
            // Either everybody keeps hearing of everybody, or of one only, and that only at first.
            discover(world, i, [&world, how](peerkit::time_point) -> discovery_answer {
                std::vector<candidate> found;
                if (how == found_by::list) {
                    for (node_index k = 0; k < 10; ++k) found.push_back(candidate_at(endpoint_of(k)));
                } else if (world.elapsed() < 20s) {
                    found.push_back(candidate_at(endpoint_of(0)));
                }
                return found;
            });
        }
        REQUIRE(world.run_until([&] { return world.all_see_all(); }, 60s));
        world.run_for(30s);
        world.net().partition({{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}});
        world.run_for(apart);
        for (node_index i = 0; i < 10; ++i) {
            CHECK(world.node(i).alive_count() == 5);
            CHECK(world.node(i).engine().known_count() == 5); // no tombstone is left
            CHECK(world.node(i).candidate_count() >= 9);
        }
        world.net().heal();
        auto const took = world.run_until([&] { return world.all_see_all(); }, 3min);
        INFO(world.report());
        REQUIRE(took);
        MESSAGE("healed after " << peerkit::sim::trace::seconds(*took) << " s");
        CHECK(world.violation_count() == 0);
        for (node_index i = 0; i < 10; ++i) CHECK(world.node(i).check_invariants() == 0);
    }
}

TEST_CASE("strategies that fail for an hour take nothing away: who was found before is called until it answers") {
    cluster world{0, 45};
    world.set_seeds({});
    world.spawn_many(1);
    int runs = 0;
    discover(world, 0, [&](peerkit::time_point) -> discovery_answer {
        if (++runs > 1) return peerkit::fail(sim_error::discovery_unavailable);
        candidate c = candidate_at(endpoint_of(1)); // not born yet
        c.time_to_live = 30s;
        return std::vector{c};
    });
    world.run_for(1h);
    CHECK(runs > 200);
    CHECK(world.node(0).candidate_count() == 1);
    world.spawn(); // hears of nobody
    discover(world, 1, [](peerkit::time_point) -> discovery_answer { return std::vector<candidate>{}; });
    auto const took = world.run_until([&] { return world.all_see_all(); }, 30s);
    INFO(world.report());
    REQUIRE(took);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("a hundred thousand strangers in every answer stay within bounds and keep nobody from joining") {
    default_nodes nodes;
    auto options = peerkit::sim::options_for(nodes, 46);
    options.invariants.enabled = false; // they would remember every address
    default_world world{options, nodes};
    world.spawn_many(5);
    std::vector<candidate> flood;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        auto const part = [i](unsigned shift) { return static_cast<std::uint8_t>(i >> shift & 0xffU); };
        flood.push_back(
            candidate_at({peerkit::ip_address::v4(11, part(16), part(8), part(0)), 9000}, provenance::mdns));
    }
    discover(world, 4, [&](peerkit::time_point) -> discovery_answer {
        std::vector<candidate> found = flood;
        found.push_back(candidate_at(endpoint_of(0), provenance::static_list));
        return found;
    });
    auto const took = world.run_until([&] { return world.all_see_all(); }, 30s);
    REQUIRE(took);
    world.run_for(10min);
    CHECK(world.node(4).check_invariants() == 0);
    CHECK(world.node(4).candidates().strangers() <= nodes.discovery.max_strangers);
    CHECK(world.node(4).candidate_count() <= nodes.discovery.max_strangers + 4);
    CHECK(world.node(4).candidates().dropped(peerkit::node::drop_reason::no_room) > 90'000);
    // Three calls in five seconds, and no more.
    CHECK(world.statistics().nobody_there < std::size_t{11 * 60 / 5 * 3 * 5 / 4 + 200});
    CHECK(world.all_see_all());
}

TEST_CASE("a change of something that a strategy watches is noticed long before the next refresh") {
    /// Finds a peer that was written down a quarter of a minute after the start.
    struct peers_file {
        std::vector<peerkit::time_point>* runs;
        [[nodiscard]] std::string_view name() const noexcept { return "file"; }
        [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point now) {
            runs->push_back(now);
            if (now - runs->front() >= 15s) {
                return peerkit::discovery::step::found({candidate_at(endpoint_of(2), provenance::file)});
            }
            return peerkit::discovery::step::found({candidate_at(endpoint_of(0), provenance::file)})
                .watching(peerkit::discovery::watch_file{"peers", std::nullopt});
        }
        [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket, peerkit::discovery::outcome const&,
                                                      peerkit::time_point) {
            return peerkit::discovery::step::wait();
        }
    };
    cluster world{0, 47};
    world.set_seeds({});
    world.spawn_many(3);
    auto const nobody_known = [](peerkit::time_point) -> discovery_answer { return std::vector<candidate>{}; };
    discover(world, 0, nobody_known);
    discover(world, 2, nobody_known);
    std::vector<peerkit::time_point> runs;
    world.set_discovery(1, std::make_unique<peerkit::sim::strategy_discovery<peers_file>>(
                               peers_file{&runs}, [&](peerkit::discovery::effect const&, peerkit::time_point now) {
                                   peerkit::duration const left = runs.front() + 15s - now;
                                   return peerkit::sim::effect_reply{peerkit::discovery::file_changed{}, left};
                               }));
    world.run_for(14s);
    CHECK(clusters(world) == 2);
    auto const took = world.run_until([&] { return world.all_see_all(); }, 6s);
    INFO(world.report());
    CHECK(took);
    CHECK(runs.back() - runs.front() < 17s);
    PEERKIT_CHECK_WORLD(world);
}

TEST_CASE("A registry that one node names in its announcement reaches the strategies of the others") {
    using namespace peerkit::discovery;
    struct registrar {
        std::string uses;                // what it names; empty: nothing
        std::vector<announcement>* read; // what it saw of its own node, in each run
        std::vector<candidate> answer;
        [[nodiscard]] std::string_view name() const noexcept { return "registrar"; }
        [[nodiscard]] step begin(peerkit::time_point) { return step::ask(use_registry{uses}, 0); }
        [[nodiscard]] step resume(ticket which, outcome got, peerkit::time_point) {
            if (which == 0) return step::ask(read_announcement{}, 1);
            auto* const own = std::get_if<announcement>(&got);
            if (own == nullptr) return step::failed(why_not(got));
            read->push_back(std::move(*own));
            auto const record = peerkit::wire::record_view::parse(read->back().record);
            return step::found(answer).watching(watch_announcement{record->incarnation()});
        }
    };
    cluster world{0, 48};
    world.spawn_many(3);
    std::vector<announcement> first, last;
    auto const nothing_else = [](effect const&, peerkit::time_point) {
        return peerkit::sim::effect_reply{peerkit::error{discovery_error::unsupported}, 0s};
    };
    world.set_discovery(1, std::make_unique<peerkit::sim::strategy_discovery<registrar>>(
                               registrar{"r.example:8000", &first, {candidate_at(endpoint_of(0))}}, nothing_else));
    world.set_discovery(2, std::make_unique<peerkit::sim::strategy_discovery<registrar>>(
                               registrar{"", &last, {candidate_at(endpoint_of(0))}}, nothing_else));
    CHECK(world.run_until([&] { return world.all_see_all(); }, 1min));
    // What is named after the first look is a change of the announcement, which is watched: it is seen soon.
    CHECK(world.run_until([&] { return first.size() >= 2; }, 5s));
    auto const said = peerkit::wire::record_view::parse(first.back().record);
    CHECK(said->label_value("registry") == "r.example:8000");
    CHECK(world.run_until([&] { return !last.empty() && !last.back().registries.empty(); }, 5min));
    CHECK(last.back().registries == std::vector<std::string>{"r.example:8000"});
    CHECK(first.back().registries.empty()); // its own is none of the others'
    PEERKIT_CHECK_WORLD(world);
}
