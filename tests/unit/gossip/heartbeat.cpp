// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::heartbeat, alone and in the engine.
#include <peerkit/gossip/heartbeat.hpp>

#include <doctest/doctest.h>

#include <peerkit/gossip/engine.hpp>

#include <cstdint>
#include <vector>

#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

static_assert(gossip::check_failure_detector<gossip::heartbeat>());

namespace {

using beating_engine =
    gossip::engine<fake_policies<gossip::accept_announcements, gossip::full_state, gossip::heartbeat>>;

/// Three members, who all beat once a second unless told otherwise.
struct pulse : basic_stage<beating_engine> {
    pulse() : basic_stage{options_of()} {
        started = start();
        for (std::uint64_t i = 1; i <= 3; ++i) members.push_back(&add_member(i));
    }
    static beating_engine::options options_of() {
        beating_engine::options o;
        o.tunables.exchange_period = o.tunables.contact_period = 100h;
        o.tunables.tombstone_time = 1000h;
        return o;
    }
    void seconds(int count, puppet const* silent = nullptr) {
        for (int i = 0; i < count; ++i) {
            for (puppet* p : members) {
                if (p != silent) deliver(*p, [&](auto& packet) { packet.heartbeat(p->incarnation); });
            }
            REQUIRE(advance(1s));
        }
    }
    bool started = false;
    std::vector<puppet*> members;
};

} // namespace

TEST_CASE("a node sends a heartbeat to its watchers every period, and pings nobody") {
    pulse s;
    s.forget();
    s.seconds(10);
    CHECK(s.sent_count(message_type::heartbeat) == 30);
    CHECK(s.sent_count(message_type::ping) == 0);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s.fault == "");
}

TEST_CASE("a member that is not heard for five periods is suspected, then dead; a heartbeat alone does not clear it") {
    pulse s;
    s.seconds(3);
    s.seconds(4, s.members[1]);
    CHECK(s.state_of(*s.members[1]) == member_state::alive);
    s.seconds(3, s.members[1]);
    CHECK(s.state_of(*s.members[1]) == member_state::suspect);
    CHECK(s.state_of(*s.members[0]) == member_state::alive);
    SUBCASE("it stays silent") {
        s.seconds(4, s.members[1]);
        CHECK(s.state_of(*s.members[1]) == member_state::dead);
    }
    SUBCASE("it beats again, is told, and refutes") {
        auto const told = s.deliver(*s.members[1], [&](auto& packet) { packet.heartbeat(1); });
        REQUIRE(told.size() == 1);
        CHECK(told[0].find(message_type::suspect, s.members[1]->key()) != nullptr);
        CHECK(s.state_of(*s.members[1]) == member_state::suspect);
        s.deliver(*s.members[1], [&](auto& packet) { packet.announce(s.members[1]->record(2)); });
        CHECK(s.state_of(*s.members[1]) == member_state::alive);
    }
    CHECK(s.fault == "");
}

TEST_CASE("a node that slept accuses nobody on waking") {
    pulse s;
    s.seconds(3);
    s.sleep(60s);
    s.tick();
    s.seconds(6);
    CHECK(s.count(event_kind::member_suspected) == 0);
}
