// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which broadcasts were heard already: a sliding window and a budget per origin, in a capped table.
#ifndef PEERKIT_GOSSIP_MESSAGE_WINDOWS_HPP
#define PEERKIT_GOSSIP_MESSAGE_WINDOWS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/budget.hpp>
#include <peerkit/wire/user_message.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// The newest sequence of an origin's newest session and which of the 255 before it were heard. Value-initialised it
/// has heard nothing.
struct message_window {
    static constexpr std::uint64_t width = 256;

    std::uint64_t session = 0;
    std::uint64_t highest = 0;
    std::array<std::uint64_t, width / 64> heard{}; ///< bit i, from the lowest of the first word: `highest - i`

    /// Not heard yet, and recent enough that this is certain.
    [[nodiscard]] constexpr bool fresh(std::uint64_t of_session, std::uint64_t sequence) const noexcept {
        if (of_session != session) return of_session > session;
        if (sequence > highest) return true;
        std::uint64_t const behind = highest - sequence;
        return behind < width && (heard[behind / 64] >> behind % 64 & 1U) == 0;
    }
    constexpr void mark(std::uint64_t of_session, std::uint64_t sequence) noexcept {
        if (!fresh(of_session, sequence)) return;
        if (of_session > session) *this = {of_session, sequence, {}};
        if (sequence > highest) {
            shift(sequence - highest);
            highest = sequence;
        }
        std::uint64_t const behind = highest - sequence;
        heard[behind / 64] |= std::uint64_t{1} << behind % 64;
    }

private:
    constexpr void shift(std::uint64_t by) noexcept {
        if (by >= width) {
            heard = {};
            return;
        }
        std::size_t const words = by / 64, bits = by % 64;
        for (std::size_t i = heard.size(); i-- > 0;) {
            std::uint64_t const low = i >= words ? heard[i - words] : 0;
            std::uint64_t const carry = i >= words + 1 && bits != 0 ? heard[i - words - 1] >> (64 - bits) : 0;
            heard[i] = low << bits | carry;
        }
    }
};

/// One window per origin, at most `capacity`. When there is no room for another origin, the one that was silent for
/// the longest time makes room, if that was `keep` or longer: what it said is not repeated by honest members any more.
/// (A dishonest member could then repeat it once more.) If all were heard lately the newcomer has to wait.
///
/// Sorted by origin: found in logarithmic time with no hash that somebody could aim at. Memory grows to the capacity
/// and stays; nothing is allocated once the origins settle.
class message_windows {
public:
    message_windows(std::size_t capacity, duration keep, std::uint32_t rate, std::uint32_t burst) noexcept
        : capacity_{capacity}, keep_{keep}, rate_{rate}, burst_{burst} {}

    /// Whether a broadcast was not heard yet. True for an origin that nothing is known of.
    [[nodiscard]] bool fresh(short_id origin, std::uint64_t session, std::uint64_t sequence) const noexcept {
        entry const* const e = find(origin);
        return e == nullptr || e->window.fresh(session, sequence);
    }
    /// It is of a session that is over.
    [[nodiscard]] bool stale(short_id origin, std::uint64_t session) const noexcept {
        entry const* const e = find(origin);
        return e != nullptr && session < e->window.session;
    }
    /// Whether `take` would succeed.
    [[nodiscard]] bool ready(short_id origin, time_point now) const noexcept {
        if (entry const* const e = find(origin); e != nullptr) {
            token_bucket trial = e->budget;
            return trial.take(now);
        }
        return entries_.size() < capacity_ ||
               std::any_of(entries_.begin(), entries_.end(), [&](entry const& e) { return now - e.used >= keep_; });
    }
    /// Takes one broadcast from the origin's budget. False if that is used up, or there is no room for the origin.
    [[nodiscard]] bool take(short_id origin, time_point now) {
        entry* const e = make(origin, now);
        if (e == nullptr || !e->budget.take(now)) return false;
        e->used = now;
        return true;
    }
    /// From now on it was heard. Only for origins that `take` has admitted.
    void mark(short_id origin, std::uint64_t session, std::uint64_t sequence) noexcept {
        if (entry* const e = find(origin); e != nullptr) e->window.mark(session, sequence);
    }
    /// What of an offer was not heard yet, as a bitmap of the same shape; 0 if nothing.
    [[nodiscard]] std::uint64_t missing(wire::broadcast_range const& offered) const noexcept {
        entry const* const e = find(offered.origin);
        if (e == nullptr) return offered.bitmap;
        std::uint64_t lacking = 0;
        for (std::uint64_t i = 0; i < 64; ++i) {
            std::uint64_t const bit = std::uint64_t{1} << i;
            if ((offered.bitmap & bit) == 0) continue;
            if (e->window.fresh(offered.session, offered.highest - i)) lacking |= bit;
        }
        return lacking;
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t memory() const noexcept { return entries_.capacity() * sizeof(entry); }

    /// 0, or: 61 over the capacity, 62 not sorted.
    [[nodiscard]] int check_invariants() const noexcept {
        if (entries_.size() > capacity_) return 61;
        for (std::size_t i = 1; i < entries_.size(); ++i) {
            if (entries_[i - 1].origin >= entries_[i].origin) return 62;
        }
        return 0;
    }

private:
    struct entry {
        short_id origin{};
        message_window window{};
        token_bucket budget{};
        time_point used{};
    };

    [[nodiscard]] std::size_t place(short_id origin) const noexcept {
        auto const at = std::lower_bound(entries_.begin(), entries_.end(), origin,
                                         [](entry const& e, short_id key) { return e.origin < key; });
        return static_cast<std::size_t>(at - entries_.begin());
    }
    [[nodiscard]] entry const* find(short_id origin) const noexcept {
        std::size_t const at = place(origin);
        return at < entries_.size() && entries_[at].origin == origin ? &entries_[at] : nullptr;
    }
    [[nodiscard]] entry* find(short_id origin) noexcept {
        return const_cast<entry*>(static_cast<message_windows const&>(*this).find(origin));
    }
    [[nodiscard]] entry* make(short_id origin, time_point now) {
        if (entry* const e = find(origin); e != nullptr) return e;
        if (entries_.size() >= capacity_) {
            auto const oldest = std::min_element(entries_.begin(), entries_.end(),
                                                 [](entry const& a, entry const& b) { return a.used < b.used; });
            if (oldest == entries_.end() || now - oldest->used < keep_) return nullptr;
            entries_.erase(oldest);
        }
        auto const at = entries_.begin() + static_cast<std::ptrdiff_t>(place(origin));
        return &*entries_.insert(at, {origin, {}, token_bucket{rate_, burst_}, now});
    }

    std::size_t capacity_;
    duration keep_;
    std::uint32_t rate_;
    std::uint32_t burst_;
    std::vector<entry> entries_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
