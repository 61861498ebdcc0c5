// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of AnnouncementHandler; docs/concepts/announcement_handler.md quotes the exemplar.
#include <peerkit/gossip/announcement_handler.hpp>

#include <doctest/doctest.h>

#include <peerkit/gossip/engine.hpp>
#include <support/compiled_stage.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_handler {
public:
    explicit least_handler(int) noexcept {}
    least_handler(least_handler&&) noexcept = default;
    least_handler& operator=(least_handler&&) = delete;

    bool admits(node_id const&) const noexcept { return true; }
    gossip::verdict on_announcement(wire::record_view const&, gossip::announcement_context const&) noexcept {
        return gossip::verdict::accept;
    }
};
static_assert(gossip::AnnouncementHandler<least_handler>);
static_assert(gossip::check_announcement_handler<least_handler>());

// [exemplar]
/// Takes announcements of one site only, by the label "site".
class one_site {
public:
    explicit one_site(std::string site) : site_{std::move(site)} {}

    [[nodiscard]] bool admits(peerkit::node_id const&) const noexcept { return true; }
    [[nodiscard]] peerkit::gossip::verdict on_announcement(peerkit::wire::record_view const& record,
                                                           peerkit::gossip::announcement_context const&) noexcept {
        auto const site = record.label_value("site");
        return site && *site == site_ ? peerkit::gossip::verdict::accept : peerkit::gossip::verdict::refuse;
    }

private:
    std::string site_;
};
static_assert(peerkit::gossip::check_announcement_handler<one_site>());
// [/exemplar]

static_assert(gossip::check_announcement_handler<gossip::accept_announcements>());
static_assert(gossip::check_announcement_handler<gossip::allow_list>());
static_assert(gossip::check_announcement_handler<gossip::require_announced_source>());

// Each requirement is missing from a type of its own, and from that one alone.
struct pinned {
    pinned() = default;
    pinned(pinned&&) = delete;
    bool admits(node_id const&) const noexcept { return true; }
    gossip::verdict on_announcement(wire::record_view const&, gossip::announcement_context const&) noexcept {
        return gossip::verdict::accept;
    }
};
struct admits_nothing_said {
    gossip::verdict on_announcement(wire::record_view const&, gossip::announcement_context const&) noexcept {
        return gossip::verdict::accept;
    }
};
struct admits_may_throw : admits_nothing_said {
    bool admits(node_id const&) const { return true; }
};
struct no_verdict {
    bool admits(node_id const&) const noexcept { return true; }
};
struct verdict_is_bool : no_verdict {
    bool on_announcement(wire::record_view const&, gossip::announcement_context const&) noexcept { return true; }
};
static_assert(!gossip::AnnouncementHandler<pinned> && gossip::HasAdmits<pinned> && gossip::HasOnAnnouncement<pinned>);
static_assert(!gossip::HasAdmits<admits_nothing_said> && gossip::HasOnAnnouncement<admits_nothing_said>);
static_assert(!gossip::HasAdmits<admits_may_throw> && gossip::HasOnAnnouncement<admits_may_throw>);
static_assert(!gossip::HasOnAnnouncement<no_verdict> && gossip::HasAdmits<no_verdict>);
static_assert(!gossip::HasOnAnnouncement<verdict_is_bool> && !gossip::AnnouncementHandler<verdict_is_bool>);

template <typename Handler>
using stage_of = tests::basic_stage<gossip::engine<tests::fake_policies<Handler>>>;

template <typename Handler>
typename stage_of<Handler>::options quiet_options() {
    typename stage_of<Handler>::options o;
    o.tunables = tests::quiet();
    return o;
}

} // namespace

TEST_CASE("the engine runs on the archetype of an announcement handler") {
    stage_of<least_handler> s{quiet_options<least_handler>(), least_handler{1}};
    REQUIRE(s.start());
    tests::puppet& p = s.add_member(1);
    CHECK(s.state_of(p) == membership::member_state::alive);
}

TEST_CASE("a handler that asks for a label has members with that label only") {
    stage_of<one_site> s{quiet_options<one_site>(), one_site{"east"}};
    REQUIRE(s.start());
    tests::puppet& east = s.add(1);
    tests::puppet& west = s.add(2);
    tests::puppet& nowhere = s.add(3);
    east.self.labels = {{"site", "east"}};
    west.self.labels = {{"site", "west"}};
    for (tests::puppet* p : {&east, &west, &nowhere}) s.announce(*p);
    CHECK(s.state_of(east) == membership::member_state::alive);
    CHECK_FALSE(s.state_of(west).has_value());
    CHECK_FALSE(s.state_of(nowhere).has_value());
    CHECK(s.refused(gossip::gossip_error::refused_by_handler) == 2);
}
