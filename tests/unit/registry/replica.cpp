// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a registry that follows a root, step by step.
#include <peerkit/registry/replica.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;
using tests::registrant;

namespace {

registry_options replica_options() {
    registry_options o;
    o.role = registry_role::secondary;
    o.name = "east";
    return o;
}

/// A replica with its table, and a root's table that it may follow.
struct stage {
    explicit stage(registry_options const& o = replica_options()) : options{o} {
        for (std::uint64_t n = 1; n <= 3; ++n) (void)root.put(registrant{n}.row());
    }

    registry_options options;
    moment at{time_point{} + 1h, 5'000};
    node_table root{{}, 42}, table{{}, 0};
    replica east{options, at.now};
    registry_outbox out{};
    seeded_rng rng{1};
    registry_counters count{};
    bool verifies = true;

    template <typename T>
    std::optional<T> request() {
        out.clear();
        east.poll(table, at, out);
        for (auto const& r : out.requests) {
            if (auto const* found = std::get_if<T>(&r)) return *found;
        }
        return std::nullopt;
    }
    result<void> page(fetch_changes const& asked, result<change_page> answer) {
        return east.on_page(asked.number, std::move(answer), table, at, out, rng, count,
                            [this](node_row const&) { return verifies; });
    }
    result<void> serve(fetch_changes const& asked, std::size_t rows = 1'000) {
        auto const view = root.read(asked.cursor, rows, 1U << 20U);
        if (!view) return page(asked, fail(view.error()));
        return page(asked, view->to_page());
    }
    /// Fetches until it is where the root is. The next long poll is not begun.
    void catch_up() {
        for (int i = 0; i < 100 && (table.hash() != root.hash() || table.epoch() != root.epoch()); ++i) {
            auto const asked = request<fetch_changes>();
            REQUIRE(asked);
            (void)serve(*asked);
        }
        CHECK(table.hash() == root.hash());
    }
    result<submitted> add(registrant const& node) {
        return east.register_node(node.asks(), table, at, out, rng, count);
    }
    result<void> forwarded(std::uint64_t number, result<write_answer> const& answer) {
        return east.on_forwarded(number, answer, table, at, out, rng, count);
    }
};

write_answer taken(registrant const& node, lease_id lease, std::uint64_t version) {
    return {write_answer::kind::registered, false, node.id(), lease, version, 30s};
}

} // namespace

TEST_CASE("a new replica fetches everything at once, then waits for changes with a long poll") {
    stage s;
    auto const first = s.request<fetch_changes>();
    REQUIRE(first);
    CHECK(first->everything);
    CHECK(first->cursor == change_cursor{});
    CHECK(first->wait == 0s);
    CHECK(first->timeout == 10s);
    CHECK_FALSE(s.request<fetch_changes>()); // one at a time
    CHECK_FALSE(s.east.contact().there());
    REQUIRE(s.serve(*first));
    CHECK(s.east.contact().there());
    CHECK(s.table.version() == 3);
    CHECK(s.count.snapshots == 1);
    auto const next = s.request<fetch_changes>();
    REQUIRE(next);
    CHECK_FALSE(next->everything);
    CHECK(next->cursor == change_cursor{42, 3, 3});
    CHECK(next->wait == 55s);
    CHECK(next->timeout == 65s);
}

TEST_CASE("everything arrives page by page and is taken over when it is whole") {
    stage s;
    for (int pages = 0; pages < 2; ++pages) {
        auto const asked = s.request<fetch_changes>();
        REQUIRE(asked);
        REQUIRE(s.serve(*asked, 1));
        CHECK(s.table.size() == 0);
    }
    auto const last = s.request<fetch_changes>();
    REQUIRE(last);
    CHECK(last->cursor == change_cursor{42, 2, 3});
    s.out.clear();
    REQUIRE(s.serve(*last, 1));
    CHECK(s.table.size() == 3);
    REQUIRE(s.out.changes.size() == 5);
    CHECK(std::holds_alternative<table_reset>(s.out.changes.front()));
    CHECK(std::get<table_at>(s.out.changes.back()).version == 3);
}

TEST_CASE("what was removed before everything was fetched is not known here, and nobody is told otherwise") {
    stage s;
    (void)s.root.remove(registrant{1}.id(), s.at);
    s.catch_up();
    CHECK(s.table.floor() == 4);
    CHECK(s.table.read({42, 3, 3}, 1'000, 1'000).error() == registry_error::snapshot_needed);
    CHECK(s.table.read({42, 4, 4}, 1'000, 1'000));
}

TEST_CASE("changes are taken over with what is to be stored of them") {
    stage s;
    s.catch_up();
    auto const asked = s.request<fetch_changes>();
    (void)s.root.put(registrant{4}.row());
    (void)s.root.remove(registrant{1}.id(), s.at);
    s.out.clear();
    REQUIRE(s.serve(*asked));
    CHECK(s.table.hash() == s.root.hash());
    REQUIRE(s.out.changes.size() == 3);
    CHECK(std::get<row_removed>(s.out.changes[0]).gone.id == registrant{1}.id());
    CHECK(std::get<row_put>(s.out.changes[1]).row.id == registrant{4}.id());
    CHECK(std::get<table_at>(s.out.changes[2]).version == 5);
}

TEST_CASE("without long polls changes are fetched every 60 seconds") {
    registry_options o = replica_options();
    o.long_poll = 0s;
    stage s{o};
    s.catch_up();
    CHECK_FALSE(s.request<fetch_changes>());
    s.at.now += 59s;
    CHECK_FALSE(s.request<fetch_changes>());
    s.at.now += 1s;
    auto const asked = s.request<fetch_changes>();
    REQUIRE(asked);
    CHECK(asked->wait == 0s);
}

TEST_CASE("a root that answers long polls at once with nothing is asked less and less often, up to every 60 seconds") {
    stage s;
    s.catch_up();
    std::vector<duration> pauses;
    for (time_point last = s.at.now; pauses.size() < 9; last = s.at.now) {
        auto asked = s.request<fetch_changes>();
        for (; !asked; asked = s.request<fetch_changes>()) s.at.now += 500ms;
        pauses.push_back(s.at.now - last);
        REQUIRE(s.serve(*asked));
    }
    CHECK(pauses == std::vector<duration>{0s, 1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s});
    (void)s.root.put(registrant{4}.row());
    s.at.now += 60s;
    REQUIRE(s.serve(*s.request<fetch_changes>()));
    CHECK(s.request<fetch_changes>()); // something came: at once again
}

TEST_CASE("a root that has no room for a long poll is there, and is asked again after 60 seconds") {
    stage s;
    auto const refuse = [&](fetch_changes const& asked) {
        return s.east.on_page(asked.number, fail(registry_error::busy, 2, "wait"), s.table, s.at, s.out, s.rng, s.count,
                              [](node_row const&) { return true; });
    };
    CHECK_FALSE(refuse(*s.request<fetch_changes>())); // that was no long poll
    CHECK_FALSE(s.east.contact().there());
    s.at.now += 2s;
    s.catch_up();
    auto const asked = s.request<fetch_changes>();
    REQUIRE(asked);
    CHECK(asked->wait == 55s);
    CHECK(refuse(*asked));
    CHECK(s.east.contact().there());
    s.at.now += 59s;
    CHECK_FALSE(s.request<fetch_changes>());
    s.at.now += 1s;
    CHECK(s.request<fetch_changes>());
}

TEST_CASE("where the epoch is another everything is fetched anew, and the old rows are served until it is there") {
    stage s;
    s.catch_up();
    auto const asked = s.request<fetch_changes>();
    s.root.begin_epoch(43);
    (void)s.root.remove(registrant{2}.id(), s.at);
    REQUIRE(s.serve(*asked));
    CHECK(s.table.size() == 3);
    CHECK(s.table.epoch() == 42);
    auto const all = s.request<fetch_changes>();
    REQUIRE(all);
    CHECK(all->everything);
    REQUIRE(s.serve(*all));
    CHECK(s.table.epoch() == 43);
    CHECK(s.table.hash() == s.root.hash());
    CHECK(s.count.snapshots == 2);
}

TEST_CASE("a root whose version went back, or who tells another history, is fetched anew") {
    for (bool const further : {false, true}) {
        CAPTURE(further);
        stage s;
        s.catch_up();
        auto const asked = s.request<fetch_changes>();
        s.root = node_table{{}, 42}; // an old copy of its database, and what came after that
        for (std::uint64_t n = 7; n <= (further ? 12U : 8U); ++n) (void)s.root.put(registrant{n}.row());
        (void)s.serve(*asked);
        CHECK(s.count.divergences == (further ? 1U : 0U));
        s.catch_up();
        CHECK(s.table.find(registrant{1}.id()) == nullptr);
        CHECK(s.table.check_invariants() == table_fault::none);
    }
}

TEST_CASE("a page with an announcement that is not signed for this network changes nothing") {
    stage s;
    s.verifies = false;
    auto const asked = s.request<fetch_changes>();
    CHECK(s.serve(*asked).error() == registry_error::bad_record);
    CHECK(s.table.size() == 0);
    CHECK_FALSE(s.east.contact().there());
    CHECK(s.count.root_failures == 1);
}

TEST_CASE(
    "the root is tried again after 1 to 60 seconds while it does not answer, and answers nobody asked for are none") {
    stage s;
    std::vector<duration> pauses;
    for (int i = 0; i < 8; ++i) {
        auto const asked = s.request<fetch_changes>();
        REQUIRE(asked);
        CHECK(s.page({asked->number + 1}, change_page{}).error() == registry_error::unexpected_answer);
        (void)s.page(*asked, fail(registry_error::root_unavailable));
        CHECK_FALSE(s.request<fetch_changes>());
        pauses.push_back(s.east.next_deadline() - s.at.now);
        s.at.now = s.east.next_deadline();
    }
    CHECK(pauses[0] <= 1200ms);
    CHECK(pauses[3] >= 6400ms);
    CHECK(pauses[7] >= 48s);
    CHECK(pauses[7] <= 72s);
}

TEST_CASE("with the root there a write waits for its answer, and the row is seen at once") {
    stage s;
    s.catch_up();
    auto const answer = s.add(registrant{9});
    REQUIRE(answer);
    REQUIRE(std::holds_alternative<write_ticket>(*answer));
    CHECK(s.east.pending().find_row(registrant{9}.id(), s.table) != nullptr);
    auto const forward = s.request<forward_write>();
    REQUIRE(forward);
    CHECK(forward->write.id() == registrant{9}.id());
    s.out.clear();
    REQUIRE(s.forwarded(forward->write.number, taken(registrant{9}, forward->write.lease(), 4)));
    REQUIRE(s.out.answers.size() == 1);
    CHECK(s.out.answers[0].ticket == std::get<write_ticket>(*answer));
    CHECK(s.out.answers[0].answer->version == 4);
    CHECK_FALSE(s.out.answers[0].answer->queued);
    CHECK(std::holds_alternative<write_done>(s.out.changes.at(0)));
    CHECK(s.east.queue().empty());
}

TEST_CASE("a root that takes its time is not waited for longer than three seconds") {
    stage s;
    s.catch_up();
    auto const answer = s.add(registrant{9});
    REQUIRE(answer);
    REQUIRE(s.request<forward_write>());
    CHECK(s.out.answers.empty());
    s.at.now += 3s;
    CHECK_FALSE(s.request<forward_write>());
    REQUIRE(s.out.answers.size() == 1);
    CHECK(s.out.answers[0].answer->queued);
    CHECK(s.out.answers[0].answer->lease);
    CHECK(s.east.queue().size() == 1);
}

TEST_CASE("while the root is away writes are queued at once, up to the cap, then refused with a time to wait") {
    registry_options o = replica_options();
    o.queue_limit = 2;
    stage s{o};
    auto const answer = s.add(registrant{9});
    REQUIRE(answer);
    CHECK(std::get<write_answer>(*answer).queued);
    REQUIRE(s.out.changes.size() == 1);
    CHECK(std::holds_alternative<write_queued>(s.out.changes[0]));
    CHECK(s.add(registrant{10}));
    auto const refused = s.add(registrant{11});
    CHECK(refused.error() == registry_error::queue_full);
    CHECK(refused.error().position() >= 1);
    CHECK(refused.error().position() <= 60);
    // The same again needs no place.
    auto const again = s.add(registrant{9});
    REQUIRE(again);
    CHECK(std::get<write_answer>(*again).lease == std::get<write_answer>(*answer).lease);
    CHECK(s.east.queue().size() == 2);
}

TEST_CASE("a queue is replayed in order, one write at a time, and what the root refuses is dropped and not served") {
    stage s;
    (void)s.add(registrant{9});
    (void)s.add(registrant{10});
    (void)s.add(registrant{11});
    s.catch_up();
    std::vector<node_id> order;
    for (std::uint64_t version = 4; auto const forward = s.request<forward_write>();) {
        CHECK_FALSE(s.request<forward_write>());
        order.push_back(forward->write.id());
        if (order.size() == 2) {
            REQUIRE(s.forwarded(forward->write.number, fail(registry_error::name_taken)));
        } else {
            REQUIRE(s.forwarded(forward->write.number, taken(registrant{9}, forward->write.lease(), version++)));
        }
    }
    CHECK(order == std::vector<node_id>{registrant{9}.id(), registrant{10}.id(), registrant{11}.id()});
    CHECK(s.count.replayed == 2);
    CHECK(s.count.replay_refused == 1);
    CHECK(s.east.pending().find_row(registrant{10}.id(), s.table) == nullptr);
    CHECK(s.east.pending().find_row(registrant{11}.id(), s.table) != nullptr);
    CHECK(s.east.beat({registrant{10}.id(), tests::lease_number(1)}, s.table, s.count).error() ==
          registry_error::unknown_node);
}

TEST_CASE("a write the root could not take now stays first in the queue") {
    for (auto const why : {registry_error::root_unavailable, registry_error::timed_out, registry_error::busy,
                           registry_error::rate_limited, registry_error::unauthorized}) {
        CAPTURE(code_of(why));
        stage s;
        (void)s.add(registrant{9});
        s.catch_up();
        auto const first = s.request<forward_write>();
        REQUIRE(first);
        (void)s.forwarded(first->write.number, fail(why, has_wait(why) ? 7 : 0));
        CHECK_FALSE(s.request<forward_write>());
        CHECK(s.east.queue().size() == 1);
        CHECK(s.east.contact().there() == has_wait(why));
        if (has_wait(why)) {
            s.at.now += 7s;
            CHECK(s.request<forward_write>()->write.number == first->write.number);
        }
    }
}

TEST_CASE("a registration the root has no room for is answered so, and does not hold up those behind it") {
    stage s;
    s.catch_up();
    auto const ticket = s.add(registrant{9});
    REQUIRE(ticket);
    (void)s.add(registrant{10});
    auto const first = s.request<forward_write>();
    REQUIRE(first);
    s.out.clear();
    REQUIRE(s.forwarded(first->write.number, fail(registry_error::table_full, 60)));
    REQUIRE(s.out.answers.size() == 1);
    CHECK(s.out.answers[0].ticket == std::get<write_ticket>(*ticket));
    CHECK(s.out.answers[0].answer.error() == registry_error::table_full);
    CHECK(s.count.replay_refused == 1);
    CHECK(s.east.contact().there());
    CHECK(s.east.pending().find_row(registrant{9}.id(), s.table) == nullptr);
    auto const next = s.request<forward_write>();
    REQUIRE(next);
    CHECK(next->write.id() == registrant{10}.id());
}

TEST_CASE("a deregistration behind a queued registration gets the lease the root gave") {
    stage s;
    auto const answer = s.add(registrant{9});
    lease_id const mine = std::get<write_answer>(*answer).lease;
    REQUIRE(s.east.deregister({registrant{9}.id(), mine}, s.table, s.at, s.out, s.count));
    CHECK(s.east.pending().find_row(registrant{9}.id(), s.table) == nullptr);
    s.catch_up();
    auto const first = s.request<forward_write>();
    s.out.clear();
    REQUIRE(s.forwarded(first->write.number, taken(registrant{9}, tests::lease_number(5), 4)));
    CHECK(s.out.changes.size() == 2); // done, and the other one written down again
    CHECK(s.request<forward_write>()->write.lease() == tests::lease_number(5));
}

TEST_CASE("an announcement that is known keeps its lease, an older or another one is refused here already") {
    stage s;
    s.catch_up();
    (void)s.add(registrant{1});
    CHECK(s.request<forward_write>()->write.lease() == s.table.find(registrant{1}.id())->lease);
    CHECK(s.add(registrant{2}.named("other")).error() == registry_error::conflicting_record);
    (void)s.add(registrant{3}.at_incarnation(5));
    CHECK(s.add(registrant{3}.at_incarnation(4)).error() == registry_error::stale_record);
}

TEST_CASE("while the root is away a name that is known to be another's is refused, else the root decides") {
    stage s;
    s.catch_up();
    CHECK(s.add(registrant{9}.named("node1")));
    auto const forward = s.request<forward_write>();
    (void)s.forwarded(forward->write.number, fail(registry_error::root_unavailable));
    CHECK(s.add(registrant{10}.named("node2")).error() == registry_error::name_taken);
    CHECK(s.add(registrant{11}.named("node1")).error() == registry_error::name_taken);
}

TEST_CASE("heartbeats are checked here, handed on together, and remembered while the root is away") {
    stage s;
    s.catch_up();
    REQUIRE(s.request<fetch_changes>());
    auto const empty = std::get_if<forward_beats>(&s.out.requests.back());
    REQUIRE(empty != nullptr); // a sign of life
    CHECK(empty->nodes.empty());
    REQUIRE(s.east.on_beats_forwarded(empty->number, {}, s.at, s.rng, s.count));
    lease_id const lease = s.table.find(registrant{1}.id())->lease;
    CHECK(s.east.beat({registrant{1}.id(), tests::lease_number(9)}, s.table, s.count).error() ==
          registry_error::unknown_node);
    REQUIRE(s.east.beat({registrant{1}.id(), lease}, s.table, s.count));
    REQUIRE(s.east.beat({registrant{1}.id(), lease}, s.table, s.count));
    CHECK_FALSE(s.request<forward_beats>());
    s.at.now += 5s;
    auto const asked = s.request<forward_beats>();
    REQUIRE(asked);
    CHECK(asked->nodes == std::vector<node_id>{registrant{1}.id()});
    (void)s.east.on_beats_forwarded(asked->number, fail(registry_error::root_unavailable), s.at, s.rng, s.count);
    CHECK_FALSE(s.east.contact().there());
    auto const meanwhile = s.east.beat({registrant{2}.id(), lease}, s.table, s.count);
    REQUIRE(meanwhile);
    CHECK(meanwhile->queued);
    // The long poll is still out: heartbeats are what finds the root again.
    s.at.now = s.east.next_deadline();
    auto const again = s.request<forward_beats>();
    REQUIRE(again);
    CHECK(again->nodes.size() == 2);
    REQUIRE(s.east.on_beats_forwarded(again->number, {}, s.at, s.rng, s.count));
    CHECK(s.east.contact().there());
}

TEST_CASE("more heartbeats than one request may carry are handed on in several") {
    stage s;
    for (std::uint64_t n = 4; n <= max_heartbeats + 5; ++n) (void)s.root.put(registrant{n}.row());
    s.catch_up();
    REQUIRE(s.request<fetch_changes>());
    auto const life = std::get_if<forward_beats>(&s.out.requests.back());
    REQUIRE(life != nullptr);
    REQUIRE(s.east.on_beats_forwarded(life->number, {}, s.at, s.rng, s.count));
    s.table.for_each([&](node_row const& row) { CHECK(s.east.beat({row.id, row.lease}, s.table, s.count)); });
    s.at.now += 5s;
    auto const first = s.request<forward_beats>();
    REQUIRE(first);
    CHECK(first->nodes.size() == max_heartbeats);
    REQUIRE(s.east.on_beats_forwarded(first->number, {}, s.at, s.rng, s.count));
    auto const rest = s.request<forward_beats>(); // at once
    REQUIRE(rest);
    CHECK(rest->nodes.size() == 5);
}

TEST_CASE("heartbeats that the root refuses for good are dropped and counted, not handed on for ever") {
    for (auto const why : {registry_error::malformed, registry_error::too_large, registry_error::unauthorized,
                           registry_error::busy, registry_error::not_root}) {
        CAPTURE(code_of(why));
        bool const for_good = why == registry_error::malformed || why == registry_error::too_large;
        stage s;
        s.catch_up();
        lease_id const lease = s.table.find(registrant{1}.id())->lease;
        REQUIRE(s.east.beat({registrant{1}.id(), lease}, s.table, s.count));
        auto const asked = s.request<forward_beats>();
        REQUIRE(asked);
        CHECK_FALSE(s.east.on_beats_forwarded(asked->number, fail(why, 1), s.at, s.rng, s.count));
        CHECK(s.count.beats_refused == (for_good ? 1 : 0));
        CHECK(s.east.contact().there() == for_good);
        s.at.now += 5s;
        auto const again = s.request<forward_beats>();
        REQUIRE(again);
        CHECK(again->nodes.size() == (for_good ? 0 : 1));
    }
}

TEST_CASE("a queue survives a restart, in order, with what readers see of it") {
    stage s;
    auto const first = s.add(registrant{9});
    (void)s.add(registrant{10});
    std::vector<write_queued> stored;
    for (auto const& change : s.out.changes) stored.push_back(std::get<write_queued>(change));
    stored.push_back({stored.back().number + 1, {std::byte{77}}});
    stage later;
    CHECK(later.east.restore(stored, later.table, later.at) == 1);
    CHECK(later.east.queue().size() == 2);
    REQUIRE(later.east.beat({registrant{9}.id(), std::get<write_answer>(*first).lease}, later.table, later.count));
    later.catch_up();
    CHECK(later.request<forward_write>()->write.id() == registrant{9}.id());
}
