// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::entry_store: against a map, as a join, at its caps, what is erased, and the news.
#include <peerkit/membership/entry_store.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <peerkit/core/rng.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <support/allocations.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using tests::bytes;
using wire::entry_view;

namespace {

constexpr std::size_t plenty = std::size_t{64} << 20U;

bytes entry(std::string_view key, std::uint64_t version, std::string_view value = "v", bool erased = false,
            int signature = 1) {
    if (erased) value = {};
    bytes made(entry_view::size_of(key, value.size()), static_cast<std::byte>(signature));
    REQUIRE_FALSE(entry_view::write(made, short_id{9}, version, key, as_bytes(value), erased).empty());
    return made;
}
entry_view view(bytes const& made) { return entry_view::trusted(made); }

/// As the engine does it.
bool merge(entry_store& store, slot owner, bytes const& said, time_point now = {}) {
    auto const standing = store.compare(owner, view(said));
    if (standing != entry_standing::newer && standing != entry_standing::wins) return false;
    return store.put(owner, view(said), now) != entry_store::none;
}

std::vector<std::pair<std::string, std::string>> all(entry_store const& store, slot owner, std::string_view with = {}) {
    std::vector<std::pair<std::string, std::string>> found;
    store.for_each(owner, with, [&](entry_view const& e) { found.emplace_back(e.key(), as_text(e.value())); });
    return found;
}

} // namespace

TEST_CASE("the store agrees with a map over thousands of random operations") {
    seeded_rng rng{3};
    entry_store store{plenty};
    struct expected {
        std::string value;
        std::uint64_t version;
        bool erased;
    };
    std::map<std::pair<slot, std::string>, expected> model;
    std::uint64_t version = 0;
    for (int step = 0; step < 20000; ++step) {
        slot const owner = static_cast<slot>(uniform(rng, std::uint64_t{400}));
        std::string const key = "key-" + std::to_string(uniform(rng, std::uint64_t{12}));
        switch (uniform(rng, std::uint64_t{12})) {
        case 0:
            store.forget(owner);
            std::erase_if(model, [&](auto const& e) { return e.first.first == owner; });
            break;
        case 1:
            if (auto const at = store.find(owner, key); at != entry_store::none) {
                store.remove(at);
                model.erase({owner, key});
            }
            break;
        default: {
            bool const erased = uniform(rng, std::uint64_t{5}) == 0;
            std::string const value(erased ? 0 : uniform(rng, std::uint64_t{300}), 'v');
            auto const held = model.find({owner, key});
            std::uint64_t const said = uniform(rng, std::uint64_t{3}) == 0 ? 1 + uniform(rng, ++version) : ++version;
            bool const newer = held == model.end() || held->second.version < said;
            REQUIRE(merge(store, owner, entry(key, said, value, erased)) == newer);
            if (newer) model[{owner, key}] = {value, said, erased};
        }
        }
        REQUIRE(store.size() == model.size());
        if (step % 500 == 0) REQUIRE(store.check_invariants() == 0);
    }
    for (auto const& [where, what] : model) {
        auto const at = store.find(where.first, where.second);
        REQUIRE(at != entry_store::none);
        CHECK(store[at].version() == what.version);
        CHECK(store[at].erased() == what.erased);
        CHECK(as_text(store[at].value()) == what.value);
    }
    CHECK(store.check_invariants() == 0);
    for (slot owner = 0; owner < 400; ++owner) store.forget(owner);
    CHECK(store.empty());
    CHECK(store.memory() == 0);
    CHECK(store.check_invariants() == 0);
}

TEST_CASE("whatever the order and however often it is heard, the same is held in the end") {
    seeded_rng rng{7};
    std::vector<bytes> said;
    for (int i = 0; i < 200; ++i) {
        bool const erased = uniform(rng, std::uint64_t{4}) == 0;
        said.push_back(entry("k" + std::to_string(uniform(rng, std::uint64_t{20})), 1 + uniform(rng, std::uint64_t{60}),
                             std::string(uniform(rng, std::uint64_t{9}), 'x'), erased));
    }
    std::vector<bytes> first;
    for (int round = 0; round < 20; ++round) {
        entry_store store{plenty};
        for (int times = 0; times < 2; ++times) {
            for (std::size_t i = said.size(); i > 1; --i)
                std::swap(said[i - 1], said[uniform(rng, static_cast<std::uint64_t>(i))]);
            for (bytes const& e : said) (void)merge(store, 5, e);
        }
        std::vector<bytes> held;
        for (auto at = store.next(5, entry_store::none); at != entry_store::none; at = store.next(5, at))
            held.emplace_back(store[at].bytes().begin(), store[at].bytes().end());
        if (round == 0) first = held;
        REQUIRE(held == first);
        REQUIRE(store.check_invariants() == 0);
    }
    CHECK(first.size() == 20);
}

TEST_CASE("two entries with one version: the one whose bytes come first is kept, whichever came first") {
    bytes const low = entry("k", 5, "a"), high = entry("k", 5, "b");
    entry_store one{plenty}, other{plenty};
    CHECK(merge(one, 0, low));
    CHECK(one.compare(0, view(low)) == entry_standing::same);
    CHECK(one.compare(0, view(high)) == entry_standing::loses);
    CHECK(merge(other, 0, high));
    CHECK(other.compare(0, view(low)) == entry_standing::wins);
    CHECK(merge(other, 0, low));
    CHECK(all(one, 0) == all(other, 0));
    CHECK(one.sum(0) == other.sum(0));
}

TEST_CASE("the sum is that of what is not erased: equal maps have equal sums whatever they once held") {
    entry_store one{plenty}, other{plenty};
    CHECK(one.sum(3) == 0);
    merge(one, 3, entry("a", 1));
    merge(one, 3, entry("b", 2));
    std::uint64_t const both = one.sum(3);
    CHECK(both == entry_fingerprint(1, 0x0101010101010101ULL) + entry_fingerprint(2, 0x0101010101010101ULL));
    merge(one, 3, entry("b", 3, "", true));
    merge(other, 3, entry("a", 1));
    CHECK(one.sum(3) == other.sum(3));
    CHECK(one.sum(3) != both);
    CHECK(one.count(3) == 1);
    CHECK(one.erased(3) == 1);
    auto const marks = one.marks(3);
    REQUIRE(marks.size() == 1);
    CHECK(marks[0] == static_cast<std::uint32_t>(entry_fingerprint(1, 0x0101010101010101ULL)));
}

TEST_CASE("entries come by ascending key, and those with a prefix alone") {
    entry_store store{plenty};
    for (char const* key : {"shard/2", "a", "shard/10", "z", "shard"}) merge(store, 1, entry(key, 1, key));
    merge(store, 1, entry("shard/3", 1, "", true));
    merge(store, 2, entry("shard/9", 1));
    using list = std::vector<std::pair<std::string, std::string>>;
    CHECK(all(store, 1, "shard/") == list{{"shard/10", "shard/10"}, {"shard/2", "shard/2"}});
    CHECK(all(store, 1).size() == 5);
    CHECK(all(store, 1).front().first == "a");
    CHECK(all(store, 7).empty());
}

TEST_CASE("one member's entries do not go beyond their caps: the highest versions stay, in whatever order they come") {
    std::vector<bytes> said;
    for (std::uint64_t i = 1; i <= limits::entries + 60; ++i)
        said.push_back(entry("k" + std::to_string(i), i, std::string(50, 'v')));
    seeded_rng rng{1};
    for (int round = 0; round < 3; ++round) {
        entry_store store{plenty};
        for (bytes const& e : said) (void)merge(store, 0, e);
        CHECK(store.count(0) == limits::entries);
        CHECK(store.check_invariants() == 0);
        CHECK(store.find(0, "k60") == entry_store::none);
        CHECK(store.find(0, "k61") != entry_store::none);
        CHECK_FALSE(merge(store, 0, said[3])); // too old, and nothing is lost for it
        CHECK(store.count(0) == limits::entries);
        if (round == 0) CHECK(store.evicted() == 60);
        std::reverse(said.begin(), said.end());
        if (round == 1)
            for (std::size_t i = said.size(); i > 1; --i)
                std::swap(said[i - 1], said[uniform(rng, static_cast<std::uint64_t>(i))]);
    }
    entry_store large{plenty};
    for (std::uint64_t i = 1; i <= limits::entries; ++i)
        (void)merge(large, 0, entry("k" + std::to_string(i), i, std::string(limits::entry_value, 'v')));
    CHECK(large.bytes(0) <= limits::entry_bytes);
    CHECK(large.bytes(0) > limits::entry_bytes - entry_view::most);
    CHECK(large.find(0, "k" + std::to_string(limits::entries)) != entry_store::none);
    CHECK(large.check_invariants() == 0);
    // What is changed in place needs no more room than the difference.
    auto const count = large.count(0);
    CHECK(merge(large, 0, entry("k" + std::to_string(limits::entries), 1000, std::string(limits::entry_value, 'w'))));
    CHECK(large.count(0) == count);

    entry_store erased{plenty};
    for (std::uint64_t i = 1; i <= limits::erased + 10; ++i)
        CHECK(merge(erased, 0, entry("k" + std::to_string(i), i, "", true)));
    CHECK(erased.erased(0) == limits::erased);
    CHECK(erased.find(0, "k10") == entry_store::none);
    CHECK(erased.check_invariants() == 0);
}

TEST_CASE("all members' entries together have a cap that whoever fills the store asks about first") {
    entry_store store{4000};
    slot owner = 0;
    while (store.fits(entry("key", 1).size())) REQUIRE(merge(store, owner++, entry("key", 1)));
    CHECK(owner > 10);
    CHECK(store.memory() <= 4000);
    CHECK_FALSE(store.fits(1000));
    store.forget(3);
    CHECK(store.fits(entry("key", 1).size()));
}

TEST_CASE("what was erased is forgotten in time, and of one member never") {
    entry_store store{plenty};
    auto const at = [](int seconds) { return time_point{} + std::chrono::seconds{seconds}; };
    merge(store, 1, entry("a", 2, "", true), at(10));
    merge(store, 1, entry("b", 3, "", true), at(20));
    merge(store, 1, entry("c", 3), at(1));
    merge(store, 2, entry("a", 1, "", true), at(10));
    CHECK_FALSE(merge(store, 1, entry("a", 1, "old"), at(11)));
    store.expire(at(10), 2);
    CHECK(store.find(1, "a") == entry_store::none);
    CHECK(store.find(1, "b") != entry_store::none);
    CHECK(store.find(1, "c") != entry_store::none);
    CHECK(store.find(2, "a") != entry_store::none);
    CHECK(store.check_invariants() == 0);
}

TEST_CASE("news is told least told first, as often as the limit says, and a new version starts again") {
    entry_store store{plenty};
    auto const put = [&](char const* key, std::uint64_t version) {
        bytes const made = entry(key, version);
        REQUIRE(merge(store, 0, made));
        store.push(store.find(0, key));
    };
    put("a", 1);
    put("b", 2);
    CHECK(store.queued() == 2);
    CHECK(store.has_fresh());
    std::vector<std::string> told;
    auto const tell = [&](std::size_t most) {
        told.clear();
        store.fill(3, [&](byte_view e) {
            if (told.size() == most) return false;
            told.emplace_back(entry_view::trusted(e).key());
            return true;
        });
        return told;
    };
    using list = std::vector<std::string>;
    CHECK(tell(1) == list{"b"});
    CHECK(store.check_invariants() == 0);
    CHECK(tell(1) == list{"a"});
    CHECK_FALSE(store.has_fresh());
    put("b", 3);
    CHECK(tell(1) == list{"b"});
    CHECK(tell(2).size() == 2);
    CHECK(tell(2).size() == 2);
    CHECK(tell(2).empty());
    CHECK(store.queued() == 0);
    put("a", 9);
    store.forget(0);
    CHECK(store.queued() == 0);
    CHECK(store.check_invariants() == 0);
    // Who hears it from others has told it once less to tell.
    put("a", 1);
    store.count(store.find(0, "a"), 3);
    store.count(store.find(0, "a"), 3);
    CHECK(store.queued() == 1);
    store.count(store.find(0, "a"), 3);
    CHECK(store.queued() == 0);
    store.count(store.find(0, "a"), 3);
    store.forget(0);
    // A smaller cluster needs less telling.
    put("a", 1);
    store.fill(9, [](byte_view) { return true; });
    store.fill(9, [](byte_view) { return true; });
    store.fill(2, [](byte_view) { return true; });
    CHECK(store.queued() == 0);
}

TEST_CASE("changing, erasing and putting again what is there allocates nothing") {
    entry_store store{plenty};
    bytes const first = entry("k", 1, "value"), gone = entry("k", 2, "", true), again = entry("k", 3, "other"),
                more = entry("k", 4, "still");
    (void)merge(store, 0, first);
    std::size_t const before = tests::allocations::count();
    bool held = merge(store, 0, gone);
    held = merge(store, 0, again) && held;
    store.push(store.find(0, "k"));
    held = merge(store, 0, more) && held;
    std::size_t const after = tests::allocations::count();
    CHECK(held);
    CHECK(after == before);
}

TEST_CASE("a store without entries takes no memory for them") {
    std::size_t const before = tests::allocations::count();
    entry_store const store{plenty};
    bool const nothing = store.find(5, "k") == entry_store::none && store.sum(5) == 0;
    CHECK(tests::allocations::count() == before);
    CHECK(nothing);
}
