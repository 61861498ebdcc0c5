// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of all_of: who is asked when, what becomes of the answers and of the failures.
#include <peerkit/discovery/all_of.hpp>

#include <peerkit/discovery/first_of.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::all_of;
using discovery::attempt;
using discovery::discovery_error;
using peerkit::error;
using peerkit::time_point;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using kind = attempt::outcome_kind;
using words = std::vector<std::string>;

static_assert(discovery::check_strategy<all_of<scripted_strategy>>());
static_assert(discovery::check_strategy<all_of<all_of<scripted_strategy>, scripted_strategy>>());

TEST_CASE("all strategies run at the same time, and the run takes as long as the slowest") {
    all_of sources{scripted("a", {finds({somebody("one", 1)}, 3s)}), scripted("b", {finds({somebody("two", 2)}, 1s)}),
                   scripted("c", {finds({somebody("three", 3)})})};
    auto const report = run(sources, silence);
    CHECK(report.took == 3s);
    CHECK(report.asked.size() == 2);
    CHECK(report.asked[1].at == time_point{});
    CHECK(names(report) == words{"one", "two", "three"}); // in the order of the list, not of arrival
    CHECK(report.notices.empty());
    CHECK(sources.attempts()[0].took == 3s);
    CHECK(sources.attempts()[1].took == 1s);
    CHECK(sources.attempts()[1].strategy == "b");
    CHECK(sources.attempts()[2].candidates == 1);
}

TEST_CASE("of the same node found twice the earlier strategy's words stand, completed by the later one's") {
    auto first = somebody("db1", 1), second = somebody("other-name", 1);
    first.source = discovery::provenance::tailscale;
    second.source = discovery::provenance::dns;
    second.addresses = {second.addresses.front(), {peerkit::ip_address::v4(192, 0, 2, 77), 9000}};
    second.labels = {{"zone", "a"}};
    all_of sources{scripted("a", {finds({first}, 2s)}), scripted("b", {finds({second, somebody("db2", 2)}, 1s)})};
    auto const report = run(sources, silence);
    CHECK(names(report) == words{"db1", "db2"});
    auto const& merged = report.answer->front();
    CHECK(merged.source == discovery::provenance::tailscale);
    CHECK(merged.strategy.view() == "a");
    CHECK(merged.addresses.size() == 2);
    CHECK(merged.labels.size() == 1);
    CHECK(report.answer->back().strategy.view() == "b");
    CHECK(sources.attempts()[1].candidates == 2);
}

TEST_CASE("one answer is enough, and the failures of the others are told with their names") {
    all_of sources{scripted("a", {fails(error{discovery_error::server_failed, 2}, 1s)}),
                   scripted("b", {finds({somebody("one", 1)}, 2s)}),
                   scripted("c", {fails(discovery_error::timed_out)})};
    auto const report = run(sources, silence);
    CHECK(names(report) == words{"one"});
    CHECK(texts(report) == words{"c found nobody", "a found nobody"});
    CHECK(report.told(discovery_error::server_failed));
    CHECK(report.notices[1].what.position() == 2);
    CHECK(sources.attempts()[0].state == kind::failed);
    CHECK(*sources.attempts()[0].why == discovery_error::server_failed);
}

TEST_CASE("the answer that nobody is there is an answer") {
    all_of sources{scripted("a", {fails(discovery_error::server_failed)}), scripted("b", {finds({}, 1s)})};
    auto const report = run(sources, silence);
    REQUIRE(report.answer);
    CHECK(report.answer->empty());
    CHECK(sources.attempts()[1].state == kind::empty);
}

TEST_CASE("if every strategy failed, so does the run, and says how many there were") {
    all_of sources{scripted("a", {fails(discovery_error::server_failed, 1s)}),
                   scripted("b", {fails(discovery_error::timed_out)})};
    auto const report = run(sources, silence);
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::all_failed);
    CHECK(report.answer.error().position() == 2);
    CHECK(report.notices.size() == 2);
}

TEST_CASE("what any of them watches is watched, whether it answered or not") {
    auto a = fails(discovery_error::unavailable), b = finds({somebody("one", 1)}, 1s);
    a.watches = {discovery::watch_file{.path = "a"}};
    b.watches = {discovery::watch_file{.path = "b"}};
    all_of sources{scripted("a", {a}), scripted("b", {b})};
    CHECK(run(sources, silence).watches ==
          std::vector<discovery::effect>{discovery::watch_file{.path = "a"}, discovery::watch_file{.path = "b"}});
    all_of failing{scripted("a", {a})};
    CHECK(run(failing, silence).watches.size() == 1);
}

TEST_CASE("what one of them leaves under way is cancelled while the others go on") {
    auto early = finds({somebody("one", 1)}, 1s);
    early.reads = 3;
    all_of sources{scripted("a", {early}), scripted("b", {finds({somebody("two", 2)}, 2s)})};
    auto const report = run(sources, silence);
    CHECK(report.cancelled == 3);
    CHECK(report.abandoned == 0);
    CHECK(names(report) == words{"one", "two"});
}

TEST_CASE("every run starts afresh, also after one was abandoned") {
    all_of sources{scripted("a", {fails(discovery_error::timed_out, 1s), finds({somebody("one", 1)}, 2s)}),
                   scripted("b", {finds({somebody("two", 2)}, 1s)})};
    CHECK_FALSE(sources.begin(time_point{}).ended());
    auto const report = run(sources, silence);
    CHECK(names(report) == words{"one", "two"});
    CHECK(sources.attempts()[0].state == kind::found);
    CHECK_FALSE(sources.attempts()[0].why);
    CHECK(sources.get<1>().begun == 2);
}

TEST_CASE("an outcome that nobody asked for is not passed on") {
    all_of sources{scripted("a", {finds({}, 1s)})};
    CHECK_FALSE(sources.begin(time_point{}).ended());
    CHECK_FALSE(sources.resume(9, discovery::elapsed{}, time_point{}).ended());
    CHECK(sources.resume(0, discovery::elapsed{}, time_point{}).ended());
    CHECK(sources.resume(0, discovery::elapsed{}, time_point{}).answer().error() == discovery_error::unexpected_answer);
}

TEST_CASE("lists of both kinds nest, and candidates keep the name of the strategy that found them") {
    all_of sources{
        discovery::first_of{scripted("a", {fails(discovery_error::timed_out, 1s)}),
                            scripted("b", {finds({somebody("one", 1)}, 1s)})},
        all_of{scripted("c", {finds({somebody("two", 2)}, 1s)}), scripted("d", {finds({somebody("three", 3)}, 5s)})}};
    auto const report = run(sources, silence);
    CHECK(report.took == 5s);
    CHECK(names(report) == words{"one", "two", "three"});
    CHECK(report.answer->front().strategy.view() == "b");
    CHECK(report.answer->back().strategy.view() == "d");
}

TEST_CASE("all strategies say farewell at the same time, and the first failure is that of the farewell") {
    auto a = scripted("a", {finds({somebody("one", 1)})});
    auto b = a, c = a;
    b.label = "b";
    a.parting = finds({}, 3s);
    b.parting = fails(discovery_error::timed_out, 1s);
    all_of source{a, b, c};
    CHECK(run(source, silence).answer);
    auto const left = run_farewell(source, silence);
    CHECK(left.took == 3s);
    CHECK(left.answer.error() == discovery_error::timed_out);
    CHECK(texts(left) == std::vector<std::string>{"b could not say farewell"});
    CHECK(source.get<0>().farewells + source.get<1>().farewells + source.get<2>().farewells == 3);
    CHECK(run(source, silence).answer); // a node may go on
    all_of friendly{c, c};
    CHECK(run_farewell(friendly, silence).answer);
}

} // namespace
