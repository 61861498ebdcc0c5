// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One timer per node: a four-way heap in which a timer is moved in place.
#ifndef PEERKIT_SIM_TIMER_QUEUE_HPP
#define PEERKIT_SIM_TIMER_QUEUE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Timers numbered from 0, each armed for one moment or for `never`. Equal moments come in the order of the numbers.
/// Setting a timer costs O(log n) and allocates nothing. Not thread safe.
class timer_queue {
public:
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    /// When the next one is due; `never` if none is armed.
    [[nodiscard]] time_point next_time() const noexcept { return heap_.empty() ? never : heap_.front().when; }
    /// Which one that is. There must be one.
    [[nodiscard]] std::uint32_t next() const noexcept { return heap_.front().index; }
    [[nodiscard]] time_point at(std::uint32_t index) const noexcept { return heap_[place_[index]].when; }

    /// Adds a timer, not armed, and returns its number.
    std::uint32_t add() {
        auto const index = static_cast<std::uint32_t>(heap_.size());
        place_.push_back(index);
        heap_.push_back({never, index});
        return index;
    }

    void set(std::uint32_t index, time_point when) noexcept {
        std::size_t hole = place_[index];
        if (heap_[hole].when == when) return;
        entry const moved{when, index};
        while (hole != 0) {
            std::size_t const parent = (hole - 1) / arity;
            if (!before(moved, heap_[parent])) break;
            put(hole, heap_[parent]);
            hole = parent;
        }
        std::size_t const count = heap_.size();
        for (std::size_t first = hole * arity + 1; first < count; first = hole * arity + 1) {
            std::size_t best = first;
            std::size_t const end = first + arity < count ? first + arity : count;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (before(heap_[child], heap_[best])) best = child;
            }
            if (!before(heap_[best], moved)) break;
            put(hole, heap_[best]);
            hole = best;
        }
        put(hole, moved);
    }

private:
    static constexpr std::size_t arity = 4;

    struct entry {
        time_point when;
        std::uint32_t index;
    };
    [[nodiscard]] static bool before(entry const& left, entry const& right) noexcept {
        return left.when < right.when || (left.when == right.when && left.index < right.index);
    }
    void put(std::size_t at, entry const& what) noexcept {
        heap_[at] = what;
        place_[what.index] = static_cast<std::uint32_t>(at);
    }

    std::vector<entry> heap_;
    std::vector<std::uint32_t> place_; // where in the heap each timer is
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
