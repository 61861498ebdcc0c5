// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The nodes of a world and what the world remembers of each.
#ifndef PEERKIT_SIM_POPULATION_HPP
#define PEERKIT_SIM_POPULATION_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/sim/birth.hpp>
#include <peerkit/sim/discovery_source.hpp>
#include <peerkit/sim/invariants.hpp>
#include <peerkit/sim/node_clock.hpp>
#include <peerkit/sim/occurrence.hpp>
#include <peerkit/sim/simulated_node.hpp>
#include <peerkit/sim/statistics.hpp>
#include <peerkit/sim/trace.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// A network interface of a simulated machine beside its first: on a subnet, which is not routed to others.
struct simulated_interface {
    ip_prefix on{}; ///< its address, and how many bits of it name the subnet
    bool up = true;
};

/// One node of a world across all its lives, and what the world remembers of it.
template <SimulatedNode Node>
struct resident {
    std::unique_ptr<Node> node; // null while down
    node_clock clock;
    bool paused = false;
    bool leaving = false;
    bool gone_for_good = false; // reported self_left
    bool machine_down = false;
    std::uint32_t stuck = 0;
    time_point last_tick = never;
    time_point armed_for = never;
    std::uint64_t last_incarnation = 0;
    std::uint64_t window = 0; // number of the period the three counts below are for
    std::uint32_t timer_datagrams = 0;
    std::uint32_t received = 0;
    std::uint32_t received_before = 0;
    node_statistics stats;
    std::vector<std::uint64_t> destinations; // bit per node: known to this one
    std::vector<ip_endpoint> foreign;        // destinations outside the world
    view_memory views;
    std::set<std::array<std::uint64_t, 3>> broadcasts; // delivered in this life: origin, session, sequence
    minted_incarnations minted;
    birth self;
    node_id id;
    std::vector<std::byte> stored;
    std::uint64_t stored_incarnation = 0;
    std::vector<node::remembered_peer> remembered;
    std::unique_ptr<discovery_source> discovery; // null: the default
    std::uint32_t discovery_run = 0;
    bool discovering = false;
    std::optional<discovery_answer> answer; // found and not yet told
    time_point discovery_hint = never;      // when to tell that something watched has changed
    std::optional<std::uint64_t> announced; // what was watched is an announcement other than of this incarnation
    std::size_t view_size = 0;              // at the last scan
    std::vector<occurrence> waiting;        // while paused, or before it listens
    std::size_t waiting_datagrams = 0;
    bool first_interface_up = true;
    std::vector<simulated_interface> interfaces; // beside the one `self.where` is on
};

/// Where a packet goes, and where its receiver sees it come from.
struct simulated_route {
    node_index to = nobody;
    ip_endpoint source{};
};

/// The residents of a world: found by number, by id and by address.
template <SimulatedNode Node>
class population {
public:
    /// 10.x.y.z port 9000, for every number another.
    [[nodiscard]] static ip_endpoint endpoint_of(node_index i) noexcept {
        auto const part = [i](unsigned shift) { return static_cast<std::uint8_t>(i >> shift & 0xffU); };
        return {ip_address::v4(10, part(16), part(8), part(0)), default_gossip_port};
    }

    resident<Node>& add() { return residents_.emplace_back(); }
    void set_id(node_index i, node_id const& id) {
        residents_[i].id = id;
        by_id_[static_cast<std::uint64_t>(id.short_id())] = i;
    }

    [[nodiscard]] std::size_t size() const noexcept { return residents_.size(); }
    [[nodiscard]] resident<Node>& operator[](node_index i) noexcept { return residents_[i]; }
    [[nodiscard]] resident<Node> const& operator[](node_index i) const noexcept { return residents_[i]; }
    [[nodiscard]] auto begin() const noexcept { return residents_.begin(); }
    [[nodiscard]] auto end() const noexcept { return residents_.end(); }

    /// `nobody` for an id that was never born.
    [[nodiscard]] node_index index_of(node_id const& id) const noexcept {
        auto const at = by_id_.find(static_cast<std::uint64_t>(id.short_id()));
        return at != by_id_.end() && residents_[at->second].id == id ? at->second : nobody;
    }
    /// `nobody` for an address outside the world.
    [[nodiscard]] node_index index_at(ip_endpoint const& where) const noexcept {
        byte_view const b = where.address.bytes();
        if (where.port != default_gossip_port) return nobody;
        if (b.size() != 4 || b[0] != std::byte{10}) {
            if (by_address_.empty()) return nobody;
            auto const at = by_address_.find(where.address);
            return at != by_address_.end() ? at->second : nobody;
        }
        auto const index = static_cast<node_index>(load_big<std::uint32_t>(b.data()) & 0xffffffU);
        return index < residents_.size() ? index : nobody;
    }

    /// Another interface. False if its address is one of 10.0.0.0/8, which are the first addresses, or taken.
    bool add_interface(node_index i, ip_prefix const& on) {
        byte_view const b = on.address.bytes();
        if (b.empty() || (b.size() == 4 && b[0] == std::byte{10})) return false;
        if (!by_address_.emplace(on.address, i).second) return false;
        residents_[i].interfaces.push_back({on});
        return true;
    }
    /// False if the resident has no such address.
    bool set_interface(node_index i, ip_address const& address, bool up) {
        resident<Node>& r = residents_[i];
        if (address == r.self.where.address) {
            r.first_interface_up = up;
            return true;
        }
        for (simulated_interface& one : r.interfaces) {
            if (one.on.address != address) continue;
            one.up = up;
            return true;
        }
        return false;
    }
    /// First addresses reach each other; the others reach those of their own subnet. Goes to nobody if an interface on
    /// the way is down or missing.
    [[nodiscard]] simulated_route route(node_index from, ip_endpoint const& where) const noexcept {
        node_index const to = index_at(where);
        if (to == nobody) return {};
        resident<Node> const& sender = residents_[from];
        resident<Node> const& receiver = residents_[to];
        if (where == receiver.self.where) {
            if (!sender.first_interface_up || !receiver.first_interface_up) return {};
            return {to, sender.self.where};
        }
        for (simulated_interface const& target : receiver.interfaces) {
            if (target.on.address != where.address || !target.up) continue;
            for (simulated_interface const& own : sender.interfaces) {
                if (own.up && own.on.contains(where.address)) return {to, {own.on.address, sender.self.where.port}};
            }
        }
        return {};
    }

private:
    std::deque<resident<Node>> residents_;                // never moves: nodes are called while others are born
    std::unordered_map<std::uint64_t, node_index> by_id_; // looked up, never walked
    std::map<ip_address, node_index> by_address_;         // of the interfaces beside the first
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
