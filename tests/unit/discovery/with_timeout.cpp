// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of with_timeout: the bound and what becomes of what was under way.
#include <peerkit/discovery/with_timeout.hpp>

#include <peerkit/discovery/first_of.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::with_timeout;
using peerkit::duration;
using peerkit::time_point;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;

static_assert(discovery::check_strategy<with_timeout<scripted_strategy>>());
static_assert(discovery::check_strategy<with_timeout<with_timeout<scripted_strategy>>>());

TEST_CASE("an answer in time is passed on, with its watches and without waiting for the end of the time") {
    auto in_time = finds({somebody("one", 1)}, 2s);
    in_time.watches = {discovery::watch_file{.path = "peers"}};
    with_timeout source{scripted("a", {in_time}), 5s};
    auto const report = run(source, silence);
    CHECK(names(report) == words{"one"});
    CHECK(report.took == 2s);
    CHECK(report.watches.size() == 1);
    CHECK(source.name() == "a");
    CHECK(source.inner().begun == 1);
}

TEST_CASE("a strategy that ends at once needs no timer") {
    with_timeout source{scripted("a", {fails(discovery_error::server_failed)}), 5s};
    auto const report = run(source, silence);
    CHECK(report.answer.error() == discovery_error::server_failed);
    CHECK(report.asked.empty());
}

TEST_CASE("when the time is over the run fails and says how long it was") {
    auto slow = finds({somebody("one", 1)}, 9s);
    slow.reads = 3;
    with_timeout source{scripted("a", {slow}), 1500ms};
    auto const report = run(source, silence, time_point{20s});
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::timed_out);
    CHECK(report.answer.error().position() == 1500);
    CHECK(report.took == 1500ms);
    CHECK(report.abandoned == 4); // the end of the run cancels them
}

TEST_CASE("inside a list what was under way is cancelled before the next strategy begins") {
    auto slow = finds({somebody("one", 1)}, 9s);
    slow.reads = 3;
    discovery::first_of sources{with_timeout{scripted("a", {slow}), 1s},
                                scripted("b", {finds({somebody("two", 2)}, 1s)})};
    auto const report = run(sources, silence);
    CHECK(names(report) == words{"two"});
    CHECK(report.took == 2s);
    CHECK(report.cancelled == 4);
    CHECK(texts(report) == words{"a found nobody"});
}

TEST_CASE("no time at all, or less, is over at once; no bound never is") {
    for (duration const limit : {0ns, duration{-5s}}) {
        with_timeout source{scripted("a", {finds({}, 1s)}), limit};
        auto const report = run(source, silence);
        CHECK(report.answer.error() == discovery_error::timed_out);
        CHECK(report.answer.error().position() == 0);
        CHECK(report.took == 0s);
    }
    with_timeout patient{scripted("a", {finds({}, 10000h)}), duration::max()};
    auto const report = run(patient, silence, time_point{1s});
    CHECK(report.answer);
    CHECK(report.asked.size() == 1);
}

TEST_CASE("the time of every run is its own") {
    with_timeout source{scripted("a", {finds({}, 9s), finds({somebody("one", 1)}, 2s)}), 3s};
    CHECK_FALSE(run(source, silence).answer);
    CHECK(names(run(source, silence, time_point{100s})) == words{"one"});
}

TEST_CASE("the inner of two bounds is met first") {
    with_timeout source{with_timeout{scripted("a", {finds({}, 9s)}), 2s}, 5s};
    auto const report = run(source, silence);
    CHECK(report.took == 2s);
    CHECK(report.answer.error().position() == 2000);
}

TEST_CASE("the farewell is that of the strategy inside, once and as it ends") {
    auto inner = scripted("a", {finds({somebody("one", 1)}, 1ms)});
    inner.parting = fails(discovery_error::server_failed, 3s);
    with_timeout source{std::move(inner), 1s};
    CHECK(names(run(source, silence)) == words{"one"});
    auto const left = run_farewell(source, silence);
    CHECK(left.answer.error() == discovery_error::server_failed);
    CHECK(left.took == 3s);
    CHECK(source.inner().farewells == 1);
    CHECK(names(run(source, silence)) == words{"one"}); // a node may go on
}

} // namespace
