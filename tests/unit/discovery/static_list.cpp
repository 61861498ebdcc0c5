// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the static list, driven by hand: no resolver, no network.
#include <peerkit/discovery/static_list.hpp>

#include <support/run_strategy.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::discovery_error;
using discovery::outcome;
using discovery::refused_entry;
using discovery::resolve_name;
using discovery::resolved;
using discovery::static_list;
using discovery::static_list_options;
using discovery::step;
using peerkit::ip_address;
using peerkit::time_point;
using peerkit_test::run;
using peerkit_test::run_report;
using namespace std::chrono_literals;

namespace {

static_assert(discovery::check_strategy<static_list>());

using texts = std::vector<std::string>;

ip_address ip(std::string_view text) {
    auto const made = ip_address::parse(text);
    REQUIRE(made);
    return *made;
}
static_list list_of(std::string_view text, static_list_options options = {}) {
    auto made = static_list::parse(text, std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
/// The addresses of all candidates, in order; a comma between those of one candidate.
texts found_by(run_report const& report) {
    REQUIRE(report.answer);
    texts all;
    for (candidate const& c : *report.answer) {
        std::string text;
        for (auto const& there : c.addresses) text.append(text.empty() ? "" : ",").append(there.to_string());
        all.push_back(text);
    }
    return all;
}
texts asked_by(run_report const& report) {
    texts hosts;
    for (auto const& lookup : report.of<resolve_name>()) hosts.push_back(lookup.host);
    return hosts;
}
/// A world that knows these names; any other is not there.
struct names {
    std::vector<std::pair<std::string, outcome>> known;
    peerkit::duration after{};
    std::optional<peerkit_test::reply> operator()(discovery::effect const& wanted, time_point) const {
        auto const* lookup = std::get_if<resolve_name>(&wanted);
        REQUIRE(lookup != nullptr);
        for (auto const& [host, answer] : known) {
            if (host == lookup->host) return peerkit_test::reply{answer, after};
        }
        return peerkit_test::reply{peerkit::error{discovery_error::unresolved}, after};
    }
};
outcome at(std::vector<ip_address> addresses) { return resolved{std::move(addresses), {}}; }

TEST_CASE("addresses are candidates at once, with port 9000 unless they say another") {
    static_list list = list_of("192.0.2.1, 192.0.2.2:9100 2001:db8::1\n[2001:db8::2]\t[2001:db8::3]:9200,,");
    CHECK(list.size() == 5);
    run_report const report = run(list, names{});
    CHECK(report.asked.empty());
    CHECK(found_by(report) ==
          texts{"192.0.2.1:9000", "192.0.2.2:9100", "[2001:db8::1]:9000", "[2001:db8::2]:9000", "[2001:db8::3]:9200"});
}

TEST_CASE("the default port can be another") {
    static_list list = list_of("192.0.2.1 192.0.2.2:9000", {.default_port = 7000});
    CHECK(found_by(run(list, names{})) == texts{"192.0.2.1:7000", "192.0.2.2:9000"});
}

TEST_CASE("a default port of 0 is a bad option") {
    auto const made = static_list::parse("192.0.2.1", {.default_port = 0});
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::bad_option);
    auto const from = static_list::from({"192.0.2.1"}, {.default_port = 0});
    REQUIRE_FALSE(from);
    CHECK(from.error() == discovery_error::bad_option);
}

TEST_CASE("a candidate of a static list says where it comes from, and what the list says of it") {
    static_list list = list_of("192.0.2.1 db1.example.org zone=a role=db");
    auto const report = run(list, names{{{"db1.example.org", at({ip("192.0.2.7")})}}});
    REQUIRE(report.answer);
    REQUIRE(report.answer->size() == 2);
    candidate const& written = report.answer->at(0);
    CHECK(written.source == discovery::provenance::static_list);
    CHECK(written.strategy.view() == "static");
    CHECK(written.name.view() == "192.0.2.1:9000");
    CHECK(written.labels.empty());
    candidate const& named = report.answer->at(1);
    CHECK(named.name.view() == "db1.example.org");
    CHECK(named.labels == std::vector<peerkit::label>{{"zone", "a"}, {"role", "db"}});
}

TEST_CASE("every refused entry is named with its index, place and reason") {
    std::vector<refused_entry> refused;
    auto const made = static_list::parse("192.0.2.1, db:99999 ok.example, [2001:db8::1, 0.0.0.0\n1.2.3", {}, &refused);
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::bad_entry);
    CHECK(made.error().position() == 1);
    CHECK(made.error().field() == "port");
    REQUIRE(refused.size() == 4);
    CHECK(refused[0].index == 1);
    CHECK(refused[0].offset == 11);
    CHECK(refused[0].text == "db:99999");
    CHECK(refused[0].why == peerkit::core_error::bad_port);
    CHECK(refused[1].index == 3);
    CHECK(refused[1].offset == 32);
    CHECK(refused[1].why == peerkit::core_error::unclosed_bracket);
    CHECK(refused[2].text == "0.0.0.0");
    CHECK(refused[2].why == peerkit::core_error::bad_address);
    CHECK(refused[2].line == 1);
    CHECK(refused[3].text == "1.2.3");
    CHECK(refused[3].why == peerkit::core_error::bad_host_name);
    CHECK(refused[3].line == 2);
}

TEST_CASE("entries given as a list are one peer each") {
    auto made = static_list::from({"192.0.2.1", "192.0.2.2:9001 zone=a"});
    REQUIRE(made);
    auto const report = run(*made, names{});
    CHECK(found_by(report) == texts{"192.0.2.1:9000", "192.0.2.2:9001"});
    CHECK(report.answer->at(1).labels.size() == 1);
    auto const two_in_one = static_list::from({"192.0.2.9", "192.0.2.1 192.0.2.2"});
    REQUIRE_FALSE(two_in_one);
    CHECK(two_in_one.error() == discovery_error::bad_entry);
    CHECK(two_in_one.error().position() == 1);
    std::vector<refused_entry> refused;
    CHECK_FALSE(static_list::from({"ok", "", "x:0"}, {}, &refused));
    REQUIRE(refused.size() == 2);
    CHECK(refused[0].index == 1);
    CHECK(refused[0].why == peerkit::core_error::empty);
    CHECK(refused[1].index == 2);
    CHECK(refused[1].why == peerkit::core_error::bad_port);
}

TEST_CASE("a list longer than its limit is refused with its length") {
    CHECK(static_list::parse("a b", {.max_entries = 2}));
    auto const made = static_list::parse("a b c", {.max_entries = 2});
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::too_large);
    CHECK(made.error().position() == 3);
    auto const from = static_list::from({"a", "b", "c"}, {.max_entries = 2});
    REQUIRE_FALSE(from);
    CHECK(from.error() == discovery_error::too_large);
    CHECK(from.error().position() == 3);
}

TEST_CASE("an empty list finds nobody, which is no failure") {
    static_list list = list_of("  ,\n# nobody yet\n");
    CHECK(found_by(run(list, names{})).empty());
}

TEST_CASE("an entry written twice is one candidate") {
    static_list list = list_of("192.0.2.1 192.0.2.1:9000");
    CHECK(found_by(run(list, names{})) == texts{"192.0.2.1:9000"});
}

TEST_CASE("host names are looked up all at once, and their addresses become candidates in the order of the list") {
    static_list list = list_of("a.example 192.0.2.9 b.example:9100", {.resolve_timeout = 3s});
    names const world{{{"a.example", at({ip("192.0.2.1")})}, {"b.example", at({ip("2001:db8::2")})}}, 20ms};
    auto const report = run(list, world);
    CHECK(asked_by(report) == texts{"a.example", "b.example"});
    CHECK(report.of<resolve_name>()[0].timeout == 3s);
    CHECK(report.most_under_way == 2);
    CHECK(report.took == 20ms);
    CHECK(found_by(report) == texts{"192.0.2.1:9000", "192.0.2.9:9000", "[2001:db8::2]:9100"});
}

TEST_CASE("lookups may end in any order") {
    static_list list = list_of("a.example b.example c.example");
    static_cast<void>(list.begin(time_point{}));
    CHECK_FALSE(list.resume(2, at({ip("192.0.2.3")}), time_point{}).ended());
    CHECK_FALSE(list.resume(0, at({ip("192.0.2.1")}), time_point{}).ended());
    step const last = list.resume(1, at({ip("192.0.2.2")}), time_point{});
    REQUIRE(last.ended());
    REQUIRE(last.answer());
    CHECK(last.answer()->at(0).name.view() == "a.example");
    CHECK(last.answer()->at(2).addresses.front().to_string() == "192.0.2.3:9000");
}

TEST_CASE("a name that does not resolve is told and hides nobody") {
    static_list list = list_of("a.example b.example 192.0.2.9");
    names const world{
        {{"a.example", peerkit::error{discovery_error::unresolved, 11}}, {"b.example", at({ip("192.0.2.2")})}}};
    auto const report = run(list, world);
    CHECK(found_by(report) == texts{"192.0.2.2:9000", "192.0.2.9:9000"});
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].level == discovery::notice::severity::warning);
    CHECK(report.notices[0].what == discovery_error::unresolved);
    CHECK(report.notices[0].what.position() == 11);
    CHECK(report.notices[0].text == "a.example:9000");
}

TEST_CASE("a name that does not resolve is told at once, while others are still looked up") {
    static_list list = list_of("a.example b.example");
    static_cast<void>(list.begin(time_point{}));
    step const between = list.resume(0, peerkit::error{discovery_error::server_failed}, time_point{});
    CHECK_FALSE(between.ended());
    CHECK(between.notices().size() == 1);
}

TEST_CASE("if names are all there is and none resolves, the run fails with the reason") {
    static_list list = list_of("a.example b.example");
    auto const report = run(list, names{{{"b.example", peerkit::error{discovery_error::timed_out}}}});
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::timed_out);
    CHECK(report.notices.size() == 2);
}

TEST_CASE("this node is left out by address and port, before and after names are resolved") {
    static_list_options options;
    options.self.addresses = {ip("192.0.2.1"), ip("127.0.0.1")};
    options.self.port = 9000;
    static_list list = list_of("192.0.2.1 192.0.2.1:9001 127.0.0.1:9000 127.0.0.1:9001 me.example", options);
    CHECK(found_by(run(list, names{{{"me.example", at({ip("192.0.2.1")})}}})) ==
          texts{"192.0.2.1:9001", "127.0.0.1:9001"});
}

} // namespace
