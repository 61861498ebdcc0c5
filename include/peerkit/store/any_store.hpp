// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A store chosen at run time: holds any other store, and lets no exception out.
#ifndef PEERKIT_STORE_ANY_STORE_HPP
#define PEERKIT_STORE_ANY_STORE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/store.hpp>
#include <peerkit/store/stored_state.hpp>

#include <concepts>
#include <memory>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// Holds one store of any type, or none: then there is nothing to load, and what is saved is forgotten. `Store` itself.
/// What a held store throws (memory may run out) becomes `threw`.
/// @code
/// store::any_store where = directory.empty() ? store::any_store{} : store::any_store{store::file_store{directory}};
/// @endcode
class any_store {
public:
    any_store() noexcept = default;
    // It is a store itself: that must be ruled out before the concept is asked.
    template <typename S>
        requires(!std::same_as<S, any_store> && Store<S>)
    any_store(S held) // NOLINT: every store is an any_store
        : held_{std::make_unique<model<S>>(std::move(held))} {}

    /// False if it holds none.
    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

    [[nodiscard]] std::string_view name() const noexcept { return held_ ? held_->name() : std::string_view{"none"}; }
    [[nodiscard]] result<void> claim() noexcept {
        if (!held_) return {};
        return guarded<result<void>>([&] { return held_->claim(); });
    }
    [[nodiscard]] result<loaded_state> load() noexcept {
        if (!held_) return loaded_state{};
        return guarded<result<loaded_state>>([&] { return held_->load(); });
    }
    [[nodiscard]] result<void> save(stored_state const& state) noexcept {
        if (!held_) return {};
        return guarded<result<void>>([&] { return held_->save(state); });
    }

private:
    struct interface {
        interface() = default;
        interface(interface const&) = delete;
        interface& operator=(interface const&) = delete;
        virtual ~interface() = default;
        [[nodiscard]] virtual std::string_view name() const noexcept = 0;
        [[nodiscard]] virtual result<void> claim() = 0;
        [[nodiscard]] virtual result<loaded_state> load() = 0;
        [[nodiscard]] virtual result<void> save(stored_state const& state) = 0;
    };
    template <typename S>
    struct model final : interface {
        explicit model(S&& from) noexcept : store{std::move(from)} {}
        [[nodiscard]] std::string_view name() const noexcept override { return store.name(); }
        [[nodiscard]] result<void> claim() override { return store.claim(); }
        [[nodiscard]] result<loaded_state> load() override { return store.load(); }
        [[nodiscard]] result<void> save(stored_state const& state) override { return store.save(state); }
        S store;
    };

    template <typename Result, typename Call>
    [[nodiscard]] static Result guarded(Call call) noexcept {
#if defined(__cpp_exceptions)
        try {
            return call();
        } catch (...) {
            return fail(store_error::threw);
        }
#else
        return call();
#endif
    }

    std::unique_ptr<interface> held_;
};

static_assert(check_store<any_store>());

} // namespace store
PEERKIT_END_NAMESPACE

#endif
