// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The numbers of a registry: unit, range and reason of each, and the relations between them.
#ifndef PEERKIT_REGISTRY_REGISTRY_OPTIONS_HPP
#define PEERKIT_REGISTRY_REGISTRY_OPTIONS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_table.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

enum class registry_role : std::uint8_t {
    root,       ///< the authority: takes writes, decides who is online
    secondary,  ///< a public replica: serves reads, hands writes on
    integrated, ///< a replica inside a node's process
};

[[nodiscard]] constexpr std::string_view to_string(registry_role role) noexcept {
    switch (role) {
    case registry_role::root: return "root";
    case registry_role::secondary: return "secondary";
    case registry_role::integrated: return "integrated";
    }
    return "unknown";
}
/// The role of that name, or none.
[[nodiscard]] constexpr std::optional<registry_role> parse_role(std::string_view text) noexcept {
    if (text == "root") return registry_role::root;
    if (text == "secondary") return registry_role::secondary;
    if (text == "integrated") return registry_role::integrated;
    return std::nullopt;
}

/// How much one source address may ask for.
struct source_rate {
    std::uint32_t per_second = 0; ///< on average; 0: as much as it likes
    std::uint32_t burst = 0;      ///< at once
};

/// Options of a `registry_logic`. The defaults are for use; tests make times shorter.
struct registry_options {
    registry_role role = registry_role::root;
    network_id network{}; ///< the one network whose nodes may register
    std::string name{};   ///< of this registry, among its replicas; any text of 1 to 63 bytes
    std::string token{};  ///< what registries show each other; empty: no registry writes to another
    node_table::options table{};

    duration heartbeat_interval = std::chrono::seconds{30}; ///< what registrants are told
    unsigned missed_heartbeats = 3;                         ///< in a row, then a node is offline
    duration heartbeat_grace = std::chrono::seconds{5};     ///< for the way of the last of them
    duration expire_after = std::chrono::minutes{10};       ///< offline, then a node is forgotten
    duration name_hold = std::chrono::minutes{10};          ///< then its name may be another's
    duration remember_removals = std::chrono::hours{1};     ///< for replicas that are behind; at least `name_hold`
    /// With fewer nodes than this, silence of most is no sign that the registry is cut off.
    std::size_t preservation_min = 3;
    /// After this long the silence of most nodes is believed.
    duration preservation_limit = std::chrono::hours{1};
    /// For so long the nodes of a silent replica are believed to be with it.
    duration replica_hold = std::chrono::hours{24};

    source_rate writes{20, 400};         ///< registrations and deregistrations of one source
    source_rate requests{200, 2'000};    ///< requests of one source, of any kind
    std::size_t rows_of_source = 10'000; ///< nodes one source may have registered; loopback: all
    /// Loopback is a source like others: for a registry behind a proxy on its machine, where all come from there.
    bool limit_loopback = false;

    /// For a replica.
    duration refresh_interval = std::chrono::seconds{60}; ///< of changes, where long polls are not answered
    duration fetch_timeout = std::chrono::seconds{10};    ///< beyond what a long poll waits
    duration long_poll = std::chrono::seconds{55};        ///< 0: no long poll, only every `refresh_interval`
    duration retry_first = std::chrono::seconds{1};       ///< doubled with each failure
    duration retry_most = std::chrono::seconds{60};
    duration answer_wait = std::chrono::seconds{3};   ///< for the root, then a write is said to be queued
    duration beat_interval = std::chrono::seconds{5}; ///< of handing on heartbeats
    std::size_t queue_limit = 0;                      ///< writes kept for the root; 0: 1,000 integrated, else 5,000
    std::size_t page_rows = 1'000;                    ///< of a page of changes
    std::size_t page_bytes = 4U << 20U;

    /// Whether requests from there are not limited.
    [[nodiscard]] bool exempt(ip_address const& source) const noexcept {
        return source.is_loopback() && !limit_loopback;
    }
    [[nodiscard]] std::size_t queue_size() const noexcept {
        if (queue_limit != 0) return queue_limit;
        return role == registry_role::integrated ? 1'000 : 5'000;
    }
    /// Silent for this long, a node is offline.
    [[nodiscard]] duration offline_after() const noexcept {
        return heartbeat_interval * static_cast<int>(missed_heartbeats) + heartbeat_grace;
    }
};

/// Whether the options agree with each other. @par Errors `bad_option`, its field the first that does not.
[[nodiscard]] inline result<void> check(registry_options const& o) noexcept {
    auto const bad = [](char const* field) { return fail(registry_error::bad_option, 0, field); };
    constexpr duration zero{}, day = std::chrono::hours{24};
    if (o.heartbeat_interval <= zero || o.heartbeat_interval > day) return bad("heartbeat_interval");
    if (o.missed_heartbeats == 0 || o.missed_heartbeats > 100) return bad("missed_heartbeats");
    if (o.heartbeat_grace < zero || o.heartbeat_grace > day) return bad("heartbeat_grace");
    if (o.expire_after < zero || o.expire_after > 365 * day) return bad("expire_after");
    if (o.name_hold < zero || o.name_hold > 365 * day) return bad("name_hold");
    if (o.remember_removals < o.name_hold) return bad("remember_removals");
    if (o.table.max_rows == 0) return bad("max_rows");
    if (o.table.max_removals == 0) return bad("max_removals");
    if (o.name.size() > 63) return bad("name");
    if (o.role != registry_role::root && o.name.empty()) return bad("name");
    if (o.refresh_interval <= zero || o.refresh_interval > day) return bad("refresh_interval");
    if (o.fetch_timeout <= zero || o.fetch_timeout > day) return bad("fetch_timeout");
    if (o.long_poll < zero || o.long_poll > day) return bad("long_poll");
    if (o.retry_first <= zero || o.retry_first > o.retry_most) return bad("retry_first");
    if (o.retry_most > day) return bad("retry_most");
    if (o.answer_wait < zero || o.answer_wait > day) return bad("answer_wait");
    if (o.beat_interval <= zero || o.beat_interval > o.heartbeat_interval) return bad("beat_interval");
    if (o.page_rows == 0) return bad("page_rows");
    return {};
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
