// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Collects the measures of a benchmark program and writes them as a flat JSON object when it ends.
#ifndef PEERKIT_BENCH_SUPPORT_MEASURE_HPP
#define PEERKIT_BENCH_SUPPORT_MEASURE_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#    include <sys/resource.h>
#endif

/// Figures with a key, as the table of bench/run.sh wants them. The file named by the environment variable
/// PEERKIT_MEASURES gets `{"key": value, ...}` when the program ends; without the variable nothing is written.
/// bench/run.sh merges the files of all programs.
namespace measure {

namespace detail {

class registry {
public:
    registry() = default;
    registry(registry const&) = delete;
    registry& operator=(registry const&) = delete;
    ~registry() {
        char const* const path = std::getenv("PEERKIT_MEASURES");
        if (path == nullptr || values.empty()) return;
        std::FILE* const file = std::fopen(path, "w");
        if (file == nullptr) {
            std::fprintf(stderr, "measure: cannot write %s\n", path);
            return;
        }
        char const* separator = "{\n";
        for (auto const& [key, value] : values) {
            std::fprintf(file, "%s  \"%s\": %.6g", separator, key.c_str(), value);
            separator = ",\n";
        }
        std::fputs("\n}\n", file);
        std::fclose(file);
    }

    std::map<std::string, double> values;
};

inline registry& all() {
    static registry only;
    return only;
}

} // namespace detail

/// Keeps `value` under `key`; a later value replaces an earlier one. Not a number and infinite are left out, with a
/// message: a measure that could not be taken must not look like one.
inline void report(std::string const& key, double value) {
    if (!std::isfinite(value)) {
        std::fprintf(stderr, "measure: %s has no finite value\n", key.c_str());
        return;
    }
    detail::all().values[key] = value;
}

/// Processor seconds this thread has used: unlike the time of day it does not run while others have the core.
[[nodiscard]] inline double processor_seconds() noexcept {
#if defined(CLOCK_THREAD_CPUTIME_ID)
    std::timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
#else
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
#endif
}

/// Processor seconds that one call of `function` takes.
template <typename Function>
[[nodiscard]] double seconds(Function&& function) {
    double const start = processor_seconds();
    function();
    return processor_seconds() - start;
}

/// How often this thread lost its core to another one; 0 where the system does not tell.
[[nodiscard]] inline long preemptions() noexcept {
#if defined(RUSAGE_THREAD)
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_nivcsw;
#else
    return 0;
#endif
}

/// Not a number for no values, so that `report` leaves it out.
[[nodiscard]] inline double median(std::vector<double> values) {
    if (values.empty()) return std::nan("");
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Runs the given functions in turn, `rounds` times, and returns the median seconds per call of each. Taking turns
/// lets what disturbs the machine disturb all of them, so their ratios hold.
template <typename... Functions>
[[nodiscard]] std::vector<double> medians(std::size_t rounds, Functions&&... functions) {
    std::vector<std::vector<double>> taken(sizeof...(Functions));
    for (std::size_t round = 0; round < rounds; ++round) {
        std::size_t which = 0;
        ((taken[which++].push_back(seconds(functions))), ...);
    }
    std::vector<double> result;
    for (auto& times : taken) result.push_back(median(std::move(times)));
    return result;
}

/// The seconds of many rounds of some work. Rounds in which another program got the core are left out, for it leaves
/// cold caches behind, unless nearly all were such.
class rounds_taken {
public:
    void add(double seconds, bool disturbed) { (disturbed ? disturbed_ : calm_).push_back(seconds); }
    /// One round.
    template <typename Work>
    void time(Work&& work) {
        long const before = preemptions();
        double const spent = seconds(work);
        add(spent, preemptions() != before);
    }
    [[nodiscard]] double median() const {
        if (calm_.size() >= 9) return measure::median(calm_);
        std::vector<double> all = calm_;
        all.insert(all.end(), disturbed_.begin(), disturbed_.end());
        return measure::median(std::move(all));
    }

private:
    std::vector<double> calm_, disturbed_;
};

/// What two pieces of work take, side by side.
class side_by_side {
public:
    /// One round: both timed one right after the other, in turns which is first.
    template <typename Ours, typename Limit>
    void add(Ours&& ours, Limit&& limit) {
        double mine = 0, theirs = 0;
        long const before = preemptions();
        if (ours_first_) mine = seconds(ours);
        theirs = seconds(limit);
        if (!ours_first_) mine = seconds(ours);
        ours_first_ = !ours_first_;
        bool const disturbed = preemptions() != before;
        ours_.add(mine, disturbed);
        limit_.add(theirs, disturbed);
        ratio_.add(mine / theirs, disturbed);
    }
    /// Medians over the rounds: of the seconds of each, and of the ratio within a round.
    [[nodiscard]] double ours() const { return ours_.median(); }
    [[nodiscard]] double limit() const { return limit_.median(); }
    [[nodiscard]] double ratio() const { return ratio_.median(); }

private:
    rounds_taken ours_, limit_, ratio_;
    bool ours_first_ = true;
};

/// True when the long forms of the benchmarks are not wanted (environment variable PEERKIT_BENCH_QUICK).
[[nodiscard]] inline bool quick() noexcept {
    char const* const value = std::getenv("PEERKIT_BENCH_QUICK");
    return value != nullptr && *value != '\0' && *value != '0';
}

} // namespace measure

#endif
