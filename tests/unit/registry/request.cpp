// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of who asks a registry.
#include <peerkit/registry/request.hpp>

#include <doctest/doctest.h>

using namespace peerkit::registry;

TEST_CASE("whoever did not show the registries' token is no replica") {
    CHECK_FALSE(caller{}.is_replica());
    CHECK(caller{.replica = "east"}.is_replica());
}
