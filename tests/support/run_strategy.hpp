// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs a discovery strategy in virtual time, with a function for the world, and writes down what it did.
#ifndef PEERKIT_TESTS_RUN_STRATEGY_HPP
#define PEERKIT_TESTS_RUN_STRATEGY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace peerkit_test {

/// What the world answers to one effect, and how long after it was asked.
struct reply {
    peerkit::discovery::outcome what;
    peerkit::duration after{};
};

/// Everything one run of a strategy did.
struct run_report {
    struct asking {
        peerkit::time_point at;
        peerkit::discovery::ticket id;
        peerkit::discovery::effect what;
    };
    peerkit::result<std::vector<peerkit::discovery::candidate>> answer;
    std::vector<peerkit::discovery::notice> notices;
    std::vector<asking> asked;                       ///< in order, `wait_until` included
    std::vector<peerkit::discovery::effect> watches; ///< of the last step
    peerkit::duration took{};
    std::size_t most_under_way = 0; ///< without `wait_until`
    std::size_t cancelled = 0;      ///< asked for, then cancelled by the strategy
    std::size_t abandoned = 0;      ///< under way when the run ended

    /// The effects of one kind that were asked for.
    template <typename Effect>
    [[nodiscard]] std::vector<Effect> of() const {
        std::vector<Effect> found;
        for (asking const& a : asked) {
            if (auto const* one = std::get_if<Effect>(&a.what)) found.push_back(*one);
        }
        return found;
    }
    [[nodiscard]] bool told(peerkit::error const& what) const {
        return std::any_of(notices.begin(), notices.end(), [&](auto const& n) { return n.what == what; });
    }
};

/// The world: none means that the effect is never done.
using world = std::function<std::optional<reply>(peerkit::discovery::effect const& wanted, peerkit::time_point now)>;

/// Drives one run. `wait_until` is carried out by the virtual clock, everything else by `answers`; outcomes of one
/// moment arrive in the order in which their effects were asked for. Tickets that are used twice, or cancelled without
/// being under way, fail the test.
///
/// `first` is the step that the run has begun with.
template <peerkit::discovery::DiscoveryStrategy S>
run_report go_on(S& strategy, peerkit::discovery::step first, world const& answers, peerkit::time_point start) {
    using namespace peerkit;
    struct pending {
        time_point due;
        discovery::ticket id;
        discovery::outcome what;
        bool waits;
    };
    run_report report;
    std::vector<pending> under_way;
    time_point now = start;
    discovery::step next = std::move(first);
    for (int steps = 0; steps < 1'000'000; ++steps) {
        for (auto& told : next.notices()) report.notices.push_back(std::move(told));
        if (next.ended()) {
            REQUIRE(next.requests().empty());
            report.answer = std::move(next.answer());
            report.watches = std::move(next.watches());
            report.took = now - start;
            report.abandoned = under_way.size();
            return report;
        }
        REQUIRE(next.watches().empty());
        for (discovery::ticket const id : next.cancelled()) {
            REQUIRE(std::erase_if(under_way, [&](pending const& p) { return p.id == id; }) == 1);
            ++report.cancelled;
        }
        for (discovery::request& r : next.requests()) {
            REQUIRE(std::none_of(under_way.begin(), under_way.end(), [&](pending const& p) { return p.id == r.id; }));
            report.asked.push_back({now, r.id, r.what});
            if (auto const* wait = std::get_if<discovery::wait_until>(&r.what)) {
                under_way.push_back({std::max(now, wait->at), r.id, discovery::elapsed{}, true});
            } else if (auto answer = answers(r.what, now)) {
                under_way.push_back({saturating_add(now, answer->after), r.id, std::move(answer->what), false});
            } else {
                under_way.push_back({never, r.id, discovery::elapsed{}, false});
            }
        }
        auto const busy = std::count_if(under_way.begin(), under_way.end(), [](pending const& p) { return !p.waits; });
        report.most_under_way = std::max(report.most_under_way, static_cast<std::size_t>(busy));
        auto const done_first = std::min_element(under_way.begin(), under_way.end(),
                                                 [](pending const& a, pending const& b) { return a.due < b.due; });
        REQUIRE_MESSAGE((done_first != under_way.end() && done_first->due != never), "the strategy waits for ever");
        pending done = std::move(*done_first);
        under_way.erase(done_first);
        now = std::max(now, done.due);
        next = strategy.resume(done.id, std::move(done.what), now);
    }
    FAIL("the strategy never ends");
    return report;
}

template <peerkit::discovery::DiscoveryStrategy S>
run_report run(S& strategy, world const& answers, peerkit::time_point start = {}) {
    return go_on(strategy, strategy.begin(start), answers, start);
}
/// Drives the last run, without the short time that a driver gives it.
template <peerkit::discovery::DiscoveryStrategy S>
run_report run_farewell(S& strategy, world const& answers, peerkit::time_point start = {}) {
    return go_on(strategy, peerkit::discovery::say_farewell(strategy, start), answers, start);
}

} // namespace peerkit_test

#endif
