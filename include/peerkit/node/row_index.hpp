// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Finds rows of a table by a hash of what is in them; several rows may share one hash.
#ifndef PEERKIT_NODE_ROW_INDEX_HPP
#define PEERKIT_NODE_ROW_INDEX_HPP

#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Open addressing over pairs of hash and row number. The caller hashes with a secret key, so that strangers cannot
/// choose what collides, and compares what it finds. Constant time; allocates only when it grows.
class row_index {
public:
    using row = std::uint32_t;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void insert(std::uint64_t hash, row at) {
        if ((size_ + 1) * 4 > cells_.size() * 3) grow();
        place({hash, at, true});
        ++size_;
    }
    /// Takes out one pair. False if it is not there.
    bool erase(std::uint64_t hash, row at) noexcept {
        if (cells_.empty()) return false;
        std::size_t hole = home(hash);
        for (;; hole = next(hole)) {
            if (!cells_[hole].used) return false;
            if (cells_[hole].hash == hash && cells_[hole].at == at) break;
        }
        // Backward shift: no tombstones, so lookups stay short for ever.
        for (std::size_t i = next(hole); cells_[i].used; i = next(i)) {
            std::size_t const wanted = home(cells_[i].hash);
            if (((i - wanted) & mask()) >= ((i - hole) & mask())) {
                cells_[hole] = cells_[i];
                hole = i;
            }
        }
        cells_[hole] = {};
        --size_;
        return true;
    }
    /// Calls `f(row)` for the rows under this hash until it returns true; false if it never does. `f` does not change
    /// the index.
    template <typename F>
    bool find(std::uint64_t hash, F&& f) const {
        if (cells_.empty()) return false;
        for (std::size_t i = home(hash); cells_[i].used; i = next(i)) {
            if (cells_[i].hash == hash && f(cells_[i].at)) return true;
        }
        return false;
    }

private:
    struct cell {
        std::uint64_t hash = 0;
        row at = 0;
        bool used = false;
    };

    [[nodiscard]] std::size_t mask() const noexcept { return cells_.size() - 1; }
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
        return static_cast<std::size_t>(hash >> 32U) & mask();
    }
    [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }
    void place(cell const& made) noexcept {
        std::size_t i = home(made.hash);
        while (cells_[i].used) i = next(i);
        cells_[i] = made;
    }
    void grow() {
        std::vector<cell> const before =
            std::exchange(cells_, std::vector<cell>(cells_.empty() ? 16 : cells_.size() * 2));
        for (cell const& c : before) {
            if (c.used) place(c);
        }
    }

    std::vector<cell> cells_;
    std::size_t size_ = 0;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
