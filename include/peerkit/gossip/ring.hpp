// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Who watches whom: a ring of the living that everybody orders alike, and differently in every epoch.
#ifndef PEERKIT_GOSSIP_RING_HPP
#define PEERKIT_GOSSIP_RING_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/member_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Where a member stands on the ring of an epoch. Everybody computes the same.
[[nodiscard]] constexpr std::uint64_t ring_place(short_id key, std::uint32_t epoch) noexcept {
    std::uint64_t word = static_cast<std::uint64_t>(key) + (epoch + 1ULL) * 0x9e3779b97f4a7c15ULL;
    word = (word ^ word >> 30U) * 0xbf58476d1ce4e5b9ULL;
    word = (word ^ word >> 27U) * 0x94d049bb133111ebULL;
    return word ^ word >> 31U;
}

/// The number of the present order. It travels in pings and acks; a higher one is taken over, so that it spreads as
/// fast as news does, and whoever has kept one for `lifetime` of its own periods counts it up (Lamport's clock). So no
/// pair of members is watcher and watched for ever: a bad link between two matters for half a minute.
class ring_epoch {
public:
    static constexpr unsigned lifetime = 32;
    /// Most by which others move this node's epoch in one of its periods. A dishonest member would have to keep at it
    /// for weeks to wear the numbers out; then the order is fixed, and members are still watched.
    static constexpr std::uint32_t stride = 1024;

    [[nodiscard]] std::uint32_t value() const noexcept { return epoch_; }

    /// Another node told its epoch. True if this node's changed. A node without one of its own takes any.
    bool hear(std::uint32_t theirs) noexcept {
        std::uint32_t const taken = fresh_ ? theirs : std::min(theirs, most_);
        if (taken <= epoch_) return false;
        move(taken);
        return true;
    }
    /// A period of this node begins. True if its epoch changed.
    bool count() noexcept {
        most_ = ahead(epoch_);
        if (++periods_ <= lifetime || epoch_ == std::numeric_limits<std::uint32_t>::max()) return false;
        move(epoch_ + 1);
        return true;
    }

private:
    static constexpr std::uint32_t ahead(std::uint32_t from) noexcept {
        return from > std::numeric_limits<std::uint32_t>::max() - stride ? std::numeric_limits<std::uint32_t>::max()
                                                                         : from + stride;
    }
    void move(std::uint32_t to) noexcept {
        if (fresh_) most_ = ahead(to);
        fresh_ = false;
        epoch_ = to;
        periods_ = 0;
    }

    std::uint32_t epoch_ = 0;
    std::uint32_t most_ = 0;
    unsigned periods_ = 0;
    bool fresh_ = true;
};

/// This node's place among the living: its successor is kept, so that a period of a settled cluster looks at no other
/// member; a newcomer is compared with it in constant time, and only a new epoch or the successor's end means a search.
class ring {
public:
    [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_.value(); }
    void hear(std::uint32_t theirs) noexcept { searched_ = !epoch_.hear(theirs) && searched_; }
    void count() noexcept { searched_ = !epoch_.count() && searched_; }

    /// A member is alive: a newcomer, or one that is back.
    void came(membership::slot at, short_id key, short_id self) noexcept {
        if (searched_ && distance(self, key) < distance_) set(at, key, self);
    }
    /// A member is not alive any more.
    void went(short_id key) noexcept { searched_ = searched_ && key != key_; }

    /// The member alive that comes after this node; `no_slot` if there is none.
    [[nodiscard]] membership::slot successor(membership::member_table const& table, short_id self) noexcept {
        if (!searched_) {
            distance_ = std::numeric_limits<std::uint64_t>::max();
            at_ = after(table, self, 0);
            key_ = at_ == membership::no_slot ? short_id{} : table[at_].key;
            if (at_ != membership::no_slot) distance_ = distance(self, key_);
            searched_ = true;
        }
        return at_;
    }
    /// The member alive that comes after `from`, a distance from this node, and before this node; `no_slot` if none.
    [[nodiscard]] membership::slot after(membership::member_table const& table, short_id self,
                                         std::uint64_t from) const noexcept {
        membership::slot best = membership::no_slot;
        std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
        std::uint64_t const own = ring_place(self, epoch());
        for (membership::slot at = 0; at < table.end(); ++at) {
            membership::member const& row = table[at];
            if (!row.used || row.state != membership::member_state::alive || row.key == self) continue;
            std::uint64_t const away = ring_place(row.key, epoch()) - own;
            if (away <= from || away > least) continue;
            best = at;
            least = away;
        }
        return best;
    }
    /// How far `key` is behind `self`, going round.
    [[nodiscard]] std::uint64_t distance(short_id self, short_id key) const noexcept {
        return ring_place(key, epoch()) - ring_place(self, epoch());
    }

private:
    void set(membership::slot at, short_id key, short_id self) noexcept {
        at_ = at;
        key_ = key;
        distance_ = distance(self, key);
    }

    ring_epoch epoch_;
    bool searched_ = false;
    membership::slot at_ = membership::no_slot;
    short_id key_{};
    std::uint64_t distance_ = std::numeric_limits<std::uint64_t>::max();
};

/// The `most` members alive that come first in an order of the subject's: whom to ask about it. Everybody draws the
/// same ones, no accuser chooses them, and the order changes only when the subject has refuted some hundred times, so
/// that it cannot draw again until it likes the jury.
class jury {
public:
    static constexpr std::size_t most = 12;

    jury(membership::member_table const& table, short_id self, short_id subject, std::uint64_t incarnation) noexcept {
        auto const coarse = static_cast<std::uint32_t>(incarnation >> 8U);
        std::uint64_t const order = ring_place(subject, coarse);
        for (membership::slot at = 0; at < table.end(); ++at) {
            membership::member const& row = table[at];
            if (!row.used || row.state != membership::member_state::alive) continue;
            if (row.key == self || row.key == subject) continue;
            std::uint64_t const rank =
                ring_place(static_cast<short_id>(static_cast<std::uint64_t>(row.key) ^ order), 0);
            if (size_ == most && rank >= ranks_[most - 1]) continue;
            std::size_t place = size_ < most ? size_++ : most - 1;
            for (; place != 0 && ranks_[place - 1] > rank; --place) {
                ranks_[place] = ranks_[place - 1];
                members_[place] = members_[place - 1];
            }
            ranks_[place] = rank;
            members_[place] = row.key;
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] short_id operator[](std::size_t i) const noexcept { return members_[i]; }

private:
    std::size_t size_ = 0;
    std::array<short_id, most> members_{};
    std::array<std::uint64_t, most> ranks_{};
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
