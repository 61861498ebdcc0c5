// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/error.hpp.
#include <peerkit/sim/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace peerkit;

TEST_CASE("every error of the floor has a sentence of its own") {
    using enum sim::sim_error;
    std::set<std::string> sentences;
    for (sim::sim_error const e : {connection_refused, connection_timed_out, connection_reset, discovery_unavailable}) {
        error const made{e};
        CHECK(made.domain() == "sim");
        sentences.insert(std::string{made.sentence()});
    }
    CHECK(sentences.size() == 4);
    CHECK(sentences.count("unknown simulation error") == 0);
}
