// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What nodes and replicas ask of a registry, and what they are answered: values, whatever they travel in.
#ifndef PEERKIT_REGISTRY_REQUEST_HPP
#define PEERKIT_REGISTRY_REQUEST_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/registry_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// What a registry has a node sign, so that nobody registers with an old recording.
using challenge_bytes = std::array<std::byte, 16>;

/// Most nodes in one request of a replica to the root that tells who was heard: fits a request's largest body.
inline constexpr std::size_t max_heartbeats = 900;

/// Who asks.
struct caller {
    ip_address source{};
    /// The name of a replica that showed the registries' token, else empty. Its writes were checked by it.
    std::string replica{};
    registry_role role = registry_role::secondary; ///< of that replica
    [[nodiscard]] bool is_replica() const noexcept { return !replica.empty(); }
};

/// A node announces itself. What people read must agree with what the node signed, where both say it.
struct registration {
    std::vector<std::byte> record{}; ///< the node's announcement
    std::vector<std::byte> proof{};  ///< `crypto::sign_challenge`; empty in the first request
    std::string domain{};
    std::string registry{}; ///< "host:port" of the registry the node uses
    std::string found_by{};
    std::optional<network_id> network{};
    std::optional<std::string> name{};
    std::optional<ip_address> address{};
    std::optional<std::uint16_t> port{}; ///< the gossip port
    lease_id lease{};                    ///< given by the replica that forwards this; none from others
};

struct heartbeat {
    node_id id{};
    lease_id lease{};
};

struct deregistration {
    node_id id{};
    lease_id lease{};
};

/// What became of a registration, heartbeat or deregistration.
struct write_answer {
    enum class kind : std::uint8_t { registered, beaten, removed };
    kind what = kind::registered;
    /// The root is away: kept, in order, until it is back. It may still refuse, which the node hears as `unknown_node`.
    bool queued = false;
    node_id id{};
    lease_id lease{};
    std::uint64_t version = 0; ///< of the root's state that has the write; 0 if it is queued
    duration heartbeat_interval{};
};

/// Names a write whose answer comes later, through `registry_outbox::answers`.
enum class write_ticket : std::uint64_t {};

/// The answer, or the ticket with which it will come.
using submitted = std::variant<write_answer, write_ticket>;

/// An answer that was waited for.
struct late_answer {
    write_ticket ticket{};
    result<write_answer> answer;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
