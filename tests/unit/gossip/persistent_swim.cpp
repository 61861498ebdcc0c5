// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::persistent_swim: when it doubts itself.
#include <peerkit/gossip/persistent_swim.hpp>

#include <doctest/doctest.h>

using namespace peerkit;

static_assert(gossip::check_failure_detector<gossip::persistent_swim>());

TEST_CASE("silent helpers are taken for this node's own fault, twice in a row") {
    gossip::persistent_swim d;
    gossip::failed_probe const silent{short_id{1}, 6, 0};
    CHECK_FALSE(d.failed(silent));
    CHECK_FALSE(d.failed(silent));
    CHECK(d.failed(silent));
    CHECK_FALSE(d.failed(silent));
    d.answered(short_id{2}, true);
    CHECK_FALSE(d.failed(silent));
    CHECK_FALSE(d.failed(silent));
    CHECK(d.failed(silent));
}

TEST_CASE("a nack, or nobody to ask, leaves no doubt") {
    gossip::persistent_swim d;
    CHECK(d.failed({short_id{1}, 6, 1}));
    CHECK(d.failed({short_id{1}, 0, 0}));
}
