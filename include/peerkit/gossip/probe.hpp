// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The timetable of one probe: direct pings, two waves of helpers, the verdict. No I/O, no members.
#ifndef PEERKIT_GOSSIP_PROBE_HPP
#define PEERKIT_GOSSIP_PROBE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/membership/address_book.hpp>
#include <peerkit/membership/member_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

enum class probe_step : std::uint8_t {
    wait,    ///< nothing is due
    ping,    ///< ping the subject
    ask,     ///< ask a wave of helpers (and, with the first, try a stream)
    verdict, ///< nobody answered in time
};

/// One probe under way (SWIM section 3.1, with retransmissions and a second wave). Ask `due` until it says `wait`.
class probe {
public:
    /// Most helpers a probe asks: two waves.
    static constexpr std::size_t max_helpers = 16;

    [[nodiscard]] bool active() const noexcept { return active_; }
    [[nodiscard]] membership::slot subject() const noexcept { return subject_; }
    [[nodiscard]] short_id subject_key() const noexcept { return key_; }
    [[nodiscard]] std::uint64_t nonce() const noexcept { return nonce_; }
    [[nodiscard]] std::size_t helpers_asked() const noexcept { return asked_; }
    [[nodiscard]] unsigned nacks() const noexcept { return nacks_; }
    /// Direct pings so far.
    [[nodiscard]] unsigned tries() const noexcept { return tries_; }
    [[nodiscard]] unsigned wave() const noexcept { return waves_; }

    /// @param where the addresses to try, in order; more than one only for a member that announces several
    /// @param plan  its timetable; what the detector says later is for later probes
    void begin(membership::slot subject, short_id key, std::uint64_t nonce,
               membership::address_book::endpoints const& where, probe_plan const& plan, time_point now) noexcept {
        *this = probe{};
        active_ = true;
        subject_ = subject;
        key_ = key;
        nonce_ = nonce;
        where_ = where;
        plan_ = plan;
        begun_ = now;
    }
    /// Addresses to try; all belong to the subject.
    [[nodiscard]] std::size_t addresses() const noexcept { return where_.size; }
    [[nodiscard]] ip_endpoint const& address(std::size_t i) const noexcept { return where_.where[i]; }
    /// The nonce of the ping due now to that address: each ping has its own, so that the answer tells which of them was
    /// answered.
    [[nodiscard]] std::uint64_t nonce_at(std::size_t i) const noexcept {
        return nonce_ ^ std::uint64_t{i} << 1U ^ std::uint64_t{tries_ == 0 ? 0U : tries_ - 1U} << 4U;
    }
    /// Which address a nonce belongs to; none if it is not of this probe.
    [[nodiscard]] std::optional<std::size_t> address_of(std::uint64_t nonce) const noexcept {
        std::uint64_t const difference = nonce ^ nonce_;
        std::uint64_t const i = difference >> 1U & 7U;
        if (!active_ || (difference & 1U) != 0 || i >= where_.size) return std::nullopt;
        if (difference >> 4U >= std::max<std::uint64_t>(tries_, 1)) return std::nullopt;
        return static_cast<std::size_t>(i);
    }
    /// How long the ping with that nonce, which `address_of` knows, has been under way; none if it is not kept when it
    /// was sent.
    [[nodiscard]] std::optional<duration> under_way(std::uint64_t nonce, time_point now) const noexcept {
        std::uint64_t const which = (nonce ^ nonce_) >> 4U;
        if (which >= std::min<std::size_t>(tries_, sent_.size())) return std::nullopt;
        return now - sent_[static_cast<std::size_t>(which)];
    }
    /// Calls `f(i)` for the addresses the ping due now goes to: the first one every time, from the second ping on with
    /// others in turn beside it, so many that all have been tried when helpers are asked (RFC 8305's staggering).
    template <typename F>
    void for_each_due_address(F&& f) noexcept {
        f(std::size_t{0});
        if (where_.size < 2 || (tries_ < 2 && plan_.tries != 1)) return;
        std::size_t const others = where_.size - 1U;
        std::size_t const rounds = plan_.tries < 2 ? 1U : plan_.tries - 1U;
        for (std::size_t left = (others + rounds - 1) / rounds; left != 0; --left) f(1 + next_other_++ % others);
    }
    /// The address to dial next, each one once; none when there is no other.
    [[nodiscard]] std::optional<ip_endpoint> next_dial() noexcept {
        return dialled_ < where_.size ? std::optional{where_.where[dialled_++]} : std::nullopt;
    }
    void end() noexcept { active_ = false; }
    /// A helper got no answer either. There are no more such than helpers.
    void nack() noexcept {
        if (nacks_ < asked_) ++nacks_;
    }
    [[nodiscard]] probe_plan const& plan() const noexcept { return plan_; }
    /// What the detector is told when nobody answered.
    [[nodiscard]] failed_probe failure() const noexcept { return {key_, asked_, nacks_}; }
    /// Notes a helper as asked. False if it was asked before or there is no room.
    bool ask(short_id helper) noexcept {
        auto const last = helpers_.begin() + asked_;
        if (asked_ == helpers_.size() || std::find(helpers_.begin(), last, helper) != last) return false;
        helpers_[asked_++] = helper;
        return true;
    }

    /// What is due at `now`; each step but `wait` is given once.
    [[nodiscard]] probe_step due(time_point now) noexcept {
        if (!active_) return probe_step::wait;
        duration const elapsed = now - begun_;
        if (tries_ < plan_.tries && elapsed >= plan_.retry * tries_) {
            if (tries_ < sent_.size()) sent_[tries_] = now;
            ++tries_;
            return probe_step::ping;
        }
        if (waves_ < plan_.waves && elapsed >= (waves_ == 0 ? plan_.helpers_after : plan_.helpers_again)) {
            ++waves_;
            asked_last_ = now;
            return probe_step::ask;
        }
        if (now < verdict_at()) return probe_step::wait;
        active_ = false;
        return probe_step::verdict;
    }
    /// When `due` should be asked again.
    [[nodiscard]] time_point next() const noexcept {
        if (!active_) return never;
        if (tries_ == plan_.tries && waves_ == plan_.waves) return verdict_at();
        duration after = plan_.verdict_after;
        if (tries_ < plan_.tries) after = std::min(after, plan_.retry * tries_);
        if (waves_ < plan_.waves) after = std::min(after, waves_ == 0 ? plan_.helpers_after : plan_.helpers_again);
        return begun_ + after;
    }

private:
    /// Never before everybody was asked and had the time meant for answering, however late this node's timer is.
    [[nodiscard]] time_point verdict_at() const noexcept {
        return std::max(begun_ + plan_.verdict_after, asked_last_ + (plan_.verdict_after - plan_.helpers_again));
    }

    bool active_ = false;
    std::uint8_t tries_ = 0;
    std::uint8_t waves_ = 0;
    std::uint8_t nacks_ = 0;
    std::uint8_t asked_ = 0;
    std::uint8_t dialled_ = 0;
    std::size_t next_other_ = 0;
    membership::slot subject_ = membership::no_slot;
    short_id key_{};
    std::uint64_t nonce_ = 0;
    time_point begun_{};
    time_point asked_last_{};
    std::array<time_point, 4> sent_{}; ///< the first direct pings
    std::array<short_id, max_helpers> helpers_{};
    probe_plan plan_{};
    membership::address_book::endpoints where_{};
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
