// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::member_state and the order all merges climb.
#include <peerkit/membership/member_state.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using peerkit::membership::member_state;
using peerkit::membership::standing;

TEST_CASE("a higher incarnation beats every state, and at equal incarnation alive < suspect < dead < left") {
    std::vector<standing> climbing;
    for (std::uint64_t incarnation : {0ULL, 1ULL, 2ULL, (1ULL << 32U), (1ULL << 63U) - 1}) {
        for (auto state : {member_state::alive, member_state::suspect, member_state::dead, member_state::left}) {
            climbing.push_back({incarnation, state});
        }
    }
    for (std::size_t i = 0; i < climbing.size(); ++i) {
        for (std::size_t j = 0; j < climbing.size(); ++j) {
            CHECK((climbing[i] < climbing[j]) == (i < j));
            CHECK((climbing[i] == climbing[j]) == (i == j));
        }
    }
}

TEST_CASE("merging standings by taking the greater is idempotent, commutative and associative") {
    std::vector<standing> all;
    for (std::uint64_t incarnation = 1; incarnation < 4; ++incarnation) {
        for (unsigned s = 0; s < 4; ++s) all.push_back({incarnation, static_cast<member_state>(s)});
    }
    auto const join = [](standing a, standing b) { return std::max(a, b); };
    for (standing const a : all) {
        CHECK(join(a, a) == a);
        for (standing const b : all) {
            CHECK(join(a, b) == join(b, a));
            for (standing const c : all) CHECK(join(join(a, b), c) == join(a, join(b, c)));
        }
    }
}

TEST_CASE("every state has a name of its own") {
    CHECK(to_string(member_state::alive) == "alive");
    CHECK(to_string(member_state::suspect) == "suspect");
    CHECK(to_string(member_state::dead) == "dead");
    CHECK(to_string(member_state::left) == "left");
    CHECK(to_string(static_cast<member_state>(9)) == "unknown");
}
