// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of whom a node has forgotten.
#include <peerkit/membership/forgotten.hpp>

#include <doctest/doctest.h>

using peerkit::short_id;
using peerkit::membership::forgotten;

TEST_CASE("the incarnation that was forgotten is covered, and all before it, but none after") {
    forgotten f;
    CHECK_FALSE(f.covers(short_id{7}, 1));
    CHECK_FALSE(f.covers(short_id{0}, 0));
    f.add(short_id{7}, 5);
    CHECK(f.covers(short_id{7}, 4));
    CHECK(f.covers(short_id{7}, 5));
    CHECK_FALSE(f.covers(short_id{7}, 6));
    CHECK_FALSE(f.covers(short_id{8}, 5));
    f.add(short_id{7}, 9);
    CHECK(f.covers(short_id{7}, 9));
}

TEST_CASE("of two that fall to one place the later stays") {
    forgotten f;
    f.add(short_id{7}, 5);
    f.add(short_id{7 + forgotten::places}, 3);
    CHECK_FALSE(f.covers(short_id{7}, 5));
    CHECK(f.covers(short_id{7 + forgotten::places}, 3));
}
