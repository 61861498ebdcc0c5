// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::farewell.
#include <peerkit/gossip/farewell.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using gossip::farewell;

TEST_CASE("a goodbye is confirmed by three different members, or by all there are") {
    farewell f;
    CHECK_FALSE(f.heard(0, short_id{1}));
    f.begin(7);
    CHECK(f.enough(0));
    CHECK_FALSE(f.enough(1));
    CHECK_FALSE(f.heard(8, short_id{1}));
    CHECK(f.heard(7, short_id{1}));
    CHECK(f.heard(7, short_id{1}));
    CHECK(f.confirmed() == 1);
    CHECK(f.enough(1));
    CHECK_FALSE(f.enough(2));
    CHECK(f.heard(7, short_id{}));
    CHECK(f.enough(2));
    CHECK_FALSE(f.enough(100));
    CHECK(f.heard(7, short_id{3}));
    CHECK(f.enough(100));
    CHECK(f.heard(7, short_id{4}));
    CHECK(f.confirmed() == 3);
    f.begin(9);
    CHECK(f.confirmed() == 0);
    CHECK_FALSE(f.heard(7, short_id{1}));
}
