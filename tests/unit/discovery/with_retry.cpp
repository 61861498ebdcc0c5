// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of with_retry: when a strategy is asked again, and when it is not.
#include <peerkit/discovery/with_retry.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::with_retry;
using peerkit::duration;
using peerkit::seeded_rng;
using peerkit::time_point;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;

static_assert(discovery::check_strategy<with_retry<scripted_strategy>>());
static_assert(discovery::check_strategy<with_retry<with_retry<scripted_strategy>>>());

/// Always draws the largest delay.
struct longest {
    std::uint64_t operator()() noexcept { return ~std::uint64_t{0}; }
};
/// Counts what is drawn.
struct counting {
    int* drawn;
    std::uint64_t operator()() noexcept { return static_cast<void>(++*drawn), 0; }
};

TEST_CASE("an answer is passed on without a second run") {
    with_retry source{scripted("a", {finds({somebody("one", 1)}, 1s)}), {}, seeded_rng{1}};
    auto const report = run(source, silence);
    CHECK(names(report) == words{"one"});
    CHECK(report.took == 1s);
    CHECK(report.notices.empty());
    CHECK(source.attempts() == 1);
    CHECK(source.name() == "a");
}

TEST_CASE("a failure is followed by another run after a random delay, and the host is told") {
    with_retry source{scripted("a", {fails(discovery_error::server_failed, 1s), fails(discovery_error::timed_out, 1s),
                                     finds({somebody("one", 1)}, 1s)}),
                      {.base = 1s, .cap = 8s, .attempts = 5},
                      seeded_rng{7}};
    auto const report = run(source, silence);
    CHECK(names(report) == words{"one"});
    CHECK(source.attempts() == 3);
    CHECK(source.inner().begun == 3);
    REQUIRE(report.notices.size() == 2);
    CHECK(report.notices[0].what == discovery_error::server_failed);
    CHECK(report.notices[0].text.starts_with("a is asked again in "));
    CHECK(report.notices[0].text.ends_with(" ms, attempt 2 of 5"));
    CHECK(report.notices[1].what == discovery_error::timed_out);
    auto const& at = source.inner().begun_at;
    CHECK(at[1] >= time_point{1s});
    CHECK(at[1] < time_point{2s});
    CHECK(at[2] >= at[1] + 1s);
    CHECK(at[2] < at[1] + 3s);
}

TEST_CASE("delays are bounded by base, twice base and so on up to the cap") {
    with_retry source{
        scripted("a", {fails(discovery_error::timed_out)}), {.base = 100ms, .cap = 500ms, .attempts = 6}, longest{}};
    static_cast<void>(run(source, silence));
    auto const& at = source.inner().begun_at;
    REQUIRE(at.size() == 6);
    std::vector<duration> const bounds{100ms, 200ms, 400ms, 500ms, 500ms};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        CAPTURE(i);
        duration const delay = at[i + 1] - at[i];
        CHECK(delay < bounds[i]);
        CHECK(delay > bounds[i] - 10ns);
    }
}

TEST_CASE("delays are spread over everything below their bound") {
    std::size_t early = 0, late = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        with_retry source{
            scripted("a", {fails(discovery_error::timed_out)}), {.base = 1s, .attempts = 2}, seeded_rng{seed}};
        auto const took = run(source, silence).took;
        CHECK(took < 1s);
        early += took < 250ms;
        late += took >= 750ms;
    }
    CHECK(early > 60);
    CHECK(late > 60);
}

TEST_CASE("when the attempts are used up the last failure is that of the run, with what it watches") {
    auto last = fails(peerkit::error{discovery_error::unavailable, 2});
    last.watches = {discovery::watch_file{.path = "peers"}};
    auto before = fails(discovery_error::timed_out);
    before.watches = {discovery::watch_file{.path = "old"}};
    with_retry source{scripted("a", {before, last}), {.attempts = 2}, seeded_rng{1}};
    auto const report = run(source, silence);
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::unavailable);
    CHECK(report.answer.error().position() == 2);
    CHECK(report.notices.size() == 1);
    CHECK(report.watches == std::vector<discovery::effect>{discovery::watch_file{.path = "peers"}});
    for (unsigned const attempts : {0U, 1U}) {
        with_retry once{scripted("a", {before}), {.attempts = attempts}, seeded_rng{1}};
        CHECK(run(once, silence).notices.empty());
        CHECK(once.inner().begun == 1);
    }
}

TEST_CASE("an empty answer is tried again only if wanted") {
    auto const inner = scripted("a", {finds({}), finds({somebody("one", 1)})});
    with_retry contented{inner, {}, seeded_rng{1}};
    auto const report = run(contented, silence);
    REQUIRE(report.answer);
    CHECK(report.answer->empty());
    with_retry eager{inner, {.on_empty = true}, seeded_rng{1}};
    auto const second = run(eager, silence);
    CHECK(names(second) == words{"one"});
    CHECK(second.told(discovery_error::nobody_found));
    with_retry resigned{scripted("a", {finds({})}), {.attempts = 3, .on_empty = true}, seeded_rng{1}};
    auto const last = run(resigned, silence);
    REQUIRE(last.answer);
    CHECK(last.answer->empty());
    CHECK(resigned.inner().begun == 3);
}

TEST_CASE("without a base there is no delay and nothing is drawn") {
    int drawn = 0;
    for (duration const base : {duration::zero(), duration{-1}, duration::min()}) {
        with_retry source{scripted("a", {fails(discovery_error::timed_out)}),
                          {.base = base, .cap = base == duration::min() ? base : duration{1s}, .attempts = 70},
                          counting{&drawn}};
        auto const report = run(source, silence);
        CHECK(report.took == 0s);
        CHECK(source.inner().begun == 70);
    }
    CHECK(drawn == 0);
}

TEST_CASE("bounds beyond all measure do not overflow") {
    with_retry source{scripted("a", {fails(discovery_error::timed_out)}),
                      {.base = duration::max() / 3, .cap = duration::max(), .attempts = 2},
                      longest{}};
    auto const report = run(source, silence, time_point{1s});
    CHECK_FALSE(report.answer);
    CHECK(report.took < duration::max() / 3);
}

TEST_CASE("what a failed run leaves under way is cancelled before the pause, and each run starts with all attempts") {
    auto first = fails(discovery_error::timed_out, 1s);
    first.reads = 2;
    with_retry source{scripted("a", {first, fails(discovery_error::timed_out), first, finds({somebody("one", 1)}, 1s)}),
                      {.attempts = 2},
                      seeded_rng{3}};
    auto const report = run(source, silence);
    CHECK_FALSE(report.answer);
    CHECK(report.cancelled == 2);
    CHECK(names(run(source, silence)) == words{"one"});
    CHECK(source.attempts() == 2);
}

TEST_CASE("a run abandoned in its pause does not disturb the next") {
    with_retry source{
        scripted("a", {fails(discovery_error::timed_out), finds({somebody("one", 1)}, 1s)}), {}, seeded_rng{3}};
    auto const pause = source.begin(time_point{});
    REQUIRE(pause.requests().size() == 1);
    auto const report = run(source, silence);
    CHECK(names(report) == words{"one"});
    CHECK(report.took == 1s);
    CHECK_FALSE(source.begin(time_point{}).ended()); // and one in which the strategy is at work
    CHECK(run(source, silence).cancelled == 0);
}

TEST_CASE("the farewell is that of the strategy inside, once and as it ends") {
    auto inner = scripted("a", {finds({somebody("one", 1)}, 1ms)});
    inner.parting = fails(discovery_error::server_failed, 3s);
    with_retry source{std::move(inner), {.base = 1s, .attempts = 3}, peerkit::seeded_rng{1}};
    CHECK(names(run(source, silence)) == words{"one"});
    auto const left = run_farewell(source, silence);
    CHECK(left.answer.error() == discovery_error::server_failed);
    CHECK(left.took == 3s);
    CHECK(source.inner().farewells == 1);
    CHECK(names(run(source, silence)) == words{"one"}); // a node may go on
}

} // namespace
