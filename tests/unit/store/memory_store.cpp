// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the store in memory.
#include <peerkit/store/memory_store.hpp>

#include "support/store_behaviour.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>

using namespace peerkit;
using store::memory_store;
using store::store_error;

TEST_CASE("a store in memory does what every store does") {
    auto const shelf = std::make_shared<store::memory_shelf>();
    tests::check_store_behaviour([&] { return memory_store{shelf}; });
}

TEST_CASE("a store in memory answers with what was saved last, also to the next store on its shelf") {
    auto const shelf = std::make_shared<store::memory_shelf>();
    store::stored_state state = tests::stored_sample();
    {
        memory_store first{shelf};
        auto const nothing = first.load();
        REQUIRE(nothing);
        CHECK(nothing->state == store::stored_state{});
        CHECK(nothing->generation == 0);
        REQUIRE(first.save(state));
        state.incarnation += 5;
        REQUIRE(first.save(state));
    }
    memory_store second{shelf};
    auto const found = second.load();
    REQUIRE(found);
    CHECK(found->state == state);
    CHECK(found->generation == 2);
    CHECK(found->left_out == 0);
}

TEST_CASE("a shelf belongs to one store at a time, until that store is gone") {
    auto const shelf = std::make_shared<store::memory_shelf>();
    std::optional<memory_store> first{std::in_place, shelf};
    REQUIRE(first->claim());
    REQUIRE(first->claim());
    memory_store second{shelf};
    CHECK(second.claim().error() == store_error::in_use);
    CHECK(second.load().error() == store_error::in_use);
    CHECK(second.save(tests::stored_sample()).error() == store_error::in_use);
    memory_store moved{std::move(*first)};
    first.reset();
    CHECK(second.claim().error() == store_error::in_use);
    moved = memory_store{};
    CHECK(second.claim());
}

TEST_CASE("a store in memory refuses what no store keeps, and keeps what it has") {
    memory_store one;
    store::stored_state const state = tests::stored_sample();
    REQUIRE(one.save(state));
    store::stored_state wrong = state;
    wrong.registries.emplace_back();
    CHECK(one.save(wrong).error() == store_error::bad_text);
    wrong = state;
    wrong.incarnation = 1;
    CHECK(one.save(wrong).error() == store_error::incarnation_back);
    CHECK(one.load()->state == state);
}
