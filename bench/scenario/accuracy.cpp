// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How often simulated nodes that are healthy are declared dead, under loss, one-way loss and pauses; packets sent.
#include <support/choices.hpp>
#include <support/measure.hpp>
#include <support/scenarios.hpp>

#include <cstdio>
#include <map>
#include <string>

namespace {

using namespace scenarios;

constexpr char const* usage =
    R"(usage: bench_accuracy [--detector NAME] [--what loss|oneway|pauses|liar] [--loss PERCENT] [--hours NODE-HOURS]
                      [--nodes N] [--seed N] [--streams 0|1]

Without options: the keys sim.false_dead.* and sim.packets_per_s.*, and some of the same with the other detectors beside
them. NAME is default, lifeguard, plain-swim, heartbeat or all.
--streams 0 probes by datagrams only.
)";

/// One line. A zero says how much that proves: with 3 events expected none would be seen in one of 20 runs.
void show(char const* detector, char const* what, setting const& s, tally const& t) {
    char bound[48] = "";
    if (t.dead == 0) std::snprintf(bound, sizeof bound, " (95 %%: at most %.2g)", 3 / t.hours());
    std::printf("%-11s %-20s %10.4g dead per node-hour%s, %llu in %.0f node-hours; %llu believed, %.3g suspicions per "
                "hour; %.2f packets, %.3f frames per node-second; %zu nodes, seeds from %llu\n",
                detector, what, t.dead_per_hour(), bound, static_cast<unsigned long long>(t.dead), t.hours(),
                static_cast<unsigned long long>(t.believed), t.suspected_per_hour(), t.packets_per_second(),
                static_cast<double>(t.stream_frames) / static_cast<double>(t.seconds), s.nodes,
                static_cast<unsigned long long>(s.seed));
    std::fflush(stdout);
}

} // namespace

int main(int count, char** words) {
    choices const chosen{count, words, "detector what loss hours nodes seed streams", usage};
    bool const quick = measure::quick();
    setting s{.seed = chosen.count("seed", 1), .nodes = chosen.count("nodes", 100)};
    s.tunables.stream_fallback = chosen.count("streams", 1) != 0;
    if (!chosen.none()) {
        std::string const what = chosen.text("what", "loss");
        double const hours = chosen.number("hours", 10);
        auto const loss = static_cast<std::uint32_t>(chosen.count("loss", 20));
        bool const known = for_each_kit(chosen.text("detector", "default"), [&](auto kit) {
            using one = decltype(kit);
            if (what == "loss")
                show(kit.name, ("loss " + std::to_string(loss) + " %").c_str(), s, under_loss<one>(s, hours, loss));
            if (what == "oneway") show(kit.name, "one-way loss 80 %", s, under_one_way_loss<one>(s, hours));
            if (what == "pauses") show(kit.name, "8 paused nodes", s, under_pauses<one>(s, hours));
            if (what == "liar") show(kit.name, "a dishonest member", s, under_a_liar<one>(s, hours));
        });
        return known ? 0 : (std::fputs(usage, stderr), 2);
    }
    using kit = as_shipped;
    for (std::uint32_t const loss : {0U, 5U, 10U, 20U, 30U}) {
        double const hours = loss == 0 ? 20 : quick ? 150 : loss == 30 ? 1000 : 4000;
        tally const t = under_loss<kit>(s, hours, loss);
        std::string const name = std::to_string(loss);
        show(kit::name, ("loss " + name + " %").c_str(), s, t);
        if (loss != 0) measure::report("sim.false_dead.loss" + name, t.dead_per_hour());
        if (loss % 10 == 0 && loss < 30) measure::report("sim.packets_per_s.loss" + name, t.packets_per_second());
    }
    tally const one_way = under_one_way_loss<kit>(s, quick ? 300 : 10'000);
    show(kit::name, "one-way loss 80 %", s, one_way);
    measure::report("sim.false_dead.oneway80", one_way.dead_per_hour());
    setting more = s;
    more.nodes = 128;
    tally const paused = under_pauses<kit>(more, quick ? 50 : 500);
    show(kit::name, "8 paused nodes", more, paused);
    measure::report("sim.false_dead.paused", paused.dead_per_hour());
    tally const lied = under_a_liar<kit>(s, quick ? 1 : 50);
    show(kit::name, "a dishonest member", s, lied);
    // Whoever is taken in counts, whether or not it came to the verdict by itself.
    measure::report("sim.false_dead.dishonest", static_cast<double>(lied.dead + lied.believed) / lied.hours());

    // The other detectors beside it, by datagrams alone as they are described in their papers: streams hide much.
    setting bare = s;
    bare.tunables.stream_fallback = false;
    std::map<std::string, tally> rainy;
    for_each_kit("all", [&](auto other) {
        using one = decltype(other);
        rainy[other.name] = under_loss<one>(bare, quick ? 10 : 100, 30);
        show(other.name, "30 %, no streams", bare, rainy[other.name]);
        if (quick) return;
        show(other.name, "20 %, no streams", bare, under_loss<one>(bare, 200, 20));
        show(other.name, "one-way, no streams", bare, under_one_way_loss<one>(bare, 500));
        show(other.name, "a dishonest member", s, under_a_liar<one>(s, 1));
    });
    tally const &ours = rainy[kit::name], &swim = rainy[plain_swim::name];
    if (swim.dead != 0) measure::report("sim.false_dead.loss30.vs_swim", ours.dead_per_hour() / swim.dead_per_hour());
    measure::report("sim.packets_per_s.loss30.vs_swim", ours.packets_per_second() / swim.packets_per_second());
    measure::report("sim.packets_per_s.loss30.vs_lifeguard",
                    ours.packets_per_second() / rainy[lifeguard::name].packets_per_second());
    return 0;
}
