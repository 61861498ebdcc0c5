// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One small value per slot of the member table, for what few members have or does not fit their rows.
#ifndef PEERKIT_MEMBERSHIP_SLOT_COLUMN_HPP
#define PEERKIT_MEMBERSHIP_SLOT_COLUMN_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>

#include <cstddef>
#include <type_traits>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// Values are zero until they are set. Grows a block at a time with the highest slot that was set, and keeps no slack
/// beyond: a value costs its size. Not thread safe.
template <typename T>
    requires std::is_trivially_copyable_v<T>
class slot_column {
public:
    [[nodiscard]] T operator[](slot at) const noexcept { return at < values_.size() ? values_[at] : T{}; }
    void set(slot at, T value) {
        if (at >= values_.size()) {
            if (value == T{}) return;
            std::size_t const blocks = at / block + std::size_t{1};
            values_.reserve(blocks * block);
            values_.resize(blocks * block);
        }
        values_[at] = value;
    }
    /// The slot is somebody else's from now on.
    void clear(slot at) noexcept {
        if (at < values_.size()) values_[at] = T{};
    }

private:
    static constexpr std::size_t block = 256;

    std::vector<T> values_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
