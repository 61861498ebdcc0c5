// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of how a registry's state travels.
#include <peerkit/registry/change.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;

TEST_CASE("a page holds copies of all that was seen in the table") {
    node_row const row = tests::registrant{1}.row(3);
    tombstone const gone = tombstone::of(tests::registrant{2}.row(4), 5);
    change_view const view{
        .epoch = 9, .since = 2, .to = 4, .base = 1, .more = true, .hash = 8, .rows = {&row}, .removed = {&gone}};
    change_page const page = view.to_page();
    CHECK(page.epoch == 9);
    CHECK(page.since == 2);
    CHECK(page.to == 4);
    CHECK(page.base == 1);
    CHECK(page.more);
    CHECK(page.hash == 8);
    REQUIRE(page.rows.size() == 1);
    CHECK(page.rows[0] == row);
    REQUIRE(page.removed.size() == 1);
    CHECK(page.removed[0] == gone);
}
