// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a registry wants done.
#include <peerkit/registry/outbox.hpp>

#include <doctest/doctest.h>

using namespace peerkit::registry;

TEST_CASE("an outbox with anything to do is not empty until it is cleared") {
    registry_outbox out;
    CHECK(out.empty());
    out.changes.push_back(write_done{1});
    CHECK_FALSE(out.empty());
    out.clear();
    CHECK(out.empty());
    out.answers.push_back({write_ticket{1}, write_answer{}});
    CHECK_FALSE(out.empty());
    out.clear();
    out.requests.push_back(forward_beats{});
    CHECK_FALSE(out.empty());
    out.clear();
    CHECK(out.empty());
}
