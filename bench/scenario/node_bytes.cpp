// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a member of a settled cluster sends per second, by the size of the cluster: payload of datagrams and streams.
//
// In the simulator, whose frames are as long as sealed ones and whose records are as long as signed ones; bench_live
// measures the same of real nodes.
#include <peerkit/sim/default_world.hpp>

#include <support/measure.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;

struct sent {
    double bytes, stream_bytes, datagrams; ///< per node and second
};

sent steady(std::size_t nodes, duration settle, duration window) {
    sim::default_nodes made;
    made.describe = [](sim::birth const&, description& d) {
        d.version = "2.14.3";
        d.roles = {"worker"};
        d.labels = {{"zone", "eu-west-1a"}};
        d.services = {{"tasks", 7100, "build=0123456789abcdef"}};
    };
    made.tunables.max_members = nodes + 100;
    // Members are remembered as places to call, too. Nobody is called here.
    made.discovery.max_candidates = 16;
    made.discovery.max_strangers = 8;
    made.discovery.find_names = false;
    auto options = sim::options_for(made, 1);
    options.invariants.enabled = false;
    sim::default_world world{options, made};
    world.spawn_many(nodes);
    if (!world.acquaint_all()) {
        std::fprintf(stderr, "benchmark: a node of %zu refused an introduction\n", nodes);
        std::exit(1);
    }
    // Until members compare as seldom as they do for ever.
    world.run_for(settle);
    auto const before = world.statistics();
    world.run_for(window);
    auto const after = world.statistics();
    double const per = static_cast<double>(nodes) * std::chrono::duration<double>{window}.count();
    auto const streamed = static_cast<double>(after.frame_bytes_sent - before.frame_bytes_sent);
    auto const datagrams = static_cast<double>(after.datagram_bytes_sent - before.datagram_bytes_sent);
    sent const each{(datagrams + streamed) / per, streamed / per,
                    static_cast<double>(after.datagrams_sent - before.datagrams_sent) / per};
    std::printf("%zu nodes (seed 1): per node and second %.1f bytes in %.3f datagrams and on streams, %.1f of them on "
                "streams\n",
                nodes, each.bytes, each.datagrams, each.stream_bytes);
    return each;
}

} // namespace

int main() {
    bool const quick = measure::quick();
    sent const small = steady(100, 10min, 30min);
    sent const medium = steady(1000, 15min, quick ? 2min : 15min);
    measure::report("node.bytes_per_s", small.bytes);
    measure::report("node.bytes_per_s.1k_by_100", medium.bytes / small.bytes);
    if (quick) return 0;
    // They still compare more often than later on, which errs upwards; more would take long.
    sent const large = steady(10'000, 4min, 1min);
    measure::report("node.bytes_per_s.10k_by_100", large.bytes / small.bytes);
}
