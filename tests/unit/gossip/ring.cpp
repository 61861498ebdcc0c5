// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::ring: everybody is watched by one other, and the order changes in step.
#include <peerkit/gossip/ring.hpp>

#include <doctest/doctest.h>

#include <peerkit/crypto/fake.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "support/puppet.hpp"

using namespace peerkit;
using gossip::jury;
using gossip::ring;
using gossip::ring_epoch;
using membership::member_state;
using membership::member_table;
using membership::slot;

namespace {

constexpr std::uint32_t last = 0xffffffffU;

/// A table with members 1 to `count`, all alive.
struct world {
    explicit world(std::uint64_t count) {
        for (std::uint64_t i = 1; i <= count; ++i) {
            tests::puppet const p{i};
            auto const bytes = p.record();
            slots.push_back(table.insert(wire::record_view::trusted(bytes), member_state::alive, time_point{}));
            keys.push_back(p.key());
        }
    }
    slot slot_of(short_id key) const { return table.find(key); }

    member_table table{1000, 5};
    std::vector<slot> slots;
    std::vector<short_id> keys;
};

} // namespace

TEST_CASE("everybody has one watcher and watches one other, in every epoch") {
    world w{40};
    for (std::uint32_t epoch : {0U, 1U, 7U, last}) {
        std::set<slot> watched;
        for (short_id const self : w.keys) {
            ring r;
            r.hear(epoch);
            slot const next = r.successor(w.table, self);
            REQUIRE(next != membership::no_slot);
            CHECK(w.table[next].key != self);
            watched.insert(next);
        }
        CHECK(watched.size() == w.keys.size());
    }
}

TEST_CASE("another epoch is another order") {
    world w{40};
    std::size_t same = 0;
    for (short_id const self : w.keys) {
        ring first, second;
        second.hear(1);
        same += first.successor(w.table, self) == second.successor(w.table, self) ? 1U : 0U;
    }
    CHECK(same < 8);
}

TEST_CASE("the successor that is kept is the one a search finds, whoever comes and goes") {
    world w{30};
    short_id const self = w.keys[0];
    ring kept;
    seeded_rng rng{4};
    for (int i = 0; i < 2000; ++i) {
        auto const which = 1 + static_cast<std::size_t>(uniform(rng, std::uint64_t{29}));
        slot const at = w.slots[which];
        if (w.table[at].state == member_state::alive) {
            w.table.set_state(at, i % 2 == 0 ? member_state::suspect : member_state::dead, time_point{});
            kept.went(w.keys[which]);
        } else {
            w.table.set_state(at, member_state::alive, time_point{});
            kept.came(at, w.keys[which], self);
        }
        if (i % 50 == 0) kept.hear(kept.epoch() + 1);
        ring fresh;
        fresh.hear(kept.epoch());
        REQUIRE(kept.successor(w.table, self) == fresh.successor(w.table, self));
    }
}

TEST_CASE("alone, or with nobody alive, there is nobody to watch") {
    world w{2};
    ring r;
    CHECK(r.successor(w.table, w.keys[0]) == w.slots[1]);
    w.table.set_state(w.slots[1], member_state::suspect, time_point{});
    r.went(w.keys[1]);
    CHECK(r.successor(w.table, w.keys[0]) == membership::no_slot);
    w.table.set_state(w.slots[1], member_state::alive, time_point{});
    r.came(w.slots[1], w.keys[1], w.keys[0]);
    CHECK(r.successor(w.table, w.keys[0]) == w.slots[1]);
}

TEST_CASE("walking on from the successor meets every other member once") {
    world w{25};
    short_id const self = w.keys[3];
    ring r;
    std::set<slot> met;
    std::uint64_t from = 0;
    for (slot at = r.after(w.table, self, from); at != membership::no_slot; at = r.after(w.table, self, from)) {
        CHECK(met.insert(at).second);
        from = r.distance(self, w.table[at].key);
    }
    CHECK(met.size() == 24);
}

TEST_CASE("an epoch is counted up after its lifetime, and not before") {
    ring_epoch e;
    for (unsigned i = 0; i < ring_epoch::lifetime; ++i) CHECK_FALSE(e.count());
    CHECK(e.count());
    CHECK(e.value() == 1);
    CHECK_FALSE(e.count());
}

TEST_CASE("a higher epoch is taken over and lives its whole life here, a lower one is not") {
    ring_epoch e;
    CHECK(e.hear(100));
    for (unsigned i = 0; i < 20; ++i) CHECK_FALSE(e.count());
    CHECK_FALSE(e.hear(100));
    CHECK_FALSE(e.hear(7));
    CHECK(e.hear(101));
    for (unsigned i = 0; i < ring_epoch::lifetime; ++i) CHECK_FALSE(e.count());
    CHECK(e.count());
    CHECK(e.value() == 102);
}

TEST_CASE("who has no epoch of its own takes any; later, others move it only so far in a period") {
    ring_epoch e;
    CHECK(e.hear(5'000'000));
    CHECK(e.value() == 5'000'000);
    CHECK(e.hear(last));
    CHECK(e.value() == 5'000'000 + ring_epoch::stride);
    CHECK_FALSE(e.hear(last));
    (void)e.count();
    CHECK(e.hear(last));
    CHECK(e.value() == 5'000'000 + 2 * ring_epoch::stride);
}

TEST_CASE("the last epoch is kept for ever") {
    ring_epoch e;
    CHECK(e.hear(last));
    for (unsigned i = 0; i < 100; ++i) CHECK_FALSE(e.count());
    CHECK_FALSE(e.hear(last));
    CHECK(e.value() == last);
}

TEST_CASE("every accuser draws the same jury, without itself and the subject") {
    world w{60};
    short_id const subject = w.keys[9];
    std::set<short_id> all;
    for (std::size_t accuser : {0U, 1U, 2U, 3U, 4U}) {
        jury const j{w.table, w.keys[accuser], subject, 1'700'000'000'000'000};
        REQUIRE(j.size() == jury::most);
        for (std::size_t i = 0; i < j.size(); ++i) {
            CHECK(j[i] != subject);
            CHECK(j[i] != w.keys[accuser]);
            all.insert(j[i]);
        }
    }
    CHECK(all.size() <= jury::most + 5);
}

TEST_CASE("a refutation does not draw another jury, another subject does; the dead do not sit") {
    world w{60};
    jury const before{w.table, w.keys[0], w.keys[9], 0x600};
    jury const after{w.table, w.keys[0], w.keys[9], 0x601};
    jury const other{w.table, w.keys[0], w.keys[10], 0x600};
    std::size_t same = 0;
    for (std::size_t i = 0; i < jury::most; ++i) {
        CHECK(before[i] == after[i]);
        for (std::size_t k = 0; k < jury::most; ++k) same += before[i] == other[k] ? 1U : 0U;
    }
    CHECK(same < 9);
    w.table.set_state(w.slot_of(before[0]), member_state::dead, time_point{});
    jury const without{w.table, w.keys[0], w.keys[9], 0x600};
    CHECK(without[0] == before[1]);
}

TEST_CASE("a small cluster has a small jury") {
    world w{4};
    CHECK(jury{w.table, w.keys[0], w.keys[1], 1}.size() == 2);
    world two{2};
    CHECK(jury{two.table, two.keys[0], two.keys[1], 1}.size() == 0);
}
