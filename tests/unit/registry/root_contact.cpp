// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of when a replica tries its root again.
#include <peerkit/registry/root_contact.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;

TEST_CASE("the pause doubles from 1 to 60 seconds, each within 20 per cent, and begins anew after an answer") {
    seeded_rng rng{1};
    time_point now{};
    root_contact contact{1s, 60s, now};
    CHECK_FALSE(contact.there());
    CHECK(contact.may_try(now));
    for (int round = 0; round < 2; ++round) {
        for (duration const pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
            contact.failed(now, rng);
            CHECK_FALSE(contact.there());
            CHECK_FALSE(contact.may_try(contact.retry_at() - 1ns));
            CHECK(contact.retry_at() - now >= pause * 8 / 10);
            CHECK(contact.retry_at() - now <= pause * 12 / 10);
            now = contact.retry_at();
            CHECK(contact.may_try(now));
        }
        contact.answered(now);
        CHECK(contact.there());
        CHECK(contact.retry_at() == never);
        CHECK(contact.last() == now);
        now += 5s;
    }
}

TEST_CASE("of several requests that fail together only the first counts") {
    seeded_rng rng{1};
    root_contact contact{1s, 60s, time_point{}};
    contact.answered(time_point{});
    contact.failed(time_point{}, rng);
    auto const first = contact.retry_at();
    contact.failed(time_point{}, rng);
    contact.failed(time_point{} + 100ms, rng);
    CHECK(contact.retry_at() == first);
}
