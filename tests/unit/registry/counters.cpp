// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the counters of a registry.
#include <peerkit/registry/counters.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace peerkit;
using namespace peerkit::registry;

TEST_CASE("a refusal is counted by its reason and handed on") {
    registry_counters count;
    error const why{registry_error::name_taken, 3, "node_name"};
    CHECK(count.refuse(why).position() == 3);
    CHECK(count.refusals(registry_error::name_taken) == 1);
    CHECK(count.refusals(registry_error::stale_record) == 0);
    (void)count.refuse(error{core_error::empty});
    CHECK(count.refusals(registry_error::name_taken) == 1);
    (void)count.refuse(error{registry_error::bad_option});
    CHECK(count.refusals(registry_error::bad_option) == 1);
}

TEST_CASE("every counter has a name of its own") {
    registry_counters count;
    std::uint64_t n = 0;
    count.registered = ++n, count.changed = ++n, count.refreshed = ++n, count.heartbeats = ++n, count.removed = ++n;
    count.offline = ++n, count.expired = ++n, count.evicted = ++n, count.queued = ++n, count.replayed = ++n;
    count.replay_refused = ++n, count.pages = ++n, count.snapshots = ++n, count.divergences = ++n;
    count.root_failures = ++n, count.beats_refused = ++n;
    std::set<std::string_view> names;
    std::uint64_t sum = 0;
    count.for_each([&](std::string_view name, std::uint64_t value) { names.insert(name), sum += value; });
    CHECK(names.size() == n);
    CHECK(sum == n * (n + 1) / 2);
    CHECK(sizeof count == sizeof count.refused + n * sizeof n); // none was left out here
}
