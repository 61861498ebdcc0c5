// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reused memory for everything under way: datagrams and stream frames cost no allocation once the pool is warm.
#ifndef PEERKIT_SIM_BYTE_POOL_HPP
#define PEERKIT_SIM_BYTE_POOL_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Names a buffer of a `byte_pool`.
enum class buffer_id : std::uint32_t {};

/// Buffers in a few fixed sizes, the most recently returned first. A buffer never moves. Memory is returned to the
/// system only when the pool is destroyed. Not thread safe.
class byte_pool {
public:
    /// The largest buffer: one stream frame with its length prefix.
    static constexpr std::size_t max_size = limits::stream_frame + 4;

    /// A buffer of at least `size` bytes, which must not be above `max_size`.
    [[nodiscard]] buffer_id take(std::size_t size) {
        std::uint32_t kind = 0;
        while (sizes[kind] < size) ++kind;
        shelf& s = shelves_[kind];
        if (s.free.empty()) grow(s, kind);
        std::uint32_t const slot = s.free.back();
        s.free.pop_back();
        ++in_use_;
        return static_cast<buffer_id>(kind << kind_shift | slot);
    }
    void give_back(buffer_id id) noexcept {
        auto const bits = static_cast<std::uint32_t>(id);
        shelves_[bits >> kind_shift].free.push_back(bits & slot_mask); // has room: every slot was counted in grow()
        --in_use_;
    }
    [[nodiscard]] std::byte* data(buffer_id id) const noexcept {
        auto const bits = static_cast<std::uint32_t>(id);
        std::uint32_t const kind = bits >> kind_shift, slot = bits & slot_mask;
        return shelves_[kind].chunks[slot / chunk_slots].get() + slot % chunk_slots * sizes[kind];
    }

    /// Buffers taken and not yet given back.
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
    /// Bytes obtained from the system.
    [[nodiscard]] std::size_t reserved() const noexcept {
        std::size_t total = 0;
        for (std::size_t kind = 0; kind < sizes.size(); ++kind) {
            total += shelves_[kind].chunks.size() * chunk_slots * sizes[kind];
        }
        return total;
    }

private:
    static constexpr std::array<std::size_t, 4> sizes{256, 1280, 8192, (max_size + 63) / 64 * 64};
    static constexpr std::uint32_t kind_shift = 30, slot_mask = (1U << kind_shift) - 1, chunk_slots = 16;
    static_assert(sizes[1] >= limits::datagram);

    struct shelf {
        std::vector<std::unique_ptr<std::byte[]>> chunks;
        std::vector<std::uint32_t> free;
    };
    static void grow(shelf& s, std::uint32_t kind) {
        auto const first = static_cast<std::uint32_t>(s.chunks.size()) * chunk_slots;
        s.chunks.emplace_back(new std::byte[sizes[kind] * chunk_slots]);
        s.free.reserve(first + chunk_slots);
        for (std::uint32_t i = chunk_slots; i-- > 0;) s.free.push_back(first + i);
    }

    std::array<shelf, sizes.size()> shelves_;
    std::size_t in_use_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
