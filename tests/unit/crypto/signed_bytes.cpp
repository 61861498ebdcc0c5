// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what is signed: domain, network and bytes, in that order and nothing else.
#include <peerkit/crypto/signed_bytes.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace peerkit;

TEST_CASE("what is signed is the domain, the network and the bytes, whatever was put together before") {
    crypto::signing_room room;
    network_id network{};
    network.bytes.fill(static_cast<std::byte>('n'));
    (void)crypto::detail::bytes_to_sign("a longer domain", network, as_bytes("and longer bytes"), room);
    auto const size = room.size();
    byte_view const made = crypto::detail::bytes_to_sign("d", network, as_bytes("bytes"), room);
    CHECK(as_text(made) == "d" + std::string(16, 'n') + "bytes");
    CHECK(room.size() == size);
}
