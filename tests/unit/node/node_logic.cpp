// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::node_logic: when it looks for peers, whom it calls, what isolation changes, whom it learns of.
#include <peerkit/node/node_logic.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <support/stage.hpp>

using namespace peerkit;
using namespace tests;
using discovery::candidate;
using discovery::provenance;
using node::call_result;
using node::drop_reason;
using node::known_candidate;

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
        : node_stage{node_options(t, d)} {}
    explicit node_stage(logic::options const& o) : basic_stage<logic>{o} { REQUIRE(start()); }
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
    void hint() {
        call([&](auto& n, auto now, auto& out) {
            n.on_discovery_hint(now, out);
            return 0;
        });
    }
    void host_name(ip_address const& of, result<std::string_view> name) {
        call([&](auto& n, auto now, auto& out) {
            n.on_host_name(of, name, now, out);
            return 0;
        });
    }
    [[nodiscard]] known_candidate const* known(ip_endpoint const& where) { return (*this)->candidates().find(where); }
    /// Answers the latest hello that went to `p`.
    void answer_hello(puppet& p) {
        std::uint64_t nonce = 0;
        for (auto const& d : sent_to(p)) {
            if (auto const* m = d.find(message_type::hello)) nonce = m->nonce;
        }
        REQUIRE(nonce != 0);
        deliver(p, [&](auto& packet) {
            packet.ack(nonce, p.incarnation);
            packet.announce(p.record());
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
        s.advance(18s);
        CHECK(s.called().size() == 10);
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
    s.answer({}); // and with that the start is over
    s.advance(1min);
    REQUIRE(s.discoveries >= 2);
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

TEST_CASE("numbers of the schedule that contradict each other keep a node from starting") {
    node::discovery_schedule d;
    d.contact_period = 0s;
    basic_stage<logic> s{node_options(quiet(), d)};
    auto const started = s.call([](auto& n, auto now, auto& out) { return n.start(now, out); });
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error() == gossip_error::bad_tunables);
    CHECK_FALSE(s->running());
}

TEST_CASE("no more joins are under way than the schedule allows; others follow as they fail") {
    node_stage s;
    std::vector<candidate> found;
    for (std::uint64_t i = 1; i <= 6; ++i) found.push_back(candidate_at(address_of(i)));
    s.answer(found);
    REQUIRE(s.dials.size() == 3);
    s.advance(8s);
    CHECK(s.dials.size() == 3);
    s.closed(s.dials[0].id, error{gossip_error::stream_refused});
    s.closed(s.dials[1].id, error{gossip_error::stream_refused});
    s.advance(18s);
    CHECK(s.dials.size() == 5);
}

TEST_CASE("what became of the last call can be seen: nothing yet, refused and why, answered by whom") {
    node_stage s;
    puppet& p = s.add(1);
    s.answer({candidate_at(p.where)});
    REQUIRE(s.dials.size() == 1);
    REQUIRE(s.known(p.where) != nullptr);
    CHECK(s.known(p.where)->last.what == call_result::called);
    s.closed(s.dials[0].id, error{gossip_error::stream_timed_out});
    CHECK(s.known(p.where)->last.what == call_result::refused);
    REQUIRE(s.known(p.where)->last.why.has_value());
    CHECK(*s.known(p.where)->last.why == gossip_error::stream_timed_out);

    puppet& q = s.add(2);
    s.join_with(q);
    s.forget();
    s.advance(20s);
    s.answer_hello(p);
    CHECK(s.known(p.where)->last.what == call_result::answered);
    CHECK(s.known(p.where)->last.by == p.key());
    CHECK(s.known(p.where)->last.where == p.where);
    CHECK(s.known(p.where)->unanswered == 0);
}

TEST_CASE("a join that succeeds is an answer") {
    node_stage s;
    puppet& p = s.add(1);
    s.answer({candidate_at(p.where)});
    REQUIRE(s.dials.size() == 1);
    s.opened(s.dials[0].id);
    REQUIRE(s.frames.size() == 1);
    puppet_stream stream{p, puppet_stream::side::acceptor};
    REQUIRE(stream.open(s.frames[0].frame));
    s.frame(s.dials[0].id, stream.frame([&](auto& packet) {
        packet.exchange_begin(peerkit::wire::exchange_flags::reply);
        packet.announce(p.record());
        packet.exchange_end(1);
    }));
    REQUIRE(s.count(event_kind::joined) == 1);
    CHECK(s.known(p.where)->last.what == call_result::answered);
    CHECK(s.known(p.where)->last.by == p.key());
    CHECK(s.count(event_kind::peer_found) == 0); // a strategy named it
}

TEST_CASE("a stranger's packet is no answer") {
    node_stage s;
    s.answer({candidate_at(address_of(5))});
    s.deliver_raw(bytes(100, std::byte{1}), address_of(5));
    CHECK(s.known(address_of(5))->last.what == call_result::called);
}

TEST_CASE("a candidate that answered under another address than it announces is a member like others") {
    node_stage s;
    puppet& p = s.add(1);
    puppet& q = s.add(2);
    s.join_with(p);
    ip_endpoint const mapped{ip_address::v4(192, 0, 2, 9), 4000};
    s.answer({candidate_at(mapped)});
    std::uint64_t nonce = 0;
    for (auto const& d : s.sent) {
        if (auto const* m = d.find(message_type::hello); m != nullptr && d.to == mapped) nonce = m->nonce;
    }
    REQUIRE(nonce != 0);
    s.deliver(
        q,
        [&](auto& packet) {
            packet.ack(nonce, 1);
            packet.announce(q.record());
        },
        mapped);
    CHECK(s.known(mapped)->last.by == q.key());
    s.forget();
    s.advance(8min);
    CHECK(s.greeted().count(mapped) == 0);
    s.advance(4min); // now and then it is made sure of
    CHECK(s.greeted().count(mapped) == 1);
}

TEST_CASE("a peer that nobody had named becomes a candidate, and the host is told how it was found") {
    node_stage s;
    puppet& p = s.add(1);
    s.announce(p);
    REQUIRE(s.count(event_kind::peer_found) == 1);
    gossip::event const found = *s.last(event_kind::peer_found);
    CHECK(found.subject == p.id());
    CHECK(found.where == p.where);
    CHECK(found.why == cause::contacted);
    REQUIRE(s.known(p.where) != nullptr);
    CHECK(s.known(p.where)->sources == node::provenance_set{provenance::inbound});
    CHECK(s.known(p.where)->display_name() == p.where.address.to_string());

    puppet const told{77};
    s.deliver(p, [&](auto& packet) { packet.announce(told.record()); });
    REQUIRE(s.count(event_kind::peer_found) == 2);
    CHECK(s.last(event_kind::peer_found)->why == cause::announced);
    CHECK(s.last(event_kind::peer_found)->by == p.key());
    CHECK(s.known(told.where)->sources == node::provenance_set{provenance::gossip});
    CHECK(s->candidate_count() == 2);
    // Once for each.
    p.incarnation = 2;
    s.announce(p);
    CHECK(s.count(event_kind::peer_found) == 2);
    CHECK(s.fault == "");
}

TEST_CASE("a peer that a strategy or the host named is no news") {
    node_stage s;
    puppet& p = s.add(1);
    puppet& q = s.add(2);
    s.answer({candidate_at(p.where)});
    s.contact(q.where);
    s.announce(p);
    s.announce(q);
    CHECK(s.count(event_kind::member_up) == 2);
    CHECK(s.count(event_kind::peer_found) == 0);
    CHECK(s->candidate_count() == 2);
    CHECK(s.lookups.empty());
}

TEST_CASE("the name of a new peer is looked up in the background and told when it is found") {
    node_stage s;
    puppet& p = s.add(1);
    s.announce(p);
    REQUIRE(s.lookups == std::vector{p.where.address});
    SUBCASE("it has one") {
        s.host_name(p.where.address, "db1.example.org.");
        REQUIRE(s.count(event_kind::peer_named) == 1);
        CHECK(s.last(event_kind::peer_named)->subject == p.id());
        CHECK(s.last(event_kind::peer_named)->where == p.where);
        CHECK(s.known(p.where)->display_name() == "db1.example.org");
        s.host_name(p.where.address, "other.example.org"); // not asked for
        CHECK(s.known(p.where)->display_name() == "db1.example.org");
    }
    SUBCASE("it has none, and is not asked for again") {
        s.host_name(p.where.address, fail(discovery::discovery_error::unresolved));
        s.advance(1h);
        CHECK(s.lookups.size() == 1);
        CHECK(s.known(p.where)->display_name() == p.where.address.to_string());
    }
    SUBCASE("the name service cannot tell, and is asked again") {
        s.host_name(p.where.address, fail(discovery::discovery_error::timed_out));
        s.advance(9min);
        CHECK(s.lookups.size() == 1);
        s.advance(1min);
        CHECK(s.lookups.size() == 2);
    }
    SUBCASE("the name is none") {
        s.host_name(p.where.address, "\x1b[31mred");
        CHECK(s.count(event_kind::peer_named) == 0);
        CHECK(s.known(p.where)->display_name() == p.where.address.to_string());
    }
    SUBCASE("names come too late") {
        s.advance(35s);
        s.host_name(p.where.address, "late.example.org");
        CHECK(s.count(event_kind::peer_named) == 0);
    }
    CHECK(s.fault == "");
}

TEST_CASE("many new peers at once are looked up one by one") {
    node_stage s;
    puppet& p = s.add(1);
    s.announce(p);
    for (std::uint64_t i = 100; i < 400; ++i) {
        puppet const told{i};
        s.deliver(p, [&](auto& packet) { packet.announce(told.record()); });
    }
    CHECK(s->alive_count() == 302);
    CHECK(s.lookups.size() == 1);
    CHECK(s->candidates().strangers() == 256);
    CHECK(s->candidates().dropped(drop_reason::no_room) == 45);
    for (int i = 0; i < 200; ++i) {
        s.host_name(s.lookups.back(), fail(discovery::discovery_error::unresolved));
        s.advance(1s);
    }
    CHECK(s.lookups.size() == node::host_name_queue::most_waiting);
    CHECK(s->check_invariants() == 0);
}

TEST_CASE("names are not looked up where the host does not want it") {
    node::discovery_schedule d;
    d.find_names = false;
    node_stage s{quiet(), d};
    s.announce(s.add(1));
    CHECK(s.count(event_kind::peer_found) == 1);
    CHECK(s.lookups.empty());
}

TEST_CASE("a peer known through members only is called by the engine while it is held dead, and here once forgotten") {
    auto t = quiet();
    t.tombstone_time = 100h;
    node_stage s{t};
    puppet& p = s.add(1);
    puppet& q = s.add(2);
    puppet& r = s.add(3);
    s.join_with(p);
    s.answer({});
    s.announce(q);
    s.announce(r);
    s.accuse(p, message_type::dead, r, 1);
    s.accuse(p, message_type::dead, q, 1);
    REQUIRE(s.state_of(q) == member_state::dead);
    CHECK(s.known(q.where) != nullptr);
    s.forget();
    s.advance(10min);
    for (auto const& d : s.sent_to(q)) {
        // What the engine sends says that it is held dead, so that it can refute.
        CHECK(d.find(message_type::dead, q.key()) != nullptr);
    }
    // A strategy that names it wants it called, whatever is held of it.
    s.answer({candidate_at(q.where)});
    s.forget();
    s.advance(3min);
    CHECK(s.greeted().count(q.where) == 1);
    // The other one is called here when its tombstone has expired.
    CHECK(s.greeted().count(r.where) == 0);
    s.advance(110h);
    REQUIRE(s.state_of(r) == std::nullopt);
    s.forget();
    s.advance(10min);
    std::size_t calls = 0;
    for (auto const& d : s.sent_to(r)) calls += d.find(message_type::hello) != nullptr ? 1U : 0U;
    CHECK(calls >= 3);
    CHECK(calls <= 7);
}

TEST_CASE("who said goodbye and was known through members only is no candidate any more") {
    node_stage s;
    puppet& p = s.add(1);
    puppet& q = s.add(2);
    s.join_with(p);
    s.announce(q);
    CHECK(s->candidate_count() == 2);
    s.deliver(q, [&](auto& packet) { packet.announce(q.record(2, true)); });
    CHECK(s->candidate_count() == 1);
    CHECK(s.known(q.where) == nullptr);
}

TEST_CASE("a peer that announces other addresses is a candidate there") {
    node_stage s;
    puppet& p = s.add(1);
    s.announce(p);
    ip_endpoint const before = p.where, now{ip_address::v4(10, 7, 7, 7), 9000};
    p.self.addresses[0].address = now.address;
    p.incarnation = 2;
    s.announce(p);
    CHECK(s.known(before) == nullptr);
    REQUIRE(s.known(now) != nullptr);
    CHECK(s.known(now)->id == p.id());
    CHECK(s.count(event_kind::peer_found) == 1);
}

TEST_CASE("what else is this node, and what the host rules out, is no candidate") {
    auto o = node_options(quiet());
    o.own.addresses = {ip_address::v4(192, 168, 1, 7)};
    o.own.host_names = {"me.example.org"};
    o.may_dial = [](ip_endpoint const& there, provenance) { return there.address != address_of(8).address; };
    node_stage s{o};
    candidate named = candidate_at(address_of(5));
    named.name = named.name.cut("me.example.org");
    s.answer({candidate_at({ip_address::v4(192, 168, 1, 7), 9000}), named, candidate_at(address_of(8)),
              candidate_at(address_of(9))});
    CHECK(s->candidate_count() == 1);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(9)});
    CHECK(s->candidates().dropped(drop_reason::own_address) == 1);
    CHECK(s->candidates().dropped(drop_reason::own_name) == 1);
    CHECK(s->candidates().dropped(drop_reason::ruled_out) == 1);
    s.forget();
    s.contact(address_of(8));
    CHECK(s.called().empty());
}

TEST_CASE("an address that this node announces from now on is its own") {
    node_stage s;
    description d = description_of(node_stage::own_seed);
    d.addresses.push_back({address_of(60).address, 0, address_kind::global});
    REQUIRE(s.call([&](auto& n, auto now, auto& out) { return n.update(d, now, out); }).has_value());
    s.answer({candidate_at(address_of(60))});
    CHECK(s->candidate_count() == 0);
}

TEST_CASE("a hint brings discovery forward, once a second at most") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    s.answer({});
    s.advance(10s);
    s.forget();
    s.hint();
    CHECK(s.discoveries == 1);
    s.hint(); // while it runs: once more
    s.answer({});
    CHECK(s.discoveries == 1);
    for (int i = 0; i < 100; ++i) {
        s.hint();
        std::size_t const before = s.discoveries;
        s.advance(100ms);
        if (s.discoveries != before) s.answer({});
    }
    CHECK(s.discoveries <= 12);
    CHECK(s.discoveries >= 9);
    s.forget();
    s.advance(40s);
    CHECK(s.discoveries <= 1);
}

TEST_CASE("a short time to live brings the next run forward") {
    node_stage s;
    puppet& p = s.add(1);
    s.join_with(p);
    candidate c = candidate_at(p.where);
    c.time_to_live = 10s;
    s.answer({c});
    s.forget();
    s.advance(13s);
    CHECK(s.discoveries == 1);
}

TEST_CASE("candidates can be walked through") {
    node_stage s;
    s.answer({candidate_at(address_of(1)), candidate_at(address_of(2))});
    std::set<std::string> names;
    s->for_each_candidate([&](known_candidate const& c) { names.insert(c.display_name()); });
    CHECK(names == std::set<std::string>{"10.0.0.1", "10.0.0.2"});
}

TEST_CASE("a dead peer that strategies no longer name is left to the engine that remembers it") {
    node_stage s;
    puppet& p = s.add(1);
    puppet& q = s.add(2);
    s.join_with(p);
    s.answer({candidate_at(q.where)});
    s.announce(q);
    s.accuse(p, message_type::dead, q, 1);
    s.forget();
    s.advance(5min);
    CHECK(s.greeted().count(q.where) == 1);
    s.answer({});
    REQUIRE(s.known(q.where) != nullptr);
    CHECK_FALSE(s.known(q.where)->sought());
    s.forget();
    s.advance(10min);
    CHECK(s.greeted().count(q.where) == 0);
}

// ---- The start: see also start_order, fallback_order and recollection.

namespace {

node::remembered_peer remembered(puppet const& p) { return {p.record(), provenance::dns, p.where, 1'000}; }
logic::options options_with(std::vector<node::remembered_peer> peers, bool has_store = false) {
    logic::options o = node_options(quiet());
    o.remembered = std::move(peers);
    o.has_store = has_store;
    return o;
}
/// The events of the start so far, in order.
std::vector<event_kind> start_events(node_stage const& s) {
    std::vector<event_kind> all;
    for (auto const& e : s.events) {
        if (e.kind == event_kind::discovery_started || e.kind == event_kind::discovery_found ||
            e.kind == event_kind::discovery_failed || e.kind >= event_kind::peers_recalled)
            all.push_back(e.kind);
    }
    return all;
}
void kept(node_stage& s) {
    s.call([](auto& n, auto now, auto& out) {
        n.on_kept(now, out);
        return 0;
    });
}

} // namespace

TEST_CASE("a node asks discovery, recalls its peers, listens and then calls everybody it knows, in that order") {
    puppet const old{1}, found{2};
    node_stage s{options_with({remembered(old)})};
    CHECK(s.discoveries == 1);
    CHECK(s.listens == 0);
    s.advance(500ms);
    CHECK(s.called().empty());
    CHECK_FALSE(s->listening());
    s.answer({candidate_at(found.where)});
    CHECK(s.listens == 1);
    CHECK(s->listening());
    CHECK(s.called() == std::set<ip_endpoint>{old.where, found.where});
    CHECK(s->starting() == node::start_step::done);
    CHECK(start_events(s) == std::vector{event_kind::discovery_started, event_kind::discovery_found,
                                         event_kind::peers_recalled, event_kind::listening, event_kind::announced});
    CHECK(s.events.back().count == 2);
    known_candidate const* const entry = s.known(old.where);
    REQUIRE(entry != nullptr);
    CHECK(entry->id == old.id());
    CHECK(entry->sources == node::provenance_set{provenance::stored});
    CHECK(entry->name == "n1");
}

TEST_CASE("a discovery that fails, or says nothing for a second, leaves the node with what it remembers") {
    puppet const old{1};
    bool fails = false;
    SUBCASE("fails") { fails = true; }
    SUBCASE("says nothing") {}
    node_stage s{options_with({remembered(old)})};
    if (fails)
        s.fail_discovery();
    else
        s.advance(1s);
    CHECK(s.listens == 1);
    CHECK(s.called() == std::set<ip_endpoint>{old.where});
    auto const told =
        std::find_if(s.events.begin(), s.events.end(), [](auto const& e) { return e.kind == event_kind::listening; });
    REQUIRE(told != s.events.end());
    CHECK(told->what.has_value() == !fails);
    if (!fails) CHECK(*told->what == discovery::discovery_error::timed_out);
}

TEST_CASE("with a store nothing is sent and nothing taken before the incarnation of this life is kept") {
    puppet const old{1};
    node_stage s{options_with({remembered(old)}, true)};
    CHECK(s.persisted.size() == 1);
    s.answer({candidate_at(address_of(2))});
    s.contact(address_of(3));
    s.advance(2s);
    CHECK(s.called().empty());
    CHECK(s.sent.empty());
    CHECK(s.listens == 0);
    kept(s);
    CHECK(s.listens == 1);
    CHECK(s.called() == std::set<ip_endpoint>{old.where, address_of(2), address_of(3)});
}

TEST_CASE("a store that hangs delays the start by five seconds and no more") {
    node_stage s{options_with({}, true)};
    s.answer({candidate_at(address_of(2))});
    s.advance(node::start_order::store_patience - 1ms);
    CHECK(s.called().empty());
    s.advance(1ms);
    CHECK(s.listens == 1);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(2)});
    kept(s); // too late to matter
    CHECK(s.listens == 1);
}

TEST_CASE("everybody remembered is told although the first of them has already let the node in") {
    std::vector<puppet> old;
    std::vector<node::remembered_peer> peers;
    for (std::uint64_t i = 1; i <= 60; ++i) {
        old.emplace_back(i);
        peers.push_back(remembered(old.back()));
    }
    node_stage s{options_with(peers)};
    s.answer({});
    CHECK(s->starting() == node::start_step::announcing); // more than may be called at once
    puppet& first = s.add(1);
    s.join_with(first);
    s.advance(3s);
    CHECK(s->starting() == node::start_step::done);
    CHECK(s.called().size() >= 59);
}

TEST_CASE("what is remembered of a peer ends with its own word: a new announcement, or a goodbye") {
    node_stage s{options_with({remembered(puppet{1}), remembered(puppet{2})})};
    s.answer({});
    puppet& p = s.add_member(1, 7);
    known_candidate const* entry = (*s).candidates().find(p.id());
    REQUIRE(entry != nullptr);
    CHECK_FALSE(entry->sources.contains(provenance::stored));
    puppet& q = s.add_member(2, 7);
    s.deliver(q, [&](auto& packet) { packet.announce(q.record(8, true)); });
    CHECK((*s).candidates().find(q.id()) == nullptr);
    // ... in this life: the next one begins with both.
    CHECK(s->recollect(s.now(), 5'000).size() == 2);
}

TEST_CASE("a peer that is silent where it was is looked for at the ports of its services and beside its own") {
    puppet old{1};
    old.self.api_port = 8080;
    node_stage s{options_with({remembered(old)})};
    s.answer({});
    s.advance(5min);
    auto const called = s.called();
    for (std::uint16_t const port : std::initializer_list<std::uint16_t>{9000, 8080, 9001, 8999, 9002, 8998})
        CHECK(called.count({old.where.address, port}) == 1);
    CHECK(called.size() == 6);
}

TEST_CASE("a guess that the host rules out is not called") {
    puppet const old{1};
    logic::options o = options_with({remembered(old)});
    o.may_dial = [&](ip_endpoint const& there, provenance) { return there == old.where; };
    node_stage s{o};
    s.answer({});
    s.advance(5min);
    CHECK(s.called() == std::set<ip_endpoint>{old.where});
}

TEST_CASE("a damaged memory is left out, and so is this node itself") {
    node::remembered_peer broken = remembered(puppet{1});
    broken.record.resize(10);
    node::remembered_peer const self = remembered(puppet{node_stage::own_seed});
    node_stage s{options_with({broken, self, remembered(puppet{2})})};
    s.answer({});
    CHECK(s->candidate_count() == 1);
    CHECK(s.called() == std::set<ip_endpoint>{address_of(2)});
}
