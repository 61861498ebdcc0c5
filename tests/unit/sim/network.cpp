// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/network.hpp.
#include <peerkit/sim/network.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace peerkit;
using namespace std::chrono_literals;
using fate_end = sim::datagram_fate::end;

namespace {

sim::network of(sim::node_index nodes) {
    sim::network net;
    net.know(nodes - 1);
    return net;
}

} // namespace

TEST_CASE("a new network delivers everything once, within its latency, and draws one number for it") {
    sim::network net = of(2);
    seeded_rng rng{1};
    duration lowest = 1h, highest{};
    for (int i = 0; i < 5000; ++i) {
        seeded_rng before = rng;
        auto const fate = net.draw_fate(0, 1, rng);
        static_cast<void>(before());
        REQUIRE(before() == seeded_rng{rng}());
        REQUIRE(fate.how == fate_end::delivered);
        REQUIRE(fate.copies == 1);
        REQUIRE_FALSE(fate.corrupted);
        lowest = std::min(lowest, fate.delay[0]);
        highest = std::max(highest, fate.delay[0]);
    }
    auto const c = net.default_conditions();
    CHECK(lowest >= c.latency_min);
    CHECK(highest <= c.latency_max);
    CHECK(lowest < c.latency_min + 10us);
    CHECK(highest > c.latency_max - 10us);
    CHECK(net.calm());
}

TEST_CASE("chances happen about as often as they should") {
    sim::network net = of(2);
    net.set_default({.loss = sim::percent(20),
                     .duplicate = sim::percent(10),
                     .reorder = sim::percent(30),
                     .corrupt = sim::percent(5)});
    CHECK_FALSE(net.calm());
    seeded_rng rng{2};
    int lost = 0, twice = 0, late = 0, damaged = 0, delivered = 0;
    for (int i = 0; i < 100'000; ++i) {
        auto const fate = net.draw_fate(0, 1, rng);
        if (fate.how == fate_end::lost) {
            ++lost;
            continue;
        }
        ++delivered;
        twice += fate.copies == 2 ? 1 : 0;
        late += fate.reordered ? 1 : 0;
        damaged += fate.corrupted ? 1 : 0;
    }
    CHECK(lost > 19'500);
    CHECK(lost < 20'500);
    CHECK(twice > delivered / 10 - 500);
    CHECK(twice < delivered / 10 + 500);
    CHECK(late > delivered * 30 / 100); // each copy has its chance
    CHECK(late < delivered * 36 / 100);
    CHECK(damaged > delivered / 20 - 400);
    CHECK(damaged < delivered / 20 + 400);
}

TEST_CASE("a cut works one way, and ends when mended") {
    sim::network net = of(3);
    seeded_rng rng{3};
    net.cut(0, 1);
    net.cut(0, 1);
    CHECK(net.is_cut(0, 1));
    CHECK_FALSE(net.is_cut(1, 0));
    CHECK_FALSE(net.is_cut(0, 2));
    CHECK(net.draw_fate(0, 1, rng).how == fate_end::cut);
    CHECK(net.draw_fate(1, 0, rng).how == fate_end::delivered);
    CHECK_FALSE(net.calm());
    net.mend(0, 1);
    CHECK_FALSE(net.is_cut(0, 1));
    CHECK(net.calm());
}

TEST_CASE("a partition separates groups and those who are in none, until it heals") {
    sim::network net = of(6);
    net.partition({{0, 1}, {2, 3}});
    CHECK_FALSE(net.is_cut(0, 1));
    CHECK_FALSE(net.is_cut(4, 5));
    CHECK(net.is_cut(1, 2));
    CHECK(net.is_cut(3, 4));
    CHECK(net.is_cut(4, 0));
    net.partition({{5}});
    CHECK_FALSE(net.is_cut(1, 2));
    CHECK(net.is_cut(5, 0));
    net.cut(0, 1);
    net.heal();
    CHECK_FALSE(net.is_cut(5, 0));
    CHECK_FALSE(net.is_cut(0, 1));
}

TEST_CASE("a link, a receiver, a sender and a node without datagrams each have their own fault") {
    sim::network net = of(4);
    seeded_rng rng{4};
    net.set_link(0, 1, {.latency_min = 5ms, .latency_max = 5ms});
    CHECK(net.draw_fate(0, 1, rng).delay[0] == 5ms);
    CHECK(net.draw_fate(1, 0, rng).delay[0] < 5ms);
    CHECK(net.calm());
    net.set_link(0, 1, {.loss = 1'000'000});
    CHECK(net.draw_fate(0, 1, rng).how == fate_end::lost);
    CHECK_FALSE(net.calm());
    net.clear_link(0, 1);
    CHECK(net.draw_fate(0, 1, rng).how == fate_end::delivered);
    net.set_ingress_loss(2, 1'000'000);
    CHECK(net.draw_fate(0, 2, rng).how == fate_end::lost);
    CHECK(net.draw_fate(2, 0, rng).how == fate_end::delivered);
    net.set_egress_loss(3, 1'000'000);
    CHECK(net.draw_fate(3, 0, rng).how == fate_end::lost);
    CHECK(net.draw_fate(0, 3, rng).how == fate_end::delivered);
    net.block_datagrams(1);
    CHECK(net.datagrams_blocked(1));
    CHECK(net.draw_fate(1, 0, rng).how == fate_end::blocked);
    CHECK(net.draw_fate(0, 1, rng).how == fate_end::blocked);
    std::uint64_t const changes = net.changes();
    net.restore();
    CHECK(net.changes() > changes);
    CHECK(net.calm());
    CHECK(net.draw_fate(0, 2, rng).how == fate_end::delivered);
}

TEST_CASE("a latency below nothing or upside down is put right") {
    sim::network net = of(2);
    seeded_rng rng{5};
    net.set_default({.latency_min = -1s, .latency_max = -2s});
    CHECK(net.draw_fate(0, 1, rng).delay[0] == 1ns);
    net.set_default({.latency_min = 3ms, .latency_max = 1ms});
    CHECK(net.draw_fate(0, 1, rng).delay[0] == 3ms);
}
