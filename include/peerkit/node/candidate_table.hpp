// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The rows of a candidate book, found by identity and by address in constant time.
#ifndef PEERKIT_NODE_CANDIDATE_TABLE_HPP
#define PEERKIT_NODE_CANDIDATE_TABLE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/node/row_index.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Candidates and their indexes; what goes in and out is for `candidate_book` to decide. A pointer to a row is good
/// until the next `add`. Identities are unique, addresses are not. When a candidate is due, and whether a strategy
/// names it, stands apart from the rest: most candidates of a large cluster just lie there, and are not to be walked
/// through.
class candidate_table {
public:
    /// `hash_key` is a random number that does not leave the node.
    explicit candidate_table(std::uint64_t hash_key) noexcept : hash_key_{hash_key | 1U} {}

    [[nodiscard]] std::size_t size() const noexcept { return used_; }
    /// Candidates that only strangers vouch for.
    [[nodiscard]] std::size_t strangers() const noexcept { return strangers_; }

    /// Null if there is none, and for "no node".
    [[nodiscard]] known_candidate const* find(node_id const& id) const noexcept {
        known_candidate const* found = nullptr;
        if (!id) return found;
        by_id_.find(hash(id), [&](row at) {
            if (rows_[at].id == id) found = &rows_[at];
            return found != nullptr;
        });
        return found;
    }
    [[nodiscard]] known_candidate* find(node_id const& id) noexcept { return row_of(std::as_const(*this).find(id)); }
    /// Some candidate with this address for which `fits(known_candidate const&)` holds.
    template <typename Predicate>
    [[nodiscard]] known_candidate const* find_at(ip_endpoint const& where, Predicate fits) const noexcept {
        known_candidate const* found = nullptr;
        by_place_.find(hash(where), [&](row at) {
            if (rows_[at].has(where) && fits(rows_[at])) found = &rows_[at];
            return found != nullptr;
        });
        return found;
    }
    template <typename Predicate>
    [[nodiscard]] known_candidate* find_at(ip_endpoint const& where, Predicate fits) noexcept {
        return row_of(std::as_const(*this).find_at(where, fits));
    }

    /// In no particular order. `f` may erase the candidate it is given, and changes no other.
    template <typename F>
    void for_each(F&& f) {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (rows_[i].used) f(rows_[i]);
        }
    }
    template <typename F>
    void for_each(F&& f) const {
        for (known_candidate const& entry : rows_) {
            if (entry.used) f(entry);
        }
    }

    /// When the candidate is to be looked at; `never` until somebody says so.
    [[nodiscard]] time_point due(known_candidate const& entry) const noexcept { return notes_[number_of(entry)].due; }
    void set_due(known_candidate const& entry, time_point when) noexcept { notes_[number_of(entry)].due = when; }
    /// The earliest of all.
    [[nodiscard]] time_point next_due() const noexcept {
        time_point next = never;
        for (note const& n : notes_) next = std::min(next, n.due);
        return next;
    }
    /// Calls `f(known_candidate&)` for those due; `f` changes no other.
    template <typename F>
    void for_each_due(time_point now, F&& f) {
        for (std::size_t i = 0; i < notes_.size(); ++i) {
            if (notes_[i].due <= now && rows_[i].used) f(rows_[i]);
        }
    }
    /// A strategy names the candidate; until `for_each_named` is told otherwise.
    void set_named(known_candidate const& entry) noexcept { notes_[number_of(entry)].named = true; }
    [[nodiscard]] bool is_named(known_candidate const& entry) const noexcept { return notes_[number_of(entry)].named; }
    /// Calls `f(known_candidate&)`, which may erase it, for those that strategies name; if it gives false, they do so
    /// no longer.
    template <typename F>
    void for_each_named(F&& f) {
        for (std::size_t i = 0; i < notes_.size(); ++i) {
            if (notes_[i].named) notes_[i].named = f(rows_[i]);
        }
    }

    /// A candidate without addresses, which the caller gives it before anything else.
    [[nodiscard]] known_candidate& add(trust standing) {
        auto at = static_cast<row>(rows_.size());
        if (free_.empty()) {
            rows_.emplace_back();
            notes_.emplace_back();
        } else {
            at = free_.back();
            free_.pop_back();
        }
        known_candidate& made = rows_[at];
        made.used = true;
        made.standing = standing;
        ++used_;
        if (standing == trust::stranger) ++strangers_;
        return made;
    }
    void erase(known_candidate& entry) {
        row const at = number_of(entry);
        for (known_place const& p : entry.places) by_place_.erase(hash(p.where), at);
        erase_id(entry);
        if (entry.standing == trust::stranger) --strangers_;
        --used_;
        entry = {};
        notes_[at] = {};
        free_.push_back(at);
    }
    /// The candidate had none, and no other has this one.
    void set_id(known_candidate& entry, node_id const& id) {
        entry.id = id;
        by_id_.insert(hash(id), number_of(entry));
    }
    void erase_id(known_candidate& entry) noexcept {
        if (entry.id) by_id_.erase(hash(entry.id), number_of(entry));
        entry.id = {};
    }
    /// The candidate does not have the address yet.
    known_place& add_place(known_candidate& entry, known_place const& place) {
        by_place_.insert(hash(place.where), number_of(entry));
        return entry.places.emplace_back(place);
    }
    void erase_place(known_candidate& entry, std::size_t i) {
        by_place_.erase(hash(entry.places[i].where), number_of(entry));
        entry.places.erase(entry.places.begin() + static_cast<std::ptrdiff_t>(i));
        entry.tried = 0; // the others have moved up
        if (entry.proven_place == i) entry.proven_place = known_candidate::no_place;
        if (entry.proven_place != known_candidate::no_place && entry.proven_place > i) --entry.proven_place;
    }
    /// To be called after the addresses of a candidate or their sources have changed.
    void settle(known_candidate& entry) noexcept {
        bool const was_stranger = entry.standing == trust::stranger;
        entry.sources = {};
        for (known_place const& p : entry.places) entry.sources.insert(p.sources());
        entry.standing = trust_of(entry.sources);
        if (bool const is_stranger = entry.standing == trust::stranger; is_stranger != was_stranger) {
            if (is_stranger)
                ++strangers_;
            else
                --strangers_;
        }
    }

    /// 0, or: 43 a count is wrong; 44 a candidate without address or with too many; 45 one that is not found by its
    /// address, or 46 by its identity; 47 the indexes hold something else besides; 48 its sources or its standing are
    /// not those of its addresses.
    [[nodiscard]] int check_invariants() const noexcept {
        std::size_t used = 0, strangers = 0, places = 0, ids = 0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            known_candidate const& entry = rows_[i];
            if (!entry.used) continue;
            ++used;
            strangers += entry.standing == trust::stranger ? 1 : 0;
            places += entry.places.size();
            ids += entry.id ? 1 : 0;
            if (entry.places.empty() || entry.places.size() > limits::addresses) return 44;
            provenance_set sources;
            for (known_place const& p : entry.places) {
                if (!by_place_.find(hash(p.where), [&](row at) { return at == i; })) return 45;
                sources.insert(p.sources());
            }
            if (entry.id && !by_id_.find(hash(entry.id), [&](row at) { return at == i; })) return 46;
            if (sources != entry.sources || trust_of(sources) != entry.standing) return 48;
        }
        if (used != used_ || strangers != strangers_) return 43;
        return places == by_place_.size() && ids == by_id_.size() ? 0 : 47;
    }

private:
    using row = row_index::row;
    struct note {
        time_point due = never;
        bool named = false;
    };

    [[nodiscard]] row number_of(known_candidate const& entry) const noexcept {
        return static_cast<row>(&entry - rows_.data());
    }
    [[nodiscard]] known_candidate* row_of(known_candidate const* entry) noexcept {
        return entry == nullptr ? nullptr : &rows_[number_of(*entry)];
    }
    [[nodiscard]] std::uint64_t mix(std::uint64_t word, std::uint64_t more) const noexcept {
        word = (word ^ more) * 0x9e3779b97f4a7c15ULL;
        return (word ^ word >> 29U) * hash_key_;
    }
    [[nodiscard]] std::uint64_t hash(node_id const& id) const noexcept {
        std::uint64_t word = hash_key_;
        for (std::size_t i = 0; i < node_id::size; i += 8) word = mix(word, load_big<std::uint64_t>(&id.bytes[i]));
        return word;
    }
    [[nodiscard]] std::uint64_t hash(ip_endpoint const& where) const noexcept {
        std::uint64_t word = mix(hash_key_, where.port);
        byte_view const bytes = where.address.bytes();
        for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) word = mix(word, load_big<std::uint32_t>(&bytes[i]));
        return word;
    }

    std::uint64_t hash_key_;
    std::vector<known_candidate> rows_;
    std::vector<note> notes_; ///< one for each row
    std::vector<row> free_;
    row_index by_id_;
    row_index by_place_;
    std::size_t used_ = 0;
    std::size_t strangers_ = 0;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
