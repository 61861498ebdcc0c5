// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/intruder.hpp.
#include <peerkit/sim/intruder.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>

using namespace peerkit;

TEST_CASE("an intruder sends every kind of noise, altered where it says so and never the genuine packet") {
    sim::intruder thief{{.packets_per_second = 10}, 7};
    CHECK(thief.active());
    CHECK(thief.interval() == std::chrono::milliseconds{100});
    std::array<std::byte, 150> genuine{};
    for (std::size_t i = 0; i < genuine.size(); ++i) genuine[i] = static_cast<std::byte>(i * 3);
    ip_endpoint const sender{ip_address::v4(10, 0, 0, 1), 9000};
    for (int i = 0; i < 100; ++i) thief.overhear(4, 1, sender, genuine);

    std::map<sim::noise_kind, int> seen;
    std::array<std::byte, limits::datagram> out{};
    for (int i = 0; i < 20'000; ++i) {
        auto const shot = thief.forge(9, out, [](sim::node_index, std::uint32_t) { return true; });
        if (shot.to == sim::nobody) continue;
        ++seen[shot.kind];
        REQUIRE(shot.size <= limits::datagram);
        byte_view const sent{out.data(), shot.size};
        bool const same = equal(sent, genuine);
        switch (shot.kind) {
        case sim::noise_kind::replayed:
            REQUIRE(same);
            REQUIRE(shot.to == 4);
            REQUIRE(shot.from == sender);
            break;
        case sim::noise_kind::random: REQUIRE(shot.to < 9); break;
        case sim::noise_kind::truncated:
            REQUIRE(shot.size < genuine.size());
            REQUIRE(equal(sent, byte_view{genuine}.first(shot.size)));
            break;
        case sim::noise_kind::padded:
            REQUIRE(shot.size > genuine.size());
            REQUIRE(equal(sent.first(genuine.size()), genuine));
            break;
        case sim::noise_kind::altered:
            REQUIRE(shot.size == genuine.size());
            REQUIRE_FALSE(same);
            break;
        case sim::noise_kind::random_body: REQUIRE_FALSE(same); break;
        }
    }
    CHECK(seen.size() == 6);
}

TEST_CASE("nothing is replayed to a later life, nor when replays are off") {
    std::array<std::byte, 40> const genuine{std::byte{1}};
    ip_endpoint const sender{ip_address::v4(10, 0, 0, 1), 9000};
    std::array<std::byte, limits::datagram> out{};
    sim::intruder late{{.packets_per_second = 10}, 8};
    for (int i = 0; i < 100; ++i) late.overhear(4, 1, sender, genuine);
    for (int i = 0; i < 1000; ++i) {
        auto const shot = late.forge(9, out, [](sim::node_index, std::uint32_t life) { return life == 2; });
        if (shot.to != sim::nobody) CHECK(shot.kind == sim::noise_kind::random);
    }
    sim::intruder tame{{.packets_per_second = 10, .replays = false}, 8};
    for (int i = 0; i < 100; ++i) tame.overhear(4, 1, sender, genuine);
    for (int i = 0; i < 1000; ++i) {
        CHECK(tame.forge(9, out, [](sim::node_index, std::uint32_t) { return true; }).kind !=
              sim::noise_kind::replayed);
    }
    CHECK_FALSE(sim::intruder{{}, 1}.active());
}

TEST_CASE("every kind of noise has a name") {
    for (unsigned k = 0; k <= static_cast<unsigned>(sim::noise_kind::replayed); ++k) {
        CHECK(to_string(static_cast<sim::noise_kind>(k)) != "unknown");
    }
}
