// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What discovery finds: somewhere a node may be, never a proof that one is there.
#ifndef PEERKIT_DISCOVERY_CANDIDATE_HPP
#define PEERKIT_DISCOVERY_CANDIDATE_HPP

#include <peerkit/core/bounded_text.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Where a candidate comes from. Numbers are stored with peers and do not change.
enum class provenance : std::uint8_t {
    unknown = 0,
    static_list = 1,  ///< written by the user
    tailscale = 2,    ///< a peer of the local tailnet
    dns = 3,          ///< a name found in DNS
    registry = 4,     ///< an answer of a registry server
    mdns = 5,         ///< heard on the local link
    stored = 6,       ///< remembered from an earlier run
    gossip = 7,       ///< told by a member
    host = 8,         ///< handed over by the host program
    inbound = 9,      ///< announced itself here
    file = 10,        ///< a file of peers
    environment = 11, ///< a variable of the environment
    command = 12,     ///< printed by a program
};

[[nodiscard]] constexpr std::string_view to_string(provenance from) noexcept {
    switch (from) {
    case provenance::unknown: return "unknown";
    case provenance::static_list: return "static";
    case provenance::tailscale: return "tailscale";
    case provenance::dns: return "dns";
    case provenance::registry: return "registry";
    case provenance::mdns: return "mdns";
    case provenance::stored: return "stored";
    case provenance::gossip: return "gossip";
    case provenance::host: return "host";
    case provenance::inbound: return "inbound";
    case provenance::file: return "file";
    case provenance::environment: return "environment";
    case provenance::command: return "command";
    }
    return "unknown";
}

/// What the source says about the candidate being up. A hint for the order of attempts, not evidence.
enum class presence : std::uint8_t { unknown = 0, online = 1, offline = 2 };

/// Somewhere a node may be reached. A candidate is never trusted because a strategy returned it: the node there
/// has to answer with the network's key and its own signature. Addresses and texts are stored in place, so lists of
/// thousands of candidates cost one allocation.
///
/// @par Example
/// @code
/// discovery::candidate c;
/// c.name = c.name.cut("db1");
/// c.addresses = {{ip_address::v4(100, 64, 0, 7), 9000}};
/// c.source = discovery::provenance::host;
/// @endcode
struct candidate {
    bounded_text<limits::name> name;                        ///< for people, cut where too long; may be empty
    bounded_list<ip_endpoint, limits::addresses> addresses; ///< all of one node, in the order to try them
    provenance source = provenance::unknown;
    presence state = presence::unknown;
    bounded_text<31> strategy; ///< `name()` of the strategy that found it
    duration time_to_live{};   ///< zero: good until the strategy answers again
    node_id id;                ///< the identity expected there; zero: not known
    std::vector<label> labels; ///< what the source says of it; unverified

    [[nodiscard]] friend bool operator==(candidate const&, candidate const&) noexcept = default;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
