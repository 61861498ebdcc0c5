// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/byte_pool.hpp.
#include <peerkit/sim/byte_pool.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

using namespace peerkit;

TEST_CASE("buffers of every size hold what is written, apart from each other") {
    sim::byte_pool pool;
    struct taken {
        sim::buffer_id id;
        std::size_t size;
        std::byte mark;
    };
    std::vector<taken> all;
    for (int round = 0; round < 40; ++round) {
        for (std::size_t const size :
             {std::size_t{0}, std::size_t{1}, std::size_t{256}, std::size_t{257}, std::size_t{1280}, std::size_t{1281},
              std::size_t{8193}, sim::byte_pool::max_size}) {
            taken const t{pool.take(size), size, static_cast<std::byte>(all.size() * 7 + 1)};
            std::memset(pool.data(t.id), std::to_integer<int>(t.mark), size);
            all.push_back(t);
        }
    }
    CHECK(pool.in_use() == all.size());
    for (taken const& t : all) {
        bool intact = true;
        for (std::size_t i = 0; i < t.size; ++i) intact = intact && pool.data(t.id)[i] == t.mark;
        CHECK(intact);
        pool.give_back(t.id);
    }
    CHECK(pool.in_use() == 0);
}

TEST_CASE("what was given back is used again before more is obtained") {
    sim::byte_pool pool;
    sim::buffer_id const first = pool.take(100);
    std::size_t const reserved = pool.reserved();
    CHECK(reserved > 0);
    for (int i = 0; i < 1000; ++i) {
        pool.give_back(first);
        CHECK(pool.take(80) == first);
    }
    CHECK(pool.reserved() == reserved);
}
