// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Between a running node and its store: what is written down of it, and what of that a next life may believe.
#ifndef PEERKIT_STORE_NODE_MEMORY_HPP
#define PEERKIT_STORE_NODE_MEMORY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/node/own_announcement.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/stored_state.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// The incarnation that is stored lies this far above the one in use: so many may be minted (a refutation, a changed
/// description) before the store has to be written again. The next life begins above it.
inline constexpr std::uint64_t incarnations_ahead = 4096;

/// What a node knows of its earlier lives when it starts.
struct node_memory {
    std::uint64_t incarnation = 0;            ///< none at or below this one may be used again; 0: none was
    std::string name;                         ///< the node's name then; empty: not known
    std::uint16_t gossip_port = 0;            ///< where it listened; 0: not known
    std::vector<std::string> registries;      ///< that it or its peers used, the best first
    std::vector<node::remembered_peer> peers; ///< checked, the most recently heard first
    std::uint32_t left_out = 0;               ///< stored peers that were not believed
    std::uint32_t quarantined = 0;            ///< damaged files that were set aside
    std::optional<error> damage;              ///< what was wrong with the newest of them
};

/// What of a stored state the node `self` of `network` may believe. Every record is checked again: that it was stored
/// proves nothing. Of another node (a new identity in an old directory) the peers are taken over, nothing else.
/// @par Errors `not_ours`: it is the memory of another network, which must not be written over by mistake
/// @code
/// auto memory = store::recall(*loaded, id, network, &crypto::verify_record<crypto::ed25519_identity>);
/// @endcode
[[nodiscard]] inline result<node_memory> recall(loaded_state found, node_id const& self, network_id const& network,
                                                record_check verify) {
    stored_state& state = found.state;
    node_memory made;
    made.quarantined = found.quarantined;
    made.damage = found.damage;
    if (!state.owner) return made;
    if (state.network != network) return fail(store_error::not_ours, 0, "network");
    bool const same_node = state.owner == self;
    state.owner = self; // a node is no peer of its own, whoever wrote it down
    made.left_out = found.left_out + keep_verified(state, verify);
    for (stored_peer& peer : state.peers) {
        made.peers.push_back({std::move(peer.record), peer.sources, peer.last_endpoint, peer.last_heard_ms});
    }
    made.registries = std::move(state.registries);
    if (!same_node) return made;
    made.incarnation = state.incarnation;
    auto const setting = [&](char const* key) {
        auto const at = state.settings.find(key);
        return at == state.settings.end() ? std::string{} : at->second;
    };
    made.name = setting("name");
    if (!check_name(made.name, limits::name, "name")) made.name.clear();
    std::string const port = setting("gossip_port");
    if (std::from_chars(port.data(), port.data() + port.size(), made.gossip_port).ec != std::errc{})
        made.gossip_port = 0;
    return made;
}

/// Adds to what is to be written what was found too late to be used, because the store could not be read when the node
/// started: peers and registries that `state` lacks, as far as there is room, and the higher incarnation.
inline void add_earlier(stored_state& state, node_memory const& found) {
    state.incarnation = std::max(state.incarnation, found.incarnation);
    for (std::string const& text : found.registries) {
        bool const room = state.registries.size() < max_registries;
        if (room && std::find(state.registries.begin(), state.registries.end(), text) == state.registries.end()) {
            state.registries.push_back(text);
        }
    }
    std::unordered_set<node_id> known{state.owner};
    for (stored_peer const& peer : state.peers) known.insert(wire::record_view::trusted(peer.record).id());
    for (stored_peer const& peer : found.peers) {
        if (state.peers.size() >= max_peers) return;
        if (known.insert(wire::record_view::trusted(peer.record).id()).second) state.peers.push_back(peer);
    }
}

/// The registries worth knowing after a restart: the one in use, those that members announce, the most frequent first,
/// then those known before.
template <typename Logic>
[[nodiscard]] std::vector<std::string> known_registries(Logic const& logic, std::vector<std::string> const& before) {
    std::vector<std::string> all;
    auto const add = [&](std::string_view text) {
        bool const fits = all.size() < max_registries && !text.empty() && text.size() <= max_registry_text;
        if (fits && std::find(all.begin(), all.end(), text) == all.end()) all.emplace_back(text);
    };
    add(logic.engine().self().label_value(node::registry_label).value_or(""));
    for (std::string const& text : node::announced_registries(logic)) add(text);
    for (std::string const& text : before) add(text);
    return all;
}

/// What a store is to keep of a node now. `clock_ms` is the unix time of `now`. Copies every remembered record.
/// @tparam Logic a `node::node_logic`
template <typename Logic>
[[nodiscard]] stored_state write_down(Logic& logic, std::vector<std::string> const& before, time_point now,
                                      std::int64_t clock_ms) {
    stored_state state;
    state.owner = logic.id();
    state.network = logic.engine().network();
    state.incarnation = std::min(logic.incarnation() + incarnations_ahead, limits::incarnation - 1);
    description const& self = logic.engine().self();
    state.settings["name"] = self.name;
    state.settings["gossip_port"] = std::to_string(self.gossip_port);
    std::string advertised;
    for (typed_address const& a : self.addresses) {
        ip_endpoint const where{a.address, a.port != 0 ? a.port : self.gossip_port};
        advertised += (advertised.empty() ? "" : ",") + where.to_string();
    }
    state.settings["advertised"] = std::move(advertised);
    state.registries = known_registries(logic, before);
    auto const& peers = logic.recollect(now, clock_ms);
    std::size_t const count = std::min(peers.size(), max_peers);
    state.peers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        state.peers.push_back({peers[i].record, peers[i].sources, peers[i].last_endpoint, peers[i].last_heard_ms});
    }
    return state;
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
