// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Broadcasts that are being spread or may still be asked for: bounded in bytes, number and age, oldest dropped first.
#ifndef PEERKIT_GOSSIP_MESSAGE_STORE_HPP
#define PEERKIT_GOSSIP_MESSAGE_STORE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/user_message.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// A queue of signed broadcasts in one block of memory, which grows by doubling up to `max_bytes` and is then reused:
/// what comes in when it is full pushes out the oldest. Each is told to others up to a limit, least told first, and
/// kept beyond that so that members who missed it can ask for it.
class message_store {
public:
    /// More than this many are not kept, however small.
    static constexpr std::size_t max_entries = 1024;

    struct entry {
        short_id origin{};
        std::uint64_t session = 0;
        std::uint64_t sequence = 0;
        time_point since{};
        std::uint32_t offset = 0;
        std::uint32_t size = 0;
        bool large = false;
        std::uint8_t told = 0; ///< times it was written into a packet for somebody new
    };

    explicit message_store(std::size_t max_bytes) noexcept : max_bytes_{std::min<std::size_t>(max_bytes, 1U << 31U)} {}

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// Bytes of memory held.
    [[nodiscard]] std::size_t memory() const noexcept { return capacity_ + ring_.capacity() * sizeof(entry); }
    /// By age, oldest first.
    [[nodiscard]] entry const& operator[](std::size_t i) const noexcept { return at(i); }
    [[nodiscard]] byte_view bytes_of(entry const& e) const noexcept { return {arena_.get() + e.offset, e.size}; }
    /// How many were pushed out before they had been told to anybody, or at all.
    [[nodiscard]] std::uint64_t dropped_untold() const noexcept { return dropped_untold_; }
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

    /// Keeps a broadcast that was said at `since`; not checked for being there already. False if it is larger than
    /// everything allowed.
    bool push(wire::broadcast_view const& what, time_point since) {
        byte_view const bytes = what.bytes();
        if (bytes.size() > max_bytes_) return false;
        if (count_ == max_entries) drop_oldest();
        std::uint32_t const offset = make_room(bytes.size());
        copy_bytes(bytes, {arena_.get() + offset, bytes.size()});
        if (count_ == ring_.size()) grow_ring();
        at(count_++) = {what.origin(),   what.session(),
                        what.sequence(), since,
                        offset,          static_cast<std::uint32_t>(bytes.size()),
                        !what.small(),   0};
        return true;
    }
    /// Null if it is not held (any more).
    [[nodiscard]] entry const* find(short_id origin, std::uint64_t session, std::uint64_t sequence) const noexcept {
        for (std::size_t i = count_; i-- > 0;) {
            entry const& e = at(i);
            if (e.origin == origin && e.sequence == sequence && e.session == session) return &e;
        }
        return nullptr;
    }
    /// Somebody else was heard telling it: one time less to tell it.
    void count(short_id origin, std::uint64_t session, std::uint64_t sequence) noexcept {
        auto* const e = const_cast<entry*>(find(origin, session, sequence));
        if (e != nullptr && e->told != 0 && e->told < max_told) ++e->told;
    }
    /// Forgets what was said at `before` or earlier, unless something newer came in ahead of it.
    void expire(time_point before) noexcept {
        while (count_ != 0 && at(0).since <= before) pop_oldest();
    }

    /// Offers what was told less than `limit` times to `write(entry const&, byte_view) -> bool`, least told first and
    /// the oldest of those; what it takes counts as told `times` more. Gives up after a few that do not fit.
    template <typename Write>
    std::size_t fill(unsigned limit, unsigned times, Write&& write) {
        std::array<std::size_t, most_per_packet> taken{};
        std::size_t count = 0, misses = 0;
        unsigned level = lowest(limit, 0);
        while (level < limit && count < taken.size() && misses < patience) {
            for (std::size_t i = 0; i < count_ && count < taken.size() && misses < patience; ++i) {
                if (at(i).told != level) continue;
                if (write(at(i), bytes_of(at(i))))
                    taken[count++] = i;
                else
                    ++misses;
            }
            level = lowest(limit, level + 1);
        }
        // Only now, so that nothing is offered twice for one packet.
        for (std::size_t i = 0; i < count; ++i) {
            entry& e = at(taken[i]);
            e.told = static_cast<std::uint8_t>(std::min<unsigned>(e.told + times, max_told));
        }
        return count;
    }
    /// Something was told less than `limit` times.
    [[nodiscard]] bool pending(unsigned limit) const noexcept { return lowest(limit, 0) < limit; }
    /// Something was never told.
    [[nodiscard]] bool untold() const noexcept { return pending(1); }

    /// What is held and newer than `before`, as ranges for an offer: the newest first, or those behind `skip` ranges.
    /// Gives how many there are
    /// in `to`, and advances `skip` for the next call, to 0 when all were shown.
    [[nodiscard]] std::size_t ranges(std::span<wire::broadcast_range> to, std::size_t& skip,
                                     time_point before) const noexcept {
        std::array<wire::broadcast_range, max_ranges> all;
        std::size_t const found = collect(all, before);
        if (skip >= found) skip = 0;
        std::size_t const given = std::min(to.size(), found - skip);
        std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(skip), given, to.begin());
        skip = skip + given < found ? skip + given : 0;
        return given;
    }

    /// 0, or: 63 an entry lies outside the memory, 64 two overlap or are out of order, 65 over a cap.
    [[nodiscard]] int check_invariants() const noexcept {
        if (count_ > max_entries || capacity_ > max_bytes_) return 65;
        bool wrapped = false;
        for (std::size_t i = 0; i < count_; ++i) {
            entry const& e = at(i);
            if (std::size_t{e.offset} + e.size > capacity_) return 63;
            if (i == 0) continue;
            entry const& before = at(i - 1);
            if (e.offset >= before.offset + before.size) {
                if (wrapped && e.offset + e.size > at(0).offset) return 64;
                continue;
            }
            if (wrapped || e.offset != 0 || e.size > at(0).offset) return 64;
            wrapped = true;
        }
        return 0;
    }

private:
    static constexpr std::size_t most_per_packet = 24;
    static constexpr std::size_t patience = 4;
    static constexpr std::size_t max_ranges = 128;
    static constexpr std::uint8_t max_told = 200;

    [[nodiscard]] entry& at(std::size_t i) noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }
    [[nodiscard]] entry const& at(std::size_t i) const noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }

    /// The least number of times, at least `from`, that something was told; `limit` if nothing was told less.
    [[nodiscard]] unsigned lowest(unsigned limit, unsigned from) const noexcept {
        unsigned found = limit;
        for (std::size_t i = 0; i < count_; ++i) {
            if (unsigned const told = at(i).told; told >= from && told < found) found = told;
        }
        return found;
    }
    void pop_oldest() noexcept {
        first_ = (first_ + 1) & (ring_.size() - 1);
        --count_;
    }
    void drop_oldest() noexcept {
        ++dropped_;
        if (at(0).told == 0) ++dropped_untold_;
        pop_oldest();
    }
    void grow_ring() {
        std::vector<entry> larger(std::max<std::size_t>(16, ring_.size() * 2));
        for (std::size_t i = 0; i < count_; ++i) larger[i] = at(i);
        ring_ = std::move(larger);
        first_ = 0;
    }
    /// An offset with `size` free bytes behind it; grows or drops the oldest as needed.
    [[nodiscard]] std::uint32_t make_room(std::size_t size) {
        for (;;) {
            if (count_ == 0) {
                if (size <= capacity_) return 0;
            } else {
                std::size_t const begin = at(0).offset, end = at(count_ - 1).offset + at(count_ - 1).size;
                if (end > begin) { // one piece
                    if (capacity_ - end >= size) return static_cast<std::uint32_t>(end);
                    if (begin >= size) return 0;
                } else if (begin - end >= size) {
                    return static_cast<std::uint32_t>(end);
                }
            }
            if (capacity_ < max_bytes_)
                grow(size);
            else
                drop_oldest();
        }
    }
    void grow(std::size_t size) {
        std::size_t const larger = std::min(max_bytes_, std::max<std::size_t>({capacity_ * 2, capacity_ + size, 4096}));
        std::unique_ptr<std::byte[]> moved{new std::byte[larger]};
        std::uint32_t used = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            entry& e = at(i);
            copy_bytes(bytes_of(e), {moved.get() + used, e.size});
            e.offset = used;
            used += e.size;
        }
        arena_ = std::move(moved);
        capacity_ = larger;
    }
    [[nodiscard]] std::size_t collect(std::array<wire::broadcast_range, max_ranges>& all,
                                      time_point before) const noexcept {
        std::size_t count = 0;
        for (std::size_t i = count_; i-- > 0;) {
            entry const& e = at(i);
            if (e.since <= before) continue;
            auto const fits = [&](wire::broadcast_range const& r) {
                return r.origin == e.origin && r.session == e.session && r.large == e.large &&
                       e.sequence <= r.highest && r.highest - e.sequence < 64;
            };
            auto const end = all.begin() + static_cast<std::ptrdiff_t>(count);
            auto const held = std::find_if(all.begin(), end, fits);
            if (held != end) {
                held->bitmap |= std::uint64_t{1} << (held->highest - e.sequence);
            } else if (count < all.size()) {
                all[count++] = {e.origin, e.session, e.sequence, 1, e.large};
            }
        }
        return count;
    }

    std::size_t max_bytes_;
    std::unique_ptr<std::byte[]> arena_;
    std::size_t capacity_ = 0;
    std::vector<entry> ring_; ///< a power of two
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t dropped_untold_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
