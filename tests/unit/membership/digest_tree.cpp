// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::digest_tree and key_ranges: against plain maps.
#include <peerkit/membership/digest_tree.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <map>
#include <set>

#include <peerkit/core/rng.hpp>
#include <peerkit/membership/member_table.hpp>
#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;

TEST_CASE("a fingerprint depends on the member, its incarnation and its record") {
    std::set<std::uint64_t> seen;
    for (std::uint64_t key : {0U, 1U, 2U}) {
        for (std::uint64_t incarnation : {0U, 1U, 2U}) {
            for (std::uint64_t mark : {0U, 1U, 2U}) seen.insert(fingerprint(short_id{key}, incarnation, mark));
        }
    }
    CHECK(seen.size() == 27);
    // The value is part of the protocol: docs/wire.md.
    static_assert(fingerprint(short_id{0x03a107bff3ce10be}, 1700000000000000, 0x0f67c6ac944413ef) ==
                  0xfd403e6a0266381f);
    // One bit of input changes about half of the output.
    int changed = 0;
    for (unsigned bit = 0; bit < 64; ++bit)
        changed +=
            std::popcount(fingerprint(short_id{1}, 5, 9) ^ fingerprint(short_id{1}, 5 ^ std::uint64_t{1} << bit, 9));
    CHECK(changed > 64 * 28);
    CHECK(changed < 64 * 36);
}

TEST_CASE("the sums agree with a map over random changes, in every width") {
    seeded_rng rng{3};
    std::map<std::uint64_t, std::uint64_t> model;
    digest_tree tree;
    for (int step = 0; step < 3000; ++step) {
        std::uint64_t const key = uniform(rng, std::uint64_t{300}) * 0x9e3779b97f4a7c15ULL;
        if (auto const known = model.find(key); known != model.end()) {
            tree.remove(short_id{key}, known->second);
            model.erase(known);
        } else {
            model[key] = rng();
            tree.add(short_id{key}, model[key]);
        }
        if (step % 100 != 0) continue;
        std::uint64_t root = 0;
        for (auto const& [k, print] : model) root += print;
        REQUIRE(tree.root() == root);
        for (unsigned bits = 0; bits <= digest_tree::top_bits; ++bits) {
            std::map<std::uint64_t, std::uint64_t> sums;
            for (auto const& [k, print] : model) sums[bits == 0 ? 0 : k >> (64 - bits)] += print;
            for (std::uint32_t range = 0; range < 1U << bits; ++range) REQUIRE(tree.sum(bits, range) == sums[range]);
        }
    }
}

TEST_CASE("what was added and taken away again leaves nothing") {
    digest_tree tree;
    for (std::uint64_t i = 0; i < 1000; ++i) tree.add(short_id{i << 54U}, ~i);
    CHECK_FALSE(tree == digest_tree{});
    for (std::uint64_t i = 1000; i-- > 0;) tree.remove(short_id{i << 54U}, ~i);
    CHECK(tree == digest_tree{});
}

TEST_CASE("a table counts who is reachable, and not its tombstones") {
    member_table table{10, 1};
    tests::puppet a{1}, b{2};
    auto const record = [](tests::bytes const& bytes) { return wire::record_view::trusted(bytes); };
    tests::bytes const first = a.record(5), second = b.record(6), newer = a.record(9);
    slot const at = table.insert(record(first), member_state::alive, time_point{});
    std::uint64_t const alone = table.digest().root();
    CHECK(alone == table[at].fingerprint());
    slot const other = table.insert(record(second), member_state::dead, time_point{});
    CHECK(table.digest().root() == alone);
    table.set_state(at, member_state::suspect, time_point{});
    CHECK(table.digest().root() == alone);
    table.set_state(other, member_state::alive, time_point{});
    CHECK(table.digest().root() == alone + table[other].fingerprint());
    table.replace(at, record(newer));
    CHECK(table.digest().root() != alone + table[other].fingerprint());
    CHECK(table.digest().root() == table[at].fingerprint() + table[other].fingerprint());
    table.set_state(at, member_state::left, time_point{});
    table.replace(at, record(first));
    CHECK(table.digest().root() == table[other].fingerprint());
    table.erase(at);
    table.erase(other);
    CHECK(table.digest() == digest_tree{});
    CHECK(table.check_invariants() == 0);
}

TEST_CASE("ranges find the keys in them, and no others, in every width") {
    seeded_rng rng{4};
    for (unsigned bits = 0; bits <= key_ranges::most_bits; ++bits) {
        key_ranges ranges;
        ranges.reset(bits);
        std::map<std::uint64_t, std::size_t> model;
        std::uint64_t const all = std::uint64_t{1} << bits;
        std::set<std::uint64_t> chosen{0, all - 1};
        for (int i = 0; i < 20; ++i) chosen.insert(uniform(rng, all));
        for (std::uint64_t const range : chosen) {
            REQUIRE(ranges.add(static_cast<std::uint32_t>(range)));
            model[range] = ranges.size() - 1;
        }
        CHECK(ranges.size() == chosen.size());
        auto const check = [&](std::uint64_t key) {
            auto const at = model.find(bits == 0 ? 0 : key >> (64 - bits));
            REQUIRE(ranges.place_of(short_id{key}) == (at == model.end() ? key_ranges::none : at->second));
        };
        for (int i = 0; i < 500; ++i) check(rng());
        for (std::uint64_t const range : chosen) {
            std::uint64_t const low = bits == 0 ? 0 : range << (64 - bits);
            check(low);
            check(low + (bits == 0 ? ~std::uint64_t{0} : (~std::uint64_t{0} >> bits)));
        }
    }
}

TEST_CASE("the fingerprint of an entry depends on its version and its signature") {
    CHECK(entry_fingerprint(1, 2) == entry_fingerprint(1, 2));
    CHECK(entry_fingerprint(1, 2) != entry_fingerprint(2, 1));
    CHECK(entry_fingerprint(1, 2) != entry_fingerprint(1, 3));
    // By the second implementation: mixed(mixed(7) ^ 9).
    CHECK(entry_fingerprint(7, 9) == 0x845c091421549e4aULL);
}

TEST_CASE("ranges are added in ascending order, and exist") {
    key_ranges ranges;
    ranges.reset(4);
    CHECK(ranges.add(3));
    CHECK_FALSE(ranges.add(3));
    CHECK_FALSE(ranges.add(2));
    CHECK(ranges.add(15));
    CHECK_FALSE(ranges.add(16));
    CHECK(ranges.size() == 2);
    ranges.reset(4);
    CHECK(ranges.empty());
    CHECK(ranges.place_of(short_id{3ULL << 60U}) == key_ranges::none);
}
