// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of reading answers: what a registry writes comes back, what it should not have written costs a row or all.
#include <peerkit/registry/answer_reader.hpp>

#include <doctest/doctest.h>

#include <peerkit/registry/answer_writer.hpp>
#include <support/signed_rows.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace registry = peerkit::registry;
using peerkit::json_writer;
using peerkit::discovery::discovery_error;
using registry::registry_error;
using registry::row_form;

namespace {

std::string page(std::vector<registry::node_row> const& rows, row_form form, std::string_view key = "nodes") {
    json_writer out;
    registry::write_mark(out.open('{'), registry::state_mark{77, 1234, true, 61, true}).key(key).open('[');
    for (auto const& row : rows) write_row(out, row, form);
    out.close(']').close('}');
    return std::move(out).text();
}
struct reading {
    registry::answer_reader reader{};
    registry::answer said{};
    peerkit::result<void> done{};

    explicit reading(std::string_view body) { done = reader.read(body, said); }
};
peerkit::error refused(std::string_view body) {
    CAPTURE(body);
    registry::answer_reader reader;
    registry::answer said;
    said.status = "left over";
    said.nodes.emplace_back();
    auto const done = reader.read(body, said);
    REQUIRE_FALSE(done);
    CHECK(said.status.empty());
    CHECK(said.nodes.empty());
    return done.error();
}

} // namespace

TEST_CASE("the rows of a list come back in every form") {
    std::vector<registry::node_row> rows;
    for (unsigned n = 1; n < 12; ++n) rows.push_back(test_support::registry_row(n));
    rows[3].domain.clear();
    rows[3].standing = registry::node_row::best_standing;
    rows[3].last_heartbeat_ms = rows[3].first_seen_ms;
    for (row_form const form : {row_form::full, row_form::compact, row_form::replica}) {
        reading const read{page(rows, form)};
        REQUIRE(read.done);
        CHECK(read.said.mark == registry::state_mark{77, 1234, true, 61, true});
        CHECK(read.said.malformed == 0);
        REQUIRE(read.said.nodes.size() == rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            registry::node_row expected = rows[i];
            if (form != row_form::replica) expected.lease = {};
            if (form == row_form::full) {
                CHECK(read.said.nodes[i].name == expected.name());
                CHECK(read.said.nodes[i].port == 9000);
                CHECK(peerkit::ip_address::parse(read.said.nodes[i].address).value() ==
                      expected.view().first_endpoint().address);
                CHECK(read.said.nodes[i].reputation == expected.reputation());
                expected.standing = registry::node_row::best_standing; // said as `reputation`
            }
            CHECK(read.said.nodes[i].to_row() == expected);
        }
    }
}

TEST_CASE("the answer to a registration comes back with the peers it tells") {
    registry::node_row const peer = test_support::registry_row(8);
    std::string body = page({peer}, row_form::full, "peers");
    body.insert(1, R"("status":"registered","node_id":")" + peer.id.to_string() +
                       R"(","lease":"000102030405060708090a0b0c0d0e0f","heartbeat_interval":45,)");
    reading const read{body};
    REQUIRE(read.done);
    CHECK(read.said.status == "registered");
    CHECK(read.said.id == peer.id);
    CHECK(read.said.lease.to_string() == "000102030405060708090a0b0c0d0e0f");
    CHECK(read.said.heartbeat_interval_s == 45);
    CHECK(read.said.nodes.size() == 1);
    CHECK_FALSE(read.said.error);
}

TEST_CASE("a heartbeat interval nobody could keep is brought into bounds") {
    CHECK(reading{R"({"heartbeat_interval":0})"}.said.heartbeat_interval_s == 1);
    CHECK(reading{R"({"heartbeat_interval":18446744073709551615})"}.said.heartbeat_interval_s == 3600);
    CHECK(reading{R"({"heartbeat_interval":null})"}.said.heartbeat_interval_s == 30);
    CHECK(refused(R"({"heartbeat_interval":-1})").field() == "heartbeat_interval");
}

TEST_CASE("an error comes back with its challenge") {
    std::array<std::byte, 16> challenge{};
    challenge[2] = std::byte{0x80};
    reading const read{registry::error_json(peerkit::error{registry_error::challenge, 0, "proof"},
                                            {1, 2, false, 0, false}, challenge)};
    REQUIRE(read.done);
    REQUIRE(read.said.error);
    CHECK(read.said.error->code == "challenge");
    CHECK(read.said.error->message == "sign the challenge with the node's key and ask again");
    CHECK(read.said.error->field == "proof");
    CHECK(peerkit::equal(read.said.challenge, challenge));
}

TEST_CASE("a page of changes comes back with its removals and its place") {
    registry::tombstone gone = registry::tombstone::of(test_support::registry_row(2), 1'790'000'000'009);
    gone.version = 11;
    json_writer out;
    registry::write_mark(out.open('{'), registry::state_mark{5, 12, false, 0, false});
    out.field("since", 3).field("to", 12).field("base", 2).field("more", true);
    registry::write_number_text(out, "hash", 0xfedcba9876543210U);
    out.key("nodes").open('[').close(']').key("removed").open('[');
    write_removal(out, gone);
    out.close(']').close('}');
    reading const read{std::move(out).text()};
    REQUIRE(read.done);
    auto const change = read.said.to_page();
    REQUIRE(change);
    CHECK(change->epoch == 5);
    CHECK(change->since == 3);
    CHECK(change->to == 12);
    CHECK(change->base == 2);
    CHECK(change->more);
    CHECK(change->hash == 0xfedcba9876543210U);
    REQUIRE(change->removed.size() == 1);
    CHECK(change->removed[0] == gone);
}

TEST_CASE("a row that is not what it should be is left out and counted, the others stay") {
    registry::node_row const one = test_support::registry_row(1), two = test_support::registry_row(2);
    std::string const good = page({one, two}, row_form::full);
    auto const with = [&](std::string_view from, std::string_view to) {
        std::string body = good;
        std::size_t const at = body.find(from);
        REQUIRE(at != std::string::npos);
        return body.replace(at, from.size(), to);
    };
    for (auto const& change : std::initializer_list<std::array<std::string_view, 3>>{
             {R"("status":"online")", R"("status":"asleep")", "status"},
             {R"("status":"online")", R"("status":1)", "status"},
             {R"("port":9000)", R"("port":65536)", "port"},
             {R"("port":9000)", R"("port":{"a":[1]})", "port"},
             {R"("name":"node1")", R"("name":"a\u0007b")", "name"},
             {R"("name":"node1")", R"("name":["x"])", "name"},
             {R"("domain":"example.test")", R"("domain":true)", "domain"},
             {R"("first_seen":1790000000001)", R"("first_seen":-5)", "first_seen"},
             {R"("last_heartbeat":1790000090001)", R"("last_heartbeat":9223372036854775808)", "last_heartbeat"},
             {R"("uptime_s":90)", R"("uptime_s":9223372036854775807)", "uptime_s"},
             {R"("reputation":94)", R"("reputation":101)", "reputation"},
             {R"("version":1,)", R"("version":1.5,)", "version"},
             {R"("record":")", R"("record":"*)", "record"},
             {R"("record":")", R"("record":"AAAA)", "id"}, // now the record is somebody else's
             {R"({"id":")", R"({"id":"0)", "id"},
         }) {
        CAPTURE(change[1]);
        reading const read{with(change[0], change[1])};
        REQUIRE(read.done);
        CHECK(read.said.malformed == 1);
        REQUIRE(read.said.first_malformed);
        CHECK(*read.said.first_malformed == registry_error::malformed);
        CHECK(read.said.first_malformed->field() == change[2]);
        REQUIRE(read.said.nodes.size() == 1);
        CHECK(read.said.nodes[0].id == two.id);
        CHECK_FALSE(read.said.to_page());
    }
}

TEST_CASE("a row without id is that of its record, and one with neither is nobody's") {
    registry::node_row const one = test_support::registry_row(1);
    std::string const record = peerkit::to_base64(one.record);
    reading const read{R"({"nodes":[{"record":")" + record + R"("},{},{"id":")" + one.id.to_string() +
                       R"("},null,{"record":"AAAA"}]})"};
    REQUIRE(read.done);
    REQUIRE(read.said.nodes.size() == 2);
    CHECK(read.said.nodes[0].id == one.id);
    CHECK(read.said.nodes[1].id == one.id);
    CHECK(read.said.nodes[1].record.empty());
    CHECK(read.said.malformed == 3);
}

TEST_CASE("what is no JSON object is refused with the place where it stops being one") {
    CHECK(refused("") == discovery_error::empty_document);
    CHECK(refused("[]") == discovery_error::not_an_object);
    CHECK(refused("<html>404</html>") == discovery_error::not_json);
    CHECK(refused(R"({"nodes":[)") == discovery_error::not_json);
    CHECK(refused(R"({"nodes":[{"id":"a"}]} x)") == discovery_error::trailing_bytes);
    CHECK(refused(R"({"nodes":[]} {})") == discovery_error::trailing_bytes);
    CHECK(refused("{\"status\":\"\xff\"}") == discovery_error::invalid_utf8);
    CHECK(refused("{\"x\":" + std::string(40, '[') + std::string(40, ']') + "}") == discovery_error::too_deep);
    CHECK(refused(R"({"nodes":{}})") == registry_error::malformed);
    CHECK(refused(R"({"epoch":5})").field() == "epoch");
    CHECK(refused(R"({"challenge":"abc"})").field() == "challenge");
    CHECK(refused(R"({"error":"no"})").field() == "error");
    registry::answer_reader small{64};
    registry::answer said;
    auto const large = small.read(std::string(65, ' '), said);
    REQUIRE_FALSE(large);
    CHECK(large.error() == discovery_error::too_large);
}

TEST_CASE("fields in any order, unknown ones and null are taken") {
    reading const read{
        R"({"nodes":null,"who":{"knows":[1,2,{"a":"b"}]},"stale":null,"version":9,"status":"ok","next":"ab"})"};
    REQUIRE(read.done);
    CHECK(read.said.mark.version == 9);
    CHECK(read.said.status == "ok");
    CHECK(read.said.next == "ab");
    CHECK_FALSE(read.said.mark.stale);
}

TEST_CASE("no more rows are kept than the reader was told") {
    registry::answer_reader reader{registry::max_answer_body, 2};
    registry::answer said;
    std::vector<registry::node_row> rows;
    for (unsigned n = 1; n < 6; ++n) rows.push_back(test_support::registry_row(n));
    REQUIRE(reader.read(page(rows, row_form::compact), said));
    CHECK(said.nodes.size() == 2);
    CHECK(said.malformed == 3);
}

TEST_CASE("what is usual in a page is said once, before its rows or after, and a row may say otherwise") {
    std::vector<registry::node_row> rows;
    for (unsigned n = 1; n < 5; ++n) rows.push_back(test_support::registry_row(n));
    rows[1].domain.clear();
    rows[2].registry = "192.0.2.7:8000";
    rows[3].found_by = "other";
    for (bool const first : {true, false}) {
        json_writer out;
        registry::usual_texts const usual{rows[0].domain, rows[0].registry, rows[0].found_by};
        out.open('{');
        if (first) write_usual(out, usual);
        out.key("nodes").open('[');
        for (auto const& row : rows) write_row(out, row, row_form::replica, usual);
        out.close(']');
        if (!first) write_usual(out, usual);
        out.close('}');
        std::string const text = std::move(out).text();
        CHECK(text.find(rows[0].registry) == text.rfind(rows[0].registry)); // once
        reading const read{text};
        REQUIRE(read.done);
        REQUIRE(read.said.nodes.size() == rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) CHECK(read.said.nodes[i].to_row() == rows[i]);
    }
    CHECK(refused(R"({"usual":[]})").field() == "usual");
    CHECK(refused(R"({"usual":{"domain":5}})").field() == "usual");
}
