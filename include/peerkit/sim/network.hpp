// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The weather between nodes: latency, loss, duplication, reordering, corruption, cuts and partitions.
#ifndef PEERKIT_SIM_NETWORK_HPP
#define PEERKIT_SIM_NETWORK_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// How a link behaves in one direction. Chances are in millionths, drawn for every datagram on its own.
struct link_conditions {
    duration latency_min = std::chrono::microseconds{200}; ///< one way, uniform between this ...
    duration latency_max = std::chrono::milliseconds{2};   ///< ... and this
    std::uint32_t loss = 0;                                ///< the datagram never arrives; a stream repeats it later
    std::uint32_t duplicate = 0;                           ///< it arrives twice, each copy with its own latency
    std::uint32_t reorder = 0;                             ///< it is held back by up to `reorder_delay`
    duration reorder_delay = std::chrono::milliseconds{50};
    std::uint32_t corrupt = 0; ///< one bit is flipped

    [[nodiscard]] friend bool operator==(link_conditions const&, link_conditions const&) noexcept = default;
};

/// Per cent as the millionths of `link_conditions`.
[[nodiscard]] constexpr std::uint32_t percent(std::uint32_t value) noexcept { return value * 10'000; }

/// What becomes of one datagram.
struct datagram_fate {
    enum class end : std::uint8_t { delivered, cut, blocked, lost };
    end how = end::delivered;
    std::uint8_t copies = 1; ///< when delivered
    bool corrupted = false;  ///< the first copy
    bool reordered = false;
    std::array<duration, 2> delay{};
};

/// The state of the network between the nodes of one world. Every change counts as a disturbance (`changes()`).
/// A datagram under way when a link is cut still arrives. Not thread safe.
///
/// @code
/// auto& net = world.net();
/// net.set_default({.loss = sim::percent(20)});
/// net.cut(3, 4);                        // 3 no longer reaches 4; 4 still reaches 3
/// net.partition({{0, 1, 2}, {3, 4}});   // the others stay together in a third group
/// net.heal();                           // groups and cuts end; conditions stay
/// @endcode
class network {
    struct override_ {
        std::uint64_t link;
        link_conditions conditions;
    };
    template <typename Links>
    [[nodiscard]] static auto find_link(Links& links, std::uint64_t link) noexcept {
        return std::lower_bound(links.begin(), links.end(), link,
                                [](override_ const& o, std::uint64_t wanted) { return o.link < wanted; });
    }

public:
    void set_default(link_conditions const& c) {
        default_ = sane(c);
        ++changes_;
    }
    [[nodiscard]] link_conditions const& default_conditions() const noexcept { return default_; }
    /// Overrides the default from `from` to `to` only.
    void set_link(node_index from, node_index to, link_conditions const& c) {
        auto const at = find_link(links_, key(from, to));
        if (at != links_.end() && at->link == key(from, to)) {
            at->conditions = sane(c);
        } else {
            links_.insert(at, {key(from, to), sane(c)});
        }
        ++changes_;
    }
    void clear_link(node_index from, node_index to) {
        auto const at = find_link(links_, key(from, to));
        if (at != links_.end() && at->link == key(from, to)) links_.erase(at);
        ++changes_;
    }
    /// Additional loss of everything that node receives or sends, in millionths.
    void set_ingress_loss(node_index node, std::uint32_t loss) {
        at(node).ingress_loss = loss;
        ++changes_;
    }
    void set_egress_loss(node_index node, std::uint32_t loss) {
        at(node).egress_loss = loss;
        ++changes_;
    }
    /// Neither sends nor receives datagrams; streams work.
    void block_datagrams(node_index node, bool blocked = true) {
        at(node).datagrams_blocked = blocked;
        ++changes_;
    }

    /// One way: nothing gets from `from` to `to`, and streams between the two stall.
    void cut(node_index from, node_index to) {
        auto const where = std::lower_bound(cuts_.begin(), cuts_.end(), key(from, to));
        if (where == cuts_.end() || *where != key(from, to)) cuts_.insert(where, key(from, to));
        ++changes_;
    }
    void mend(node_index from, node_index to) {
        auto const where = std::lower_bound(cuts_.begin(), cuts_.end(), key(from, to));
        if (where != cuts_.end() && *where == key(from, to)) cuts_.erase(where);
        ++changes_;
    }
    /// Puts a node into a group; nodes of different groups do not reach each other. All begin in group 0.
    void set_group(node_index node, std::uint32_t group) {
        at(node).group = group;
        ++changes_;
    }
    /// Each list becomes a group of its own (1, 2, ...); nodes in none stay together in group 0.
    void partition(std::initializer_list<std::vector<node_index>> groups) {
        for (per_node& n : nodes_) n.group = 0;
        std::uint32_t group = 0;
        for (auto const& members : groups) {
            ++group;
            for (node_index const member : members) at(member).group = group;
        }
        ++changes_;
    }
    /// Ends every partition and every cut. Conditions, losses and blocks stay.
    void heal() {
        for (per_node& n : nodes_) n.group = 0;
        cuts_.clear();
        ++changes_;
    }
    /// Ends everything that was ever set; the default conditions become those of a new network without faults.
    void restore() { *this = network{changes_ + 1, nodes_.size()}; }

    [[nodiscard]] bool is_cut(node_index from, node_index to) const noexcept {
        if (nodes_[from].group != nodes_[to].group) return true;
        return !cuts_.empty() && std::binary_search(cuts_.begin(), cuts_.end(), key(from, to));
    }
    [[nodiscard]] link_conditions const& conditions(node_index from, node_index to) const noexcept {
        if (links_.empty()) return default_;
        auto const at = find_link(links_, key(from, to));
        return at != links_.end() && at->link == key(from, to) ? at->conditions : default_;
    }
    [[nodiscard]] bool datagrams_blocked(node_index node) const noexcept { return nodes_[node].datagrams_blocked; }
    /// Grows with every change.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    /// True if no fault of any kind is set.
    [[nodiscard]] bool calm() const noexcept {
        auto const fair = [](link_conditions const& c) { return (c.loss | c.duplicate | c.reorder | c.corrupt) == 0; };
        if (!fair(default_) || !cuts_.empty()) return false;
        for (override_ const& o : links_) {
            if (!fair(o.conditions)) return false;
        }
        for (per_node const& n : nodes_) {
            if (n.group != nodes_.front().group || n.datagrams_blocked || (n.ingress_loss | n.egress_loss) != 0)
                return false;
        }
        return true;
    }

    /// Makes room for nodes up to and including `node`.
    void know(node_index node) {
        if (nodes_.size() <= node) nodes_.resize(std::size_t{node} + 1);
    }

    template <Rng R>
    [[nodiscard]] duration draw_latency(node_index from, node_index to, R& rng) const noexcept {
        link_conditions const& c = conditions(from, to);
        return c.latency_min + uniform(rng, c.latency_max - c.latency_min + duration{1});
    }
    /// True if one packet from `from` to `to` is lost, whatever carries it.
    template <Rng R>
    [[nodiscard]] bool draw_loss(node_index from, node_index to, R& rng) const noexcept {
        bool const on_way_out = happens(rng, nodes_[from].egress_loss);
        bool const on_link = happens(rng, conditions(from, to).loss);
        bool const on_way_in = happens(rng, nodes_[to].ingress_loss);
        return on_way_out || on_link || on_way_in;
    }
    template <Rng R>
    [[nodiscard]] datagram_fate draw_fate(node_index from, node_index to, R& rng) const noexcept {
        datagram_fate fate;
        if (nodes_[from].datagrams_blocked || nodes_[to].datagrams_blocked) {
            fate.how = datagram_fate::end::blocked;
            return fate;
        }
        if (is_cut(from, to)) {
            fate.how = datagram_fate::end::cut;
            return fate;
        }
        if (draw_loss(from, to, rng)) {
            fate.how = datagram_fate::end::lost;
            return fate;
        }
        link_conditions const& c = conditions(from, to);
        fate.copies = happens(rng, c.duplicate) ? 2 : 1;
        for (std::size_t i = 0; i < fate.copies; ++i) {
            fate.delay[i] = draw_latency(from, to, rng);
            if (happens(rng, c.reorder)) {
                fate.reordered = true;
                fate.delay[i] += uniform(rng, c.reorder_delay + duration{1});
            }
        }
        fate.corrupted = happens(rng, c.corrupt);
        return fate;
    }

    network() = default;

private:
    struct per_node {
        std::uint32_t group = 0;
        std::uint32_t ingress_loss = 0;
        std::uint32_t egress_loss = 0;
        bool datagrams_blocked = false;
    };

    network(std::uint64_t changes, std::size_t nodes) : nodes_(nodes), changes_{changes} {}

    [[nodiscard]] static constexpr std::uint64_t key(node_index from, node_index to) noexcept {
        return std::uint64_t{from} << 32U | to;
    }
    /// A latency is at least a nanosecond: an answer never arrives before it was sent.
    [[nodiscard]] static link_conditions sane(link_conditions c) noexcept {
        c.latency_min = std::max(c.latency_min, duration{1});
        c.latency_max = std::max(c.latency_max, c.latency_min);
        return c;
    }
    per_node& at(node_index node) {
        know(node);
        return nodes_[node];
    }

    link_conditions default_{};
    std::vector<override_> links_;    // sorted by link
    std::vector<std::uint64_t> cuts_; // sorted
    std::vector<per_node> nodes_;
    std::uint64_t changes_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
