// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of bytes that are wiped.
#include <peerkit/crypto/secret_bytes.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

using namespace peerkit;
using secret = crypto::secret_bytes<16>;

namespace {

secret filled(std::uint8_t with) {
    std::array<std::byte, 16> bytes;
    bytes.fill(std::byte{with});
    return secret{bytes};
}

bool all(byte_view bytes, std::uint8_t value) {
    return std::all_of(bytes.begin(), bytes.end(), [&](std::byte b) { return b == std::byte{value}; });
}

} // namespace

static_assert(!std::is_copy_constructible_v<secret> && !std::is_copy_assignable_v<secret>);
static_assert(std::is_nothrow_move_constructible_v<secret> && std::is_nothrow_move_assignable_v<secret>);

TEST_CASE("a secret that is moved from is wiped") {
    secret from = filled(7);
    secret to{std::move(from)};
    CHECK(all(to.view(), 7));
    CHECK(all(from.view(), 0)); // NOLINT: that is the point
    secret other = filled(9);
    other = std::move(to);
    CHECK(all(other.view(), 7));
    CHECK(all(to.view(), 0)); // NOLINT: that is the point
    secret& same = other;
    other = std::move(same);
    CHECK(all(other.view(), 7));
    other.wipe();
    CHECK(all(other.view(), 0));
    CHECK(all(secret{}.view(), 0));
}

TEST_CASE("a secret that is destroyed leaves nothing in memory") {
    alignas(secret) std::array<std::byte, sizeof(secret)> place{};
    auto* const made = new (place.data()) secret{filled(0x5a)};
    auto const seen = [&] {
        std::byte const volatile* const at = place.data(); // the object there may be gone
        std::array<std::byte, 16> copy;
        for (std::size_t i = 0; i < copy.size(); ++i) copy[i] = at[i];
        return copy;
    };
    CHECK(all(seen(), 0x5a));
    std::destroy_at(made);
    CHECK(all(seen(), 0));
}

TEST_CASE("secrets compare by value") {
    CHECK(filled(1) == filled(1));
    CHECK_FALSE(filled(1) == filled(2));
    secret changed = filled(1);
    changed.span()[15] = std::byte{2};
    CHECK_FALSE(changed == filled(1));
}

TEST_CASE("one value repeated is told from anything else") {
    std::array<std::byte, 32> key{};
    CHECK(crypto::detail::is_one_value(key));
    key.fill(std::byte{0xff});
    CHECK(crypto::detail::is_one_value(key));
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = std::byte{0xfe};
        CHECK_FALSE(crypto::detail::is_one_value(key));
        key[i] = std::byte{0xff};
    }
}
