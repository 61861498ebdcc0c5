// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writing the names of a pattern into a buffer, in the order of a run, beside a bare copy of as many bytes.
#include <peerkit/discovery/name_sequence.hpp>

#include <support/count_allocations.hpp>
#include <support/measure.hpp>

#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using namespace peerkit;

/// All names of `tw_node*.example.org`, a thousand times: as a run asks for them, in a shuffled order.
void dns_pattern_names(benchmark::State& state) {
    constexpr std::size_t rounds = 61, times = 1000;
    auto const names = discovery::name_sequence::parse("tw_node*.example.org");
    if (!names) return state.SkipWithError("the pattern was not understood");
    std::size_t const count = names->size() * times;
    discovery::name_buffer buffer;
    std::array<char, 256> source{};
    std::size_t written = 0;
    auto const in_order = [&] {
        for (std::size_t t = 0; t < times; ++t) {
            for (std::size_t i = 0; i < names->size(); ++i) {
                written += names->name(i, buffer).size();
                benchmark::DoNotOptimize(buffer.data());
                benchmark::ClobberMemory();
            }
        }
    };
    auto const shuffled = [&] {
        for (std::size_t t = 0; t < times; ++t) {
            discovery::shuffled_order const order{names->size(), t};
            for (std::size_t i = 0; i < names->size(); ++i) {
                written += names->name(static_cast<std::size_t>(order(i)), buffer).size();
                benchmark::DoNotOptimize(buffer.data());
                benchmark::ClobberMemory();
            }
        }
    };
    auto const copied = [&] {
        std::size_t size = names->name(0, buffer).size();
        benchmark::DoNotOptimize(size);
        for (std::size_t i = 0; i < count; ++i) {
            std::memcpy(buffer.data(), source.data(), size);
            benchmark::DoNotOptimize(buffer.data());
            benchmark::ClobberMemory();
        }
    };
    for (auto _ : state) {
        std::size_t const before = measure::allocations();
        written = 0;
        in_order();
        shuffled();
        if (written != 2 * count * std::string_view{"tw_node01.example.org."}.size()) {
            return state.SkipWithError("a name is missing");
        }
        if (measure::allocations() != before) return state.SkipWithError("a name was allocated");
        auto const seconds = measure::medians(rounds, in_order, shuffled, copied);
        auto const each = [&](double taken) { return 1e9 * taken / static_cast<double>(count); };
        measure::report("dns.pattern.ns_per_name", each(seconds[1]));
        state.counters["ns_per_name"] = each(seconds[1]);
        state.counters["ns_in_order"] = each(seconds[0]);
        state.counters["ns_memcpy"] = each(seconds[2]);
    }
}
BENCHMARK(dns_pattern_names)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
