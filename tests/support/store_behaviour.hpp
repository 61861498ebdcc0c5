// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What every store does, checked on any of them.
#ifndef PEERKIT_TESTS_SUPPORT_STORE_BEHAVIOUR_HPP
#define PEERKIT_TESTS_SUPPORT_STORE_BEHAVIOUR_HPP

#include <peerkit/store/store.hpp>

#include "support/stored.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace tests {

/// The peers in an order that does not depend on the store.
[[nodiscard]] inline peerkit::store::stored_state sorted(peerkit::store::stored_state state) {
    std::sort(state.peers.begin(), state.peers.end(),
              [](auto const& left, auto const& right) { return left.record < right.record; });
    return state;
}

/// A state that is a function of its incarnation.
[[nodiscard]] inline peerkit::store::stored_state numbered(std::uint64_t incarnation) {
    peerkit::store::stored_state state = stored_sample(1 + incarnation % 3);
    state.incarnation = incarnation;
    state.settings["number"] = std::to_string(incarnation);
    return state;
}

/// @param make  gives a store; all that it gives have the same place
template <typename Make>
void check_store_behaviour(Make make) {
    using namespace peerkit;
    using store::store_error;
    using store::stored_state;
    auto const same = [](result<store::loaded_state> const& found, stored_state const& expected) {
        REQUIRE(found);
        CHECK(sorted(found->state) == sorted(expected));
        CHECK(found->left_out == 0);
        CHECK(found->quarantined == 0);
        CHECK_FALSE(found->damage);
    };
    std::optional one{make()};
    REQUIRE(one->claim());
    REQUIRE(one->claim());
    same(one->load(), stored_state{});
    CHECK(one->load()->generation == 0);

    stored_state state = stored_sample(9);
    REQUIRE(one->save(state));
    same(one->load(), state);
    CHECK(one->load()->generation == 1);

    // Fewer and other things: nothing of the state before stays.
    stored_state next = stored_sample(3);
    next.incarnation = state.incarnation + 1;
    next.settings = {{"only", "this"}};
    next.registries = {"b:1", "a:2", "c:3"};
    next.peers[0].record = stored_record(2, state.network, 1'700'000'000'000'009);
    next.peers[1].sources = discovery::provenance::mdns;
    next.peers[1].last_endpoint = {};
    next.peers[2].last_heard_ms = -1;
    next.peers.push_back(stored_sample(12).peers.back());
    REQUIRE(one->save(next));
    same(one->load(), next);

    // What is refused changes nothing.
    stored_state wrong = next;
    wrong.incarnation = state.incarnation;
    CHECK(one->save(wrong).error() == store_error::incarnation_back);
    wrong = next;
    wrong.settings[""] = "";
    CHECK(one->save(wrong).error() == store_error::bad_text);
    same(one->load(), next);

    {
        auto second = make();
        CHECK(second.claim().error() == store_error::in_use);
        CHECK(second.load().error() == store_error::in_use);
        CHECK(second.save(next).error() == store_error::in_use);
    }
    auto moved = std::move(*one);
    one.reset();
    same(moved.load(), next);
    {
        auto taken = std::move(moved);
        same(taken.load(), next);
    }
    auto later = make();
    CHECK(later.save(wrong = head_of(state)).error() == store_error::incarnation_back);
    same(later.load(), next);
    CHECK(later.load()->generation == 2);
    stored_state other = stored_sample(2);
    other.owner = crypto::fake_identity{77}.id();
    other.incarnation = 5;
    REQUIRE(later.save(other));
    same(later.load(), other);
    REQUIRE(later.save(stored_state{}));
    same(later.load(), stored_state{});
    CHECK(later.load()->generation == 4);
}

} // namespace tests

#endif
