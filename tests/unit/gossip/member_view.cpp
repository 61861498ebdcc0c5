// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::member_view.
#include <peerkit/gossip/member_view.hpp>

#include <doctest/doctest.h>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;

TEST_CASE("a member is shown as its row and its own record have it") {
    member_table table{4, 1};
    tests::puppet p{7};
    p.self.addresses.push_back({ip_address::v4(192, 0, 2, 1), 77, address_kind::global});
    tests::bytes const record = p.record(12);
    slot const at =
        table.insert(wire::record_view::trusted(record), member_state::suspect, time_point{std::chrono::seconds{3}});
    gossip::member_view const m{table[at], false};
    CHECK(m.id() == p.id());
    CHECK(m.short_id() == p.key());
    CHECK(m.state() == member_state::suspect);
    CHECK(m.incarnation() == 12);
    CHECK(m.since() == time_point{std::chrono::seconds{3}});
    CHECK(m.endpoint() == p.where);
    CHECK(m.announces(p.where));
    CHECK(m.announces({ip_address::v4(192, 0, 2, 1), 77}));
    CHECK_FALSE(m.announces({ip_address::v4(192, 0, 2, 1), 78}));
    CHECK_FALSE(m.announces({ip_address::v4(192, 0, 2, 2), 77}));
    table[at].address = 1;
    CHECK(m.endpoint() == ip_endpoint{ip_address::v4(192, 0, 2, 1), 77});
    CHECK(equal(m.record().bytes(), record));
    CHECK_FALSE(m.is_self());
    CHECK(gossip::member_view{table[at], true}.is_self());
}

TEST_CASE("a member is shown with what is known of it by experience, if anything is") {
    using namespace std::chrono_literals;
    member_table table{4, 1};
    slot const at =
        table.insert(wire::record_view::trusted(tests::puppet{7}.record()), member_state::alive, time_point{});
    contact_log log;
    gossip::member_view const alone{table[at], false}, logged{table[at], false, &log, at};
    CHECK_FALSE(alone.round_trip());
    CHECK_FALSE(alone.last_heard(time_point{1h}));
    CHECK_FALSE(logged.round_trip());
    CHECK_FALSE(logged.last_heard(time_point{1h}));
    log.trips.note(at, 3ms);
    log.heard.note(at, time_point{10s});
    CHECK(logged.round_trip() == log.trips.estimate(at));
    CHECK(logged.last_heard(time_point{1h}) == time_point{10s});
    // The dead were not heard after they died, however long ago that is.
    table.set_state(at, member_state::dead, time_point{20s});
    CHECK(logged.last_heard(time_point{100h}) == time_point{10s});
}

TEST_CASE("alive and suspect members are reachable, the dead and those who left are not") {
    member_table table{4, 1};
    slot const at =
        table.insert(wire::record_view::trusted(tests::puppet{7}.record()), member_state::alive, time_point{});
    for (auto const state : {member_state::alive, member_state::suspect, member_state::dead, member_state::left}) {
        table.set_state(at, state, time_point{});
        CHECK(gossip::member_view{table[at], false}.reachable() ==
              (state == member_state::alive || state == member_state::suspect));
    }
}
