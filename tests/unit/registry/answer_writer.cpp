// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a registry writes: rows in their forms, removals, marks and errors.
#include <peerkit/registry/answer_writer.hpp>

#include <doctest/doctest.h>

#include <peerkit/discovery/error.hpp>

#include <support/signed_rows.hpp>

#include <string>
#include <utility>

namespace registry = peerkit::registry;
using peerkit::json_writer;
using registry::registry_error;
using registry::row_form;

namespace {

std::string row_text(registry::node_row const& row, row_form form) {
    json_writer out;
    write_row(out, row, form);
    return std::move(out).text();
}

} // namespace

TEST_CASE("a full row says for people what its record says for nodes") {
    registry::node_row const row = test_support::registry_row(5);
    CHECK(row_text(row, row_form::full) ==
          R"({"id":")" + row.id.to_string() +
              R"(","name":"node5","status":"offline","address":"2001:db8::5","port":9000,"domain":"example.test",)"
              R"("registry":"192.0.2.1:8000","first_seen":1790000000005,"last_heartbeat":1790000090005,"uptime_s":90,)"
              R"("reputation":94,"found_by":"dns+mdns","version":5,"record":")" +
              peerkit::to_base64(row.record) + R"("})");
}

TEST_CASE("a compact row leaves out what its record says and what is as usual; only replicas see the lease") {
    registry::node_row row = test_support::registry_row(5);
    std::string const record = R"("record":")" + peerkit::to_base64(row.record) + R"("})";
    CHECK(row_text(row, row_form::compact) ==
          R"({"version":5,"status":"offline","domain":"example.test","registry":"192.0.2.1:8000",)"
          R"("found_by":"dns+mdns","first_seen":1790000000005,"last_heartbeat":1790000090005,"uptime_ms":90000,)"
          R"("standing":24000,)" +
              record);
    CHECK(row_text(row, row_form::replica).find(R"("lease":"05000000000000000000000000000000")") != std::string::npos);

    registry::node_row fresh;
    fresh.record = row.record;
    fresh.version = 7;
    fresh.first_seen_ms = fresh.last_heartbeat_ms = 12;
    CHECK(row_text(fresh, row_form::replica) == R"({"version":7,"first_seen":12,)" + record);
}

TEST_CASE("a removal says who went, with which incarnation") {
    registry::tombstone gone = registry::tombstone::of(test_support::registry_row(2), 1'790'000'000'009);
    gone.version = 11;
    json_writer out;
    write_removal(out, gone);
    CHECK(std::move(out).text() == R"({"id":")" + gone.id.to_string() +
                                       R"(","version":11,"name":"node2","domain":"example.test","incarnation":1,)"
                                       R"("removed_at":1790000000009})");
}

TEST_CASE("an error has a code for programs, a sentence for people, and names the field") {
    registry::state_mark const mark{0xfedcba9876543210U, 7, false, 0, false};
    CHECK(error_json(peerkit::error{registry_error::name_taken, 0, "node_name"}, mark) ==
          R"({"error":{"code":"name_taken","message":"the name belongs to another key","field":"node_name"},)"
          R"("epoch":"fedcba9876543210","version":7})");
    CHECK(error_json(peerkit::error{peerkit::discovery::discovery_error::not_json, 12}, mark) ==
          R"({"error":{"code":"malformed","message":"discovery: the document is not valid JSON, at 12"},)"
          R"("epoch":"fedcba9876543210","version":7})");
}

TEST_CASE("a challenge comes with the error that asks for it, and a stale replica says so") {
    std::array<std::byte, 2> const challenge{std::byte{0xca}, std::byte{0xfe}};
    registry::state_mark const mark{1, 2, true, 75, true};
    CHECK(error_json(peerkit::error{registry_error::challenge}, mark, challenge) ==
          R"({"error":{"code":"challenge","message":"sign the challenge with the node's key and ask again"},)"
          R"("challenge":"cafe","epoch":"0000000000000001","version":2,"stale":true,"behind_s":75,)"
          R"("self_preservation":true})");
}
