// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of names that several nodes share, in virtual time.
#include <peerkit/discovery/dns_name.hpp>

#include <doctest/doctest.h>
#include <support/dns_zone.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::address_families;
using discovery::discovery_error;
using discovery::dns_name;
using discovery::dns_name_options;
using discovery::notice;
using discovery::resolve_name;
using peerkit::error;
using peerkit::time_point;
using peerkit_test::addresses;
using peerkit_test::dns_zone;
using peerkit_test::ip;
using peerkit_test::run;
using peerkit_test::run_report;
using peerkit_test::shown;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;

namespace {

error const server_failed{discovery_error::server_failed, 2};
error const silence{discovery_error::timed_out, 2000};
std::string const service = "peerkit.prod.svc.cluster.local";

dns_name make(dns_name_options options) {
    if (options.names.empty()) options.names = {service};
    auto made = dns_name::create(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
dns_zone pods() {
    dns_zone zone;
    zone.names[service + "."] = addresses({"10.1.0.7", "10.1.0.3", "fd00::3"}, 5s);
    return zone;
}

TEST_CASE("every address of the name is a candidate") {
    dns_name strategy = make({});
    dns_zone const zone = pods();
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report) == texts{service + " 10.1.0.7:9000", service + " 10.1.0.3:9000", service + " [fd00::3]:9000"});
    CHECK(report.notices.empty());
    for (auto const& c : *report.answer) {
        CHECK(c.source == discovery::provenance::dns);
        CHECK(c.strategy.view() == "dns_name");
        CHECK(c.time_to_live == 5s);
    }
    REQUIRE(report.of<resolve_name>().size() == 1);
    CHECK(report.of<resolve_name>()[0] == resolve_name{service + ".", 1s, address_families::both, 2});
    CHECK(strategy.statistics() == discovery::lookup_counts{1, 1, 0, 0, 0, 0, 0});
}

TEST_CASE("two addresses of different families are two candidates, too: they need not be one pod's") {
    dns_name strategy = make({});
    dns_zone zone;
    zone.names[service + "."] = addresses({"10.1.0.7", "fd00::3"});
    CHECK(shown(run(strategy, zone.as_world())).size() == 2);
}

TEST_CASE("names are absolute unless search domains are wanted") {
    dns_zone const zone;
    auto const asked = [&zone](std::string name, bool absolute) {
        dns_name strategy = make({.names = {std::move(name)}, .absolute = absolute});
        return run(strategy, zone.as_world()).of<resolve_name>()[0].host;
    };
    CHECK(asked("node", true) == "node.");
    CHECK(asked("node.", true) == "node.");
    CHECK(asked("node", false) == "node");
    CHECK(asked("node.", false) == "node.");
}

TEST_CASE("registries: tnr.domain, port 8000") {
    dns_name strategy = make({.names = {"tnr.example.org"}, .port = peerkit::default_api_port});
    dns_zone zone;
    zone.names["tnr.example.org."] = addresses({"2001:db8::1", "2001:db8::2"});
    CHECK(shown(run(strategy, zone.as_world())) ==
          texts{"tnr.example.org [2001:db8::1]:8000", "tnr.example.org [2001:db8::2]:8000"});
}

TEST_CASE("several names are asked for at the same time, each with its port, the same place once") {
    dns_name strategy = make({.names = {"a.org", "b.org:7000", "a.org.", "c.org"}});
    dns_zone zone;
    zone.names["a.org."] = addresses({"192.0.2.1", "192.0.2.2"});
    zone.names["b.org."] = addresses({"192.0.2.1"});
    zone.names["c.org."] = addresses({"192.0.2.2", "192.0.2.3"});
    run_report const report = run(strategy, zone.as_world());
    CHECK(report.of<resolve_name>().size() == 3);
    CHECK(report.most_under_way == 3);
    CHECK(report.took == 3ms);
    CHECK(shown(report) ==
          texts{"a.org 192.0.2.1:9000", "a.org 192.0.2.2:9000", "b.org 192.0.2.1:7000", "c.org 192.0.2.3:9000"});
}

TEST_CASE("a name without addresses stands for nobody at once, and that is said") {
    dns_name strategy = make({});
    dns_zone const zone = pods();
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    dns_zone const nothing;
    run_report const report = run(strategy, nothing.as_world());
    CHECK(shown(report).empty());
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].level == notice::severity::info);
    CHECK(report.notices[0].what == discovery_error::unresolved);
    CHECK(report.notices[0].text == "dns_name: 1 of 1 (" + service + ")");
}

TEST_CASE("a name keeps its addresses while the server fails or is silent") {
    for (error const& why : {server_failed, silence}) {
        dns_name strategy = make({});
        dns_zone bad;
        bad.otherwise = why;
        run_report first = run(strategy, bad.as_world());
        REQUIRE_FALSE(first.answer);
        CHECK(first.answer.error() == why);
        CHECK(first.notices.size() == 1);
        dns_zone const zone = pods();
        CHECK(shown(run(strategy, zone.as_world())).size() == 3);
        for (int i = 0; i < 5; ++i) {
            run_report const report = run(strategy, bad.as_world());
            CHECK(shown(report).size() == 3);
            CHECK(report.answer->front().time_to_live == 0s);
            REQUIRE(report.notices.size() == 1);
            CHECK(report.notices[0].what == why);
            CHECK(report.notices[0].text ==
                  "dns_name: 1 of 1 (" + service + "); the addresses of an earlier run stay for 1");
        }
    }
}

TEST_CASE("one of several names that could not be told: somebody is an answer, nobody is none") {
    dns_name strategy = make({.names = {"a.org", "b.org"}});
    dns_zone zone;
    zone.names["a.org."] = addresses({"192.0.2.1"});
    zone.names["b.org."] = server_failed;
    run_report const some = run(strategy, zone.as_world());
    CHECK(shown(some).size() == 1);
    CHECK(some.told(discovery_error::server_failed));
    zone.names.erase("a.org.");
    CHECK_FALSE(run(strategy, zone.as_world()).answer);
}

TEST_CASE("this node's addresses are left out, and one family can be had alone") {
    dns_zone const zone = pods();
    dns_name not_me =
        make({.self = {.addresses = {ip("10.1.0.7"), ip("fd00::3")}, .port = 9000, .host_names = {}, .id = {}}});
    CHECK(shown(run(not_me, zone.as_world())) == texts{service + " 10.1.0.3:9000"});
    dns_name v6 = make({.families = address_families::v6});
    run_report const report = run(v6, zone.as_world());
    CHECK(shown(report) == texts{service + " [fd00::3]:9000"});
    CHECK(report.of<resolve_name>()[0].families == address_families::v6);
    dns_name one = make({.max_addresses = 1});
    CHECK(shown(run(one, zone.as_world())).size() == 1);
}

TEST_CASE("a name that is none is refused, and which one") {
    auto const refused = [](dns_name_options options) {
        auto const made = dns_name::create(std::move(options));
        REQUIRE_FALSE(made);
        return made.error();
    };
    CHECK(refused({}) == discovery_error::missing_option);
    error const bad = refused({.names = {"a.org", "no name"}});
    CHECK(bad == discovery_error::bad_entry);
    CHECK(bad.position() == 1);
    CHECK(bad.field() == "host name");
    CHECK(refused({.names = {"192.0.2.1"}}) == discovery_error::bad_entry);
    CHECK(refused({.names = {"a.org:0"}}).field() == "port");
    CHECK(refused({.names = {"a.org"}, .port = 0}).field() == "port");
    CHECK(refused({.names = {"a.org"}, .timeout = 0s}).field() == "timeout");
    CHECK(refused({.names = {"a.org"}, .tries = 0}).field() == "tries");
    CHECK(refused({.names = {"a.org"}, .max_addresses = 0}).field() == "max_addresses");
    error const many = refused({.names = texts(65, "a.org")});
    CHECK(many == discovery_error::too_large);
    CHECK(many.position() == 65);
}

TEST_CASE("an outcome nobody asked for ends the run") {
    dns_name strategy = make({.names = {"a.org", "b.org"}});
    CHECK(strategy.begin(time_point{}).requests().size() == 2);
    CHECK(strategy.resume(2, server_failed, time_point{}).ended());
    CHECK(strategy.begin(time_point{}).requests().size() == 2);
    CHECK_FALSE(strategy.resume(1, server_failed, time_point{}).ended());
    discovery::step const last = strategy.resume(1, server_failed, time_point{});
    REQUIRE(last.ended());
    REQUIRE_FALSE(last.answer());
    CHECK(last.answer().error() == discovery_error::unexpected_answer);
}

} // namespace
