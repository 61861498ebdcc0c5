// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of first_of with strategies that say what a test tells them to.
#include <peerkit/discovery/first_of.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::attempt;
using discovery::candidate;
using discovery::discovery_error;
using discovery::first_of;
using discovery::notice;
using discovery::outcome;
using discovery::step;
using discovery::ticket;
using peerkit::error;
using peerkit::time_point;

namespace {

using kind = attempt::outcome_kind;

/// Ends with `ending`; asks to read the file called like itself first, if `asks`.
struct scripted {
    enum class ending { somebody, nobody, failure };
    std::string label;
    ending end = ending::nobody;
    bool asks = false;
    int begun = 0;
    time_point last_seen{};

    [[nodiscard]] std::string_view name() const noexcept { return label; }
    [[nodiscard]] step begin(time_point now) {
        ++begun;
        last_seen = now;
        if (asks) {
            step first = step::ask(discovery::read_file{.path = label}, 3)
                             .with(notice{notice::severity::info, discovery_error::stalled, label});
            first.ask_also(4, discovery::read_file{.path = "never"}); // still under way when it ends
            return first;
        }
        return finish();
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        last_seen = now;
        auto* text = std::get_if<discovery::file_text>(&got);
        if (which == 3 && text != nullptr && text->text == label)
            return finish().watching(discovery::watch_file{.path = label});
        return step::failed(discovery::why_not(got));
    }
    [[nodiscard]] step finish() const {
        if (end == ending::failure) return step::failed(error{discovery_error::unavailable, 2});
        if (end == ending::nobody) return step::found({});
        candidate c;
        c.name = c.name.cut(label);
        return step::found({c});
    }
};
scripted finds(std::string label, bool asks = false) { return {std::move(label), scripted::ending::somebody, asks}; }
scripted finds_nobody(std::string label, bool asks = false) {
    return {std::move(label), scripted::ending::nobody, asks};
}
scripted fails(std::string label, bool asks = false) { return {std::move(label), scripted::ending::failure, asks}; }

/// Runs it in a file system in which every file holds its own name and takes a second to read.
template <typename Strategy>
peerkit_test::run_report run(Strategy& strategy) {
    return peerkit_test::run(strategy, [](discovery::effect const& wanted, time_point) {
        auto const& file = std::get<discovery::read_file>(wanted);
        return file.path == "never"
                   ? std::nullopt
                   : std::optional{peerkit_test::reply{discovery::file_text{file.path, {}}, std::chrono::seconds{1}}};
    });
}
std::string name_found(peerkit_test::run_report const& of) {
    REQUIRE(of.answer);
    REQUIRE(of.answer->size() == 1);
    return std::string{of.answer->front().name.view()};
}

static_assert(discovery::check_strategy<first_of<scripted>>());
static_assert(discovery::check_strategy<first_of<scripted, first_of<scripted, scripted>>>());

TEST_CASE("the first strategy that finds somebody is the answer, and later ones are not begun") {
    first_of sources{finds("a"), finds("b")};
    CHECK(name_found(run(sources)) == "a");
    CHECK(sources.get<1>().begun == 0);
    CHECK(sources.attempts()[0].state == kind::found);
    CHECK(sources.attempts()[1].state == kind::not_tried);
}

TEST_CASE("a failure and an empty answer fall through to the next strategy") {
    for (bool const asks : {false, true}) {
        CAPTURE(asks);
        first_of sources{fails("a", asks), finds_nobody("b", asks), finds("c", asks)};
        CHECK(name_found(run(sources)) == "c");
        auto const attempts = sources.attempts();
        CHECK(attempts[0].state == kind::failed);
        CHECK(attempts[0].strategy == "a");
        REQUIRE(attempts[0].why.has_value());
        CHECK(*attempts[0].why == discovery_error::unavailable);
        CHECK(attempts[0].why->position() == 2);
        CHECK(attempts[1].state == kind::empty);
        CHECK(attempts[2].state == kind::found);
    }
}

TEST_CASE("the next strategy begins at the moment the one before it ended") {
    first_of sources{fails("a", true), finds("b", true)};
    static_cast<void>(run(sources));
    CHECK(sources.get<0>().last_seen == time_point{std::chrono::seconds{1}});
    CHECK(sources.get<1>().last_seen == time_point{std::chrono::seconds{2}});
}

TEST_CASE("the host is told of every failure and hears what the strategies say, in order") {
    first_of sources{fails("a", true), finds_nobody("b", true), finds("c", true)};
    CHECK(peerkit_test::texts(run(sources)) == std::vector<std::string>{"a", "a found nobody", "b", "c"});
}

TEST_CASE("if every strategy fails, so does the list, and says how many there were") {
    first_of sources{fails("a"), fails("b", true)};
    auto const last = run(sources);
    REQUIRE_FALSE(last.answer);
    CHECK(last.answer.error() == discovery_error::all_failed);
    CHECK(last.answer.error().position() == 2);
    CHECK(peerkit_test::texts(last) == std::vector<std::string>{"a found nobody", "b", "b found nobody"});
    CHECK(sources.attempts()[1].state == kind::failed);
}

TEST_CASE("if one strategy answers that nobody is there, so does the list") {
    first_of sources{fails("a"), finds_nobody("b"), fails("c")};
    auto const last = run(sources);
    REQUIRE(last.answer);
    CHECK(last.answer->empty());
    CHECK(last.notices.size() == 2);
}

TEST_CASE("candidates without a strategy get the name of the one that found them") {
    first_of sources{fails("a"), finds("b")};
    auto const last = run(sources);
    REQUIRE(last.answer);
    CHECK(last.answer->front().strategy.view() == "b");
}

TEST_CASE("every run begins with the first strategy again and forgets the last run's attempts") {
    first_of sources{fails("a"), finds("b")};
    static_cast<void>(run(sources));
    sources.get<0>().end = scripted::ending::somebody;
    CHECK(name_found(run(sources)) == "a");
    CHECK(sources.get<0>().begun == 2);
    CHECK(sources.attempts()[1].state == kind::not_tried);
    CHECK_FALSE(sources.attempts()[0].why.has_value());
}

TEST_CASE("a run abandoned half way does not disturb the next") {
    first_of sources{fails("a", true), finds("b", true)};
    step const first = sources.begin(time_point{});
    REQUIRE_FALSE(first.ended());
    CHECK(sources.attempts()[0].state == kind::running);
    CHECK(name_found(run(sources)) == "b");
}

TEST_CASE("what was watched in a run that was abandoned is forgotten") {
    first_of sources{fails("a", true), finds("b", true)};
    static_cast<void>(sources.begin(time_point{}));
    step const second = sources.resume(0, discovery::file_text{"a", {}}, time_point{});
    REQUIRE_FALSE(second.ended());
    CHECK(sources.attempts()[0].state == kind::failed);
    CHECK(run(sources).watches.size() == 2);
}

TEST_CASE("lists nest") {
    first_of sources{first_of{fails("a"), fails("b", true)}, first_of{finds_nobody("c", true), finds("d", true)}};
    auto const last = run(sources);
    CHECK(name_found(last) == "d");
    CHECK(last.answer->front().strategy.view() == "d");
    CHECK(sources.attempts()[0].state == kind::failed);
    CHECK(*sources.attempts()[0].why == discovery_error::all_failed);
    CHECK(peerkit_test::texts(last) ==
          std::vector<std::string>{"a found nobody", "b", "b found nobody", "first_of found nobody", "c", "d"});
}

TEST_CASE("a list of one is that strategy") {
    first_of sources{finds("a", true)};
    CHECK(name_found(run(sources)) == "a");
}

TEST_CASE("what a strategy leaves under way when it ends is cancelled before the next begins") {
    first_of sources{fails("a", true), finds_nobody("b", true), finds("c", true)};
    auto const report = run(sources);
    CHECK(name_found(report) == "c");
    CHECK(report.cancelled == 2); // of a and b
    CHECK(report.abandoned == 1); // of c: the run is over
    CHECK(report.most_under_way == 2);
}

TEST_CASE("what any strategy that was tried watches is a reason to look again") {
    first_of sources{fails("a", true), finds("b", true), finds("c", true)};
    CHECK(run(sources).watches ==
          std::vector<discovery::effect>{discovery::watch_file{.path = "a"}, discovery::watch_file{.path = "b"}});
    sources.get<0>().end = scripted::ending::somebody;
    CHECK(run(sources).watches.size() == 1);
    first_of nobody{fails("a", true), fails("b", true)};
    CHECK(run(nobody).watches.size() == 2);
}

TEST_CASE("attempts say how many were found and how long it took") {
    first_of sources{fails("a", true), finds("b", true)};
    static_cast<void>(run(sources));
    CHECK(sources.attempts()[0].took == std::chrono::seconds{1});
    CHECK(sources.attempts()[1].begun == time_point{std::chrono::seconds{1}});
    CHECK(sources.attempts()[1].took == std::chrono::seconds{1});
    CHECK(sources.attempts()[1].candidates == 1);
}

/// Says that it is not over, and waits for nothing.
struct stuck {
    [[nodiscard]] std::string_view name() const noexcept { return "stuck"; }
    [[nodiscard]] step begin(time_point) { return step::wait(); }
    [[nodiscard]] step resume(ticket, outcome, time_point) { return step::wait(); }
};

TEST_CASE("a strategy that waits for nothing is passed over") {
    first_of sources{stuck{}, finds("b", true)};
    CHECK(name_found(run(sources)) == "b");
    CHECK(*sources.attempts()[0].why == discovery_error::stalled);
}

TEST_CASE("an outcome that nobody asked for is not passed on") {
    first_of sources{finds("a", true)};
    static_cast<void>(sources.begin(time_point{}));
    step const next = sources.resume(17, discovery::elapsed{}, time_point{});
    CHECK_FALSE(next.ended());
    CHECK(next.requests().empty());
    CHECK(sources.get<0>().last_seen == time_point{});
}

TEST_CASE("all strategies say farewell at the same time, and the first failure is that of the farewell") {
    auto a = peerkit_test::scripted("a", {peerkit_test::finds({peerkit_test::somebody("one", 1)})});
    auto b = a, c = a;
    b.label = "b";
    a.parting = peerkit_test::finds({}, std::chrono::seconds{3});
    b.parting = peerkit_test::fails(discovery_error::timed_out, std::chrono::seconds{1});
    first_of source{a, b, c};
    CHECK(peerkit_test::run(source, peerkit_test::silence).answer);
    auto const left = peerkit_test::run_farewell(source, peerkit_test::silence);
    CHECK(left.took == std::chrono::seconds{3});
    CHECK(left.answer.error() == discovery_error::timed_out);
    CHECK(peerkit_test::texts(left) == std::vector<std::string>{"b could not say farewell"});
    CHECK(source.get<0>().farewells + source.get<1>().farewells + source.get<2>().farewells == 3);
    CHECK(peerkit_test::run(source, peerkit_test::silence).answer); // a node may go on
    first_of friendly{c, c};
    CHECK(peerkit_test::run_farewell(friendly, peerkit_test::silence).answer);
}

} // namespace
