// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy seat of memory: where a node keeps what it has learnt.
#ifndef PEERKIT_STORE_STORE_HPP
#define PEERKIT_STORE_STORE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/stored_state.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// A store can be moved into the place it will live in, without throwing.
template <typename T>
concept HasStoreMove = std::move_constructible<T> && std::is_nothrow_move_constructible_v<T>;

/// `s.name()` says in one word what kind of store this is.
template <typename T>
concept HasStoreName = requires(T const& held) {
    { held.name() } noexcept -> std::same_as<std::string_view>;
};

/// `s.claim()` makes this store the only one that uses its place.
template <typename T>
concept HasStoreClaim = requires(T& held) {
    { held.claim() } -> std::same_as<result<void>>;
};

/// `s.load()` answers with what was saved last.
template <typename T>
concept HasStoreLoad = requires(T& held) {
    { held.load() } -> std::same_as<result<loaded_state>>;
};

/// `s.save(state)` keeps a state; when it returns, the state survives the loss of power.
template <typename T>
concept HasStoreSave = requires(T& held, stored_state const& state) {
    { held.save(state) } -> std::same_as<result<void>>;
};

/// Keeps what a node knows across restarts. Models: `memory_store`, `file_store`, `sqlite_store`, `any_store`.
///
/// Calls block on the disk: a node makes them on a thread of its own, one at a time, never on its event loop; which
/// thread may change from call to call. A store that is destroyed gives its place free.
///
/// - `claim` comes first or is implied by the first `load` or `save`; a place that is claimed by another store, in this
///   process or another, is refused with `in_use`. A claim ends with its process, however that ends.
/// - `load` answers with an empty state if nothing was ever saved. What is damaged is an error only if nothing older
///   can be found either and it could not be set aside; else it is told in `loaded_state`.
/// - `save` replaces the whole state, or, if it fails or the process dies, nothing of it.
/// Requirements, models and an exemplar: docs/concepts/store.md.
template <typename T>
concept Store = HasStoreMove<T> && HasStoreName<T> && HasStoreClaim<T> && HasStoreLoad<T> && HasStoreSave<T>;

/// Says in one sentence for each member what `T` lacks to be a `Store`.
/// @code static_assert(peerkit::store::check_store<my_store>()); @endcode
template <typename T>
consteval bool check_store() {
    static_assert(HasStoreMove<T>, "peerkit: a Store must be movable without throwing; see docs/concepts/store.md");
    static_assert(HasStoreName<T>, "peerkit: a Store needs `std::string_view name() const noexcept`; "
                                   "see docs/concepts/store.md");
    static_assert(HasStoreClaim<T>, "peerkit: a Store needs `result<void> claim()`; see docs/concepts/store.md");
    static_assert(HasStoreLoad<T>, "peerkit: a Store needs `result<loaded_state> load()`; see docs/concepts/store.md");
    static_assert(HasStoreSave<T>,
                  "peerkit: a Store needs `result<void> save(stored_state const&)`; see docs/concepts/store.md");
    return Store<T>;
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
