// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::engine as a whole: start, lattice, determinism, allocation. The parts are tested beside it in impl/.
#include <peerkit/gossip/engine.hpp>

#include <peerkit/core/description_edit.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <support/allocations.hpp>
#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

TEST_CASE("starting announces this node to itself and asks to keep the announcement") {
    stage s{gossip::lan(), 77};
    REQUIRE(s.started);
    CHECK(s->running());
    CHECK_FALSE(s->joined());
    CHECK(s->incarnation() == 77);
    CHECK(s->alive_count() == 1);
    REQUIRE(s.persisted.size() == 1);
    auto const record = wire::record_view::parse(s.persisted[0]);
    REQUIRE(record.has_value());
    CHECK(record->incarnation() == 77);
    CHECK(record->id() == s->id());
    CHECK(crypto::verify_record<crypto::fake_identity>(*record, network_id{}));
    CHECK(s.sent.empty());
    CHECK(s->find(s->id())->is_self());
}

TEST_CASE("an incarnation outside its range is brought into it") {
    CHECK(stage{gossip::lan(), 0} -> incarnation() == 1);
    CHECK(stage { gossip::lan(), ~std::uint64_t{0} } -> incarnation() == limits::incarnation - 1);
}

TEST_CASE("services carry versions that grow when their entry changes, and a higher incarnation announces them") {
    auto options = with(gossip::lan(), 1'700'000'000'000'000);
    options.self = description_of(stage::own_seed);
    options.self.services = {{"sql", 5432, "", service_health::passing}, {"http", 80}};
    basic_stage<fake_engine> s{options};
    REQUIRE(s.start());
    auto const announced = [&](char const* name) {
        return s->find(s->id())->record().find_service(name).value_or(wire::service_view{});
    };
    std::uint32_t const sql = announced("sql").version, http = announced("http").version;
    CHECK(sql > 1'700'000'000);
    CHECK(http > 1'700'000'000);
    description changed = s->self();
    REQUIRE(set_service_health(changed, "sql", service_health::critical));
    REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.update(changed, now, out); }));
    CHECK(announced("sql").health == service_health::critical);
    CHECK(announced("sql").version > std::max(sql, http));
    CHECK(announced("http").version == http);
    CHECK(s->self().find_service("sql")->version == announced("sql").version);
    CHECK(s->incarnation() == 1'700'000'000'000'001);
}

TEST_CASE("members are found by what they say of themselves, and the nearest of them by their round trips") {
    auto t = gossip::lan();
    t.exchange_period = t.contact_period = 100h;
    t.tombstone_time = 1000h;
    stage s{t};
    REQUIRE(s.started);
    s.polite = false;
    puppet &a = s.add(1), &b = s.add(2), &c = s.add(3);
    a.self.services = {{"sql", 5432, "", service_health::passing}};
    b.self.services = {{"sql", 5432, "", service_health::critical}};
    c.self.labels = {{"zone", "z"}};
    for (puppet* p : {&a, &b, &c}) s.announce(*p);
    auto const keys = [&](gossip::member_query const& which) {
        std::set<std::string> found;
        s->for_each_member(which, [&](gossip::member_view const& m) { found.emplace(m.record().name()); });
        return found;
    };
    using names = std::set<std::string>;
    CHECK(keys({}).size() == 4);
    CHECK(keys({.others = true}) == names{"n1", "n2", "n3"});
    CHECK(keys({.service = "sql"}) == names{"n1", "n2"});
    CHECK(keys({.service = "sql", .passing = true}) == names{"n1"});
    CHECK(keys({.labels = *label_filter::parse("zone")}) == names{"n3"});

    // Members answer after 8, 4 and 2 ms, and n3 not at all.
    auto const nearest = [&](std::size_t count, gossip::member_query const& which = {}) {
        std::vector<std::string> found;
        s->for_each_nearest(count, which, [&](gossip::member_view const& m) { found.emplace_back(m.record().name()); });
        return found;
    };
    bool done = false;
    for (int i = 0; i < 10000 && !done; ++i) {
        s.forget();
        s.sleep(std::max(duration::zero(), s->next_deadline() - s.now()));
        s.tick();
        for (puppet* p : {&a, &b}) {
            for (auto const& d : s.sent_to(*p)) {
                auto const* ping = d.find(message_type::ping);
                if (ping == nullptr) continue;
                s.sleep(p == &a ? 8ms : 2ms);
                s.deliver(*p, [&](auto& packet) { packet.ack(ping->nonce, p->incarnation); });
                break;
            }
        }
        done = s->find(a.id())->round_trip() && s->find(b.id())->round_trip();
    }
    REQUIRE(done);
    using list = std::vector<std::string>;
    CHECK(nearest(10) == list{"n2", "n1", "n3"});
    CHECK(nearest(1) == list{"n2"});
    CHECK(nearest(0).empty());
    CHECK(nearest(1, {.service = "sql", .passing = true}) == list{"n1"});
    if (!allocations::counted()) return;
    gossip::member_query const which{.role = "", .service = "sql"};
    std::uint64_t const before = allocations::count();
    s->for_each_nearest(3, which, [](gossip::member_view const&) {});
    s->for_each_member(which, [](gossip::member_view const&) {});
    CHECK(allocations::count() == before);
}

TEST_CASE("what cannot be started is a typed error, and nothing runs") {
    auto options = with(gossip::lan());
    options.self = description_of(stage::own_seed);
    auto const refused = [&]() {
        basic_stage<fake_engine> s{options};
        auto const started = s.call([](auto& e, auto now, auto& out) { return e.start(now, out); });
        REQUIRE_FALSE(started.has_value());
        CHECK_FALSE(s->running());
        CHECK(s->next_deadline() == never);
        CHECK(s->known_count() == 0);
        CHECK(s.persisted.empty());
        CHECK(s.events.empty());
        return started.error();
    };
    SUBCASE("tunables that contradict each other") {
        options.tunables.verdict_after = options.tunables.probe_period;
        CHECK(refused() == gossip_error::bad_tunables);
        CHECK(refused().field() == "verdict_after < probe_period");
    }
    SUBCASE("no address") {
        options.self.addresses.clear();
        CHECK(refused() == core_error::empty);
        CHECK(refused().field() == "addresses");
    }
    SUBCASE("a name that is none") {
        options.self.name = "two words";
        CHECK(refused() == core_error::bad_character);
    }
    SUBCASE("more than fits a record") {
        for (char c = 'a'; c < 'a' + 12; ++c)
            options.self.labels.push_back({std::string(1, c), std::string(limits::label_value, 'x')});
        CHECK(refused() == wire::wire_error::record_too_large);
    }
}

TEST_CASE("inputs before the start are ignored") {
    basic_stage<fake_engine> s{with(gossip::lan())};
    puppet& p = s.add(1);
    s.announce(p);
    s.tick();
    s.opened(gossip::stream_id{1});
    s.frame(gossip::stream_id{1}, bytes(100));
    s.closed(gossip::stream_id{1});
    CHECK(s->known_count() == 0);
    CHECK(s->counters().datagrams_received == 0);
    CHECK(s.sent.empty());
}

TEST_CASE("whatever the order and number of copies, the same news leaves the same state") {
    // Everything that can be said of two members at incarnations 3 and 4, but conflicting records.
    puppet a{1}, b{2}, accuser{3}, second{4};
    struct news {
        bytes record;
        message_type type;
        short_id subject{};
        std::uint64_t incarnation = 0;
        std::vector<short_id> accusers{};
    };
    std::vector<news> all;
    for (std::uint64_t n : {std::uint64_t{3}, std::uint64_t{4}}) {
        all.push_back({a.record(n), message_type::announce, a.key()});
        all.push_back({{}, message_type::suspect, a.key(), n, {accuser.key()}});
        all.push_back({{}, message_type::suspect, a.key(), n, ascending({accuser.key(), second.key()})});
        all.push_back({b.record(n), message_type::announce, b.key()});
        all.push_back({{}, message_type::dead, b.key(), n, {accuser.key()}});
    }
    all.push_back({b.record(5, true), message_type::announce, b.key()});
    seeded_rng rng{21};
    std::vector<std::string> ends;
    for (int round = 0; round < 300; ++round) {
        stage s{quiet()};
        puppet& carrier = s.add_member(3);
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < all.size(); ++i) {
            for (std::uint64_t copies = 1 + uniform(rng, std::uint64_t{3}); copies > 0; --copies) order.push_back(i);
        }
        shuffle(std::span{order}, rng);
        auto const tell = [&](std::size_t i) {
            news const& n = all[i];
            s.deliver(carrier, [&](auto& packet) {
                if (n.type == message_type::announce)
                    packet.announce(n.record);
                else
                    packet.accuse(n.type, n.subject, n.incarnation, n.accusers);
            });
        };
        for (std::size_t const i : order) tell(i);
        // What could not be proven yet is asked for, and said again: once more everything, in yet another order.
        shuffle(std::span{order}, rng);
        for (std::size_t const i : order) tell(i);
        REQUIRE(s.fault == "");
        std::string end;
        for (puppet* p : {&a, &b}) {
            auto const found = s->find(p->id());
            end += std::to_string(found->incarnation()) + std::string{to_string(found->state())} +
                   to_hex(found->record().bytes());
        }
        ends.push_back(end);
        CHECK(s.state_of(a) == member_state::suspect);
        CHECK(s.incarnation_of(a) == 4);
        CHECK(s.state_of(b) == member_state::left);
    }
    CHECK(std::count(ends.begin(), ends.end(), ends[0]) == 300);
}

TEST_CASE("records alone need be heard once, in any order: the newest wins") {
    puppet p{1};
    std::vector<bytes> const records{p.record(1), p.record(2), p.record(3), p.record(4, true), p.record(5)};
    std::vector<std::size_t> order{0, 1, 2, 3, 4};
    do {
        stage s{quiet()};
        puppet& carrier = s.add_member(3);
        std::uint64_t held = 0;
        for (std::size_t const i : order) {
            s.deliver(carrier, [&](auto& packet) { packet.announce(records[i]); });
            CHECK(s.incarnation_of(p) >= held); // never back
            held = s.incarnation_of(p);
        }
        CHECK(held == 5);
        CHECK(s.state_of(p) == member_state::alive);
        CHECK(s.fault == "");
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("the same inputs give the same outputs, byte for byte") {
    auto const run = [] {
        cluster c{5};
        std::vector<cluster::recorded> tape;
        c.tape = &tape;
        seeded_rng loss{4};
        c.drops = [&](std::size_t, std::size_t) { return happens(loss, 200'000); };
        c.join_all();
        c.run_for(60s);
        c.crash(4);
        c.run_for(60s);
        crypto::word_hash hash{1};
        for (auto const& r : tape) hash.part(r.frame);
        return hash.value();
    };
    CHECK(run() == run());
}

TEST_CASE("nobody grows anything by churning through identities") {
    auto t = quiet();
    t.max_members = 40;
    t.verifies_per_second = 100'000;
    stage s{t};
    puppet& carrier = s.add_member(1);
    auto const churn = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t i = from; i < to; ++i) {
            puppet p{i};
            s.deliver(carrier, [&](auto& packet) { packet.announce(p.record(1)); });
            s.deliver(carrier, [&](auto& packet) { packet.announce(p.record(2, true)); });
        }
        s.forget();
    };
    churn(100, 3000);
    CHECK(s->known_count() == 40);
    CHECK(s.state_of(carrier) == member_state::alive);
    CHECK(s.fault == "");
}

TEST_CASE("after warm-up a hundred thousand steps of a settled cluster allocate nothing") {
    if (!allocations::counted()) return;
    // Two engines that hand each other everything without anything in between that allocates.
    gossip::tunables const t = gossip::lan();
    auto const make = [&](std::uint64_t seed) {
        auto o = with(t);
        o.self = description_of(seed);
        return fake_engine{crypto::fake_identity{seed}, world_keys{}.sealing, seeded_rng{seed}, o};
    };
    constexpr std::size_t nodes = 4;
    std::array<fake_engine, nodes> engines{make(1), make(2), make(3), make(4)};
    std::array<gossip::outbox, nodes> outs;
    struct link {
        std::size_t node = 0;
        gossip::stream_id there{};
    };
    std::array<std::array<link, 65536>, nodes>* const links = new std::array<std::array<link, 65536>, nodes>{};
    time_point now{1s};
    std::size_t steps = 0;
    auto const index = [](ip_endpoint const& to) { return std::to_integer<std::size_t>(to.address.bytes()[3]) - 1; };
    auto const stream = [](gossip::stream_id id) { return static_cast<std::size_t>(id) % 65536; };
    auto const flush = [&] {
        for (bool more = true; more;) {
            more = false;
            for (std::size_t i = 0; i < nodes; ++i) {
                // Actions are carried out from a second outbox, so that answers do not disturb what is being read.
                static gossip::outbox reading;
                std::swap(reading, outs[i]);
                for (std::size_t k = 0; k < reading.size(); ++k) {
                    more = true;
                    gossip::action const a = reading[k];
                    switch (a.kind) {
                    case gossip::action_kind::send_datagram:
                        engines[index(a.to)].on_datagram(a.bytes, address_of(i + 1), now, outs[index(a.to)]);
                        ++steps;
                        break;
                    case gossip::action_kind::open_stream: {
                        std::size_t const to = index(a.to);
                        auto const accepted = engines[to].on_stream_accepted(address_of(i + 1), now, outs[to]);
                        if (!accepted) break;
                        (*links)[i][stream(a.stream)] = {to, *accepted};
                        (*links)[to][stream(*accepted)] = {i, a.stream};
                        engines[i].on_stream_opened(a.stream, now, outs[i]);
                        break;
                    }
                    case gossip::action_kind::send_frame: {
                        link const to = (*links)[i][stream(a.stream)];
                        engines[to.node].on_stream_frame(to.there, a.bytes.subspan(wire::stream_prefix), now,
                                                         outs[to.node]);
                        ++steps;
                        break;
                    }
                    case gossip::action_kind::close_stream: {
                        link const to = (*links)[i][stream(a.stream)];
                        engines[to.node].on_stream_closed(to.there, std::nullopt, now, outs[to.node]);
                        break;
                    }
                    default: break;
                    }
                }
                reading.clear();
                if (outs[i].empty()) std::swap(reading, outs[i]);
            }
        }
    };
    auto const step = [&] {
        std::size_t next = 0;
        for (std::size_t i = 1; i < nodes; ++i) {
            if (engines[i].next_deadline() < engines[next].next_deadline()) next = i;
        }
        now = std::max(now, engines[next].next_deadline());
        engines[next].on_tick(now, outs[next]);
        ++steps;
        flush();
    };
    for (std::size_t i = 0; i < nodes; ++i) REQUIRE(engines[i].start(now, outs[i]).has_value());
    for (std::size_t i = 1; i < nodes; ++i) REQUIRE(engines[i].join(address_of(1), now, outs[i]).has_value());
    flush();
    while (steps < 20'000) step();
    for (fake_engine const& e : engines) REQUIRE(e.alive_count() == nodes);
    std::uint64_t const exchanges = engines[0].counters().exchanges;
    std::uint64_t const before = allocations::count();
    steps = 0;
    while (steps < 100'000) step();
    CHECK(allocations::count() - before == 0);
    CHECK(engines[0].counters().exchanges > exchanges + 10);
    for (fake_engine const& e : engines) CHECK(e.alive_count() == nodes);
    delete links;
}
