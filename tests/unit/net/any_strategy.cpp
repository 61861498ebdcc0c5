// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the strategy that holds any other.
#include <peerkit/net/any_strategy.hpp>

#include <peerkit/discovery/first_of.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

using peerkit::net::any_strategy;
namespace discovery = peerkit::discovery;

namespace {

/// Asks for a wait, then finds as many candidates as it was told; cannot be copied.
struct waits_first {
    std::unique_ptr<int> count;
    [[nodiscard]] std::string_view name() const noexcept { return "waits-first"; }
    [[nodiscard]] discovery::step begin(peerkit::time_point now) {
        return discovery::step::ask(discovery::wait_until{now});
    }
    [[nodiscard]] discovery::step resume(std::span<discovery::outcome> outcomes, peerkit::time_point) {
        if (outcomes.size() != 1) return discovery::step::failed(discovery::discovery_error::unexpected_answer);
        return discovery::step::found(std::vector<discovery::candidate>(static_cast<std::size_t>(*count)));
    }
};

} // namespace

TEST_CASE("any strategy does what the one it holds does, also after it was moved") {
    any_strategy first{waits_first{std::make_unique<int>(3)}};
    any_strategy held = std::move(first);
    CHECK(held);
    CHECK_FALSE(first);
    CHECK(held.name() == "waits-first");
    auto step = held.begin(peerkit::time_point{});
    REQUIRE(step.effects().size() == 1);
    std::vector<discovery::outcome> outcomes{discovery::elapsed{}};
    step = held.resume(outcomes, peerkit::time_point{});
    REQUIRE(step.ended());
    CHECK(step.answer()->size() == 3);
    held = waits_first{std::make_unique<int>(1)};
    CHECK(held.resume(outcomes, peerkit::time_point{}).answer()->size() == 1);
}

TEST_CASE("combinators hold strategies of any type, and are held themselves") {
    discovery::first_of both{any_strategy{}, any_strategy{waits_first{std::make_unique<int>(2)}}};
    any_strategy held{std::move(both)};
    auto step = held.begin(peerkit::time_point{}); // the first finds nobody, so the second is asked
    REQUIRE(step.effects().size() == 1);
    std::vector<discovery::outcome> outcomes{discovery::elapsed{}};
    step = held.resume(outcomes, peerkit::time_point{});
    REQUIRE(step.ended());
    CHECK(step.answer()->size() == 2);
}

TEST_CASE("without a strategy every run finds nobody") {
    any_strategy none;
    CHECK_FALSE(none);
    CHECK(none.name() == "none");
    auto const step = none.begin(peerkit::time_point{});
    REQUIRE(step.ended());
    CHECK(step.answer()->empty());
    CHECK(none.resume({}, peerkit::time_point{}).answer().error() == discovery::discovery_error::unexpected_answer);
}
