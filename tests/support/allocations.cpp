// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Replaces operator new of a whole test program to count what it is asked for.
#include <support/allocations.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define PEERKIT_TESTS_COUNT 0
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#        define PEERKIT_TESTS_COUNT 0
#    endif
#endif
#ifndef PEERKIT_TESTS_COUNT
#    define PEERKIT_TESTS_COUNT 1
#endif

namespace {

std::atomic<std::uint64_t> allocated{0};

} // namespace

std::uint64_t tests::allocations::count() noexcept { return allocated.load(std::memory_order_relaxed); }
bool tests::allocations::counted() noexcept { return PEERKIT_TESTS_COUNT != 0; }

#if PEERKIT_TESTS_COUNT
// The forms for arrays and without exceptions end here too.
void* operator new(std::size_t size) {
    allocated.fetch_add(1, std::memory_order_relaxed);
    if (void* const made = std::malloc(size == 0 ? 1 : size)) return made;
    throw std::bad_alloc{};
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    allocated.fetch_add(1, std::memory_order_relaxed);
    std::size_t const step = static_cast<std::size_t>(alignment);
    if (void* const made = std::aligned_alloc(step, (size + step - 1) / step * step)) return made;
    throw std::bad_alloc{};
}
void operator delete(void* gone) noexcept { std::free(gone); }
void operator delete(void* gone, std::size_t) noexcept { std::free(gone); }
void operator delete(void* gone, std::align_val_t) noexcept { std::free(gone); }
void operator delete(void* gone, std::size_t, std::align_val_t) noexcept { std::free(gone); }
#endif
#undef PEERKIT_TESTS_COUNT
