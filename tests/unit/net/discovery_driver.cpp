// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of running strategies: every effect, several at once, notices, and the stop.
#include <peerkit/net/discovery_driver.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace net_test;
using namespace peerkit::discovery;
using peerkit::net::discovery_driver;
using peerkit::net::stop_state;

namespace {

/// Asks for one round of effects after the other and keeps what it was told.
struct scripted {
    std::vector<std::vector<effect>> rounds;
    std::vector<std::vector<outcome>>* told;
    std::size_t at = 0;

    [[nodiscard]] std::string_view name() const noexcept { return "scripted"; }
    [[nodiscard]] step begin(peerkit::time_point) {
        at = 0;
        return go_on();
    }
    [[nodiscard]] step resume(std::span<outcome> outcomes, peerkit::time_point) {
        told->emplace_back(std::make_move_iterator(outcomes.begin()), std::make_move_iterator(outcomes.end()));
        return go_on();
    }
    step go_on() {
        notice const n{notice::severity::info, discovery_error::stalled, std::to_string(at)};
        if (at < rounds.size()) return step::ask(rounds[at++]).with(n);
        candidate named, unnamed;
        named.strategy = peerkit::bounded_text<31>::cut("inner");
        return step::found({named, unnamed}).with(n);
    }
};

struct run_outcome {
    peerkit::result<std::vector<candidate>> answer;
    std::vector<std::vector<outcome>> told;
    std::vector<std::string> notices;
};

run_outcome run(std::vector<std::vector<effect>> rounds) {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    run_outcome got{{}, {}, {}};
    scripted strategy{std::move(rounds), &got.told};
    got.answer = finish(loop, driver->run(strategy, [&](notice const& n) { got.notices.push_back(n.text); }));
    return got;
}

wait_until in(peerkit::duration time) { return {peerkit::system_steady_clock{}.now() + time}; }

} // namespace

TEST_CASE("a run ends with the candidates, each naming the strategy it came from") {
    auto const got = run({});
    REQUIRE(got.answer);
    REQUIRE(got.answer->size() == 2);
    CHECK((*got.answer)[0].strategy.view() == "inner");
    CHECK((*got.answer)[1].strategy.view() == "scripted");
    CHECK(got.notices == std::vector<std::string>{"0"});
}

TEST_CASE("every kind of effect is carried out, and outcomes come in the order of the effects") {
    scratch_directory const scratch;
    unix_server const server{scratch.file("s"), [](int client) {
                                 (void)read_request(client);
                                 write_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                             }};
    http_get get;
    get.socket_path = scratch.file("s");
    get.host = "h";
    get.target = "/";
    run_command command;
    command.argv = {"echo", "hello"};
    read_file file;
    file.path = scratch.write("f", "text");
    resolve_name name;
    name.host = "127.0.0.1";
    auto const got = run({{in(20ms), get, command, file, name}});
    REQUIRE(got.told.size() == 1);
    auto const& outcomes = got.told.front();
    REQUIRE(outcomes.size() == 5);
    CHECK(std::get_if<elapsed>(&outcomes[0]) != nullptr);
    REQUIRE(std::get_if<http_reply>(&outcomes[1]) != nullptr);
    CHECK(std::get_if<http_reply>(&outcomes[1])->body == "ok");
    REQUIRE(std::get_if<command_exit>(&outcomes[2]) != nullptr);
    CHECK(std::get_if<command_exit>(&outcomes[2])->output == "hello\n");
    REQUIRE(std::get_if<file_text>(&outcomes[3]) != nullptr);
    CHECK(std::get_if<file_text>(&outcomes[3])->text == "text");
    REQUIRE(std::get_if<resolved>(&outcomes[4]) != nullptr);
    CHECK(std::get_if<resolved>(&outcomes[4])->addresses.size() == 1);
}

TEST_CASE("effects that fail are outcomes, and the run goes on") {
    http_get get;
    get.socket_path = "/nonexistent";
    get.host = "h";
    get.target = "/";
    run_command command;
    command.argv = {"peerkit-no-such-program"};
    auto const got = run({{get, command}, {read_file{"/nonexistent"}}});
    CHECK(got.answer);
    REQUIRE(got.told.size() == 2);
    for (outcome const& o : got.told[0]) CHECK(why_not(o) == discovery_error::unavailable);
    CHECK(why_not(got.told[1][0]) == discovery_error::unavailable);
    CHECK(got.notices == std::vector<std::string>{"0", "1", "2"});
}

TEST_CASE("effects of one step run at the same time, those of the next one after them") {
    auto const begun = steady::now();
    auto const got = run({std::vector<effect>(20, in(100ms)), {in(0ms)}});
    auto const took = steady::now() - begun;
    CHECK(got.told.size() == 2);
    CHECK(took >= 100ms);
    CHECK(took < 1500ms); // one after the other would be 2 s
}

TEST_CASE("a wait for a moment that has passed is over at once") {
    auto const begun = steady::now();
    CHECK(run({{wait_until{peerkit::time_point::min()}}, {wait_until{peerkit::time_point{}}}}).told.size() == 2);
    CHECK(steady::now() - begun < 10s);
}

TEST_CASE("the stop ends a run, and the strategy is not asked again") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), stop);
    std::vector<std::vector<outcome>> told;
    scripted strategy{{{wait_until{peerkit::never}, in(1h)}, {in(0ms)}}, &told};
    asio::steady_timer later{loop, 20ms};
    later.async_wait([&](asio::error_code) { stop->stop(); });
    auto const got = finish(loop, driver->run(strategy, [](notice const&) {}));
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unavailable);
    CHECK(got.error().position() == ECANCELED);
    CHECK(told.empty());
}
