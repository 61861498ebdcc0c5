// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One step of finding out what two tables do not have in common: sums against sums, a listing against rows.
#ifndef PEERKIT_MEMBERSHIP_TABLE_COMPARISON_HPP
#define PEERKIT_MEMBERSHIP_TABLE_COMPARISON_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/digest_tree.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/wire/digest.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// Works out the answers to `sums` and `listing` from a table; the engine carries them. Every call passes over the rows
/// at most once and keeps its results until the next; its memory is what the largest answer takes, which the size of a
/// packet bounds, and is used again.
class table_comparison {
public:
    /// Members in a range that is listed rather than divided further.
    static constexpr std::size_t few = 8;
    /// Each range that differs is divided into 2^this parts.
    static constexpr unsigned step = 4;

    table_comparison() {
        sums_.reserve(in_one_packet);
        found_.reserve(in_one_packet / 4);
        tell_.reserve(in_one_packet / 4);
        differing_.reserve(in_one_packet / 4);
        pull_.reserve(in_one_packet / 4);
    }

    /// Bits of the ranges a comparison of so many members begins with: about four in each, 256 ranges at most.
    [[nodiscard]] static constexpr unsigned opening_bits(std::size_t members) noexcept {
        return std::min(digest_tree::top_bits, static_cast<unsigned>(std::bit_width(members / 4)));
    }
    /// Whether ranges of so many bits hold few of `members`, so that they are listed.
    [[nodiscard]] static constexpr bool listable(std::size_t members, unsigned bits) noexcept {
        return bits + step > key_ranges::most_bits || members >> bits <= few;
    }

    /// The sums a comparison begins with: those of all ranges of `bits`, at most `digest_tree::top_bits`.
    [[nodiscard]] std::span<std::uint32_t const> all(member_table const& table, unsigned bits) {
        sums_.clear();
        for (std::uint32_t i = 0; i < 1U << bits; ++i)
            sums_.push_back(static_cast<std::uint32_t>(table.digest().sum(bits, i)));
        return sums_;
    }

    /// Finds the parts whose sums differ from this table's; they are `ranges()` then, of `theirs.bits()` bits.
    void find_differing(member_table const& table, wire::sums_view const& theirs) {
        unsigned const span = theirs.span(), bits = theirs.bits();
        if (bits == span && bits <= digest_tree::top_bits) {
            (void)all(table, bits); // one range, of everything
        } else {
            ranges_.reset(bits - span);
            for (std::size_t i = 0; i < theirs.size(); ++i) (void)ranges_.add(theirs.range(i));
            sum_up(table, span);
        }
        ranges_.reset(bits);
        for (std::size_t i = 0; i < theirs.size(); ++i) {
            for (std::size_t part = 0; part < theirs.parts(); ++part) {
                if (theirs.sum(i, part) == sums_[i * theirs.parts() + part]) continue;
                (void)ranges_.add((theirs.range(i) << span) | static_cast<std::uint32_t>(part));
            }
        }
    }
    [[nodiscard]] key_ranges const& ranges() const noexcept { return ranges_; }

    /// Sums of the parts of `ranges()`, each divided into 2^`step`; all parts of the first range, then of the second.
    [[nodiscard]] std::span<std::uint32_t const> divide(member_table const& table) {
        sum_up(table, step);
        return sums_;
    }

    /// One reachable row in one of `ranges()`.
    struct found {
        std::size_t place = 0; ///< of its range
        short_id key{};
        slot at = no_slot;
    };
    /// The reachable rows in `ranges()`, ascending.
    [[nodiscard]] std::span<found const> list(member_table const& table) {
        found_.clear();
        table.for_each([&](slot at, member const& row) {
            if (row.state > member_state::suspect) return;
            if (std::size_t const place = ranges_.place_of(row.key); place != key_ranges::none)
                found_.push_back({place, row.key, at});
        });
        std::sort(found_.begin(), found_.end(), [](found const& a, found const& b) { return a.key < b.key; });
        return found_;
    }
    /// A row as it stands in a listing.
    [[nodiscard]] static wire::listed entry_of(member_table const& table, slot at) noexcept {
        return {table[at].key, table[at].incarnation(), static_cast<std::uint32_t>(table.fingerprint(at))};
    }

    /// Finds what of `theirs` this table has newer (`to_tell`), lacks (`to_pull`) or has otherwise (`differing`).
    ///
    /// A tombstone counts as newer than the living of the same incarnation or an older one, as everywhere; one that was
    /// never a member's here is left out (see `member::reported`).
    void sort_out(member_table const& table, wire::listing_view const& theirs) {
        tell_.clear();
        pull_.clear();
        differing_.clear();
        ranges_.reset(theirs.bits());
        theirs.for_each([&](wire::listing_view::group const& g) { (void)ranges_.add(g.range()); });
        (void)list(table);
        std::size_t mine = 0, place = 0;
        theirs.for_each([&](wire::listing_view::group const& g) {
            for (std::size_t i = 0; i < g.size(); ++i) {
                wire::listed const entry = g[i];
                for (; mine < found_.size() && found_[mine].place == place && found_[mine].key < entry.key; ++mine)
                    tell_.push_back(found_[mine].at);
                if (mine < found_.size() && found_[mine].key == entry.key)
                    weigh(table, found_[mine++].at, entry);
                else
                    miss(table, entry);
            }
            // Behind the last entry of a listing that was cut there may be any of them.
            for (; mine < found_.size() && found_[mine].place == place; ++mine) {
                if (g.whole()) tell_.push_back(found_[mine].at);
            }
            ++place;
        });
    }
    /// Finds what of `wanted` this table has newer: `to_tell`.
    void look_up(member_table const& table, wire::pull_view const& wanted) {
        tell_.clear();
        pull_.clear();
        differing_.clear();
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            slot const at = table.find(wanted[i].key);
            if (at != no_slot && table[at].incarnation() > wanted[i].known && told(table[at])) tell_.push_back(at);
        }
    }
    [[nodiscard]] std::span<slot const> to_tell() const noexcept { return tell_; }
    [[nodiscard]] std::span<wire::pulled const> to_pull() const noexcept { return pull_; }
    /// Those of whom both hold the same incarnation and yet not the same: their entries differ, or they signed one
    /// incarnation twice.
    [[nodiscard]] std::span<slot const> differing() const noexcept { return differing_; }

private:
    /// A tombstone that is known as one only is not passed on.
    [[nodiscard]] static bool told(member const& row) noexcept {
        return row.state != member_state::dead || row.reported;
    }
    void weigh(member_table const& table, slot at, wire::listed const& entry) {
        std::uint64_t const held = table[at].incarnation();
        if (entry.incarnation > held)
            pull_.push_back({entry.key, held});
        else if (entry.incarnation < held)
            tell_.push_back(at);
        else if (entry != entry_of(table, at))
            differing_.push_back(at);
    }
    void miss(member_table const& table, wire::listed const& entry) {
        slot const at = table.find(entry.key);
        if (at == no_slot)
            pull_.push_back({entry.key, 0});
        else if (entry.incarnation > table[at].incarnation())
            pull_.push_back({entry.key, table[at].incarnation()});
        else if (told(table[at]))
            tell_.push_back(at);
    }
    /// Fills `sums_` with the sums of the 2^`span` parts of each of `ranges_`.
    void sum_up(member_table const& table, unsigned span) {
        std::size_t const parts = std::size_t{1} << span;
        unsigned const bits = ranges_.bits() + span;
        sums_.assign(ranges_.size() * parts, 0);
        table.for_each([&](slot at, member const& row) {
            if (row.state > member_state::suspect) return;
            std::size_t const place = ranges_.place_of(row.key);
            if (place == key_ranges::none) return;
            std::uint64_t const prefix = bits == 0 ? 0 : static_cast<std::uint64_t>(row.key) >> (64U - bits);
            sums_[place * parts + static_cast<std::size_t>(prefix & (parts - 1))] +=
                static_cast<std::uint32_t>(table.fingerprint(at));
        });
    }

    /// Sums that fit one packet, more or less; of members it is a quarter of that.
    static constexpr std::size_t in_one_packet = 256;

    key_ranges ranges_;
    std::vector<std::uint32_t> sums_;
    std::vector<found> found_;
    std::vector<slot> tell_;
    std::vector<slot> differing_;
    std::vector<wire::pulled> pull_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
