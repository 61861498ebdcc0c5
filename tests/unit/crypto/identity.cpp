// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the Ed25519 identity: round trips, secrets, and which signatures are accepted.
#include <peerkit/crypto/identity.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>
#include <string>
#include <type_traits>
#include <utility>

using namespace peerkit;
using crypto::crypto_error;
using crypto::ed25519_identity;

namespace {

ed25519_identity from_vector() {
    tests::bytes const seed = tests::vector_of("record.txt", "seed");
    std::array<std::byte, 32> raw{};
    if (seed.size() == raw.size()) copy_bytes(seed, raw);
    return std::move(*ed25519_identity::from_seed(raw));
}

} // namespace

static_assert(!std::is_copy_constructible_v<ed25519_identity> && !std::is_default_constructible_v<ed25519_identity>);
static_assert(std::is_nothrow_move_constructible_v<ed25519_identity>);

TEST_CASE("an identity from a seed is the one of the golden vector") {
    ed25519_identity const me = from_vector();
    CHECK(equal(me.id().bytes, tests::vector_of("record.txt", "id")));
    CHECK(equal(me.seed().view(), tests::vector_of("record.txt", "seed")));
}

TEST_CASE("new identities differ and survive the way through their seed") {
    auto const one = ed25519_identity::generate(), two = ed25519_identity::generate();
    REQUIRE(one);
    REQUIRE(two);
    CHECK(one->id() != two->id());
    CHECK(ed25519_identity::admissible(one->id()));
    auto const seed = one->seed();
    auto const again = ed25519_identity::from_seed(std::span<std::byte const, 32>{seed.view()});
    REQUIRE(again);
    CHECK(again->id() == one->id());
    CHECK(again->sign(as_bytes("x")) == one->sign(as_bytes("x")));
}

TEST_CASE("a seed of one value repeated is refused") {
    for (int const value : {0, 1, 255}) {
        std::array<std::byte, 32> seed;
        seed.fill(static_cast<std::byte>(value));
        auto const made = ed25519_identity::from_seed(seed);
        REQUIRE_FALSE(made);
        CHECK(made.error() == crypto_error::weak_key);
    }
}

TEST_CASE("a moved identity signs as before and leaves no secret behind") {
    ed25519_identity first = from_vector();
    auto const signature = first.sign(as_bytes("x"));
    ed25519_identity const second{std::move(first)};
    CHECK(second.sign(as_bytes("x")) == signature);
    CHECK(crypto::detail::is_one_value(first.seed().view())); // NOLINT: that is the point
}

TEST_CASE("a signature holds for its key and its message alone") {
    ed25519_identity const me = from_vector();
    std::string const message = "what I said";
    crypto::signature signature = me.sign(as_bytes(message));
    CHECK(ed25519_identity::verify(me.id(), as_bytes(message), signature));
    CHECK_FALSE(ed25519_identity::verify(me.id(), as_bytes("what I said."), signature));
    CHECK_FALSE(ed25519_identity::verify(ed25519_identity::generate()->id(), as_bytes(message), signature));
    CHECK_FALSE(ed25519_identity::verify(node_id{}, as_bytes(message), signature));
    for (std::size_t size = 0; size < 64; ++size) {
        CHECK_FALSE(ed25519_identity::verify(me.id(), as_bytes(message), byte_view{signature}.first(size)));
    }
    std::array<std::byte, 65> longer{};
    copy_bytes(signature, longer);
    CHECK_FALSE(ed25519_identity::verify(me.id(), as_bytes(message), longer));
    for (std::size_t bit = 0; bit < 512; ++bit) {
        signature[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK_FALSE(ed25519_identity::verify(me.id(), as_bytes(message), signature));
        signature[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
}

TEST_CASE("signatures on which implementations differ are decided as documented") {
    auto const edges = tests::all_vectors("signatures.txt");
    CHECK(edges.size() == 20);
    int accepted = 0;
    for (auto const& edge : edges) {
        std::string const& name = edge.first;
        tests::bytes const& value = edge.second;
        CAPTURE(name);
        REQUIRE(value.size() >= 96);
        byte_view const all{value};
        bool const accept = name.starts_with("accept");
        accepted += accept ? 1 : 0;
        CHECK(ed25519_identity::verify(node_id::from_bytes(all.first(32)), all.subspan(96), all.subspan(32, 64)) ==
              accept);
    }
    CHECK(accepted == 3);
}

TEST_CASE("keys that are no proper points are not admissible, whatever their signatures") {
    CHECK(ed25519_identity::admissible(from_vector().id()));
    CHECK_FALSE(ed25519_identity::admissible(node_id{}));
    int refused = 0;
    for (auto const& edge : tests::all_vectors("signatures.txt")) {
        std::string const& name = edge.first;
        if (name.find("order_key") == std::string::npos && name.find("non_canonical") == std::string::npos) continue;
        CAPTURE(name);
        CHECK_FALSE(ed25519_identity::admissible(node_id::from_bytes(byte_view{edge.second}.first(32))));
        ++refused;
    }
    CHECK(refused == 11);
}
