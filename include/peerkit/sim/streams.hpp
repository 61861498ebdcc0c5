// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Simulated TCP: dials that succeed, are refused or time out; frames in order; breaks that are noticed late.
#ifndef PEERKIT_SIM_STREAMS_HPP
#define PEERKIT_SIM_STREAMS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/sim/byte_pool.hpp>
#include <peerkit/sim/error.hpp>
#include <peerkit/sim/network.hpp>
#include <peerkit/sim/occurrence.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// How streams behave, in place of an operating system's settings.
struct stream_options {
    duration dial_timeout = std::chrono::seconds{5};      ///< a dial without any answer fails after this
    duration dial_retry = std::chrono::seconds{1};        ///< the first repetition of a lost dial; doubles
    duration retransmit = std::chrono::milliseconds{200}; ///< a lost segment arrives this much later; doubles
    duration break_after = std::chrono::seconds{15};      ///< a stalled stream is given up by both ends after this
};

/// The streams of one world. `Host` is the world; this class knows connections, it tells nodes through the host:
/// - `now()`, `schedule(when, occurrence)`, `park(node, occurrence)`, `net()`, `network_rng()`
/// - `process_up(n)`, `machine_up(n)`, `life(n)`, `is_paused(n)`, `is_deaf(n)`
/// - `tell_opened(n, id)`, `tell_accepted(n, dialer, connection) -> bool` (calls `bind` before anything is sent),
///   `tell_frame(n, id, from, bytes)`, `tell_closed(n, id, why)`
template <typename Host>
class stream_layer {
public:
    stream_layer(Host& host, stream_options const& options) : host_{host}, options_{options} {}

    void know(node_index node) {
        if (ends_.size() <= node) ends_.resize(std::size_t{node} + 1);
    }
    /// Streams of that node, those being dialled included.
    [[nodiscard]] std::size_t count(node_index node) const noexcept { return ends_[node].size(); }
    /// Connections in any state.
    [[nodiscard]] std::size_t connections() const noexcept { return connections_.size() - free_.size(); }

    /// `to` may be `nobody`: an address outside the world. False if the node has a stream of that name.
    bool dial(node_index node, gossip::stream_id id, node_index to) {
        if (find(node, id) != nullptr) return false;
        std::uint32_t const c = take_connection();
        connection& made = connections_[c];
        made.halves[0] = {node, host_.life(node), id, half_state::open};
        made.halves[1] = {to, 0, {}, half_state::pending};
        made.stage = dial_stage::asking;
        made.deadline = saturating_add(host_.now(), options_.dial_timeout);
        made.retry = options_.dial_retry;
        ends_[node].push_back({id, c, 0});
        duration const away = to == nobody ? options_.dial_timeout : latency(node, to);
        host_.schedule(host_.now() + away, {occurrence_kind::dial, c, made.generation});
        return true;
    }

    /// `bytes` is one frame without its length prefix. False if the node has no open stream of that name.
    bool send(node_index node, gossip::stream_id id, byte_view bytes) {
        end_of const* const e = find(node, id);
        if (e == nullptr || connections_[e->connection].stage != dial_stage::established) return false;
        buffer_id const kept = pool_.take(bytes.size());
        copy_bytes(bytes, {pool_.data(kept), bytes.size()});
        push(e->connection, e->half, {item_kind::frame, kept, static_cast<std::uint32_t>(bytes.size()), {}, none});
        return true;
    }

    /// Everything sent before still arrives. False if the node has no stream of that name.
    bool close(node_index node, gossip::stream_id id) {
        end_of const* const found = find(node, id);
        if (found == nullptr) return false;
        end_of const e = *found;
        shut(e.connection, e.half);
        connection& c = connections_[e.connection];
        if (c.stage != dial_stage::established || c.halves[1U - e.half].state == half_state::closed) {
            release(e.connection);
        } else {
            push(e.connection, e.half, {item_kind::end, {}, 0, {}, none});
        }
        return true;
    }

    /// The node's process is gone. Its machine, unless that is gone too, resets its connections.
    void crashed(node_index node, bool machine_too) {
        while (!ends_[node].empty()) {
            end_of const e = ends_[node].back();
            shut(e.connection, e.half);
            connection& c = connections_[e.connection];
            half_state const other = c.halves[1U - e.half].state;
            if (c.stage != dial_stage::established || other == half_state::closed || other == half_state::gone ||
                (machine_too && other == half_state::pending)) {
                release(e.connection);
            } else if (machine_too) {
                drop_queue(c.halves[e.half]);
                c.halves[e.half].state = half_state::gone;
            } else {
                push(e.connection, e.half, {item_kind::reset, {}, 0, {}, none});
            }
        }
    }

    /// The acceptor's name for a connection; called by the host from within `tell_accepted`.
    void bind(std::uint32_t c, gossip::stream_id id) {
        half& acceptor = connections_[c].halves[1];
        acceptor.id = id;
        acceptor.state = half_state::open;
        ends_[acceptor.node].push_back({id, c, 1});
    }

    // --- what was scheduled has come ---

    void on_dial(occurrence const& what) {
        connection& c = connections_[what.a];
        if (c.generation != what.b) return;
        node_index const dialer = c.halves[0].node, target = c.halves[1].node;
        switch (c.stage) {
        case dial_stage::asking:
            if (target == nobody || !host_.machine_up(target) || cut_off(dialer, target) ||
                host_.net().draw_loss(dialer, target, host_.network_rng()) ||
                host_.net().draw_loss(target, dialer, host_.network_rng())) {
                time_point const again = saturating_add(host_.now(), c.retry);
                c.retry *= 2;
                if (target == nobody || again >= c.deadline) c.stage = dial_stage::timed_out;
                host_.schedule(std::max(host_.now(), std::min(again, c.deadline)), what);
                return;
            }
            c.halves[1].life = host_.life(target);
            c.stage = host_.process_up(target) ? dial_stage::answered : dial_stage::refused;
            host_.schedule(host_.now() + latency(target, dialer), what);
            return;
        case dial_stage::answered:
            if (host_.is_paused(dialer)) return host_.park(dialer, what);
            c.stage = dial_stage::established;
            push(what.a, 0, {item_kind::accept, {}, 0, {}, none});
            host_.tell_opened(dialer, c.halves[0].id);
            return;
        case dial_stage::refused:
        case dial_stage::timed_out: {
            if (host_.is_paused(dialer)) return host_.park(dialer, what);
            bool const refused = c.stage == dial_stage::refused;
            gossip::stream_id const id = c.halves[0].id;
            shut(what.a, 0);
            release(what.a);
            host_.tell_closed(dialer, id,
                              error{refused ? sim_error::connection_refused : sim_error::connection_timed_out});
            return;
        }
        case dial_stage::established: return;
        }
    }

    void on_pump(occurrence const& what) {
        std::uint32_t const index = what.a, sending = what.b & 1U, generation = what.b >> 1U;
        connection& c = connections_[index];
        if (c.generation != generation) return;
        half& from = c.halves[sending];
        half& to = c.halves[1U - sending];
        from.pumping = false;
        if (from.first == none) return;
        if (to.state == half_state::closed) return drop_queue(from);
        bool const gone = !host_.process_up(to.node) || host_.life(to.node) != to.life;
        if (cut_off(from.node, to.node) || !host_.machine_up(to.node) || !host_.machine_up(from.node)) {
            if (from.stalled == never) from.stalled = host_.now();
            if (host_.now() - from.stalled >= options_.break_after) return give_up(index);
            return pump_at(index, sending, host_.now() + options_.retransmit);
        }
        from.stalled = never;
        if (gone) {
            to.state = half_state::closed;
            drop_queue(from);
            if (from.state == half_state::closed) return release(index);
            return push(index, 1U - sending, {item_kind::reset, {}, 0, {}, none});
        }
        bool const accepting = items_[from.first].kind == item_kind::accept;
        if (host_.is_paused(to.node) || (accepting && host_.is_deaf(to.node))) {
            from.pumping = true;
            return host_.park(to.node, what);
        }
        item const taken = items_[from.first];
        give_back(std::exchange(from.first, taken.next));
        switch (taken.kind) {
        case item_kind::accept:
            if (!host_.tell_accepted(to.node, from.node, index) && c.generation == generation) {
                to.state = half_state::closed;
                drop_queue(from);
                if (from.state == half_state::closed) return release(index);
                push(index, 1U - sending, {item_kind::reset, {}, 0, {}, none});
            }
            break;
        case item_kind::frame:
            host_.tell_frame(to.node, to.id, from.node, {pool_.data(taken.bytes), taken.size});
            pool_.give_back(taken.bytes);
            break;
        case item_kind::end:
        case item_kind::reset: {
            gossip::stream_id const id = to.id;
            node_index const node = to.node;
            shut(index, 1U - sending);
            release(index); // whoever sends an end has closed its own
            std::optional<error> why;
            if (taken.kind == item_kind::reset) why = error{sim_error::connection_reset};
            host_.tell_closed(node, id, why);
            return;
        }
        }
        if (c.generation == generation && from.first != none && !from.pumping) {
            pump_at(index, sending, std::max(host_.now(), items_[from.first].ready));
        }
    }

    void on_broken(occurrence const& what) {
        std::uint32_t const index = what.a, side = what.b & 1U;
        connection& c = connections_[index];
        if (c.generation != what.b >> 1U || c.halves[side].state != half_state::open) return;
        node_index const node = c.halves[side].node;
        if (host_.is_paused(node)) return host_.park(node, what);
        gossip::stream_id const id = c.halves[side].id;
        shut(index, side);
        if (c.halves[1U - side].state == half_state::closed) release(index);
        host_.tell_closed(node, id, error{sim_error::connection_timed_out});
    }

    /// Streams broken because nothing got through for too long.
    [[nodiscard]] std::uint64_t broken() const noexcept { return broken_; }

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    /// Pending: the acceptor does not have it yet. Gone: lost with its machine, which the other side does not know.
    enum class half_state : std::uint8_t { pending, open, closed, gone };
    enum class dial_stage : std::uint8_t { asking, answered, refused, timed_out, established };
    enum class item_kind : std::uint8_t { accept, frame, end, reset };

    struct item {
        item_kind kind{};
        buffer_id bytes{};
        std::uint32_t size = 0;
        time_point ready{};
        std::uint32_t next = none;
    };
    /// One end, and the queue of what it sent.
    struct half {
        node_index node = nobody;
        std::uint32_t life = 0;
        gossip::stream_id id{};
        half_state state = half_state::closed;
        bool pumping = false;
        std::uint32_t first = none;
        std::uint32_t last = none;
        time_point ready{};
        time_point stalled = never;
    };
    struct connection {
        std::array<half, 2> halves{}; // dialer, acceptor
        dial_stage stage{};
        std::uint32_t generation = 0;
        time_point deadline{};
        duration retry{};
    };
    struct end_of {
        gossip::stream_id id;
        std::uint32_t connection;
        std::uint32_t half;
    };

    [[nodiscard]] duration latency(node_index from, node_index to) {
        return host_.net().draw_latency(from, to, host_.network_rng());
    }
    [[nodiscard]] bool cut_off(node_index one, node_index two) {
        return host_.net().is_cut(one, two) || host_.net().is_cut(two, one);
    }
    [[nodiscard]] end_of const* find(node_index node, gossip::stream_id id) const noexcept {
        for (end_of const& e : ends_[node]) {
            if (e.id == id) return &e;
        }
        return nullptr;
    }

    void push(std::uint32_t index, std::uint32_t sending, item what) {
        connection& c = connections_[index];
        half& from = c.halves[sending];
        node_index const to = c.halves[1U - sending].node;
        duration delay = latency(from.node, to);
        duration again = options_.retransmit;
        for (int tries = 0; tries < 8 && host_.net().draw_loss(from.node, to, host_.network_rng()); ++tries) {
            delay += again;
            again *= 2;
        }
        from.ready = std::max(from.ready, saturating_add(host_.now(), delay));
        what.ready = from.ready;
        std::uint32_t slot = free_item_;
        if (slot == none) {
            slot = static_cast<std::uint32_t>(items_.size());
            items_.push_back(what);
        } else {
            free_item_ = items_[slot].next;
            items_[slot] = what;
        }
        if (from.first == none) {
            from.first = slot;
        } else {
            items_[from.last].next = slot;
        }
        from.last = slot;
        if (!from.pumping) pump_at(index, sending, from.ready);
    }
    void pump_at(std::uint32_t index, std::uint32_t sending, time_point when) {
        connection& c = connections_[index];
        c.halves[sending].pumping = true;
        host_.schedule(when, {occurrence_kind::pump, index, c.generation << 1U | sending});
    }
    void give_back(std::uint32_t slot) noexcept {
        items_[slot].next = free_item_;
        free_item_ = slot;
    }
    void drop_queue(half& from) noexcept {
        while (from.first != none) {
            item const taken = items_[from.first];
            if (taken.kind == item_kind::frame) pool_.give_back(taken.bytes);
            give_back(std::exchange(from.first, taken.next));
        }
    }
    /// The node no longer has this end.
    void shut(std::uint32_t index, std::uint32_t side) noexcept {
        half& h = connections_[index].halves[side];
        if (h.state == half_state::open) {
            auto& list = ends_[h.node];
            for (std::size_t i = 0; i < list.size(); ++i) {
                if (list[i].connection == index && list[i].half == side) {
                    list[i] = list.back();
                    list.pop_back();
                    break;
                }
            }
        }
        h.state = half_state::closed;
    }
    void give_up(std::uint32_t index) {
        connection& c = connections_[index];
        ++broken_;
        bool told = false;
        for (std::uint32_t side = 0; side < 2; ++side) {
            drop_queue(c.halves[side]);
            if (c.halves[side].state == half_state::open) {
                told = true;
                host_.schedule(host_.now(), {occurrence_kind::broken, index, c.generation << 1U | side});
            } else {
                c.halves[side].state = half_state::closed;
            }
        }
        if (!told) release(index);
    }
    [[nodiscard]] std::uint32_t take_connection() {
        if (free_.empty()) {
            connections_.emplace_back();
            return static_cast<std::uint32_t>(connections_.size() - 1);
        }
        std::uint32_t const index = free_.back();
        free_.pop_back();
        return index;
    }
    void release(std::uint32_t index) {
        connection& c = connections_[index];
        for (half& h : c.halves) drop_queue(h);
        std::uint32_t const next = (c.generation + 1) & 0x7fffffffU; // one bit names the half
        c = connection{};
        c.generation = next;
        free_.push_back(index);
    }

    Host& host_;
    stream_options options_;
    byte_pool pool_;
    std::deque<connection> connections_; // never moves: nodes are called while one is looked at
    std::vector<std::uint32_t> free_;
    std::vector<item> items_;
    std::uint32_t free_item_ = none;
    std::vector<std::vector<end_of>> ends_; // per node
    std::uint64_t broken_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
