// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of changes of members in batches.
#include <peerkit/gossip/member_changes.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::change_kind;
using gossip::event;
using gossip::event_kind;
using gossip::member_changes;

namespace {

event of(std::uint8_t whom, event_kind kind) {
    event e;
    e.kind = kind;
    e.subject.bytes.fill(std::byte{whom});
    return e;
}
/// "2+ 3~ 4-"
std::string taken(member_changes& from) {
    std::string text;
    for (auto const& change : from.take()) {
        text += std::to_string(std::to_integer<int>(change.latest.subject.bytes[0]));
        text += change.kind == change_kind::joined ? "+ " : change.kind == change_kind::updated ? "~ " : "- ";
    }
    return text;
}

} // namespace

TEST_CASE("what became of each member is told once, in the order of ids") {
    member_changes c;
    auto const at = time_point{10s};
    c.add(of(4, event_kind::member_dead), at);
    c.add(of(2, event_kind::member_up), at);
    c.add(of(3, event_kind::member_updated), at);
    c.add(of(2, event_kind::member_updated), at);
    c.add(of(5, event_kind::member_left), at);
    CHECK(taken(c) == "2+ 3~ 4- 5- ");
    CHECK(taken(c).empty());
}

TEST_CASE("who came and went is left out, who went and came is an update") {
    member_changes c;
    c.add(of(1, event_kind::member_up), time_point{10s});
    c.add(of(1, event_kind::member_dead), time_point{10s});
    c.add(of(2, event_kind::member_dead), time_point{10s});
    c.add(of(2, event_kind::member_up), time_point{10s});
    CHECK(taken(c) == "2~ ");
}

TEST_CASE("suspicions, refutations and what is not of members make no batch") {
    member_changes c;
    for (auto const kind : {event_kind::member_suspected, event_kind::member_refuted, event_kind::member_removed,
                            event_kind::joined, event_kind::conflict})
        c.add(of(1, kind), time_point{10s});
    CHECK(c.due() == never);
    CHECK(taken(c).empty());
}

TEST_CASE("a batch is over after a quiet time, or when it has lasted, or when it is full") {
    member_changes c{{.quiet = 1s, .longest = 3s, .most = 3}};
    CHECK(c.due() == never);
    c.add(of(1, event_kind::member_up), time_point{10s});
    CHECK(c.due() == time_point{11s});
    c.add(of(1, event_kind::member_updated), time_point{10500ms});
    CHECK(c.due() == time_point{11500ms});
    c.add(of(1, event_kind::member_updated), time_point{12800ms});
    CHECK(c.due() == time_point{13s});
    c.add(of(2, event_kind::member_up), time_point{12800ms});
    c.add(of(3, event_kind::member_up), time_point{12800ms});
    CHECK(c.due() == time_point{12800ms});
    (void)c.take();
    CHECK(c.due() == never);
}

TEST_CASE("every kind of change has a name") {
    CHECK(to_string(change_kind::joined) == "joined");
    CHECK(to_string(change_kind::updated) == "updated");
    CHECK(to_string(change_kind::departed) == "departed");
    CHECK(to_string(static_cast<change_kind>(9)) == "unknown");
}
