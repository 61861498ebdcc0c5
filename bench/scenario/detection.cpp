// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How long 1,000 simulated nodes take to know each other and to know of crashes, and what outage of a node they bear.
#include <support/choices.hpp>
#include <support/measure.hpp>
#include <support/scenarios.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace scenarios;

constexpr char const* usage =
    R"(usage: bench_detection [--detector NAME] [--what crash|half|outage] [--nodes N] [--trials N] [--seed N]

Without options: the keys sim.join1000.s, sim.detect.*, sim.outage_tolerated_s and sim.massfail.*, and some of the same
with the other detectors beside them. NAME is default, lifeguard, plain-swim, heartbeat or all.
)";

struct spread {
    double median = 0, high = 0, most = 0;
    explicit spread(std::vector<double> values) {
        std::sort(values.begin(), values.end());
        if (values.empty()) return;
        median = values[values.size() / 2];
        high = values[values.size() * 99 / 100];
        most = values.back();
    }
};

template <typename World>
void show_crashes(char const* detector, World const& world, detection const& found) {
    spread const first{found.first}, all{found.all};
    std::printf(
        "%-11s one of %zu nodes crashes: the first knows after %.2f s (99 %%: %.2f s), all after %.2f s (99 %%: %.2f "
        "s); %llu others declared dead (%zu crashes, seed %llu)\n",
        detector, world.size(), first.median, first.high, all.median, all.high,
        static_cast<unsigned long long>(found.wrong), found.all.size(), static_cast<unsigned long long>(world.seed()));
    std::fflush(stdout);
}

template <typename World>
void show_half(char const* detector, World const& world, mass_failure const& found) {
    std::printf(
        "%-11s half of %zu nodes crash at once: all survivors know all of it after %.2f s; of survivors %llu were "
        "suspected, %llu declared dead (seed %llu)\n",
        detector, world.size(), seconds(found.all), static_cast<unsigned long long>(found.others.suspected),
        static_cast<unsigned long long>(found.others.dead), static_cast<unsigned long long>(world.seed()));
    std::fflush(stdout);
}

/// One world after the other joins, loses some nodes one by one and half of them at once.
struct big_figures {
    std::vector<double> join, first, all, half;
    std::uint64_t wrong = 0;

    template <typename Kit>
    void run(setting s, std::size_t worlds, std::size_t crashes) {
        for (std::size_t k = 0; k < worlds; ++k, ++s.seed) {
            auto const world = make_world<Kit>(s);
            join.push_back(seconds(join_at_once(*world, s.nodes)));
            std::printf("%-11s %zu nodes join at once through one: all see all after %.2f s (seed %llu)\n", Kit::name,
                        s.nodes, join.back(), static_cast<unsigned long long>(s.seed));
            std::fflush(stdout);
            world->run_for(60s);
            detection const found = crash_one(*world, crashes);
            show_crashes(Kit::name, *world, found);
            first.insert(first.end(), found.first.begin(), found.first.end());
            all.insert(all.end(), found.all.begin(), found.all.end());
            mass_failure const failed = crash_half(*world);
            show_half(Kit::name, *world, failed);
            half.push_back(seconds(failed.all));
            wrong += found.wrong + failed.others.dead;
        }
    }
};

template <typename Kit>
double bears(setting const& s, std::size_t trials) {
    double const longest = seconds(outage_tolerated<Kit>(s, trials));
    std::printf(
        "%-11s one of %zu nodes is cut off: declared dead in at most 1 %% of the trials up to %.2f s (%zu trials per "
        "length, steps of 0.25 s, seed %llu)\n",
        Kit::name, s.nodes, longest, trials, static_cast<unsigned long long>(s.seed));
    return longest;
}

} // namespace

int main(int count, char** words) {
    choices const chosen{count, words, "detector what nodes trials seed", usage};
    bool const quick = measure::quick();
    setting big{.seed = chosen.count("seed", 1), .nodes = chosen.count("nodes", 1000)};
    setting small = big;
    small.nodes = chosen.count("nodes", 100);
    if (!chosen.none()) {
        std::string const what = chosen.text("what", "crash");
        std::size_t const trials = chosen.count("trials", 20);
        bool const known = for_each_kit(chosen.text("detector", "default"), [&](auto kit) {
            using one = decltype(kit);
            if (what == "outage") return void(bears<one>(small, trials));
            auto const world = settled<one>(big);
            if (what == "half") show_half(kit.name, *world, crash_half(*world));
            if (what == "crash") show_crashes(kit.name, *world, crash_one(*world, trials));
        });
        return known ? 0 : (std::fputs(usage, stderr), 2);
    }
    using kit = as_shipped;
    big_figures figures;
    figures.run<kit>(big, quick ? 1 : 5, quick ? 15 : 40);
    measure::report("sim.join1000.s", measure::median(figures.join));
    measure::report("sim.detect.first_s", measure::median(figures.first));
    measure::report("sim.detect.all_s", measure::median(figures.all));
    measure::report("sim.massfail.all_s", measure::median(figures.half));
    measure::report("sim.massfail.false_dead", static_cast<double>(figures.wrong));
    measure::report("sim.outage_tolerated_s", bears<kit>(small, quick ? 100 : 500));

    // The other detectors beside it, among 100; both sides of the coin.
    std::map<std::string, double> known_by_all;
    for_each_kit("all", [&](auto other) {
        auto const world = settled<decltype(other)>(small);
        detection const found = crash_one(*world, quick ? 15 : 101);
        show_crashes(other.name, *world, found);
        known_by_all[other.name] = measure::median(found.all);
        if (!quick && std::string{other.name} != kit::name) (void)bears<decltype(other)>(small, 200);
    });
    measure::report("sim.detect100.vs_lifeguard", known_by_all[kit::name] / known_by_all[lifeguard::name]);
    measure::report("sim.detect100.vs_swim", known_by_all[kit::name] / known_by_all[plain_swim::name]);
    return 0;
}
