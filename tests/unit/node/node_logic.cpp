// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::node_logic: when it looks for peers, whom it calls, what isolation changes.
#include <peerkit/node/node_logic.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <support/stage.hpp>

using namespace peerkit;
using namespace tests;
using discovery::candidate;

namespace {

using logic = node::node_logic<fake_policies<>>;

logic::options node_options(gossip::tunables const& t, node::discovery_schedule const& d = {}) {
    logic::options o;
    o.tunables = t;
    o.discovery = d;
    return o;
}

candidate candidate_at(ip_endpoint const& where) {
    candidate c;
    c.addresses = {where};
    c.source = discovery::provenance::static_list;
    return c;
}

/// A node of its own, started.
struct node_stage : basic_stage<logic> {
    explicit node_stage(gossip::tunables const& t = quiet(), node::discovery_schedule const& d = {})
        : basic_stage<logic>{node_options(t, d)} {
        REQUIRE(start());
    }
    void answer(std::vector<candidate> const& found) {
        call([&](auto& n, auto now, auto& out) {
            n.on_candidates(found, now, out);
            return 0;
        });
    }
    void fail_discovery() {
        call([&](auto& n, auto now, auto& out) {
            n.on_discovery_failed(error{core_error::bad_address, 1, "strategy"}, now, out);
            return 0;
        });
    }
    void contact(ip_endpoint const& where) {
        call([&](auto& n, auto now, auto& out) {
            n.contact(where, now, out);
            return 0;
        });
    }
    /// `p` calls and exchanges state: this node has joined.
    void join_with(puppet& p) {
        auto const id = accept(p.where);
        REQUIRE(id.has_value());
        puppet_stream stream{p, puppet_stream::side::dialer};
        frame(*id, stream.frame([&](auto& packet) {
            packet.exchange_begin(0);
            packet.announce(p.record());
            packet.exchange_end(1);
        }));
        REQUIRE((*this)->engine().joined());
    }
    /// Endpoints greeted since `forget`.
    [[nodiscard]] std::set<ip_endpoint> greeted() const {
        std::set<ip_endpoint> all;
        for (auto const& d : sent) {
            if (d.find(message_type::hello) != nullptr) all.insert(d.to);
        }
        return all;
    }
    /// Endpoints dialled or greeted since `forget`.
    [[nodiscard]] std::set<ip_endpoint> called() const {
        std::set<ip_endpoint> all = greeted();
        for (dialled const& d : dials) all.insert(d.to);
        return all;
    }
};

} // namespace

TEST_CASE("discovery begins with the start and is told") {
    node_stage s;
    CHECK(s.discoveries == 1);
    REQUIRE(s.count(event_kind::discovery_started) == 1);
    CHECK(s.last(event_kind::discovery_started)->why == cause::alone);
    CHECK(s->running());
    CHECK(s->alive_count() == 1);
    CHECK(s->size() == 1);
}

TEST_CASE("a node that cannot start asks for nothing") {
    auto o = node_options(quiet());
    o.tunables.fan_out = 0;
    basic_stage<logic> s{o};
    auto const started = s.call([](auto& n, auto now, auto& out) { return n.start(now, out); });
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error() == gossip_error::bad_tunables);
    CHECK(s.discoveries == 0);
    CHECK(s->next_deadline() == never);
}

TEST_CASE("while alone discovery is repeated with back-off, found or failed, for ever") {
    for (bool const fails : {false, true}) {
        node_stage s;
        std::vector<time_point> runs;
        for (int i = 0; i < 30; ++i) {
            runs.push_back(s.now());
            std::size_t const before = s.discoveries;
            if (fails)
                s.fail_discovery();
            else
                s.answer({});
            while (s.discoveries == before) REQUIRE(s.advance(100ms));
        }
        duration expected = 1s;
        for (std::size_t i = 1; i < runs.size(); ++i) {
            duration const wait = runs[i] - runs[i - 1];
            CHECK(wait >= expected * 4 / 5 - 100ms);
            CHECK(wait <= expected * 6 / 5 + 100ms);
            expected = std::min<duration>(expected * 2, 15s);
        }
        CHECK(s.count(fails ? event_kind::discovery_failed : event_kind::discovery_found) == 30);
        if (fails) CHECK(*s.last(event_kind::discovery_failed)->what == core_error::bad_address);
    }
}

TEST_CASE("in company discovery goes on at its slow pace") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    s.answer({});
    s.forget();
    time_point const start = s.now();
    for (int i = 0; i < 10; ++i) {
        std::size_t const before = s.discoveries;
        while (s.discoveries == before) REQUIRE(s.advance(1s));
        s.answer({});
    }
    CHECK(s.now() - start >= 10 * 48s);
    CHECK(s.now() - start <= 10 * 73s);
    CHECK(s.last(event_kind::discovery_started)->why == cause::scheduled);
}

TEST_CASE("no second run begins while one is under way") {
    node_stage s;
    s.advance(1h);
    CHECK(s.discoveries == 1);
}

TEST_CASE("candidates found while alone are joined at once, a few by stream, the rest by greeting") {
    node_stage s;
    std::vector<candidate> found;
    for (std::uint64_t i = 1; i <= 10; ++i) found.push_back(candidate_at(address_of(i)));
    s.forget();
    s.answer(found);
    CHECK(s.called().size() == 10);
    CHECK(s.dials.size() == 3);
    CHECK(s.sent_count(message_type::hello) == 7);
    CHECK(s.last(event_kind::discovery_found)->count == 10);
    CHECK(s->candidate_count() == 10);
    // Again and again until somebody answers.
    for (int i = 0; i < 5; ++i) {
        s.forget();
        s.advance(6s);
        CHECK(s.called().size() >= 10);
    }
}

TEST_CASE("this node itself and addresses that cannot be called are no candidates") {
    node_stage s;
    candidate self = candidate_at(node_stage::own_address());
    candidate by_id = candidate_at(address_of(5));
    by_id.id = s->id();
    candidate half = candidate_at({ip_address::v4(0, 0, 0, 0), 9000});
    static_cast<void>(half.addresses.push_back({ip_address::v4(224, 0, 0, 1), 9000}));
    static_cast<void>(half.addresses.push_back({ip_address::v4(255, 255, 255, 255), 9000}));
    static_cast<void>(half.addresses.push_back({ip_address::v4(10, 0, 0, 9), 0}));
    candidate mixed = half;
    static_cast<void>(mixed.addresses.push_back(address_of(7)));
    s.forget();
    s.answer({self, by_id, half, mixed});
    CHECK(s->candidate_count() == 1);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(7)});
    CHECK(s.last(event_kind::discovery_found)->count == 1);
}

TEST_CASE("the addresses of a candidate are tried in turn") {
    node_stage s;
    candidate c = candidate_at(address_of(1));
    static_cast<void>(c.addresses.push_back(address_of(2)));
    static_cast<void>(c.addresses.push_back(address_of(3)));
    s.forget();
    s.answer({c});
    s.advance(20s);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(1), address_of(2), address_of(3)});
}

TEST_CASE("in company candidates that are no members are called a few at a time, members are not") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    std::vector<candidate> found{candidate_at(p.where)};
    for (std::uint64_t i = 2; i <= 21; ++i) found.push_back(candidate_at(address_of(i)));
    s.forget();
    s.answer(found);
    CHECK(s.called().size() == 3);
    CHECK(s.dials.empty());
    s.advance(5min);
    CHECK(s.greeted().size() == 20);
    CHECK(s.greeted().count(p.where) == 0);
    CHECK(s.sent_count(message_type::hello) <= 3 * 76);
}

TEST_CASE("a greeted node that answers is joined") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    puppet& q = s.add(2);
    s.forget();
    s.answer({candidate_at(q.where)});
    REQUIRE(s.sent_count(message_type::hello) == 1);
    std::uint64_t nonce = 0;
    for (auto const& d : s.sent_to(q)) {
        if (auto const* m = d.find(message_type::hello)) nonce = m->nonce;
    }
    s.deliver(q, [&](auto& packet) { packet.ack(nonce, 1); });
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == q.where);
}

TEST_CASE("a failed run keeps what was found before, a new answer takes its place, the host's own stay") {
    node_stage s;
    s.contact(address_of(50));
    s.answer({candidate_at(address_of(1)), candidate_at(address_of(2))});
    CHECK(s->candidate_count() == 3);
    s.fail_discovery();
    CHECK(s->candidate_count() == 3);
    s.answer({candidate_at(address_of(3))});
    CHECK(s->candidate_count() == 2);
    s.forget();
    s.advance(12s);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(3), address_of(50)});
}

TEST_CASE("a candidate of the host is called at once, kept once, and never if it is this node") {
    node_stage s;
    s.forget();
    s.contact(address_of(5));
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == address_of(5));
    s.contact(address_of(5));
    CHECK(s->candidate_count() == 1);
    s.forget();
    s.contact(node_stage::own_address());
    CHECK(s.dials.empty());
    CHECK(s->candidate_count() == 1);
    s.advance(12s);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(5)});
}

TEST_CASE("with no stream left a candidate of the host is greeted instead") {
    auto t = quiet();
    t.max_streams = 4;
    node_stage s{t};
    for (std::uint64_t i = 1; i <= 4; ++i) s.contact(address_of(i));
    s.forget();
    s.contact(address_of(5));
    CHECK(s.dials.empty());
    CHECK(s.called() == std::set<ip_endpoint>{address_of(5)});
}

TEST_CASE("candidates are capped, from strategies and from the host, and those dropped are counted") {
    node::discovery_schedule d;
    d.max_candidates = 5;
    node_stage s{quiet(), d};
    std::vector<candidate> found;
    for (std::uint64_t i = 1; i <= 50; ++i) found.push_back(candidate_at(address_of(i)));
    s.answer(found);
    CHECK(s->candidate_count() == 5);
    CHECK(s->candidates_dropped() == 45);
    s.contact(address_of(200));
    CHECK(s->candidate_count() == 5);
    CHECK(s->candidates_dropped() == 46);
    CHECK(s->check_invariants() == 0);
    CHECK(s.fault == "");
}

TEST_CASE("isolation brings discovery forward and calls the candidates at once") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    s.answer({candidate_at(p.where), candidate_at(address_of(9))});
    s.advance(10s);
    s.forget();
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(2, true)); });
    REQUIRE(s.count(event_kind::isolated) == 1);
    CHECK(s.discoveries == 1);
    CHECK(s.last(event_kind::discovery_started)->why == cause::alone);
    CHECK_FALSE(s->engine().joined());
    s.forget();
    s.advance(1ms);
    CHECK(s.called() == std::set<ip_endpoint>{p.where, address_of(9)});
    // And back to the slow pace with company.
    p.incarnation = 3;
    s.join_with(p);
    s.answer({});
    s.forget();
    s.advance(45s);
    CHECK(s.discoveries == 0);
    CHECK(s.fault == "");
}

TEST_CASE("a leaving node looks for nobody") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    s.answer({candidate_at(address_of(9))});
    s.call([](auto& n, auto now, auto& out) {
        n.leave(now, out);
        return 0;
    });
    s.forget();
    s.contact(address_of(10));
    s.answer({candidate_at(address_of(11))});
    s.advance(1h);
    CHECK(s.called().empty());
    CHECK(s.discoveries == 0);
    CHECK(s.count(event_kind::self_left) == 1);
    CHECK_FALSE(s->running());
    CHECK(s->next_deadline() == never);
}

TEST_CASE("an update goes to the engine, with its errors") {
    node_stage s;
    description d = description_of(node_stage::own_seed);
    d.version = "5";
    CHECK(s.call([&](auto& n, auto now, auto& out) { return n.update(d, now, out); }).has_value());
    CHECK(s->incarnation() == 2);
    CHECK(s->find(s->id())->record().version() == "5");
    d.name = "";
    auto const refused = s.call([&](auto& n, auto now, auto& out) { return n.update(d, now, out); });
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == core_error::empty);
    CHECK(s->incarnation() == 2);
}
