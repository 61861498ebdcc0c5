// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the root's decisions.
#include <peerkit/registry/authority.hpp>

#include "support/registrants.hpp"
#include "support/registry_disk.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <vector>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;
using tests::registrant;

namespace {

struct stage {
    explicit stage(registry_options const& o = {}) : options{o} {}

    registry_options options{};
    moment at{time_point{} + 1h, 1'000'000};
    node_table table{options.table, 7};
    authority root{options, at.now};
    std::vector<durable_change> changes{};
    registry_counters count{};
    unsigned char leases = 0;

    void pass(duration d) {
        at.now += d;
        at.unix_ms += std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
    }
    result<write_answer> add(registration asked, caller const& from = {}, std::uint64_t source = 0) {
        return root.register_node(std::move(asked), table, from, source, tests::lease_number(++leases), at, changes,
                                  count);
    }
    result<write_answer> add(registrant const& node) { return add(node.asks()); }
    result<write_answer> beat(registrant const& node, lease_id lease) {
        return root.beat({node.id(), lease}, table, at, changes, count);
    }
    /// Time passes in ticks of a second.
    void run(duration d) {
        for (time_point const end = at.now + d; at.now < end;) {
            pass(1s);
            root.tick(table, at, changes, count);
        }
    }
    /// What a disk that carried out all changes would hold.
    [[nodiscard]] saved_state stored() const {
        tests::registry_disk disk;
        disk.epoch = table.epoch();
        for (auto const& change : changes) disk.store(change);
        saved_state saved = disk.load();
        saved.version = table.version();
        return saved;
    }
};

} // namespace

TEST_CASE("a registration makes a row with a lease, and the same once more only counts as a heartbeat") {
    stage s;
    auto const first = s.add(registrant{1});
    REQUIRE(first);
    CHECK(first->what == write_answer::kind::registered);
    CHECK(first->lease == tests::lease_number(1));
    CHECK(first->version == 1);
    CHECK(first->heartbeat_interval == 30s);
    CHECK(s.table.find(registrant{1}.id())->first_seen_ms == 1'000'000);
    s.pass(30s);
    auto const again = s.add(registrant{1});
    REQUIRE(again);
    CHECK(again->what == write_answer::kind::registered);
    CHECK(again->lease == first->lease);
    CHECK(again->version == 1);
    CHECK(s.table.find(registrant{1}.id())->last_heartbeat_ms == 1'030'000);
    CHECK(s.count.registered == 1);
    CHECK(s.count.refreshed == 1);
}

TEST_CASE("the same announcement with other texts is a change, with the same lease") {
    stage s;
    (void)s.add(registrant{1});
    registration asked = registrant{1}.asks();
    asked.registry = "r.example.test:8000";
    asked.found_by = "mdns";
    auto const answer = s.add(asked);
    REQUIRE(answer);
    CHECK(answer->version == 2);
    CHECK(answer->lease == tests::lease_number(1));
    CHECK(s.table.find(registrant{1}.id())->found_by == "mdns");
    CHECK(s.table.find(registrant{1}.id())->registry == "r.example.test:8000");
}

TEST_CASE("a newer announcement has a new lease, and keeps what was seen of the node") {
    stage s;
    (void)s.add(registrant{1});
    s.pass(30s);
    auto const answer = s.add(registrant{1}.at_incarnation(2));
    REQUIRE(answer);
    CHECK(answer->lease == tests::lease_number(2));
    CHECK_FALSE(s.beat(registrant{1}, tests::lease_number(1)));
    CHECK(s.beat(registrant{1}, tests::lease_number(2)));
    node_row const& row = *s.table.find(registrant{1}.id());
    CHECK(row.first_seen_ms == 1'000'000);
    CHECK(row.uptime_ms == 30'000);
    CHECK(s.count.changed == 1);
}

TEST_CASE("an incarnation never goes back, and one incarnation is one announcement") {
    stage s;
    (void)s.add(registrant{1}.at_incarnation(5));
    auto const older = s.add(registrant{1}.at_incarnation(4));
    REQUIRE_FALSE(older);
    CHECK(older.error() == registry_error::stale_record);
    CHECK(older.error().position() == 5);
    CHECK(s.add(registrant{1}.named("other").at_incarnation(5)).error() == registry_error::conflicting_record);
    CHECK(s.table.version() == 1);
    CHECK(s.table.find(registrant{1}.id())->name() == "node1");
}

TEST_CASE("a name belongs to the key that came first, until that has expired and the hold is over") {
    stage s;
    (void)s.add(registrant{1}.named("db"));
    CHECK(s.add(registrant{2}.named("db")).error() == registry_error::name_taken);
    CHECK(s.add(registrant{2}.named("db").asks("other.test"))); // another domain, another name
    s.run(96s + 10min);
    CHECK(s.table.find(registrant{1}.id()) == nullptr);
    CHECK(s.add(registrant{3}.named("db")).error() == registry_error::name_taken);
    s.run(10min);
    CHECK(s.add(registrant{3}.named("db")));
    CHECK(s.add(registrant{1}.named("db")).error() == registry_error::name_taken);
}

TEST_CASE("who takes another name leaves the old one to whoever comes, and cannot take one that is held") {
    stage s;
    (void)s.add(registrant{1});
    (void)s.add(registrant{2});
    CHECK(s.add(registrant{1}.named("node2").at_incarnation(2)).error() == registry_error::name_taken);
    CHECK(s.add(registrant{1}.named("db").at_incarnation(2)));
    CHECK(s.add(registrant{3}.named("node1")));
    CHECK(s.table.check_invariants() == table_fault::none);
}

TEST_CASE("the key itself may come back at once with its name, but not with an older announcement") {
    stage s;
    (void)s.add(registrant{1}.at_incarnation(5));
    REQUIRE(s.root.deregister({registrant{1}.id(), tests::lease_number(1)}, s.table, s.at, s.changes, s.count));
    CHECK(s.table.size() == 0);
    CHECK(s.add(registrant{1}.at_incarnation(4)).error() == registry_error::stale_record);
    // A replica's queue may hold the announcement that has been taken out since.
    CHECK(s.add(registrant{1}.at_incarnation(5).asks(), caller{.replica = "east"}).error() ==
          registry_error::stale_record);
    CHECK(s.add(registrant{1}.at_incarnation(5)));
}

TEST_CASE("who expired or made room comes back through a replica with the same announcement, also after a restart") {
    for (bool const evicted : {false, true}) {
        CAPTURE(evicted);
        registry_options o;
        o.table.max_rows = 1;
        stage s{o};
        REQUIRE(s.add(registrant{1}.at_incarnation(5)));
        if (evicted) {
            s.run(2min);
            REQUIRE(s.add(registrant{2}));
            REQUIRE(s.root.deregister({registrant{2}.id(), tests::lease_number(2)}, s.table, s.at, s.changes, s.count));
        } else {
            s.run(12min);
        }
        REQUIRE(s.table.size() == 0);
        stage later{o};
        later.at = s.at;
        REQUIRE(later.table.restore(s.stored(), later.at));
        for (stage* const root : {&s, &later}) {
            caller const east{.replica = "east"};
            CHECK(root->add(registrant{1}.at_incarnation(4).asks(), east).error() == registry_error::stale_record);
            CHECK(root->add(registrant{1}.at_incarnation(5).asks(), east));
        }
    }
}

TEST_CASE("heartbeats and deregistration take the lease") {
    stage s;
    (void)s.add(registrant{1});
    CHECK(s.beat(registrant{1}, tests::lease_number(9)).error() == registry_error::unknown_node);
    CHECK(s.beat(registrant{1}, {}).error() == registry_error::unknown_node);
    CHECK(s.beat(registrant{2}, tests::lease_number(1)).error() == registry_error::unknown_node);
    CHECK(s.root.deregister({registrant{1}.id(), tests::lease_number(9)}, s.table, s.at, s.changes, s.count).error() ==
          registry_error::unknown_node);
    CHECK(s.table.size() == 1);
    auto const beaten = s.beat(registrant{1}, tests::lease_number(1));
    REQUIRE(beaten);
    CHECK(beaten->what == write_answer::kind::beaten);
    CHECK(beaten->version == 1);
    auto const removed =
        s.root.deregister({registrant{1}.id(), tests::lease_number(1)}, s.table, s.at, s.changes, s.count);
    REQUIRE(removed);
    CHECK(removed->what == write_answer::kind::removed);
    CHECK(removed->version == 2);
}

TEST_CASE("a silent node is offline after 95 seconds, back with a heartbeat, and forgotten ten minutes after that") {
    stage s;
    (void)s.add(registrant{1});
    s.run(94s);
    CHECK(s.table.find(registrant{1}.id())->status == node_status::online);
    s.run(2s);
    CHECK(s.table.find(registrant{1}.id())->status == node_status::offline);
    CHECK(s.table.version() == 2);
    CHECK(s.beat(registrant{1}, tests::lease_number(1))->version == 3);
    CHECK(s.table.find(registrant{1}.id())->status == node_status::online);
    s.run(96s);
    CHECK(s.count.offline == 2);
    s.run(9min + 55s);
    CHECK(s.table.size() == 1);
    s.run(10s);
    CHECK(s.table.size() == 0);
    CHECK(s.count.expired == 1);
    CHECK(s.beat(registrant{1}, tests::lease_number(1)).error() == registry_error::unknown_node);
}

TEST_CASE("uptime is the time a node was known to be online, and standing the share of heartbeats in time") {
    stage s;
    (void)s.add(registrant{1});
    auto const& row = *s.table.find(registrant{1}.id());
    for (int i = 0; i < 10; ++i) {
        s.pass(30s);
        (void)s.beat(registrant{1}, tests::lease_number(1));
    }
    CHECK(row.uptime_ms == 300'000);
    CHECK(row.reputation() == 100);
    s.run(90s); // two missed
    (void)s.beat(registrant{1}, tests::lease_number(1));
    CHECK(row.uptime_ms == 390'000);
    unsigned const after = row.reputation();
    CHECK(after < 85);
    CHECK(after > 70);
    for (int i = 0; i < 100; ++i) { // too early ones are no way to a good name
        s.pass(1s);
        (void)s.beat(registrant{1}, tests::lease_number(1));
    }
    CHECK(row.reputation() == after);
    for (int i = 0; i < 60; ++i) {
        s.pass(30s);
        (void)s.beat(registrant{1}, tests::lease_number(1));
    }
    CHECK(row.reputation() == 100);
}

TEST_CASE("a full table makes room by the node that has been offline for longest, never by one that is online") {
    registry_options o;
    o.table.max_rows = 4;
    o.preservation_min = 100;
    stage s{o};
    for (std::uint64_t n = 1; n <= 4; ++n) (void)s.add(registrant{n});
    auto const refused = s.add(registrant{5});
    CHECK(refused.error() == registry_error::table_full);
    CHECK(refused.error().position() > 0);
    s.run(60s);
    for (std::uint64_t n = 2; n <= 4; ++n)
        (void)s.beat(registrant{n}, tests::lease_number(static_cast<unsigned char>(n)));
    s.run(40s);
    CHECK(s.add(registrant{5}));
    CHECK(s.table.find(registrant{1}.id()) == nullptr);
    CHECK(s.count.evicted == 1);
    CHECK(s.add(registrant{6}).error() == registry_error::table_full);
    CHECK(s.table.size() == 4);
}

TEST_CASE("one source registers no more nodes than it may, and more when some of them are gone") {
    registry_options o;
    o.rows_of_source = 2;
    stage s{o};
    CHECK(s.add(registrant{1}.asks(), {}, 99));
    CHECK(s.add(registrant{2}.asks(), {}, 99));
    CHECK(s.add(registrant{3}.asks(), {}, 99).error() == registry_error::too_many);
    CHECK(s.add(registrant{3}.asks(), {}, 98));
    CHECK(s.add(registrant{1}.at_incarnation(2).asks(), {}, 99));
    REQUIRE(s.root.deregister({registrant{2}.id(), tests::lease_number(2)}, s.table, s.at, s.changes, s.count));
    CHECK(s.add(registrant{4}.asks(), {}, 99));
}

TEST_CASE("heartbeats that a replica hands on count, and bring back who was offline") {
    stage s;
    (void)s.add(registrant{1});
    s.run(96s);
    std::vector<node_id> const ids{registrant{1}.id(), registrant{2}.id()};
    s.root.beats(ids, s.table, caller{.replica = "east"}, s.at, s.changes, s.count);
    CHECK(s.table.find(registrant{1}.id())->status == node_status::online);
    CHECK(s.count.heartbeats == 1);
}

TEST_CASE("a lease that a replica gave is taken over for a new announcement only") {
    stage s;
    registration asked = registrant{1}.asks();
    asked.lease = tests::lease_number(77);
    CHECK(s.add(asked, caller{.replica = "east"})->lease == tests::lease_number(77));
    asked.lease = tests::lease_number(78);
    CHECK(s.add(asked, caller{.replica = "west"})->lease == tests::lease_number(77));
}

TEST_CASE("whoever carries out the changes holds the state, and a restart forgets nothing and accuses nobody") {
    stage s;
    for (std::uint64_t n = 1; n <= 5; ++n) (void)s.add(registrant{n});
    (void)s.root.deregister({registrant{2}.id(), tests::lease_number(2)}, s.table, s.at, s.changes, s.count);
    s.run(60s);
    for (std::uint64_t const n : {1U, 3U, 4U})
        (void)s.beat(registrant{n}, tests::lease_number(static_cast<unsigned char>(n)));
    s.run(40s); // 5 is offline
    (void)s.add(registrant{3}.at_incarnation(2));

    stage later;
    later.at = s.at;
    later.pass(1h);
    REQUIRE(later.table.restore(s.stored(), later.at));
    later.root.restore(later.table, later.at.now);
    CHECK(later.table.version() == s.table.version());
    CHECK(later.table.hash() == s.table.hash());
    s.table.for_each([&](node_row const& row) { CHECK(*later.table.find(row.id) == row); });
    CHECK(later.root.watch().online() == 3);
    CHECK(later.add(registrant{9}.named("node2"))); // an hour later the name is free
    later.run(94s);
    CHECK(later.count.offline == 0);
    later.run(2s);
    CHECK(later.count.offline == 0); // most are silent: it may be the registry
}

TEST_CASE("removals are forgotten in time, and where they began to be is stored") {
    stage s;
    (void)s.add(registrant{1});
    (void)s.root.deregister({registrant{1}.id(), tests::lease_number(1)}, s.table, s.at, s.changes, s.count);
    s.run(59min);
    CHECK(s.table.floor() == 0);
    s.run(2min);
    CHECK(s.table.floor() == 2);
    CHECK(s.stored().floor == 2);
    CHECK(s.stored().removed.empty());
}
