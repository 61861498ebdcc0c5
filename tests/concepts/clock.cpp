// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of SteadyClock; docs/concepts/clock.md quotes the exemplar.
#include <peerkit/core/clock.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_clock {
public:
    static least_clock make() noexcept { return least_clock{}; }
    least_clock(least_clock const&) = delete;
    least_clock& operator=(least_clock const&) = delete;

    peerkit::time_point now() { return peerkit::time_point{42s}; }

private:
    least_clock() = default;
};
static_assert(peerkit::SteadyClock<least_clock>);
static_assert(peerkit::check_clock<least_clock>());

// [exemplar]
/// A clock that stands still until it is told to move: for tests that need no waiting.
class stopped_clock {
public:
    [[nodiscard]] peerkit::time_point now() const noexcept { return now_; }
    void advance(peerkit::duration by) noexcept { now_ = peerkit::saturating_add(now_, by); }

private:
    peerkit::time_point now_{};
};
static_assert(peerkit::check_clock<stopped_clock>());
// [/exemplar]

static_assert(peerkit::check_clock<peerkit::system_steady_clock>());

// Each requirement is missing from a type of its own, and from that one alone.
struct no_now {};
struct private_now {
private:
    [[maybe_unused]] peerkit::time_point now() const { return {}; }
};
struct tells_nothing {
    void now() const {}
};
struct tells_nanoseconds {
    peerkit::duration now() const { return {}; }
};
static_assert(!peerkit::ClockHasNow<no_now> && !peerkit::ClockHasNow<private_now>);
static_assert(peerkit::ClockHasNow<tells_nothing> && !peerkit::ClockTellsTimePoint<tells_nothing>);
static_assert(peerkit::ClockHasNow<tells_nanoseconds> && !peerkit::ClockTellsTimePoint<tells_nanoseconds>);
static_assert(peerkit::ClockHasNow<std::chrono::steady_clock> &&
                  !peerkit::ClockTellsTimePoint<std::chrono::steady_clock>,
              "its moments are of another type, so that they cannot be mixed up with the core's");
static_assert(!peerkit::SteadyClock<no_now> && !peerkit::SteadyClock<tells_nanoseconds> &&
              !peerkit::SteadyClock<std::chrono::system_clock>);

template <peerkit::SteadyClock Clock>
peerkit::time_point in_a_second(Clock& clock) {
    return peerkit::saturating_add(clock.now(), 1s);
}

} // namespace

TEST_CASE("code written against SteadyClock runs on its archetype") {
    least_clock clock = least_clock::make();
    CHECK(in_a_second(clock) == peerkit::time_point{43s});
}

TEST_CASE("a stopped clock tells the same time until it is moved, and never goes back") {
    stopped_clock clock;
    auto const start = clock.now();
    CHECK(clock.now() == start);
    clock.advance(5s);
    CHECK(clock.now() - start == 5s);
    clock.advance(-1s);
    CHECK(clock.now() - start == 5s);
    clock.advance(peerkit::duration::max());
    CHECK(clock.now() == peerkit::never);
    CHECK(in_a_second(clock) == peerkit::never);
}
