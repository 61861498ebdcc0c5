// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::event: names, and that the checker of the event language can fail.
#include <peerkit/gossip/event.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include <peerkit/gossip/member_view.hpp>
#include <support/event_language.hpp>

using peerkit::gossip::cause;
using peerkit::gossip::event;
using peerkit::gossip::event_kind;

namespace {

/// Whether the checker accepts these events of one subject, all of one incarnation.
bool accepted(std::vector<event_kind> const& kinds) {
    tests::event_language language;
    for (event_kind const kind : kinds) {
        event e;
        e.kind = kind;
        e.subject.bytes.fill(std::byte{1});
        e.incarnation = 5;
        if (!language.take(e).empty()) return false;
    }
    return true;
}

} // namespace

TEST_CASE("every kind of event and every cause has a name of its own") {
    std::set<std::string_view> kinds, causes;
    for (unsigned i = 0; i <= static_cast<unsigned>(event_kind::address_observed); ++i)
        kinds.insert(to_string(static_cast<event_kind>(i)));
    for (unsigned i = 0; i <= static_cast<unsigned>(cause::name_taken); ++i)
        causes.insert(to_string(static_cast<cause>(i)));
    CHECK(kinds.size() == static_cast<unsigned>(event_kind::address_observed) + 1);
    CHECK(causes.size() == static_cast<unsigned>(cause::name_taken) + 1);
    CHECK(kinds.count("unknown") == 0);
    CHECK(causes.count("unknown") == 0);
    CHECK(to_string(static_cast<event_kind>(200)) == "unknown");
    CHECK(to_string(static_cast<cause>(200)) == "unknown");
}

TEST_CASE("an event made without more says nothing") {
    event const e;
    CHECK(e.why == cause::none);
    CHECK_FALSE(static_cast<bool>(e.subject));
    CHECK_FALSE(static_cast<bool>(e.where));
    CHECK_FALSE(e.what.has_value());
    CHECK(e.count == 0);
}

TEST_CASE("the language of member events accepts lives and refuses what cannot happen") {
    using enum event_kind;
    CHECK(accepted({member_up, member_updated, member_suspected, member_refuted, member_suspected, member_dead}));
    CHECK(accepted({member_up, member_left, member_removed, member_up, member_dead, member_up}));
    CHECK(accepted({member_up, member_suspected, member_left}));
    CHECK(accepted({isolated, joined, discovery_started}));
    CHECK_FALSE(accepted({member_dead}));
    CHECK_FALSE(accepted({member_updated}));
    CHECK_FALSE(accepted({member_up, member_up}));
    CHECK_FALSE(accepted({member_up, member_refuted}));
    CHECK_FALSE(accepted({member_up, member_removed}));
    CHECK_FALSE(accepted({member_up, member_suspected, member_suspected}));
    CHECK_FALSE(accepted({member_up, member_dead, member_dead}));
    CHECK_FALSE(accepted({member_up, member_dead, member_left}));
    CHECK_FALSE(accepted({member_up, member_dead, member_updated}));
}

TEST_CASE("the language refuses an incarnation that goes back") {
    tests::event_language language;
    event e;
    e.incarnation = 5;
    CHECK(language.take(e).empty());
    e.kind = event_kind::member_updated;
    e.incarnation = 4;
    CHECK_FALSE(language.take(e).empty());
}
