// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a node on sockets that is recorded: what it did on the net is done again without one.
#include <peerkit/net/recorded_node.hpp>

#include <peerkit/crypto/network_key.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/sim/recording.hpp>
#include <peerkit/sim/replay.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view key_text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

net::node_config config_of(std::string name) {
    net::node_config config;
    config.key = crypto::network_key::parse(key_text).value();
    config.self.name = std::move(name);
    config.listen.address = ip_address::v4(127, 0, 0, 1);
    config.listen.port = 0;
    config.tunables = gossip::local();
    return config;
}

} // namespace

TEST_CASE("a node on the net that was recorded does the same again without a net and without its keys") {
    asio::io_context loop;
    gossip::flight_recorder recorder{std::size_t{4} << 20U};
    auto one = net::create_recorded<net::node>(loop.get_executor(), config_of("one"), nullptr);
    REQUIRE(one);
    auto config = config_of("two");
    config.discovery = discovery::static_list::parse(one->local().to_string()).value();
    auto two = net::create_recorded<net::node>(loop.get_executor(), std::move(config), &recorder);
    REQUIRE(two);
    REQUIRE(one->start());
    REQUIRE(two->start());
    auto const run = [&](auto&& done) {
        auto const end = std::chrono::steady_clock::now() + 20s;
        while (!done() && std::chrono::steady_clock::now() < end) loop.run_for(10ms);
        REQUIRE(done());
    };
    run([&] { return two->alive_count() == 2 && one->alive_count() == 2; });
    REQUIRE(two->put("color", as_bytes("blue")));
    REQUIRE(two->broadcast("news", as_bytes("hello")));
    run([&] { return one->get(two->id(), "color").has_value(); });
    loop.run_for(600ms);
    auto const halfway = recorder.dump();
    asio::co_spawn(loop, two->leave(), asio::detached);
    run([&] { return !two->running(); });
    one->stop();
    loop.run_for(50ms);

    auto const whole = recorder.dump();
    std::array<std::byte, 32> key;
    REQUIRE(from_hex(key_text, key));
    CHECK(whole.size() > halfway.size());
    for (auto const& dump : {halfway, whole}) {
        CHECK(std::search(dump.begin(), dump.end(), key.begin(), key.end()) == dump.end());
        auto const recording = sim::recording_view::parse(dump);
        REQUIRE(recording);
        CHECK(recording->complete());
        auto replay = sim::replay<net::node::policies>::of(*recording);
        REQUIRE(replay);
        bool met = false;
        while (replay->next()) {
            for (gossip::event const& e : replay->outputs().events())
                met = met || (e.kind == gossip::event_kind::member_up && e.subject == one->id());
        }
        INFO((replay->difference() ? replay->difference()->to_string() : ""));
        INFO("input " << replay->inputs() << ", " << gossip::to_string(replay->input().kind));
        CHECK_FALSE(replay->difference());
        CHECK(replay->inputs() == recording->size() + 1);
        CHECK(met);
        CHECK(replay->node().get(two->id(), "color"));
    }
}
