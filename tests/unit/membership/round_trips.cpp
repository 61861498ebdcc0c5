// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of smoothed round trips.
#include <peerkit/membership/round_trips.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdint>

using namespace peerkit;
using namespace std::chrono_literals;
using membership::round_trips;

namespace {

/// Within one step of what is meant.
bool near(duration found, duration meant, int percent = 3) {
    return found <= meant + meant * percent / 100 + 1us && found >= meant - meant * percent / 100 - 1us;
}

} // namespace

TEST_CASE("nothing is known before the first sample, nor after the member is forgotten") {
    round_trips trips;
    CHECK_FALSE(trips.estimate(0));
    trips.note(0, 1ms);
    CHECK(trips.estimate(0));
    CHECK_FALSE(trips.estimate(1));
    trips.forget(0);
    CHECK_FALSE(trips.estimate(0));
}

TEST_CASE("the first sample is the estimate, and half of it the variation, at every scale") {
    for (duration sample = 1us; sample < 60s; sample = sample * 9 / 8 + 1us) {
        round_trips trips;
        trips.note(7, sample);
        auto const known = trips.estimate(7);
        REQUIRE(known);
        CAPTURE(sample.count());
        CHECK(near(known->smoothed, sample));
        CHECK(near(known->variation, sample / 2, 10));
        CHECK(known->timeout() == known->smoothed + 4 * known->variation);
    }
}

TEST_CASE("samples that cannot be are brought into range") {
    round_trips trips;
    trips.note(0, -5s);
    CHECK(trips.estimate(0)->smoothed == 1us);
    trips.note(1, 24h);
    CHECK(near(trips.estimate(1)->smoothed, round_trips::longest));
    trips.note(2, duration::max());
    for (int i = 0; i < 100; ++i) trips.note(2, i % 2 == 0 ? duration::zero() : duration::max());
    CHECK(trips.estimate(2)->smoothed <= round_trips::longest * 103 / 100);
}

TEST_CASE("a steady round trip is found from below and from above, and its variation ends near nothing") {
    for (duration const start : {duration{10us}, duration{5ms}, duration{10s}}) {
        round_trips trips;
        trips.note(0, start);
        for (int i = 0; i < 200; ++i) trips.note(0, 42ms);
        CHECK(near(trips.estimate(0)->smoothed, 42ms));
        CHECK(trips.estimate(0)->variation <= 2ms);
    }
}

TEST_CASE("a small lasting change is followed, although a step of smoothing is smaller than one of rounding") {
    round_trips trips;
    trips.note(0, 100ms);
    for (int i = 0; i < 50; ++i) trips.note(0, 108ms);
    CHECK(near(trips.estimate(0)->smoothed, 108ms));
}

TEST_CASE("the estimate follows the rule of RFC 6298 within its steps") {
    seeded_rng rng{5};
    for (int series = 0; series < 40; ++series) {
        round_trips trips;
        std::int64_t const base = 200 + static_cast<std::int64_t>(uniform(rng, std::uint64_t{200'000}));
        double smoothed = 0, variation = 0, smoothed_sum = 0, found_sum = 0, varies_sum = 0, found_varies = 0;
        for (int i = 0; i < 400; ++i) {
            auto const sample = base / 2 + static_cast<std::int64_t>(uniform(rng, static_cast<std::uint64_t>(base)));
            double const taken = static_cast<double>(sample);
            if (i == 0) {
                smoothed = taken;
                variation = taken / 2;
            } else {
                variation = variation * 3 / 4 + std::abs(smoothed - taken) / 4;
                smoothed = smoothed * 7 / 8 + taken / 8;
            }
            trips.note(0, std::chrono::microseconds{sample});
            if (i < 50) continue;
            auto const known = *trips.estimate(0);
            smoothed_sum += smoothed;
            varies_sum += variation;
            found_sum += std::chrono::duration<double, std::micro>(known.smoothed).count();
            found_varies += std::chrono::duration<double, std::micro>(known.variation).count();
        }
        CHECK(found_sum == doctest::Approx(smoothed_sum).epsilon(0.04));
        CHECK(found_varies == doctest::Approx(varies_sum).epsilon(0.15));
    }
}
