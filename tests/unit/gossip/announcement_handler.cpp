// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the announcement handlers peerkit brings. The concept is tested in tests/concepts/announcement_handler.cpp.
#include <peerkit/gossip/announcement_handler.hpp>

#include <doctest/doctest.h>

#include <support/puppet.hpp>

using namespace peerkit;
using gossip::announcement_context;
using gossip::verdict;
using tests::puppet;

TEST_CASE("accept_announcements takes everybody") {
    gossip::accept_announcements h;
    puppet const p{1};
    tests::bytes const record = p.record();
    CHECK(h.admits(p.id()));
    CHECK(h.admits(node_id{}));
    CHECK(h.on_announcement(wire::record_view::trusted(record), {}) == verdict::accept);
}

TEST_CASE("an allow list admits those listed, in whatever order, and nobody else") {
    puppet const a{1}, b{2}, c{3};
    gossip::allow_list const h{{b.id(), a.id(), b.id()}};
    CHECK(h.admits(a.id()));
    CHECK(h.admits(b.id()));
    CHECK_FALSE(h.admits(c.id()));
    CHECK_FALSE(h.admits(node_id{}));
    node_id almost = a.id();
    almost.bytes[31] ^= std::byte{1};
    CHECK_FALSE(h.admits(almost));
    CHECK_FALSE(gossip::allow_list{{}}.admits(a.id()));
}

TEST_CASE("an announcement from its subject itself has to come from an address it announces") {
    gossip::require_announced_source h;
    puppet p{1};
    p.self.addresses.push_back({ip_address::v4(192, 0, 2, 5), 7000, address_kind::global});
    tests::bytes const record = p.record();
    auto const view = wire::record_view::trusted(record);
    announcement_context context;
    context.direct = true;
    context.source = {p.where.address, 1234}; // the port may differ
    CHECK(h.admits(p.id()));
    CHECK(h.on_announcement(view, context) == verdict::accept);
    context.source.address = ip_address::v4(192, 0, 2, 5);
    CHECK(h.on_announcement(view, context) == verdict::accept);
    context.source.address = ip_address::v4(192, 0, 2, 6);
    CHECK(h.on_announcement(view, context) == verdict::refuse);
    context.direct = false; // passed on by somebody else
    CHECK(h.on_announcement(view, context) == verdict::accept);
}
