// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Scenarios: a root and its secondaries under partitions and crashes: nothing acknowledged is lost, all end equal.
#include "registry_world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace registries;

namespace {

using clients = std::vector<std::shared_ptr<client>>;

clients make_clients(world& w, std::size_t count, bool at_secondaries = true, std::uint64_t first = 1) {
    clients made;
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t const home = at_secondaries ? 1 + i % (w.size() - 1) : i % w.size();
        made.push_back(std::make_shared<client>(w, first + i, home));
        w.time.after(uniform(w.rng(), duration{20s}), [c = made.back()] { c->begin(); });
    }
    return made;
}
bool wait_converged(world& w, duration most) {
    for (duration waited{}; waited < most; waited += 1s) {
        w.run(1s);
        if (w.converged()) return true;
    }
    return false;
}
/// Whether the root holds what this client was told it holds, or something newer of it.
bool kept(world& w, client const& c) {
    node_row const* const row = w.at(0).logic->table().find(c.node().id());
    return row != nullptr && row->incarnation() >= c.acknowledged_incarnation();
}
std::string report(world const& w) {
    std::string text;
    for (auto const& line : w.wrong) text += line + "\n";
    return text;
}

/// What happened in all of those lives: a sweep in which nothing happens proves nothing.
struct experience {
    std::uint64_t events = 0, torn = 0, restarts = 0, replayed = 0, refused = 0, snapshots = 0, silent = 0;
};

/// Ten minutes of random trouble from one seed, then everything heals. What was wrong at the end, empty if nothing.
std::string live_through(std::uint64_t seed, experience& lived) {
    world w{seed, {.secondaries = 2, .loss_per_million = 10'000}};
    seeded_rng& rng = w.rng();
    clients all = make_clients(w, 6, false);
    clients silent;
    w.run(40s);
    w.fragile = true;
    std::uint64_t next = 100;
    for (int act = 0; act < 12; ++act) {
        std::size_t const secondary = 1 + static_cast<std::size_t>(uniform(rng, std::uint64_t{2}));
        switch (uniform(rng, std::uint64_t{8})) {
        case 0: w.cut.insert(secondary); break;
        case 1: w.cut.clear(); break;
        case 2:
            w.crash(0);
            w.time.after(uniform(rng, duration{90s}), [&w] { w.start(0); });
            break;
        case 3:
            w.crash(secondary);
            w.time.after(uniform(rng, duration{60s}), [&w, secondary] { w.start(secondary); });
            break;
        case 4: all[static_cast<std::size_t>(uniform(rng, std::uint64_t{all.size()}))]->change(); break;
        case 5: all[static_cast<std::size_t>(uniform(rng, std::uint64_t{all.size()}))]->leave(); break;
        default:
            silent.push_back(std::make_shared<client>(w, next++, secondary, client::manner::silent));
            silent.back()->begin();
            break;
        }
        w.run(uniform(rng, duration{60s}));
        w.check_tables();
    }
    w.fragile = false;
    w.cut.clear();
    w.run(2s);
    for (std::size_t i = 0; i < w.size(); ++i) w.start(i);
    if (!wait_converged(w, 5min)) w.wrong.push_back("the registries do not end equal");
    w.run(40s); // whoever was refused has registered again
    if (!wait_converged(w, 2min)) w.wrong.push_back("the registries do not stay equal");
    w.check_tables();
    for (auto const& c : silent) {
        // In time for nobody to be forgotten: 95 seconds and ten minutes.
        if (c->acknowledged() && w.time.now() - c->acknowledged_at() < 11min && !kept(w, *c)) {
            w.wrong.push_back("an acknowledged registration is lost: " + c->node().me.name);
        }
    }
    for (auto const& c : all) {
        if (c->stays() && !(c->acknowledged() && kept(w, *c))) w.wrong.push_back("a node is not registered");
        if (!c->stays() && !c->acknowledged() && w.at(0).logic->table().find(c->node().id()) != nullptr &&
            w.at(0).logic->table().find(c->node().id())->status == node_status::online) {
            w.wrong.push_back("a node that left is online");
        }
    }
    lived.events += w.time.made();
    lived.torn += w.torn;
    lived.restarts += w.restarts;
    for (std::size_t i = 1; i < w.size(); ++i) {
        auto const& count = w.at(i).logic->counters();
        lived.replayed += count.replayed;
        lived.refused += count.replay_refused;
        lived.snapshots += count.snapshots;
    }
    for (auto const& c : silent) lived.silent += c->acknowledged() ? 1U : 0U;
    return report(w);
}

} // namespace

TEST_CASE("everybody who registers anywhere is seen everywhere within seconds") {
    world w{1};
    clients const all = make_clients(w, 20, false);
    w.run(40s);
    REQUIRE(w.converged());
    CHECK(w.at(0).logic->table().size() == 20);
    for (std::size_t i = 0; i < w.size(); ++i) CHECK(w.at(i).logic->list({}).rows.size() == 20);
    CHECK(w.at(0).logic->online() == 20);
}

TEST_CASE(
    "a thousand seeds of partitions, crashes, torn writes and loss: nothing acknowledged is lost, all end equal") {
    std::size_t failed = 0;
    experience lived;
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
        std::string const wrong = live_through(seed, lived);
        if (!wrong.empty() && ++failed < 5) {
            CAPTURE(seed);
            FAIL_CHECK(wrong);
        }
    }
    CHECK(failed == 0);
    // The sweep went through what it is for.
    CHECK(lived.events > 500'000);
    CHECK(lived.torn > 500);
    CHECK(lived.restarts > 2'000);
    CHECK(lived.replayed > 2'000);
    CHECK(lived.refused > 0);
    CHECK(lived.snapshots > 300);
    CHECK(lived.silent > 2'000);
}

TEST_CASE("a partition between registries sets nobody offline, however long within the hold, and is said in answers") {
    world w{2};
    clients const all = make_clients(w, 12);
    for (auto const& c : all) c->moves = false;
    w.run(2min);
    REQUIRE(w.converged());
    w.cut = {1, 2, 3};
    w.run(80s); // a long poll that was out ends
    for (std::size_t i = 1; i < w.size(); ++i) {
        auto const condition = w.at(i).logic->condition(w.time.now());
        CHECK(condition.stale);
        CHECK(condition.behind_s >= 60);
        CHECK(w.at(i).logic->list({}).rows.size() == 12);
    }
    CHECK_FALSE(w.at(0).logic->condition(w.time.now()).stale);
    w.run(40min);
    CHECK(w.at(0).logic->counters().offline == 0);
    CHECK(w.at(0).logic->online() == 12);
    w.cut.clear();
    REQUIRE(wait_converged(w, 2min));
    w.run(5min);
    for (std::size_t i = 1; i < w.size(); ++i) CHECK_FALSE(w.at(i).logic->condition(w.time.now()).stale);
    CHECK(w.at(0).logic->counters().offline == 0);
    for (auto const& c : all) CHECK(c->unanswered() == 0);
}

TEST_CASE("a secondary that reaches its root again is up to date within two seconds of its next try") {
    world w{3};
    clients const all = make_clients(w, 4);
    w.run(1min);
    w.cut = {1};
    w.run(70s);
    auto const late = std::make_shared<client>(w, 99, 2);
    late->begin();
    w.run(20s);
    CHECK(w.at(1).logic->find(late->node().id()) == nullptr);
    w.cut.clear();
    time_point const next = w.at(1).logic->next_deadline();
    CHECK(next - w.time.now() <= 72s);
    w.time.run_until(next + 2s);
    CHECK(w.at(1).logic->find(late->node().id()) != nullptr);
}

TEST_CASE("while the root is dead those who register at one secondary see each other, and their writes are replayed") {
    world w{4};
    w.run(10s);
    w.crash(0);
    clients const all = make_clients(w, 9);
    w.run(40s);
    for (auto const& c : all) CHECK(c->acknowledged());
    for (std::size_t i = 1; i < w.size(); ++i) {
        CHECK(w.at(i).logic->list({}).rows.size() == 3);
        CHECK(w.at(i).logic->queued() == 3);
    }
    w.start(0);
    REQUIRE(wait_converged(w, 2min));
    CHECK(w.at(0).logic->table().size() == 9);
    CHECK(w.wrong.empty());
    for (std::size_t i = 1; i < w.size(); ++i) CHECK(w.at(i).logic->counters().replay_refused == 0);
}

TEST_CASE(
    "two keys that register one name while the root is dead: the first to reach it has the name, the other hears it") {
    world w{5, {.secondaries = 2}};
    w.run(10s);
    w.crash(0);
    std::vector<std::shared_ptr<client>> rivals;
    for (std::size_t i = 1; i <= 2; ++i) {
        registration asked = tests::registrant{i}.named("db").asks();
        auto const challenge = w.at(i).logic->challenge_for(tests::registrant{i}.id(), w.time.now());
        asked.proof = tests::registrant{i}.prove(challenge);
        bool told = false;
        w.ask(i, asked, [&](reply const& r) { told = r.answer && r.answer->queued; });
        w.run(1s);
        CHECK(told);
    }
    w.start(0);
    REQUIRE(wait_converged(w, 2min));
    CHECK(w.at(0).logic->table().size() == 1);
    CHECK(w.at(1).logic->counters().replay_refused + w.at(2).logic->counters().replay_refused == 1);
    node_row const* const holder = w.at(0).logic->table().find_name("example.test", "db");
    REQUIRE(holder != nullptr);
    for (std::size_t i = 1; i <= 2; ++i) {
        bool const won = holder->id == tests::registrant{i}.id();
        CHECK((w.at(i).logic->find(tests::registrant{i}.id()) != nullptr) == won);
    }
}

TEST_CASE("a root restored from an old snapshot: replicas take it over, said or not, and nodes register again") {
    for (bool const said : {true, false}) {
        CAPTURE(said);
        world w{6};
        clients all = make_clients(w, 8);
        w.run(1min);
        disk const old = w.at(0).kept;
        clients const more = make_clients(w, 8, true, 50);
        w.run(1min);
        for (auto const& c : all) c->change();
        w.run(1min);
        REQUIRE(w.converged());
        CHECK(w.at(0).logic->table().size() == 16);
        w.crash(0);
        w.at(0).kept = old;
        w.start(0, said);
        REQUIRE(wait_converged(w, 3min));
        w.run(2min);
        REQUIRE(wait_converged(w, 1min));
        CHECK(w.at(0).logic->table().size() == 16);
        for (auto const& c : all) CHECK(kept(w, *c));
        for (auto const& c : more) CHECK(kept(w, *c));
        for (std::size_t i = 1; i < w.size(); ++i) CHECK(w.at(i).logic->counters().snapshots >= 2);
        CHECK(w.wrong.empty());
    }
}

TEST_CASE("a root restored from an old snapshot that has come to the same version again is found out by its hash") {
    world w{7, {.secondaries = 1}};
    clients const first = make_clients(w, 3);
    w.run(1min);
    disk const old = w.at(0).kept;
    w.cut = {1};
    auto const lost = std::make_shared<client>(w, 50, 0, client::manner::silent);
    lost->begin();
    w.run(2s);
    w.cut.clear();
    REQUIRE(wait_converged(w, 2min));
    std::uint64_t const version = w.at(0).logic->state().version;
    w.cut = {1};
    w.crash(0);
    w.at(0).kept = old;
    w.start(0);
    auto const other = std::make_shared<client>(w, 51, 0, client::manner::silent);
    other->begin();
    w.run(2s);
    REQUIRE(w.at(0).logic->state().version == version);
    REQUIRE(w.at(0).logic->state().epoch == w.at(1).logic->state().epoch);
    w.cut.clear();
    REQUIRE(wait_converged(w, 3min));
    CHECK(w.at(1).logic->counters().divergences >= 1);
    CHECK(w.at(1).logic->find(lost->node().id()) == nullptr);
    CHECK(w.at(1).logic->find(other->node().id()) != nullptr);
}

TEST_CASE("when most nodes fall silent at once nobody is set offline, and the registry says so") {
    world w{8, {.secondaries = 0}};
    clients all;
    for (std::uint64_t n = 1; n <= 10; ++n) {
        all.push_back(std::make_shared<client>(w, n, 0, n <= 3 ? client::manner::faithful : client::manner::silent));
        all.back()->begin();
    }
    w.run(10min);
    CHECK(w.at(0).logic->counters().offline == 0);
    CHECK(w.at(0).logic->condition(w.time.now()).preserving);
    CHECK(w.at(0).logic->online() == 10);
}

TEST_CASE("a restarted root accuses nobody, and keeps every lease") {
    world w{9};
    clients const all = make_clients(w, 10, false);
    w.run(1min);
    auto const before = w.at(0).logic->counters().registered;
    CHECK(before == 10);
    w.crash(0);
    w.run(20s);
    w.start(0);
    w.run(10min);
    CHECK(w.at(0).logic->counters().offline == 0);
    CHECK(w.at(0).logic->counters().registered == 0);
    CHECK(w.at(0).logic->counters().changed == 0);
    CHECK(w.at(0).logic->online() == 10);
}

TEST_CASE("a secondary that is killed with a full queue replays it after its restart, in order") {
    world w{10, {.secondaries = 1}};
    w.run(10s);
    w.crash(0);
    clients silent;
    for (std::uint64_t n = 1; n <= 50; ++n) {
        silent.push_back(std::make_shared<client>(w, n, 1, client::manner::silent));
        silent.back()->moves = false;
        silent.back()->begin();
    }
    w.run(10s);
    CHECK(w.at(1).logic->queued() == 50);
    w.crash(1);
    w.run(5s);
    w.start(1);
    CHECK(w.at(1).logic->queued() == 50);
    CHECK(w.at(1).logic->list({}).rows.size() == 50);
    w.start(0);
    REQUIRE(wait_converged(w, 2min));
    for (auto const& c : silent) CHECK(kept(w, *c));
    CHECK(w.wrong.empty());
}
