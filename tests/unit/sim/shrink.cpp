// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/shrink.hpp against plans whose fault is known; tests/sim/sweep.cpp shrinks what real nodes do.
#include <peerkit/sim/shrink.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;
using sim::incident_kind;
using sim::plan;

namespace {

bool has(plan const& p, incident_kind what) {
    return std::any_of(p.incidents.begin(), p.incidents.end(), [&](auto const& i) { return i.what == what; });
}
plan large() {
    for (std::uint64_t seed = 1;; ++seed) {
        plan p = plan::draw(seed, {.nodes_least = 30});
        if (has(p, incident_kind::flap) && has(p, incident_kind::crash) && p.incidents.size() > 40) return p;
    }
}

} // namespace

TEST_CASE("of many incidents only those remain without which it goes right") {
    std::size_t asked = 0;
    plan const small = sim::shrink(large(), [&](plan const& p) {
        ++asked;
        return has(p, incident_kind::flap) && has(p, incident_kind::crash) && p.nodes > 3;
    });
    CHECK(small.incidents.size() == 2);
    CHECK(has(small, incident_kind::flap));
    CHECK(has(small, incident_kind::crash));
    CHECK(small.nodes <= 5);
    CHECK(small.strangers == 0);
    CHECK(small.join_within == duration::zero());
    CHECK(asked <= 400);
}

TEST_CASE("what fails without any incident shrinks to nothing, and what never fails stays as it is") {
    plan const p = large();
    CHECK(sim::shrink(p, [](plan const&) { return true; }).incidents.empty());
    CHECK(sim::shrink(p, [](plan const&) { return true; }).nodes == 1);
    CHECK(sim::shrink(p, [](plan const&) { return false; }) == p);
}

TEST_CASE("no more is tried than was allowed, and the result fails") {
    std::size_t asked = 0;
    auto const fails = [&](plan const& p) {
        ++asked;
        return has(p, incident_kind::flap);
    };
    plan const small = sim::shrink(large(), fails, 5);
    CHECK(asked == 5);
    CHECK(has(small, incident_kind::flap));
}
