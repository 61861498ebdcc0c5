// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the store of broadcasts: bounds, order of telling, age, offers, against a plain list.
#include <peerkit/gossip/message_store.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>
#include <support/allocations.hpp>

#include <deque>
#include <vector>

using namespace peerkit;
using gossip::message_store;
using std::chrono::seconds;

namespace {

using bytes = std::vector<std::byte>;

bytes made(std::uint64_t origin, std::uint64_t sequence, std::size_t payload) {
    bytes out(wire::broadcast_view::size_of("t", payload));
    bytes const filling(payload, static_cast<std::byte>(sequence));
    REQUIRE_FALSE(wire::broadcast_view::write(out, short_id{origin}, 1, sequence, "t", filling).empty());
    return out;
}
bool push(message_store& store, byte_view what, time_point now = {}) {
    return store.push(*wire::broadcast_view::parse(what), now);
}
std::vector<std::uint64_t> told(message_store& store, unsigned limit, unsigned times, std::size_t room) {
    std::vector<std::uint64_t> sequences;
    store.fill(limit, times, [&](message_store::entry const& e, byte_view held) {
        if (held.size() > room) return false;
        room -= held.size();
        sequences.push_back(e.sequence);
        return true;
    });
    return sequences;
}

} // namespace

TEST_CASE("what comes in is held byte for byte until bytes or number run out, and then the oldest goes first") {
    seeded_rng rng{7};
    constexpr std::size_t cap = 20'000;
    message_store store{cap};
    std::deque<bytes> all;
    for (std::uint64_t i = 1; i <= 5000; ++i) {
        std::size_t const size =
            (rng() & 15U) == 0 ? uniform(rng, std::uint64_t{9000}) : uniform(rng, std::uint64_t{200});
        all.push_back(made(1 + (i & 3U), i, size));
        REQUIRE(push(store, all.back()));
        if (i == 2500) store.expire(time_point{} - seconds{1}); // nothing is that old
        while (all.size() > store.size()) all.pop_front();
        REQUIRE(store.size() == all.size());
        REQUIRE(store.size() >= 1);
        REQUIRE(store.check_invariants() == 0);
        for (std::size_t k = 0; k < all.size(); ++k) REQUIRE(equal(store.bytes_of(store[k]), all[k]));
    }
    CHECK(store.memory() <= cap + message_store::max_entries * sizeof(message_store::entry));
    CHECK(store.dropped() == 5000 - store.size());
    CHECK(store.dropped_untold() == store.dropped());
    CHECK_FALSE(push(store, made(1, 6000, cap)));
}

TEST_CASE("a full store works without allocating") {
    message_store store{20'000};
    bytes const one = made(1, 1, 300);
    for (int i = 0; i < 2000; ++i) REQUIRE(push(store, one));
    std::uint64_t const before = tests::allocations::count();
    for (int i = 0; i < 2000; ++i) {
        (void)push(store, one);
        (void)store.fill(3, 1, [](auto const&, byte_view) { return true; });
    }
    CHECK(tests::allocations::count() == before);
    CHECK(store.size() > 40);
}

TEST_CASE("small ones are bounded in number") {
    message_store store{std::size_t{1} << 20U};
    bytes const one = made(1, 1, 0);
    for (std::size_t i = 0; i < message_store::max_entries + 10; ++i) REQUIRE(push(store, one));
    CHECK(store.size() == message_store::max_entries);
    CHECK(store.dropped() == 10);
}

TEST_CASE("least told first, the oldest of those, up to the limit") {
    message_store store{100'000};
    for (std::uint64_t i = 1; i <= 3; ++i) REQUIRE(push(store, made(1, i, 10)));
    std::size_t const two = 2 * wire::broadcast_view::size_of("t", 10);
    CHECK(store.untold());
    CHECK(told(store, 2, 1, two) == std::vector<std::uint64_t>{1, 2});
    CHECK(told(store, 2, 1, two) == std::vector<std::uint64_t>{3, 1});
    CHECK_FALSE(store.untold());
    CHECK(told(store, 2, 1, two) == std::vector<std::uint64_t>{2, 3});
    CHECK_FALSE(store.pending(2));
    CHECK(told(store, 2, 1, two).empty());
    CHECK(told(store, 4, 5, 10'000) == std::vector<std::uint64_t>{1, 2, 3});
    CHECK_FALSE(store.pending(7));
    CHECK(store.size() == 3);
}

TEST_CASE("what does not fit makes room for what does, a few times") {
    message_store store{100'000};
    REQUIRE(push(store, made(1, 1, 800)));
    REQUIRE(push(store, made(1, 2, 10)));
    CHECK(told(store, 1, 1, 200) == std::vector<std::uint64_t>{2});
    CHECK(store.untold());
}

TEST_CASE("hearing it from others counts as having told it, but for what was never told") {
    message_store store{100'000};
    REQUIRE(push(store, made(1, 1, 10)));
    store.count(short_id{1}, 1, 1);
    CHECK(store.untold());
    CHECK(told(store, 3, 1, 10'000).size() == 1);
    store.count(short_id{1}, 1, 1);
    store.count(short_id{1}, 1, 1);
    store.count(short_id{1}, 1, 9);
    CHECK_FALSE(store.pending(3));
}

TEST_CASE("what is old is forgotten") {
    message_store store{100'000};
    for (std::uint64_t i = 1; i <= 3; ++i) REQUIRE(push(store, made(1, i, 10), time_point{} + seconds{i}));
    CHECK(store.find(short_id{1}, 1, 2) != nullptr);
    store.expire(time_point{} + seconds{2});
    REQUIRE(store.size() == 1);
    CHECK(store[0].sequence == 3);
    CHECK(store.find(short_id{1}, 1, 2) == nullptr);
    CHECK(store.find(short_id{1}, 2, 3) == nullptr);
    CHECK(store.find(short_id{2}, 1, 3) == nullptr);
    CHECK(store.dropped() == 0);
}

TEST_CASE("an offer names everything held, over several calls if need be") {
    message_store store{1'000'000};
    for (std::uint64_t origin = 1; origin <= 5; ++origin) {
        for (std::uint64_t const sequence : {1U, 2U, 4U, 200U}) REQUIRE(push(store, made(origin, sequence, 10)));
    }
    REQUIRE(push(store, made(9, 1, 2000)));
    std::vector<wire::broadcast_range> shown(32);
    std::size_t skip = 0;
    REQUIRE(store.ranges(shown, skip, time_point{} - seconds{1}) == 11);
    CHECK(skip == 0);
    CHECK(shown[0] == wire::broadcast_range{short_id{9}, 1, 1, 1, true});
    CHECK(shown[1] == wire::broadcast_range{short_id{5}, 1, 200, 1, false});
    CHECK(shown[2] == wire::broadcast_range{short_id{5}, 1, 4, 0b1101, false});
    std::vector<wire::broadcast_range> part(4), all;
    do {
        std::size_t const count = store.ranges(part, skip, time_point{} - seconds{1});
        all.insert(all.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
    } while (skip != 0);
    shown.resize(11);
    CHECK(all == shown);
    CHECK(store.ranges(part, skip, time_point{}) == 0); // all of them are that old
}
