// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The world in a box: nodes, virtual time, a network with faults, scripts, invariants, one seed.
#ifndef PEERKIT_SIM_WORLD_HPP
#define PEERKIT_SIM_WORLD_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/shared_records.hpp>
#include <peerkit/sim/audit.hpp>
#include <peerkit/sim/birth.hpp>
#include <peerkit/sim/byte_pool.hpp>
#include <peerkit/sim/discovery_source.hpp>
#include <peerkit/sim/event_queue.hpp>
#include <peerkit/sim/intruder.hpp>
#include <peerkit/sim/invariants.hpp>
#include <peerkit/sim/network.hpp>
#include <peerkit/sim/node_clock.hpp>
#include <peerkit/sim/occurrence.hpp>
#include <peerkit/sim/population.hpp>
#include <peerkit/sim/simulated_node.hpp>
#include <peerkit/sim/statistics.hpp>
#include <peerkit/sim/streams.hpp>
#include <peerkit/sim/timer_queue.hpp>
#include <peerkit/sim/trace.hpp>
#include <peerkit/sim/world_options.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// A deterministic world of nodes in one thread: the same options, program and calls give the same `trace_hash()` with
/// every compiler. Time passes only in `run_for`, `run_until` and `step`. After the largest burst has passed, running
/// allocates nothing but what the nodes themselves do. Not thread safe.
///
/// Everything the user sets can be changed at any time, also from functions given to `at` and `after`. From within
/// `on_event`, `on_deliver` and `on_send` the world may only be looked at, or given something to do with `after`.
///
/// @code
/// sim::default_world world{{.seed = 7}, sim::default_nodes{}};
/// world.spawn_many(5);                                  // all discover node 0
/// auto took = world.run_until([&] { return world.all_see_all(); }, 30s);
/// world.crash(3);
/// took = world.run_until([&] { return world.gone(3); }, 30s);
/// if (!took || !world.violations().empty()) puts(world.report().c_str());
/// @endcode
template <SimulatedNode Node>
class world {
public:
    using node_type = Node;
    using factory = std::function<std::unique_ptr<Node>(birth const&)>;

    world(world_options const& options, factory make)
        : options_{options}, make_{std::move(make)}, seeds_{options.seed}, network_rng_{seeds_.split()},
          script_rng_{seeds_.split()}, intruder_{options.intruder, seeds_()}, trace_{options.trace_lines},
          streams_{*this, options.streams}, audit_{options.invariants, residents_, options.max_violations} {
        net_.set_default(options.link);
        if (intruder_.active()) schedule(now_ + intruder_.interval(), {occurrence_kind::noise, 0, 0});
    }
    world(world const&) = delete;
    world& operator=(world const&) = delete;

    // --- nodes ---

    /// A new node, started now. Its number is the count of nodes before.
    node_index spawn(std::string name = {});
    /// `count` new nodes, all now or evenly spread over `within`.
    void spawn_many(std::size_t count, duration within = {});
    /// Gives the machine another interface: `on` is its address and the length of its subnet, and it reaches those of
    /// the same subnet only. Addresses in 10.0.0.0/8 are refused. What is announced is up to `default_nodes::describe`.
    bool add_interface(node_index i, ip_prefix const& on) { return residents_.add_interface(i, on); }
    /// Takes the interface with that address, the first one included, down or up. The node is not told; datagrams and
    /// dials from then on get nowhere, streams that are open stay so. False if the machine has no such address.
    bool set_interface(node_index i, ip_address const& address, bool up);
    /// The process ends without a word; its machine refuses dials and resets streams.
    bool crash(node_index i) { return take_down(i, false); }
    /// The machine is gone: nothing answers at all.
    bool power_off(node_index i) { return take_down(i, true); }
    /// A node that is down begins its next life, with the same key and address.
    bool restart(node_index i, memory what = memory::kept);
    /// The same with a given first incarnation, as from an old backup.
    bool restart_with(node_index i, std::uint64_t incarnation, memory what = memory::lost);
    /// What a node that is started anew with `memory::kept` is told of the others, as its store would.
    [[nodiscard]] std::vector<node::remembered_peer> const& remembered(node_index i) const {
        return residents_[i].remembered;
    }
    /// The process stands still: datagrams wait in a socket buffer of limited size, everything else waits too, timers
    /// come late.
    bool pause(node_index i);
    bool resume(node_index i);
    /// `pause` now and `resume` after `d`.
    bool pause_for(node_index i, duration d);
    /// The node says goodbye; it is down once it reports `self_left`.
    bool leave(node_index i);
    /// Any call of a host into a running node: `f(node, its time, outbox)`. False if it is down, paused, or the world
    /// is in the middle of something.
    template <typename F>
    bool call(node_index i, F&& f);
    /// Every node that is up is told the records of all the others, without a packet: a large world begins in seconds
    /// and not with a join. For nodes with `introduce(record, now, out)`. False if one of them refused a record.
    bool acquaint_all()
        requires NodeTakesIntroductions<Node>;
    /// The node's steady clock leaps ahead, as when a machine was suspended.
    void leap_clock(node_index i, duration ahead);
    /// The node's clock runs faster (slower if negative) by that many millionths.
    void set_drift(node_index i, std::int32_t millionths);

    /// The node's process runs, or stands still.
    [[nodiscard]] bool up(node_index i) const noexcept { return residents_[i].node != nullptr; }
    [[nodiscard]] bool paused(node_index i) const noexcept { return residents_[i].paused; }
    /// It was asked to leave in this life.
    [[nodiscard]] bool leaving(node_index i) const noexcept { return residents_[i].leaving; }
    [[nodiscard]] std::uint32_t life(node_index i) const noexcept { return residents_[i].self.life; }
    /// All ever spawned.
    [[nodiscard]] std::size_t size() const noexcept { return residents_.size(); }
    [[nodiscard]] std::size_t running() const noexcept { return running_; }
    /// Only while `up(i)`. Look, do not call: use `call`.
    [[nodiscard]] Node const& node(node_index i) const noexcept { return *residents_[i].node; }
    [[nodiscard]] node_id const& id_of(node_index i) const noexcept { return residents_[i].id; }
    [[nodiscard]] std::string const& name_of(node_index i) const noexcept { return residents_[i].self.name; }
    [[nodiscard]] ip_endpoint const& endpoint_of(node_index i) const noexcept { return residents_[i].self.where; }
    /// `nobody` for an id that was never born.
    [[nodiscard]] node_index index_of(node_id const& id) const noexcept { return residents_.index_of(id); }
    /// The highest incarnation the node ever minted.
    [[nodiscard]] std::uint64_t minted(node_index i) const noexcept { return residents_[i].minted.highest(); }

    // --- network, discovery, scripts ---

    [[nodiscard]] network& net() noexcept { return net_; }
    [[nodiscard]] network const& net() const noexcept { return net_; }
    /// What the default discovery answers, the asker itself left out: node 0 to begin with. They need not be born yet.
    void set_seeds(std::vector<node_index> const& seeds) {
        seed_list_.clear();
        for (node_index const s : seeds) seed_list_.push_back(population<Node>::endpoint_of(s));
    }
    /// The same with any endpoints.
    void set_seed_endpoints(std::vector<ip_endpoint> seeds) { seed_list_ = std::move(seeds); }
    /// Replaces the default discovery of one node, in all its lives; a run under way begins again with it.
    void set_discovery(node_index i, std::unique_ptr<discovery_source> source) {
        residents_[i].discovery = std::move(source);
        if (residents_[i].discovery) residents_[i].discovery->attach(announcing(i));
        if (residents_[i].discovering) begin_discovery(i);
    }
    /// Tells the invariants that a host made `where` known to the node by a `call`.
    void allow_destination(node_index i, ip_endpoint const& where) { audit_.know_destination(i, where); }

    /// Calls `f` when the world is `when` old, at once when it is older. Functions due at the same time are called in
    /// the order they were given.
    void at(duration when, std::function<void()> f);
    void after(duration wait, std::function<void()> f) { at(since_start() + wait, std::move(f)); }
    /// Called for every event of every node, after the call that caused it.
    void on_event(std::function<void(node_index observer, gossip::event const&)> f) { event_handler_ = std::move(f); }
    /// Called for all user data a node hands to its host, and for the outcome of its requests. The payload is valid
    /// during the call; an answer is given with `after` and `call`.
    void on_deliver(std::function<void(node_index, gossip::delivery const&, byte_view payload)> f) {
        delivery_handler_ = std::move(f);
    }
    /// Called for every datagram a node sends, whatever becomes of it. `to` may be `nobody`.
    void on_send(std::function<void(node_index from, node_index to, byte_view)> f) { send_handler_ = std::move(f); }
    /// Randomness for scripts, independent of everything else.
    [[nodiscard]] seeded_rng& rng() noexcept { return script_rng_; }

    // --- time ---

    [[nodiscard]] duration elapsed() const noexcept { return since_start(); }
    /// The next thing happens, unless it is later than `limit` (age of the world): then time passes until that.
    bool step(duration limit);
    void run_for(duration d) {
        duration const end = since_start() + d;
        while (step(end)) {}
    }
    /// Runs until `done()`, asked now and then every `every`; gives how long that took, or none after `limit`.
    template <typename Predicate>
    [[nodiscard]] std::optional<duration> run_until(Predicate&& done, duration limit,
                                                    duration every = std::chrono::milliseconds{10});

    // --- what the nodes see ---

    /// `observer` is up and shows `subject` in that state.
    [[nodiscard]] bool sees(node_index observer, node_index subject, membership::member_state state) const;
    /// `observer` is up and counts `subject` as alive or suspect.
    [[nodiscard]] bool counts(node_index observer, node_index subject) const {
        return sees(observer, subject, membership::member_state::alive) ||
               sees(observer, subject, membership::member_state::suspect);
    }
    /// Every node that is up, and was not asked to leave, sees exactly all of these alive.
    [[nodiscard]] bool all_see_all() const;
    /// Every other node that is up sees `subject` in that state.
    [[nodiscard]] bool everyone_sees(node_index subject, membership::member_state state) const;
    /// No other node that is up counts `subject` as alive or suspect.
    [[nodiscard]] bool gone(node_index subject) const;

    // --- what happened ---

    [[nodiscard]] std::uint64_t seed() const noexcept { return options_.seed; }
    /// Everything that was delivered, every timer, call and event. What the intruder sent is left out, so that a
    /// world in which it achieves nothing has the hash of a world without it.
    [[nodiscard]] std::uint64_t trace_hash() const noexcept { return trace_.hash(); }
    [[nodiscard]] world_statistics const& statistics() const noexcept { return stats_; }
    /// Views compared in full by the invariants so far.
    [[nodiscard]] std::uint64_t scans() const noexcept { return audit_.scans(); }
    [[nodiscard]] node_statistics const& statistics(node_index i) const noexcept { return residents_[i].stats; }
    /// Streams of one node, those being dialled included; connections of the world in any state.
    [[nodiscard]] std::size_t open_streams(node_index i) const noexcept { return streams_.count(i); }
    [[nodiscard]] std::size_t connections() const noexcept { return streams_.connections(); }
    /// What went against the invariants: the first `max_violations`.
    [[nodiscard]] std::vector<violation> const& violations() const noexcept { return audit_.violations(); }
    [[nodiscard]] std::uint64_t violation_count() const noexcept { return audit_.count(); }
    /// Compares the views of all nodes at once, whatever `views_per_call` says.
    void check_all();
    /// Seed, time, violations and the last lines of the trace, for a failing test.
    [[nodiscard]] std::string report() const;

private:
    friend class stream_layer<world>;
    using resident_type = resident<Node>;

    struct parcel {
        node_index from = nobody;
        node_index to = nobody;
        buffer_id bytes{};
        std::uint32_t size = 0;
        bool corrupted = false;
        ip_endpoint source{};
    };

    // impl/world_lives.hpp
    void bring_up(node_index i, std::uint64_t incarnation);
    /// Microseconds, as a host would read them to mint an incarnation.
    [[nodiscard]] std::uint64_t wall_clock() const noexcept {
        return 1'000'000 + static_cast<std::uint64_t>(since_start().count() / 1000);
    }
    bool take_down(node_index i, bool machine_too);

    /// It does not listen yet: what arrives waits.
    [[nodiscard]] bool deaf(node_index i) const noexcept {
        if constexpr (NodeSaysWhenItListens<Node>) {
            return up(i) && !residents_[i].node->listening();
        } else {
            return false;
        }
    }
    void hear(node_index i);

    // impl/world_loop.hpp
    template <typename F>
    void enter(node_index i, trace_line const& line, F&& f, call_reason why = call_reason::other);
    /// Carries out what the node wants after a call, moves its timer, checks it.
    void settle(node_index i, call_reason why);
    void note_incarnation(resident_type& r, std::uint64_t incarnation);
    std::uint32_t carry_out(node_index i);
    void arm(node_index i);
    void tick(node_index i);
    void persist(node_index i, byte_view bytes);
    void take_event(node_index i, gossip::event const& e);
    void take_delivery(node_index i, gossip::delivery const& d, byte_view payload);
    void happen(occurrence const& what);

    // impl/world_datagrams.hpp
    void send_datagram(node_index from, ip_endpoint const& where, byte_view bytes);
    void deliver_datagram(occurrence const& what);
    /// A packet that must change nothing and, unless it is a genuine one seen before, must not be answered.
    void deliver_unauthentic(node_index to, ip_endpoint const& from, byte_span bytes, std::string_view what,
                             bool genuine);
    void make_noise();
    [[nodiscard]] std::uint32_t take_parcel();
    void give_back_parcel(std::uint32_t slot) {
        pool_.give_back(parcels_[slot].bytes);
        free_parcels_.push_back(slot);
    }

    // impl/world_streams.hpp: what stream_layer asks of its host
    [[nodiscard]] time_point now() const noexcept { return now_; }
    [[nodiscard]] seeded_rng& network_rng() noexcept { return network_rng_; }
    void schedule(time_point when, occurrence const& what) { queue_.push(when, what); }
    void park(node_index i, occurrence const& what) { residents_[i].waiting.push_back(what); }
    [[nodiscard]] bool process_up(node_index i) const noexcept { return up(i); }
    [[nodiscard]] bool machine_up(node_index i) const noexcept { return !residents_[i].machine_down; }
    [[nodiscard]] bool is_paused(node_index i) const noexcept { return residents_[i].paused; }
    [[nodiscard]] bool is_deaf(node_index i) const noexcept { return deaf(i); }

    void send_frame(node_index i, gossip::stream_id stream, byte_view bytes);
    void tell_opened(node_index i, gossip::stream_id stream);
    bool tell_accepted(node_index i, node_index dialer, std::uint32_t connection);
    void tell_frame(node_index i, gossip::stream_id stream, node_index from, byte_span bytes);
    void tell_closed(node_index i, gossip::stream_id stream, std::optional<error> why);

    // impl/world_discovery.hpp
    void begin_discovery(node_index i);
    void take_progress(node_index i, discovery_source::progress next);
    void on_discovery(occurrence const& what);
    [[nodiscard]] std::vector<discovery::candidate> default_candidates(node_index asker) const;
    [[nodiscard]] peerkit::node::announcing_node announcing(node_index i);
    void announcement_changed(node_index i);
    /// Something that the strategies of a node watch will have changed, unless it asks them again before.
    void tell_hint(node_index i, duration in);
    /// There is no reverse DNS in the world; nodes that ask for names are told so.
    void deny_name(node_index i, ip_address const& of);

    void note(trace_line const& line) noexcept { trace_.note(line); }
    [[nodiscard]] duration since_start() const noexcept { return now_.time_since_epoch(); }
    [[nodiscard]] bool busy() {
        if (carrying_out_)
            audit_.violate(nobody, "was told to act from within a handler; nothing was done (use `after`)");
        return carrying_out_;
    }

    world_options options_;
    factory make_;
    seeded_rng seeds_;
    seeded_rng network_rng_;
    seeded_rng script_rng_;
    intruder intruder_;
    trace trace_;
    network net_;
    byte_pool pool_;
    event_queue<occurrence> queue_;
    timer_queue timers_;
    stream_layer<world> streams_;
    time_point now_{};
    membership::shared_records shared_; // outlives the nodes
    population<Node> residents_;
    audit<Node> audit_;
    std::size_t running_ = 0;
    std::vector<parcel> parcels_;
    std::vector<std::uint32_t> free_parcels_;
    std::vector<std::function<void()>> scripts_;
    std::vector<std::uint32_t> free_scripts_;
    std::vector<ip_endpoint> seed_list_{population<Node>::endpoint_of(0)};
    gossip::outbox out_;
    bool carrying_out_ = false;
    std::function<void(node_index, gossip::event const&)> event_handler_;
    std::function<void(node_index, gossip::delivery const&, byte_view)> delivery_handler_;
    std::function<void(node_index, node_index, byte_view)> send_handler_;
    world_statistics stats_;
    std::array<std::byte, limits::datagram> noise_{};
};

} // namespace sim
PEERKIT_END_NAMESPACE

#include <peerkit/sim/impl/world_datagrams.hpp>
#include <peerkit/sim/impl/world_discovery.hpp>
#include <peerkit/sim/impl/world_lives.hpp>
#include <peerkit/sim/impl/world_loop.hpp>
#include <peerkit/sim/impl/world_streams.hpp>
#include <peerkit/sim/impl/world_views.hpp>

#endif
