// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the core's time line and its saturating arithmetic.
#include <peerkit/core/clock.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <ratio>
#include <type_traits>

using peerkit::duration;
using peerkit::never;
using peerkit::saturating_add;
using peerkit::time_point;
using namespace std::chrono_literals;

namespace {

template <typename T>
concept HasStaticNow = requires { T::now(); };

static_assert(std::is_same_v<duration::period, std::nano>);
static_assert(std::is_same_v<time_point::duration, duration>);
static_assert(peerkit::steady_time::is_steady);
static_assert(!HasStaticNow<peerkit::steady_time>, "the core is told the time, it cannot ask");
static_assert(!std::is_convertible_v<std::chrono::steady_clock::time_point, time_point> &&
                  !std::is_convertible_v<std::chrono::system_clock::time_point, time_point>,
              "another clock's time is not taken for the core's by mistake");
static_assert(peerkit::SteadyClock<peerkit::system_steady_clock>);
static_assert(noexcept(peerkit::system_steady_clock{}.now()));
static_assert(saturating_add(time_point{}, 5s) == time_point{5s}, "usable in constant expressions");
static_assert(saturating_add(never, 1ns) == never);

} // namespace

TEST_CASE("a delay is added to a moment") {
    CHECK(saturating_add(time_point{1s}, 250ms) == time_point{1250ms});
    CHECK(saturating_add(time_point{-3s}, 1s) == time_point{-2s});
    CHECK(saturating_add(time_point{1s}, 0ns) == time_point{1s});
    CHECK(saturating_add(time_point::min(), duration::max()) == time_point{-1ns});
}

TEST_CASE("a sum that would pass the end of time is never") {
    CHECK(saturating_add(time_point{1ns}, duration::max()) == never);
    CHECK(saturating_add(never, 1ns) == never);
    CHECK(saturating_add(never, duration::max()) == never);
    for (auto const at : {duration{0}, duration{1}, duration{1'000'000}, duration::max() / 2, duration::max() - 1ns}) {
        duration const room = duration::max() - at;
        CHECK(saturating_add(time_point{at}, room) == never);
        CHECK(saturating_add(time_point{at}, room - 1ns) == never - 1ns);
        if (room < duration::max()) CHECK(saturating_add(time_point{at}, room + 1ns) == never);
    }
}

TEST_CASE("a delay below zero counts as zero") {
    CHECK(saturating_add(time_point{1s}, -1ns) == time_point{1s});
    CHECK(saturating_add(time_point{1s}, duration::min()) == time_point{1s});
    CHECK(saturating_add(time_point::min(), duration::min()) == time_point::min());
    CHECK(saturating_add(never, duration::min()) == never);
}

TEST_CASE("never is later than every other moment") {
    CHECK(never == time_point::max());
    CHECK(never > time_point{});
    CHECK(never > time_point{std::chrono::hours{24 * 365 * 200}});
}

TEST_CASE("the system's steady clock never goes back") {
    peerkit::system_steady_clock const clock;
    auto before = clock.now();
    for (int i = 0; i < 1000; ++i) {
        auto const now = clock.now();
        CHECK(now >= before);
        before = now;
    }
    CHECK(before < never);
    // It is the clock it claims to be: one reading lies between two of std::chrono::steady_clock.
    auto const first = std::chrono::steady_clock::now().time_since_epoch();
    auto const own = clock.now().time_since_epoch();
    auto const last = std::chrono::steady_clock::now().time_since_epoch();
    CHECK(first <= own);
    CHECK(own <= last);
}
