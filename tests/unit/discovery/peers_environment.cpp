// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of peers in a variable, in a world that is a function: no environment.
#include <peerkit/discovery/peers_environment.hpp>

#include <support/run_strategy.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::peers_environment;
using peerkit_test::reply;
using peerkit_test::run;
using peerkit_test::run_report;

namespace {

static_assert(discovery::check_strategy<peers_environment>());

using texts = std::vector<std::string>;

peers_environment variable(discovery::peers_environment_options options = {}) {
    auto made = peers_environment::make(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
peerkit_test::world set_to(std::optional<std::string> text) {
    return [text](discovery::effect const& wanted, peerkit::time_point) -> std::optional<reply> {
        if (std::holds_alternative<discovery::resolve_name>(wanted)) {
            return reply{discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 99)}, {}}};
        }
        REQUIRE(std::holds_alternative<discovery::read_environment>(wanted));
        return reply{discovery::environment_value{text}};
    };
}
texts found_by(run_report const& report) {
    REQUIRE(report.answer);
    texts all;
    for (auto const& c : *report.answer) all.push_back(c.addresses.front().to_string());
    return all;
}

TEST_CASE("a variable gives candidates with labels and their source; names are looked up") {
    peers_environment peers = variable({.variable = "SITE_PEERS", .default_port = 7000});
    auto const report = run(peers, set_to("192.0.2.1 zone=a, db2.example.org:9100"));
    CHECK(found_by(report) == texts{"192.0.2.1:7000", "192.0.2.99:9100"});
    CHECK(report.answer->front().labels == std::vector<peerkit::label>{{"zone", "a"}});
    CHECK(report.answer->front().source == discovery::provenance::environment);
    CHECK(report.answer->front().strategy.view() == "environment");
    CHECK(report.of<discovery::read_environment>()[0].variable == "SITE_PEERS");
    CHECK(report.watches.empty());
}

TEST_CASE("the variable is PEERKIT_PEERS unless told otherwise") {
    peers_environment peers = variable();
    CHECK(run(peers, set_to("a")).of<discovery::read_environment>()[0].variable == "PEERKIT_PEERS");
}

TEST_CASE("a variable that is not set finds nobody and says so; an empty one finds nobody") {
    peers_environment peers = variable();
    auto const unset = run(peers, set_to(std::nullopt));
    CHECK(found_by(unset).empty());
    REQUIRE(unset.notices.size() == 1);
    CHECK(unset.notices[0].level == discovery::notice::severity::info);
    CHECK(unset.notices[0].text == "PEERKIT_PEERS is not set");
    auto const empty = run(peers, set_to(""));
    CHECK(found_by(empty).empty());
    CHECK(empty.notices.empty());
}

TEST_CASE("the variable is read in every run, and a bad value changes nothing") {
    peers_environment peers = variable();
    CHECK(found_by(run(peers, set_to("192.0.2.1"))) == texts{"192.0.2.1:9000"});
    CHECK(found_by(run(peers, set_to("192.0.2.2"))) == texts{"192.0.2.2:9000"});
    auto const bad = run(peers, set_to("192.0.2.3 x:0"));
    CHECK(found_by(bad) == texts{"192.0.2.2:9000"});
    CHECK(bad.told(discovery_error::bad_entry));
}

TEST_CASE("a driver that cannot read variables fails the run") {
    peers_environment peers = variable();
    auto const report =
        run(peers, [](auto const&, auto) { return reply{peerkit::error{discovery_error::unsupported}}; });
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::unsupported);
}

TEST_CASE("a name that cannot be a variable and a default port of 0 are bad options") {
    CHECK(peers_environment::make({.variable = ""}).error() == discovery_error::bad_option);
    CHECK(peers_environment::make({.variable = "A=B"}).error().field() == "variable");
    CHECK(peers_environment::make({.default_port = 0}).error().field() == "default port");
}

TEST_CASE("an answer that was not asked for fails the run") {
    peers_environment peers = variable();
    static_cast<void>(peers.begin({}));
    auto const other = peers.resume(7, discovery::environment_value{"192.0.2.1"}, {});
    REQUIRE(other.ended());
    CHECK(other.answer().error() == discovery_error::unexpected_answer);
    static_cast<void>(peers.begin({}));
    auto const wrong_kind = peers.resume(0, discovery::elapsed{}, {});
    REQUIRE(wrong_kind.ended());
    CHECK(wrong_kind.answer().error() == discovery_error::unexpected_answer);
}

} // namespace
