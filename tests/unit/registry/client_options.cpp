// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the bounds of a registry client's options.
#include <peerkit/registry/client_options.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace peerkit;
using namespace std::chrono_literals;
using registry::client_options;

TEST_CASE("options outside their bounds are refused with their name") {
    auto const wrong = [](client_options const& o) {
        auto const ok = registry::check(o);
        return ok ? std::string{} : std::string{ok.error().field()};
    };
    CHECK(wrong({}).empty());
    CHECK(wrong({.domain = "example.test."}).empty());
    CHECK(wrong({.domain = "."}) == "domain");
    CHECK(wrong({.token = "two words"}) == "token");
    CHECK(wrong({.token = "a", .token_file = "b"}) == "token_file");
    CHECK(wrong({.time_to_live = 25h}) == "ttl");
    CHECK(wrong({.request_timeout = 0s}) == "request_timeout");
    CHECK(wrong({.hedge_after = 0s}) == "hedge_after");
    CHECK(wrong({.backoff_first = 40s}) == "backoff");
    CHECK(wrong({.second_look = 0s}) == "second_look");
    CHECK(wrong({.max_list = 0}) == "max_list");
    CHECK(wrong({.max_candidates = 0}) == "max_candidates");
}
