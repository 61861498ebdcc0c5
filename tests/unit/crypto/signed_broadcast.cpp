// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of signed broadcasts: round trip, golden vector, every flipped bit, other keys, networks and purposes.
#include <peerkit/crypto/signed_broadcast.hpp>

#include <doctest/doctest.h>

#include "golden.hpp"

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/signed_record.hpp>

using namespace peerkit;
using crypto::ed25519_identity;
using crypto::fake_identity;
using tests::bytes;
using tests::golden_identity;
using tests::golden_network;
using wire::broadcast_view;
using wire::wire_error;

namespace {

template <typename Identity>
bytes signed_by(Identity const& identity, network_id const& network, byte_view payload) {
    bytes out(limits::stream_frame);
    crypto::signing_room room;
    auto const made = crypto::sign_broadcast(identity, network, 1'700'000'000'000'000, 3, "chat", payload, room, out);
    REQUIRE(made);
    out.resize(made->bytes().size());
    return out;
}

template <typename Identity>
bool accepted(byte_view stored, node_id const& origin, network_id const& network) {
    crypto::signing_room room;
    auto const read = broadcast_view::parse(stored);
    return read && crypto::verify_broadcast<Identity>(*read, origin, network, room);
}

} // namespace

TEST_CASE("a broadcast is signed as another implementation signs it, and verifies") {
    auto const identity = golden_identity();
    bytes const payload = tests::vector_of("user_messages.txt", "payload");
    bytes const made = signed_by(identity, golden_network(), payload);
    CHECK(made == tests::vector_of("user_messages.txt", "broadcast"));
    CHECK(accepted<ed25519_identity>(made, identity.id(), golden_network()));
}

TEST_CASE("no bit of a broadcast can be changed unnoticed") {
    auto const identity = golden_identity();
    bytes made = signed_by(identity, golden_network(), as_bytes("hello"));
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < made.size() * 8; ++bit) {
        made[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        refused += accepted<ed25519_identity>(made, identity.id(), golden_network()) ? 0U : 1U;
        made[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
    CHECK(refused == made.size() * 8);
}

TEST_CASE("a broadcast counts for its origin and its network only, and is no announcement") {
    fake_identity const origin{1}, other{2};
    bytes const made = signed_by(origin, network_id{}, as_bytes("hello"));
    CHECK(accepted<fake_identity>(made, origin.id(), network_id{}));
    CHECK_FALSE(accepted<fake_identity>(made, other.id(), network_id{}));
    network_id elsewhere{};
    elsewhere.bytes[0] = std::byte{1};
    CHECK_FALSE(accepted<fake_identity>(made, origin.id(), elsewhere));
    CHECK(crypto::broadcast_domain != crypto::announcement_domain);
    CHECK(crypto::broadcast_domain.back() == '\0');
}

TEST_CASE("what may not be said is not signed") {
    fake_identity const origin{1};
    crypto::signing_room room;
    bytes out(2 * limits::stream_frame);
    auto const sign = [&](std::uint64_t sequence, std::string_view topic, std::size_t payload, byte_span into) {
        return crypto::sign_broadcast(origin, network_id{}, 1, sequence, topic, bytes(payload), room, into);
    };
    CHECK(sign(1, "t", limits::payload, out));
    CHECK(sign(1, "", 0, out).error() == core_error::empty);
    CHECK(sign(1, "a b", 0, out).error() == core_error::bad_character);
    CHECK(sign(1, "t", limits::payload + 1, out).error() == wire_error::bad_length);
    CHECK(sign(0, "t", 0, out).error() == wire_error::reserved_incarnation);
    CHECK(sign(1, "t", 10, byte_span{out}.first(50)).error() == wire_error::no_room);
}
