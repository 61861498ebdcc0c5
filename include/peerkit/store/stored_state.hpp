// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a node keeps across restarts: itself, the registries that worked, and every peer with its signed record.
#ifndef PEERKIT_STORE_STORED_STATE_HPP
#define PEERKIT_STORE_STORED_STATE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/json_fault.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// How much a store keeps. Each bound is enforced by every model, when saving and when loading.
inline constexpr std::size_t max_peers = 16384;
inline constexpr std::size_t max_settings = 64;
inline constexpr std::size_t max_setting_key = 63;
inline constexpr std::size_t max_setting_value = 1024;
inline constexpr std::size_t max_registries = 16;
inline constexpr std::size_t max_registry_text = 320; ///< a host name with scheme and port, with room to spare

/// One peer as it was known last.
using stored_peer = node::remembered_peer;

/// Everything that survives a restart.
struct stored_state {
    node_id owner{}; ///< whose memory this is; none if nothing was ever saved
    network_id network{};
    std::uint64_t incarnation = 0;               ///< the highest one `owner` ever announced
    std::map<std::string, std::string> settings; ///< the node's own configuration, by name
    std::vector<std::string> registries;         ///< "host:port", the one that worked last first
    std::vector<stored_peer> peers;              ///< one entry for each; a store need not keep their order
    [[nodiscard]] friend bool operator==(stored_state const&, stored_state const&) = default;
};

/// A state, and how it was found.
struct loaded_state {
    stored_state state{};
    std::uint64_t generation = 0;  ///< which save it is; 0: nothing was ever saved
    std::uint32_t left_out = 0;    ///< peers that were stored and are not in `state`
    std::uint32_t quarantined = 0; ///< damaged files that were set aside, kept for people to look at
    std::optional<error> damage{}; ///< what was wrong with the newest of them
};

/// Whether a state keeps to the bounds above. Models ask before they save.
/// @par Errors `too_many`, `too_long`, `bad_text`, `bad_record`; position is the index within what the field names
[[nodiscard]] inline result<void> check_bounds(stored_state const& state) noexcept {
    if (state.peers.size() > max_peers) return fail(store_error::too_many, state.peers.size(), "peers");
    if (state.settings.size() > max_settings) return fail(store_error::too_many, state.settings.size(), "settings");
    if (state.registries.size() > max_registries) {
        return fail(store_error::too_many, state.registries.size(), "registries");
    }
    std::uint64_t index = 0;
    for (auto const& [key, value] : state.settings) {
        if (key.size() > max_setting_key || value.size() > max_setting_value) {
            return fail(store_error::too_long, index, "settings");
        }
        if (key.empty() || discovery::find_invalid_utf8(key) || discovery::find_invalid_utf8(value)) {
            return fail(store_error::bad_text, index, "settings");
        }
        ++index;
    }
    for (std::size_t i = 0; i < state.registries.size(); ++i) {
        if (state.registries[i].size() > max_registry_text) return fail(store_error::too_long, i, "registries");
        if (state.registries[i].empty() || discovery::find_invalid_utf8(state.registries[i])) {
            return fail(store_error::bad_text, i, "registries");
        }
    }
    for (std::size_t i = 0; i < state.peers.size(); ++i) {
        if (state.peers[i].record.size() > limits::record) return fail(store_error::too_long, i, "peers");
        if (!wire::record_view::parse(state.peers[i].record)) return fail(store_error::bad_record, i, "peers");
    }
    return {};
}

/// Owner, network and incarnation alone.
[[nodiscard]] inline stored_state head_of(stored_state const& state) {
    stored_state head;
    head.owner = state.owner;
    head.network = state.network;
    head.incarnation = state.incarnation;
    return head;
}

/// Whether `next` may take the place of `held`: a node that announced an incarnation must never remember a lower one.
/// @par Errors `incarnation_back`
[[nodiscard]] inline result<void> check_successor(stored_state const& held, stored_state const& next) noexcept {
    if (held.owner == next.owner && held.network == next.network && next.incarnation < held.incarnation) {
        return fail(store_error::incarnation_back, held.incarnation, "incarnation");
    }
    return {};
}

/// Whether the subject of a record signed it for this network: `&crypto::verify_record<Identity>`.
using record_check = bool (*)(wire::record_view, network_id const&) noexcept;

/// Nothing that was stored is believed because it was stored. Takes out every peer whose record is malformed or not
/// signed for the network of the state, the owner itself, and of several records of one peer all but the latest.
/// @returns how many were taken out
/// @code
/// loaded->left_out += store::keep_verified(loaded->state, &crypto::verify_record<crypto::ed25519_identity>);
/// @endcode
[[nodiscard]] inline std::uint32_t keep_verified(stored_state& state, record_check verify) {
    std::size_t const before = state.peers.size();
    std::map<node_id, std::size_t> seen; // id -> place in `kept`
    std::vector<stored_peer> kept;
    kept.reserve(before);
    for (stored_peer& peer : state.peers) {
        auto const record = wire::record_view::parse(peer.record);
        if (!record || record->id() == state.owner || !verify(*record, state.network)) continue;
        auto const [at, first] = seen.try_emplace(record->id(), kept.size());
        if (first) {
            kept.push_back(std::move(peer));
        } else if (record->incarnation() > wire::record_view::trusted(kept[at->second].record).incarnation()) {
            kept[at->second] = std::move(peer);
        }
    }
    state.peers = std::move(kept);
    return static_cast<std::uint32_t>(before - state.peers.size());
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
