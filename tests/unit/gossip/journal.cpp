// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the latest changes of members.
#include <peerkit/gossip/journal.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <vector>

using namespace peerkit;
using gossip::journal;
using gossip::journal_entry;

namespace {

gossip::event about(std::uint8_t whom, gossip::event_kind kind, std::uint64_t by = 0) {
    gossip::event e;
    e.subject.bytes.fill(std::byte{whom});
    e.kind = kind;
    e.why = gossip::cause::announced;
    e.by = static_cast<short_id>(by);
    return e;
}
short_id key(std::uint8_t whom) { return about(whom, {}).subject.short_id(); }

std::vector<journal_entry> entries(journal const& from, std::uint8_t whom) {
    std::vector<journal_entry> found;
    from.for_each(key(whom), [&](journal_entry const& entry) { found.push_back(entry); });
    return found;
}

} // namespace

TEST_CASE("the changes of one member are given in order, with when, what, why and by whom") {
    journal log;
    log.note(about(1, gossip::event_kind::member_up, 9), time_point{std::chrono::seconds{3}});
    log.note(about(2, gossip::event_kind::member_up), time_point{std::chrono::seconds{4}});
    log.note(about(1, gossip::event_kind::member_dead, 8), time_point{std::chrono::seconds{5}});
    auto const found = entries(log, 1);
    REQUIRE(found.size() == 2);
    CHECK(found[0].kind == gossip::event_kind::member_up);
    CHECK(found[0].at == time_point{std::chrono::seconds{3}});
    CHECK(found[0].by == short_id{9});
    CHECK(found[0].why == gossip::cause::announced);
    CHECK(found[1].kind == gossip::event_kind::member_dead);
    CHECK(entries(log, 3).empty());
}

TEST_CASE("the oldest gives way, and the order stays") {
    journal log;
    for (std::uint64_t i = 0; i < journal::most * 5 / 2; ++i) log.note(about(1, gossip::event_kind::member_up, i), {});
    auto const found = entries(log, 1);
    REQUIRE(found.size() == journal::most);
    CHECK(log.size() == journal::most);
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(static_cast<std::uint64_t>(found[i].by) == journal::most * 3 / 2 + i);
}
