// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Probes beside the one per period: for members that ask about somebody, and along the ring past somebody silent.
#ifndef PEERKIT_GOSSIP_INQUIRY_HPP
#define PEERKIT_GOSSIP_INQUIRY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/probe.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// The timetable of an inquiry: a probe in a hurry, with three tries and two waves of two helpers.
[[nodiscard]] constexpr probe_plan inquiry_plan(probe_plan const& whole) noexcept {
    probe_plan p = whole;
    p.tries = std::min<std::uint8_t>(whole.tries, 3);
    p.helpers = std::min<std::uint8_t>(whole.helpers, 2);
    p.helpers_after = whole.retry * p.tries;
    p.helpers_again = p.helpers_after + (whole.helpers_again - whole.helpers_after);
    p.verdict_after = p.helpers_again + (whole.verdict_after - whole.helpers_again);
    return p;
}

/// One such probe and who asked for it.
struct inquiry {
    gossip::probe probe{};
    short_id asker{}; ///< zero: this node
    std::uint64_t asked_nonce = 0;
    ip_endpoint where{}; ///< the source of the question: the answer goes nowhere else

    [[nodiscard]] bool own() const noexcept { return asker == short_id{}; }
};

/// The inquiries under way, capped: in all, and for each asker.
class inquiry_list {
public:
    static constexpr std::size_t most = 64;
    static constexpr std::size_t most_per_asker = 16;
    /// What this node asks for itself in one period beyond its probe.
    static constexpr std::size_t most_own = 8;

    /// Room for as many as a settled cluster needs is taken at once.
    inquiry_list() { running_.reserve(most / 2); }

    [[nodiscard]] std::size_t size() const noexcept { return running_.size(); }
    [[nodiscard]] inquiry& operator[](std::size_t i) noexcept { return running_[i]; }
    [[nodiscard]] time_point next() const noexcept { return next_; }
    [[nodiscard]] bool room_for(short_id asker) const noexcept {
        auto const same = static_cast<std::size_t>(
            std::count_if(running_.begin(), running_.end(), [&](inquiry const& i) { return i.asker == asker; }));
        return running_.size() < most && same < (asker == short_id{} ? most_own : most_per_asker);
    }
    /// Whether this asker is asking about this subject already.
    [[nodiscard]] bool holds(short_id asker, short_id subject) const noexcept {
        return std::any_of(running_.begin(), running_.end(),
                           [&](inquiry const& i) { return i.asker == asker && i.probe.subject_key() == subject; });
    }
    void add(inquiry const& made) {
        running_.push_back(made);
        next_ = std::min(next_, made.probe.next());
    }
    /// The inquiry a nonce belongs to, or `size()`.
    [[nodiscard]] std::size_t find(std::uint64_t nonce) const noexcept {
        std::size_t i = 0;
        while (i < running_.size() && !running_[i].probe.address_of(nonce)) ++i;
        return i;
    }
    void remove(std::size_t i) noexcept {
        running_[i] = running_.back();
        running_.pop_back();
    }
    void clear() noexcept {
        running_.clear();
        next_ = never;
    }
    /// To be called after steps were taken or inquiries removed.
    void refresh() noexcept {
        next_ = never;
        for (inquiry const& i : running_) next_ = std::min(next_, i.probe.next());
    }

private:
    std::vector<inquiry> running_;
    time_point next_ = never;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
