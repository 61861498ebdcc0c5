// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy that decides which announcements count: a trust gate before the signature, a verdict after it.
#ifndef PEERKIT_GOSSIP_ANNOUNCEMENT_HANDLER_HPP
#define PEERKIT_GOSSIP_ANNOUNCEMENT_HANDLER_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// How an announcement came in.
struct announcement_context {
    ip_endpoint source{}; ///< address of the packet or stream that carried it
    bool direct = false;  ///< the packet was sent by the subject itself
    bool over_stream = false;
    bool known = false; ///< the subject is in the member table
};

enum class verdict : std::uint8_t { accept, refuse };

/// `h.admits(id)`: may this node be a member at all? Asked before the signature is checked, so it must be cheap.
template <typename T>
concept HasAdmits = requires(T const& handler, node_id const& id) {
    { handler.admits(id) } noexcept -> std::same_as<bool>;
};

/// `h.on_announcement(record, context)`: asked after the signature was found good.
template <typename T>
concept HasOnAnnouncement = requires(T& handler, wire::record_view const& record, announcement_context const& context) {
    { handler.on_announcement(record, context) } noexcept -> std::same_as<verdict>;
};

/// Decides about announcements. What it refuses changes nothing and is counted. See
/// docs/concepts/announcement_handler.md.
template <typename T>
concept AnnouncementHandler = std::is_nothrow_move_constructible_v<T> && HasAdmits<T> && HasOnAnnouncement<T>;

/// Says in one sentence what `T` lacks to be an `AnnouncementHandler`.
template <typename T>
consteval bool check_announcement_handler() {
    static_assert(std::is_nothrow_move_constructible_v<T>, "peerkit: an announcement handler must be nothrow move "
                                                           "constructible; see docs/concepts/announcement_handler.md");
    static_assert(HasAdmits<T>, "peerkit: an announcement handler needs `bool admits(node_id const&) const noexcept`; "
                                "see docs/concepts/announcement_handler.md");
    static_assert(HasOnAnnouncement<T>,
                  "peerkit: an announcement handler needs `verdict on_announcement(wire::record_view const&, "
                  "announcement_context const&) noexcept`; see docs/concepts/announcement_handler.md");
    return true;
}

/// Every holder of the network key may be a member.
struct accept_announcements {
    [[nodiscard]] bool admits(node_id const&) const noexcept { return true; }
    [[nodiscard]] verdict on_announcement(wire::record_view const&, announcement_context const&) noexcept {
        return verdict::accept;
    }
};

/// Only listed nodes may be members. Holding the network key is then not enough.
class allow_list {
public:
    explicit allow_list(std::vector<node_id> ids) : ids_{std::move(ids)} { std::sort(ids_.begin(), ids_.end()); }

    [[nodiscard]] bool admits(node_id const& id) const noexcept {
        return std::binary_search(ids_.begin(), ids_.end(), id);
    }
    [[nodiscard]] verdict on_announcement(wire::record_view const&, announcement_context const&) noexcept {
        return verdict::accept;
    }

private:
    std::vector<node_id> ids_;
};

/// An announcement that arrives from its subject itself must come from one of the addresses it announces. Not for
/// nodes behind address translation.
struct require_announced_source {
    [[nodiscard]] bool admits(node_id const&) const noexcept { return true; }
    [[nodiscard]] verdict on_announcement(wire::record_view const& record,
                                          announcement_context const& context) noexcept {
        if (!context.direct) return verdict::accept;
        for (std::size_t i = 0; i < record.address_count(); ++i) {
            if (record.gossip_endpoint(i).address == context.source.address) return verdict::accept;
        }
        return verdict::refuse;
    }
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
