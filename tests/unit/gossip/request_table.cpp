// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the requests under way: found by id and by stream, due in time, capped, memory reused.
#include <peerkit/gossip/request_table.hpp>

#include <doctest/doctest.h>

#include <support/allocations.hpp>

#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::pending_request;
using gossip::request_id;
using gossip::request_table;
using gossip::stream_id;

namespace {
constexpr time_point start = time_point{} + 100s;
pending_request& add(request_table& table, std::uint64_t id, duration next, duration deadline, std::size_t size = 10) {
    std::vector<std::byte> const payload(size, std::byte{1});
    pending_request& made = table.add(request_id{id}, node_id{}, "topic", payload);
    made.next = start + next;
    made.deadline = start + deadline;
    table.update_next();
    return made;
}
} // namespace

TEST_CASE("requests are found by what names them, and are due at their next try or deadline") {
    request_table table{4};
    CHECK(table.next() == never);
    CHECK(table.due(start + 1h) == nullptr);
    add(table, 1, 5s, 20s);
    add(table, 2, 30s, 9s).stream = stream_id{7};
    CHECK(table.next() == start + 5s);
    CHECK(table.due(start + 5s - 1ns) == nullptr);
    REQUIRE(table.due(start + 5s) != nullptr);
    CHECK(table.due(start + 5s)->id == request_id{1});
    CHECK(table.find(request_id{2})->topic.view() == "topic");
    CHECK(table.find(request_id{3}) == nullptr);
    CHECK(table.on_stream(stream_id{7})->id == request_id{2});
    CHECK(table.on_stream(stream_id{8}) == nullptr);
    table.erase(request_id{1});
    table.erase(request_id{1});
    CHECK(table.size() == 1);
    CHECK(table.next() == start + 9s);
    CHECK(table.due(start + 9s)->id == request_id{2});
}

TEST_CASE("each wait is twice the one before, up to two seconds") {
    pending_request r;
    r.wait = 120ms;
    std::vector<duration> waits;
    for (int i = 0; i < 7; ++i) {
        r.tried(start);
        waits.push_back(r.next - start);
    }
    CHECK(waits == std::vector<duration>{120ms, 240ms, 480ms, 960ms, 1920ms, 2s, 2s});
    CHECK(r.tries == 7);
    r.wait = 5s;
    r.tried(start);
    CHECK(r.wait == 5s);
}

TEST_CASE("the table is capped, and small requests reuse memory") {
    request_table table{3};
    for (std::uint64_t i = 1; i <= 3; ++i) add(table, i, 1s, 2s);
    CHECK(table.full());
    for (std::uint64_t i = 1; i <= 3; ++i) table.erase(request_id{i});
    CHECK(table.any() == nullptr);
    CHECK(table.next() == never);
    std::vector<std::byte> const payload(10);
    std::uint64_t const before = tests::allocations::count();
    for (std::uint64_t i = 10; i < 40; i += 3) {
        for (std::uint64_t k = 0; k < 3; ++k) (void)table.add(request_id{i + k}, node_id{}, "topic", payload);
        for (std::uint64_t k = 0; k < 3; ++k) table.erase(request_id{i + k});
    }
    CHECK(tests::allocations::count() == before);
    add(table, 99, 1s, 2s, 50'000);
    table.erase(request_id{99});
    CHECK(add(table, 100, 1s, 2s).payload.capacity() < 50'000);
}
