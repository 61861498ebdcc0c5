// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Rows of a registry whose records are signed by fake identities, for the tests of its payloads.
#ifndef PEERKIT_TESTS_SUPPORT_SIGNED_ROWS_HPP
#define PEERKIT_TESTS_SUPPORT_SIGNED_ROWS_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/registry/node_row.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace test_support {

inline constexpr peerkit::network_id registry_network{{std::byte{7}, std::byte{1}}};

/// The announcement of node number `n`: "node<n>", roles, labels and two addresses as nodes have.
inline std::vector<std::byte> registry_record(unsigned n, std::uint64_t incarnation = 1, bool left = false,
                                              std::string name = {}) {
    peerkit::description d;
    d.name = name.empty() ? "node" + std::to_string(n) : name;
    d.gossip_port = 9000;
    d.version = "1.4.2";
    auto const low = static_cast<std::uint8_t>(n & 255U), high = static_cast<std::uint8_t>(n >> 8U & 255U);
    std::array<std::byte, 16> v6{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
    v6[14] = static_cast<std::byte>(high);
    v6[15] = static_cast<std::byte>(low);
    d.addresses.push_back({peerkit::ip_address::from_bytes(v6), 0, {}});
    d.addresses.push_back({peerkit::ip_address::v4(10, 1, high, low), 0, {}});
    d.roles = {n % 2 == 0 ? "database" : "worker"};
    d.labels = {{"zone", n % 3 == 0 ? "eu-west" : "us-east"}};
    static_cast<void>(peerkit::normalize(d));
    std::array<std::byte, peerkit::limits::record> room{};
    auto const record =
        peerkit::crypto::sign_record(peerkit::crypto::fake_identity{n}, registry_network, d, incarnation, left, room);
    return record ? std::vector<std::byte>{record->bytes().begin(), record->bytes().end()} : std::vector<std::byte>{};
}

inline peerkit::registry::node_row registry_row(unsigned n) {
    peerkit::registry::node_row row;
    row.record = registry_record(n);
    row.id = row.view().id();
    row.domain = "example.test";
    row.registry = "192.0.2.1:8000";
    row.found_by = "dns+mdns";
    row.lease.bytes[0] = static_cast<std::byte>(n | 1U);
    row.version = n;
    row.first_seen_ms = 1'790'000'000'000 + n;
    row.last_heartbeat_ms = row.first_seen_ms + 90'000;
    row.uptime_ms = 90'000;
    row.standing = 24'000;
    row.status = n % 5 == 0 ? peerkit::registry::node_status::offline : peerkit::registry::node_status::online;
    return row;
}

} // namespace test_support

#endif
