// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a node knows of members by experience.
#include <peerkit/membership/contact_log.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("who is forgotten has neither a round trip nor a moment at which it was heard, others keep theirs") {
    membership::contact_log log;
    for (membership::slot const at : {1U, 2U}) {
        log.trips.note(at, 3ms);
        log.heard.note(at, time_point{10s});
    }
    log.forget(1);
    CHECK_FALSE(log.trips.estimate(1));
    CHECK_FALSE(log.heard.find(1, time_point{10s}));
    CHECK(log.trips.estimate(2));
    CHECK(log.heard.find(2, time_point{10s}));
}
