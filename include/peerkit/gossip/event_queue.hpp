// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Events that wait for a host that is slower than the network, a bounded number of them.
#ifndef PEERKIT_GOSSIP_EVENT_QUEUE_HPP
#define PEERKIT_GOSSIP_EVENT_QUEUE_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// First in, first out. When it is full the oldest event gives way; before the next one comes `lagged`, whose `count`
/// says how many were dropped: a host that gets it asks for the members anew. Not thread safe.
class event_queue {
public:
    /// @param most events that wait, at least one
    explicit event_queue(std::size_t most) : most_{std::max<std::size_t>(most, 1)} {}

    void push(event const& e) {
        if (waiting_.size() >= most_) {
            waiting_.pop_front();
            if (dropped_ != std::numeric_limits<std::uint32_t>::max()) ++dropped_;
        }
        waiting_.push_back(e);
    }
    /// None when nothing waits.
    [[nodiscard]] std::optional<event> pop() {
        if (waiting_.empty()) return std::nullopt;
        event next;
        if (dropped_ != 0) {
            next.kind = event_kind::lagged;
            next.count = dropped_;
            dropped_ = 0;
            return next;
        }
        next = waiting_.front();
        waiting_.pop_front();
        return next;
    }
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

private:
    std::size_t most_;
    std::deque<event> waiting_;
    std::uint32_t dropped_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
