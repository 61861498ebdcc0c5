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
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/membership/member_state.hpp>
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
/// `on_event` and `on_send` the world may only be looked at, or given something to do with `after`.
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
    node_index spawn(std::string name = {}) {
        auto const i = static_cast<node_index>(residents_.size());
        resident_type& r = residents_.add();
        r.self.index = i;
        r.self.life = 0;
        r.self.name = name.empty() ? "n" + std::to_string(i) : std::move(name);
        r.self.where = population<Node>::endpoint_of(i);
        r.self.identity_seed = seeds_();
        r.self.rng_seed = seeds_();
        r.clock = node_clock{std::chrono::seconds{1000} + uniform(seeds_, duration{std::chrono::hours{300}})};
        timers_.add();
        net_.know(i);
        streams_.know(i);
        bring_up(i, wall_clock());
        return i;
    }
    /// `count` new nodes, all now or evenly spread over `within`.
    void spawn_many(std::size_t count, duration within = {}) {
        for (std::size_t k = 0; k < count; ++k) {
            duration const wait = within / static_cast<duration::rep>(count) * static_cast<duration::rep>(k);
            if (wait == duration::zero()) {
                spawn();
            } else {
                after(wait, [this] { spawn(); });
            }
        }
    }
    /// Gives the machine another interface: `on` is its address and the length of its subnet, and it reaches those of
    /// the same subnet only. Addresses in 10.0.0.0/8 are refused. What is announced is up to `default_nodes::describe`.
    bool add_interface(node_index i, ip_prefix const& on) { return residents_.add_interface(i, on); }
    /// Takes the interface with that address, the first one included, down or up. The node is not told; datagrams and
    /// dials from then on get nowhere, streams that are open stay so. False if the machine has no such address.
    bool set_interface(node_index i, ip_address const& address, bool up) {
        audit_.disturb();
        return residents_.set_interface(i, address, up);
    }
    /// The process ends without a word; its machine refuses dials and resets streams.
    bool crash(node_index i) { return take_down(i, false); }
    /// The machine is gone: nothing answers at all.
    bool power_off(node_index i) { return take_down(i, true); }
    /// A node that is down begins its next life, with the same key and address.
    bool restart(node_index i, memory what = memory::kept) {
        std::uint64_t const stored = what == memory::kept ? residents_[i].stored_incarnation : 0;
        return restart_with(i, what == memory::lost_and_clock_wrong ? 1 : std::max(stored + 1, wall_clock()), what);
    }
    /// The same with a given first incarnation, as from an old backup.
    bool restart_with(node_index i, std::uint64_t incarnation, memory what = memory::lost) {
        if (busy() || up(i)) return false;
        if (what != memory::kept) residents_[i].stored.clear();
        ++stats_.restarts;
        bring_up(i, incarnation);
        return up(i);
    }
    /// The process stands still: datagrams wait in a socket buffer of limited size, everything else waits too, timers
    /// come late.
    bool pause(node_index i) {
        resident_type& r = residents_[i];
        if (busy() || !up(i) || r.paused) return false;
        r.paused = true;
        ++stats_.pauses;
        timers_.set(i, never);
        note({since_start(), trace_kind::paused, nobody, i, 0, 0});
        audit_.disturb();
        return true;
    }
    bool resume(node_index i) {
        resident_type& r = residents_[i];
        if (busy() || !r.paused) return false;
        r.paused = false;
        r.waiting_datagrams = 0;
        note({since_start(), trace_kind::resumed, nobody, i, 0, 0});
        // What a real loop finds first, the timer or the socket, is chance.
        if (happens(network_rng_, 500'000) && r.node->next_deadline() <= r.clock.to_node(now_)) tick(i);
        for (occurrence const& o : r.waiting) schedule(now_, o);
        r.waiting.clear();
        if (up(i)) arm(i);
        audit_.disturb();
        return true;
    }
    /// `pause` now and `resume` after `d`.
    bool pause_for(node_index i, duration d) {
        if (!pause(i)) return false;
        std::uint32_t const life = residents_[i].self.life;
        after(d, [this, i, life] {
            if (residents_[i].self.life == life) resume(i);
        });
        return true;
    }
    /// The node says goodbye; it is down once it reports `self_left`.
    bool leave(node_index i) {
        if (!up(i)) return false;
        residents_[i].leaving = true;
        return call(i, [](Node& n, time_point now, gossip::outbox& out) { n.leave(now, out); });
    }
    /// Any call of a host into a running node: `f(node, its time, outbox)`. False if it is down, paused, or the world
    /// is in the middle of something.
    template <typename F>
    bool call(node_index i, F&& f) {
        resident_type& r = residents_[i];
        if (busy() || !up(i) || r.paused) return false;
        audit_.disturb();
        enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0}, std::forward<F>(f));
        return true;
    }
    /// The node's steady clock leaps ahead, as when a machine was suspended.
    void leap_clock(node_index i, duration ahead) {
        residents_[i].clock.leap(ahead);
        if (up(i) && !residents_[i].paused) arm(i);
        audit_.disturb();
    }
    /// The node's clock runs faster (slower if negative) by that many millionths.
    void set_drift(node_index i, std::int32_t millionths) {
        residents_[i].clock.set_drift(millionths, now_);
        if (up(i) && !residents_[i].paused) arm(i);
    }

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
        if (residents_[i].discovering) begin_discovery(i);
    }
    /// Tells the invariants that a host made `where` known to the node by a `call`.
    void allow_destination(node_index i, ip_endpoint const& where) { audit_.know_destination(i, where); }

    /// Calls `f` when the world is `when` old, at once when it is older. Functions due at the same time are called in
    /// the order they were given.
    void at(duration when, std::function<void()> f) {
        std::uint32_t slot = 0;
        if (free_scripts_.empty()) {
            slot = static_cast<std::uint32_t>(scripts_.size());
            scripts_.push_back(std::move(f));
        } else {
            slot = free_scripts_.back();
            free_scripts_.pop_back();
            scripts_[slot] = std::move(f);
        }
        schedule(std::max(now_, time_point{} + when), {occurrence_kind::script, slot, 0});
    }
    void after(duration wait, std::function<void()> f) { at(since_start() + wait, std::move(f)); }
    /// Called for every event of every node, after the call that caused it.
    void on_event(std::function<void(node_index observer, gossip::event const&)> f) { event_handler_ = std::move(f); }
    /// Called for every datagram a node sends, whatever becomes of it. `to` may be `nobody`.
    void on_send(std::function<void(node_index from, node_index to, byte_view)> f) { send_handler_ = std::move(f); }
    /// Randomness for scripts, independent of everything else.
    [[nodiscard]] seeded_rng& rng() noexcept { return script_rng_; }

    // --- time ---

    [[nodiscard]] duration elapsed() const noexcept { return since_start(); }
    /// The next thing happens, unless it is later than `limit` (age of the world): then time passes until that.
    bool step(duration limit) {
        time_point const end = time_point{} + limit;
        time_point const event = queue_.next_time(), timer = timers_.next_time();
        time_point const next = std::min(event, timer);
        if (next > end) {
            now_ = std::max(now_, end);
            audit_.set_time(now_);
            return false;
        }
        now_ = next;
        audit_.set_time(now_);
        if (now_ >= audit_.quiet_until()) audit_.check_quiet(net_, intruder_.active(), running_);
        if (event <= timer) {
            happen(queue_.pop());
        } else {
            tick(timers_.next());
        }
        return true;
    }
    void run_for(duration d) {
        duration const end = since_start() + d;
        while (step(end)) {}
    }
    /// Runs until `done()`, asked now and then every `every`; gives how long that took, or none after `limit`.
    template <typename Predicate>
    [[nodiscard]] std::optional<duration> run_until(Predicate&& done, duration limit,
                                                    duration every = std::chrono::milliseconds{10}) {
        duration const begin = since_start();
        for (;;) {
            if (done()) return since_start() - begin;
            duration const left = limit - (since_start() - begin);
            if (left <= duration::zero()) return std::nullopt;
            run_for(std::min(left, every));
        }
    }

    // --- what the nodes see ---

    /// `observer` is up and shows `subject` in that state.
    [[nodiscard]] bool sees(node_index observer, node_index subject, membership::member_state state) const {
        if (!up(observer)) return false;
        auto const member = node(observer).find(id_of(subject));
        return static_cast<bool>(member) && member->state() == state;
    }
    /// `observer` is up and counts `subject` as alive or suspect.
    [[nodiscard]] bool counts(node_index observer, node_index subject) const {
        return sees(observer, subject, membership::member_state::alive) ||
               sees(observer, subject, membership::member_state::suspect);
    }
    /// Every node that is up, and was not asked to leave, sees exactly all of these alive.
    [[nodiscard]] bool all_see_all() const {
        std::size_t present = 0;
        for (resident_type const& r : residents_) present += r.node != nullptr && !r.leaving ? 1 : 0;
        for (resident_type const& r : residents_) {
            if (r.node == nullptr || r.leaving) continue;
            std::size_t alive = 0;
            bool sound = true;
            r.node->for_each_member([&](auto const& m) {
                if (m.state() == membership::member_state::suspect) sound = false;
                if (m.state() != membership::member_state::alive) return;
                node_index const s = index_of(m.id());
                if (s == nobody || !up(s) || residents_[s].leaving) sound = false;
                ++alive;
            });
            if (!sound || alive != present) return false;
        }
        return true;
    }
    /// Every other node that is up sees `subject` in that state.
    [[nodiscard]] bool everyone_sees(node_index subject, membership::member_state state) const {
        for (node_index i = 0; i < residents_.size(); ++i) {
            if (i != subject && up(i) && !sees(i, subject, state)) return false;
        }
        return true;
    }
    /// No other node that is up counts `subject` as alive or suspect.
    [[nodiscard]] bool gone(node_index subject) const {
        for (node_index i = 0; i < residents_.size(); ++i) {
            if (i != subject && counts(i, subject)) return false;
        }
        return true;
    }

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
    void check_all() {
        for (node_index i = 0; i < residents_.size(); ++i) {
            if (up(i)) audit_.scan(i);
        }
    }
    /// Seed, time, violations and the last lines of the trace, for a failing test.
    [[nodiscard]] std::string report() const {
        std::string made = "seed " + std::to_string(options_.seed) + ", " + trace::seconds(since_start()) +
                           " s, trace hash " + std::to_string(trace_.hash()) + ", " + std::to_string(running_) +
                           " of " + std::to_string(residents_.size()) + " nodes up, " + std::to_string(audit_.count()) +
                           " violations\n";
        for (violation const& v : audit_.violations()) made.append("  ").append(v.text()).append("\n");
        return made + trace_.text();
    }

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

    // --- lives ---

    void bring_up(node_index i, std::uint64_t incarnation) {
        resident_type& r = residents_[i];
        ++r.self.life;
        if (r.self.life > 1) r.self.rng_seed = seeded_rng{r.self.rng_seed + r.self.life}();
        r.self.incarnation = incarnation;
        r.self.stored = r.stored;
        r.machine_down = false;
        r.leaving = r.gone_for_good = r.paused = false;
        r.destinations.clear();
        r.foreign.clear();
        r.views.forget();
        r.last_incarnation = 0;
        r.node = make_(r.self);
        if (r.node == nullptr) return audit_.violate(i, "the factory made no node");
        ++running_;
        residents_.set_id(i, r.node->id());
        audit_.disturb();
        result<void> started{};
        enter(i, {since_start(), trace_kind::started, nobody, i, 0, incarnation},
              [&](Node& n, time_point now, gossip::outbox& out) { started = n.start(now, out); });
        if (!started) {
            audit_.violate(i, "did not start: " + started.error().message());
            take_down(i, false);
        }
    }
    /// Microseconds, as a host would read them to mint an incarnation.
    [[nodiscard]] std::uint64_t wall_clock() const noexcept {
        return 1'000'000 + static_cast<std::uint64_t>(since_start().count() / 1000);
    }
    bool take_down(node_index i, bool machine_too) {
        resident_type& r = residents_[i];
        if (busy() || r.node == nullptr) return false;
        r.node.reset();
        --running_;
        ++r.discovery_run;
        r.discovering = false;
        r.machine_down = machine_too;
        r.paused = false;
        for (occurrence const& o : r.waiting) {
            if (o.kind == occurrence_kind::datagram) give_back_parcel(o.a);
        }
        r.waiting.clear();
        r.waiting_datagrams = 0;
        timers_.set(i, never);
        r.armed_for = never;
        streams_.crashed(i, machine_too);
        ++stats_.crashes;
        note({since_start(), trace_kind::crashed, nobody, i, 0, 0});
        audit_.disturb();
        return true;
    }

    // --- calls into nodes ---

    template <typename F>
    void enter(node_index i, trace_line const& line, F&& f, call_reason why = call_reason::other) {
        note(line);
        resident_type& r = residents_[i];
        f(*r.node, r.clock.to_node(now_), out_);
        settle(i, why);
    }
    /// Carries out what the node wants after a call, moves its timer, checks it.
    void settle(node_index i, call_reason why) {
        resident_type& r = residents_[i];
        ++r.stats.calls;
        ++stats_.calls;
        std::uint64_t const incarnation = r.node->incarnation();
        if (incarnation != r.last_incarnation || r.leaving) note_incarnation(r, incarnation);
        std::uint32_t const sent = carry_out(i);
        arm(i);
        audit_.after_call(i, why, sent, streams_.count(i));
        if (r.gone_for_good) {
            --stats_.crashes; // a goodbye is none
            take_down(i, false);
        }
    }
    void note_incarnation(resident_type& r, std::uint64_t incarnation) {
        if (r.leaving) {
            r.minted.add_goodbye(incarnation);
        } else {
            r.minted.add(incarnation);
        }
        r.last_incarnation = incarnation;
    }
    std::uint32_t carry_out(node_index i) {
        std::uint32_t sent = 0;
        if (out_.empty()) return sent;
        carrying_out_ = true;
        for (std::size_t k = 0; k < out_.size(); ++k) {
            gossip::action const a = out_[k];
            switch (a.kind) {
            case gossip::action_kind::send_datagram:
                ++sent;
                send_datagram(i, a.to, a.bytes);
                break;
            case gossip::action_kind::open_stream: {
                ++residents_[i].stats.dials;
                ++stats_.dials;
                audit_.check_destination(i, a.to);
                if (!streams_.dial(i, a.stream, residents_.route(i, a.to).to))
                    audit_.violate(i, "dialled with the name of a stream it has");
                break;
            }
            case gossip::action_kind::send_frame: send_frame(i, a.stream, a.bytes); break;
            case gossip::action_kind::close_stream:
                if (!streams_.close(i, a.stream)) audit_.violate(i, "closed a stream it does not have");
                break;
            case gossip::action_kind::run_discovery: begin_discovery(i); break;
            case gossip::action_kind::resolve_address: deny_name(i, a.to.address); break;
            case gossip::action_kind::persist: persist(i, a.bytes); break;
            case gossip::action_kind::notify: take_event(i, *a.what); break;
            }
        }
        carrying_out_ = false;
        out_.clear();
        return sent;
    }
    void arm(node_index i) {
        resident_type& r = residents_[i];
        if (r.paused) return;
        time_point when = std::max(now_, r.clock.to_world(r.node->next_deadline()));
        if (options_.timer_lateness > duration::zero() && when != never) {
            // Drawn once per deadline: a call that leaves the deadline alone leaves the lateness alone.
            if (when == r.armed_for) return;
            r.armed_for = when;
            when += uniform(network_rng_, options_.timer_lateness + duration{1});
        }
        timers_.set(i, when);
    }
    void tick(node_index i) {
        resident_type& r = residents_[i];
        r.armed_for = never;
        if (r.last_tick != now_) {
            r.last_tick = now_;
            r.stuck = 0;
        } else if (++r.stuck == 100) {
            audit_.violate(i, "its deadline does not move when its timer fires");
        }
        ++r.stats.ticks;
        ++stats_.ticks;
        enter(
            i, {since_start(), trace_kind::tick, nobody, i, 0, 0},
            [](Node& n, time_point now, gossip::outbox& out) { n.on_tick(now, out); }, call_reason::timer);
        if (r.stuck >= 100 && up(i)) timers_.set(i, now_ + std::chrono::milliseconds{1});
    }

    // --- datagrams ---

    void send_datagram(node_index from, ip_endpoint const& where, byte_view bytes) {
        resident_type& r = residents_[from];
        ++r.stats.datagrams_sent;
        r.stats.datagram_bytes_sent += bytes.size();
        ++stats_.datagrams_sent;
        stats_.datagram_bytes_sent += bytes.size();
        simulated_route const route = residents_.route(from, where);
        node_index const to = route.to;
        audit_.check_destination(from, where);
        audit_.check_datagram(from, bytes.size());
        if (send_handler_) send_handler_(from, to, bytes);
        if (to == nobody || bytes.size() > byte_pool::max_size) {
            ++stats_.nobody_there;
            return;
        }
        datagram_fate const fate = net_.draw_fate(from, to, network_rng_);
        switch (fate.how) {
        case datagram_fate::end::cut: ++stats_.cut; return;
        case datagram_fate::end::blocked: ++stats_.blocked; return;
        case datagram_fate::end::lost: ++stats_.lost; return;
        case datagram_fate::end::delivered: break;
        }
        stats_.duplicated += fate.copies - 1U;
        stats_.reordered += fate.reordered ? 1 : 0;
        for (std::size_t copy = 0; copy < fate.copies; ++copy) {
            std::uint32_t const slot = take_parcel();
            parcel& p = parcels_[slot];
            p = {from, to, pool_.take(bytes.size()), static_cast<std::uint32_t>(bytes.size()), false, route.source};
            std::byte* const kept = pool_.data(p.bytes);
            copy_bytes(bytes, {kept, bytes.size()});
            if (copy == 0 && fate.corrupted && !bytes.empty()) {
                std::uint64_t const bit = uniform(network_rng_, std::uint64_t{bytes.size() * 8});
                kept[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
                p.corrupted = true;
                ++stats_.corrupted;
            }
            schedule(now_ + fate.delay[copy], {occurrence_kind::datagram, slot, 0});
        }
    }
    void deliver_datagram(occurrence const& what) {
        parcel const p = parcels_[what.a];
        resident_type& r = residents_[p.to];
        if (r.node == nullptr) {
            ++stats_.nobody_there;
            return give_back_parcel(what.a);
        }
        if (r.paused) {
            if (r.waiting_datagrams >= options_.socket_buffer) {
                ++stats_.buffer_full;
                return give_back_parcel(what.a);
            }
            ++r.waiting_datagrams;
            r.waiting.push_back(what);
            return;
        }
        byte_span const bytes{pool_.data(p.bytes), p.size};
        ++r.stats.datagrams_received;
        ++stats_.datagrams_delivered;
        if (intruder_.active() && !p.corrupted) intruder_.overhear(p.to, r.self.life, p.source, bytes);
        trace_line const line{since_start(), trace_kind::datagram, p.from, p.to, p.size, hash_bytes(bytes)};
        if (p.corrupted && audit_.enabled()) {
            note(line);
            deliver_unauthentic(p.to, p.source, bytes, "a packet damaged on its way", false);
        } else {
            audit_.know_node(p.to, p.from);
            enter(
                p.to, line,
                [&](Node& n, time_point now, gossip::outbox& out) { n.on_datagram(bytes, p.source, now, out); },
                call_reason::datagram);
        }
        give_back_parcel(what.a);
    }
    /// A packet that must change nothing and, unless it is a genuine one seen before, must not be answered.
    void deliver_unauthentic(node_index to, ip_endpoint const& from, byte_span bytes, std::string_view what,
                             bool genuine) {
        resident_type& r = residents_[to];
        // A node whose timer is overdue may notice on any packet that it slept, and act on that.
        bool const punctual = r.node->next_deadline() >= r.clock.to_node(now_);
        std::uint64_t const before = audit_.digest(*r.node, punctual);
        r.node->on_datagram(bytes, from, r.clock.to_node(now_), out_);
        if (audit_.digest(*r.node, punctual) != before) audit_.violate(to, std::string{what} + " changed its state");
        bool answered = false, told = false;
        for (std::size_t k = 0; k < out_.size(); ++k) {
            (out_[k].kind == gossip::action_kind::notify ? told : answered) = true;
        }
        if (told && punctual) audit_.violate(to, std::string{what} + " caused an event");
        if (answered && !genuine && punctual) audit_.violate(to, std::string{what} + " was answered");
        settle(to, call_reason::datagram);
    }
    void make_noise() {
        schedule(now_ + intruder_.interval(), {occurrence_kind::noise, 0, 0});
        if (residents_.size() == 0) return;
        auto const same_life = [&](node_index i, std::uint32_t life) {
            return up(i) && residents_[i].self.life == life;
        };
        intruder::shot const shot = intruder_.forge(residents_.size(), noise_, same_life);
        if (shot.to == nobody || !up(shot.to) || residents_[shot.to].paused) return;
        ++stats_.noise;
        deliver_unauthentic(shot.to, shot.from, byte_span{noise_}.first(shot.size), to_string(shot.kind),
                            shot.kind == noise_kind::replayed);
    }
    [[nodiscard]] std::uint32_t take_parcel() {
        if (free_parcels_.empty()) {
            parcels_.emplace_back();
            free_parcels_.reserve(parcels_.capacity());
            return static_cast<std::uint32_t>(parcels_.size() - 1);
        }
        std::uint32_t const slot = free_parcels_.back();
        free_parcels_.pop_back();
        return slot;
    }
    void give_back_parcel(std::uint32_t slot) {
        pool_.give_back(parcels_[slot].bytes);
        free_parcels_.push_back(slot);
    }

    // --- streams: what stream_layer asks of its host ---

    [[nodiscard]] time_point now() const noexcept { return now_; }
    [[nodiscard]] seeded_rng& network_rng() noexcept { return network_rng_; }
    void schedule(time_point when, occurrence const& what) { queue_.push(when, what); }
    void park(node_index i, occurrence const& what) { residents_[i].waiting.push_back(what); }
    [[nodiscard]] bool process_up(node_index i) const noexcept { return up(i); }
    [[nodiscard]] bool machine_up(node_index i) const noexcept { return !residents_[i].machine_down; }
    [[nodiscard]] bool is_paused(node_index i) const noexcept { return residents_[i].paused; }

    void send_frame(node_index i, gossip::stream_id stream, byte_view bytes) {
        resident_type& r = residents_[i];
        ++r.stats.frames_sent;
        r.stats.frame_bytes_sent += bytes.size();
        ++stats_.frames_sent;
        stats_.frame_bytes_sent += bytes.size();
        if (bytes.size() < 4 || bytes.size() > byte_pool::max_size ||
            load_big<std::uint32_t>(bytes.data()) != bytes.size() - 4) {
            return audit_.violate(i, "sent a frame whose length prefix is wrong or too large");
        }
        if (!streams_.send(i, stream, bytes.subspan(4)))
            audit_.violate(i, "sent a frame to a stream it does not have open");
    }
    void tell_opened(node_index i, gossip::stream_id stream) {
        enter(i, {since_start(), trace_kind::dial_opened, nobody, i, 0, static_cast<std::uint64_t>(stream)},
              [&](Node& n, time_point now, gossip::outbox& out) { n.on_stream_opened(stream, now, out); });
    }
    bool tell_accepted(node_index i, node_index dialer, std::uint32_t connection) {
        // The source port of a dial is not the port its node listens on.
        ip_endpoint const from{endpoint_of(dialer).address, static_cast<std::uint16_t>(49152 + connection % 16384)};
        bool taken = false;
        audit_.know_node(i, dialer);
        enter(i, {since_start(), trace_kind::dial_accepted, dialer, i, 0, 0},
              [&](Node& n, time_point now, gossip::outbox& out) {
                  auto const id = n.on_stream_accepted(from, now, out);
                  taken = id.has_value();
                  if (taken) streams_.bind(connection, *id);
              });
        return taken;
    }
    void tell_frame(node_index i, gossip::stream_id stream, node_index from, byte_span bytes) {
        enter(i,
              {since_start(), trace_kind::frame, from, i, static_cast<std::uint32_t>(bytes.size()), hash_bytes(bytes)},
              [&](Node& n, time_point now, gossip::outbox& out) { n.on_stream_frame(stream, bytes, now, out); });
    }
    void tell_closed(node_index i, gossip::stream_id stream, std::optional<error> why) {
        if (why) ++stats_.streams_failed;
        enter(i, {since_start(), trace_kind::stream_closed, nobody, i, 0, why ? std::uint64_t{why->value()} : 0U},
              [&](Node& n, time_point now, gossip::outbox& out) { n.on_stream_closed(stream, why, now, out); });
    }

    // --- discovery, storage, events ---

    void begin_discovery(node_index i) {
        resident_type& r = residents_[i];
        ++r.discovery_run;
        r.discovering = true;
        r.answer.reset();
        if (r.discovery == nullptr) {
            return schedule(now_ + options_.discovery_delay, {occurrence_kind::discovery, i, r.discovery_run});
        }
        take_progress(i, r.discovery->begin(r.clock.to_node(now_)));
    }
    void take_progress(node_index i, discovery_source::progress next) {
        resident_type& r = residents_[i];
        time_point const again = next.answer ? now_ : std::max(now_, r.clock.to_world(next.again));
        r.answer = std::move(next.answer);
        r.discovery_hint = next.hint == never ? never : std::max(now_, r.clock.to_world(next.hint));
        if (again != never) schedule(again, {occurrence_kind::discovery, i, r.discovery_run});
    }
    void on_discovery(occurrence const& what) {
        node_index const i = what.a;
        resident_type& r = residents_[i];
        if (r.node == nullptr || r.discovery_run != what.b) return;
        if (r.paused) return r.waiting.push_back(what);
        if (r.discovery != nullptr && !r.answer) return take_progress(i, r.discovery->resume(r.clock.to_node(now_)));
        discovery_answer answer = r.answer ? std::move(*r.answer) : discovery_answer{default_candidates(i)};
        r.answer.reset();
        r.discovering = false;
        if (r.discovery_hint != never) tell_hint(i, std::exchange(r.discovery_hint, never) - now_);
        if (!answer) {
            return enter(
                i, {since_start(), trace_kind::discovery_failed, nobody, i, 0, answer.error().value()},
                [&](Node& n, time_point now, gossip::outbox& out) { n.on_discovery_failed(answer.error(), now, out); });
        }
        for (discovery::candidate const& c : *answer) {
            for (ip_endpoint const& where : c.addresses) audit_.know_destination(i, where);
        }
        enter(i, {since_start(), trace_kind::candidates, nobody, i, static_cast<std::uint32_t>(answer->size()), 0},
              [&](Node& n, time_point now, gossip::outbox& out) { n.on_candidates(*answer, now, out); });
    }
    [[nodiscard]] std::vector<discovery::candidate> default_candidates(node_index asker) const {
        std::vector<discovery::candidate> found;
        for (ip_endpoint const& where : seed_list_) {
            if (where == residents_[asker].self.where) continue;
            discovery::candidate c;
            c.addresses = {where};
            c.source = discovery::provenance::static_list;
            found.push_back(std::move(c));
        }
        return found;
    }
    /// Something that the strategies of a node watch will have changed, unless it asks them again before.
    void tell_hint(node_index i, duration in) {
        if constexpr (requires(Node& n) { n.on_discovery_hint(now_, out_); }) {
            after(in, [this, i, run = residents_[i].discovery_run, life = residents_[i].self.life] {
                resident_type& r = residents_[i];
                if (!up(i) || r.self.life != life || r.discovery_run != run || r.paused) return;
                enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0},
                      [&](Node& n, time_point now, gossip::outbox& out) { n.on_discovery_hint(now, out); });
            });
        }
    }
    /// There is no reverse DNS in the world; nodes that ask for names are told so.
    void deny_name(node_index i, ip_address const& of) {
        using discovery::discovery_error;
        if constexpr (requires(Node& n, result<std::string_view> name) { n.on_host_name(of, name, now_, out_); }) {
            after(options_.discovery_delay, [this, i, of, life = residents_[i].self.life] {
                if (!up(i) || residents_[i].self.life != life || residents_[i].paused) return;
                enter(i, {since_start(), trace_kind::call, nobody, i, 0, 0},
                      [&](Node& n, time_point now, gossip::outbox& out) {
                          n.on_host_name(of, fail(discovery_error::unresolved), now, out);
                      });
            });
        }
    }
    void persist(node_index i, byte_view bytes) {
        resident_type& r = residents_[i];
        r.stored.assign(bytes.begin(), bytes.end());
        r.stored_incarnation = r.node->incarnation();
        // One call may mint several incarnations, of which only the last is seen from outside.
        if (auto const key = wire::record_view::peek(bytes); key && key->subject == r.id.short_id()) {
            if (key->left) {
                r.minted.add_goodbye(key->incarnation);
            } else {
                r.minted.add(key->incarnation);
            }
        }
    }
    void take_event(node_index i, gossip::event const& e) {
        resident_type& r = residents_[i];
        node_index const subject = e.subject ? index_of(e.subject) : nobody;
        std::uint64_t const what = static_cast<std::uint64_t>(e.kind) << 8U | static_cast<std::uint64_t>(e.why);
        note({since_start(), trace_kind::event, subject, i, 0,
              detail::mix(what ^ static_cast<std::uint64_t>(e.subject.short_id()) ^ e.incarnation << 20U)});
        if (auto const kind = static_cast<std::size_t>(e.kind); kind < stats_.events.size()) ++stats_.events[kind];
        audit_.on_event(i, e, subject);
        if (e.kind == gossip::event_kind::self_left) r.gone_for_good = true;
        if (event_handler_) event_handler_(i, e);
    }

    // --- the loop ---

    void happen(occurrence const& what) {
        switch (what.kind) {
        case occurrence_kind::datagram: deliver_datagram(what); break;
        case occurrence_kind::dial: streams_.on_dial(what); break;
        case occurrence_kind::pump: streams_.on_pump(what); break;
        case occurrence_kind::broken: streams_.on_broken(what); break;
        case occurrence_kind::discovery: on_discovery(what); break;
        case occurrence_kind::noise: make_noise(); break;
        case occurrence_kind::script: {
            std::function<void()> const f = std::exchange(scripts_[what.a], nullptr);
            free_scripts_.push_back(what.a);
            f();
            break;
        }
        }
    }
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
    std::function<void(node_index, node_index, byte_view)> send_handler_;
    world_statistics stats_;
    std::array<std::byte, limits::datagram> noise_{};
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
