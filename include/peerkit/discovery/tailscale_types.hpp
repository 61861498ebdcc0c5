// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which tailnet peers are candidates, and what a Tailscale status document says; independent of any JSON library.
#ifndef PEERKIT_DISCOVERY_TAILSCALE_TYPES_HPP
#define PEERKIT_DISCOVERY_TAILSCALE_TYPES_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/name_pattern.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Which addresses of a peer become addresses of its candidate, and in which order.
enum class address_preference : std::uint8_t { v4_first, v6_first, v4_only, v6_only };

/// What to do with peers that Tailscale calls offline. It means "not connected to the coordination server": peers
/// called offline can be reachable, and peers called online can be unreachable, so nothing relies on it.
enum class offline_peers : std::uint8_t {
    fallback, ///< leave them out, unless nobody else is left
    include,  ///< keep them, after the others
    exclude,  ///< leave them out
};

/// Which peers of a tailnet are candidates. The defaults take every peer that could run a node.
struct tailscale_filter {
    name_pattern names;         ///< over the first label of the DNS name; HostName where there is none
    std::string required_tag{}; ///< such as "tag:peerkit"; empty: none. The right selector for a fleet
    std::uint16_t port = default_gossip_port;
    address_preference family = address_preference::v4_first;
    offline_peers offline = offline_peers::fallback;
    bool include_shared = false;  ///< machines other tailnets share with this one; they may not reach us
    bool include_expired = false; ///< key expired or logged out; they stay listed for ever
    std::size_t max_document = default_document_limit; ///< bytes
    /// Nesting of what others may fill at will: everything outside the peers, and a node's CapMap. Deeper is refused.
    /// The rest is skipped without recursion, however deep.
    std::size_t max_depth = 64;
    std::size_t max_candidates = 16384; ///< further ones are counted, not kept
};

/// Why a peer did not become a candidate.
enum class peer_drop : std::uint8_t {
    name,       ///< the name does not match
    tag,        ///< it lacks the required tag
    sharee,     ///< not a machine of ours: it belongs to someone we share with, or is a Funnel relay
    shared,     ///< shared with us from another tailnet
    exit_node,  ///< a Mullvad exit node
    console,    ///< a browser's SSH console
    expired,    ///< its key has expired, or it logged out
    offline,    ///< offline, and others are not
    self,       ///< it is this machine
    no_address, ///< no usable address of the wanted family
    duplicate,  ///< the same machine, or one of its addresses, came before
    malformed,  ///< a field has the wrong type; see `tailscale_status::first_malformed`
    over_limit, ///< `tailscale_filter::max_candidates` was reached
};
inline constexpr std::size_t peer_drop_count = 13;

[[nodiscard]] constexpr std::string_view to_string(peer_drop why) noexcept {
    constexpr std::array<std::string_view, peer_drop_count> names{
        "name",    "tag",  "sharee",     "shared",    "exit node", "console",   "expired",
        "offline", "self", "no address", "duplicate", "malformed", "over limit"};
    return names[static_cast<std::size_t>(why)];
}

/// `BackendState` of the daemon.
enum class backend_state : std::uint8_t {
    unreported = 0, ///< absent or empty: daemons before 1.4
    no_state,
    in_use_other_user,
    needs_login,
    needs_machine_auth,
    stopped,
    starting,
    running,
    unknown, ///< a state this version of peerkit does not know
};

[[nodiscard]] constexpr backend_state parse_backend_state(std::string_view text) noexcept {
    if (text.empty()) return backend_state::unreported;
    if (text == "NoState") return backend_state::no_state;
    if (text == "InUseOtherUser") return backend_state::in_use_other_user;
    if (text == "NeedsLogin") return backend_state::needs_login;
    if (text == "NeedsMachineAuth") return backend_state::needs_machine_auth;
    if (text == "Stopped") return backend_state::stopped;
    if (text == "Starting") return backend_state::starting;
    if (text == "Running") return backend_state::running;
    return backend_state::unknown;
}

/// This machine, as its daemon describes it.
struct tailscale_self {
    std::string id;        ///< stable node id; decimal digits with headscale, empty when logged out
    std::string dns_name;  ///< lower case, without the final dot; empty when logged out
    std::string host_name; ///< free text
    bounded_list<ip_address, limits::addresses> addresses;
    std::optional<std::int64_t> key_expiry; ///< seconds since 1970; none: does not expire or is not known
    bool expired = false;

    [[nodiscard]] friend bool operator==(tailscale_self const&, tailscale_self const&) noexcept = default;
};

/// What one status document says, with the peers that passed the filter. Owns everything; reusing one object for
/// document after document reuses its memory.
struct tailscale_status {
    backend_state state = backend_state::unreported;
    std::string state_text;  ///< as written, for messages about an unknown state
    std::string version;     ///< of the daemon; empty before 1.8
    std::optional<bool> tun; ///< false: userspace networking, programs cannot dial tailnet addresses directly
    std::string dns_suffix;  ///< MagicDNS domain of the tailnet, lower case, without outer dots
    std::optional<tailscale_self> self;
    std::vector<candidate> candidates; ///< online first; in the order of the document otherwise
    std::size_t peers = 0;             ///< in the document
    std::array<std::uint32_t, peer_drop_count> dropped{};
    std::optional<error> first_malformed; ///< field and offset of the first malformed peer

    [[nodiscard]] std::uint32_t dropped_for(peer_drop why) const noexcept {
        return dropped[static_cast<std::size_t>(why)];
    }
    /// True if the peers can be relied on: the daemon is running, or is too old to say and has an address.
    [[nodiscard]] bool ready() const noexcept {
        return state == backend_state::running ||
               (state == backend_state::unreported && ((self && !self->addresses.empty()) || peers != 0));
    }
    void clear() noexcept {
        state = backend_state::unreported;
        state_text.clear();
        version.clear();
        tun.reset();
        dns_suffix.clear();
        self.reset();
        candidates.clear();
        peers = 0;
        dropped.fill(0);
        first_malformed.reset();
    }
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
