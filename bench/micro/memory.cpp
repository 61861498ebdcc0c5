// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What members cost in memory, and that a settled cluster allocates nothing.
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/node/node_logic.hpp>
#include <peerkit/wire/stream.hpp>

#include <support/count_allocations.hpp>
#include <support/measure.hpp>
#include <support/synthetic_members.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using synthetic::must;
using synthetic::require;

/// Heap bytes of a node per member, beyond the members' records: rows, index, probing order, allocator overhead.
void memory_per_member(benchmark::State& state) {
    constexpr std::size_t members = 100'000;
    using table_node = synthetic::node<synthetic::unchecked_identity, synthetic::no_sealing>;
    std::vector<synthetic::peer> peers = synthetic::make_peers<synthetic::unchecked_identity>(members);
    std::size_t records = 0;
    for (synthetic::peer const& p : peers) records += p.record.size();
    synthetic::frames arrived;
    for (auto _ : state) {
        std::size_t const before = measure::held();
        table_node node{{}, 2 * members};
        arrived.clear();
        table_node::announce_all(arrived, {}, peers, node.id());
        std::size_t const of_frames = measure::held() - before;
        node.receive(arrived, std::chrono::milliseconds{1});
        require(node.engine().known_count() == members + 1, "members are missing");
        // The frames were held before and after; what the empty node held is counted in.
        double const per_member = static_cast<double>(measure::held() - before - of_frames - records) / members;
        measure::report("memory.overhead_per_member", per_member);
        state.counters["bytes"] = per_member;
        state.counters["record_bytes"] = static_cast<double>(records) / members;
        state.counters["row_bytes"] = sizeof(membership::member);
    }
}
BENCHMARK(memory_per_member)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Nodes joined by a network of its own kind: latency, some loss, streams; and a count of the allocations made inside
/// calls of nodes, the network's own left out.
class settled_cluster {
public:
    using policies = gossip::policies<crypto::ed25519_identity, crypto::xchacha_sealing, crypto::secure_rng>;
    using node_type = peerkit::node::node_logic<policies>;

    explicit settled_cluster(std::size_t count) : key_{must(crypto::network_key::generate(), "no network key")} {
        for (std::size_t i = 0; i < count; ++i) {
            peerkit::node::node_logic<policies>::options options;
            options.network = synthetic::network();
            options.self = synthetic::describe(i);
            nodes_.push_back(std::make_unique<member>(
                node_type{synthetic::make_identity<crypto::ed25519_identity>(i), crypto::xchacha_sealing{key_},
                          must(crypto::secure_rng::make(), "no entropy"), std::move(options)}));
            description const d = synthetic::describe(i);
            endpoints_.push_back({d.addresses.front().address, d.addresses.front().port});
            at_.emplace(endpoints_.back(), i);
        }
        for (std::size_t i = 0; i < count; ++i) {
            require(nodes_[i]->logic.start(now_, nodes_[i]->out).has_value(), "a node did not start");
            carry_out(i);
        }
    }

    /// Runs until `steps` more inputs were handed to nodes.
    void run_steps(std::size_t steps) {
        for (std::size_t const end = steps_ + steps; steps_ < end;) next();
    }
    void run_for(duration span) {
        for (time_point const end = now_ + span; now_ < end;) next();
    }

    /// A node announces a changed label: a call of the host, so what it allocates is not counted.
    void change(std::size_t i) {
        description changed = nodes_[i]->logic.engine().self();
        changed.labels.front().value = std::to_string(1'000'000 + ++changes_);
        require(nodes_[i]->logic.update(std::move(changed), now_, nodes_[i]->out).has_value(),
                "the update was refused");
        carry_out(i);
    }
    void lose(std::uint32_t per_million) noexcept { loss_ = per_million; }
    /// For a while datagrams from and to one node are lost, and dials fail if `streams_too`.
    void darken(std::size_t i, duration span, bool streams_too) noexcept {
        dark_ = i;
        dials_fail_ = streams_too;
        dark_until_ = now_ + span;
    }
    [[nodiscard]] bool complete() const {
        for (auto const& n : nodes_) {
            if (n->logic.alive_count() != nodes_.size()) return false;
        }
        return true;
    }
    [[nodiscard]] std::size_t steps() const noexcept { return steps_; }
    [[nodiscard]] std::size_t allocated() const noexcept { return allocated_; }
    [[nodiscard]] std::size_t allocating_steps() const noexcept { return allocating_steps_; }
    [[nodiscard]] time_point now() const noexcept { return now_; }
    [[nodiscard]] gossip::counters total() const {
        gossip::counters sum;
        for (auto const& n : nodes_) {
            gossip::counters const& c = n->logic.counters();
            sum.duplicates += c.duplicates;
            sum.signatures_checked += c.signatures_checked;
            sum.exchanges += c.exchanges;
            sum.nacks_received += c.nacks_received;
            sum.probes_by_stream += c.probes_by_stream;
            sum.refutations += c.refutations;
        }
        return sum;
    }

private:
    struct member {
        explicit member(node_type made) : logic{std::move(made)} {}
        node_type logic;
        gossip::outbox out{};
        std::map<gossip::stream_id, std::pair<std::size_t, gossip::stream_id>> streams{}; ///< the other end of each
        time_point armed = never;
    };
    enum class what : std::uint8_t { tick, datagram, dial, opened, frame, closed, candidates };
    struct happening {
        time_point at;
        std::uint64_t order;
        what kind;
        std::size_t to;
        std::size_t other;
        gossip::stream_id stream;
        std::vector<std::byte> bytes;
        [[nodiscard]] bool operator<(happening const& right) const noexcept {
            return at != right.at ? at > right.at : order > right.order;
        }
    };

    void later(duration delay, what kind, std::size_t to, std::size_t other, gossip::stream_id stream,
               byte_view bytes) {
        happenings_.push({now_ + delay, ++order_, kind, to, other, stream, {bytes.begin(), bytes.end()}});
    }
    /// Calls a node and counts what it allocates.
    template <typename Call>
    void step(std::size_t i, Call&& call) {
        member& m = *nodes_[i];
        std::size_t const before = measure::allocations();
        call(m.logic, m.out);
        std::size_t const made = measure::allocations() - before;
        ++steps_;
        allocated_ += made;
        allocating_steps_ += made != 0 ? 1U : 0U;
        carry_out(i);
    }
    void next() {
        require(!happenings_.empty(), "nothing happens any more");
        happening h = happenings_.top();
        happenings_.pop();
        now_ = h.at;
        member& to = *nodes_[h.to];
        switch (h.kind) {
        case what::tick:
            if (now_ < to.logic.next_deadline()) return;
            return step(h.to, [&](node_type& n, gossip::outbox& out) { n.on_tick(now_, out); });
        case what::datagram:
            return step(h.to, [&](node_type& n, gossip::outbox& out) {
                n.on_datagram(h.bytes, endpoints_[h.other], now_, out);
            });
        case what::dial: {
            if (dials_fail_ && dark(h.to, h.other)) return later(delay(), what::closed, h.other, h.to, h.stream, {});
            std::optional<gossip::stream_id> accepted;
            step(h.to, [&](node_type& n, gossip::outbox& out) {
                if (auto const made = n.on_stream_accepted(endpoints_[h.other], now_, out)) accepted = *made;
            });
            if (!accepted) return later(delay(), what::closed, h.other, h.to, h.stream, {});
            to.streams[*accepted] = {h.other, h.stream};
            nodes_[h.other]->streams[h.stream] = {h.to, *accepted};
            return later(delay(), what::opened, h.other, h.to, h.stream, {});
        }
        case what::opened:
            if (!to.streams.contains(h.stream)) return;
            return step(h.to, [&](node_type& n, gossip::outbox& out) { n.on_stream_opened(h.stream, now_, out); });
        case what::frame:
            if (!to.streams.contains(h.stream)) return;
            return step(h.to, [&](node_type& n, gossip::outbox& out) {
                n.on_stream_frame(h.stream, byte_span{h.bytes}.subspan(wire::stream_prefix), now_, out);
            });
        case what::closed:
            to.streams.erase(h.stream);
            return step(h.to, [&](node_type& n, gossip::outbox& out) {
                n.on_stream_closed(h.stream, std::nullopt, now_, out);
            });
        case what::candidates: {
            discovery::candidate seed;
            seed.addresses = {endpoints_[0]};
            return step(h.to, [&](node_type& n, gossip::outbox& out) { n.on_candidates({&seed, 1}, now_, out); });
        }
        }
    }
    void carry_out(std::size_t i) {
        member& m = *nodes_[i];
        for (std::size_t k = 0; k < m.out.size(); ++k) {
            gossip::action const a = m.out[k];
            switch (a.kind) {
            case gossip::action_kind::send_datagram:
                if (auto const to = at_.find(a.to); to != at_.end() && !lost(i, to->second)) {
                    later(delay(), what::datagram, to->second, i, {}, a.bytes);
                }
                break;
            case gossip::action_kind::open_stream:
                if (auto const to = at_.find(a.to); to != at_.end())
                    later(delay(), what::dial, to->second, i, a.stream, {});
                break;
            case gossip::action_kind::send_frame:
                if (auto const end = m.streams.find(a.stream); end != m.streams.end()) {
                    later(stream_delay, what::frame, end->second.first, i, end->second.second, a.bytes);
                }
                break;
            case gossip::action_kind::close_stream:
                if (auto const end = m.streams.find(a.stream); end != m.streams.end()) {
                    later(stream_delay, what::closed, end->second.first, i, end->second.second, {});
                    m.streams.erase(end);
                }
                break;
            case gossip::action_kind::run_discovery: later(delay(), what::candidates, i, i, {}, {}); break;
            case gossip::action_kind::resolve_address:
            case gossip::action_kind::persist:
            case gossip::action_kind::deliver:
            case gossip::action_kind::listen:
            case gossip::action_kind::notify: break;
            }
        }
        m.out.clear();
        time_point const due = m.logic.next_deadline();
        if (due == m.armed && due > now_) return;
        m.armed = due;
        if (due != never) happenings_.push({std::max(due, now_), ++order_, what::tick, i, i, {}, {}});
    }
    [[nodiscard]] duration delay() noexcept {
        return std::chrono::microseconds{200} + uniform(random_, duration{std::chrono::milliseconds{1}});
    }

    [[nodiscard]] bool lost(std::size_t from, std::size_t to) noexcept {
        return dark(from, to) || happens(random_, loss_);
    }
    [[nodiscard]] bool dark(std::size_t from, std::size_t to) const noexcept {
        return now_ < dark_until_ && (from == dark_ || to == dark_);
    }

    static constexpr duration stream_delay = std::chrono::milliseconds{1}; ///< the same for all, so that order is kept

    crypto::network_key key_;
    std::vector<std::unique_ptr<member>> nodes_;
    std::vector<ip_endpoint> endpoints_;
    std::map<ip_endpoint, std::size_t> at_;
    std::priority_queue<happening> happenings_;
    seeded_rng random_{11};
    time_point now_{std::chrono::hours{1}};
    std::uint64_t order_ = 0;
    std::uint32_t changes_ = 0;
    std::uint32_t loss_ = 0;
    std::size_t dark_ = 0;
    time_point dark_until_{};
    bool dials_fail_ = false;
    std::size_t steps_ = 0;
    std::size_t allocated_ = 0;
    std::size_t allocating_steps_ = 0;
};

/// 100 nodes that know each other run for a million steps: probes, helpers, suspicions, refutations, gossip, exchanges,
/// discovery and changed announcements, with one datagram in 200 lost and now and then a node in the dark for some
/// seconds. Real keys, real seals.
void steady_allocations(benchmark::State& state) {
    constexpr std::size_t steps = 1'000'000, steps_per_change = 5'000;
    for (auto _ : state) {
        settled_cluster cluster{100};
        std::size_t turn = 0;
        auto const run = [&](std::size_t more) {
            for (std::size_t const end = cluster.steps() + more; cluster.steps() < end; ++turn) {
                cluster.change(turn % 100);
                cluster.darken(turn * 37 % 100, std::chrono::seconds{3}, turn % 2 == 0);
                cluster.run_steps(steps_per_change);
            }
        };
        // Until everybody has done everything, bursts included.
        cluster.run_for(std::chrono::minutes{2});
        cluster.lose(50'000);
        for (std::size_t i = 0; i < 100; ++i) cluster.change(i);
        run(steps / 4);
        cluster.lose(0);
        cluster.run_for(std::chrono::minutes{2});
        require(cluster.complete(), "the nodes did not find each other");

        cluster.lose(5'000);
        std::size_t const before = cluster.allocated(), stopped = cluster.allocating_steps();
        gossip::counters const start = cluster.total();
        time_point const began = cluster.now();
        run(steps);
        gossip::counters const end = cluster.total();
        auto const count = [&](char const* name, std::uint64_t from, std::uint64_t to) {
            require(to > from, name);
            state.counters[name] = static_cast<double>(to - from);
        };
        count("duplicates", start.duplicates, end.duplicates);
        count("verified", start.signatures_checked, end.signatures_checked);
        count("exchanges", start.exchanges, end.exchanges);
        count("nacks", start.nacks_received, end.nacks_received);
        count("by_stream", start.probes_by_stream, end.probes_by_stream);
        count("refuted", start.refutations, end.refutations);
        state.counters["virtual_s"] = std::chrono::duration<double>(cluster.now() - began).count();
        state.counters["steps_with_allocs"] = static_cast<double>(cluster.allocating_steps() - stopped);
        state.counters["allocs"] = static_cast<double>(cluster.allocated() - before);
        measure::report("steady.allocs", static_cast<double>(cluster.allocated() - before));
    }
}
BENCHMARK(steady_allocations)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
