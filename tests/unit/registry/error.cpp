// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the errors of the registry floor.
#include <peerkit/registry/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace peerkit;
using namespace peerkit::registry;

TEST_CASE(
    "every error has a sentence, a code of its own that leads back to it, and a status that says who is at fault") {
    std::set<std::string_view> codes, sentences;
    for (std::uint16_t n = 1; n <= static_cast<std::uint16_t>(registry_error::bad_option); ++n) {
        auto const value = static_cast<registry_error>(n);
        CAPTURE(n);
        CHECK(codes.insert(code_of(value)).second);
        CHECK(sentences.insert(error{value}.sentence()).second);
        CHECK(error_of(code_of(value)) == value);
        CHECK(as_registry_error(error{value}) == value);
        CHECK(status_of(value) >= 400);
        CHECK(status_of(value) < 600);
    }
    CHECK(error_of("no such code") == std::nullopt);
}

TEST_CASE("what is no error of this floor has no code, and its status is that of a fault here") {
    auto const beyond = static_cast<registry_error>(static_cast<std::uint16_t>(registry_error::bad_option) + 1);
    CHECK(code_of(beyond) == "unknown");
    CHECK(status_of(beyond) == 500);
    CHECK(error{beyond}.sentence() == "unknown registry error");
    CHECK(as_registry_error(error{beyond}) == std::nullopt);
    CHECK(as_registry_error(error{core_error::empty}) == std::nullopt);
}

TEST_CASE("the statuses are those the protocol promises") {
    using enum registry_error;
    CHECK(status_of(challenge) == 401);
    CHECK(status_of(unknown_node) == 404);
    CHECK(status_of(name_taken) == 409);
    CHECK(status_of(snapshot_needed) == 410);
    CHECK(status_of(too_large) == 413);
    CHECK(status_of(rate_limited) == 429);
    CHECK(status_of(queue_full) == 503);
}

TEST_CASE("what passes by itself stays in a queue, what does not is dropped from it") {
    using enum registry_error;
    for (auto const value : {rate_limited, busy, not_durable, root_unavailable, shutting_down, table_full}) {
        CHECK(is_transient(value));
    }
    for (auto const value : {name_taken, stale_record, conflicting_record, bad_record, unknown_node, malformed}) {
        CHECK_FALSE(is_transient(value));
    }
}
