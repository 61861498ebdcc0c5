// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Many real nodes in one process on loopback: what the live benchmarks run on.
#ifndef PEERKIT_BENCH_SUPPORT_LIVE_NODES_HPP
#define PEERKIT_BENCH_SUPPORT_LIVE_NODES_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/net/node.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace live {

using namespace peerkit;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Ends the program: a benchmark that did not do its work must not report how fast it was.
inline void require(bool held, std::string const& what) {
    if (held) return;
    std::fprintf(stderr, "benchmark: %s\n", what.c_str());
    std::exit(1);
}

/// Processor seconds of the whole process, the system's part included.
[[nodiscard]] inline double process_seconds() noexcept {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    auto const of = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return of(used.ru_utime) + of(used.ru_stime);
}
[[nodiscard]] inline double seconds_since(clock::time_point begin) noexcept {
    return std::chrono::duration<double>{clock::now() - begin}.count();
}

/// A member as a host would configure it: the `lan` profile, sealed, a new identity, loopback.
[[nodiscard]] inline net::node_config configured(std::string name, std::optional<std::uint16_t> seed_port) {
    std::array<std::byte, 32> secret{};
    secret[0] = std::byte{7};
    net::node_config config;
    config.network = "bench";
    auto key = crypto::network_key::from_bytes(secret);
    require(key.has_value(), "no network key");
    config.key = std::move(*key);
    config.self.name = std::move(name);
    config.listen.address = ip_address::v4(127, 0, 0, 1);
    config.listen.port = 0;
    if (seed_port) {
        auto peers = discovery::static_list::parse("127.0.0.1:" + std::to_string(*seed_port));
        require(peers.has_value(), "no list of peers");
        config.discovery = std::move(*peers);
    }
    return config;
}

/// What a cluster has counted, summed over its nodes.
struct totals {
    std::uint64_t datagrams_sent = 0;
    std::uint64_t payload_sent = 0; ///< bytes handed to sockets, datagrams and streams
    std::uint64_t stream_bytes_sent = 0;
    std::uint64_t signatures_checked = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t exchanges = 0;
    std::uint64_t streams_refused = 0;
    std::uint64_t verifies_refused = 0;
    std::uint64_t probes_failed = 0;
    std::uint64_t lost = 0; ///< datagrams dropped here: queues full, refused by the system
};

/// Nodes that share a process: as many event loops as threads, the nodes spread over them. The main thread watches.
class cluster {
public:
    /// Called on the node's thread. `of` is the number of the node that tells.
    using watcher = std::function<void(std::size_t of, gossip::event const&)>;

    explicit cluster(std::size_t threads = 2) {
        for (std::size_t i = 0; i < threads; ++i) loops_.push_back(std::make_unique<loop>());
    }
    cluster(cluster const&) = delete;
    cluster& operator=(cluster const&) = delete;
    ~cluster() { end(); }

    /// To be called before `start`.
    void watch(watcher told) { told_ = std::move(told); }

    /// Makes nodes, silent until `start`: the first one is the seed, unless there is one elsewhere already.
    void make(std::size_t count, std::optional<std::uint16_t> seed_port = std::nullopt,
              std::function<void(net::node_config&)> const& change = {}) {
        for (std::size_t i = 0; i < count; ++i) {
            loop& on = *loops_[seats_.size() % loops_.size()];
            auto config = configured("n" + std::to_string(seats_.size()), seed_port);
            if (change) change(config);
            auto made = net::node::create(on.context.get_executor(), std::move(config));
            require(made.has_value(), made ? "" : made.error().message());
            if (!seed_port) seed_port = made->local().port;
            seat& s = seats_.emplace_back();
            s.on = &on;
            s.node.emplace(std::move(*made));
            s.id = s.node->id();
            s.port = s.node->local().port;
            s.node->on_event([this, &s, number = seats_.size() - 1](gossip::event const& e) {
                look_at(s);
                if (told_) told_(number, e);
            });
        }
    }
    /// Starts all nodes and the threads; from here on `await_all` waits for `wanted` members at every node.
    void start(std::size_t wanted) {
        wanted_ = wanted;
        begun_ = clock::now();
        for (seat& s : seats_) {
            asio::post(s.on->context, [this, &s] {
                auto const ok = s.node->start();
                require(ok.has_value(), ok ? "" : ok.error().message());
                look_at(s);
            });
        }
        for (auto& l : loops_) l->thread = std::thread{[l = l.get()] { l->context.run(); }};
    }

    [[nodiscard]] clock::time_point begun() const noexcept { return begun_; }
    [[nodiscard]] std::size_t size() const noexcept { return seats_.size(); }
    [[nodiscard]] node_id const& id_of(std::size_t i) const noexcept { return seats_[i].id; }
    [[nodiscard]] std::uint16_t port_of(std::size_t i) const noexcept { return seats_[i].port; }

    /// Seconds from the start until 99 of 100 pairs of nodes knew each other; none if they do not yet.
    [[nodiscard]] std::optional<double> most_pairs() const {
        auto const at = most_.load();
        if (at == clock::time_point{}) return std::nullopt;
        return std::chrono::duration<double>{at - begun_}.count();
    }
    /// Seconds from the start until every node saw all `wanted` members alive; none if that takes too long.
    [[nodiscard]] std::optional<double> await_all(std::chrono::seconds limit) {
        std::unique_lock lock{mutex_};
        if (!changed_.wait_for(lock, limit, [&] { return complete_ == seats_.size(); })) return std::nullopt;
        return std::chrono::duration<double>{completed_ - begun_}.count();
    }
    [[nodiscard]] std::size_t complete() {
        std::lock_guard const lock{mutex_};
        return complete_;
    }

    /// Calls `f(number, node)` for each node on its own thread, and waits until that is done.
    template <typename F>
    void each(F&& f) {
        for (auto& l : loops_) {
            std::promise<void> done;
            asio::post(l->context, [&] {
                for (std::size_t i = 0; i < seats_.size(); ++i) {
                    if (seats_[i].on == l.get() && seats_[i].node) f(i, *seats_[i].node);
                }
                done.set_value();
            });
            done.get_future().wait();
        }
    }
    /// Ends a node as a crash would: its sockets close, nobody is told.
    void crash(std::size_t i) {
        seat& s = seats_[i];
        std::promise<void> done;
        asio::post(s.on->context, [&] {
            s.node->stop();
            done.set_value();
        });
        done.get_future().wait();
    }
    [[nodiscard]] totals sum() {
        totals all;
        each([&](std::size_t, net::node const& n) {
            auto const& c = n.counters();
            auto const& t = n.sockets();
            all.datagrams_sent += t.datagrams_sent;
            all.payload_sent += t.bytes_sent + t.stream_bytes_sent;
            all.stream_bytes_sent += t.stream_bytes_sent;
            all.signatures_checked += c.signatures_checked;
            all.duplicates += c.duplicates;
            all.exchanges += c.exchanges;
            all.streams_refused += t.streams_refused;
            all.verifies_refused += c.refused(gossip::gossip_error::verify_over_budget);
            all.probes_failed += c.probes_failed;
            all.lost += t.queue_overflows + t.send_errors;
        });
        return all;
    }

    /// Stops all nodes and the threads.
    void end() {
        for (seat& s : seats_) {
            asio::post(s.on->context, [&s] { s.node.reset(); });
        }
        for (auto& l : loops_) {
            l->work.reset();
            if (l->thread.joinable()) l->thread.join();
        }
        seats_.clear();
    }

private:
    struct loop {
        asio::io_context context{1};
        asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
        std::thread thread;
    };
    struct seat {
        loop* on = nullptr;
        std::optional<net::node> node;
        node_id id;
        std::uint16_t port = 0;
        std::size_t alive = 0;
        bool complete = false;
    };

    void look_at(seat& s) {
        std::size_t const alive = s.node->alive_count();
        std::size_t const pairs = pairs_ += alive - std::exchange(s.alive, alive);
        if (pairs * 100 >= wanted_ * seats_.size() * 99 && most_.load() == clock::time_point{}) most_ = clock::now();
        bool const all = alive == wanted_;
        if (all == s.complete) return;
        s.complete = all;
        std::lock_guard const lock{mutex_};
        complete_ += all ? std::size_t{1} : std::size_t{0} - 1;
        completed_ = clock::now();
        if (complete_ == seats_.size()) changed_.notify_all();
    }

    std::vector<std::unique_ptr<loop>> loops_;
    std::deque<seat> seats_;
    watcher told_;
    std::size_t wanted_ = 0;
    std::atomic<std::size_t> pairs_ = 0;
    std::atomic<clock::time_point> most_{};
    clock::time_point begun_{};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t complete_ = 0;
    clock::time_point completed_{};
};

} // namespace live

#endif
