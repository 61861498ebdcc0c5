// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the store chosen at run time.
#include <peerkit/store/any_store.hpp>

#include <peerkit/store/memory_store.hpp>

#include "support/store_behaviour.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

using namespace peerkit;
using store::any_store;
using store::store_error;

namespace {

struct throwing {
    [[nodiscard]] std::string_view name() const noexcept { return "throwing"; }
    [[nodiscard]] result<void> claim() { throw std::runtime_error{"claim"}; }
    [[nodiscard]] result<store::loaded_state> load() { throw 5; }
    [[nodiscard]] result<void> save(store::stored_state const&) { throw std::bad_alloc{}; }
};

} // namespace

TEST_CASE("any store does what every store does") {
    auto const shelf = std::make_shared<store::memory_shelf>();
    tests::check_store_behaviour([&] { return any_store{store::memory_store{shelf}}; });
}

TEST_CASE("any store passes everything on to the store it holds") {
    auto const shelf = std::make_shared<store::memory_shelf>();
    any_store held{store::memory_store{shelf}};
    CHECK(held);
    CHECK(held.name() == "memory");
    REQUIRE(held.claim());
    CHECK(store::memory_store{shelf}.claim().error() == store_error::in_use);
    store::stored_state const state = tests::stored_sample();
    REQUIRE(held.save(state));
    any_store const moved = std::move(held);
    held = any_store{};
    CHECK(moved.name() == "memory");
    CHECK(store::memory_store{shelf}.claim().error() == store_error::in_use);
}

TEST_CASE("a store that is none remembers nothing, and says so") {
    any_store none;
    CHECK_FALSE(none);
    CHECK(none.name() == "none");
    CHECK(none.claim());
    CHECK(none.save(tests::stored_sample()));
    auto const found = none.load();
    REQUIRE(found);
    CHECK(found->generation == 0);
    CHECK(found->state == store::stored_state{});
}

TEST_CASE("what a store throws becomes an error") {
    any_store held{throwing{}};
    CHECK(held.claim().error() == store_error::threw);
    CHECK(held.load().error() == store_error::threw);
    CHECK(held.save(store::stored_state{}).error() == store_error::threw);
}
