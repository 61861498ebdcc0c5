// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The entries of all members' maps that one node holds: the latest version of each key, capped, and which are news.
#ifndef PEERKIT_MEMBERSHIP_ENTRY_STORE_HPP
#define PEERKIT_MEMBERSHIP_ENTRY_STORE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/digest_tree.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/slot_column.hpp>
#include <peerkit/wire/entry.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// How an entry stands to what is held of its owner and key.
enum class entry_standing : std::uint8_t {
    newer, ///< nothing or an older version is held
    same,  ///< the very bytes are held
    older, ///< a newer version is held
    wins,  ///< the owner signed two entries with this version; everybody keeps the one whose bytes come first: this
    loses, ///< the same, and it is the other
};

/// Entries by the slot of their owner, ordered by key. Merging them is a join (commutative, associative, idempotent)
/// within the caps: what is kept beyond a cap are the highest versions. What is erased stays for a while without its
/// value, so that it is not taken over again from somebody who missed it. Nothing is verified here.
///
/// Memory is taken with the first entry; a changed value that is no longer than the one before reuses its memory.
class entry_store {
public:
    using id = std::uint32_t;
    static constexpr id none = 0xffffffffU;
    /// Transmissions are counted up to this; `limit` of `fill` must not be larger.
    static constexpr unsigned max_transmits = 96;

    explicit entry_store(std::size_t max_bytes) noexcept : max_bytes_{max_bytes} {}

    /// Entries, erased ones included.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// Bytes they take, which `max_bytes` caps.
    [[nodiscard]] std::size_t memory() const noexcept { return size_ * sizeof(row) + bytes_; }

    /// `none` if nothing is held of that key, not even that it was erased.
    [[nodiscard]] id find(slot owner, std::string_view key) const noexcept {
        for (id at = first(owner); at != none; at = rows_[at].next) {
            std::string_view const held = (*this)[at].key();
            if (held >= key) return held == key ? at : none;
        }
        return none;
    }
    [[nodiscard]] wire::entry_view operator[](id at) const noexcept {
        return wire::entry_view::trusted({rows_[at].bytes.get(), rows_[at].size});
    }
    /// Entries of a member that are not erased, erased ones, and the bytes of the former.
    [[nodiscard]] std::size_t count(slot owner) const noexcept { return read(owner).live; }
    [[nodiscard]] std::size_t erased(slot owner) const noexcept { return read(owner).erased; }
    [[nodiscard]] std::size_t bytes(slot owner) const noexcept { return read(owner).bytes; }
    /// The sum of the fingerprints of those that are not erased.
    [[nodiscard]] std::uint64_t sum(slot owner) const noexcept { return read(owner).sum; }

    [[nodiscard]] entry_standing compare(slot owner, wire::entry_view const& said) const noexcept {
        id const at = find(owner, said.key());
        if (at == none) return entry_standing::newer;
        wire::entry_view const held = (*this)[at];
        if (said.version() != held.version())
            return said.version() > held.version() ? entry_standing::newer : entry_standing::older;
        if (equal(said.bytes(), held.bytes())) return entry_standing::same;
        return std::lexicographical_compare(said.bytes().begin(), said.bytes().end(), held.bytes().begin(),
                                            held.bytes().end())
                   ? entry_standing::wins
                   : entry_standing::loses;
    }

    /// Whether so many bytes more may be held at all. If not, the caller forgets somebody, or lets it be.
    [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
        return memory() + sizeof(row) + room_for(bytes) <= max_bytes_;
    }

    /// Whether the member has changed less than `limits::entries` beyond `per_second` lately. Not charged for what
    /// others say in its name: ask before the signature is checked, charge after.
    [[nodiscard]] bool ready(slot owner, std::uint32_t per_second, time_point now) const noexcept {
        owner_row const& of = read(owner);
        return of.first == none || of.level - worn(of, per_second, now) < limits::entries;
    }
    void charge(slot owner, std::uint32_t per_second, time_point now) noexcept {
        std::uint32_t const index = column_[owner];
        if (index == 0) return;
        owner_row& of = owners_[index - 1];
        std::uint32_t const less = worn(of, per_second, now);
        of.level -= less;
        // What has worn off in part goes on doing so.
        of.charged = of.level == 0 ? now : of.charged + duration{std::int64_t{less} * 1'000'000'000 / per_second};
        ++of.level;
    }
    /// This node signed it in this life, so what an earlier life signed does not take its place.
    void mark_own(id at) noexcept { rows_[at].own = true; }
    [[nodiscard]] bool own(id at) const noexcept { return rows_[at].own; }
    /// False for an entry that was forgotten since its id was taken.
    [[nodiscard]] bool holds(id at) const noexcept { return at < rows_.size() && rows_[at].size != 0; }

    /// Takes over an entry that stands `newer` or `wins`. If the owner has too many for that, its lowest versions go.
    /// Gives `none`, and changes nothing, if its own version is the lowest.
    id put(slot owner, wire::entry_view const& said, time_point now) {
        owner_row& of = make(owner);
        id at = find(owner, said.key());
        if (!make_room(of, at, said)) {
            if (of.first == none) drop_owner(owner);
            return none;
        }
        if (at == none)
            at = link(of, said.key());
        else
            discount(of, at);
        row& r = rows_[at];
        hold(r, said.bytes());
        r.owner = owner;
        r.own = false;
        r.since = now;
        count_in(of, at);
        return at;
    }
    /// Forgets what is held of a member.
    void forget(slot owner) noexcept {
        owner_row const of = read(owner);
        if (of.first == none) return;
        for (id at = of.first; at != none;) {
            id const next = rows_[at].next;
            release(at);
            at = next;
        }
        drop_owner(owner);
    }
    /// Forgets what was erased at `before` or earlier, and of `except` nothing.
    void expire(time_point before, slot except) noexcept {
        for (id at = 0; at < rows_.size(); ++at) {
            if (rows_[at].size == 0 || rows_[at].since > before || rows_[at].owner == except) continue;
            if ((*this)[at].erased()) remove(at);
        }
    }
    /// Forgets one entry.
    void remove(id at) noexcept {
        slot const owner = rows_[at].owner;
        owner_row& of = owners_[column_[owner] - 1];
        id* link = &of.first;
        while (*link != at) link = &rows_[*link].next;
        *link = rows_[at].next;
        discount(of, at);
        release(at);
        if (of.first == none) drop_owner(owner);
    }

    /// Calls `f(entry_view)` for the entries of a member that are not erased and begin with `prefix`, by ascending key.
    template <typename F>
    void for_each(slot owner, std::string_view prefix, F&& f) const {
        for (id at = first(owner); at != none; at = rows_[at].next) {
            wire::entry_view const held = (*this)[at];
            if (held.erased() || !held.key().starts_with(prefix)) continue;
            f(held);
        }
    }
    /// What follows `after` by key, erased ones included; the first for `none`; `none` behind the last.
    [[nodiscard]] id next(slot owner, id after) const noexcept {
        return after == none ? first(owner) : rows_[after].next;
    }
    /// The marks of those that are not erased, ascending; valid until the next call.
    [[nodiscard]] std::span<std::uint32_t const> marks(slot owner) {
        marks_.clear();
        for_each(owner, {}, [&](wire::entry_view const& e) { marks_.push_back(mark(e)); });
        std::sort(marks_.begin(), marks_.end());
        marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
        return marks_;
    }
    [[nodiscard]] static std::uint32_t mark(wire::entry_view const& e) noexcept {
        return static_cast<std::uint32_t>(entry_fingerprint(e.version(), e.signature_word()));
    }

    /// Entries that went because their owner had too many.
    [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }

    // News: what is still told to others, least told first.
    [[nodiscard]] std::size_t queued() const noexcept { return queued_; }
    /// Something was never told.
    [[nodiscard]] bool has_fresh() const noexcept { return heads_[0] != none; }
    void push(id at) noexcept {
        unqueue(at);
        rows_[at].transmits = 0;
        enqueue(at);
    }
    /// Somebody else was heard telling it: one time less to tell it.
    void count(id at, unsigned limit) noexcept {
        if (!rows_[at].queued) return;
        unqueue(at);
        if (++rows_[at].transmits < std::min(limit, max_transmits)) enqueue(at);
    }
    void unqueue(id at) noexcept {
        row& r = rows_[at];
        if (!r.queued) return;
        (r.queue_previous != none ? rows_[r.queue_previous].queue_next : heads_[r.transmits]) = r.queue_next;
        if (r.queue_next != none) rows_[r.queue_next].queue_previous = r.queue_previous;
        r.queue_next = r.queue_previous = none;
        r.queued = false;
        --queued_;
    }
    /// Offers news, least told and newest first, to `write(byte_view) -> bool`, which returns false for what does not
    /// fit. What is written counts one transmission and is no news any more at `limit`.
    template <typename Write>
    void fill(unsigned limit, Write&& write) {
        limit = std::min(limit, max_transmits);
        for (unsigned level = limit; level < last_limit_; ++level) {
            while (heads_[level] != none) unqueue(heads_[level]);
        }
        last_limit_ = limit;
        std::array<id, most_per_packet> sent;
        std::size_t count = 0;
        unsigned misses = 0;
        for (unsigned level = 0; level < limit && count < sent.size() && misses < patience; ++level) {
            for (id at = heads_[level]; at != none && count < sent.size() && misses < patience;) {
                id const next = rows_[at].queue_next;
                if (write((*this)[at].bytes())) {
                    unqueue(at);
                    sent[count++] = at;
                } else {
                    ++misses;
                }
                at = next;
            }
        }
        // Only now, so that nothing is offered twice for one packet.
        for (std::size_t i = count; i-- > 0;) {
            if (++rows_[sent[i]].transmits < limit) enqueue(sent[i]);
        }
    }

    /// 0, or: 71 the entries of a member are not in order, or not its own, 72 a count, size or sum of a member is
    /// wrong, 73 over a cap, 74 the news are not linked, 75 the total is wrong.
    [[nodiscard]] int check_invariants() const noexcept {
        std::size_t seen = 0, taken = 0, news = 0;
        for (owner_row const& of : owners_) {
            if (of.first == none) continue;
            owner_row counted{};
            std::string_view last;
            for (id at = of.first; at != none; at = rows_[at].next) {
                row const& r = rows_[at];
                wire::entry_view const e = (*this)[at];
                if (++seen > size_ || e.key() <= last || &owners_[column_[r.owner] - 1] != &of) return 71;
                last = e.key();
                taken += r.capacity;
                news += r.queued;
                if (e.erased()) {
                    ++counted.erased;
                    continue;
                }
                ++counted.live;
                counted.bytes += r.size;
                counted.sum += entry_fingerprint(e.version(), e.signature_word());
            }
            if (counted.live != of.live || counted.erased != of.erased || counted.bytes != of.bytes ||
                counted.sum != of.sum)
                return 72;
            if (of.live > limits::entries || of.erased > limits::erased || of.bytes > limits::entry_bytes) return 73;
        }
        for (unsigned level = 0; level < heads_.size(); ++level) {
            id previous = none;
            for (id at = heads_[level]; at != none; previous = at, at = rows_[at].queue_next) {
                row const& r = rows_[at];
                if (!r.queued || r.transmits != level || r.queue_previous != previous || news-- == 0) return 74;
            }
        }
        if (news != 0) return 74;
        return seen != size_ || taken != bytes_ ? 75 : 0;
    }

private:
    struct row {
        std::unique_ptr<std::byte[]> bytes;
        time_point since{}; ///< when this version was taken over
        slot owner = no_slot;
        id next = none; ///< by key; of free rows, the next free one
        id queue_next = none;
        id queue_previous = none;
        std::uint16_t size = 0; ///< 0: free
        std::uint16_t capacity = 0;
        std::uint8_t transmits = 0;
        bool queued = false;
        bool own = false;
    };
    struct owner_row {
        id first = none;
        std::uint16_t live = 0;
        std::uint16_t erased = 0;
        std::uint32_t bytes = 0;
        std::uint64_t sum = 0;
        time_point charged{};
        std::uint32_t level = 0; ///< changes at `charged` that are not worn off yet
    };
    static constexpr std::size_t most_per_packet = 16;
    static constexpr unsigned patience = 4;

    /// malloc hands out 16-byte steps less an 8-byte header: ask for what it would give anyway.
    [[nodiscard]] static constexpr std::size_t room_for(std::size_t bytes) noexcept {
        return ((bytes + 7) / 16 + 1) * 16 - 8;
    }
    /// How many of the changes that were charged have worn off by now.
    [[nodiscard]] static std::uint32_t worn(owner_row const& of, std::uint32_t per_second, time_point now) noexcept {
        if (now <= of.charged) return 0;
        auto const waited =
            static_cast<std::uint64_t>(std::min<duration>(now - of.charged, std::chrono::hours{1}).count());
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(waited * per_second / 1'000'000'000U, of.level));
    }
    [[nodiscard]] id first(slot owner) const noexcept { return read(owner).first; }
    [[nodiscard]] owner_row const& read(slot owner) const noexcept {
        static constexpr owner_row nothing{};
        std::uint32_t const index = column_[owner];
        return index == 0 ? nothing : owners_[index - 1];
    }
    [[nodiscard]] owner_row& make(slot owner) {
        std::uint32_t index = column_[owner];
        if (index == 0) {
            if (!free_owners_.empty()) {
                index = free_owners_.back();
                free_owners_.pop_back();
            } else {
                owners_.emplace_back();
                index = static_cast<std::uint32_t>(owners_.size());
                free_owners_.reserve(owners_.size());
            }
            column_.set(owner, index);
        }
        return owners_[index - 1];
    }
    void drop_owner(slot owner) noexcept {
        std::uint32_t const index = column_[owner];
        owners_[index - 1] = {};
        free_owners_.push_back(index); // reserved by make()
        column_.clear(owner);
    }
    void count_in(owner_row& of, id at) noexcept {
        wire::entry_view const e = (*this)[at];
        if (e.erased()) {
            ++of.erased;
            return;
        }
        ++of.live;
        of.bytes += rows_[at].size;
        of.sum += entry_fingerprint(e.version(), e.signature_word());
    }
    void discount(owner_row& of, id at) noexcept {
        wire::entry_view const e = (*this)[at];
        if (e.erased()) {
            --of.erased;
            return;
        }
        --of.live;
        of.bytes -= rows_[at].size;
        of.sum -= entry_fingerprint(e.version(), e.signature_word());
    }
    /// Removes entries of lower version until `said` can take the place of `replaced`. What has to go is found out
    /// first, so that nothing is lost for an entry that is refused.
    [[nodiscard]] bool make_room(owner_row& of, id replaced, wire::entry_view const& said) noexcept {
        bool const erased = said.erased();
        bool const counted = replaced != none && (*this)[replaced].erased() == erased;
        std::size_t const before = counted ? rows_[replaced].size : 0;
        auto const over = [&](std::size_t live, std::size_t bytes) {
            if (erased) return live - counted + 1 > limits::erased;
            return live - counted + 1 > limits::entries || bytes - before + said.bytes().size() > limits::entry_bytes;
        };
        std::size_t count = erased ? of.erased : of.live, bytes = of.bytes;
        std::uint64_t floor = 0; // everything of the kind up to this version goes
        while (over(count, bytes)) {
            id const victim = lowest(of, erased, replaced, floor);
            if (victim == none || (*this)[victim].version() > said.version()) return false;
            floor = (*this)[victim].version();
            --count;
            if (!erased) bytes -= rows_[victim].size;
        }
        for (id* link = &of.first; floor != 0 && *link != none;) {
            id const at = *link;
            wire::entry_view const e = (*this)[at];
            if (at == replaced || e.erased() != erased || e.version() > floor) {
                link = &rows_[at].next;
                continue;
            }
            *link = rows_[at].next;
            discount(of, at);
            release(at);
            ++evicted_;
        }
        return true;
    }
    /// The lowest version above `floor` among the erased entries or the others.
    [[nodiscard]] id lowest(owner_row const& of, bool erased, id except, std::uint64_t floor) const noexcept {
        id found = none;
        for (id at = of.first; at != none; at = rows_[at].next) {
            wire::entry_view const e = (*this)[at];
            if (at == except || e.erased() != erased || e.version() <= floor) continue;
            if (found == none || e.version() < (*this)[found].version()) found = at;
        }
        return found;
    }
    /// A new row at its place in the order.
    [[nodiscard]] id link(owner_row& of, std::string_view key) {
        id at = free_;
        if (at != none) {
            free_ = rows_[at].next;
        } else {
            at = static_cast<id>(rows_.size());
            rows_.emplace_back();
        }
        id* place = &of.first;
        while (*place != none && (*this)[*place].key() < key) place = &rows_[*place].next;
        rows_[at].next = *place;
        *place = at;
        ++size_;
        return at;
    }
    void hold(row& r, byte_view bytes) {
        std::size_t const room = room_for(bytes.size());
        // What a large value leaves behind when it becomes small is given back.
        if (bytes.size() > r.capacity || room * 2 < r.capacity) {
            r.bytes.reset(new std::byte[room]);
            bytes_ += room - r.capacity;
            r.capacity = static_cast<std::uint16_t>(room);
        }
        copy_bytes(bytes, {r.bytes.get(), r.capacity});
        r.size = static_cast<std::uint16_t>(bytes.size());
    }
    /// Of a row that is linked nowhere any more but in the queue.
    void release(id at) noexcept {
        unqueue(at);
        bytes_ -= rows_[at].capacity;
        rows_[at] = row{};
        rows_[at].next = free_;
        free_ = at;
        --size_;
    }
    void enqueue(id at) noexcept {
        row& r = rows_[at];
        id& head = heads_[r.transmits];
        r.queue_previous = none;
        r.queue_next = head;
        if (head != none) rows_[head].queue_previous = at;
        head = at;
        r.queued = true;
        ++queued_;
    }
    [[nodiscard]] static constexpr std::array<id, max_transmits + 1> no_heads() noexcept {
        std::array<id, max_transmits + 1> heads{};
        heads.fill(none);
        return heads;
    }

    std::size_t max_bytes_;
    std::vector<row> rows_;
    slot_column<std::uint32_t> column_; ///< by slot: 1 + index in `owners_`
    std::vector<owner_row> owners_;
    std::vector<std::uint32_t> free_owners_;
    id free_ = none;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
    std::array<id, max_transmits + 1> heads_ = no_heads();
    std::size_t queued_ = 0;
    unsigned last_limit_ = 0;
    std::uint64_t evicted_ = 0; ///< entries dropped for newer ones of an owner over its caps
    std::vector<std::uint32_t> marks_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
