// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A member as the host sees it: read access to one row of the member table.
#ifndef PEERKIT_GOSSIP_MEMBER_VIEW_HPP
#define PEERKIT_GOSSIP_MEMBER_VIEW_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/contact_log.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/round_trips.hpp>
#include <peerkit/wire/record.hpp>

#include <cstdint>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Valid until the next call into the engine that is not const.
class member_view {
public:
    member_view(membership::member const& row, bool is_self, membership::contact_log const* log = nullptr,
                membership::slot at = membership::no_slot) noexcept
        : row_{&row}, log_{log}, at_{at}, is_self_{is_self} {}

    [[nodiscard]] node_id id() const noexcept { return row_->record().id(); }
    [[nodiscard]] peerkit::short_id short_id() const noexcept { return row_->key; }
    [[nodiscard]] membership::member_state state() const noexcept { return row_->state; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return row_->incarnation(); }
    /// When the state was entered, on this node's clock.
    [[nodiscard]] time_point since() const noexcept { return row_->since; }
    [[nodiscard]] bool is_self() const noexcept { return is_self_; }
    /// Alive or suspect: counted among the members.
    [[nodiscard]] bool reachable() const noexcept { return row_->state <= membership::member_state::suspect; }
    /// Where the member takes gossip: of the addresses it announces the one in use.
    [[nodiscard]] ip_endpoint endpoint() const noexcept { return row_->endpoint(); }
    /// Whether the member announces that endpoint, as any of its addresses.
    [[nodiscard]] bool announces(ip_endpoint const& where) const noexcept {
        return row_->record().index_of(where).has_value();
    }
    /// How long this node's own pings to the member take to be answered. None before the first answer.
    [[nodiscard]] std::optional<membership::round_trip> round_trip() const noexcept {
        return log_ == nullptr ? std::nullopt : log_->trips.estimate(at_);
    }
    /// When this node last heard the member itself, to two seconds. None if it never did.
    [[nodiscard]] std::optional<time_point> last_heard(time_point now) const noexcept {
        return log_ == nullptr ? std::nullopt : log_->heard.find(at_, reachable() ? now : row_->since);
    }
    /// The signed announcement, verbatim; `record().to_description()` makes an owned copy.
    [[nodiscard]] wire::record_view record() const noexcept { return row_->record(); }

private:
    membership::member const* row_;
    membership::contact_log const* log_;
    membership::slot at_;
    bool is_self_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
