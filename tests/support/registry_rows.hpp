// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Rows of a registry, and what its database should hold after changes.
#ifndef PEERKIT_TESTS_SUPPORT_REGISTRY_ROWS_HPP
#define PEERKIT_TESTS_SUPPORT_REGISTRY_ROWS_HPP

#include <peerkit/registry/change.hpp>
#include <peerkit/registry/node_row.hpp>

#include "support/stored.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace tests {

/// Node `seed` as a registry holds it at `version`.
[[nodiscard]] inline peerkit::registry::node_row registry_row(std::uint64_t seed, std::uint64_t version) {
    peerkit::registry::node_row row;
    row.id = peerkit::crypto::fake_identity{seed}.id();
    row.record = stored_record(seed, {});
    row.domain = "example.test";
    row.registry = "[2001:db8::1]:8000";
    row.found_by = "dns+mdns";
    row.lease.bytes[0] = static_cast<std::byte>(seed);
    row.lease.bytes[15] = std::byte{0xff};
    row.version = version;
    row.first_seen_ms = 1'700'000'000'000 + static_cast<std::int64_t>(seed);
    row.last_heartbeat_ms = 1'700'000'100'000;
    row.uptime_ms = 100'000;
    row.standing = 12'800;
    row.status = seed % 2 == 0 ? peerkit::registry::node_status::online : peerkit::registry::node_status::offline;
    return row;
}

/// Whether two stored states are the same; the order of what has equal versions does not matter.
[[nodiscard]] inline bool same(peerkit::registry::saved_state left, peerkit::registry::saved_state right) {
    auto const by_id = [](auto const& a, auto const& b) { return a.id < b.id; };
    for (auto* const state : {&left, &right}) {
        std::sort(state->rows.begin(), state->rows.end(), by_id);
        std::sort(state->removed.begin(), state->removed.end(), by_id);
    }
    auto const same_write = [](auto const& a, auto const& b) { return a.number == b.number && a.bytes == b.bytes; };
    return left.epoch == right.epoch && left.version == right.version && left.floor == right.floor &&
           left.rows == right.rows && left.removed == right.removed && left.queue.size() == right.queue.size() &&
           std::equal(left.queue.begin(), left.queue.end(), right.queue.begin(), same_write);
}

} // namespace tests

#endif
