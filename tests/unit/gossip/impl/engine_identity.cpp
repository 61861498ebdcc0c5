// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's own record: refutation, earlier lives, other nodes with the same key, updates, leaving.
#include <peerkit/gossip/impl/engine_identity.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

/// A description whose record is larger than a record may be.
description too_large() {
    description d = description_of(stage::own_seed);
    for (char c = 'a'; c < 'a' + 12; ++c)
        d.labels.push_back({std::string(1, c), std::string(limits::label_value, 'x')});
    return d;
}

} // namespace

TEST_CASE("behaviour 24: an accused node refutes with its next incarnation, in the answer and to all") {
    stage s{quiet(), 10};
    puppet& a = s.add_member(1);
    for (auto how : {message_type::suspect, message_type::dead}) {
        std::uint64_t const accused = s->incarnation();
        auto const answer =
            s.deliver(a, [&](auto& packet) { packet.accuse(how, s->id().short_id(), accused, std::array{a.key()}); });
        CHECK(s->incarnation() == accused + 1);
        REQUIRE(answer.size() == 1);
        auto const* refutation = answer[0].find(message_type::announce, s->id().short_id());
        REQUIRE(refutation != nullptr);
        CHECK(refutation->view().incarnation() == accused + 1);
        CHECK(s.last(event_kind::self_refuted)->by == a.key());
    }
    CHECK(s->counters().refutations == 2);
    CHECK(s->queued() > 0);
    CHECK(wire::record_view::trusted(s.persisted.back()).incarnation() == 12);
    CHECK(s.fault == "");
}

TEST_CASE("an accusation of an incarnation this node never had, or had before, is not refuted") {
    stage s{quiet(), 10};
    puppet& a = s.add_member(1);
    auto const accuse_self = [&](std::uint64_t incarnation) {
        return s.deliver(a, [&](auto& packet) {
            packet.accuse(message_type::dead, s->id().short_id(), incarnation, std::array{a.key()});
        });
    };
    for (std::uint64_t incarnation : {std::uint64_t{1}, std::uint64_t{9}}) {
        auto const answer = accuse_self(incarnation);
        REQUIRE(answer.size() == 1);
        CHECK(answer[0].find(message_type::announce, s->id().short_id()) != nullptr);
    }
    for (std::uint64_t incarnation : {std::uint64_t{11}, limits::incarnation - 1}) {
        auto const answer = accuse_self(incarnation);
        REQUIRE(answer.size() == 1);
        CHECK(answer[0].find(message_type::want, s->id().short_id()) != nullptr);
    }
    CHECK(s->incarnation() == 10);
    CHECK(s.refused(gossip_error::stale) == 2);
    CHECK(s.refused(gossip_error::unproven) == 2);
    CHECK(s->counters().refutations == 0);
}

TEST_CASE("refuting is one step at every size of the incarnation") {
    for (std::uint64_t n :
         {std::uint64_t{1}, std::uint64_t{0xffffffff}, std::uint64_t{0x100000000}, limits::incarnation - 2}) {
        stage s{quiet(), n};
        puppet& a = s.add_member(1);
        s.deliver(
            a, [&](auto& packet) { packet.accuse(message_type::suspect, s->id().short_id(), n, std::array{a.key()}); });
        CHECK(s->incarnation() == n + 1);
    }
}

TEST_CASE("a node that is told of its own newer record goes on above it") {
    stage s{quiet(), 3};
    puppet& a = s.add_member(1);
    puppet former{stage::own_seed};
    auto const answer = s.deliver(a, [&](auto& packet) { packet.announce(former.record(900)); });
    CHECK(s->incarnation() == 901);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::announce, s->id().short_id())->view().incarnation() == 901);
    CHECK(s.count(event_kind::conflict) == 0);
    // Even if that one had left.
    s.deliver(a, [&](auto& packet) { packet.announce(former.record(1000, true)); });
    CHECK(s->incarnation() == 1001);
    CHECK(s->find(s->id())->state() == member_state::alive);
    // What it said itself and what it said before changes nothing.
    s.deliver(a, [&](auto& packet) { packet.announce(former.record(900)); });
    CHECK(s->incarnation() == 1001);
    // Forged, it counts for nothing.
    bytes forged = former.record(5000);
    forged.back() ^= std::byte{1};
    s.deliver(a, [&](auto& packet) { packet.announce(forged); });
    CHECK(s->incarnation() == 1001);
    CHECK(s.refused(gossip_error::bad_signature) == 1);
}

TEST_CASE("a restarted node's frames are accepted by those who knew it before") {
    stage s{quiet(), 3};
    puppet& a = s.add_member(1);
    puppet former{stage::own_seed};
    s.deliver(a, [&](auto& packet) { packet.announce(former.record(900)); });
    s.forget();
    auto const answer = s.deliver(a, [&](auto& packet) { packet.ping(5, 1); });
    REQUIRE(answer.size() == 1);
    auto const head = wire::envelope::decode(answer[0].frame);
    CHECK(head->session > 900);
}

TEST_CASE("two nodes with one key do not outbid each other without end, and the host hears of it") {
    stage s{quiet(), 3};
    puppet& a = s.add_member(1);
    puppet clone{stage::own_seed};
    clone.self.version = "other";
    for (int i = 0; i < 1000; ++i) {
        s.deliver(a, [&](auto& packet) { packet.announce(clone.record(s->incarnation() + 1)); });
        s.sleep(1ms);
    }
    CHECK(s->incarnation() < 30);
    CHECK(s.count(event_kind::conflict) == 1);
}

TEST_CASE("an update is announced with the next incarnation and kept") {
    stage s{quiet(), 7};
    puppet& p = s.add_member(1);
    s.advance(10s);
    s.forget();
    description changed = s->self();
    changed.version = "2.0";
    REQUIRE(s.call([&](auto& e, auto now, auto& out) { return e.update(changed, now, out); }).has_value());
    CHECK(s->incarnation() == 8);
    CHECK(s->self().version == "2.0");
    REQUIRE(s.persisted.size() == 1);
    CHECK(wire::record_view::trusted(s.persisted[0]).version() == "2.0");
    s.advance(1s);
    bool told = false;
    for (auto const& d : s.sent_to(p)) told = told || d.find(message_type::announce, s->id().short_id()) != nullptr;
    CHECK(told);
}

TEST_CASE("an update that cannot be announced is a typed error and changes nothing") {
    stage s{quiet(), 7};
    s.add_member(1);
    s.advance(10s);
    std::uint64_t const before = s.digest();
    description const held = s->self();
    auto const refused = [&](description d) {
        auto const done = s.call([&](auto& e, auto now, auto& out) { return e.update(std::move(d), now, out); });
        REQUIRE_FALSE(done.has_value());
        CHECK(s.digest() == before);
        CHECK(s->self() == held);
        CHECK(s->queued() == 0);
        return done.error();
    };
    CHECK(refused(too_large()) == wire::wire_error::record_too_large);
    description bad = held;
    bad.name = "";
    CHECK(refused(bad) == core_error::empty);
    bad = held;
    bad.addresses.clear();
    CHECK(refused(bad) == core_error::empty);
    CHECK(refused(bad).field() == "addresses");
    s.forget();
    CHECK(s.persisted.empty());
}

TEST_CASE("a goodbye is spread, then told to the host, then nothing more is sent") {
    stage s{quiet(), 7};
    puppet& p = s.add_member(1);
    puppet& other = s.add_member(2);
    s.advance(10s);
    s.forget();
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    CHECK(s->leaving());
    CHECK(s->running());
    CHECK(s->incarnation() == 8);
    REQUIRE(s.persisted.size() == 1);
    CHECK(wire::record_view::trusted(s.persisted[0]).left());
    s.advance(5s);
    CHECK(s.count(event_kind::self_left) == 1);
    CHECK_FALSE(s->running());
    CHECK(s->next_deadline() == never);
    std::size_t told = 0;
    for (auto const& d : s.sent) {
        auto const* m = d.find(message_type::announce, s->id().short_id());
        if (m != nullptr) {
            CHECK(m->view().left());
            ++told;
        }
    }
    CHECK(told > 3);
    s.forget();
    s.deliver(p, [&](auto& packet) { packet.ping(1, 1); });
    s.deliver(other,
              [&](auto& packet) { packet.accuse(message_type::dead, s->id().short_id(), 8, std::array{other.key()}); });
    s.tick();
    CHECK(s.sent.empty());
    CHECK(s.events.empty());
}

TEST_CASE("behaviour 27: a leaving node does not come back, whatever is said of it") {
    stage s{quiet(), 7};
    puppet& p = s.add_member(1);
    puppet former{stage::own_seed};
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    s.deliver(p, [&](auto& packet) {
        packet.accuse(message_type::suspect, s->id().short_id(), 8, std::array{p.key()});
        packet.announce(former.record(50));
        packet.announce(former.record(8));
    });
    CHECK(s->incarnation() == 8);
    CHECK(s->find(s->id())->state() == member_state::left);
    CHECK(s->leaving());
    CHECK(s.fault == "");
}

TEST_CASE("a goodbye ends once, even if the last round and the end of patience come in the same late tick") {
    for (int rounds = 0; rounds < 8; ++rounds) {
        stage s{quiet()};
        s.add_member(1);
        s.advance(10s);
        s.call([&](auto& e, auto now, auto& out) {
            e.leave(now, out);
            return 0;
        });
        for (int i = 0; i < rounds && s->running(); ++i) {
            s.sleep(std::max(duration::zero(), s->next_deadline() - s.now()));
            s.tick();
        }
        s.sleep(60s);
        s.tick();
        s.tick();
        CHECK(s.count(event_kind::self_left) == 1);
        CHECK_FALSE(s->running());
    }
}

TEST_CASE("who leaves alone has left at once") {
    stage s{quiet()};
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    CHECK(s.count(event_kind::self_left) == 1);
    CHECK_FALSE(s->running());
    CHECK(s.sent.empty());
}

TEST_CASE("who leaves among the dead has left at once") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    s.accuse(p, message_type::dead, p, 1);
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    CHECK(s.count(event_kind::self_left) == 1);
}

TEST_CASE("a node at the last incarnation there is can still leave") {
    stage s{quiet(), limits::incarnation - 1};
    s.add_member(1);
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    s.advance(10s);
    CHECK(s.count(event_kind::self_left) == 1);
    CHECK_FALSE(s->running());
}

TEST_CASE("a leaving node that still has company is not called alone") {
    stage s{quiet()};
    puppet& a = s.add_member(1);
    puppet& b = s.add_member(2);
    auto const id = s.accept(a.where);
    puppet_stream stream{a, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(0);
        packet.exchange_end(0);
    }));
    REQUIRE(s->joined());
    s.call([&](auto& e, auto now, auto& out) {
        e.leave(now, out);
        return 0;
    });
    s.accuse(a, message_type::dead, b, 1);
    CHECK(s.count(event_kind::isolated) == 0);
}

TEST_CASE("of two nodes with one key at two places the one that says what sorts higher goes on, and both are told") {
    stage s{quiet(), 1'000'000};
    puppet& a = s.add_member(1);
    puppet clone{stage::own_seed};
    clone.self.addresses = {{ip_address::v4(10, 9, 9, 9), 0, address_kind::local}};
    auto const hear = [&](std::uint64_t incarnation) {
        s.sleep(30s);
        s.deliver(a, [&](auto& packet) { packet.announce(clone.record(incarnation)); });
    };
    SUBCASE("this node outbids a clone that sorts lower") {
        clone.self.api_port = 0;
        clone.self.gossip_port = 1;
        for (int i = 0; i < 5; ++i) {
            std::uint64_t const before = s->incarnation();
            hear(before + 1);
            CHECK(s->incarnation() == before + 2);
        }
        CHECK(s.count(event_kind::conflict) == 5);
    }
    SUBCASE("it gives way to one that sorts higher, accuses nobody meanwhile, and tries again after ten minutes") {
        clone.self.gossip_port = 65535;
        hear(1'000'001);
        CHECK(s->incarnation() == 1'000'000);
        CHECK(s.count(event_kind::conflict) == 1);
        for (int i = 0; i < 15; ++i) hear(1'000'001);
        CHECK(s->incarnation() == 1'000'000);
        s.sleep(5min);
        hear(1'000'001);
        CHECK(s->incarnation() == 1'000'002);
        hear(1'000'003);
        CHECK(s->incarnation() == 1'000'002);
    }
    SUBCASE("an earlier life at another address is no clone: its incarnation is adopted without a word") {
        clone.self.gossip_port = 65535;
        hear(9'000'000);
        CHECK(s->incarnation() == 9'000'001);
        CHECK(s.count(event_kind::conflict) == 0);
    }
    SUBCASE("an earlier life at the same address never is, however close its incarnation") {
        clone.self = description_of(stage::own_seed);
        clone.self.version = "zzz";
        hear(1'000'001);
        CHECK(s->incarnation() == 1'000'002);
        CHECK(s.count(event_kind::conflict) == 0);
    }
    CHECK(s.fault == "");
}

TEST_CASE("while this node gives way to another with its key, it probes nobody") {
    auto t = gossip::lan();
    t.exchange_period = t.contact_period = 100h;
    t.tombstone_time = 1000h;
    stage s{t, 1'000'000};
    REQUIRE(s.started);
    s.polite = false;
    puppet& a = s.add_member(1);
    puppet clone{stage::own_seed};
    clone.self.addresses = {{ip_address::v4(10, 9, 9, 9), 0, address_kind::local}};
    clone.self.gossip_port = 65535;
    s.deliver(a, [&](auto& packet) { packet.announce(clone.record(1'000'001)); });
    s.advance(5min);
    CHECK(s->counters().probes == 0);
    CHECK(s.state_of(a) == member_state::alive);
    s.advance(6min);
    CHECK(s->counters().probes > 0);
}
