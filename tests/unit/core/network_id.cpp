// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the network id.
#include <peerkit/core/network_id.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <type_traits>

using peerkit::network_id;

namespace {

static_assert(std::is_trivially_copyable_v<network_id>);
static_assert(sizeof(network_id) == 16, "it is copied under signatures and seals as it stands");
static_assert(network_id{} == network_id{});

} // namespace

TEST_CASE("network ids are equal exactly if all sixteen bytes are") {
    for (std::size_t i = 0; i < 16; ++i) {
        network_id one, other;
        one.bytes[i] = std::byte{1};
        CHECK(one != other);
        other.bytes[i] = std::byte{1};
        CHECK(one == other);
    }
}
