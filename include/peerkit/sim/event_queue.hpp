// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What happens when in virtual time: a four-way heap that keeps the order of equal moments.
#ifndef PEERKIT_SIM_EVENT_QUEUE_HPP
#define PEERKIT_SIM_EVENT_QUEUE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// A queue of small values, each due at a moment; equal moments come out in the order they went in. Allocates only
/// when it is larger than it ever was. Not thread safe.
template <typename Payload>
class event_queue {
    static_assert(std::is_trivially_copyable_v<Payload>);

public:
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    /// When the next one is due; `never` if there is none.
    [[nodiscard]] time_point next_time() const noexcept { return heap_.empty() ? never : heap_.front().when; }

    void push(time_point when, Payload const& what) {
        entry const made{when, order_++, what};
        heap_.push_back(made);
        std::size_t hole = heap_.size() - 1;
        while (hole != 0) {
            std::size_t const parent = (hole - 1) / arity;
            if (!before(made, heap_[parent])) break;
            heap_[hole] = heap_[parent];
            hole = parent;
        }
        heap_[hole] = made;
    }

    /// Takes the next one out. There must be one.
    Payload pop() {
        Payload const taken = heap_.front().what;
        entry const last = heap_.back();
        heap_.pop_back();
        if (heap_.empty()) return taken;
        std::size_t const count = heap_.size();
        std::size_t hole = 0;
        for (std::size_t first = 1; first < count; first = hole * arity + 1) {
            std::size_t best = first;
            std::size_t const end = first + arity < count ? first + arity : count;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (before(heap_[child], heap_[best])) best = child;
            }
            if (!before(heap_[best], last)) break;
            heap_[hole] = heap_[best];
            hole = best;
        }
        heap_[hole] = last;
        return taken;
    }

private:
    static constexpr std::size_t arity = 4;

    struct entry {
        time_point when;
        std::uint64_t order;
        Payload what;
    };
    [[nodiscard]] static bool before(entry const& left, entry const& right) noexcept {
        return left.when < right.when || (left.when == right.when && left.order < right.order);
    }

    std::vector<entry> heap_;
    std::uint64_t order_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
