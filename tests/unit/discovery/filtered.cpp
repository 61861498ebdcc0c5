// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of filtered: what is kept, what is changed, and that nothing is dropped silently.
#include <peerkit/discovery/filtered.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::discovery_error;
using discovery::filtered;
using discovery::name_pattern;
using peerkit::ip_address;
using peerkit::ip_endpoint;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;

struct keep_all {
    bool operator()(candidate&) const { return true; }
};
struct may_throw_moving {
    may_throw_moving(may_throw_moving&&) noexcept(false);
    bool operator()(candidate&) const;
};
static_assert(discovery::check_strategy<filtered<scripted_strategy, keep_all>>());
static_assert(discovery::check_strategy<filtered<filtered<scripted_strategy, keep_all>, discovery::by_name>>());
static_assert(!discovery::CandidateFilter<int> && !discovery::CandidateFilter<may_throw_moving>);

scripted_strategy three(std::string label = "a") {
    auto db1 = somebody("db1", 1), db2 = somebody("db2.example.org", 2), web = somebody("web", 3);
    db1.labels = {{"zone", "a"}, {"tier", "b"}};
    db2.labels = {{"zone", "b"}};
    web.source = discovery::provenance::dns;
    return scripted(std::move(label), {finds({db1, web, db2}, 1s)});
}

TEST_CASE("candidates are kept by the pattern of their name or of its first label") {
    filtered source{three(), discovery::by_name{*name_pattern::parse("db*")}};
    CHECK(names(run(source, silence)) == words{"db1", "db2.example.org"});
    CHECK(source.name() == "a");
    filtered exact{three(), discovery::by_name{*name_pattern::parse("db2")}};
    CHECK(names(run(exact, silence)) == words{"db2.example.org"});
}

TEST_CASE("candidates are kept by label and by provenance") {
    filtered zone{three(), discovery::by_label{"zone", "b"}};
    CHECK(names(run(zone, silence)) == words{"db2.example.org"});
    filtered any_zone{three(), discovery::by_label{"zone"}};
    CHECK(names(run(any_zone, silence)) == words{"db1", "db2.example.org"});
    filtered other{three(), discovery::by_label{"tier", "web"}};
    CHECK(names(run(other, silence)).empty());
    filtered dns{three(), discovery::by_provenance{discovery::provenance::dns}};
    CHECK(names(run(dns, silence)) == words{"web"});
}

TEST_CASE("a function may change candidates, and is called once for each in order") {
    words seen;
    filtered source{three(), [&seen](candidate& c) {
                        seen.emplace_back(c.name.view());
                        c.name = c.name.cut("x-" + std::string{c.name.view()});
                        return c.name.view() != "x-web";
                    }};
    CHECK(names(run(source, silence)) == words{"x-db1", "x-db2.example.org"});
    CHECK(seen == words{"db1", "web", "db2.example.org"});
}

TEST_CASE("addresses that are reached elsewhere from here are replaced by a function") {
    std::vector<std::pair<ip_address, ip_endpoint>> places{
        {ip_address::v4(192, 0, 2, 1), {ip_address::v4(127, 0, 0, 1), 9101}}};
    filtered source{three(), [places](candidate& c) {
                        for (ip_endpoint const& there : std::exchange(c.addresses, {})) {
                            ip_endpoint reached = there;
                            for (auto const& [from, to] : places) {
                                if (there.address == from) reached = to;
                            }
                            static_cast<void>(c.addresses.push_back(reached)); // as many as there were
                        }
                        return true;
                    }};
    auto const report = run(source, silence);
    REQUIRE(report.answer->size() == 3);
    CHECK(report.answer->at(0).addresses.front().to_string() == "127.0.0.1:9101");
    CHECK(report.answer->at(1).addresses.front().to_string() == "192.0.2.3:9000");
    CHECK(source.dropped() == 0);
    CHECK(report.notices.empty());
}

TEST_CASE("what is dropped is counted, and told when the number changes") {
    filtered source{
        scripted("a", {finds(crowd(3)), finds(crowd(3)), finds(crowd(4)), finds(crowd(1)), finds(crowd(3))}),
        [](candidate& c) { return c.addresses.front().address == ip_address::v4(192, 0, 2, 1); }};
    auto const first = run(source, silence);
    CHECK(source.dropped() == 2);
    REQUIRE(first.notices.size() == 1);
    CHECK(first.notices[0].what == discovery_error::filtered_out);
    CHECK(first.notices[0].what.position() == 2);
    CHECK(first.notices[0].level == discovery::notice::severity::info);
    CHECK(first.notices[0].text == "a: 1 of 3 candidates kept");
    CHECK(run(source, silence).notices.empty());
    CHECK(run(source, silence).notices.size() == 1);
    CHECK(run(source, silence).notices.empty());
    CHECK(source.dropped() == 0);
    CHECK(run(source, silence).notices.size() == 1);
}

TEST_CASE("failures, notices, watches and effects are passed on as they are") {
    auto failing = fails(discovery_error::timed_out, 1s);
    failing.watches = {discovery::watch_file{.path = "peers"}};
    failing.reads = 1;
    filtered source{scripted("a", {failing}), discovery::by_name{}};
    auto const report = run(source, silence);
    CHECK(report.answer.error() == discovery_error::timed_out);
    CHECK(report.watches.size() == 1);
    REQUIRE(report.asked.size() == 2);
    CHECK(report.asked[0].id == scripted_strategy::timer);
}

TEST_CASE("filters stack, and hold functions that can only be moved") {
    auto limit = std::make_unique<int>(1);
    filtered source{filtered{three(), discovery::by_name{*name_pattern::parse("db*")}},
                    [limit = std::move(limit)](candidate&) { return (*limit)-- > 0; }};
    CHECK(names(run(source, silence)) == words{"db1"});
    CHECK(source.inner().dropped() == 1);
    CHECK(source.dropped() == 1);
}

TEST_CASE("the farewell is that of the strategy inside, once and as it ends") {
    auto inner = scripted("a", {finds({somebody("one", 1)}, 1ms)});
    inner.parting = fails(discovery_error::server_failed, 3s);
    filtered source{std::move(inner), [](candidate&) { return true; }};
    CHECK(names(run(source, silence)) == words{"one"});
    auto const left = run_farewell(source, silence);
    CHECK(left.answer.error() == discovery_error::server_failed);
    CHECK(left.took == 3s);
    CHECK(source.inner().farewells == 1);
    CHECK(names(run(source, silence)) == words{"one"}); // a node may go on
}

} // namespace
