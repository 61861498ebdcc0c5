// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// States worth storing, signed by identities that cost nothing.
#ifndef PEERKIT_TESTS_SUPPORT_STORED_HPP
#define PEERKIT_TESTS_SUPPORT_STORED_HPP

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/store/stored_state.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tests {

inline constexpr peerkit::store::record_check fake_check =
    &peerkit::crypto::verify_record<peerkit::crypto::fake_identity>;

/// The announcement of the node made from `seed`; empty if that cannot be.
[[nodiscard]] inline std::vector<std::byte> stored_record(std::uint64_t seed, peerkit::network_id const& network,
                                                          std::uint64_t incarnation = 1'700'000'000'000'000) {
    using namespace peerkit;
    description d;
    d.name = "node" + std::to_string(seed);
    d.addresses.push_back({ip_address::v4(192, 0, 2, static_cast<std::uint8_t>(seed)), {}});
    std::vector<std::byte> out(limits::record);
    auto const made = crypto::sign_record(crypto::fake_identity{seed}, network, d, incarnation, false, out);
    out.resize(made ? made->size() : 0);
    return out;
}

/// A state with something in every field; node 1 remembers nodes 2 to `1 + peers`.
[[nodiscard]] inline peerkit::store::stored_state stored_sample(std::size_t peers = 3) {
    using namespace peerkit;
    using discovery::provenance;
    store::stored_state state;
    state.owner = crypto::fake_identity{1}.id();
    state.network.bytes[0] = std::byte{0x7e};
    state.network.bytes[15] = std::byte{0x01};
    state.incarnation = 1'700'000'000'000'001;
    state.settings = {{"name", "db1"}, {"advertised", "192.0.2.1:9000"}, {"motto", "\"quoted\" \\ \n \x01 \xc3\xa9"}};
    state.registries = {"tnr.example.test:8000", "[2001:db8::7]:8001"};
    for (std::size_t i = 0; i < peers; ++i) {
        store::stored_peer peer;
        peer.record = stored_record(2 + i, state.network);
        peer.sources = i % 2 == 0 ? node::provenance_set{provenance::dns} | provenance::gossip
                                  : node::provenance_set{provenance::registry};
        if (i % 3 != 2) peer.last_endpoint = {ip_address::v4(192, 0, 2, static_cast<std::uint8_t>(2 + i)), 9000};
        if (i % 3 == 1) peer.last_endpoint = {*ip_address::parse("2001:db8::1"), 9001};
        peer.last_heard_ms = 1'700'000'000'000 + static_cast<std::int64_t>(i);
        state.peers.push_back(std::move(peer));
    }
    return state;
}

} // namespace tests

#endif
