// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what the engine keeps for the length of a packet.
#include <peerkit/gossip/engine_state.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using gossip::detail::reply;

TEST_CASE("an answer without anything to say is empty, whatever else is known of the packet") {
    reply answer;
    CHECK(answer.empty());
    answer.answered = answer.contact_made = answer.sender_was_alive = true;
    CHECK(answer.empty());
    answer.accuse_sender = true;
    CHECK_FALSE(answer.empty());
}

TEST_CASE("what is wanted or announced twice is so once, and beyond the room not at all") {
    reply answer;
    for (std::uint64_t i = 0; i < 20; ++i) {
        answer.want(short_id{i / 2}, 7);
        answer.announce(static_cast<membership::slot>(i / 2));
    }
    CHECK(answer.want_count == reply::most);
    CHECK(answer.announce_count == reply::most);
    CHECK(answer.wants[1].subject == short_id{1});
    CHECK(answer.announces[7] == 7);
    CHECK_FALSE(answer.empty());
}

TEST_CASE("a packet is answered as many pings and entries as there is room for") {
    reply pings, entries;
    for (std::uint64_t i = 0; i < 20; ++i) {
        pings.ack(i);
        entries.entry({});
    }
    CHECK(pings.ack_count == pings.acks.size());
    CHECK(entries.entry_count == entries.entries.size());
    CHECK_FALSE(pings.empty());
    CHECK_FALSE(entries.empty());
}
