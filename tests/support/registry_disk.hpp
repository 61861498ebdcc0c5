// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a disk holds that carried out every durable change of a registry, for tests.
#ifndef PEERKIT_TESTS_SUPPORT_REGISTRY_DISK_HPP
#define PEERKIT_TESTS_SUPPORT_REGISTRY_DISK_HPP

#include <peerkit/registry/change.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <variant>

namespace tests {

/// What a registry keeps over its crashes.
struct registry_disk {
    std::uint64_t epoch = 0, version = 0, floor = 0;
    std::map<peerkit::node_id, peerkit::registry::node_row> rows{};
    std::map<peerkit::node_id, peerkit::registry::tombstone> removed{};
    std::map<std::uint64_t, peerkit::registry::write_queued> queue{};

    void store(peerkit::registry::durable_change const& change) {
        std::visit([this](auto const& c) { apply(c); }, change);
    }
    [[nodiscard]] peerkit::registry::saved_state load() const {
        peerkit::registry::saved_state s{.epoch = epoch, .version = version, .floor = floor};
        for (auto const& [id, row] : rows) s.rows.push_back(row);
        for (auto const& [id, gone] : removed) s.removed.push_back(gone);
        for (auto const& [number, write] : queue) s.queue.push_back(write);
        return s;
    }

private:
    void apply(peerkit::registry::row_put const& c) {
        removed.erase(c.row.id);
        rows[c.row.id] = c.row;
    }
    void apply(peerkit::registry::row_removed const& c) {
        rows.erase(c.gone.id);
        removed[c.gone.id] = c.gone;
    }
    void apply(peerkit::registry::row_touched const& c) {
        auto const at = rows.find(c.id);
        if (at == rows.end()) return;
        at->second.last_heartbeat_ms = c.last_heartbeat_ms;
        at->second.uptime_ms = c.uptime_ms;
        at->second.standing = c.standing;
    }
    void apply(peerkit::registry::table_reset const& c) {
        rows.clear(), removed.clear();
        version = floor = 0;
        epoch = c.epoch;
    }
    void apply(peerkit::registry::table_at const& c) {
        epoch = c.epoch, version = c.version, floor = c.floor;
        std::erase_if(removed, [&](auto const& entry) { return entry.second.version <= floor; });
    }
    void apply(peerkit::registry::write_queued const& c) { queue[c.number] = c; }
    void apply(peerkit::registry::write_done const& c) { queue.erase(c.number); }
};

} // namespace tests

#endif
