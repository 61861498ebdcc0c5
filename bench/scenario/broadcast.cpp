// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One user broadcast at a time to 256 live nodes in one process over loopback: how long until it is handed over.
//
// usage: bench_broadcast [NODES [BROADCASTS [PAYLOAD]]]
#include <support/live_nodes.hpp>
#include <support/measure.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace live;

struct heard_by {
    std::mutex mutex;
    std::vector<double> milliseconds;
};

} // namespace

int main(int argc, char** argv) {
    std::size_t const nodes = argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 256;
    std::size_t const broadcasts = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 100;
    std::size_t const payload = std::max<std::size_t>(argc > 3 ? static_cast<std::size_t>(std::atoi(argv[3])) : 100, 8);

    cluster all;
    heard_by heard;
    all.make(nodes);
    all.start(nodes);
    require(all.await_all(120s).has_value(), "after 120 s not everybody sees all");
    all.each([&](std::size_t, net::node& n) {
        auto const ok = n.on_message("bench", [&heard](gossip::incoming const& m) {
            clock::duration::rep said = 0;
            std::memcpy(&said, m.payload.data(), sizeof said);
            double const took =
                std::chrono::duration<double, std::milli>{clock::now().time_since_epoch() - clock::duration{said}}
                    .count();
            std::lock_guard const lock{heard.mutex};
            heard.milliseconds.push_back(took);
        });
        require(ok.has_value(), "no handler");
    });
    // What there was to learn from each other is learnt.
    std::this_thread::sleep_for(10s);
    totals const before = all.sum();
    double const cpu_before = process_seconds();
    for (std::size_t i = 0; i < broadcasts; ++i) {
        all.each([&](std::size_t number, net::node& n) {
            if (number != i * 37 % nodes) return;
            std::vector<std::byte> what(payload);
            auto const now = clock::now().time_since_epoch().count();
            std::memcpy(what.data(), &now, sizeof now);
            require(n.broadcast("bench", what).has_value(), "not sent");
        });
        std::this_thread::sleep_for(250ms);
    }
    std::this_thread::sleep_for(3s);
    totals const after = all.sum();
    double const cpu = process_seconds() - cpu_before;
    std::lock_guard const lock{heard.mutex};
    auto& took = heard.milliseconds;
    require(took.size() == broadcasts * (nodes - 1), "heard " + std::to_string(took.size()) + " times");
    std::sort(took.begin(), took.end());
    auto const at = [&](double part) {
        return took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))];
    };
    auto const count = static_cast<double>(broadcasts) * static_cast<double>(nodes);
    std::printf("%zu broadcasts of %zu bytes to %zu nodes: p50 %.2f, p90 %.2f, p99 %.2f, worst %.2f ms; "
                "%.1f datagrams and %.0f us of processor per broadcast and node, idling included\n",
                broadcasts, payload, nodes, at(0.5), at(0.9), at(0.99), took.back(),
                static_cast<double>(after.datagrams_sent - before.datagrams_sent) / count, cpu * 1e6 / count);
    measure::report("broadcast.p99_ms", at(0.99));
    all.end();
}
