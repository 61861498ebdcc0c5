// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of steps: what a strategy and a driver say to each other.
#include <peerkit/discovery/strategy.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::discovery_error;
using discovery::effect;
using discovery::notice;
using discovery::step;
using peerkit::time_point;

namespace {

static_assert(std::is_nothrow_move_constructible_v<step>);

TEST_CASE("a step that asks has not ended, and numbers its effects from 0") {
    step asked =
        step::ask(std::vector<effect>{discovery::resolve_name{.host = "a"}, discovery::resolve_name{.host = "b"}});
    CHECK_FALSE(asked.ended());
    asked.ask_also(7, discovery::wait_until{time_point{}});
    REQUIRE(asked.requests().size() == 3);
    CHECK(asked.requests()[0].id == 0);
    CHECK(asked.requests()[1].id == 1);
    CHECK(asked.requests()[1].what == effect{discovery::resolve_name{.host = "b"}});
    CHECK(asked.requests()[2].id == 7);
    CHECK(step::ask(discovery::wait_until{time_point{}}, 3).requests()[0].id == 3);
}

TEST_CASE("a step may ask for nothing new, and name what is no longer wanted") {
    step waiting = step::wait();
    CHECK_FALSE(waiting.ended());
    CHECK(waiting.requests().empty());
    waiting.cancel(4);
    CHECK(waiting.cancelled() == std::vector<discovery::ticket>{4});
}

TEST_CASE("a run can end with something to watch until the next one") {
    step const last = step::found({}).watching(discovery::watch_file{.path = "peers"});
    CHECK(last.ended());
    REQUIRE(last.watches().size() == 1);
    CHECK(last.watches()[0] == effect{discovery::watch_file{.path = "peers"}});
}

TEST_CASE("a step that found somebody, or nobody, has ended with an answer") {
    CHECK(step::found({}).ended());
    CHECK(step::found({}).answer().has_value());
    step const some = step::found({candidate{}});
    REQUIRE(some.ended());
    REQUIRE(some.answer());
    CHECK(some.answer()->size() == 1);
}

TEST_CASE("a failed step has ended with its error") {
    step const failed = step::failed(peerkit::error{discovery_error::timed_out, 5000});
    REQUIRE(failed.ended());
    REQUIRE_FALSE(failed.answer());
    CHECK(failed.answer().error() == discovery_error::timed_out);
    CHECK(failed.answer().error().position() == 5000);
}

TEST_CASE("notices ride on any step, in the order they were added") {
    notice first{notice::severity::info, discovery_error::unavailable, "one"};
    step const told = step::found({}).with(first).with(
        std::vector<notice>{{notice::severity::warning, discovery_error::timed_out, "two"}, first});
    REQUIRE(told.notices().size() == 3);
    CHECK(told.notices()[0].text == "one");
    CHECK(told.notices()[1].text == "two");
    CHECK(told.ended());
}

TEST_CASE("effects are equal only in every member") {
    CHECK(discovery::http_get{.socket_path = "a"} != discovery::http_get{.socket_path = "b"});
    CHECK(discovery::run_command{.argv = {"a"}} != discovery::run_command{.argv = {"a", "b"}});
    CHECK(discovery::read_file{.path = "a", .max_bytes = 1} != discovery::read_file{.path = "a", .max_bytes = 2});
    CHECK(discovery::wait_until{time_point{}} == discovery::wait_until{time_point{}});
}

/// Has nothing to say when the node leaves.
struct without_farewell {
    [[nodiscard]] std::string_view name() const noexcept { return "silent"; }
    [[nodiscard]] step begin(time_point) { return step::found({}); }
    [[nodiscard]] step resume(discovery::ticket, discovery::outcome, time_point) { return step::found({}); }
};
struct with_farewell : without_farewell {
    [[nodiscard]] step farewell(time_point now) { return step::ask(discovery::wait_until{now}); }
};
struct misspelt : without_farewell {
    void farewell() {}
};
static_assert(discovery::check_strategy<without_farewell>() && !discovery::HasStrategyFarewell<without_farewell>);
static_assert(discovery::check_strategy<with_farewell>() && discovery::HasStrategyFarewell<with_farewell>);
static_assert(!discovery::HasStrategyFarewell<misspelt>);

TEST_CASE("a strategy says farewell if it can; otherwise that is over at once") {
    without_farewell silent;
    CHECK(discovery::say_farewell(silent, time_point{}).answer());
    with_farewell polite;
    CHECK(discovery::say_farewell(polite, time_point{}).requests().size() == 1);
}

} // namespace
