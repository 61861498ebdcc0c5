// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the bodies a client sends, byte for byte, and of the conversion of received pages.
#include <peerkit/registry/payload.hpp>

#include <doctest/doctest.h>

#include <peerkit/registry/error.hpp>
#include <support/signed_rows.hpp>

#include <cstddef>

namespace registry = peerkit::registry;

TEST_CASE("a registration says in plain fields what people look for, and everything in its record") {
    registry::registration said;
    said.record = {std::byte{1}, std::byte{2}, std::byte{3}};
    said.domain = "example.test";
    CHECK(to_json(said) == R"({"domain":"example.test","record":"AQID"})");

    said.name = "db1";
    said.address = peerkit::ip_address::parse("2001:db8::7").value();
    said.port = 9000;
    said.registry = "192.0.2.1:8000";
    said.network = peerkit::network_id{{std::byte{0xab}}};
    said.proof = {std::byte{0xff}};
    said.found_by = "dns";
    said.lease.bytes[15] = std::byte{1};
    CHECK(to_json(said) ==
          R"({"node_name":"db1","ipv6_address":"2001:db8::7","domain":"example.test",)"
          R"("registry_address":"192.0.2.1:8000","port":9000,"network":"ab000000000000000000000000000000",)"
          R"("record":"AQID","proof":"ff","found_by":"dns","lease":"00000000000000000000000000000001"})");
}

TEST_CASE("a heartbeat and a deregistration name the node and show the lease") {
    registry::heartbeat beat;
    beat.id.bytes[0] = std::byte{0xaa};
    beat.lease.bytes[0] = std::byte{0xbb};
    std::string const expected =
        R"({"node_id":"aa)" + std::string(62, '0') + R"(","lease":"bb)" + std::string(30, '0') + R"("})";
    CHECK(to_json(beat) == expected);
    CHECK(to_json(registry::deregistration{beat.id, beat.lease}) == expected);
    CHECK(to_json(registry::heartbeats_request{"west", {beat.id}}) ==
          R"({"replica":"west","nodes":["aa)" + std::string(62, '0') + R"("]})");
}

TEST_CASE("a received page is taken over only if nothing of it was left out") {
    registry::node_row const row = test_support::registry_row(4);
    registry::answer said;
    said.mark.epoch = 9;
    said.to = 5;
    said.more = true;
    registry::node_view view;
    view.id = row.id;
    view.record = row.record;
    view.domain = row.domain;
    view.registry = row.registry;
    view.found_by = row.found_by;
    view.lease = row.lease;
    view.version = row.version;
    view.first_seen_ms = row.first_seen_ms;
    view.last_heartbeat_ms = row.last_heartbeat_ms;
    view.uptime_ms = row.uptime_ms;
    view.standing = row.standing;
    view.status = row.status;
    said.nodes.push_back(view);
    auto const page = said.to_page();
    REQUIRE(page);
    CHECK(page->epoch == 9);
    CHECK(page->to == 5);
    CHECK(page->more);
    REQUIRE(page->rows.size() == 1);
    CHECK(page->rows[0] == row);

    said.first_malformed = peerkit::error{registry::registry_error::malformed, 7, "record"};
    auto const refused = said.to_page();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().position() == 7);

    said.clear();
    CHECK(said.nodes.empty());
    CHECK_FALSE(said.first_malformed);
    CHECK(said.mark == registry::state_mark{});
}
