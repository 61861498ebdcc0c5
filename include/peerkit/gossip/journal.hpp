// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The latest changes of members, a bounded number of them: what an explanation is made of.
#ifndef PEERKIT_GOSSIP_JOURNAL_HPP
#define PEERKIT_GOSSIP_JOURNAL_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>

#include <cstddef>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// One change of a member, in short.
struct journal_entry {
    time_point at{};
    short_id subject{};
    short_id by{};
    event_kind kind{};
    cause why = cause::none;
};

/// A ring of entries for all members together; the oldest gives way. Memory is taken as entries come, up to the bound.
class journal {
public:
    /// 4 KiB.
    static constexpr std::size_t most = 128;

    void note(event const& e, time_point now) {
        journal_entry const made{now, e.subject.short_id(), e.by, e.kind, e.why};
        if (entries_.size() < most) return entries_.push_back(made);
        entries_[next_] = made;
        next_ = (next_ + 1) % most;
    }
    /// Calls `f(journal_entry const&)` for what is kept of one member, the oldest first.
    template <typename F>
    void for_each(short_id subject, F&& f) const {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            journal_entry const& entry = entries_[(next_ + i) % entries_.size()];
            if (entry.subject == subject) f(entry);
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    std::vector<journal_entry> entries_;
    std::size_t next_ = 0; ///< the oldest, once the ring is full
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
