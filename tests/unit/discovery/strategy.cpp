// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of steps, effects and outcomes: what a strategy and a driver say to each other.
#include <peerkit/discovery/strategy.hpp>

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::discovery_error;
using discovery::effect;
using discovery::notice;
using discovery::outcome;
using discovery::step;
using peerkit::time_point;

namespace {

template <typename Effect>
constexpr bool answers = std::is_constructible_v<outcome, typename Effect::outcome_type>;
static_assert(answers<discovery::wait_until> && answers<discovery::http_get> && answers<discovery::run_command> &&
              answers<discovery::read_file> && answers<discovery::resolve_name>);
static_assert(std::is_nothrow_move_constructible_v<step>);

TEST_CASE("a step that asks has not ended and holds its effects in order") {
    std::vector<effect> wanted{discovery::resolve_name{.host = "a"}, discovery::resolve_name{.host = "b"}};
    step const asked = step::ask(wanted);
    CHECK_FALSE(asked.ended());
    CHECK(asked.effects() == wanted);
    CHECK(step::ask(discovery::wait_until{time_point{}}).effects().size() == 1);
}

TEST_CASE("a step that asks for nothing is a failed run, so no driver spins") {
    step const stuck = step::ask(std::vector<effect>{});
    REQUIRE(stuck.ended());
    REQUIRE_FALSE(stuck.answer());
    CHECK(stuck.answer().error() == discovery_error::stalled);
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

TEST_CASE("an outcome that is not what was asked for says why") {
    CHECK(discovery::why_not(outcome{peerkit::error{discovery_error::unresolved}}) == discovery_error::unresolved);
    CHECK(discovery::why_not(outcome{discovery::elapsed{}}) == discovery_error::unexpected_answer);
}

TEST_CASE("effects are equal only in every member") {
    CHECK(discovery::http_get{.socket_path = "a"} != discovery::http_get{.socket_path = "b"});
    CHECK(discovery::run_command{.argv = {"a"}} != discovery::run_command{.argv = {"a", "b"}});
    CHECK(discovery::read_file{.path = "a", .max_bytes = 1} != discovery::read_file{.path = "a", .max_bytes = 2});
    CHECK(discovery::wait_until{time_point{}} == discovery::wait_until{time_point{}});
}

} // namespace
