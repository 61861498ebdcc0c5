// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of signed announcements: round trip, every flipped bit, other keys, networks and purposes.
#include <peerkit/crypto/signed_record.hpp>

#include <doctest/doctest.h>

#include "golden.hpp"
#include "unit/wire/samples.hpp"

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_name.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

using namespace peerkit;
using crypto::ed25519_identity;
using crypto::fake_identity;
using tests::bytes;
using tests::golden_identity;
using wire::record_view;
using wire::wire_error;

namespace {

template <typename Identity>
bytes signed_by(Identity const& identity, network_id const& network, description const& d = tests::full_description()) {
    bytes out(limits::record);
    auto const record = crypto::sign_record(identity, network, d, 1'700'000'000'000'000, false, out);
    REQUIRE(record);
    CHECK(record->bytes().data() == out.data());
    out.resize(record->size());
    return out;
}

template <typename Identity>
bool accepted(byte_view stored, network_id const& network) {
    auto const record = record_view::parse(stored);
    return record && crypto::verify_record<Identity>(*record, network);
}

} // namespace

TEST_CASE("a signed record is the golden vector, byte for byte") {
    network_id const network = crypto::network_id_of("example");
    bytes const golden = tests::vector_of("record.txt", "full");
    CHECK(signed_by(golden_identity(), network) == golden);
    CHECK(accepted<ed25519_identity>(golden, network));
    CHECK(accepted<ed25519_identity>(tests::vector_of("record.txt", "least_left"), network));
}

TEST_CASE("a record with any bit flipped is refused") {
    network_id const network = crypto::network_id_of("example");
    bytes const good = signed_by(golden_identity(), network);
    fake_identity const fake{5};
    bytes const good_fake = signed_by(fake, network);
    int structurally_fine = 0;
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        bytes bad = good;
        bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        structurally_fine += record_view::parse(bad) ? 1 : 0;
        REQUIRE_FALSE(accepted<ed25519_identity>(bad, network));
        bad = good_fake;
        bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        REQUIRE_FALSE(accepted<fake_identity>(bad, network));
    }
    CHECK(structurally_fine > 900); // so it was the signature that refused them
    CHECK(accepted<ed25519_identity>(good, network));
    CHECK(accepted<fake_identity>(good_fake, network));
}

TEST_CASE("a record counts in its own network only") {
    bytes const stored = signed_by(golden_identity(), crypto::network_id_of("example"));
    CHECK_FALSE(accepted<ed25519_identity>(stored, crypto::network_id_of("example2")));
    CHECK_FALSE(accepted<ed25519_identity>(stored, network_id{}));
}

TEST_CASE("a record signed by another key than the one it names is refused") {
    network_id const network = crypto::network_id_of("example");
    bytes stored = signed_by(golden_identity(), network);
    node_id const other = ed25519_identity::generate()->id();
    copy_bytes(other.bytes, byte_span{stored}.subspan(wire::record_layout::id));
    CHECK_FALSE(accepted<ed25519_identity>(stored, network));

    // A valid record of another node, given this node's id.
    ed25519_identity const thief = std::move(*ed25519_identity::generate());
    bytes forged = signed_by(thief, network);
    CHECK(accepted<ed25519_identity>(forged, network));
    copy_bytes(golden_identity().id().bytes, byte_span{forged}.subspan(wire::record_layout::id));
    CHECK_FALSE(accepted<ed25519_identity>(forged, network));
}

TEST_CASE("a signature made for another purpose is refused") {
    network_id const network = crypto::network_id_of("example");
    ed25519_identity const me = golden_identity();
    bytes stored = signed_by(me, network);
    std::size_t const unsigned_size = stored.size() - 64;
    auto const resigned = [&](std::string_view domain) {
        bytes message;
        for (byte_view const part :
             {as_bytes(domain), byte_view{network.bytes}, byte_view{stored}.first(unsigned_size)}) {
            message.insert(message.end(), part.begin(), part.end());
        }
        bytes made = stored;
        copy_bytes(me.sign(message), byte_span{made}.subspan(unsigned_size));
        return made;
    };
    CHECK(resigned(crypto::announcement_domain) == stored);
    CHECK_FALSE(accepted<ed25519_identity>(resigned("peerkit/announcement/1"), network)); // without its zero byte
    CHECK_FALSE(accepted<ed25519_identity>(resigned({"peerkit/announcement/2\0", 23}), network));
    CHECK_FALSE(accepted<ed25519_identity>(resigned(""), network));
}

TEST_CASE("a record with an all-zero or borrowed signature is refused") {
    network_id const network = crypto::network_id_of("example");
    bytes stored = signed_by(golden_identity(), network);
    bytes const other = signed_by(golden_identity(), crypto::network_id_of("other"));
    std::copy(other.end() - 64, other.end(), stored.end() - 64);
    CHECK_FALSE(accepted<ed25519_identity>(stored, network));
    std::fill(stored.end() - 64, stored.end(), std::byte{0});
    CHECK_FALSE(accepted<ed25519_identity>(stored, network));
}

TEST_CASE("signing needs room for record and signature, and a description in order") {
    network_id const network{};
    fake_identity const me{1};
    std::size_t const size = signed_by(me, network).size();
    bytes out(size);
    auto const attempt = [&](std::size_t room, description const& d = tests::full_description()) {
        return crypto::sign_record(me, network, d, 1, false, byte_span{out}.first(room));
    };
    CHECK(attempt(size));
    auto const tight = attempt(size - 1);
    REQUIRE_FALSE(tight);
    CHECK(tight.error() == wire_error::no_room);
    CHECK(tight.error().position() == size);
    CHECK(tight.error().field() == "signature");
    CHECK(attempt(size - 65).error() == wire_error::no_room);
    description unordered = tests::full_description();
    std::swap(unordered.roles[0], unordered.roles[1]);
    CHECK(attempt(size, unordered).error() == wire_error::not_canonical);
}

TEST_CASE("the largest record can be signed and verified") {
    description d = tests::full_description();
    d.labels.clear();
    std::size_t room = limits::record - tests::unsigned_record(d).size();
    for (char key = 'a'; room > 3; ++key) {
        std::size_t const value = std::min(limits::label_value, room - 3);
        d.labels.push_back({std::string(1, key), std::string(value, 'v')});
        room -= 3 + value;
    }
    bytes const stored = signed_by(golden_identity(), network_id{}, d);
    CHECK(stored.size() + room == limits::record);
    CHECK(accepted<ed25519_identity>(stored, network_id{}));
}

TEST_CASE("any record that can be signed verifies") {
    seeded_rng rng{0x516e};
    fake_identity const me{3};
    int verified = 0;
    for (int i = 0; i < 1000; ++i) {
        bytes out(limits::record);
        auto const record =
            crypto::sign_record(me, network_id{}, tests::random_description(rng), 1 + rng() / 4, i % 2 == 0, out);
        if (!record) continue;
        CHECK(record->left() == (i % 2 == 0));
        REQUIRE(accepted<fake_identity>(record->bytes(), network_id{}));
        ++verified;
    }
    CHECK(verified > 400);
}
