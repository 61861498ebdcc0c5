// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::row_index against std::multimap, with hashes that collide in every way.
#include <peerkit/node/row_index.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

using peerkit::node::row_index;

namespace {

std::set<row_index::row> rows_under(row_index const& index, std::uint64_t hash) {
    std::set<row_index::row> rows;
    index.find(hash, [&](row_index::row at) {
        CHECK(rows.insert(at).second);
        return false;
    });
    return rows;
}

} // namespace

TEST_CASE("an empty index finds nothing and gives nothing back") {
    row_index index;
    CHECK(index.size() == 0);
    CHECK(rows_under(index, 7).empty());
    CHECK_FALSE(index.erase(7, 0));
}

TEST_CASE("finding stops when it is told to") {
    row_index index;
    index.insert(7, 1);
    index.insert(7, 2);
    int asked = 0;
    CHECK(index.find(7, [&](row_index::row) { return ++asked == 1; }));
    CHECK(asked == 1);
    CHECK_FALSE(index.find(8, [](row_index::row) { return true; }));
}

TEST_CASE("the index says what a set of pairs says, whatever is put in and taken out") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        peerkit::seeded_rng rng{seed};
        row_index index;
        std::set<std::pair<std::uint64_t, row_index::row>> model;
        // Few hashes, neighbouring cells: long runs that wrap around.
        std::vector<std::uint64_t> hashes;
        for (std::uint64_t i = 0; i < 24; ++i)
            hashes.push_back((peerkit::uniform(rng, std::uint64_t{16}) + 56) << 32U | i);
        for (int step = 0; step < 2000; ++step) {
            std::uint64_t const hash = hashes[peerkit::uniform(rng, std::uint64_t{24})];
            auto const row = static_cast<row_index::row>(peerkit::uniform(rng, std::uint64_t{6}));
            bool const grows = peerkit::happens(rng, step < 1000 ? 700'000 : 300'000);
            if (grows && model.insert({hash, row}).second)
                index.insert(hash, row);
            else if (!grows)
                CHECK(index.erase(hash, row) == (model.erase({hash, row}) == 1));
            REQUIRE(index.size() == model.size());
            if (step % 50 != 0) continue;
            for (std::uint64_t const h : hashes) {
                std::set<row_index::row> expected;
                for (auto const& [key, value] : model) {
                    if (key == h) expected.insert(value);
                }
                REQUIRE(rows_under(index, h) == expected);
            }
        }
    }
}
