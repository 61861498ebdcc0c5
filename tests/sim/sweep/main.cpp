// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Lives through one plan per seed and prints the seeds that go wrong; see tests/sim/run.
#include "../sweep.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

using namespace sweep;

char const usage[] =
    "usage: tests/sim/run [--seeds A..B] [--hours H] [--nodes N] [--shrink] [--trace]\n"
    "\n"
    "Every seed is a world of its own: random size, faults and weather, then fair weather in which all is to be well.\n"
    "\n"
    "  --seeds A..B  these seeds, B included (1..100); A alone for one\n"
    "  --hours H     ends early, after so many simulated node-hours in all\n"
    "  --nodes N     at most so many nodes in a world (40)\n"
    "  --shrink      makes the plan of every failing seed small and prints it as a program\n"
    "  --trace       prints the trace hash of every seed\n"
    "\n"
    "Exit status 1 if a seed fails, 2 if an argument is not understood.\n";

struct options {
    std::uint64_t first = 1, last = 100;
    std::uint64_t hours = ~std::uint64_t{0};
    std::uint32_t nodes = 40;
    bool shrink = false, trace = false;
};

template <typename T>
bool number(std::string_view text, T& to) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read(int count, char** words, options& o) {
    for (int i = 1; i < count; ++i) {
        std::string_view const word = words[i];
        std::string_view const value = i + 1 < count ? words[i + 1] : "";
        if (word == "--shrink") {
            o.shrink = true;
            continue;
        }
        if (word == "--trace") {
            o.trace = true;
            continue;
        }
        ++i;
        if (word == "--seeds") {
            auto const dots = value.find("..");
            if (!number(value.substr(0, dots), o.first)) return false;
            o.last = o.first;
            if (dots != value.npos && !number(value.substr(dots + 2), o.last)) return false;
        } else if (word == "--hours") {
            if (!number(value, o.hours)) return false;
        } else if (word == "--nodes") {
            if (!number(value, o.nodes) || o.nodes < 3) return false;
        } else {
            return false;
        }
    }
    return true;
}

} // namespace

int main(int count, char** words) {
    options o;
    if (!read(count, words, o)) {
        std::fputs(usage, stderr);
        return 2;
    }
    sim::plan_bounds bounds;
    bounds.nodes_most = o.nodes;
    auto const begin = std::chrono::steady_clock::now();
    std::array<std::uint64_t, sim::incident_kinds> struck{};
    std::uint64_t seconds = 0, failed = 0, lived = 0;
    for (std::uint64_t seed = o.first; seed <= o.last && seconds / 3600 < o.hours; ++seed) {
        sim::plan const p = sim::plan::draw(seed, bounds);
        sim::verdict const v = run(p);
        ++lived;
        seconds += v.seconds;
        for (std::size_t kind = 0; kind < struck.size(); ++kind) struck[kind] += v.struck[kind];
        if (o.trace) std::printf("seed %ju: trace %ju\n", std::uintmax_t{seed}, std::uintmax_t{v.trace_hash});
        if (v.fine()) continue;
        ++failed;
        std::printf("FAILED: seed %ju (--nodes %u), %u nodes: %s\n", std::uintmax_t{seed}, o.nodes, p.nodes,
                    v.what.c_str());
        if (o.shrink) {
            sim::plan const small = shrink(p, v, [](sim::plan const& q) { return run(q); });
            std::printf("%s\n// %s\n", small.code().c_str(), run(small).what.c_str());
        }
        std::fflush(stdout);
    }
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
    double const hours = static_cast<double>(seconds) / 3600;
    std::printf("%ju seeds from %ju, %.0f node-hours, %ju failed, %.1f s (%.1f node-hours per second)\n",
                std::uintmax_t{lived}, std::uintmax_t{o.first}, hours, std::uintmax_t{failed}, took.count(),
                hours / took.count());
    // P45: a fault that never strikes proves nothing. Only of many worlds can it be asked.
    for (std::size_t kind = 0; kind < struck.size(); ++kind) {
        std::string_view const name = sim::to_string(static_cast<sim::incident_kind>(kind));
        std::printf("%8ju %.*s\n", std::uintmax_t{struck[kind]}, static_cast<int>(name.size()), name.data());
        if (lived < 200 || struck[kind] >= lived / 10) continue;
        ++failed;
        std::printf("FAILED: %s: %.*s struck %ju times in %ju worlds\n",
                    std::string{to_string(sim::property::coverage)}.c_str(), static_cast<int>(name.size()), name.data(),
                    std::uintmax_t{struck[kind]}, std::uintmax_t{lived});
    }
    return failed == 0 ? 0 : 1;
}
