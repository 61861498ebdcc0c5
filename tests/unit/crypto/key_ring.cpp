// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sealing with network keys, and of changing them.
#include <peerkit/crypto/key_ring.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace peerkit;
using crypto::crypto_error;
using crypto::network_key;
using crypto::xchacha_sealing;

namespace {

network_key fresh() { return std::move(*network_key::generate()); }

network_key numbered(std::uint32_t n) {
    std::array<std::byte, 32> bytes{};
    store_big(bytes.data(), n + 1);
    return std::move(*network_key::from_bytes(bytes));
}

std::array<std::byte, 24> const nonce{std::byte{1}};

tests::bytes sealed_by(xchacha_sealing const& sealing) {
    tests::bytes text(40, std::byte{7});
    sealing.seal(nonce, as_bytes("ad"), text);
    return text;
}
bool opens(xchacha_sealing const& sealing, std::uint32_t id, tests::bytes text) {
    if (!sealing.open(id, nonce, as_bytes("ad"), text)) return false;
    return equal(byte_view{text}.first(24), tests::bytes(24, std::byte{7}));
}

} // namespace

static_assert(!std::is_copy_constructible_v<xchacha_sealing>);
static_assert(std::is_nothrow_move_constructible_v<xchacha_sealing>);

TEST_CASE("what one ring seals another with the same key opens, and one with another key does not") {
    network_key const key = fresh(), other = fresh();
    xchacha_sealing const a{key}, b{key}, c{other};
    tests::bytes const sealed = sealed_by(a);
    CHECK_FALSE(equal(byte_view{sealed}.first(24), tests::bytes(24, std::byte{7})));
    CHECK(opens(b, key.id(), sealed));
    CHECK_FALSE(opens(c, c.key_id(), sealed));
    CHECK_FALSE(opens(b, other.id(), sealed));
    CHECK(a.key_id() == key.id());
    CHECK(a.knows(key.id()));
    CHECK_FALSE(a.knows(other.id()));
    CHECK_FALSE(a.knows(0));
}

TEST_CASE("behaviour 38: a network changes its key without losing a frame") {
    network_key const old_key = fresh(), new_key = fresh();
    xchacha_sealing a{old_key}, b{old_key};
    auto const both_ways = [&] { return opens(a, b.key_id(), sealed_by(b)) && opens(b, a.key_id(), sealed_by(a)); };
    CHECK(both_ways());
    CHECK(a.install(new_key));
    CHECK(both_ways());
    CHECK(b.install(new_key));
    CHECK(both_ways());
    CHECK(a.use(new_key.id()));
    CHECK(a.key_id() == new_key.id());
    CHECK(both_ways());
    CHECK(b.use(new_key.id()));
    CHECK(both_ways());
    tests::bytes const recorded = [&] { return sealed_by(xchacha_sealing{old_key}); }();
    CHECK(opens(a, old_key.id(), recorded));
    CHECK(a.remove(old_key.id()));
    CHECK(b.remove(old_key.id()));
    CHECK(both_ways());
    CHECK_FALSE(opens(a, old_key.id(), recorded));
    CHECK_FALSE(a.knows(old_key.id()));
    CHECK(a.key_count() == 1);
}

TEST_CASE("behaviour 38: a ring refuses what would leave it without a key or with too many") {
    network_key const first = fresh(), second = fresh(), third = fresh();
    xchacha_sealing ring{first};
    CHECK(ring.install(first)); // held already
    CHECK(ring.key_count() == 1);
    CHECK(ring.install(second));
    CHECK(ring.install(second));
    CHECK(ring.key_count() == 2);

    auto const full = ring.install(third);
    REQUIRE_FALSE(full);
    CHECK(full.error() == crypto_error::key_ring_full);
    CHECK(full.error().position() == third.id());
    auto const unknown = ring.use(third.id());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error() == crypto_error::no_key);
    CHECK(unknown.error().position() == third.id());
    CHECK(ring.remove(third.id()).error() == crypto_error::no_key);
    auto const primary = ring.remove(first.id());
    REQUIRE_FALSE(primary);
    CHECK(primary.error() == crypto_error::key_in_use);
    CHECK(primary.error().position() == first.id());
    CHECK(ring.key_id() == first.id());
    CHECK(ring.key_count() == 2);

    CHECK(ring.use(first.id())); // already
    CHECK(ring.key_id() == first.id());
    CHECK(ring.remove(second.id()));
    CHECK(ring.remove(second.id()).error() == crypto_error::no_key);
    CHECK(ring.install(third));
}

TEST_CASE("two keys with one key id cannot be in a ring together") {
    // Found by drawing keys until two had the same id; checked here, so that they stay a collision.
    network_key const one = numbered(50398), two = numbered(81153), third = fresh();
    REQUIRE(one.id() == two.id());
    REQUIRE_FALSE(one == two);
    xchacha_sealing ring{one};
    auto const refused = ring.install(two);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == crypto_error::key_id_collision);
    CHECK(refused.error().position() == one.id());
    CHECK(ring.key_count() == 1);
    xchacha_sealing other{third};
    CHECK(other.install(one));
    CHECK(other.install(two).error() == crypto_error::key_id_collision);
    CHECK(other.install(one));
}

TEST_CASE("a removed key is wiped and a moved ring still opens") {
    network_key const key = fresh(), other = fresh();
    xchacha_sealing ring{key};
    CHECK(ring.install(other));
    auto const subkey = other.for_suite(xchacha_sealing::suite);
    auto const holds = [&](xchacha_sealing const& where) {
        std::array<std::byte, sizeof(xchacha_sealing)> raw;
        std::memcpy(raw.data(), static_cast<void const*>(&where), raw.size());
        for (std::size_t i = 0; i + 32 <= raw.size(); ++i) {
            if (equal(byte_view{raw}.subspan(i, 32), subkey.view())) return true;
        }
        return false;
    };
    CHECK(holds(ring));
    xchacha_sealing moved{std::move(ring)};
    CHECK_FALSE(holds(ring)); // NOLINT: that is the point
    CHECK(holds(moved));
    CHECK(opens(moved, key.id(), sealed_by(xchacha_sealing{key})));
    CHECK(moved.remove(other.id()));
    CHECK_FALSE(holds(moved));
}
