// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading requests of strangers: what is written comes back, and every field is checked.
#include <peerkit/registry/request_reader.hpp>

#include <doctest/doctest.h>

#include <support/signed_rows.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace registry = peerkit::registry;
using peerkit::discovery::discovery_error;
using registry::registry_error;

namespace {

registry::registration full_registration() {
    registry::registration said;
    said.record = test_support::registry_record(3);
    said.domain = "example.test";
    said.registry = "192.0.2.1:8000";
    said.found_by = "dns+mdns";
    said.name = "node3";
    said.address = peerkit::ip_address::parse("2001:db8::3").value();
    said.port = 9000;
    said.network = test_support::registry_network;
    said.proof.assign(64, std::byte{0x5c});
    said.lease.bytes[3] = std::byte{9};
    return said;
}
/// The text with the value of one field replaced.
std::string with(std::string text, std::string const& field, std::string const& value) {
    std::size_t const at = text.find('"' + field + "\":") + field.size() + 3;
    std::size_t end = at;
    for (bool quoted = false; quoted || (text[end] != ',' && text[end] != '}'); ++end) {
        if (text[end] == '"') quoted = !quoted;
    }
    return text.replace(at, end - at, value);
}
peerkit::error refused(std::string_view body) {
    CAPTURE(body);
    registry::request_reader reader;
    auto const read = reader.read_registration(body);
    REQUIRE_FALSE(read);
    return read.error();
}

} // namespace

TEST_CASE("a registration that was written comes back whole") {
    registry::request_reader reader;
    registry::registration const said = full_registration();
    auto const read = reader.read_registration(to_json(said));
    REQUIRE(read);
    CHECK(read->record == said.record);
    CHECK(read->domain == said.domain);
    CHECK(read->registry == said.registry);
    CHECK(read->found_by == said.found_by);
    CHECK(read->name == said.name);
    CHECK(read->address == said.address);
    CHECK(read->port == said.port);
    CHECK(read->network == said.network);
    CHECK(read->proof == said.proof);
    CHECK(read->lease == said.lease);
}

TEST_CASE("only the record has to be there; what is unknown is ignored and null is as absent") {
    registry::request_reader reader;
    auto const read =
        reader.read_registration(R"({ "new": {"deep":[1,{"a":null}]}, "proof": null, "port": null, "record":"AQID" })");
    REQUIRE(read);
    CHECK(read->record.size() == 3);
    CHECK(read->proof.empty());
    CHECK_FALSE(read->port);
    CHECK_FALSE(read->name);
    CHECK_FALSE(read->lease);
    CHECK(read->domain.empty());
    CHECK(refused(R"({"domain":"example.test"})").field() == "record");
    CHECK(refused(R"({"record":null})").field() == "record");
}

TEST_CASE("each field that is not what it should be refuses the registration and is named") {
    std::string const good = to_json(full_registration());
    using changes = std::initializer_list<std::pair<char const*, std::string>>;
    for (auto const& [field, value] : changes{
             {"node_name", "7"},
             {"node_name", "\"" + std::string(64, 'n') + "\""},
             {"node_name", R"("a\nb")"},
             {"ipv6_address", R"("localhost")"},
             {"ipv6_address", R"("")"},
             {"domain", "[]"},
             {"domain", "\"" + std::string(254, 'd') + "\""},
             {"registry_address", "\"" + std::string(262, 'r') + "\""},
             {"port", "0"},
             {"port", "65536"},
             {"port", "-1"},
             {"port", R"("9000")"},
             {"port", "1.5"},
             {"network", R"("ab")"},
             {"record", R"("")"},
             {"record", R"("AQI")"},
             {"record", "\"" + std::string(1372, 'A') + "\""},
             {"found_by", "\"" + std::string(64, 'f') + "\""},
             {"lease", R"("zz")"},
         }) {
        std::string const body = with(good, field, value);
        peerkit::error const what = refused(body);
        CHECK(what == registry_error::malformed);
        CHECK(what.field() == field);
    }
    CHECK(refused(with(good, "proof", R"("ab")")) == registry_error::bad_proof);
    CHECK(refused(with(good, "proof", "5")) == registry_error::malformed);
}

TEST_CASE("what is no JSON object is refused with the place where it stops being one") {
    CHECK(refused("") == discovery_error::empty_document);
    CHECK(refused("  ") == discovery_error::empty_document);
    CHECK(refused("[]") == discovery_error::not_an_object);
    CHECK(refused("register me") == discovery_error::not_json);
    CHECK(refused(R"({"record":"AQID"} x)") == discovery_error::trailing_bytes);
    CHECK(refused(R"({"record":"AQID")") == discovery_error::not_json);
    CHECK(refused("{\"record\":\"AQID\",\"domain\":\"\xff\"}") == discovery_error::invalid_utf8);
    CHECK(refused(R"({"record":"AQID","x":tru})") == discovery_error::not_json);
    CHECK(refused(R"({"record":"AQID","x":01})") == discovery_error::not_json);
    CHECK(refused(R"({"x":)" + std::string(17, '[') + std::string(17, ']') + "}") == discovery_error::too_deep);
    peerkit::error const large = refused(std::string(registry::max_request_body + 1, ' '));
    CHECK(large == registry_error::too_large);
    CHECK(large.position() == registry::max_request_body);
}

TEST_CASE("the reader is used again after whatever came") {
    registry::request_reader reader;
    std::string const good = to_json(full_registration());
    CHECK_FALSE(reader.read_registration("{"));
    CHECK(reader.read_registration(good));
    CHECK_FALSE(reader.read_registration("{\"x\":" + std::string(30'000, '[') + "}"));
    CHECK(reader.read_registration(good));
    std::string const largest = R"({"record":"AQID","x":")" + std::string(registry::max_request_body - 24, 'x') + "\"}";
    REQUIRE(largest.size() == registry::max_request_body);
    CHECK(reader.read_registration(largest));
    CHECK(reader.read_registration(good));
}

TEST_CASE("a heartbeat and a deregistration need both node and lease") {
    registry::request_reader reader;
    registry::heartbeat beat;
    beat.id = peerkit::crypto::fake_identity{1}.id();
    beat.lease.bytes[0] = std::byte{7};
    auto const read = reader.read_heartbeat(to_json(beat));
    REQUIRE(read);
    CHECK(read->id == beat.id);
    CHECK(read->lease == beat.lease);
    auto const gone = reader.read_deregistration(to_json(registry::deregistration{beat.id, beat.lease}));
    REQUIRE(gone);
    CHECK(gone->id == beat.id);

    auto const field_refused = [&](std::string const& body) {
        auto const bad = reader.read_heartbeat(body);
        REQUIRE_FALSE(bad);
        CHECK(bad.error() == registry_error::malformed);
        return std::string{bad.error().field()};
    };
    CHECK(field_refused("{}") == "node_id");
    CHECK(field_refused(R"({"node_id":")" + beat.id.to_string() + R"("})") == "lease");
    CHECK(field_refused(R"({"node_id":")" + beat.id.to_string() + R"(","lease":"12"})") == "lease");
    CHECK(field_refused(R"({"node_id":5,"lease":")" + beat.lease.to_string() + R"("})") == "node_id");
}

TEST_CASE("the heartbeats of a replica are as many as one request may hold") {
    registry::request_reader reader;
    registry::heartbeats_request said{"west", {}};
    for (unsigned n = 0; n < registry::max_heartbeats; ++n)
        said.nodes.push_back(peerkit::crypto::fake_identity{n}.id());
    std::string const body = to_json(said);
    REQUIRE(body.size() <= registry::max_request_body);
    auto const read = reader.read_heartbeats(body);
    REQUIRE(read);
    CHECK(*read == said);

    said.nodes.push_back(said.nodes[0]);
    CHECK_FALSE(reader.read_heartbeats(to_json(said)));
    CHECK_FALSE(reader.read_heartbeats(R"({"replica":"west"})"));
    CHECK_FALSE(reader.read_heartbeats(R"({"nodes":{}})"));
    CHECK_FALSE(reader.read_heartbeats(R"({"nodes":[7]})"));
    CHECK_FALSE(reader.read_heartbeats(R"({"nodes":["ab"]})"));
}
