// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What 99 numbered names cost over c-ares: with a name server that answers (dnsmasq), and with one that is silent.
#include <peerkit/net/cares_resolver.hpp>

#include "../../tests/support/dns_programs.hpp"

#include <peerkit/discovery/dns_pattern.hpp>
#include <peerkit/net/discovery_driver.hpp>

#include <support/measure.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;
using driver = net::basic_discovery_driver<net::cares_resolver>;

/// One run of the pattern against one server, with what a host would have: a driver and a resolver of its own.
struct run {
    explicit run(std::string server) {
        auto pattern = discovery::dns_pattern::create({.pattern = "fleet*.pk.test"});
        if (!pattern) return;
        asio::io_context loop;
        auto const stop = std::make_shared<net::stop_state>();
        auto const carries_out = std::make_shared<driver>(
            loop.get_executor(), stop, net::cares_resolver{loop.get_executor(), {.servers = std::move(server)}});
        auto const begin = std::chrono::steady_clock::now();
        asio::co_spawn(loop, carries_out->run(*pattern, [](discovery::notice const&) {}),
                       [&](std::exception_ptr, net::discovery_end end) {
                           took = std::chrono::duration<double>{std::chrono::steady_clock::now() - begin}.count();
                           if (end.answer) found = end.answer->size();
                       });
        loop.run();
    }
    double took = 0;
    std::optional<std::size_t> found; ///< none: the run failed
};

void live(benchmark::State& state) {
    auto server = peerkit_test::dns_program::dnsmasq(PEERKIT_BENCH_DNSMASQ_CONF, 99);
    if (!server) return state.SkipWithError("there is no dnsmasq here (Debian: dnsmasq-base)");
    for (int i = 0; run{server->at()}.found != 99; ++i) {
        if (i == 10) return state.SkipWithError("dnsmasq does not answer");
    }
    std::vector<double> taken;
    for (auto _ : state) {
        run const one{server->at()};
        if (one.found != 99) return state.SkipWithError("a name was lost");
        taken.push_back(one.took);
    }
    measure::report("dns.iterate99.live_ms", measure::median(std::move(taken)) * 1000);
}
BENCHMARK(live)->Unit(benchmark::kMillisecond)->Iterations(31)->UseRealTime();

void silent(benchmark::State& state) {
    peerkit_test::silent_server const server;
    for (auto _ : state) {
        run const one{server.at()};
        if (one.found) return state.SkipWithError("silence is no answer");
        measure::report("dns.iterate99.silent_s", one.took);
    }
}
BENCHMARK(silent)->Unit(benchmark::kSecond)->Iterations(1)->UseRealTime();

} // namespace
