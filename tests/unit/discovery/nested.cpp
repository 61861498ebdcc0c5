// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the tickets of runs inside a run.
#include <peerkit/discovery/nested.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::nested_runs;
using discovery::notice;
using discovery::outcome;
using discovery::read_file;
using discovery::step;
using discovery::ticket;
using peerkit::time_point;

namespace {

/// Says what it was told to say next, and remembers what it was resumed with.
struct puppet {
    std::vector<step> script;
    std::vector<std::pair<ticket, outcome>> heard{};
    std::size_t said = 0;

    [[nodiscard]] std::string_view name() const noexcept { return "puppet"; }
    [[nodiscard]] step begin(time_point) { return script.at(said++); }
    [[nodiscard]] step resume(ticket which, outcome got, time_point) {
        heard.emplace_back(which, std::move(got));
        return script.at(said++);
    }
};

std::vector<ticket> tickets(step const& of) {
    std::vector<ticket> all;
    for (auto const& r : of.requests()) all.push_back(r.id);
    return all;
}
step asks(std::vector<ticket> const& ids) {
    step made = step::wait();
    for (ticket const id : ids) made.ask_also(id, read_file{.path = std::to_string(id)});
    return made;
}

TEST_CASE("two runs with the same tickets get different ones, and each hears its own outcomes under its own") {
    nested_runs<2> runs;
    puppet a{{asks({5, 6}), asks({5})}}, b{{asks({5}), step::wait(), step::wait()}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, out));
    CHECK_FALSE(runs.begin(1, b, time_point{}, out));
    CHECK(tickets(out) == std::vector<ticket>{0, 1, 2});
    CHECK(std::get<read_file>(out.requests()[1].what).path == "6");
    CHECK(runs.under_way(0) == 2);
    CHECK(runs.under_way(1) == 1);

    auto const whose = runs.arrived(0);
    REQUIRE(whose);
    CHECK(whose->run == 0);
    CHECK(whose->id == 5);
    step more = step::wait();
    CHECK_FALSE(runs.resume(*whose, a, outcome{discovery::file_text{"five", {}}}, time_point{}, more));
    REQUIRE(a.heard.size() == 1);
    CHECK(a.heard[0].first == 5);
    CHECK(std::get<discovery::file_text>(a.heard[0].second).text == "five");
    CHECK(tickets(more) == std::vector<ticket>{0}); // free again
    CHECK(b.heard.empty());
    CHECK(runs.arrived(2)->run == 1);
}

TEST_CASE("a ticket that is not under way is nobody's") {
    nested_runs<1> runs;
    CHECK_FALSE(runs.arrived(0));
    CHECK(runs.unexpected().answer().error() == discovery_error::unexpected_answer);
    puppet a{{asks({1, 2})}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, out));
    CHECK_FALSE(runs.arrived(2));
    CHECK_FALSE(runs.unexpected().ended());
    CHECK(runs.arrived(1));
    CHECK_FALSE(runs.arrived(1));
    runs.clear();
    CHECK_FALSE(runs.arrived(0));
    CHECK(runs.unexpected().ended());
}

TEST_CASE("what a run cancels is cancelled under the outer ticket, before it is used again") {
    nested_runs<2> runs;
    step first = asks({1});
    first.cancel(1); // not under way yet: nothing
    step second = asks({8});
    second.cancel(8);
    second.cancel(77);
    puppet a{{asks({1}), asks({2})}}, b{{asks({8, 9}), std::move(second)}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, out));
    CHECK_FALSE(runs.begin(1, b, time_point{}, out)); // 8 -> 1, 9 -> 2
    step more = step::wait();
    CHECK_FALSE(runs.resume(*runs.arrived(2), b, outcome{discovery::elapsed{}}, time_point{}, more));
    CHECK(more.cancelled() == std::vector<ticket>{1});
    CHECK(tickets(more) == std::vector<ticket>{1});
    CHECK(runs.under_way(1) == 1);
    CHECK(runs.under_way(0) == 1);
}

TEST_CASE("a run that ends leaves nothing under way, and its notices and watches are not lost") {
    nested_runs<2> runs;
    puppet a{{asks({1, 2, 3}), step::found({})
                                   .with(notice{notice::severity::info, discovery_error::stalled, "bye"})
                                   .watching(discovery::watch_file{.path = "peers"})}},
        b{{asks({1})}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, out));
    CHECK_FALSE(runs.begin(1, b, time_point{}, out));
    step last = step::wait();
    auto const ended = runs.resume(*runs.arrived(1), a, outcome{discovery::elapsed{}}, time_point{}, last);
    REQUIRE(ended);
    CHECK(ended->answer);
    CHECK(ended->watches.size() == 1);
    CHECK(last.cancelled() == std::vector<ticket>{0, 2});
    REQUIRE(last.notices().size() == 1);
    CHECK(last.notices()[0].text == "bye");
    CHECK(runs.under_way(0) == 0);
    CHECK(runs.under_way(1) == 1);
}

TEST_CASE("beginning again cancels what an unfinished run had under way") {
    nested_runs<1> runs;
    puppet a{{asks({1, 2}), asks({1})}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, out));
    step again = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, again));
    CHECK(again.cancelled() == std::vector<ticket>{0, 1});
    CHECK(again.requests().size() == 1);
    CHECK(runs.under_way(0) == 1);
}

TEST_CASE("a run that waits for nothing has failed, whatever its neighbours wait for") {
    nested_runs<2> runs;
    puppet a{{step::wait()}}, b{{asks({1}), step::wait()}}, c{{asks({1})}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(1, c, time_point{}, out));
    auto const at_once = runs.begin(0, a, time_point{}, out);
    REQUIRE(at_once);
    CHECK(at_once->answer.error() == discovery_error::stalled);
    CHECK_FALSE(runs.begin(0, b, time_point{}, out));
    auto const later = runs.resume(*runs.arrived(1), b, outcome{discovery::elapsed{}}, time_point{}, out);
    REQUIRE(later);
    CHECK(later->answer.error() == discovery_error::stalled);
}

TEST_CASE("a strategy that uses a ticket twice disturbs itself only") {
    nested_runs<1> runs;
    puppet a{{asks({4, 4}), step::wait(), step::found({})}};
    step out = step::wait();
    CHECK_FALSE(runs.begin(0, a, time_point{}, out));
    CHECK(tickets(out) == std::vector<ticket>{0, 1});
    CHECK_FALSE(runs.resume(*runs.arrived(0), a, outcome{discovery::elapsed{}}, time_point{}, out));
    CHECK(runs.resume(*runs.arrived(1), a, outcome{discovery::elapsed{}}, time_point{}, out));
}

TEST_CASE("the end of the outer run has the notices of the way there first") {
    nested_runs<1> runs;
    step out = step::wait().with(notice{notice::severity::info, discovery_error::stalled, "one"});
    step const last = runs.end(
        step::failed(discovery_error::timed_out).with(notice{notice::severity::info, discovery_error::stalled, "two"}),
        std::move(out), {discovery::watch_file{.path = "peers"}});
    REQUIRE(last.ended());
    REQUIRE(last.notices().size() == 2);
    CHECK(last.notices()[0].text == "one");
    CHECK(last.watches().size() == 1);
}

TEST_CASE("a tuple can be asked for its n-th element at run time") {
    std::tuple<int, char, long> all{1, 'b', 3L};
    auto const size = [](auto const& element) { return sizeof element; };
    CHECK(discovery::use_nth(all, 0, size) == sizeof(int));
    CHECK(discovery::use_nth(all, 1, size) == sizeof(char));
    CHECK(discovery::use_nth(all, 2, size) == sizeof(long));
    CHECK(discovery::use_nth(all, 9, size) == sizeof(long));
}

TEST_CASE("a run that is under way is not resumed during the farewell, and late outcomes are no harm") {
    nested_runs<2> runs;
    puppet a{{asks({4})}}; // has no farewell
    step out = step::wait();
    CHECK_FALSE(runs.begin(1, a, time_point{}, out));
    CHECK_FALSE(runs.leaving());
    step const last = runs.farewell(time_point{}, a);
    CHECK(last.ended());
    CHECK(last.answer());
    CHECK_FALSE(runs.leaving());
    CHECK_FALSE(runs.arrived(0));
    CHECK(runs.resume_farewell(0, discovery::elapsed{}, time_point{}, a).answer().error() ==
          discovery_error::unexpected_answer);
}

} // namespace
