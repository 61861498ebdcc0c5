// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of peers that a program prints, in a world that is a function: no program is run.
#include <peerkit/discovery/peers_command.hpp>

#include <support/run_strategy.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::command_exit;
using discovery::discovery_error;
using discovery::peers_command;
using peerkit_test::reply;
using peerkit_test::run;
using peerkit_test::run_report;
using namespace std::chrono_literals;

namespace {

static_assert(discovery::check_strategy<peers_command>());

using texts = std::vector<std::string>;

peers_command command(discovery::peers_command_options options = {}) {
    if (options.argv.empty()) options.argv = {"list-peers"};
    auto made = peers_command::make(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
peerkit_test::world that(discovery::outcome ended) {
    return [ended](discovery::effect const& wanted, peerkit::time_point) -> std::optional<reply> {
        if (std::holds_alternative<discovery::resolve_name>(wanted)) {
            return reply{discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 99)}, {}}};
        }
        REQUIRE(std::holds_alternative<discovery::run_command>(wanted));
        return reply{ended};
    };
}
texts found_by(run_report const& report) {
    REQUIRE(report.answer);
    texts all;
    for (auto const& c : *report.answer) all.push_back(c.addresses.front().to_string());
    return all;
}

TEST_CASE("what a program prints gives candidates with labels and their source; names are looked up") {
    peers_command peers =
        command({.argv = {"list-peers", "--site", "a b"}, .timeout = 3s, .default_port = 7000, .max_bytes = 512});
    auto const report = run(peers, that(command_exit{0, "192.0.2.1 zone=a\ndb2.example.org:9100\n", "warning"}));
    CHECK(found_by(report) == texts{"192.0.2.1:7000", "192.0.2.99:9100"});
    CHECK(report.answer->front().labels == std::vector<peerkit::label>{{"zone", "a"}});
    CHECK(report.answer->front().source == discovery::provenance::command);
    CHECK(report.answer->front().strategy.view() == "command");
    REQUIRE(report.of<discovery::run_command>().size() == 1);
    CHECK(report.of<discovery::run_command>()[0] == discovery::run_command{{"list-peers", "--site", "a b"}, 3s, 512});
    CHECK(report.notices.empty());
}

TEST_CASE("a program that prints nothing and succeeds says that there are no peers") {
    peers_command peers = command();
    static_cast<void>(run(peers, that(command_exit{0, "192.0.2.1", ""})));
    CHECK(found_by(run(peers, that(command_exit{}))).empty());
}

TEST_CASE("a program that fails fails the run with its exit status, and its first words are quoted") {
    peers_command peers = command();
    auto const report = run(peers, that(command_exit{3, "192.0.2.1", "\n  no\taccess\nsecond line"}));
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::command_failed);
    CHECK(report.answer.error().position() == 3);
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].text == "list-peers says: no?access");
    CHECK(run(peers, that(command_exit{1, "", std::string(500, 'x')})).notices[0].text.size() == 10 + 7 + 200);
    CHECK(run(peers, that(command_exit{1, "", " \n"})).notices[0].text == "list-peers");
}

TEST_CASE("the last good list stays when the program fails, hangs, floods or prints nonsense") {
    peers_command peers = command();
    static_cast<void>(run(peers, that(command_exit{0, "192.0.2.1", ""})));
    discovery::outcome const bad[] = {
        command_exit{1, "192.0.2.2", "no"}, peerkit::error{discovery_error::timed_out, 8000},
        peerkit::error{discovery_error::too_large, 512}, peerkit::error{discovery_error::unavailable, 2},
        command_exit{0, "192.0.2.2\nUsage: list-peers\n[", ""}};
    for (auto const& ended : bad) {
        auto const report = run(peers, that(ended));
        CHECK(found_by(report) == texts{"192.0.2.1:9000"});
        CHECK_FALSE(report.notices.empty());
    }
}

TEST_CASE("a command without a program, a timeout of nothing and a default port of 0 are bad options") {
    CHECK(peers_command::make({}).error().field() == "command");
    CHECK(peers_command::make({.argv = {"", "x"}}).error() == discovery_error::bad_option);
    CHECK(peers_command::make({.argv = {"x"}, .timeout = 0s}).error().field() == "timeout");
    CHECK(peers_command::make({.argv = {"x"}, .default_port = 0}).error().field() == "default port");
}

TEST_CASE("an answer that was not asked for fails the run") {
    peers_command peers = command();
    static_cast<void>(peers.begin({}));
    auto const other = peers.resume(7, command_exit{0, "192.0.2.1", ""}, {});
    REQUIRE(other.ended());
    CHECK(other.answer().error() == discovery_error::unexpected_answer);
    static_cast<void>(peers.begin({}));
    auto const wrong_kind = peers.resume(0, discovery::elapsed{}, {});
    REQUIRE(wrong_kind.ended());
    CHECK(wrong_kind.answer().error() == discovery_error::unexpected_answer);
}

} // namespace
