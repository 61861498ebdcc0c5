// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A store in memory: outlives a node, not the process.
#ifndef PEERKIT_STORE_MEMORY_STORE_HPP
#define PEERKIT_STORE_MEMORY_STORE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/store.hpp>
#include <peerkit/store/stored_state.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// What memory stores stand on. Thread-safe.
class memory_shelf {
public:
    memory_shelf() = default;

private:
    friend class memory_store;
    std::mutex mutex_;
    stored_state state_;
    std::uint64_t generation_ = 0;
    bool claimed_ = false;
};

/// Remembers as long as its shelf lives. For tests, simulations, and hosts that keep the state elsewhere.
/// @code
/// auto const shelf = std::make_shared<store::memory_shelf>();
/// first.store = store::memory_store{shelf};          // a node, and after its end
/// second.store = store::memory_store{shelf};         // one that remembers what it knew
/// @endcode
class memory_store {
public:
    /// A shelf of its own.
    memory_store() : memory_store{std::make_shared<memory_shelf>()} {}
    explicit memory_store(std::shared_ptr<memory_shelf> shelf) noexcept : shelf_{std::move(shelf)} {}
    memory_store(memory_store&& from) noexcept
        : shelf_{std::move(from.shelf_)}, claimed_{std::exchange(from.claimed_, false)} {}
    memory_store& operator=(memory_store&& from) noexcept {
        std::swap(shelf_, from.shelf_);
        std::swap(claimed_, from.claimed_);
        return *this;
    }
    ~memory_store() {
        if (!claimed_) return;
        std::lock_guard const lock{shelf_->mutex_};
        shelf_->claimed_ = false;
    }

    [[nodiscard]] std::string_view name() const noexcept { return "memory"; }

    /// @par Errors `in_use`
    [[nodiscard]] result<void> claim() {
        if (claimed_) return {};
        std::lock_guard const lock{shelf_->mutex_};
        if (shelf_->claimed_) return fail(store_error::in_use, 0, "shelf");
        claimed_ = shelf_->claimed_ = true;
        return {};
    }
    /// @par Errors `in_use`
    [[nodiscard]] result<loaded_state> load() {
        if (auto const mine = claim(); !mine) return fail(mine.error());
        std::lock_guard const lock{shelf_->mutex_};
        loaded_state found;
        found.state = shelf_->state_;
        found.generation = shelf_->generation_;
        return found;
    }
    /// @par Errors `in_use`, those of `check_bounds`, `incarnation_back`
    [[nodiscard]] result<void> save(stored_state const& state) {
        if (auto const mine = claim(); !mine) return mine;
        if (auto const fits = check_bounds(state); !fits) return fits;
        std::lock_guard const lock{shelf_->mutex_};
        if (auto const later = check_successor(shelf_->state_, state); !later) return later;
        shelf_->state_ = state;
        ++shelf_->generation_;
        return {};
    }

private:
    std::shared_ptr<memory_shelf> shelf_;
    bool claimed_ = false;
};

static_assert(check_store<memory_store>());

} // namespace store
PEERKIT_END_NAMESPACE

#endif
