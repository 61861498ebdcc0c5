// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of signed entries: golden vectors, every flipped bit, other keys, networks and purposes.
#include <peerkit/crypto/signed_entry.hpp>

#include <doctest/doctest.h>

#include "golden.hpp"

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/signed_broadcast.hpp>
#include <peerkit/crypto/signed_record.hpp>

#include <string>

using namespace peerkit;
using crypto::ed25519_identity;
using crypto::fake_identity;
using tests::bytes;
using tests::golden_identity;
using tests::golden_network;
using wire::entry_view;
using wire::wire_error;

namespace {

template <typename Identity>
bytes signed_by(Identity const& identity, network_id const& network, std::uint64_t version, std::string_view key,
                std::string_view value, bool erased = false) {
    bytes out(entry_view::most);
    crypto::signing_room room;
    auto const made = crypto::sign_entry(identity, network, version, key, as_bytes(value), erased, room, out);
    REQUIRE(made);
    out.resize(made->bytes().size());
    return out;
}

template <typename Identity>
bool accepted(byte_view stored, node_id const& owner, network_id const& network) {
    crypto::signing_room room;
    auto const read = entry_view::parse(stored);
    return read && crypto::verify_entry<Identity>(*read, owner, network, room);
}

} // namespace

TEST_CASE("an entry is signed as another implementation signs it, and verifies") {
    auto const identity = golden_identity();
    constexpr std::uint64_t version = 1'700'000'000'000'000;
    bytes const put = signed_by(identity, golden_network(), version, "shard/7", "ready");
    bytes const erased = signed_by(identity, golden_network(), version + 1, "shard/8", "", true);
    CHECK(put == tests::vector_of("entries.txt", "put"));
    CHECK(erased == tests::vector_of("entries.txt", "erased"));
    CHECK(accepted<ed25519_identity>(put, identity.id(), golden_network()));
    CHECK(accepted<ed25519_identity>(erased, identity.id(), golden_network()));
}

TEST_CASE("no bit of an entry can be changed unnoticed") {
    auto const identity = golden_identity();
    bytes made = signed_by(identity, golden_network(), 7, "key", "value");
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < made.size() * 8; ++bit) {
        made[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        refused += accepted<ed25519_identity>(made, identity.id(), golden_network()) ? 0U : 1U;
        made[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
    CHECK(refused == made.size() * 8);
}

TEST_CASE("an entry counts for its owner and its network only, and is nothing else that is signed") {
    fake_identity const owner{1}, other{2};
    bytes const made = signed_by(owner, network_id{}, 7, "key", "value");
    CHECK(accepted<fake_identity>(made, owner.id(), network_id{}));
    CHECK_FALSE(accepted<fake_identity>(made, other.id(), network_id{}));
    network_id elsewhere{};
    elsewhere.bytes[0] = std::byte{1};
    CHECK_FALSE(accepted<fake_identity>(made, owner.id(), elsewhere));
    CHECK(crypto::entry_domain != crypto::announcement_domain);
    CHECK(crypto::entry_domain != crypto::broadcast_domain);
    CHECK(crypto::entry_domain.back() == '\0');
}

TEST_CASE("what is no entry is not signed, and the error says why") {
    fake_identity const owner{1};
    crypto::signing_room room;
    bytes out(2 * entry_view::most);
    auto const sign = [&](std::uint64_t version, std::string_view key, std::size_t value, bool erased, byte_span into) {
        return crypto::sign_entry(owner, network_id{}, version, key, bytes(value), erased, room, into);
    };
    CHECK(sign(1, "k", limits::entry_value, false, out));
    auto const large = sign(1, "k", limits::entry_value + 1, false, out);
    CHECK(large.error() == wire_error::bad_length);
    CHECK(large.error().position() == limits::entry_value + 1);
    CHECK(sign(1, "", 0, false, out).error() == core_error::empty);
    CHECK(sign(1, "a b", 0, false, out).error() == core_error::bad_character);
    CHECK(sign(1, std::string(64, 'k'), 0, false, out).error() == core_error::too_long);
    CHECK(sign(1, "k", 1, true, out).error() == wire_error::trailing_bytes);
    CHECK(sign(0, "k", 0, false, out).error() == wire_error::reserved_incarnation);
    CHECK(sign(limits::incarnation, "k", 0, false, out).error() == wire_error::reserved_incarnation);
    CHECK(sign(1, "k", 10, false, byte_span{out}.first(50)).error() == wire_error::no_room);
}
