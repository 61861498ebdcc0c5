// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a registry as a whole, without I/O.
#include <peerkit/registry/registry_logic.hpp>

#include "support/allocations.hpp"
#include "support/registrants.hpp"

#include <doctest/doctest.h>

#include <vector>

#if defined(__GLIBC__)
#    include <malloc.h>
#endif

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;
using tests::registrant;

namespace {

using logic_type = registry_logic<crypto::fake_identity, seeded_rng>;

registry_options root_options() {
    registry_options o;
    o.name = "root";
    o.token = "secret";
    return o;
}

struct stage {
    explicit stage(registry_options const& o = root_options(), std::uint64_t seed = 1)
        : logic{o, seeded_rng{seed}, at.now} {
        REQUIRE(logic.start({}, false, at, out));
    }

    moment at{time_point{} + 1h, 1'000'000};
    logic_type logic;
    registry_outbox out{};
    caller const somebody{.source = ip_address::v4(192, 0, 2, 1)};
    caller const east{.source = ip_address::v4(192, 0, 2, 2), .replica = "east"};

    result<submitted> add(registrant const& node, caller const& from) {
        registration asked = node.asks();
        asked.proof = node.prove(logic.challenge_for(node.id(), at.now));
        return logic.register_node(std::move(asked), from, at, out);
    }
    result<submitted> add(registrant const& node) { return add(node, somebody); }
    lease_id lease_of(registrant const& node) { return std::get<write_answer>(*add(node)).lease; }
};

} // namespace

TEST_CASE("a registration without proof is challenged, with the proof it is accepted, and a recording of it is not") {
    stage s;
    registration asked = registrant{1}.asks();
    CHECK(s.logic.register_node(registration{asked}, s.somebody, s.at, s.out).error() == registry_error::challenge);
    asked.proof = registrant{1}.prove(s.logic.challenge_for(registrant{1}.id(), s.at.now));
    CHECK(s.logic.register_node(registration{asked}, s.somebody, s.at, s.out));
    s.at.now += 60s;
    CHECK(s.logic.register_node(registration{asked}, s.somebody, s.at, s.out).error() == registry_error::challenge);
    CHECK(s.logic.counters().refusals(registry_error::challenge) == 2);
}

TEST_CASE("a forged announcement is refused, even with a proof") {
    stage s;
    registrant node{1};
    registration asked = node.asks();
    asked.record.back() ^= std::byte{1};
    asked.proof = node.prove(s.logic.challenge_for(node.id(), s.at.now));
    auto const answer = s.logic.register_node(std::move(asked), s.somebody, s.at, s.out);
    CHECK(answer.error() == registry_error::bad_record);
    CHECK(answer.error().field() == "signature");
    CHECK(s.logic.table().size() == 0);
}

TEST_CASE("an announcement for another network is refused") {
    stage s;
    registrant node{1};
    node.network.bytes[0] = std::byte{1};
    registration asked = node.asks();
    registrant const here{1};
    asked.proof = here.prove(s.logic.challenge_for(node.id(), s.at.now));
    CHECK(s.logic.register_node(std::move(asked), s.somebody, s.at, s.out).error() == registry_error::bad_record);
}

TEST_CASE("a replica's word replaces the proof, but not the signature of the announcement; nobody else names a lease") {
    stage s;
    registration asked = registrant{1}.asks();
    asked.lease = tests::lease_number(5);
    auto const answer = s.logic.register_node(registration{asked}, s.east, s.at, s.out);
    REQUIRE(answer);
    CHECK(std::get<write_answer>(*answer).lease == tests::lease_number(5));
    registration forged = registrant{2}.asks();
    forged.record.back() ^= std::byte{1};
    CHECK(s.logic.register_node(std::move(forged), s.east, s.at, s.out).error() == registry_error::bad_record);
    registration greedy = registrant{3}.asks();
    greedy.proof = registrant{3}.prove(s.logic.challenge_for(registrant{3}.id(), s.at.now));
    greedy.lease = tests::lease_number(5);
    auto const other = s.logic.register_node(std::move(greedy), s.somebody, s.at, s.out);
    REQUIRE(other);
    CHECK_FALSE(std::get<write_answer>(*other).lease == tests::lease_number(5));
}

TEST_CASE("leases of two nodes differ, and so do those of two registries") {
    stage s, t{root_options(), 2};
    auto const one = s.lease_of(registrant{1});
    CHECK(one);
    CHECK_FALSE(one == s.lease_of(registrant{2}));
    CHECK_FALSE(one == t.lease_of(registrant{1}));
}

TEST_CASE("the token is asked for as a whole, and no token is nobody's") {
    stage s;
    CHECK(s.logic.is_token("secret"));
    CHECK_FALSE(s.logic.is_token("secreT"));
    CHECK_FALSE(s.logic.is_token("secre"));
    CHECK_FALSE(s.logic.is_token(""));
    registry_options o = root_options();
    o.token.clear();
    stage open{o};
    CHECK_FALSE(open.logic.is_token(""));
}

TEST_CASE("100,000 registrations from one source cost it its budget and change next to nothing, others go on") {
    stage s;
    std::size_t accepted = 0, limited = 0;
    registration asked = registrant{1}.asks();
    for (int i = 0; i < 100'000; ++i) {
        auto const answer = s.logic.register_node(registration{asked}, s.somebody, s.at, s.out);
        REQUIRE_FALSE(answer);
        if (answer.error() == registry_error::rate_limited) {
            ++limited;
            CHECK(answer.error().position() >= 1);
        } else {
            ++accepted;
        }
    }
    CHECK(accepted == s.logic.options().writes.burst);
    CHECK(s.logic.counters().refusals(registry_error::rate_limited) == limited);
    CHECK(s.add(registrant{2}, caller{.source = ip_address::v4(192, 0, 2, 77)}));
    CHECK(s.add(registrant{3}, caller{.source = ip_address::v4(127, 0, 0, 1)}));
    s.at.now += 1s;
    CHECK(s.add(registrant{4}));
}

TEST_CASE("requests have a budget of their own, which loopback and replicas do not need") {
    stage s;
    std::size_t admitted = 0;
    for (int i = 0; i < 10'000; ++i) admitted += s.logic.admit(s.somebody, s.at.now) ? 1U : 0U;
    CHECK(admitted == s.logic.options().requests.burst);
    for (int i = 0; i < 10'000; ++i) {
        REQUIRE(s.logic.admit(s.east, s.at.now));
        REQUIRE(s.logic.admit(caller{.source = ip_address::v4(127, 0, 0, 1)}, s.at.now));
    }
}

TEST_CASE("loopback has the budgets of any source where that is wanted") {
    registry_options o = root_options();
    o.limit_loopback = true;
    o.rows_of_source = 2;
    stage s{o};
    caller const proxy{.source = ip_address::v4(127, 0, 0, 1)};
    for (std::uint64_t n = 0; n < 3; ++n) (void)s.add(registrant{n}, proxy);
    CHECK(s.logic.table().size() == 2);
    std::size_t admitted = 0;
    for (int i = 0; i < 10'000; ++i) admitted += s.logic.admit(proxy, s.at.now) ? 1U : 0U;
    CHECK(admitted == o.requests.burst);
}

TEST_CASE("a new registry stores its epoch, a restarted one keeps it, one from an old snapshot draws another") {
    stage s;
    REQUIRE(s.out.changes.size() == 2);
    REQUIRE(std::holds_alternative<table_reset>(s.out.changes[0]));
    auto const epoch = std::get<table_reset>(s.out.changes[0]).epoch;
    CHECK(epoch == s.logic.state().epoch);
    CHECK(epoch != 0);
    for (bool const from_snapshot : {false, true}) {
        logic_type later{root_options(), seeded_rng{9}, s.at.now};
        registry_outbox out;
        saved_state saved{.epoch = epoch, .version = 3};
        saved.rows.push_back(registrant{1}.row(3));
        REQUIRE(later.start(std::move(saved), from_snapshot, s.at, out));
        CHECK(later.state().version == 3);
        CHECK((later.state().epoch == epoch) == !from_snapshot);
        CHECK(out.changes.size() == (from_snapshot ? 1 : 0));
        CHECK(later.changes({epoch, 3, 3}, {}, s.at.now).has_value() == !from_snapshot);
    }
}

TEST_CASE("a state that does not fit together is refused, and nothing of it is served") {
    logic_type logic{root_options(), seeded_rng{1}, {}};
    registry_outbox out;
    saved_state saved{.epoch = 5, .version = 2};
    saved.rows = {registrant{1}.row(2), registrant{2}.row(2)}; // no two changes have one version
    CHECK(logic.start(std::move(saved), false, {}, out).error() == registry_error::malformed);
    CHECK(logic.table().size() == 0);
}

TEST_CASE("heartbeats of replicas take the token and a root") {
    stage s;
    std::vector<node_id> const ids{registrant{1}.id()};
    CHECK(s.logic.beats(ids, s.somebody, s.at, s.out).error() == registry_error::unauthorized);
    CHECK(s.logic.beats(ids, s.east, s.at, s.out));
    registry_options o = root_options();
    o.role = registry_role::secondary;
    stage second{o};
    CHECK(second.logic.beats(ids, second.east, second.at, second.out).error() == registry_error::not_root);
}

TEST_CASE("a registry is driven by nothing but its deadlines: who falls silent is offline and then gone") {
    stage s;
    (void)s.add(registrant{1});
    CHECK(s.logic.next_deadline() != never);
    std::size_t steps = 0;
    while (s.logic.table().size() != 0 && steps < 1'000) {
        s.at.now = std::max(s.at.now, s.logic.next_deadline());
        s.logic.poll(s.at, s.out);
        ++steps;
    }
    CHECK(s.at.now == time_point{} + 1h + 95s + 10min);
    CHECK(steps < 20);
    CHECK(s.logic.counters().offline == 1);
    CHECK(s.logic.counters().expired == 1);
}

TEST_CASE("a listing, a search and the changes show the same node") {
    stage s;
    (void)s.add(registrant{1});
    CHECK(s.logic.find(registrant{1}.id()) != nullptr);
    CHECK(s.logic.list({.role = "worker"}).rows.size() == 1);
    CHECK(s.logic.changes({}, s.somebody, s.at.now)->rows.size() == 1);
    CHECK(s.logic.changes({s.logic.state().epoch, 2, 2}, s.somebody, s.at.now).error() ==
          registry_error::snapshot_needed);
    CHECK_FALSE(s.logic.condition(s.at.now).stale);
    CHECK(s.logic.online() == 1);
}

TEST_CASE("what a registry asked to be stored is a state it starts with, at the version it was at") {
    stage s;
    (void)s.add(registrant{1});
    lease_id const lease = s.lease_of(registrant{2});
    REQUIRE(s.logic.deregister({registrant{2}.id(), lease}, s.somebody, s.at, s.out));
    saved_state saved;
    for (durable_change const& change : s.out.changes) {
        if (auto const* const reset = std::get_if<table_reset>(&change)) saved.epoch = reset->epoch;
        if (auto const* const put = std::get_if<row_put>(&change)) saved.rows.push_back(put->row);
        if (auto const* const gone = std::get_if<row_removed>(&change)) saved.removed.push_back(gone->gone);
    }
    std::erase_if(saved.rows, [](node_row const& row) { return row.id == registrant{2}.id(); });
    stage later;
    REQUIRE(later.logic.start(std::move(saved), false, later.at, later.out));
    CHECK(later.logic.state() == s.logic.state());
    CHECK(later.logic.find(registrant{1}.id()) != nullptr);
}

#if defined(__GLIBC__)
TEST_CASE("a registered node takes less than 1,024 bytes beyond its record, and removed ones no more in the end") {
    if (!tests::allocations::counted()) return; // a sanitizer's heap is another
    constexpr std::uint64_t nodes = 20'000;
    auto const held = [] {
        auto const info = mallinfo2();
        return static_cast<double>(info.uordblks + info.hblkhd);
    };
    stage s;
    (void)s.add(registrant{nodes}, caller{.source = ip_address::v4(203, 0, 113, 1)}); // what grows once has grown
    s.out = {};
    double const before = held();
    std::size_t records = 0;
    std::vector<std::pair<node_id, lease_id>> leases;
    for (std::uint64_t n = 0; n < nodes; ++n) {
        registration asked = registrant{n}.asks("a-domain-of-usual-length.example.test");
        asked.registry = "[2001:db8:1:2:3:4:5:6]:8000";
        asked.found_by = "registry+dns+mdns";
        asked.proof = registrant{n}.prove(s.logic.challenge_for(registrant{n}.id(), s.at.now));
        records += asked.record.size();
        // Each from a source of its own: that is remembered, too.
        caller const from{.source = ip_address::v4(10, static_cast<std::uint8_t>(n >> 16U),
                                                   static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n))};
        auto const answer = s.logic.register_node(std::move(asked), from, s.at, s.out);
        REQUIRE(answer);
        s.out = {};
        leases.emplace_back(registrant{n}.id(), std::get<write_answer>(*answer).lease);
    }
    double const of_leases = static_cast<double>(leases.capacity() * sizeof leases[0]);
    double const each = (held() - before - of_leases - static_cast<double>(records)) / static_cast<double>(nodes);
    INFO("bytes of a node beyond its record: ", each);
    CHECK(each > 300); // it was measured
    CHECK(each <= 1'024);
    for (auto const& [id, lease] : leases) {
        REQUIRE(s.logic.deregister({id, lease}, caller{.source = ip_address::v4(127, 0, 0, 1)}, s.at, s.out));
        s.out = {};
    }
    double const left = held() - before - of_leases;
    CHECK(left <= 500.0 * static_cast<double>(s.logic.options().table.max_removals)); // tombstones, at most so many
    s.at.now += 1h;
    s.logic.poll(s.at, s.out);
    s.out = {};
    CHECK(held() - before - of_leases < 100'000);
}
#endif
