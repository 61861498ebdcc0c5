// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A cluster of twenty is cut in two and heals, in virtual time: prints what happened when. Exit status 0 if it healed.
#include <peerkit/sim/default_world.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace std::chrono_literals;
using namespace peerkit;

int main(int argc, char** argv) {
    std::uint64_t const seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    sim::default_nodes const nodes;
    sim::default_world world{sim::options_for(nodes, seed), nodes};

    auto const say = [&](char const* what) {
        std::printf("%12s s  %s\n", sim::trace::seconds(world.elapsed()).c_str(), what);
    };
    std::size_t deaths = 0, returns = 0;
    bool apart = false;
    world.on_event([&](sim::node_index, gossip::event const& e) {
        deaths += e.kind == gossip::event_kind::member_dead ? 1 : 0;
        returns += apart && e.kind == gossip::event_kind::member_up ? 1 : 0;
    });

    say("20 nodes start; all discover the first one");
    world.spawn_many(20);
    if (!world.run_until([&] { return world.all_see_all(); }, 1min))
        return std::puts("they did not find each other"), 1;
    say("all see all");
    world.run_for(10s);

    apart = true;
    for (sim::node_index i = 0; i < 10; ++i) world.net().set_group(i, 1);
    say("the network is cut: ten nodes on either side");
    if (!world.run_until([&] { return deaths == 2 * 10 * 10; }, 5min)) return std::puts("the halves went on hoping"), 1;
    say("each side has given up the other");
    world.run_for(10min);
    say("ten minutes later: still two clusters of ten");

    world.net().heal();
    say("the network is whole again");
    if (!world.run_until([&] { return world.all_see_all(); }, 5min)) return std::puts("it did not heal"), 1;
    say("all see all");
    std::printf("\n%zu deaths were announced and %zu members came back; %llu datagrams, %zu violations; seed %llu, "
                "trace %016llx\n",
                deaths, returns, static_cast<unsigned long long>(world.statistics().datagrams_sent),
                world.violations().size(), static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(world.trace_hash()));
    return world.violations().empty() ? 0 : 1;
}
