// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What this node knows of members by its own experience: their round trips, and when each was heard last.
#ifndef PEERKIT_MEMBERSHIP_CONTACT_LOG_HPP
#define PEERKIT_MEMBERSHIP_CONTACT_LOG_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/membership/last_heard.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/round_trips.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// Four bytes a member, beside its row.
struct contact_log {
    round_trips trips{};
    last_heard heard{};

    /// The slot is somebody else's from now on.
    void forget(slot at) noexcept {
        trips.forget(at);
        heard.forget(at);
    }
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
