// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::broadcast_queue: limits, order, packing, and its own check.
#include <peerkit/gossip/broadcast_queue.hpp>

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using gossip::broadcast_queue;

namespace {

struct queued {
    member_table table{600, 1};
    broadcast_queue queue;

    slot add(std::uint64_t seed) {
        slot const at =
            table.insert(wire::record_view::trusted(tests::puppet{seed}.record()), member_state::alive, time_point{});
        queue.push(table, at);
        return at;
    }
    /// What one packet with room for `room` rows takes.
    std::vector<slot> fill(unsigned limit, std::size_t room = 1000) {
        std::vector<slot> taken;
        queue.fill(table, limit, [&](slot at) {
            if (taken.size() == room) return false;
            taken.push_back(at);
            return true;
        });
        REQUIRE(queue.check_invariants(table) == 0);
        return taken;
    }
};

} // namespace

TEST_CASE("news is sent as often as the limit says and then forgotten") {
    for (unsigned limit : {1U, 3U, 6U, broadcast_queue::max_transmits}) {
        queued q;
        slot const at = q.add(1);
        for (unsigned i = 0; i < limit; ++i) REQUIRE(q.fill(limit) == std::vector<slot>{at});
        CHECK(q.fill(limit).empty());
        CHECK(q.queue.empty());
        CHECK_FALSE(bool{q.table[at].queued});
    }
}

TEST_CASE("a limit of zero sends nothing") {
    queued q;
    q.add(1);
    CHECK(q.fill(0).empty());
}

TEST_CASE("behaviour 32: newer news of a member takes the place of the older and is told anew") {
    queued q;
    slot const at = q.add(1);
    REQUIRE(q.fill(3).size() == 1);
    REQUIRE(q.fill(3).size() == 1);
    q.queue.push(q.table, at);
    CHECK(q.queue.size() == 1);
    for (int i = 0; i < 3; ++i) CHECK(q.fill(3) == std::vector<slot>{at});
    CHECK(q.queue.empty());
}

TEST_CASE("behaviour 33: what was told least goes first, and of those what is newest") {
    queued q;
    slot const a = q.add(1), b = q.add(2);
    REQUIRE(q.fill(9, 1) == std::vector<slot>{b});
    CHECK(q.fill(9, 1) == std::vector<slot>{a});
    slot const c = q.add(3);
    CHECK(q.fill(9, 1) == std::vector<slot>{c});
}

TEST_CASE("no row is offered twice for one packet") {
    queued q;
    for (std::uint64_t i = 1; i <= 10; ++i) q.add(i);
    auto const taken = q.fill(5);
    CHECK(taken.size() == 10);
    std::map<slot, int> times;
    for (slot const at : taken) ++times[at];
    for (auto const& [at, n] : times) CHECK(n == 1);
}

TEST_CASE("behaviour 33: news that does not fit waits uncounted while smaller news goes") {
    queued q;
    slot const large = q.add(1), small = q.add(2);
    q.queue.push(q.table, large); // in front
    std::vector<slot> taken;
    q.queue.fill(q.table, 1, [&](slot at) {
        if (at == large) return false;
        taken.push_back(at);
        return true;
    });
    CHECK(taken == std::vector<slot>{small});
    CHECK(bool{q.table[large].queued});
    CHECK(unsigned{q.table[large].transmits} == 0);
    CHECK(q.queue.has_fresh());
}

TEST_CASE("the work for one packet is bounded however much is queued") {
    queued q;
    for (std::uint64_t i = 1; i <= 500; ++i) q.add(i);
    int offered = 0;
    q.queue.fill(q.table, 4, [&](slot) {
        ++offered;
        return false;
    });
    CHECK(offered < 20);
    CHECK(q.fill(4).size() < 100);
    CHECK(q.queue.size() == 500);
}

TEST_CASE("when the limit sinks, what was told that often already is forgotten") {
    queued q;
    slot const old = q.add(1);
    for (int i = 0; i < 6; ++i) REQUIRE(q.fill(8).size() == 1);
    REQUIRE(unsigned{q.table[old].transmits} == 6);
    slot const fresh = q.add(2);
    CHECK(q.fill(4) == std::vector<slot>{fresh});
    CHECK(q.queue.size() == 1);
    CHECK_FALSE(bool{q.table[old].queued});
    for (int i = 0; i < 3; ++i) q.fill(4);
    CHECK(q.queue.empty());
}

TEST_CASE("any row can be taken out, at the head, in the middle and at the end") {
    for (std::size_t gone = 0; gone < 4; ++gone) {
        queued q;
        std::vector<slot> rows;
        for (std::uint64_t i = 1; i <= 4; ++i) rows.push_back(q.add(i));
        q.queue.remove(q.table, rows[gone]);
        CHECK(q.queue.size() == 3);
        REQUIRE(q.queue.check_invariants(q.table) == 0);
        q.queue.remove(q.table, rows[gone]); // a second time changes nothing
        CHECK(q.queue.size() == 3);
        CHECK(q.fill(1).size() == 3);
        CHECK(q.queue.empty());
        CHECK_FALSE(q.queue.has_fresh());
    }
}

TEST_CASE("the queue's own check notices broken links, sizes and lists") {
    queued q;
    slot const a = q.add(1), b = q.add(2);
    REQUIRE(q.queue.check_invariants(q.table) == 0);
    SUBCASE("a link") {
        q.table[a].queue_previous = a;
        CHECK(q.queue.check_invariants(q.table) == 21);
    }
    SUBCASE("a size") {
        q.table[b].queue_next = no_slot;
        CHECK(q.queue.check_invariants(q.table) == 22);
    }
    SUBCASE("a list") {
        q.table[b].transmits = 3;
        CHECK(q.queue.check_invariants(q.table) == 23);
    }
}
