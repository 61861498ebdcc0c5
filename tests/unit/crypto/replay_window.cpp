// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the replay window: by example, and against a set that remembers everything.
#include <peerkit/crypto/replay_window.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>

using peerkit::crypto::replay_verdict;
using peerkit::crypto::replay_window;

namespace {
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
} // namespace

TEST_CASE("a window that was led astray begins anew where it is told to") {
    replay_window w;
    CHECK(w.accept(1, 5) == replay_verdict::fresh);
    CHECK(w.accept(900, 1) == replay_verdict::fresh);
    CHECK(w.accept(1, 6) == replay_verdict::too_old);
    CHECK(w.is_astray(1, 6));
    w.restart(1, 6);
    CHECK(w.accept(1, 6) == replay_verdict::replayed);
    CHECK(w.accept(1, 4) == replay_verdict::replayed);
    CHECK(w.accept(1, 7) == replay_verdict::fresh);
}

TEST_CASE("a frame that others overtook does not lead a window astray") {
    replay_window w;
    CHECK(w.accept(7, 5000) == replay_verdict::fresh);
    CHECK_FALSE(w.is_astray(7, 5000));
    CHECK_FALSE(w.is_astray(7, 5000 - replay_window::farthest_overtaking));
    CHECK(w.is_astray(7, 4999 - replay_window::farthest_overtaking));
    CHECK(w.is_astray(6, 5000));
    CHECK(w.is_astray(8, 5000));
}

TEST_CASE("a counter is fresh once") {
    replay_window w;
    CHECK(w.accept(5, 10) == replay_verdict::fresh);
    CHECK(w.accept(5, 10) == replay_verdict::replayed);
    CHECK(w.accept(5, 9) == replay_verdict::fresh);
    CHECK(w.accept(5, 9) == replay_verdict::replayed);
    CHECK(w.accept(5, 11) == replay_verdict::fresh);
    CHECK(w.accept(5, 10) == replay_verdict::replayed);
    CHECK(w.accept(5, 8) == replay_verdict::fresh);
}

TEST_CASE("zero is a session and a counter like any other") {
    replay_window w;
    CHECK(w.accept(0, 0) == replay_verdict::fresh);
    CHECK(w.accept(0, 0) == replay_verdict::replayed);
    CHECK(w.accept(0, 1) == replay_verdict::fresh);
    CHECK(w.accept(0, 0) == replay_verdict::replayed);
}

TEST_CASE("the window is 64 wide") {
    replay_window w;
    CHECK(w.accept(1, 1000) == replay_verdict::fresh);
    CHECK(w.accept(1, 1000 - 63) == replay_verdict::fresh);
    CHECK(w.accept(1, 1000 - 63) == replay_verdict::replayed);
    CHECK(w.accept(1, 1000 - 64) == replay_verdict::too_old);
    CHECK(w.accept(1, 1001) == replay_verdict::fresh);
    CHECK(w.accept(1, 1001 - 64) == replay_verdict::too_old);
    CHECK(w.accept(1, 1001 + 63) == replay_verdict::fresh);
    CHECK(w.accept(1, 1001) == replay_verdict::replayed);
    CHECK(w.accept(1, 1001 + 63 + 64) == replay_verdict::fresh);
    CHECK(w.accept(1, 1001 + 63) == replay_verdict::too_old);
    CHECK(w.accept(1, 1001 + 63 + 1) == replay_verdict::fresh);
}

TEST_CASE("a newer session replaces, an older one is not heard") {
    replay_window w;
    CHECK(w.accept(7, 500) == replay_verdict::fresh);
    CHECK(w.accept(8, 0) == replay_verdict::fresh);
    CHECK(w.accept(8, 0) == replay_verdict::replayed);
    replay_window const before = w;
    CHECK(w.accept(7, 501) == replay_verdict::too_old);
    CHECK(w.accept(0, most) == replay_verdict::too_old);
    CHECK((w.session == before.session && w.highest == before.highest && w.bitmap == before.bitmap));
    CHECK(w.accept(most, most) == replay_verdict::fresh);
}

TEST_CASE("counters at the end of their range neither wrap nor come again") {
    replay_window w;
    CHECK(w.accept(1, most) == replay_verdict::fresh);
    CHECK(w.accept(1, most) == replay_verdict::replayed);
    CHECK(w.accept(1, 0) == replay_verdict::too_old);
    CHECK(w.accept(1, most - 63) == replay_verdict::fresh);
    replay_window low;
    CHECK(low.accept(1, 0) == replay_verdict::fresh);
    CHECK(low.accept(1, most) == replay_verdict::fresh);
    CHECK(low.accept(1, 0) == replay_verdict::too_old);
}

TEST_CASE("no counter is accepted twice and none within the window is missed, in any order") {
    peerkit::seeded_rng rng{77};
    for (int round = 0; round < 200; ++round) {
        replay_window w;
        std::set<std::uint64_t> seen;
        std::uint64_t session = 1, top = 0;
        bool heard = false;
        for (int i = 0; i < 500; ++i) {
            if (peerkit::uniform(rng, std::uint64_t{200}) == 0) {
                ++session;
                seen.clear();
                heard = false;
            }
            std::uint64_t const base = heard ? top : 1000;
            std::uint64_t const counter = base - 80 + peerkit::uniform(rng, std::uint64_t{120});
            replay_verdict expected = replay_verdict::fresh;
            if (heard && counter < top && top - counter >= replay_window::width) {
                expected = replay_verdict::too_old;
            } else if (seen.contains(counter)) {
                expected = replay_verdict::replayed;
            }
            REQUIRE(w.accept(session, counter) == expected);
            if (expected == replay_verdict::fresh) {
                seen.insert(counter);
                top = heard ? std::max(top, counter) : counter;
                heard = true;
            }
        }
    }
}
