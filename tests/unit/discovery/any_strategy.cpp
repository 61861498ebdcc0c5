// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the strategy that holds any other.
#include <peerkit/discovery/any_strategy.hpp>

#include <peerkit/discovery/first_of.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::any_strategy;
using discovery::outcome;
using discovery::step;
using discovery::ticket;
using peerkit::time_point;

namespace {

/// Waits a second under ticket 7, then finds as many candidates as it was told; cannot be copied.
struct waits_first {
    std::unique_ptr<int> count;
    [[nodiscard]] std::string_view name() const noexcept { return "waits-first"; }
    [[nodiscard]] step begin(time_point now) {
        step first = step::ask(discovery::wait_until{now + std::chrono::seconds{1}}, 7);
        first.ask_also(8, discovery::read_file{.path = "never"});
        return first;
    }
    [[nodiscard]] step resume(ticket which, outcome, time_point now) {
        if (which == 7) {
            step next = step::ask(discovery::wait_until{now}, 9);
            next.cancel(8);
            return next;
        }
        if (which != 9) return step::failed(discovery::discovery_error::unexpected_answer);
        return step::found(std::vector<discovery::candidate>(static_cast<std::size_t>(*count)))
            .watching(discovery::watch_file{.path = "peers"});
    }
};

/// Can also be made from a strategy, so from an any_strategy made from itself: moving it must not be a riddle.
struct wraps_one {
    any_strategy inner;
    explicit wraps_one(any_strategy held) noexcept : inner{std::move(held)} {}
    [[nodiscard]] std::string_view name() const noexcept { return "wraps-one"; }
    [[nodiscard]] step begin(time_point now) { return inner.begin(now); }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        return inner.resume(which, std::move(got), now);
    }
};
static_assert(discovery::check_strategy<wraps_one>());
static_assert(!std::is_constructible_v<any_strategy, int>);

std::optional<peerkit_test::reply> nothing(discovery::effect const&, time_point) { return std::nullopt; }

TEST_CASE("any strategy does what the one it holds does, also after it was moved") {
    any_strategy first{waits_first{std::make_unique<int>(3)}};
    any_strategy held = std::move(first);
    CHECK(held);
    CHECK_FALSE(first); // NOLINT: moved from, it holds none
    CHECK(held.name() == "waits-first");
    auto const report = peerkit_test::run(held, nothing);
    CHECK(report.took == std::chrono::seconds{1});
    CHECK(report.cancelled == 1);
    REQUIRE(report.answer);
    CHECK(report.answer->size() == 3);
    CHECK(report.watches == std::vector<discovery::effect>{discovery::watch_file{.path = "peers"}});
    REQUIRE(report.asked.size() == 3);
    CHECK(report.asked[0].id == 7);
    held = waits_first{std::make_unique<int>(1)};
    CHECK(peerkit_test::run(held, nothing).answer->size() == 1);
}

TEST_CASE("combinators hold strategies of any type, and are held themselves") {
    discovery::first_of both{any_strategy{}, any_strategy{waits_first{std::make_unique<int>(2)}}};
    any_strategy held{std::move(both)};
    auto const report = peerkit_test::run(held, nothing); // the first finds nobody, so the second is asked
    REQUIRE(report.answer);
    CHECK(report.answer->size() == 2);
    any_strategy wrapped{wraps_one{std::move(held)}};
    CHECK(wrapped.name() == "wraps-one");
    CHECK(peerkit_test::run(wrapped, nothing).answer->size() == 2);
    any_strategy alone{discovery::first_of{std::move(wrapped)}};
    CHECK(peerkit_test::run(alone, nothing).answer->size() == 2);
}

TEST_CASE("without a strategy every run finds nobody") {
    any_strategy none;
    CHECK_FALSE(none);
    CHECK(none.name() == "none");
    auto const report = peerkit_test::run(none, nothing);
    REQUIRE(report.answer);
    CHECK(report.answer->empty());
    CHECK(none.resume(0, discovery::elapsed{}, {}).answer().error() == discovery::discovery_error::unexpected_answer);
}

TEST_CASE("the farewell of any strategy is that of the one it holds; without one it is over at once") {
    auto polite = peerkit_test::scripted("a", {peerkit_test::finds({})});
    polite.parting = peerkit_test::fails(discovery::discovery_error::timed_out, std::chrono::seconds{2});
    any_strategy held{discovery::first_of{any_strategy{polite}}};
    auto const report = peerkit_test::run_farewell(held, nothing);
    CHECK(report.took == std::chrono::seconds{2});
    CHECK(report.answer.error() == discovery::discovery_error::timed_out);
    any_strategy silent{waits_first{std::make_unique<int>(3)}};
    CHECK(silent.farewell(time_point{}).answer());
    any_strategy none;
    CHECK(none.farewell(time_point{}).answer());
}

} // namespace
