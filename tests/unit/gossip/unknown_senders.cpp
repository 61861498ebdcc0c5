// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip/unknown_senders.hpp.
#include <peerkit/gossip/unknown_senders.hpp>

#include <doctest/doctest.h>

#include <cstdint>

#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;
using crypto::replay_verdict;

TEST_CASE("what was heard of a sender before it was known is not fresh afterwards") {
    gossip::unknown_senders all;
    short_id const a{1}, b{2};
    all.note(a, 5, 10);
    all.note(b, 5, 11);
    all.note(a, 5, 12);
    CHECK(all.heard(a, 5, 10));
    CHECK_FALSE(all.heard(a, 5, 11));
    CHECK_FALSE(all.heard(a, 6, 10));
    CHECK_FALSE(all.heard(short_id{}, 0, 0));
    crypto::replay_window window;
    all.recall(a, window);
    CHECK(window.accept(5, 10) == replay_verdict::replayed);
    CHECK(window.accept(5, 12) == replay_verdict::replayed);
    CHECK(window.accept(5, 11) == replay_verdict::fresh);
    CHECK(window.accept(5, 13) == replay_verdict::fresh);
}

TEST_CASE("of nobody known nothing is recalled, and of many only the latest") {
    gossip::unknown_senders all;
    crypto::replay_window window;
    all.recall(short_id{}, window);
    CHECK(window.highest == 0);
    for (std::uint64_t i = 1; i <= 129; ++i) all.note(short_id{i}, 1, 1);
    crypto::replay_window first, second;
    all.recall(short_id{1}, first);
    all.recall(short_id{2}, second);
    CHECK(first.accept(1, 1) == replay_verdict::fresh);
    CHECK(second.accept(1, 1) == replay_verdict::replayed);
}

TEST_CASE("a call of somebody unknown cannot be replayed when a third has told who that is") {
    stage s{quiet()};
    puppet& third = s.add_member(1);
    puppet caller{2};
    bytes const call = caller.datagram(s->id(), [](auto& packet) { packet.ping(77, 1); });
    CHECK(s.deliver_raw(call, caller.where).size() == 1); // answered: it holds the key
    CHECK(s.deliver_raw(call, caller.where).empty());
    s.deliver(third, [&](auto& packet) { packet.announce(caller.record()); });
    REQUIRE(s->find(caller.key()));
    CHECK(s.deliver_raw(call, caller.where).empty());
    CHECK(s->counters().refused(gossip_error::replayed) == 2);
}
