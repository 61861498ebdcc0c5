// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How long a simulated cluster that was cut in halves takes to be one, and what is wrong after all of it restarted.
#include <support/choices.hpp>
#include <support/measure.hpp>
#include <support/scenarios.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace scenarios;

constexpr char const* usage =
    R"(usage: bench_repair [--detector NAME] [--what heal|restart] [--nodes N] [--minutes N] [--trials N] [--seed N]

Without options: the keys sim.heal.s and sim.restart. NAME is default, lifeguard, plain-swim, heartbeat or all.
)";

template <typename Kit>
double heal(setting const& s, std::chrono::minutes apart, std::size_t trials) {
    std::vector<double> taken;
    for (std::size_t k = 0; k < trials; ++k) {
        setting one = s;
        one.seed += k;
        taken.push_back(seconds(heal_halves<Kit>(one, apart)));
    }
    double const worst = *std::max_element(taken.begin(), taken.end());
    std::printf("%-11s two halves of %zu nodes, apart for %lld min: all see all after %.2f s, worst %.2f s (%zu runs, "
                "seeds from "
                "%llu)\n",
                Kit::name, s.nodes, static_cast<long long>(apart.count()), measure::median(taken), worst, trials,
                static_cast<unsigned long long>(s.seed));
    return worst;
}

template <typename Kit>
double restart(setting const& s, std::size_t trials) {
    std::uint64_t wrong = 0;
    for (std::size_t k = 0; k < trials; ++k) {
        setting one = s;
        one.seed += k;
        wrong += restart_all<Kit>(one);
    }
    std::printf(
        "%-11s all of %zu nodes restart within 5 s, half of them with nothing stored: %llu of %llu entries wrong 60 s "
        "later (%zu runs, seeds from %llu)\n",
        Kit::name, s.nodes, static_cast<unsigned long long>(wrong),
        static_cast<unsigned long long>(trials * s.nodes * s.nodes), trials, static_cast<unsigned long long>(s.seed));
    return static_cast<double>(wrong);
}

} // namespace

int main(int count, char** words) {
    choices const chosen{count, words, "detector what nodes minutes trials seed", usage};
    bool const quick = measure::quick();
    setting s{.seed = chosen.count("seed", 1), .nodes = chosen.count("nodes", 200)};
    if (!chosen.none()) {
        std::string const what = chosen.text("what", "heal");
        std::size_t const trials = chosen.count("trials", 1);
        bool const known = for_each_kit(chosen.text("detector", "default"), [&](auto kit) {
            using one = decltype(kit);
            if (what == "heal") (void)heal<one>(s, std::chrono::minutes{chosen.count("minutes", 60)}, trials);
            if (what == "restart") (void)restart<one>(s, trials);
        });
        return known ? 0 : (std::fputs(usage, stderr), 2);
    }
    using kit = as_shipped;
    measure::report("sim.heal.s", heal<kit>(s, 60min, quick ? 1 : 20));
    s.nodes = 100;
    measure::report("sim.restart", restart<kit>(s, quick ? 5 : 200));
    return 0;
}
