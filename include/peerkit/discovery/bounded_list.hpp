// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A short list stored in place: no allocation, never longer than its bound.
#ifndef PEERKIT_DISCOVERY_BOUNDED_LIST_HPP
#define PEERKIT_DISCOVERY_BOUNDED_LIST_HPP

#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Up to `Max` (at most 255) values without allocation. What does not fit is refused, never written elsewhere. Making
/// and copying one costs what it holds, not what it could hold.
template <typename T, std::size_t Max>
class bounded_list {
    static_assert(Max > 0 && Max <= 255 && std::is_trivially_copyable_v<T>);

public:
    static constexpr std::size_t max_size = Max;

    bounded_list() noexcept {} // NOLINT: the storage stays as it is
    /// The first `Max` of `values`.
    bounded_list(std::initializer_list<T> values) noexcept {
        for (T const& value : values) static_cast<void>(push_back(value));
    }
    bounded_list(bounded_list const& other) noexcept : size_{other.size_} {
        std::uninitialized_copy_n(other.data(), size_, data());
    }
    bounded_list& operator=(bounded_list const& other) noexcept {
        if (this != &other) {
            size_ = other.size_;
            std::uninitialized_copy_n(other.data(), size_, data());
        }
        return *this;
    }
    ~bounded_list() = default;

    /// False, and nothing done, if the list is full.
    [[nodiscard]] bool push_back(T const& value) noexcept {
        if (size_ == Max) return false;
        ::new (static_cast<void*>(data() + size_)) T(value);
        ++size_;
        return true;
    }
    /// Removes the values for which `unwanted` holds; returns how many.
    template <typename Predicate>
    std::size_t remove_if(Predicate unwanted) noexcept {
        T* const kept = std::remove_if(data(), data() + size_, unwanted);
        auto const removed = static_cast<std::size_t>(data() + size_ - kept);
        size_ = static_cast<std::uint8_t>(size_ - removed);
        return removed;
    }
    void clear() noexcept { size_ = 0; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return size_ == Max; }
    [[nodiscard]] bool contains(T const& value) const noexcept { return std::find(begin(), end(), value) != end(); }
    [[nodiscard]] T const& operator[](std::size_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T const& front() const noexcept { return *data(); }
    [[nodiscard]] T const* begin() const noexcept { return data(); }
    [[nodiscard]] T const* end() const noexcept { return data() + size_; }
    [[nodiscard]] std::span<T const> span() const noexcept { return {data(), size_}; }

    [[nodiscard]] friend bool operator==(bounded_list const& left, bounded_list const& right) noexcept {
        return std::equal(left.begin(), left.end(), right.begin(), right.end());
    }

private:
    [[nodiscard]] T* data() noexcept { return reinterpret_cast<T*>(storage_); }
    [[nodiscard]] T const* data() const noexcept { return reinterpret_cast<T const*>(storage_); }

    alignas(T) std::byte storage_[Max * sizeof(T)];
    std::uint8_t size_ = 0;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
