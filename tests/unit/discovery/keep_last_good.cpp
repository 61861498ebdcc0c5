// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of keep_last_good: what is remembered, for how long, and what is believed.
#include <peerkit/discovery/keep_last_good.hpp>

#include <peerkit/discovery/first_of.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::keep_last_good;
using peerkit::time_point;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;
auto const failure = fails(peerkit::error{discovery_error::server_failed, 2}, 1s);

static_assert(discovery::check_strategy<keep_last_good<scripted_strategy>>());
static_assert(discovery::check_strategy<keep_last_good<keep_last_good<scripted_strategy>>>());

template <typename Strategy>
std::size_t found(Strategy& source, time_point at = {}) {
    auto const report = run(source, silence, at);
    REQUIRE(report.answer);
    return report.answer->size();
}

TEST_CASE("a failed run answers with what the last good one found, says so and why") {
    auto broken = failure;
    broken.watches = {discovery::watch_file{.path = "peers"}};
    keep_last_good source{scripted("a", {finds({somebody("one", 1), somebody("two", 2)}, 1s), broken})};
    CHECK(source.name() == "a");
    CHECK(run(source, silence).notices.empty());
    for (int again = 1; again <= 3; ++again) {
        auto const report = run(source, silence, time_point{again * 60s});
        CHECK(names(report) == words{"one", "two"});
        REQUIRE(report.notices.size() == 1);
        CHECK(report.notices[0].what == discovery_error::server_failed);
        CHECK(report.notices[0].what.position() == 2);
        CHECK(report.notices[0].text ==
              "a failed, the last good answer stays: 2 candidates, found " + std::to_string(again * 60) + " s ago");
        CHECK(report.watches.size() == 1);
        CHECK(source.times_kept() == static_cast<std::size_t>(again));
    }
}

TEST_CASE("without a good run the failure is passed on") {
    keep_last_good source{scripted("a", {failure})};
    auto const report = run(source, silence);
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::server_failed);
    CHECK(report.answer.error().position() == 2);
}

TEST_CASE("an answer replaces what was remembered, also a shorter one and an empty one") {
    keep_last_good source{scripted("a", {finds(crowd(5)), finds(crowd(1)), failure, finds({}), failure})};
    CHECK(found(source) == 5);
    CHECK(found(source) == 1);
    CHECK(found(source) == 1);
    CHECK(found(source) == 0);
    CHECK_FALSE(run(source, silence).answer); // it was known that nobody was there, now nothing is
}

TEST_CASE("what is too old is not kept") {
    keep_last_good source{scripted("a", {finds(crowd(2)), failure, failure, finds(crowd(3)), failure}),
                          {.max_age = 100s}};
    CHECK(found(source, time_point{1000s}) == 2);
    CHECK(found(source, time_point{1099s}) == 2); // its failure comes after a second: just in time
    CHECK_FALSE(run(source, silence, time_point{1100s}).answer);
    CHECK(found(source, time_point{2000s}) == 3);
    CHECK(found(source, time_point{2050s}) == 3);
}

TEST_CASE("failures in a row are covered as often as allowed") {
    keep_last_good source{scripted("a", {finds(crowd(2)), failure, failure, failure, finds(crowd(1)), failure}),
                          {.max_times = 2}};
    CHECK(found(source) == 2);
    CHECK(found(source) == 2);
    CHECK(found(source) == 2);
    CHECK_FALSE(run(source, silence).answer);
    CHECK(found(source) == 1);
    CHECK(source.times_kept() == 0);
    CHECK(found(source) == 1);
}

TEST_CASE("a sudden loss is believed when it is seen twice in a row, if so wanted") {
    keep_last_good source{scripted("a", {finds(crowd(10)), finds(crowd(4, 9)), finds(crowd(4, 9)), finds(crowd(3, 9))}),
                          {.doubt_losses_above = 50}};
    CHECK(found(source) == 10);
    auto const report = run(source, silence);
    CHECK(report.answer->size() == 12);                                                 // with the two new ones first
    CHECK(report.answer->front().addresses.front().address.to_string() == "192.0.2.9"); // NOLINT: ten were remembered
    CHECK(report.told(discovery_error::fewer_found));
    CHECK(report.notices[0].what.position() == 4);
    auto const second = run(source, silence);
    CHECK(second.answer->size() == 4);
    CHECK(second.notices.empty());
    CHECK(found(source) == 3); // a quarter
}

TEST_CASE("what comes back after a doubt is doubted again when it goes") {
    keep_last_good source{scripted("a", {finds(crowd(4)), finds({}), finds(crowd(4)), finds({}), finds({}), failure}),
                          {.doubt_losses_above = 50}};
    for (std::size_t const count : {4U, 4U, 4U, 4U, 0U}) CHECK(found(source) == count);
    CHECK_FALSE(run(source, silence).answer);
}

TEST_CASE("a loss of just so much is believed, and one of an old list, too") {
    auto const lists = {finds(crowd(4)), finds(crowd(2)), finds(crowd(2)), finds({})};
    keep_last_good source{scripted("a", lists), {.max_age = 100s, .doubt_losses_above = 50}};
    CHECK(found(source) == 4);
    CHECK(found(source, time_point{1s}) == 2);
    CHECK(found(source, time_point{2s}) == 2);
    CHECK(found(source, time_point{200s}) == 0);
    keep_last_good strict{scripted("a", lists), {.doubt_losses_above = 0}};
    CHECK(found(strict) == 4);
    CHECK(found(strict) == 4);
    CHECK(found(strict) == 2);
    keep_last_good trusting{scripted("a", {finds(crowd(4)), finds({})}), {.doubt_losses_above = 4'000'000'000}};
    CHECK(found(trusting) == 4);
    CHECK(found(trusting) == 0);
}

TEST_CASE("a strategy that waits for nothing is covered like any failure") {
    struct stuck_later {
        bool once = false;
        [[nodiscard]] std::string_view name() const noexcept { return "stuck"; }
        [[nodiscard]] discovery::step begin(time_point) {
            return std::exchange(once, true) ? discovery::step::wait() : discovery::step::found(crowd(1));
        }
        [[nodiscard]] discovery::step resume(discovery::ticket, discovery::outcome, time_point) {
            return discovery::step::wait();
        }
    };
    keep_last_good source{stuck_later{}};
    CHECK(found(source) == 1);
    CHECK(found(source) == 1);
}

TEST_CASE("inside a list it never falls through once it has found somebody") {
    discovery::first_of sources{keep_last_good{scripted("a", {finds({somebody("one", 1)}), failure})},
                                scripted("b", {finds({somebody("two", 2)})})};
    CHECK(names(run(sources, silence)) == words{"one"});
    CHECK(names(run(sources, silence)) == words{"one"});
    CHECK(sources.get<0>().inner().begun == 2);
    CHECK(sources.get<1>().begun == 0);
}

TEST_CASE("the farewell is that of the strategy inside, once and as it ends") {
    auto inner = scripted("a", {finds({somebody("one", 1)}, 1ms)});
    inner.parting = fails(discovery_error::server_failed, 3s);
    keep_last_good source{std::move(inner)};
    CHECK(names(run(source, silence)) == words{"one"});
    auto const left = run_farewell(source, silence);
    CHECK(left.answer.error() == discovery_error::server_failed);
    CHECK(left.took == 3s);
    CHECK(source.inner().farewells == 1);
    CHECK(names(run(source, silence)) == words{"one"}); // a node may go on
}

} // namespace
