// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the versions of services.
#include <peerkit/core/service_versions.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

using namespace peerkit;

namespace {

using list = std::vector<service>;

} // namespace

TEST_CASE("versions start at the seconds of the incarnation, or at one") {
    list now{{"a", 1}, {"b", 2}};
    service_versions{1'700'000'000'000'000}.number({}, now);
    CHECK(now[0].version == 1'700'000'001);
    CHECK(now[1].version == 1'700'000'002);
    service_versions{1}.number({}, now);
    CHECK(now[0].version == 1);
}

TEST_CASE("only what changes gets a new version, whatever part of it does") {
    service_versions versions{1};
    list before{{"a", 1, "x"}, {"b", 2, "y"}};
    versions.number({}, before);
    CHECK(versions.last() == 2);
    auto const changed = [&](service entry) {
        list now{before[0], std::move(entry)};
        now[0].version = 77; // what the host writes there is not looked at
        versions.number(before, now);
        CHECK(now[0].version == before[0].version);
        return now[1].version;
    };
    CHECK(changed({"b", 2, "y"}) == 2);
    CHECK(changed({"b", 3, "y"}) == 3);
    CHECK(changed({"b", 2, "z"}) == 4);
    CHECK(changed({"b", 2, "y", service_health::passing}) == 5);
    CHECK(changed({"c", 2, "y"}) == 6);
}

TEST_CASE("a service that was taken away and added again has a higher version") {
    service_versions versions{1};
    list first{{"a", 1}}, none, again{{"a", 1}};
    versions.number({}, first);
    versions.number(first, none);
    versions.number(none, again);
    CHECK(again[0].version > first[0].version);
}

TEST_CASE("versions end at the largest number") {
    service_versions versions{~std::uint64_t{0}};
    list now{{"a", 1}};
    versions.number({}, now);
    CHECK(now[0].version == std::numeric_limits<std::uint32_t>::max());
    versions.number({}, now);
    CHECK(now[0].version == std::numeric_limits<std::uint32_t>::max());
}
