// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the concept Store: each requirement is missing from a type of its own.
#include <peerkit/store/store.hpp>

#include <doctest/doctest.h>

#include <string_view>

using namespace peerkit;
using store::loaded_state;
using store::stored_state;

namespace {

struct complete {
    [[nodiscard]] std::string_view name() const noexcept { return "complete"; }
    [[nodiscard]] result<void> claim() { return {}; }
    [[nodiscard]] result<loaded_state> load() { return loaded_state{}; }
    [[nodiscard]] result<void> save(stored_state const&) { return {}; }
};
struct pinned : complete {
    pinned() = default;
    pinned(pinned&&) = delete;
};
struct nameless : complete {
    [[nodiscard]] std::string_view name() const { return "may throw"; }
};
struct unclaimed : complete {
    void claim() {}
};
struct loads_bare : complete {
    [[nodiscard]] result<stored_state> load() { return stored_state{}; }
};
struct saves_by_reference : complete {
    [[nodiscard]] result<void> save(stored_state&) { return {}; }
};

} // namespace

TEST_CASE("a store is a type with every requirement, and with each missing it is none") {
    CHECK(store::check_store<complete>());
    CHECK_FALSE(store::HasStoreMove<pinned>);
    CHECK_FALSE(store::HasStoreName<nameless>);
    CHECK_FALSE(store::HasStoreClaim<unclaimed>);
    CHECK_FALSE(store::HasStoreLoad<loads_bare>);
    CHECK_FALSE(store::HasStoreSave<saves_by_reference>);
    CHECK_FALSE(store::Store<pinned>);
    CHECK_FALSE(store::Store<nameless>);
    CHECK_FALSE(store::Store<unclaimed>);
    CHECK_FALSE(store::Store<loads_bare>);
    CHECK_FALSE(store::Store<saves_by_reference>);
}
