// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of explanations as text; that the engine gives them is tested in impl/engine_observing.cpp.
#include <peerkit/gossip/explanation.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::explanation;
using gossip::detail::short_duration;

namespace {

explanation sample() {
    explanation e;
    e.id.bytes.fill(std::byte{0xab});
    e.name = "db2";
    e.state = membership::member_state::suspect;
    e.in_state = 3200ms;
    e.incarnation = 17;
    e.reported = true;
    e.accusers = {{short_id{1}, "db1"}, {short_id{2}, ""}};
    e.left_to_refute = 4100ms;
    e.confirmations = 2;
    e.probed_now = true;
    e.last_heard = 6s;
    e.round_trip = membership::round_trip{1200us, 300us};
    e.ways = {{{ip_address::v4(10, 0, 0, 2), 9000}, address_kind::local, true, true},
              {{ip_address::v4(192, 0, 2, 2), 9000}, address_kind::global, false, false}};
    e.changes = {{5min, gossip::event_kind::member_up, gossip::cause::announced, {short_id{1}, "db1"}},
                 {3200ms, gossip::event_kind::member_suspected, gossip::cause::none, {}}};
    return e;
}

} // namespace

TEST_CASE("spans of time are written in the unit that suits them") {
    CHECK(short_duration(-1s) == "0 us");
    CHECK(short_duration(850us) == "850 us");
    CHECK(short_duration(12345us) == "12.3 ms");
    CHECK(short_duration(123456us) == "123 ms");
    CHECK(short_duration(4250ms) == "4.2 s");
    CHECK(short_duration(119s) == "119 s");
    CHECK(short_duration(7min + 59s) == "7 min");
    CHECK(short_duration(3h) == "3 h");
    CHECK(short_duration(49h) == "2 d");
}

TEST_CASE("an explanation says everything it knows") {
    CHECK(to_text(sample()) == "db2 (abababababababab) is suspect for 3.2 s, incarnation 17\n"
                               "  accused by 2 of 3: db1 (0000000000000001), 0000000000000002; 4.1 s left to refute\n"
                               "  is being asked at this moment\n"
                               "  last heard 6.0 s ago; round trip 1.2 ms, varying by 300 us\n"
                               "  reached at 10.0.0.2:9000 (heard there); then 192.0.2.2:9000\n"
                               "  5 min ago: up, announced, by db1 (0000000000000001)\n"
                               "  3.2 s ago: suspected\n");
}

TEST_CASE("an explanation is silent about what is not known") {
    explanation e;
    e.name = "x";
    CHECK(to_text(e) == "x (0000000000000000) is alive for 0 us, incarnation 0, known by hearsay only\n"
                        "  never heard itself\n");
    e.is_self = true;
    CHECK(to_text(e) == "x (0000000000000000) is alive for 0 us, incarnation 0, this node itself\n");
}

TEST_CASE("how a member was learnt is the latest time it came up") {
    explanation e = sample();
    REQUIRE(e.learnt() != nullptr);
    CHECK(e.learnt()->ago == 5min);
    e.changes.push_back({1s, gossip::event_kind::member_up, gossip::cause::contacted, {}});
    CHECK(e.learnt()->why == gossip::cause::contacted);
    e.changes.clear();
    CHECK(e.learnt() == nullptr);
}
