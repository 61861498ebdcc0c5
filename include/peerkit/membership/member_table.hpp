// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The members one node knows: rows with stable slots, found by short id in constant time, capped.
#ifndef PEERKIT_MEMBERSHIP_MEMBER_TABLE_HPP
#define PEERKIT_MEMBERSHIP_MEMBER_TABLE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/replay_window.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/digest_tree.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/shared_records.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// Index of a row; stays the same while the member is in the table.
using slot = std::uint32_t;
inline constexpr slot no_slot = 0xffffffffU;

/// What is held of one member. The record is the subject's own signed announcement, verbatim.
/// One cache line; the incarnation is read from the record.
struct alignas(64) member {
    static constexpr std::uint16_t no_suspicion = 0xffff;

    short_id key{};
    time_point since{};               ///< when `state` was entered
    crypto::replay_window window{};   ///< frames already received from this member
    std::byte const* bytes = nullptr; ///< owned by the table
    std::uint16_t size : 11 = 0;
    std::uint16_t address : 3 = 0; ///< index of the announced address in use; owned by the address book
    std::uint16_t proven : 1 = 0;  ///< the member was heard at that address; owned by the address book
    std::uint16_t look : 1 = 0;    ///< another address may be better; owned by the address book
    std::uint16_t capacity = 0;
    member_state state : 3 = member_state::alive;
    bool queued : 1 = false;        ///< owned by the broadcast queue
    bool used : 1 = false;          ///< false for a free row
    bool reported : 1 = false;      ///< the host was told that this member is up
    bool in_order : 1 = false;      ///< the slot waits in the probing order; survives `erase`; owned by the engine
    bool several : 1 = false;       ///< the record has more than one address
    std::uint8_t transmits : 7 = 0; ///< how often the queued update was sent; owned by the broadcast queue
    std::uint8_t astray : 1 = 0;    ///< the last frame answered a question and yet was outside the window
    std::uint16_t suspicion = no_suspicion; ///< index of the running suspicion; owned by the suspicion set
    slot queue_next = no_slot;
    slot queue_previous = no_slot;

    [[nodiscard]] byte_view record_bytes() const noexcept { return {bytes, size}; }
    [[nodiscard]] wire::record_view record() const noexcept { return wire::record_view::trusted(record_bytes()); }
    [[nodiscard]] membership::standing standing() const noexcept { return {incarnation(), state}; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return record().incarnation(); }
    /// What this version of the record counts in digests.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        return membership::fingerprint(key, incarnation(),
                                       load_big<std::uint64_t>(bytes + size - wire::record_layout::signature_size));
    }
    /// Where the member is reached: the announced address in use.
    [[nodiscard]] ip_endpoint endpoint() const noexcept {
        return several ? record().gossip_endpoint(address) : record().first_endpoint();
    }
};

static_assert(sizeof(member) == 64);
static_assert(limits::record < 1U << 11U && limits::addresses <= 1U << 3U);

/// Rows in blocks (a row never moves) and an open-addressing index whose hash is keyed, so that nobody can choose keys
/// that collide. Finding is constant time; nothing is allocated once the number of rows and the record sizes settle.
class member_table {
public:
    /// At most 2^24 - 1 members. `hash_key` is a random number that does not leave the node. With `shared`, which
    /// outlives the table, the bytes of records are held there.
    member_table(std::size_t max_members, std::uint64_t hash_key, shared_records* shared = nullptr)
        : max_{std::min<std::size_t>(max_members, slot_mask)}, hash_key_{hash_key | 1U}, shared_{shared} {
        index_.assign(64, no_slot);
    }
    member_table(member_table&&) noexcept = default;
    member_table& operator=(member_table&&) = delete;
    ~member_table() {
        for (auto const& block : blocks_) {
            for (std::size_t i = 0; i < block_rows; ++i) release(block[i]);
        }
    }

    /// Members and tombstones.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t max_size() const noexcept { return max_; }
    /// Rows in one state.
    [[nodiscard]] std::size_t count(member_state state) const noexcept {
        return counts_[static_cast<std::size_t>(state)];
    }
    /// Alive and suspect members.
    [[nodiscard]] std::size_t reachable() const noexcept {
        return count(member_state::alive) + count(member_state::suspect);
    }

    /// All used rows are below this slot.
    [[nodiscard]] slot end() const noexcept { return end_; }
    [[nodiscard]] member& operator[](slot at) noexcept { return blocks_[at / block_rows][at % block_rows]; }
    [[nodiscard]] member const& operator[](slot at) const noexcept { return blocks_[at / block_rows][at % block_rows]; }

    [[nodiscard]] slot find(short_id key) const noexcept {
        std::uint64_t const hash = hash_of(key);
        std::uint32_t const tag = tag_of(hash);
        for (std::size_t i = home(hash);; i = (i + 1) & mask()) {
            std::uint32_t const place = index_[i];
            if (place == no_slot) return no_slot;
            if ((place & ~slot_mask) != tag) continue; // a row of another key is not touched
            slot const at = place & slot_mask;
            if ((*this)[at].key == key) return at;
        }
    }

    /// Adds a member whose key is not in the table. Gives `no_slot` when the table is full.
    [[nodiscard]] slot insert(wire::record_view const& record, member_state state, time_point now) {
        if (size_ >= max_) return no_slot;
        slot at = free_;
        if (at != no_slot) {
            free_ = (*this)[at].queue_next;
        } else {
            at = end_++;
            if (at / block_rows == blocks_.size()) blocks_.emplace_back(new member[block_rows]);
        }
        member& row = (*this)[at];
        row.used = true;
        row.key = record.short_id();
        row.state = state;
        row.since = now;
        row.window = {};
        row.queue_next = no_slot;
        ++size_;
        ++counts_[static_cast<std::size_t>(state)];
        replace(at, record);
        if ((size_ + 1) * 8 > index_.size() * 7)
            rehash(index_.size() * 2);
        else
            place(at);
        return at;
    }

    /// Puts a newer record of the same member in place of the old. The address in use stays so if it is still
    /// announced, else the first one takes its place.
    void replace(slot at, wire::record_view const& record) {
        member& row = (*this)[at];
        byte_view const bytes = record.bytes();
        bool const counts = row.state <= member_state::suspect;
        if (counts && row.size != 0) digest_.remove(row.key, row.fingerprint());
        bool const several = record.address_count() > 1;
        if (several || row.several) {
            auto const kept = row.size == 0 ? std::nullopt : record.index_of(row.endpoint());
            row.address = static_cast<std::uint16_t>(kept.value_or(0) & 7U);
            if (!kept || !several) row.proven = row.look = 0;
            row.several = several;
        }
        hold(row, bytes);
        row.size = static_cast<std::uint16_t>(bytes.size() & 0x7ffU);
        if (counts) digest_.add(row.key, row.fingerprint());
    }

    void set_state(slot at, member_state state, time_point now) noexcept {
        member& row = (*this)[at];
        if (row.state == state) return;
        bool const counted = row.state <= member_state::suspect, counts = state <= member_state::suspect;
        if (counted && !counts) digest_.remove(row.key, fingerprint(at));
        if (!counted && counts) digest_.add(row.key, fingerprint(at));
        --counts_[static_cast<std::size_t>(row.state)];
        ++counts_[static_cast<std::size_t>(state)];
        row.state = state;
        row.since = now;
    }

    /// Forgets a member. The caller has taken it out of the broadcast queue and the suspicion set.
    void erase(slot at) noexcept {
        member& row = (*this)[at];
        unplace(at);
        if (row.state <= member_state::suspect) digest_.remove(row.key, fingerprint(at));
        if (at < entries_.size()) entries_[at] = 0;
        --counts_[static_cast<std::size_t>(row.state)];
        --size_;
        bool const in_order = row.in_order;
        release(row);
        row = member{};
        row.in_order = in_order;
        row.queue_next = free_;
        free_ = at;
    }

    /// What the row counts in digests: its record, and what is held of its entries.
    [[nodiscard]] std::uint64_t fingerprint(slot at) const noexcept {
        return (*this)[at].fingerprint() + entries_sum(at);
    }
    /// The sum of the fingerprints of the member's entries, as it was set last.
    [[nodiscard]] std::uint64_t entries_sum(slot at) const noexcept { return at < entries_.size() ? entries_[at] : 0; }
    /// Takes memory, 8 bytes a slot, only once some member has entries.
    void set_entries_sum(slot at, std::uint64_t sum) {
        std::uint64_t const before = entries_sum(at);
        if (sum == before) return;
        if (at >= entries_.size()) {
            std::size_t const slots = (at / block_rows + std::size_t{1}) * block_rows;
            entries_.reserve(slots);
            entries_.resize(slots);
        }
        entries_[at] = sum;
        member const& row = (*this)[at];
        if (row.state > member_state::suspect) return;
        digest_.remove(row.key, before);
        digest_.add(row.key, sum);
    }

    /// Sums over the reachable rows, kept up to date with every change of one.
    [[nodiscard]] digest_tree const& digest() const noexcept { return digest_; }

    /// A row chosen at random; free rows and all states included, so the caller tests and tries again.
    template <Rng R>
    [[nodiscard]] slot any(R& rng) const noexcept {
        return end_ == 0 ? no_slot : static_cast<slot>(uniform(rng, std::uint64_t{end_}));
    }

    /// Calls `f(slot, member const&)` for every used row.
    template <typename F>
    void for_each(F&& f) const {
        for (slot at = 0; at < end_; ++at) {
            if (member const& row = (*this)[at]; row.used) f(at, row);
        }
    }

    /// 0, or: 1 a count is wrong, 2 a row is not found by its key, 3 a row and its record disagree (its key, or the
    /// address in use), 4 over the cap, 5 the digest is not that of the rows.
    [[nodiscard]] int check_invariants() const noexcept {
        std::array<std::size_t, 4> counted{};
        digest_tree summed;
        std::size_t used = 0;
        int code = size_ > max_ ? 4 : 0;
        for_each([&](slot at, member const& row) {
            ++used;
            ++counted[static_cast<std::size_t>(row.state)];
            if (find(row.key) != at) code = 2;
            if (row.state <= member_state::suspect) summed.add(row.key, fingerprint(at));
            std::size_t const addresses = row.record().address_count();
            bool const one = addresses < 2;
            if (row.record().short_id() != row.key || row.several == one ||
                (one ? row.address : row.address / addresses))
                code = 3;
        });
        if (code == 0 && !(summed == digest_)) code = 5;
        return used != size_ || counted != counts_ ? 1 : code;
    }

private:
    static constexpr std::size_t block_rows = 128;
    static constexpr std::uint32_t slot_mask = 0xffffff;

    void hold(member& row, byte_view bytes) {
        if (shared_ != nullptr) {
            std::byte const* const taken = shared_->take(bytes);
            release(row);
            row.bytes = taken;
            return;
        }
        if (bytes.size() > row.capacity) {
            // malloc hands out 16-byte steps less an 8-byte header: ask for what it would give anyway.
            std::size_t const room = ((bytes.size() + 7) / 16 + 1) * 16 - 8;
            delete[] std::exchange(row.bytes, new std::byte[room]);
            row.capacity = static_cast<std::uint16_t>(room);
        }
        copy_bytes(bytes, {const_cast<std::byte*>(row.bytes), row.capacity}); // it was made above, not shared
    }
    void release(member& row) noexcept {
        if (shared_ == nullptr) {
            delete[] row.bytes;
        } else if (row.bytes != nullptr) {
            shared_->give_back(row.bytes);
        }
    }

    [[nodiscard]] std::size_t mask() const noexcept { return index_.size() - 1; }
    [[nodiscard]] std::uint64_t hash_of(short_id key) const noexcept {
        std::uint64_t const word = (static_cast<std::uint64_t>(key) ^ hash_key_) * 0x9e3779b97f4a7c15ULL;
        return (word ^ (word >> 29U)) * hash_key_;
    }
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
        return static_cast<std::size_t>(hash >> 32U) & mask();
    }
    [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash) & ~slot_mask;
    }
    void place(slot at) noexcept {
        std::uint64_t const hash = hash_of((*this)[at].key);
        std::size_t i = home(hash);
        while (index_[i] != no_slot) i = (i + 1) & mask();
        index_[i] = tag_of(hash) | at;
    }
    void unplace(slot at) noexcept {
        std::size_t hole = home(hash_of((*this)[at].key));
        while ((index_[hole] & slot_mask) != at) hole = (hole + 1) & mask();
        // Backward shift: no tombstones in the index, so lookups stay short for ever.
        for (std::size_t i = (hole + 1) & mask(); index_[i] != no_slot; i = (i + 1) & mask()) {
            std::size_t const wanted = home(hash_of((*this)[index_[i] & slot_mask].key));
            if (((i - wanted) & mask()) >= ((i - hole) & mask())) {
                index_[hole] = index_[i];
                hole = i;
            }
        }
        index_[hole] = no_slot;
    }
    void rehash(std::size_t slots) {
        index_.assign(slots, no_slot);
        for (slot at = 0; at < end_; ++at) {
            if ((*this)[at].used) place(at);
        }
    }

    std::size_t max_;
    std::uint64_t hash_key_;
    shared_records* shared_;
    std::vector<std::unique_ptr<member[]>> blocks_;
    std::vector<std::uint32_t> index_; ///< a slot, and above `slot_mask` as many bits of the key's hash
    std::array<std::size_t, 4> counts_{};
    std::size_t size_ = 0;
    slot end_ = 0;
    slot free_ = no_slot;
    digest_tree digest_;
    std::vector<std::uint64_t> entries_; ///< by slot; empty as long as nobody has entries
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
