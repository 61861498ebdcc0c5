// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/discovery_source.hpp.
#include <peerkit/sim/discovery_source.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

/// Waits five seconds, asks for a file and a name at once, and finds what the file says.
struct strategy {
    int stage = 0;
    [[nodiscard]] std::string_view name() const noexcept { return "slow"; }
    discovery::step begin(time_point now) {
        stage = 0;
        return discovery::step::ask(discovery::wait_until{now + 5s})
            .with(discovery::notice{discovery::notice::severity::info, error{discovery::discovery_error::not_running},
                                    "waiting"});
    }
    std::optional<discovery::outcome> file{};
    discovery::step resume(discovery::ticket which, discovery::outcome got, time_point) {
        if (++stage == 1) {
            std::vector<discovery::effect> both;
            both.push_back(discovery::read_file{"peers"});
            both.push_back(discovery::resolve_name{"db1"});
            return discovery::step::ask(std::move(both));
        }
        if (which == 0) file = std::move(got);
        if (stage == 2) return discovery::step::wait();
        auto const* const read = std::get_if<discovery::file_text>(&*file);
        if (read == nullptr) return discovery::step::failed(discovery::why_not(*file));
        discovery::candidate c;
        c.addresses = {{ip_address::parse(read->text).value(), 9000}};
        return discovery::step::found({c});
    }
};

} // namespace

TEST_CASE("a scripted discovery answers after its delay, with what the function gives then") {
    int calls = 0;
    sim::scripted_discovery source{[&](time_point) -> sim::discovery_answer {
                                       ++calls;
                                       return fail(sim::sim_error::discovery_unavailable);
                                   },
                                   3s};
    auto const begun = source.begin(time_point{10s});
    CHECK(begun.again == time_point{13s});
    CHECK_FALSE(begun.answer);
    CHECK(calls == 0);
    auto const done = source.resume(time_point{13s});
    REQUIRE(done.answer);
    CHECK(done.answer->error() == sim::sim_error::discovery_unavailable);
    CHECK(calls == 1);
}

TEST_CASE("a real strategy runs in virtual time: waits by the clock, effects each after its own time") {
    bool readable = true;
    sim::strategy_discovery<strategy> source{strategy{},
                                             [&](discovery::effect const& wanted, time_point) -> sim::effect_reply {
                                                 if (std::get_if<discovery::resolve_name>(&wanted))
                                                     return {error{discovery::discovery_error::unresolved}, 700ms};
                                                 if (!readable)
                                                     return {error{discovery::discovery_error::unavailable}, 10ms};
                                                 return {discovery::file_text{"10.0.0.1"}, 10ms};
                                             }};
    auto next = source.begin(time_point{10s});
    CHECK(next.again == time_point{15s});
    next = source.resume(time_point{15s});
    CHECK(next.again == time_point{15s} + 10ms);
    next = source.resume(next.again);
    CHECK(next.again == time_point{15s} + 700ms);
    next = source.resume(next.again);
    REQUIRE(next.answer);
    REQUIRE(next.answer->has_value());
    CHECK((*next.answer)->at(0).addresses[0].to_string() == "10.0.0.1:9000");
    CHECK(source.notices().size() == 1);

    readable = false;
    next = source.begin(time_point{20s});
    while (!next.answer) next = source.resume(next.again);
    REQUIRE(next.answer);
    CHECK(next.answer->error() == discovery::discovery_error::unavailable);
}

TEST_CASE("nodes find each other through a real strategy in the world") {
    toy::world world{{.seed = 9}, toy::make};
    world.set_seeds({});
    world.spawn();
    world.spawn();
    world.set_discovery(1, std::make_unique<sim::strategy_discovery<strategy>>(
                               strategy{}, [&](discovery::effect const&, time_point) -> sim::effect_reply {
                                   return {discovery::file_text{world.endpoint_of(0).address.to_string()}, 1ms};
                               }));
    world.run_for(4s);
    CHECK_FALSE(world.all_see_all());
    world.run_for(4s);
    CHECK(world.all_see_all());
    CHECK(world.violation_count() == 0);
}

TEST_CASE("a source that is attached to a node answers for its announcement, and hands on what it watches") {
    struct announcing {
        [[nodiscard]] std::string_view name() const noexcept { return "announcing"; }
        discovery::step begin(time_point) {
            std::vector<discovery::effect> all;
            all.push_back(discovery::read_announcement{});
            all.push_back(discovery::use_registry{"a:1"});
            all.push_back(discovery::watch_announcement{7});
            return discovery::step::ask(std::move(all));
        }
        discovery::step resume(discovery::ticket which, discovery::outcome const& got, time_point) {
            good += std::holds_alternative<error>(got) ? 0 : 1;
            if (which != 2) return discovery::step::wait();
            return discovery::step::found(std::vector<discovery::candidate>(good))
                .watching(discovery::watch_announcement{9});
        }
        std::size_t good = 0;
    };
    auto const surroundings = [](discovery::effect const&, time_point) -> sim::effect_reply {
        return {error{discovery::discovery_error::unsupported}, 0s};
    };
    for (bool const attached : {false, true}) {
        sim::strategy_discovery<announcing> source{{}, surroundings};
        std::string used;
        if (attached) {
            source.attach({[](byte_view) -> result<discovery::announcement> { return discovery::announcement{}; },
                           [&](std::string_view text) -> result<void> {
                               used = text;
                               return {};
                           },
                           [] { return std::uint64_t{8}; }});
        }
        auto next = source.begin(time_point{1s});
        while (!next.answer) next = source.resume(next.again);
        CHECK((*next.answer)->size() == (attached ? 3 : 0));
        CHECK(used == (attached ? "a:1" : ""));
        CHECK(next.announced == (attached ? std::optional<std::uint64_t>{9} : std::nullopt));
    }
}

TEST_CASE("what a strategy watches hints at the moment it changes; what fails does not") {
    struct watching {
        [[nodiscard]] std::string_view name() const noexcept { return "watching"; }
        discovery::step begin(time_point now) {
            return discovery::step::found({})
                .watching(discovery::read_environment{"no such thing"})
                .watching(discovery::watch_file{"peers", std::nullopt})
                .watching(discovery::wait_until{now + 1h});
        }
        discovery::step resume(discovery::ticket, discovery::outcome const&, time_point) {
            return discovery::step::wait();
        }
    };
    sim::strategy_discovery<watching> source{{}, [](discovery::effect const& wanted, time_point) -> sim::effect_reply {
                                                 if (std::get_if<discovery::watch_file>(&wanted))
                                                     return {discovery::file_changed{}, 7s};
                                                 return {error{discovery::discovery_error::unsupported}, 1s};
                                             }};
    auto const end = source.begin(time_point{10s});
    REQUIRE(end.answer);
    CHECK(end.hint == time_point{17s});
}
