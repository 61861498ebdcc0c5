// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the Tailscale strategy, driven by hand through its sources and its waiting, in virtual time.
#include <peerkit/discovery/tailscale.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <iterator>
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
    REQUIRE(s.effects().size() == 1);
    auto const* wanted = std::get_if<Effect>(&s.effects()[0]);
    REQUIRE(wanted != nullptr);
    return *wanted;
}
step answer(tailscale& strategy, outcome got, time_point now = time_point{}) {
    std::vector<outcome> outcomes;
    outcomes.push_back(std::move(got));
    return strategy.resume(outcomes, now);
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
    REQUIRE(next.notices().size() == 1);
    CHECK(next.notices()[0].level == notice::severity::info);
    CHECK(next.notices()[0].what == discovery_error::unavailable);
    CHECK(next.notices()[0].text == "/run/a.sock");
    CHECK(name_found(answer(strategy, command_exit{0, running, "Warning: client version != server version"})) == "db");
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
        REQUIRE(last.notices().size() == 1);
        CHECK(last.notices()[0].what == discovery_error::not_json);
        CHECK(last.notices()[0].text == "status.json: <html>");
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
    static_cast<void>(answer(strategy, error{discovery_error::unavailable, 2}));
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
            CHECK(n.text == "tailscale is not ready, try " + std::to_string(tries + 1) + " of 30");
        }
        if (next.ended()) continue;
        CHECK(asked<wait_until>(next).at == now + 2s);
        now += 2s;
        next = answer(strategy, discovery::elapsed{}, now);
    }
    CHECK(tries == 30);
    CHECK(warnings == 29);
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
        if (std::holds_alternative<wait_until>(next.effects()[0])) {
            now = asked<wait_until>(next).at;
            next = answer(strategy, discovery::elapsed{}, now);
        } else {
            ++asked_for;
            next = answer(strategy, error{discovery_error::unavailable, 2}, now);
        }
        for (notice const& n : next.notices()) told.push_back(n.text);
    }
    CHECK(asked_for == 6);
    CHECK(told == std::vector<std::string>{"/run/a.sock", "tailscale", "tailscale is not ready, try 1 of 3",
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
    REQUIRE(last.notices().size() == 1);
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

TEST_CASE("answers that were not asked for fail the run") {
    tailscale strategy = make(two_sources());
    static_cast<void>(strategy.begin(time_point{}));
    CHECK(failure(strategy.resume({}, time_point{})) == discovery_error::unexpected_answer);
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
}

} // namespace
