// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the requests of others: remembered while they may be repeated, answers kept within bounds, caps.
#include <peerkit/gossip/served_requests.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::request_id;
using gossip::served_request;
using gossip::served_requests;
using wire::response_status;

namespace {
constexpr time_point start = time_point{} + 100s;
std::vector<std::byte> filled(std::size_t size) { return std::vector<std::byte>(size, std::byte{3}); }
} // namespace

TEST_CASE("a request is known by who asks and its id, and waits until it is answered") {
    served_requests all{16, 1000};
    served_request* const made = all.add(short_id{1}, 77, start + 5s, start);
    REQUIRE(made != nullptr);
    request_id const handle = made->handle;
    CHECK(handle != request_id{});
    CHECK(all.find(short_id{1}, 77) == made);
    CHECK(all.find(short_id{2}, 77) == nullptr);
    CHECK(all.find(short_id{1}, 78) == nullptr);
    CHECK(all.find(handle) == made);
    all.answered(*made, response_status::answered, filled(20));
    CHECK(all.find(handle) == nullptr);
    CHECK(all.find(short_id{1}, 77)->answer == filled(20));
    CHECK(all.answer_bytes() == 20);
    CHECK(all.check_invariants() == 0);
}

TEST_CASE("when all are still needed a new one is refused; those that are over make room") {
    served_requests all{8, 1000};
    for (std::uint64_t i = 0; i < 8; ++i) {
        served_request* const made = all.add(short_id{i}, i, start + 10s + std::chrono::seconds{i}, start);
        REQUIRE(made != nullptr);
        all.answered(*made, response_status::answered, filled(10));
    }
    CHECK(all.add(short_id{9}, 9, start + 60s, start + 9s) == nullptr);
    CHECK(all.size() == 8);
    served_request* const made = all.add(short_id{9}, 9, start + 60s, start + 11s);
    REQUIRE(made != nullptr);
    CHECK(made->answer.empty());
    CHECK(all.find(short_id{0}, 0) == nullptr);
    CHECK(all.find(short_id{1}, 1) != nullptr);
    CHECK(all.size() == 8);
    CHECK(all.answer_bytes() == 70);
    CHECK(all.check_invariants() == 0);
}

TEST_CASE("one requester cannot take all the room") {
    served_requests all{16, 1000};
    std::size_t taken = 0;
    for (std::uint64_t i = 0; i < 100; ++i) taken += all.add(short_id{1}, i, start + 10s, start) != nullptr ? 1U : 0U;
    CHECK(taken == 8);
    CHECK(all.add(short_id{2}, 1, start + 10s, start) != nullptr);
}

TEST_CASE("answers that find no room are not kept: who asks again hears that this node is busy") {
    served_requests all{16, 100};
    served_request* const first = all.add(short_id{1}, 1, start + 5s, start);
    all.answered(*first, response_status::answered, filled(80));
    served_request* const second = all.add(short_id{1}, 2, start + 5s, start);
    all.answered(*second, response_status::answered, filled(30));
    CHECK(all.find(short_id{1}, 2)->status == response_status::busy);
    CHECK(all.find(short_id{1}, 2)->answer.empty());
    CHECK(all.answer_bytes() == 80);
    CHECK(all.check_invariants() == 0);
}
