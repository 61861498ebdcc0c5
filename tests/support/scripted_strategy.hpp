// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A discovery strategy that does what a test tells it to, run by run.
#ifndef PEERKIT_TESTS_SCRIPTED_STRATEGY_HPP
#define PEERKIT_TESTS_SCRIPTED_STRATEGY_HPP

#include "support/run_strategy.hpp"

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peerkit_test {

/// The run ends `after` it began with `answer`; zero: in `begin`. Reads that are never done are under way until then.
struct scripted_run {
    peerkit::result<std::vector<peerkit::discovery::candidate>> answer{};
    peerkit::duration after{};
    std::vector<peerkit::discovery::effect> watches{};
    std::size_t reads = 0;
};

/// Does one run after the other; the last one again and again.
struct scripted_strategy {
    std::string label;
    std::vector<scripted_run> runs;
    std::size_t begun = 0;
    std::vector<peerkit::time_point> begun_at{};
    scripted_run parting{}; ///< the farewell
    std::size_t farewells = 0;
    bool leaving = false;

    static constexpr peerkit::discovery::ticket timer = 40; // reads have 41, 42, ...

    [[nodiscard]] std::string_view name() const noexcept { return label; }
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point now) {
        using namespace peerkit::discovery;
        begun_at.push_back(now);
        ++begun;
        leaving = false;
        return first_step(now);
    }
    [[nodiscard]] peerkit::discovery::step farewell(peerkit::time_point now) {
        ++farewells;
        leaving = true;
        return first_step(now);
    }
    [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket which, peerkit::discovery::outcome got,
                                                  peerkit::time_point) {
        using namespace peerkit::discovery;
        bool const as_asked = which == timer && std::holds_alternative<elapsed>(got);
        return as_asked ? end() : step::failed(discovery_error::unexpected_answer);
    }

private:
    [[nodiscard]] scripted_run const& current() const {
        return leaving ? parting : runs[std::min(begun, runs.size()) - 1];
    }
    [[nodiscard]] peerkit::discovery::step first_step(peerkit::time_point now) const {
        using namespace peerkit::discovery;
        scripted_run const& run = current();
        if (run.after == peerkit::duration::zero()) return end();
        step first = step::ask(wait_until{now + run.after}, timer);
        for (std::size_t i = 0; i < run.reads; ++i) {
            first.ask_also(timer + 1 + static_cast<ticket>(i), read_file{.path = label});
        }
        return first;
    }
    [[nodiscard]] peerkit::discovery::step end() const {
        using namespace peerkit::discovery;
        scripted_run const& run = current();
        step last = run.answer ? step::found(*run.answer) : step::failed(run.answer.error());
        for (effect const& change : run.watches) last = std::move(last).watching(change);
        return last;
    }
};

/// 192.0.2.`last`, called `name`.
inline peerkit::discovery::candidate somebody(std::string_view name, std::uint8_t last) {
    peerkit::discovery::candidate c;
    c.name = c.name.cut(name);
    c.addresses = {{peerkit::ip_address::v4(192, 0, 2, last), 9000}};
    return c;
}
/// As many different candidates.
inline std::vector<peerkit::discovery::candidate> crowd(std::uint8_t count, std::uint8_t first = 1) {
    std::vector<peerkit::discovery::candidate> all;
    for (std::uint8_t i = 0; i < count; ++i) all.push_back(somebody("peer", static_cast<std::uint8_t>(first + i)));
    return all;
}
inline scripted_run finds(std::vector<peerkit::discovery::candidate> who, peerkit::duration after = {}) {
    return {std::move(who), after, {}, 0};
}
inline scripted_run fails(peerkit::error why, peerkit::duration after = {}) {
    return {peerkit::fail(why), after, {}, 0};
}
inline scripted_strategy scripted(std::string label, std::vector<scripted_run> runs) {
    return {std::move(label), std::move(runs)};
}

/// A world in which nothing but waiting ever ends.
inline std::optional<reply> silence(peerkit::discovery::effect const&, peerkit::time_point) { return std::nullopt; }

inline std::vector<std::string> names(run_report const& of) {
    std::vector<std::string> all;
    if (of.answer) {
        for (auto const& c : *of.answer) all.emplace_back(c.name.view());
    }
    return all;
}
inline std::vector<std::string> texts(run_report const& of) {
    std::vector<std::string> all;
    for (auto const& n : of.notices) all.push_back(n.text);
    return all;
}

} // namespace peerkit_test

#endif
