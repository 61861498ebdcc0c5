// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which members are meant: by name, role, capability, service and labels, and the nearest of them.
#ifndef PEERKIT_GOSSIP_MEMBER_QUERY_HPP
#define PEERKIT_GOSSIP_MEMBER_QUERY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/label_filter.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/member_view.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// A member is meant if every part that is not empty fits. Without any, all that are alive or suspect are
/// meant, this node included. A value, made once and used again and again: asking allocates nothing.
///
/// @code
/// gossip::member_query databases{.service = "sql", .passing = true};
/// databases.labels = label_filter::parse("zone=a").value();
/// engine.for_each_member(databases, [](gossip::member_view const& m) { ... });
/// @endcode
struct member_query {
    std::string name{}; ///< names are not unique: several members may fit
    std::string role{};
    std::string capability{};
    std::string service{}; ///< offers a service of that name ...
    bool passing = false;  ///< ... whose health is passing; without a name: some service whose health is
    label_filter labels{};
    bool others = false;   ///< without this node itself
    bool departed = false; ///< the dead and those who left, too, as long as they are remembered

    [[nodiscard]] bool matches(member_view const& m) const noexcept {
        if ((others && m.is_self()) || (!departed && !m.reachable())) return false;
        wire::record_view const record = m.record();
        if (!name.empty() && record.name() != name) return false;
        if (!role.empty() && !record.has_role(role)) return false;
        if (!capability.empty() && !record.has_capability(capability)) return false;
        if ((!service.empty() || passing) && !offers(record)) return false;
        return labels.matches(record);
    }

private:
    [[nodiscard]] bool offers(wire::record_view const& record) const noexcept {
        for (wire::service_view const& s : record.services()) {
            if ((service.empty() || s.name == service) && (!passing || s.health == service_health::passing))
                return true;
        }
        return false;
    }
};

/// Keeps the nearest members of those it is shown, in order of their round trips; those whose round trip is not known
/// come last, and among equals the short id decides. Holds up to `most` without allocation.
class nearest_members {
public:
    static constexpr std::size_t most = 64;

    /// @param count how many to keep, at most `most`
    explicit nearest_members(std::size_t count) noexcept : room_{std::min(count, most)} {}

    void show(membership::slot at, member_view const& m) noexcept {
        auto const known = m.round_trip();
        entry const shown{known ? known->smoothed : duration::max(), m.short_id(), at};
        auto const end = kept_.begin() + static_cast<std::ptrdiff_t>(size_);
        auto const place = std::upper_bound(kept_.begin(), end, shown);
        if (place == kept_.begin() + static_cast<std::ptrdiff_t>(room_)) return;
        if (size_ < room_) ++size_;
        std::move_backward(place, kept_.begin() + static_cast<std::ptrdiff_t>(size_) - 1,
                           kept_.begin() + static_cast<std::ptrdiff_t>(size_));
        *place = shown;
    }
    template <typename F>
    void for_each(F&& f) const {
        for (std::size_t i = 0; i < size_; ++i) f(kept_[i].at);
    }

private:
    struct entry {
        duration trip{};
        short_id key{};
        membership::slot at = membership::no_slot;
        [[nodiscard]] friend bool operator<(entry const& left, entry const& right) noexcept {
            return left.trip != right.trip ? left.trip < right.trip : left.key < right.key;
        }
    };

    std::array<entry, most> kept_{};
    std::size_t size_ = 0;
    std::size_t room_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
