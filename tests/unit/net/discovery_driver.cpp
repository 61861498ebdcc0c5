// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of running strategies: every effect, several at once, notices, and the stop.
#include <peerkit/net/discovery_driver.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace net_test;
using namespace peerkit::discovery;
using peerkit::net::discovery_driver;
using peerkit::net::stop_state;

namespace {

/// Asks for one round of effects after the other, all tickets from 0, and keeps what it was told.
struct scripted {
    using told_list = std::vector<std::vector<std::pair<ticket, outcome>>>;
    std::vector<std::vector<effect>> rounds;
    told_list* told;
    std::size_t at = 0;
    std::size_t missing = 0;

    [[nodiscard]] std::string_view name() const noexcept { return "scripted"; }
    [[nodiscard]] step begin(peerkit::time_point) {
        at = 0;
        return go_on();
    }
    [[nodiscard]] step resume(ticket which, outcome got, peerkit::time_point) {
        told->back().emplace_back(which, std::move(got));
        return --missing == 0 ? go_on() : step::wait();
    }
    step go_on() {
        notice const n{notice::severity::info, discovery_error::stalled, std::to_string(at)};
        if (at < rounds.size()) {
            missing = rounds[at].size();
            told->emplace_back();
            return step::ask(rounds[at++]).with(n);
        }
        candidate named, unnamed;
        named.strategy = peerkit::bounded_text<31>::cut("inner");
        return step::found({named, unnamed}).with(n);
    }
};

struct run_outcome {
    peerkit::result<std::vector<candidate>> answer;
    scripted::told_list told;
    std::vector<std::string> notices;

    /// The outcome of one effect of a round.
    [[nodiscard]] outcome const& of(std::size_t round, ticket id) const {
        auto const& all = told.at(round);
        auto const found = std::find_if(all.begin(), all.end(), [id](auto const& t) { return t.first == id; });
        REQUIRE(found != all.end());
        return found->second;
    }
};

run_outcome run(std::vector<std::vector<effect>> rounds) {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    run_outcome got{{}, {}, {}};
    scripted strategy{std::move(rounds), &got.told};
    got.answer = finish(loop, driver->run(strategy, [&](notice const& n) { got.notices.push_back(n.text); })).answer;
    return got;
}

/// Does what a function says.
struct spoken {
    std::function<step()> first;
    std::function<step(ticket, outcome)> then;
    [[nodiscard]] std::string_view name() const noexcept { return "spoken"; }
    [[nodiscard]] step begin(peerkit::time_point) { return first(); }
    [[nodiscard]] step resume(ticket which, outcome got, peerkit::time_point) { return then(which, std::move(got)); }
};

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

TEST_CASE("every kind of effect is carried out, and its outcome comes with its ticket") {
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
    ::setenv("PEERKIT_TEST_PEERS", "a b", 1);
    auto const got = run({{in(20ms), get, command, file, name, read_environment{"PEERKIT_TEST_PEERS"},
                           read_environment{"PEERKIT_TEST_NOT_SET"}, watch_file{file.path, std::nullopt}}});
    REQUIRE(got.told.size() == 1);
    CHECK(std::get_if<elapsed>(&got.of(0, 0)) != nullptr);
    REQUIRE(std::get_if<http_reply>(&got.of(0, 1)) != nullptr);
    CHECK(std::get_if<http_reply>(&got.of(0, 1))->body == "ok");
    REQUIRE(std::get_if<command_exit>(&got.of(0, 2)) != nullptr);
    CHECK(std::get_if<command_exit>(&got.of(0, 2))->output == "hello\n");
    REQUIRE(std::get_if<file_text>(&got.of(0, 3)) != nullptr);
    CHECK(std::get_if<file_text>(&got.of(0, 3))->text == "text");
    CHECK(std::get_if<file_text>(&got.of(0, 3))->stamp.size == 4);
    REQUIRE(std::get_if<resolved>(&got.of(0, 4)) != nullptr);
    CHECK(std::get_if<resolved>(&got.of(0, 4))->addresses.size() == 1);
    REQUIRE(std::get_if<environment_value>(&got.of(0, 5)) != nullptr);
    CHECK(std::get_if<environment_value>(&got.of(0, 5))->text == "a b");
    REQUIRE(std::get_if<environment_value>(&got.of(0, 6)) != nullptr);
    CHECK_FALSE(std::get_if<environment_value>(&got.of(0, 6))->text);
    CHECK(std::get_if<file_changed>(&got.of(0, 7)) != nullptr);
}

TEST_CASE("HTTP requests are the business of a client that is given, and unsupported without one") {
    struct answers {
        peerkit::net::http_answer request(std::shared_ptr<stop_state>, http_request what) {
            co_return http_reply{200, what.url + what.target, {}};
        }
    };
    http_request asked;
    asked.url = "http://a:1";
    asked.target = "/b";
    auto const none = run({{asked}});
    REQUIRE(std::get_if<peerkit::error>(&none.of(0, 0)) != nullptr);
    CHECK(*std::get_if<peerkit::error>(&none.of(0, 0)) == discovery_error::unsupported);

    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    driver->request_with(answers{});
    run_outcome got{{}, {}, {}};
    scripted strategy{{{asked}}, &got.told};
    got.answer = finish(loop, driver->run(strategy, [](notice const&) {})).answer;
    REQUIRE(std::get_if<http_reply>(&got.of(0, 0)) != nullptr);
    CHECK(std::get_if<http_reply>(&got.of(0, 0))->body == "http://a:1/b");
}

TEST_CASE("what is about the node's announcement is unsupported where a driver runs for no node") {
    auto const got = run({{read_announcement{}, use_registry{"a:1"}, watch_announcement{7}}});
    for (ticket id = 0; id < 3; ++id) {
        REQUIRE(std::get_if<peerkit::error>(&got.of(0, id)) != nullptr);
        CHECK(*std::get_if<peerkit::error>(&got.of(0, id)) == discovery_error::unsupported);
    }
}

TEST_CASE("effects that fail are outcomes, and the run goes on") {
    http_get get;
    get.socket_path = "/nonexistent";
    get.host = "h";
    get.target = "/";
    run_command command;
    command.argv = {"peerkit-no-such-program"};
    auto const got = run({{get, command}, {read_file{"/nonexistent"}, browse_services{"_x._udp"}}});
    CHECK(got.answer);
    REQUIRE(got.told.size() == 2);
    CHECK(why_not(got.of(0, 0)) == discovery_error::unavailable);
    CHECK(why_not(got.of(0, 1)) == discovery_error::unavailable);
    CHECK(why_not(got.of(1, 0)) == discovery_error::unavailable);
    CHECK(why_not(got.of(1, 1)) == discovery_error::unsupported);
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

TEST_CASE("an outcome arrives as soon as it is there, whatever else is under way") {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    std::vector<ticket> order;
    spoken strategy{[] {
                        step both = step::ask(in(1h), 7);
                        both.ask_also(8, in(1ms));
                        both.ask_also(9, in(30ms));
                        return both;
                    },
                    [&](ticket which, outcome const&) {
                        order.push_back(which);
                        return order.size() == 2 ? step::found({}) : step::wait();
                    }};
    CHECK(finish(loop, driver->run(strategy, [](notice const&) {})).answer);
    CHECK(order == std::vector<ticket>{8, 9}); // and the loop ran out of work: the long wait was cancelled
}

TEST_CASE("the outcome of a cancelled effect never arrives, and its ticket is free again") {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    std::vector<std::pair<ticket, bool>> got;
    spoken strategy{[] {
                        step both = step::ask(in(1h), 1);
                        both.ask_also(2, in(0ms));
                        return both;
                    },
                    [&](ticket which, outcome const& what) {
                        got.emplace_back(which, std::holds_alternative<environment_value>(what));
                        if (which != 2) return step::found({});
                        step again = step::ask(read_environment{"HOME"}, 1);
                        again.cancel(1);
                        return again;
                    }};
    CHECK(finish(loop, driver->run(strategy, [](notice const&) {})).answer);
    CHECK(got == std::vector<std::pair<ticket, bool>>{{2, false}, {1, true}});
}

TEST_CASE("a strategy that neither ends nor waits for anything has stalled") {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    spoken strategy{[] { return step::wait(); }, [](ticket, outcome const&) { return step::wait(); }};
    auto const end = finish(loop, driver->run(strategy, [](notice const&) {}));
    REQUIRE_FALSE(end.answer);
    CHECK(end.answer.error() == discovery_error::stalled);
}

TEST_CASE("a ticket that is in use cannot be used again") {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    spoken strategy{[] {
                        step both = step::ask(in(1h), 1);
                        both.ask_also(1, in(1h));
                        return both;
                    },
                    [](ticket, outcome const&) { return step::wait(); }};
    auto const end = finish(loop, driver->run(strategy, [](notice const&) {}));
    REQUIRE_FALSE(end.answer);
    CHECK(end.answer.error() == discovery_error::unexpected_answer);
}

TEST_CASE("what is watched calls once when it changes, not when it fails, and not after it was replaced") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), stop);
    int calls = 0;
    driver->watch({browse_services{"_x._udp"}, in(5ms), in(10ms)}, [&] { ++calls; });
    CHECK(runs_out(loop));
    CHECK(calls == 1);
    driver->watch({in(5ms)}, [&] { calls += 10; });
    driver->watch({in(10ms), in(1h)}, [&] { calls += 100; });
    CHECK(runs_out(loop));
    CHECK(calls == 101);
    driver->watch({in(1h)}, [&] { ++calls; });
    stop->stop();
    CHECK(runs_out(loop));
    CHECK(calls == 101);
}

TEST_CASE("the watches of the last step are handed over") {
    asio::io_context loop;
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), std::make_shared<stop_state>());
    spoken strategy{[] { return step::found({}).watching(watch_file{"peers", std::nullopt}); },
                    [](ticket, outcome const&) { return step::wait(); }};
    auto const end = finish(loop, driver->run(strategy, [](notice const&) {}));
    REQUIRE(end.watches.size() == 1);
    CHECK(std::get<watch_file>(end.watches[0]).path == "peers");
}

TEST_CASE("the stop ends a run, and the strategy is not asked again") {
    asio::io_context loop;
    auto const stop = std::make_shared<stop_state>();
    auto const driver = std::make_shared<discovery_driver>(loop.get_executor(), stop);
    scripted::told_list told;
    scripted strategy{{{wait_until{peerkit::never}, in(1h)}, {in(0ms)}}, &told};
    asio::steady_timer later{loop, 20ms};
    later.async_wait([&](asio::error_code) { stop->stop(); });
    auto const got = finish(loop, driver->run(strategy, [](notice const&) {})).answer;
    REQUIRE_FALSE(got);
    CHECK(got.error() == discovery_error::unavailable);
    CHECK(got.error().position() == ECANCELED);
    REQUIRE(told.size() == 1);
    CHECK(told[0].empty());
}
