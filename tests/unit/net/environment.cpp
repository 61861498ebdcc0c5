// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading variables of the environment.
#include <peerkit/net/environment.hpp>

#include <doctest/doctest.h>

#include <cstdlib>

TEST_CASE("a variable that is set has its text, also an empty one; one that is not set has none") {
    ::setenv("PEERKIT_TEST_SET", "db1:9000", 1);
    ::setenv("PEERKIT_TEST_EMPTY", "", 1);
    ::unsetenv("PEERKIT_TEST_UNSET");
    CHECK(peerkit::net::read_environment({"PEERKIT_TEST_SET"}).text == "db1:9000");
    CHECK(peerkit::net::read_environment({"PEERKIT_TEST_EMPTY"}).text == "");
    CHECK_FALSE(peerkit::net::read_environment({"PEERKIT_TEST_UNSET"}).text);
}
