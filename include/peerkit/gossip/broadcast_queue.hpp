// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which members' news still has to be told: transmit-limited, least told first.
#ifndef PEERKIT_GOSSIP_BROADCAST_QUEUE_HPP
#define PEERKIT_GOSSIP_BROADCAST_QUEUE_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// The queue holds rows, not messages: what is sent is whatever is held of the member at that moment, so newer news
/// replaces older by itself and a member is queued at most once. The links live in the rows: adding, removing and
/// taking are constant time and allocate nothing.
class broadcast_queue {
public:
    /// Transmissions are counted up to this; `limit` of `fill` must not be larger.
    static constexpr unsigned max_transmits = 96; // membership::member::transmits has seven bits

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// True while some news was never sent.
    [[nodiscard]] bool has_fresh() const noexcept { return heads_[0] != membership::no_slot; }

    /// Queues news of a row, or starts its count again.
    void push(membership::member_table& table, membership::slot at) noexcept {
        remove(table, at);
        table[at].transmits = 0;
        link(table, at);
    }
    void remove(membership::member_table& table, membership::slot at) noexcept {
        membership::member& row = table[at];
        if (!row.queued) return;
        if (row.queue_previous != membership::no_slot)
            table[row.queue_previous].queue_next = row.queue_next;
        else
            heads_[row.transmits] = row.queue_next;
        if (row.queue_next != membership::no_slot) table[row.queue_next].queue_previous = row.queue_previous;
        row.queue_next = row.queue_previous = membership::no_slot;
        row.queued = false;
        --size_;
    }

    /// Counts one transmission of a queued row without sending it.
    void count(membership::member_table& table, membership::slot at, unsigned limit) noexcept {
        remove(table, at);
        if (++table[at].transmits < limit && table[at].transmits <= max_transmits) link(table, at);
    }

    /// Offers rows, least told and newest first, to `write(slot) -> bool`, which returns false when the news does not
    /// fit. Rows written count one transmission and leave the queue at `limit`. Gives up after a few that do not fit.
    template <typename Write>
    void fill(membership::member_table& table, unsigned limit, Write&& write) {
        // A smaller cluster needs less telling: what was told often enough by now is not news any more.
        for (unsigned level = limit; level < last_limit_ && level <= max_transmits; ++level) {
            while (heads_[level] != membership::no_slot) remove(table, heads_[level]);
        }
        last_limit_ = limit;
        std::array<membership::slot, most_per_packet> sent;
        std::size_t count = 0;
        unsigned misses = 0;
        for (unsigned level = 0; level < limit && level <= max_transmits && count < sent.size() && misses < patience;
             ++level) {
            membership::slot at = heads_[level];
            while (at != membership::no_slot && count < sent.size() && misses < patience) {
                membership::slot const next = table[at].queue_next;
                if (write(at)) {
                    remove(table, at);
                    sent[count++] = at;
                } else {
                    ++misses;
                }
                at = next;
            }
        }
        // Only now, so that no row is offered twice for one packet.
        for (std::size_t i = count; i-- > 0;) {
            if (++table[sent[i]].transmits < limit && table[sent[i]].transmits <= max_transmits) link(table, sent[i]);
        }
    }

    /// 0, or: 21 a link is broken, 22 the size is wrong, 23 a row is in the wrong list.
    [[nodiscard]] int check_invariants(membership::member_table const& table) const noexcept {
        std::size_t counted = 0;
        for (unsigned level = 0; level < heads_.size(); ++level) {
            membership::slot previous = membership::no_slot;
            for (membership::slot at = heads_[level]; at != membership::no_slot; at = table[at].queue_next) {
                membership::member const& row = table[at];
                if (row.queue_previous != previous || !row.queued || !row.used) return 21;
                if (row.transmits != level) return 23;
                if (++counted > size_) return 22;
                previous = at;
            }
        }
        return counted == size_ ? 0 : 22;
    }

private:
    static constexpr std::size_t most_per_packet = 48;
    static constexpr unsigned patience = 6;

    void link(membership::member_table& table, membership::slot at) noexcept {
        membership::member& row = table[at];
        membership::slot& head = heads_[row.transmits];
        row.queue_previous = membership::no_slot;
        row.queue_next = head;
        if (head != membership::no_slot) table[head].queue_previous = at;
        head = at;
        row.queued = true;
        ++size_;
    }
    [[nodiscard]] static constexpr std::array<membership::slot, max_transmits + 1> no_heads() noexcept {
        std::array<membership::slot, max_transmits + 1> heads{};
        heads.fill(membership::no_slot);
        return heads;
    }

    std::array<membership::slot, max_transmits + 1> heads_ = no_heads();
    std::size_t size_ = 0;
    unsigned last_limit_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
