// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the Tailscale strategy, driven by hand through its sources and its waiting, in virtual time.
#include <peerkit/discovery/tailscale.hpp>

#include "support/run_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::command_exit;
using discovery::discovery_error;
using discovery::file_text;
using discovery::http_get;
using discovery::http_reply;
using discovery::notice;
using discovery::outcome;
using discovery::read_file;
using discovery::run_command;
using discovery::step;
using discovery::tailscale;
using discovery::tailscale_options;
using discovery::wait_until;
using peerkit::error;
using peerkit::time_point;
using namespace std::chrono_literals;

namespace {

static_assert(discovery::check_strategy<tailscale>());

constexpr char const* running =
    R"({"BackendState":"Running","TUN":true,)"
    R"("Self":{"ID":"n0","DNSName":"me.tail.ts.net.","TailscaleIPs":["100.64.0.1"]},)"
    R"("Peer":{"a":{"DNSName":"db.tail.ts.net.","TailscaleIPs":["100.64.0.2"],"Online":true}}})";
constexpr char const* starting = R"({"BackendState":"Starting","Peer":{"a":{"TailscaleIPs":["100.64.0.2"]}}})";

tailscale make(tailscale_options options) {
    auto made = tailscale::make(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
/// One socket, one command, no file, no text.
tailscale_options two_sources() {
    tailscale_options options;
    options.sockets = {"/run/a.sock"};
    options.commands = {"tailscale"};
    return options;
}
tailscale_options only_text(std::string text) {
    tailscale_options options;
    options.sockets.clear();
    options.commands.clear();
    options.text = std::move(text);
    return options;
}
template <typename Effect>
Effect const& asked(step const& s) {
    REQUIRE_FALSE(s.ended());
    REQUIRE(s.requests().size() == 1);
    CHECK(s.cancelled().empty());
    auto const* wanted = std::get_if<Effect>(&s.requests()[0].what);
    REQUIRE(wanted != nullptr);
    return *wanted;
}
step answer(tailscale& strategy, outcome got, time_point now = time_point{}) {
    return strategy.resume(0, std::move(got), now);
}
std::string name_found(step const& last) {
    REQUIRE(last.ended());
    REQUIRE(last.answer());
    REQUIRE(last.answer()->size() == 1);
    return std::string{last.answer()->front().name.view()};
}
error failure(step const& last) {
    REQUIRE(last.ended());
    REQUIRE_FALSE(last.answer());
    return last.answer().error();
}

TEST_CASE("the socket is asked first, as LocalAPI wants to be asked") {
    tailscale_options options = two_sources();
    options.socket_timeout = 3s;
    tailscale strategy = make(options);
    http_get const request = asked<http_get>(strategy.begin(time_point{}));
    CHECK(request.socket_path == "/run/a.sock");
    CHECK(request.host == "local-tailscaled.sock");
    CHECK(request.target == "/localapi/v0/status");
    CHECK(request.timeout == 3s);
    CHECK(request.max_bytes == std::size_t{32} << 20U);
    CHECK(name_found(answer(strategy, http_reply{200, running})) == "db");
    CHECK(strategy.status().self->id == "n0");
}

TEST_CASE("without the socket the command is run, with time for its own waiting") {
    tailscale strategy = make(two_sources());
    static_cast<void>(strategy.begin(time_point{}));
    step const next = answer(strategy, error{discovery_error::unavailable, 2});
    run_command const command = asked<run_command>(next);
    CHECK(command.argv == std::vector<std::string>{"tailscale", "status", "--json"});
    CHECK(command.timeout >= 6s);
    step const last = answer(strategy, command_exit{0, running, "Warning: client version != server version"});
    CHECK(name_found(last) == "db");
    REQUIRE(last.notices().size() == 1);
    CHECK(last.notices()[0].level == notice::severity::info);
    CHECK(last.notices()[0].what == discovery_error::unavailable);
    CHECK(last.notices()[0].what.position() == 2);
    CHECK(last.notices()[0].text == "not there: /run/a.sock");
}

TEST_CASE("without socket and command the file is read, and then the given text") {
    tailscale_options options = two_sources();
    options.file = "status.json";
    options.text = running;
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    static_cast<void>(answer(strategy, error{discovery_error::timed_out, 5000}));
    step const reading = answer(strategy, error{discovery_error::unavailable, 2});
    CHECK(asked<read_file>(reading).path == "status.json");
    SUBCASE("the file holds a document") { CHECK(name_found(answer(strategy, file_text{running})) == "db"); }
    SUBCASE("the file is missing") {
        CHECK(name_found(answer(strategy, error{discovery_error::unavailable, 2})) == "db");
    }
    SUBCASE("the file holds something else") {
        step const last = answer(strategy, file_text{"<html>"});
        CHECK(name_found(last) == "db");
        REQUIRE(last.notices().size() == 2);
        CHECK(last.notices()[0].what == discovery_error::not_json);
        CHECK(last.notices()[0].text == "status.json: <html>");
        CHECK(last.notices()[1].text == "not there: tailscale");
    }
}

TEST_CASE("a given text alone needs no I/O") {
    tailscale strategy = make(only_text(running));
    step const last = strategy.begin(time_point{});
    CHECK(name_found(last) == "db");
    CHECK(last.answer()->front().strategy.view() == "tailscale");
    CHECK(last.answer()->front().source == discovery::provenance::tailscale);
}

TEST_CASE("several sockets and commands are tried in their order") {
    tailscale_options options = two_sources();
    options.sockets = {"/run/a.sock", "/run/b.sock"};
    options.commands = {"one", "two"};
    tailscale strategy = make(options);
    CHECK(asked<http_get>(strategy.begin(time_point{})).socket_path == "/run/a.sock");
    CHECK(asked<http_get>(answer(strategy, error{discovery_error::unavailable})).socket_path == "/run/b.sock");
    CHECK(asked<run_command>(answer(strategy, error{discovery_error::unavailable})).argv[0] == "one");
    CHECK(asked<run_command>(answer(strategy, error{discovery_error::unavailable})).argv[0] == "two");
}

TEST_CASE("a refusal of the daemon is told with its status and text, and the command is tried") {
    tailscale strategy = make(two_sources());
    static_cast<void>(strategy.begin(time_point{}));
    step const next = answer(strategy, http_reply{403, "invalid localapi request\n"});
    CHECK(asked<run_command>(next).argv[0] == "tailscale");
    REQUIRE(next.notices().size() == 1);
    CHECK(next.notices()[0].what == discovery_error::http_refused);
    CHECK(next.notices()[0].what.position() == 403);
    CHECK(next.notices()[0].text == "/run/a.sock: invalid localapi request");
}

TEST_CASE("a failed command is told with its exit status and the beginning of what it said") {
    tailscale strategy = make(two_sources());
    static_cast<void>(strategy.begin(time_point{}));
    static_cast<void>(answer(strategy, error{discovery_error::unavailable, 13}));
    step const next =
        answer(strategy, command_exit{1, "", "failed to connect\tto local tailscaled\n" + std::string(500, 'x')});
    CHECK(asked<wait_until>(next).at == time_point{} + 2s);
    REQUIRE(next.notices().size() == 2);
    CHECK(next.notices()[0].what == discovery_error::command_failed);
    CHECK(next.notices()[0].what.position() == 1);
    CHECK(next.notices()[0].text.starts_with("tailscale: failed to connect to local tailscaled x"));
    CHECK(next.notices()[0].text.size() < 200);
}

TEST_CASE("text after the command's document is named, and the next source is asked") {
    tailscale_options options = two_sources();
    options.sockets.clear();
    options.text = running;
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    step const last = answer(strategy, command_exit{0, "{}\nWarning: something", ""});
    CHECK(name_found(last) == "db");
    REQUIRE(last.notices().size() == 1);
    CHECK(last.notices()[0].what == discovery_error::trailing_bytes);
    CHECK(last.notices()[0].text == "tailscale: Warning: something");
}

TEST_CASE("text from inside a document is never shown, for it may be a login link") {
    tailscale_options options = two_sources();
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    step const next = answer(strategy, http_reply{200, R"({"AuthURL": "https://login.example.com/a/secret0123)"});
    for (notice const& n : next.notices()) {
        CHECK(n.text.find("secret") == std::string::npos);
        CHECK(n.text.find("login") == std::string::npos);
    }
    REQUIRE(next.notices().size() == 1);
    CHECK(next.notices()[0].what == discovery_error::not_json);
}

TEST_CASE("readiness is awaited thirty times, two seconds apart, with a warning each, and is never fatal") {
    tailscale strategy = make(two_sources());
    time_point now{};
    int tries = 0, warnings = 0, infos = 0;
    step next = strategy.begin(now);
    for (; !next.ended(); ++tries) {
        CHECK(asked<http_get>(next).socket_path == "/run/a.sock");
        next = answer(strategy, http_reply{200, starting}, now);
        for (notice const& n : next.notices()) {
            (n.level == notice::severity::warning ? warnings : infos) += 1;
            CHECK(n.what == discovery_error::not_running);
            CHECK(n.text ==
                  "tailscale is not ready: BackendState Starting, try " + std::to_string(tries + 1) + " of 30");
        }
        if (next.ended()) continue;
        CHECK(asked<wait_until>(next).at == now + 2s);
        now += 2s;
        next = answer(strategy, discovery::elapsed{}, now);
    }
    CHECK(tries == 30);
    CHECK(warnings == 30);
    CHECK(infos == 0);
    CHECK(now == time_point{} + 58s);
    error const why = failure(next);
    CHECK(why == discovery_error::not_running);
    CHECK(why.position() == static_cast<std::uint64_t>(discovery::backend_state::starting));
}

TEST_CASE("a daemon that becomes ready while it is awaited ends the run") {
    tailscale strategy = make(two_sources());
    static_cast<void>(strategy.begin(time_point{}));
    CHECK(asked<wait_until>(answer(strategy, http_reply{200, starting})).at == time_point{} + 2s);
    CHECK(asked<http_get>(answer(strategy, discovery::elapsed{}, time_point{} + 2s)).socket_path == "/run/a.sock");
    CHECK(name_found(answer(strategy, http_reply{200, running}, time_point{} + 2s)) == "db");
}

TEST_CASE("a daemon that is not there at all is awaited too, all sources each time, the details told once") {
    tailscale_options options = two_sources();
    options.tries = 3;
    tailscale strategy = make(options);
    time_point now{};
    step next = strategy.begin(now);
    std::vector<std::string> told;
    int asked_for = 0;
    while (!next.ended()) {
        if (std::holds_alternative<wait_until>(next.requests().at(0).what)) {
            now = asked<wait_until>(next).at;
            next = answer(strategy, discovery::elapsed{}, now);
        } else {
            ++asked_for;
            next = answer(strategy, error{discovery_error::unavailable, 2}, now);
        }
        for (notice const& n : next.notices()) told.push_back(n.text);
    }
    CHECK(asked_for == 6);
    CHECK(told == std::vector<std::string>{"not there: /run/a.sock, tailscale", "tailscale is not ready, try 1 of 3",
                                           "tailscale is not ready, try 2 of 3"});
    CHECK(failure(next) == discovery_error::unavailable);
}

TEST_CASE("with one try nothing is awaited") {
    tailscale_options options = only_text(starting);
    options.tries = 1;
    tailscale strategy = make(options);
    CHECK(failure(strategy.begin(time_point{})) == discovery_error::not_running);
}

TEST_CASE("a logged-out daemon is not running, whatever the other sources would say") {
    tailscale_options options = two_sources();
    options.tries = 1;
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    std::ifstream in{PEERKIT_TEST_DATA "/tailscale/odd_logged_out.json", std::ios::binary};
    error const why = failure(answer(strategy, http_reply{200, {std::istreambuf_iterator<char>{in}, {}}}));
    CHECK(why == discovery_error::not_running);
    CHECK(why.position() == static_cast<std::uint64_t>(discovery::backend_state::needs_login));
}

TEST_CASE("a run begun anew starts with the first source and all tries") {
    tailscale_options options = two_sources();
    options.tries = 2;
    tailscale strategy = make(options);
    for (int run = 0; run < 2; ++run) {
        CHECK(asked<http_get>(strategy.begin(time_point{})).socket_path == "/run/a.sock");
        static_cast<void>(answer(strategy, error{discovery_error::unavailable}));
        CHECK(asked<wait_until>(answer(strategy, error{discovery_error::unavailable})).at == time_point{} + 2s);
    }
}

TEST_CASE("userspace networking is warned of once in a run") {
    std::string document = running;
    document.replace(document.find("true"), 4, "false");
    tailscale strategy = make(only_text(document));
    step const last = strategy.begin(time_point{});
    CHECK(name_found(last) == "db");
    REQUIRE(last.notices().size() == 1);
    CHECK(last.notices()[0].what.field() == "TUN");
}

TEST_CASE("malformed peers are told and the others found") {
    std::string document = running;
    document.insert(document.find("\"a\":{"), R"("z":{"TailscaleIPs":7},)");
    tailscale strategy = make(only_text(document));
    step const last = strategy.begin(time_point{});
    CHECK(name_found(last) == "db");
    REQUIRE(last.notices().size() == 2);
    CHECK(last.notices()[0].level == notice::severity::warning);
    CHECK(last.notices()[0].what == discovery_error::wrong_type);
    CHECK(last.notices()[0].text == "peers left out: 1");
}

TEST_CASE("an empty tailnet is an answer") {
    tailscale strategy = make(only_text(R"({"BackendState":"Running","Peer":null})"));
    step const last = strategy.begin(time_point{});
    REQUIRE(last.answer());
    CHECK(last.answer()->empty());
}

TEST_CASE("this node is left out by what the host knows of it, too") {
    tailscale_options options = only_text(running);
    options.self.addresses = {peerkit::ip_address::v4(100, 64, 0, 2)};
    options.self.port = 9000;
    tailscale strategy = make(options);
    step const last = strategy.begin(time_point{});
    REQUIRE(last.answer());
    CHECK(last.answer()->empty());
    REQUIRE(last.notices().size() == 1);
    CHECK(last.notices()[0].text == "of 1 peers: self 1");
}

TEST_CASE("the filter reaches the parser") {
    tailscale_options options = only_text(running);
    options.filter.names = *discovery::name_pattern::parse("web*");
    options.filter.port = 9100;
    tailscale other = make(options);
    CHECK(other.begin(time_point{}).answer()->empty());
    options.filter.names = *discovery::name_pattern::parse("d*");
    tailscale same = make(options);
    step const last = same.begin(time_point{});
    CHECK(name_found(last) == "db");
    CHECK(last.answer()->front().addresses.front().port == 9100);
}

TEST_CASE("how many peers were left out, and why, is told when it changed") {
    std::string const more = running;
    std::string first = more, second = more;
    first.insert(first.find("\"a\":{"), R"("x":{},"y":{"OS":"js","TailscaleIPs":["100.64.0.7"]},"z":{},)");
    second.insert(second.find("\"a\":{"), R"("x":{},)");
    tailscale_options options = two_sources();
    options.sockets.clear();
    tailscale strategy = make(options);
    auto const told = [&strategy](std::string const& document) {
        static_cast<void>(strategy.begin(time_point{}));
        step last = answer(strategy, command_exit{0, document, ""});
        CHECK(name_found(last) == "db");
        return std::move(last.notices());
    };
    auto const notices = told(first);
    REQUIRE(notices.size() == 1);
    CHECK(notices[0].level == notice::severity::info);
    CHECK(notices[0].what == discovery_error::left_out);
    CHECK(notices[0].what.position() == 3);
    CHECK(notices[0].text == "of 4 peers: console 1, no address 2");
    CHECK(told(first).empty());
    REQUIRE(told(second).size() == 1);
    CHECK(told(running).empty());
    CHECK(told(second).size() == 1);
}

TEST_CASE("a source that is there but cannot be used is told by itself, with the system's code") {
    tailscale_options options = two_sources();
    options.sockets = {"/run/none.sock", "/run/forbidden.sock"};
    options.commands.clear();
    options.tries = 1;
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    static_cast<void>(answer(strategy, error{discovery_error::unavailable, 2}));
    step const last = answer(strategy, error{discovery_error::unavailable, 13});
    CHECK(failure(last).position() == 13);
    REQUIRE(last.notices().size() == 2);
    CHECK(last.notices()[0].what.position() == 13);
    CHECK(last.notices()[0].text == "/run/forbidden.sock");
    CHECK(last.notices()[1].what.position() == 2);
    CHECK(last.notices()[1].text == "not there: /run/none.sock");
}

TEST_CASE("the places of the command are tried until it can be started, and then it has spoken") {
    tailscale_options options = two_sources();
    options.sockets.clear();
    options.commands = {"one", "two", "three"};
    options.text = running;
    tailscale strategy = make(options);
    CHECK(asked<run_command>(strategy.begin(time_point{})).argv[0] == "one");
    CHECK(asked<run_command>(answer(strategy, error{discovery_error::unavailable, 2})).argv[0] == "two");
    // It waits for a daemon by itself, so another one would only wait as long.
    SUBCASE("it fails") { CHECK(name_found(answer(strategy, command_exit{1, "", "failed to connect"})) == "db"); }
    SUBCASE("it never ends") { CHECK(name_found(answer(strategy, error{discovery_error::timed_out, 8000})) == "db"); }
    SUBCASE("it says nothing") {
        step const last = answer(strategy, command_exit{0, "", ""});
        CHECK(name_found(last) == "db");
        CHECK(last.notices().at(0).what == discovery_error::empty_document);
    }
}

TEST_CASE("the usual places are asked by default, those that anybody can make last") {
    tailscale_options const options;
    std::vector<std::string> const sockets{"/var/run/tailscale/tailscaled.sock",
                                           "/var/run/tailscaled.socket",
                                           "/var/packages/Tailscale/var/tailscaled.sock",
                                           "/var/packages/Tailscale/etc/tailscaled.sock",
                                           "/perm/tailscaled/tailscaled.sock",
                                           "/tmp/tailscale/tailscaled.sock",
                                           "/tmp/tailscaled.sock"};
    tailscale strategy = make(options);
    std::vector<std::string> asked_for, run;
    step next = strategy.begin(time_point{});
    while (!std::holds_alternative<wait_until>(next.requests().at(0).what)) {
        if (auto const* get = std::get_if<http_get>(&next.requests()[0].what)) asked_for.push_back(get->socket_path);
        if (auto const* command = std::get_if<run_command>(&next.requests()[0].what)) run.push_back(command->argv[0]);
        next = answer(strategy, error{discovery_error::unavailable, 2});
    }
    CHECK(asked_for == sockets);
    CHECK(run == options.commands);
    CHECK(run.front() == "tailscale");
    CHECK(options.command_timeout >= 6s);
    CHECK(options.tries == 30);
    CHECK(options.interval == 2s);
    REQUIRE(next.notices().size() == 2); // one for all places, one that it waits
}

TEST_CASE("the state of the daemon is in the warning, also in the last one, whatever it is called") {
    struct row {
        std::string_view document, text;
    };
    for (row const& r : {row{R"({"BackendState":"NeedsLogin"})", "NeedsLogin"},
                         {R"({"BackendState":"NoState","Health":["Tailscale is starting. Please wait."]})", "NoState"},
                         {R"({"BackendState":"Hiber\u0007nating"})", "Hiber nating"},
                         {R"({"BackendState":""})", "not reported"},
                         {R"({})", "not reported"}}) {
        CAPTURE(r.document);
        tailscale_options options = only_text(std::string{r.document});
        options.tries = 1;
        tailscale strategy = make(options);
        step const last = strategy.begin(time_point{});
        CHECK(failure(last) == discovery_error::not_running);
        CHECK(failure(last).field() == "BackendState");
        REQUIRE(last.notices().size() == 1);
        CHECK(last.notices()[0].level == notice::severity::warning);
        CHECK(last.notices()[0].text == "tailscale is not ready: BackendState " + std::string{r.text} + ", try 1 of 1");
    }
}

TEST_CASE("whatever is quoted, a link is not") {
    auto const quoted = [](outcome got) {
        tailscale_options options = two_sources();
        options.sockets.clear();
        options.tries = 1;
        tailscale strategy = make(options);
        static_cast<void>(strategy.begin(time_point{}));
        return answer(strategy, std::move(got)).notices().at(0).text;
    };
    CHECK(quoted(command_exit{1, "Logged out.\nLog in at: https://login.example.com/a/secret\n", ""}) ==
          "tailscale: Logged out. Log in at: (a link)");
    CHECK(quoted(command_exit{1, "", R"({"AuthURL": "http://hs.example.com/register/secret"})"}) ==
          R"(tailscale: {"AuthURL": "(a link))");
    CHECK(quoted(command_exit{0, "{}\nhttps://login.example.com/a/secret", ""}) == "tailscale: (a link)");
    CHECK(quoted(command_exit{1, std::string(115, 'x') + " https://secret", ""}) ==
          "tailscale: " + std::string(115, 'x') + " http");
    CHECK(quoted(command_exit{1, std::string(112, 'x') + " https://secret", ""}) ==
          "tailscale: " + std::string(112, 'x') + " (a link)");
}

TEST_CASE("a document that is too large is refused unread, the next source asked, and the last answer stays") {
    tailscale_options options = two_sources();
    options.tries = 1;
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    CHECK(name_found(answer(strategy, http_reply{200, running})) == "db");

    // The driver stops reading at the limit, and the strategy refuses what one brings along nevertheless.
    CHECK(asked<http_get>(strategy.begin(time_point{})).max_bytes == std::size_t{32} << 20U);
    std::string flood = R"({"BackendState":"Running","Peer":{},"x":")";
    flood.append((std::size_t{50} << 20U) - flood.size() - 2, 'x').append("\"}");
    step const next = answer(strategy, http_reply{200, std::move(flood)});
    CHECK(asked<run_command>(next).max_bytes == std::size_t{32} << 20U);
    REQUIRE(next.notices().size() == 1);
    CHECK(next.notices()[0].what == discovery_error::too_large);
    CHECK(next.notices()[0].what.position() == std::size_t{50} << 20U);
    CHECK(next.notices()[0].text == "/run/a.sock");
    step const last = answer(strategy, error{discovery_error::too_large, std::uint64_t{32} << 20U});
    CHECK(failure(last) == discovery_error::too_large);
    REQUIRE(strategy.status().candidates.size() == 1);
    CHECK(strategy.status().candidates[0].name.view() == "db");
}

TEST_CASE("half a document leaves the last one as it was") {
    tailscale_options options = two_sources();
    options.commands.clear();
    options.tries = 1;
    tailscale strategy = make(options);
    static_cast<void>(strategy.begin(time_point{}));
    CHECK(name_found(answer(strategy, http_reply{200, running})) == "db");
    static_cast<void>(strategy.begin(time_point{}));
    std::string_view const document = running;
    CHECK(failure(answer(strategy, http_reply{200, std::string{document.substr(0, document.size() / 2)}})) ==
          discovery_error::not_json);
    CHECK(strategy.status().ready());
    CHECK(strategy.status().candidates.size() == 1);
    // One that is understood replaces it, even if it has nobody.
    static_cast<void>(strategy.begin(time_point{}));
    CHECK(failure(answer(strategy, http_reply{200, starting})) == discovery_error::not_running);
    CHECK(strategy.status().state == discovery::backend_state::starting);
}

TEST_CASE("in virtual time a daemon that starts slowly is found when it is ready") {
    tailscale_options options = two_sources();
    tailscale strategy = make(options);
    auto const world = [](discovery::effect const& wanted, time_point now) -> std::optional<peerkit_test::reply> {
        if (std::holds_alternative<run_command>(wanted))
            return peerkit_test::reply{command_exit{1, "", "failed to connect"}, 5s}; // its own patience
        bool const there = now >= time_point{} + 20s, ready = now >= time_point{} + 31s;
        if (!there) return peerkit_test::reply{error{discovery_error::unavailable, 2}};
        return peerkit_test::reply{http_reply{200, ready ? running : starting}, 1s};
    };
    auto const report = peerkit_test::run(strategy, world);
    REQUIRE(report.answer);
    CHECK(report.answer->size() == 1);
    CHECK(report.most_under_way == 1);
    CHECK(report.cancelled == 0);
    CHECK(report.abandoned == 0);
    CHECK(report.watches.empty());
    // Three tries of 5 + 2 seconds without a daemon, then every 1 + 2 until it is ready.
    CHECK(report.of<run_command>().size() == 3);
    CHECK(report.took == 34s);
    CHECK(report.told(discovery_error::not_running));
}

TEST_CASE("a world that can do nothing ends the run with that") {
    tailscale strategy = make(two_sources());
    auto const nothing = [](discovery::effect const&, time_point) {
        return std::optional{peerkit_test::reply{error{discovery_error::unsupported}}};
    };
    auto const report = peerkit_test::run(strategy, nothing); // the waiting is carried out
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::unsupported);
    CHECK(report.of<wait_until>().size() == 29);
    static_cast<void>(strategy.begin(time_point{}));
    static_cast<void>(answer(strategy, http_reply{200, starting}));
    CHECK(failure(answer(strategy, error{discovery_error::unsupported})) == discovery_error::unsupported);
}

TEST_CASE("answers that were not asked for fail the run") {
    tailscale strategy = make(two_sources());
    static_cast<void>(strategy.begin(time_point{}));
    CHECK(failure(strategy.resume(1, http_reply{200, running}, time_point{})) == discovery_error::unexpected_answer);
    static_cast<void>(strategy.begin(time_point{}));
    static_cast<void>(answer(strategy, http_reply{200, starting}));
    CHECK(failure(answer(strategy, http_reply{200, running})) == discovery_error::unexpected_answer);
}

TEST_CASE("options that cannot work are refused by name") {
    auto const refused = [](tailscale_options options) {
        auto const made = tailscale::make(std::move(options));
        REQUIRE_FALSE(made);
        CHECK(made.error() == discovery_error::bad_option);
        return std::string{made.error().field()};
    };
    CHECK(refused(only_text("")) == "sockets, commands, file or text");
    tailscale_options options = two_sources();
    options.tries = 0;
    CHECK(refused(options) == "tries");
    options = two_sources();
    options.filter.port = 0;
    CHECK(refused(options) == "port");
    options = two_sources();
    options.interval = -1s;
    CHECK(refused(options) == "interval");
    options = two_sources();
    options.socket_timeout = 0s;
    CHECK(refused(options) == "socket_timeout");
    options = two_sources();
    options.command_timeout = 0s;
    CHECK(refused(options) == "command_timeout");
}

} // namespace
