// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the text of gossip_state.json: what is written is read again, and nothing else is.
#include <peerkit/store/snapshot.hpp>

#include "support/stored.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

using namespace peerkit;
using store::decode_snapshot;
using store::encode_snapshot;
using store::store_error;
using store::stored_state;

namespace {

/// A snapshot with another content and the checksum that belongs to it.
std::string sealed(std::string_view after_checksum) {
    return std::string{store::detail::snapshot_opening} + store::detail::checksum_text(after_checksum) +
           std::string{after_checksum};
}
std::string covered(std::string const& text) { return text.substr(store::detail::snapshot_envelope); }

/// The sample with `from` replaced by `to`, sealed again.
std::string changed(std::string_view from, std::string_view to, std::size_t peers = 1) {
    std::string text = covered(*encode_snapshot(tests::stored_sample(peers), 7));
    std::size_t const at = text.find(from);
    REQUIRE(at != std::string::npos);
    return sealed(text.replace(at, from.size(), to));
}

void refused(std::string const& text, store_error what, char const* field, std::uint64_t position = 0) {
    auto const got = decode_snapshot(text);
    REQUIRE_FALSE(got);
    CHECK(got.error() == what);
    CHECK(got.error().field() == field);
    CHECK(got.error().position() == position);
}

} // namespace

TEST_CASE("a state is read as it was written") {
    for (std::size_t const peers : {0U, 1U, 7U, 200U}) {
        stored_state const state = tests::stored_sample(peers);
        auto const text = encode_snapshot(state, 42);
        REQUIRE(text);
        auto const found = decode_snapshot(*text);
        REQUIRE(found);
        CHECK(found->state == state);
        CHECK(found->generation == 42);
        CHECK(found->left_out == 0);
        CHECK(found->quarantined == 0);
        CHECK_FALSE(found->damage);
    }
    stored_state const nothing;
    CHECK(decode_snapshot(*encode_snapshot(nothing, 1))->state == nothing);
    stored_state extreme;
    extreme.incarnation = limits::incarnation - 1;
    extreme.peers = tests::stored_sample(2).peers;
    extreme.peers[0].last_heard_ms = std::numeric_limits<std::int64_t>::min();
    extreme.peers[1].last_heard_ms = std::numeric_limits<std::int64_t>::max();
    extreme.peers[1].sources = node::provenance_set::from_bits(~0U);
    auto const found = decode_snapshot(*encode_snapshot(extreme, std::numeric_limits<std::uint64_t>::max()));
    REQUIRE(found);
    CHECK(found->state == extreme);
    CHECK(found->generation == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("the text of a snapshot is the one that docs/store.md shows") {
    stored_state state;
    state.owner.bytes[31] = std::byte{0xab};
    state.incarnation = 5;
    state.settings = {{"name", "db1"}};
    state.registries = {"tnr.example.test:8000"};
    store::stored_peer peer;
    peer.record = tests::stored_record(2, state.network);
    peer.sources = node::provenance_set{discovery::provenance::dns} | discovery::provenance::gossip;
    peer.last_endpoint = {ip_address::v4(192, 0, 2, 7), 9000};
    peer.last_heard_ms = 1'700'000'000'000;
    state.peers = {peer};
    CHECK(covered(*encode_snapshot(state, 3)) ==
          R"(","format":"peerkit gossip state","version":1,"generation":3,)"
          R"("owner":"00000000000000000000000000000000000000000000000000000000000000ab",)"
          R"("network":"00000000000000000000000000000000","incarnation":5,"settings":{"name":"db1"},)"
          R"("registries":["tnr.example.test:8000"],"peers":[{"record":")" +
              to_base64(peer.record) +
              R"(","sources":["dns","gossip"],)"
              R"("endpoint":"192.0.2.7:9000","last_heard_ms":1700000000000}]})"
              "\n");
}

TEST_CASE("no snapshot of which a byte is missing, or one bit is another, is read") {
    std::string const whole = *encode_snapshot(tests::stored_sample(2), 9);
    REQUIRE(decode_snapshot(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(decode_snapshot({whole.data(), size}));
    std::string damaged = whole;
    std::size_t taken = 0;
    for (char& c : damaged) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            c = static_cast<char>(c ^ (1 << bit));
            taken += decode_snapshot(damaged).has_value() ? 1U : 0U;
            c = static_cast<char>(c ^ (1 << bit));
        }
    }
    CHECK(taken == 0);
    CHECK_FALSE(decode_snapshot(whole + " "));
    refused("", store_error::not_ours, "snapshot");
    refused("{}", store_error::not_ours, "snapshot");
    refused(std::string(store::max_snapshot + 1, ' '), store_error::too_large, "snapshot", store::max_snapshot + 1);
    damaged.back() = ' ';
    refused(damaged, store_error::bad_checksum, "snapshot", damaged.size());
}

TEST_CASE("a snapshot of a later version is told from a damaged one") {
    refused(changed("\"version\":1", "\"version\":2"), store_error::newer_format, "version", 2);
    refused(changed("\"version\":1,\"generation\":7", "\"version\":9,\"other\":{}"), store_error::newer_format,
            "version", 9);
    refused(changed("\"version\":1", "\"version\":0"), store_error::bad_field, "version");
    refused(changed("peerkit gossip state", "something else"), store_error::not_ours, "format");
}

TEST_CASE("a snapshot with a checksum that fits and a wrong field is refused by the name of the field") {
    refused(sealed("\"} x"), store_error::not_json, "snapshot");
    refused(sealed("\",\"format\":[[[[[[[[[[1]]]]]]]]]]}"), store_error::not_json, "snapshot");
    refused(sealed("\"}"), store_error::bad_field, "format");
    for (char const* field :
         {"format", "version", "generation", "owner", "network", "incarnation", "settings", "registries", "peers"}) {
        refused(changed(std::string{"\""} + field + "\":", "\"other\":"), store_error::bad_field, field);
        refused(changed(std::string{"\""} + field + "\":", std::string{"\""} + field + "\":null,\"other\":"),
                store_error::bad_field, field);
    }
    refused(changed("\"owner\":\"", "\"owner\":\"00"), store_error::bad_field, "owner");
    refused(changed("\"network\":\"7e", "\"network\":\"7g"), store_error::bad_field, "network");
    refused(changed("\"incarnation\":1700000000000001", "\"incarnation\":9223372036854775808"), store_error::bad_field,
            "incarnation");
    refused(changed("\"name\":\"db1\"", "\"name\":1"), store_error::bad_field, "settings");
    refused(changed("\"name\":\"db1\"", "\"\":\"db1\""), store_error::bad_field, "settings");
    refused(changed("\"tnr.example.test:8000\"", "8000"), store_error::bad_field, "registries");
    refused(changed("\"tnr.example.test:8000\"", "\"\""), store_error::bad_field, "registries");
    std::string many;
    for (int i = 0; i < 40; ++i) many += "\"r\",";
    refused(changed("\"tnr.example", many + "\"tnr.example"), store_error::bad_field, "registries");
    many.clear();
    for (int i = 0; i < 80; ++i) many += "\"k" + std::to_string(i) + "\":\"v\",";
    refused(changed("\"name\":\"db1\"", many + "\"name\":\"db1\""), store_error::bad_field, "settings");
}

TEST_CASE("a peer that makes no sense is left out and counted, the others stay") {
    stored_state const whole = tests::stored_sample(3);
    auto const without_first = [&](std::string_view from, std::string_view to) {
        CAPTURE(to);
        auto const found = decode_snapshot(changed(from, to, 3));
        REQUIRE(found);
        CHECK(found->left_out == 1);
        REQUIRE(found->state.peers.size() == 2);
        CHECK(found->state.peers[0] == whole.peers[1]);
        CHECK(found->state.peers[1] == whole.peers[2]);
    };
    without_first("[{\"record\":", "[{\"other\":");
    without_first("[{\"record\":\"", "[{\"record\":\"*");
    without_first("[{\"record\":\"", "[{\"record\":\"\",\"x\":\"");
    without_first("[{\"record\":\"", "[{\"record\":\"" + std::string(1368, 'A'));
    without_first("[\"dns\",\"gossip\"]", "\"dns\"");
    without_first("[\"dns\",\"gossip\"]", "[1]");
    without_first("\"192.0.2.2:9000\"", "\"host.example:9000\"");
    without_first("\"192.0.2.2:9000\"", "\"192.0.2.2\"");
    without_first("\"192.0.2.2:9000\"", "null");
    without_first("\"last_heard_ms\":1700000000000", "\"last_heard_ms\":1.5");
    auto const stray = decode_snapshot(changed("\"peers\":[", "\"peers\":[7,", 3));
    REQUIRE(stray);
    CHECK(stray->left_out == 1);
    CHECK(stray->state == whole);
}

TEST_CASE("ways of looking that a later version knows are passed over") {
    auto const found = decode_snapshot(changed("[\"dns\",\"gossip\"]", "[\"dns\",\"telepathy\"]"));
    REQUIRE(found);
    CHECK(found->left_out == 0);
    CHECK(found->state.peers.at(0).sources == node::provenance_set{discovery::provenance::dns});
}

TEST_CASE("the largest state there can be fits a snapshot") {
    stored_state state = tests::stored_sample(1);
    state.settings.clear();
    for (std::size_t i = 0; i < store::max_settings; ++i) {
        std::string key = std::to_string(i);
        key.resize(store::max_setting_key, '\x01'); // six characters each
        state.settings[key] = std::string(store::max_setting_value, '\x02');
    }
    state.registries.assign(store::max_registries, std::string(store::max_registry_text, '\x03'));
    store::stored_peer peer;
    peer.record = tests::stored_record(2, state.network);
    peer.sources = node::provenance_set::from_bits(~0U);
    peer.last_endpoint = {*ip_address::parse("2001:db8:1111:2222:3333:4444:5555:6666"), 65535};
    peer.last_heard_ms = std::numeric_limits<std::int64_t>::min();
    state.peers.assign(store::max_peers, peer);
    auto const text = encode_snapshot(state, ~std::uint64_t{0});
    REQUIRE(text);
    std::size_t const longer_records = base64_size(limits::record) - base64_size(peer.record.size());
    CHECK(text->size() + store::max_peers * longer_records <= store::max_snapshot);
    auto const found = decode_snapshot(*text);
    REQUIRE(found);
    CHECK(found->state == state);

    state.peers.emplace_back();
    CHECK(encode_snapshot(state, 1).error() == store_error::too_many);
}
