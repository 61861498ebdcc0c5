// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_announcement_handler names the requirement a type does not meet, and the page that explains it.
// expect: handler must be nothrow move constructible; see docs/concepts/announcement_handler\.md
// expect: handler needs `bool admits\(node_id const&\) const noexcept`; see docs/concepts/announcement_handler\.md
// expect: handler needs `verdict on_announcement\(wire::record_view const&, announcement_context const&\) noexcept`
#include <peerkit/gossip/announcement_handler.hpp>

using namespace peerkit;

struct pinned : gossip::accept_announcements {
    pinned() = default;
    pinned(pinned&&) = delete;
};
struct without_gate {
    gossip::verdict on_announcement(wire::record_view const&, gossip::announcement_context const&) noexcept;
};
struct without_verdict {
    bool admits(node_id const&) const noexcept;
};

#if PEERKIT_COMPILE_FAIL
static_assert(gossip::check_announcement_handler<pinned>());
static_assert(gossip::check_announcement_handler<without_gate>());
static_assert(gossip::check_announcement_handler<without_verdict>());
#else
static_assert(gossip::check_announcement_handler<gossip::allow_list>());
static_assert(!gossip::AnnouncementHandler<pinned>);
#endif
