// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_store names the member of Store a type does not have, and the page that explains it.
// expect: peerkit: a Store must be movable without throwing; see docs/concepts/store\.md
// expect: peerkit: a Store needs `std::string_view name\(\) const noexcept`; see docs/concepts/store\.md
// expect: peerkit: a Store needs `result<void> claim\(\)`; see docs/concepts/store\.md
// expect: peerkit: a Store needs `result<loaded_state> load\(\)`; see docs/concepts/store\.md
// expect: peerkit: a Store needs `result<void> save\(stored_state const&\)`; see docs/concepts/store\.md
#include <peerkit/store/any_store.hpp>
#include <peerkit/store/store.hpp>

using namespace peerkit;

struct stays_here {
    stays_here(stays_here const&) = delete;
};

#if PEERKIT_COMPILE_FAIL
static_assert(store::check_store<stays_here>());
#else
static_assert(store::check_store<store::any_store>());
static_assert(!store::Store<stays_here>);
#endif
