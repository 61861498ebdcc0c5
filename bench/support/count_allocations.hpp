// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Replaces the global allocation functions by counting ones. Include it in one file of a program only.
#ifndef PEERKIT_BENCH_SUPPORT_COUNT_ALLOCATIONS_HPP
#define PEERKIT_BENCH_SUPPORT_COUNT_ALLOCATIONS_HPP

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#    include <malloc.h>
#endif

namespace measure {

inline std::atomic<std::size_t> allocation_count{0};
inline std::atomic<std::size_t> held_bytes{0};

/// Heap allocations of the program so far, made through operator new in any form.
[[nodiscard]] inline std::size_t allocations() noexcept { return allocation_count.load(std::memory_order_relaxed); }

/// Heap bytes the program holds: what the allocator really set aside, its own header of one word included. 0 where the
/// C library does not tell.
[[nodiscard]] inline std::size_t held() noexcept { return held_bytes.load(std::memory_order_relaxed); }

namespace detail {

[[nodiscard]] inline std::size_t real_size([[maybe_unused]] void* memory) noexcept {
#if defined(__GLIBC__)
    return memory == nullptr ? 0 : malloc_usable_size(memory) + sizeof(std::size_t);
#else
    return 0;
#endif
}
inline void release(void* memory) noexcept {
    held_bytes.fetch_sub(real_size(memory), std::memory_order_relaxed);
    std::free(memory);
}
inline void* counted(std::size_t size, std::size_t alignment) noexcept {
    allocation_count.fetch_add(1, std::memory_order_relaxed);
    if (size == 0) size = 1;
    void* const memory = alignment <= alignof(std::max_align_t)
                             ? std::malloc(size)
                             : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    held_bytes.fetch_add(real_size(memory), std::memory_order_relaxed);
    return memory;
}
inline void* counted_or_throw(std::size_t size, std::size_t alignment) {
    void* const memory = counted(size, alignment);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

} // namespace detail
} // namespace measure

void* operator new(std::size_t size) { return measure::detail::counted_or_throw(size, 1); }
void* operator new[](std::size_t size) { return measure::detail::counted_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return measure::detail::counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return measure::detail::counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept { return measure::detail::counted(size, 1); }
void* operator new[](std::size_t size, std::nothrow_t const&) noexcept { return measure::detail::counted(size, 1); }
void operator delete(void* memory) noexcept { measure::detail::release(memory); }
void operator delete[](void* memory) noexcept { measure::detail::release(memory); }
void operator delete(void* memory, std::size_t) noexcept { measure::detail::release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { measure::detail::release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { measure::detail::release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { measure::detail::release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { measure::detail::release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { measure::detail::release(memory); }
void operator delete(void* memory, std::nothrow_t const&) noexcept { measure::detail::release(memory); }
void operator delete[](void* memory, std::nothrow_t const&) noexcept { measure::detail::release(memory); }

#endif
