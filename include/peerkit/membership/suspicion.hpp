// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Running suspicions: who accuses whom, and how long the accused has left to refute.
#ifndef PEERKIT_MEMBERSHIP_SUSPICION_HPP
#define PEERKIT_MEMBERSHIP_SUSPICION_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// log2(value) in 1/65536, exact to the last bit for powers of two; integers only, so that every compiler and machine
/// computes the same timers. `value` 0 gives 0.
[[nodiscard]] constexpr std::uint64_t log2_fixed(std::uint64_t value) noexcept {
    if (value <= 1) return 0;
    auto const whole = static_cast<std::uint64_t>(std::bit_width(value) - 1);
    std::uint64_t fraction = 0, mantissa = value << (63 - whole);
    for (std::uint64_t bit = 1U << 15U; bit != 0; bit >>= 1U) {
        std::uint64_t const high = mantissa >> 32U;
        std::uint64_t const square = high * high;
        if (square >> 63U != 0) {
            fraction |= bit;
            mantissa = square;
        } else {
            mantissa = square << 1U;
        }
    }
    return whole << 16U | fraction;
}

/// log10(value) in 1/65536.
[[nodiscard]] constexpr std::uint64_t log10_fixed(std::uint64_t value) noexcept {
    return log2_fixed(value) * 19728U >> 16U;
}

/// ceil(log10(n + 1)): how transmit limits grow.
[[nodiscard]] constexpr unsigned decades(std::uint64_t n) noexcept {
    unsigned digits = 0;
    for (std::uint64_t reach = 1; reach < n + 1 && digits < 19; reach *= 10) ++digits;
    return digits;
}

/// Bounds of a suspicion: from `longest` with one accuser down to `shortest` with `confirmations` more.
struct suspicion_time {
    duration shortest{};
    duration longest{};
    unsigned confirmations = 0;
    unsigned looks = 0;  ///< at the subject before it is held dead, the last of them a gap before the end
    duration look_gap{}; ///< between two looks

    /// Lifeguard's rule: shortest = factor * max(1, log10 members) * period, longest = max_factor * shortest. With too
    /// few other members to confirm, the shortest time is used from the start.
    [[nodiscard]] static constexpr suspicion_time of(std::size_t members, duration period, unsigned factor,
                                                     unsigned max_factor, unsigned confirmations) noexcept {
        std::uint64_t const scale = std::max<std::uint64_t>(65536, log10_fixed(members));
        suspicion_time made;
        made.shortest = period * factor / 256 * static_cast<duration::rep>(scale / 256);
        made.longest = made.shortest * max_factor;
        made.confirmations = members < 2 + std::size_t{confirmations} ? 0 : confirmations;
        return made;
    }
    /// Time from the start of the suspicion when `confirmed` accusers beyond the first are known:
    /// longest - (longest - shortest) * log(confirmed + 1) / log(confirmations + 1).
    [[nodiscard]] constexpr duration after(unsigned confirmed) const noexcept {
        if (confirmed >= confirmations) return shortest;
        auto const part =
            static_cast<duration::rep>(log2_fixed(confirmed + 1U) * 1024U / log2_fixed(confirmations + 1U));
        return longest - (longest - shortest) / 1024 * part;
    }
};

/// One running suspicion.
struct suspicion {
    slot subject = no_slot;
    time_point start{};
    time_point deadline = never;
    suspicion_time bounds{};
    std::array<short_id, limits::accusers> accusers{}; ///< ascending, distinct
    std::uint8_t accuser_count = 0;
    std::uint8_t looked = 0; ///< looks taken
    time_point not_before{}; ///< nothing more is done before

    [[nodiscard]] bool to_look() const noexcept { return looked < bounds.looks; }
    /// When it is time to look, or to decide: the looks come at the end, and each is given its gap.
    [[nodiscard]] time_point due() const noexcept {
        return std::max(not_before,
                        deadline - bounds.look_gap * static_cast<duration::rep>(to_look() ? bounds.looks - looked : 0));
    }
    [[nodiscard]] std::span<short_id const> names() const noexcept { return {accusers.data(), accuser_count}; }

    /// Adds an accuser. False if it is known already, or if the timer is at its shortest and more change nothing.
    bool add(short_id accuser) noexcept {
        auto const last = accusers.begin() + accuser_count;
        auto const at = std::lower_bound(accusers.begin(), last, accuser);
        if (accuser_count == accusers.size() || (accuser_count != 0 && accuser_count > bounds.confirmations))
            return false;
        if (at != last && *at == accuser) return false;
        std::move_backward(at, last, last + 1);
        *at = accuser;
        ++accuser_count;
        deadline = std::min(deadline, saturating_add(start, bounds.after(accuser_count - 1U)));
        return true;
    }
};

/// The suspicions of a node, capped. Each suspect row refers to its suspicion and the reverse.
class suspicion_set {
public:
    /// Room for as many as a settled cluster needs is taken at once.
    explicit suspicion_set(std::size_t max) : max_{max} { running_.reserve(std::min<std::size_t>(max, 32)); }

    [[nodiscard]] std::size_t size() const noexcept { return running_.size(); }
    [[nodiscard]] bool full() const noexcept { return running_.size() >= max_; }
    /// When the earliest look or decision is due.
    [[nodiscard]] time_point next() const noexcept { return next_; }
    [[nodiscard]] suspicion const& operator[](std::uint32_t i) const noexcept { return running_[i]; }

    /// Starts a suspicion of a row that has none. Nothing happens when full.
    void start(member_table& table, slot subject, std::span<short_id const> accusers, suspicion_time bounds,
               time_point now) {
        if (full() || accusers.empty()) return;
        suspicion made;
        made.subject = subject;
        made.start = now;
        made.bounds = bounds;
        for (short_id const accuser : accusers) made.add(accuser);
        table[subject].suspicion = static_cast<std::uint16_t>(running_.size());
        running_.push_back(made);
        next_ = std::min(next_, made.due());
    }
    /// Adds accusers to a running suspicion; returns how many were new.
    unsigned confirm(member_table const& table, slot subject, std::span<short_id const> accusers) noexcept {
        suspicion& s = running_[table[subject].suspicion];
        unsigned added = 0;
        for (short_id const accuser : accusers) added += s.add(accuser) ? 1U : 0U;
        next_ = std::min(next_, s.due());
        return added;
    }
    /// The subject was looked at.
    void looked(member_table const& table, slot subject, time_point now) noexcept {
        suspicion& s = running_[table[subject].suspicion];
        ++s.looked;
        s.not_before = saturating_add(now, s.bounds.look_gap);
        refresh();
    }
    /// Nothing is decided about the subject before `until`.
    void defer(member_table const& table, slot subject, time_point until) noexcept {
        suspicion& s = running_[table[subject].suspicion];
        s.not_before = std::max(s.not_before, until);
        refresh();
    }
    /// The suspicion lasts no longer than it would with everybody accusing.
    void hurry(member_table const& table, slot subject) noexcept {
        suspicion& s = running_[table[subject].suspicion];
        s.deadline = std::min(s.deadline, saturating_add(s.start, s.bounds.shortest));
        next_ = std::min(next_, s.due());
    }
    /// Ends the suspicion of a row, if any.
    void stop(member_table& table, slot subject) noexcept {
        std::uint16_t const at = std::exchange(table[subject].suspicion, member::no_suspicion);
        if (at == member::no_suspicion) return;
        bool const earliest = running_[at].due() == next_;
        if (at + std::size_t{1} != running_.size()) {
            running_[at] = running_.back();
            table[running_[at].subject].suspicion = at;
        }
        running_.pop_back();
        if (earliest) refresh();
    }
    /// A row whose time to be looked at has come, or is over; or `no_slot`.
    [[nodiscard]] slot expired(time_point now) const noexcept {
        if (next_ > now) return no_slot;
        for (suspicion const& s : running_) {
            if (s.due() <= now) return s.subject;
        }
        return no_slot;
    }
    /// This node slept for `gap`: everybody gets that much longer.
    void postpone(duration gap) noexcept {
        for (suspicion& s : running_) {
            s.start = saturating_add(s.start, gap);
            s.deadline = saturating_add(s.deadline, gap);
            s.not_before = saturating_add(s.not_before, gap);
        }
        refresh();
    }

    /// 0, or: 11 a suspicion and its row disagree, 12 a suspect row without suspicion or the reverse, 13 the next
    /// deadline is wrong, 14 over the cap.
    [[nodiscard]] int check_invariants(member_table const& table) const noexcept {
        time_point earliest = never;
        for (std::uint32_t i = 0; i < running_.size(); ++i) {
            if (table[running_[i].subject].suspicion != i) return 11;
            if (table[running_[i].subject].state != member_state::suspect) return 12;
            earliest = std::min(earliest, running_[i].due());
        }
        if (table.count(member_state::suspect) != running_.size()) return 12;
        if (earliest != next_) return 13;
        return running_.size() > max_ ? 14 : 0;
    }

private:
    void refresh() noexcept {
        next_ = never;
        for (suspicion const& s : running_) next_ = std::min(next_, s.due());
    }

    std::size_t max_;
    std::vector<suspicion> running_;
    time_point next_ = never;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
