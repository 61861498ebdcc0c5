// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// With whom a node compared what it holds lately, and who is left alone because that never comes to an end.
#ifndef PEERKIT_GOSSIP_EXCHANGE_PARTNERS_HPP
#define PEERKIT_GOSSIP_EXCHANGE_PARTNERS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// The comparison under way, if any, and how those before it ended.
///
/// A partner whose digest differs again and again while nothing is learnt from it is broken or lies; comparing with it
/// for ever would cost for ever. It is left alone for a while after `patience` such comparisons in a row.
class exchange_partners {
public:
    static constexpr unsigned patience = 4;
    /// Partners remembered; with more, the oldest is forgotten, and its count with it.
    static constexpr std::size_t most = 8;

    /// An exchange with `partner` begins. `news` counts what this node has learnt so far.
    void begin(short_id partner, std::uint64_t news, bool asked) noexcept {
        partner_ = partner;
        news_ = news;
        open_ = asked;
        answered_ = equal_ = false;
        if (!asked) unanswered_ = 0;
    }
    /// Whom the latest exchange was with.
    [[nodiscard]] short_id last() const noexcept { return partner_; }
    /// Is this node waiting for what `who` has to say? Until `end`, also after an answer: a comparison takes several.
    [[nodiscard]] bool awaits(short_id who) const noexcept { return open_ && partner_ == who; }
    /// What was learnt since the exchange began.
    [[nodiscard]] std::uint64_t learnt(std::uint64_t news) const noexcept { return news - news_; }
    /// The partner answered that its digest is equal to this node's, or is not.
    void answered(bool equal) noexcept {
        answered_ = true;
        equal_ = equal;
    }

    /// Ends the comparison under way. True if this was one too many without result: the partner is left alone for
    /// `rest` from now on.
    bool end(std::uint64_t news, time_point now, duration rest) noexcept {
        if (!open_) return false;
        open_ = false;
        if (!answered_) {
            if (unanswered_ < 255) ++unanswered_;
            return false;
        }
        unanswered_ = 0;
        entry* const known = find(partner_);
        if (equal_ || news != news_) {
            if (known != nullptr) *known = {};
            return false;
        }
        entry& e = known != nullptr ? *known : entries_[next_++ % most];
        if (known == nullptr) e = {partner_, 0, time_point{}};
        if (++e.differed < patience) return false;
        e.differed = 0;
        e.until = saturating_add(now, rest);
        return true;
    }
    /// Comparisons in a row that nobody answered.
    [[nodiscard]] unsigned unanswered() const noexcept { return unanswered_; }
    [[nodiscard]] bool left_alone(short_id who, time_point now) const noexcept {
        for (entry const& e : entries_) {
            if (e.who == who && e.until > now) return true;
        }
        return false;
    }

private:
    struct entry {
        short_id who{};
        unsigned differed = 0;
        time_point until{};
    };
    [[nodiscard]] entry* find(short_id who) noexcept {
        for (entry& e : entries_) {
            if (e.who == who) return &e;
        }
        return nullptr;
    }

    short_id partner_{};
    std::uint64_t news_ = 0;
    bool open_ = false;
    bool answered_ = false;
    bool equal_ = false;
    std::uint8_t unanswered_ = 0;
    std::array<entry, most> entries_{};
    std::size_t next_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
