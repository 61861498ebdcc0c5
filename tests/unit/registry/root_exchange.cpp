// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a replica's requests on the wire, answered by a real root.
#include <peerkit/registry/root_exchange.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>
#include <peerkit/registry/api.hpp>
#include <support/signed_rows.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace registry = peerkit::registry;
namespace discovery = peerkit::discovery;
using namespace std::chrono_literals;
using registry::registry_error;

namespace {

using logic_type = registry::registry_logic<peerkit::crypto::fake_identity, peerkit::seeded_rng>;

registry::registry_options options_of(registry::registry_role role) {
    registry::registry_options o;
    o.role = role;
    o.network = test_support::registry_network;
    o.name = "west";
    o.token = "secret";
    return o;
}
struct root_desk {
    registry::moment at{peerkit::time_point{1000s}, 1'790'000'000'000};
    registry::registry_outbox out{};
    logic_type logic{options_of(registry::registry_role::root), peerkit::seeded_rng{1}, at.now};
    registry::registry_api<logic_type> api{logic};
    registry::root_exchange exchange{options_of(registry::registry_role::secondary)};

    root_desk() { REQUIRE(logic.start({}, false, at, out)); }

    /// What the root answers to a replica's request.
    discovery::http_reply ask(registry::root_request const& wanted) {
        auto const request = exchange.encode(wanted);
        std::vector<registry::header_field> headers;
        for (auto const& h : request.headers) headers.emplace_back(h.name, h.value);
        auto answer = api.handle({.method = request.method == discovery::http_method::get ? "GET" : "POST",
                                  .target = request.target,
                                  .headers = headers,
                                  .body = request.body,
                                  .source = peerkit::ip_address::v4(192, 0, 2, 1)},
                                 at, out);
        REQUIRE(std::holds_alternative<registry::api_response>(answer));
        auto& response = std::get<registry::api_response>(answer);
        return {response.status, response.body, {}};
    }
    registry::forward_write registration_of(unsigned n, std::uint64_t number = 1) {
        registry::registration asked;
        asked.record = test_support::registry_record(n);
        asked.domain = "example.test";
        asked.lease.bytes[0] = static_cast<std::byte>(n);
        return {{number, asked}, 10s};
    }
};

} // namespace

TEST_CASE("writes, heartbeats and pages of a replica are understood by a root, and its answers by the replica") {
    root_desk d;
    auto const registered = d.exchange.read_write(d.ask(d.registration_of(1)));
    REQUIRE(registered);
    CHECK(registered->what == registry::write_answer::kind::registered);
    CHECK(registered->id == peerkit::crypto::fake_identity{1}.id());
    CHECK(registered->lease.bytes[0] == std::byte{1});
    CHECK(registered->version == d.logic.state().version);
    CHECK(registered->heartbeat_interval == 30s);
    REQUIRE(d.exchange.read_write(d.ask(d.registration_of(2, 2))));

    CHECK(d.exchange.read_beats(d.ask(registry::forward_beats{1, {registered->id}, 10s})));
    CHECK(d.logic.counters().heartbeats == 1);

    auto const everything = d.exchange.read_page(d.ask(registry::fetch_changes{1, true, {}, 0s, 10s}));
    REQUIRE(everything);
    CHECK(everything->rows.size() == 2);
    CHECK(everything->rows[0] == *d.logic.find(everything->rows[0].id)); // the lease included
    CHECK(everything->hash == d.logic.table().hash());

    registry::deregistration const gone{registered->id, registered->lease};
    auto const removed = d.exchange.read_write(d.ask(registry::forward_write{{3, gone}, 10s}));
    REQUIRE(removed);
    CHECK(removed->what == registry::write_answer::kind::removed);
    registry::change_cursor const since{everything->epoch, everything->to, everything->to};
    auto const change = d.exchange.read_page(d.ask(registry::fetch_changes{2, false, since, 0s, 10s}));
    REQUIRE(change);
    CHECK(change->removed.size() == 1);
    CHECK(change->since == everything->to);
}

TEST_CASE("as many heartbeats as a replica hands on at once are taken by a root") {
    root_desk d;
    registry::replica west{options_of(registry::registry_role::secondary), d.at.now};
    registry::node_table table{{}, 7};
    registry::registry_counters count;
    std::vector<registry::node_row> rows;
    for (unsigned n = 1; n <= 1'000; ++n) {
        registry::node_row row{.id = {}, .record = test_support::registry_record(n), .domain = "example.test"};
        row.id = peerkit::wire::record_view::trusted(row.record).id();
        row.lease.bytes[0] = std::byte{1};
        REQUIRE(table.put(std::move(row)));
    }
    peerkit::seeded_rng rng{1};
    registry::registry_outbox out;
    west.poll(table, d.at, out);
    auto const asked = std::get<registry::fetch_changes>(out.requests.at(0));
    auto const all = table.read({}, 1'000, 1U << 24U);
    REQUIRE(all);
    REQUIRE(west.on_page(asked.number, all->to_page(), table, d.at, out, rng, count, [](auto const&) { return true; }));
    table.for_each([&](registry::node_row const& row) { CHECK(west.beat({row.id, row.lease}, table, count)); });
    out.clear();
    west.poll(table, d.at, out);
    bool handed_on = false;
    for (auto const& request : out.requests) {
        auto const* const beats = std::get_if<registry::forward_beats>(&request);
        if (beats == nullptr) continue;
        handed_on = true;
        CHECK(beats->nodes.size() == registry::max_heartbeats);
        CHECK(d.exchange.read_beats(d.ask(*beats)));
    }
    CHECK(handed_on);
}

TEST_CASE("a root's refusal is the error it names") {
    root_desk d;
    auto const refused = d.exchange.read_page(d.ask(registry::fetch_changes{1, false, {5, 1, 1}, 0s, 10s}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == registry_error::snapshot_needed);
    registry::deregistration const unknown{peerkit::crypto::fake_identity{9}.id(), registry::lease_id{{std::byte{1}}}};
    auto const write = d.exchange.read_write(d.ask(registry::forward_write{{1, unknown}, 10s}));
    REQUIRE_FALSE(write);
    CHECK(write.error() == registry_error::unknown_node);
    auto const wait = d.exchange.read_write(
        discovery::http_reply{503, R"({"error":{"code":"table_full","message":"m","retry_after":60}})", {}});
    REQUIRE_FALSE(wait);
    CHECK(wait.error() == registry_error::table_full);
    CHECK(wait.error().position() == 60);
}

TEST_CASE("what is no answer of a root leaves the root unavailable") {
    registry::root_exchange exchange{options_of(registry::registry_role::secondary)};
    auto const unavailable = [&](peerkit::result<discovery::http_reply> const& reply) {
        auto const page = exchange.read_page(reply);
        auto const write = exchange.read_write(reply);
        auto const beats = exchange.read_beats(reply);
        return !page && page.error() == registry_error::root_unavailable && !write &&
               write.error() == registry_error::root_unavailable && !beats &&
               beats.error() == registry_error::root_unavailable;
    };
    CHECK(unavailable(peerkit::fail(discovery::discovery_error::timed_out)));
    CHECK(unavailable(discovery::http_reply{502, "<html>bad gateway</html>", {}}));
    CHECK(unavailable(discovery::http_reply{200, "{}", {}}));
    CHECK(unavailable(discovery::http_reply{500, R"({"status":"registered"})", {}}));
    CHECK(unavailable(
        discovery::http_reply{202, R"({"status":"queued","epoch":"0000000000000001","stale":true,"behind_s":3})", {}}));
    CHECK(unavailable(discovery::http_reply{200, R"({"epoch":"0000000000000001","nodes":[{"record":"AAAA"}]})", {}}));
}

TEST_CASE("a wait travels in whole seconds and the request has the time it was given") {
    registry::root_exchange const exchange{options_of(registry::registry_role::integrated)};
    auto const request = exchange.encode(registry::fetch_changes{1, false, {0xabU, 7, 5}, 55s, 65s});
    CHECK(request.target == "/api/changes?epoch=00000000000000ab&since=7&base=5&wait=55");
    CHECK(request.timeout == 65s);
    CHECK(request.headers[0] == discovery::http_header{"authorization", "Bearer secret"});
    CHECK(request.headers[2] == discovery::http_header{"peerkit-role", "integrated"});
    CHECK(exchange.encode(registry::fetch_changes{1, true, {}, 0s, 9s}).target == "/api/snapshot");
    CHECK(exchange.encode(registry::fetch_changes{1, true, {1, 2, 3}, 0s, 9s}).target ==
          "/api/snapshot?epoch=0000000000000001&since=2&base=3");
}
