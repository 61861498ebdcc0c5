// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::recollection: who is written down, with which sources, and who is forgotten first.
#include <peerkit/node/recollection.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <support/stage.hpp>

using namespace peerkit;
using namespace tests;
using discovery::provenance;
using node::provenance_set;
using node::recollection;
using node::remembered_peer;

namespace {

constexpr std::int64_t clock_ms = 1'800'000'000'000;

struct memory_stage : basic_stage<fake_engine> {
    memory_stage() : basic_stage<fake_engine>{options{}} { REQUIRE(start()); }
    node::candidate_book book{{}, 7};
    node::candidate_gate gate{};

    void find_by(puppet const& p, provenance how) {
        discovery::candidate c;
        c.addresses = {p.where};
        c.id = p.id();
        c.source = how;
        REQUIRE(book.keep(c, gate, now()) != nullptr);
    }
};

remembered_peer earlier(std::uint64_t seed, std::int64_t heard, provenance how = provenance::dns) {
    puppet const p{seed};
    return {p.record(), how, p.where, heard};
}
remembered_peer const* find(recollection const& all, puppet const& p) {
    for (remembered_peer const& peer : all.peers()) {
        if (wire::record_view::trusted(peer.record).id() == p.id()) return &peer;
    }
    return nullptr;
}

} // namespace

TEST_CASE("members are remembered with their announcement, how they were found, where and when they were heard") {
    memory_stage s;
    puppet& p = s.add_member(1, 5);
    s.find_by(p, provenance::registry);
    recollection memory{10};
    memory.refresh(*s, s.book, s.now() + 3s, clock_ms);
    REQUIRE(memory.peers().size() == 1); // and not this node itself
    remembered_peer const& peer = memory.peers().front();
    CHECK(peer.record == p.record());
    CHECK(peer.sources == provenance_set{provenance::registry});
    CHECK(peer.last_endpoint == p.where);
    CHECK(peer.last_heard_ms <= clock_ms - 1000);
    CHECK(peer.last_heard_ms >= clock_ms - 5000);
}

TEST_CASE("who said goodbye is remembered, and who is dead: they may be all there is when everybody starts again") {
    memory_stage s;
    puppet& p = s.add_member(1, 5);
    recollection memory{10};
    memory.refresh(*s, s.book, s.now(), clock_ms);
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(6, true)); });
    REQUIRE(s.state_of(p) == member_state::left);
    memory.refresh(*s, s.book, s.now() + 1h, clock_ms + 3'600'000);
    REQUIRE(memory.peers().size() == 1);
    CHECK(memory.peers().front().last_endpoint == p.where);
    CHECK(memory.peers().front().last_heard_ms < clock_ms + 60'000);
    recollection late{10}; // also if nothing was written down before
    late.refresh(*s, s.book, s.now(), clock_ms);
    CHECK(late.peers().size() == 1);
}

TEST_CASE("whoever was found without a source is remembered as told of by members, and never as remembered") {
    memory_stage s;
    puppet& p = s.add_member(1);
    puppet& q = s.add_member(2);
    s.find_by(q, provenance::stored);
    recollection memory{10, {earlier(2, 5, provenance::mdns)}};
    memory.refresh(*s, s.book, s.now(), clock_ms);
    REQUIRE(find(memory, p) != nullptr);
    CHECK(find(memory, p)->sources == provenance_set{provenance::gossip});
    REQUIRE(find(memory, q) != nullptr);
    CHECK(find(memory, q)->sources == provenance_set{provenance::mdns});
}

TEST_CASE("peers of an earlier life stay until they are met again, and are remembered once") {
    memory_stage s;
    recollection memory{10, {earlier(1, 5), earlier(2, 6)}};
    memory.refresh(*s, s.book, s.now(), clock_ms);
    REQUIRE(memory.peers().size() == 2);
    CHECK(memory.peers()[0].last_heard_ms == 6);
    puppet& p = s.add_member(1, 9);
    memory.refresh(*s, s.book, s.now(), clock_ms);
    REQUIRE(memory.peers().size() == 2);
    CHECK(memory.peers()[0].record == p.record());
    CHECK(memory.peers()[0].sources.contains(provenance::dns)); // how it was found once is kept
}

TEST_CASE("beyond the bound those heard longest ago are forgotten") {
    memory_stage s;
    std::vector<remembered_peer> many;
    for (std::uint64_t i = 1; i <= 20; ++i) many.push_back(earlier(i, static_cast<std::int64_t>(i)));
    recollection memory{5, many};
    CHECK(memory.peers().size() == 5);
    s.add_member(100);
    memory.refresh(*s, s.book, s.now(), clock_ms);
    REQUIRE(memory.peers().size() == 5);
    CHECK(find(memory, puppet{100}) == &memory.peers().front());
    CHECK(memory.peers().back().last_heard_ms == 17);
    CHECK(std::is_sorted(memory.peers().begin(), memory.peers().end(),
                         [](auto const& a, auto const& b) { return a.last_heard_ms > b.last_heard_ms; }));
}
