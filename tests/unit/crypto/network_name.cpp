// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of network ids made from names.
#include <peerkit/crypto/network_name.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

using namespace peerkit;

TEST_CASE("the id of a name is the one of the golden vector") {
    CHECK(equal(crypto::network_id_of("example").bytes, tests::vector_of("record.txt", "network_id")));
}

TEST_CASE("different names have different ids") {
    CHECK(crypto::network_id_of("example") == crypto::network_id_of("example"));
    CHECK(crypto::network_id_of("example") != crypto::network_id_of("Example"));
    CHECK(crypto::network_id_of("") != network_id{});
    CHECK(crypto::network_id_of("") != crypto::network_id_of({"\0", 1}));
}
