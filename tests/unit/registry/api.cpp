// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the interface as clients see it: every route, what it answers and what it refuses.
#include <peerkit/registry/api.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <support/signed_rows.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace registry = peerkit::registry;
using namespace std::chrono_literals;
using peerkit::crypto::fake_identity;
using registry::registry_error;

namespace {

using logic_type = registry::registry_logic<fake_identity, peerkit::seeded_rng>;

registry::registry_options options_of(registry::registry_role role = registry::registry_role::root) {
    registry::registry_options o;
    o.role = role;
    o.network = test_support::registry_network;
    o.name = "here";
    o.token = "between registries";
    return o;
}

/// Whether docs/registry_openapi.yaml says that a route may be answered so.
bool is_documented(std::string_view target, unsigned status) {
    static std::string const text = [] {
        std::ifstream in{PEERKIT_TEST_DATA "/../../docs/registry_openapi.yaml"};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    }();
    std::size_t const route = text.find("\n  " + std::string{target.substr(0, target.find('?'))} + ":\n");
    if (route == std::string::npos) return status == 404 || status == 400; // of no route
    std::size_t const end = std::min(text.find("\n  /", route + 3), text.find("\ncomponents:"));
    return status == 405 || text.find("\n        \"" + std::to_string(status) + "\":", route) < end;
}

/// A registry, and a client that speaks to it in texts.
struct desk {
    explicit desk(registry::registry_options o = options_of(), std::uint64_t seed = 1)
        : logic{std::move(o), peerkit::seeded_rng{seed}, at.now} {
        REQUIRE(logic.start({}, false, at, out));
    }

    registry::api_answer raw(registry::api_request request) {
        if (!request.source) request.source = peerkit::ip_address::v4(192, 0, 2, 9);
        auto answer = api.handle(request, at, out);
        logic.poll(at, out);
        return answer;
    }
    registry::api_response ask(registry::api_request const& request) {
        auto answer = raw(request);
        REQUIRE(std::holds_alternative<registry::api_response>(answer));
        auto response = std::get<registry::api_response>(std::move(answer));
        CAPTURE(request.target);
        CAPTURE(response.status);
        CHECK(is_documented(request.target, response.status));
        return response;
    }
    registry::api_response get(std::string_view target, std::vector<registry::header_field> headers = {}) {
        return ask({.method = "GET", .target = target, .headers = headers});
    }
    registry::api_response post(std::string_view target, std::string_view body,
                                std::vector<registry::header_field> headers = {}) {
        return ask({.method = "POST", .target = target, .headers = headers, .body = body});
    }
    registry::answer const& read(registry::api_response const& response) {
        CAPTURE(response.body);
        REQUIRE(response.content_type == "application/json");
        REQUIRE(reader.read(response.body, said));
        REQUIRE(said.malformed == 0);
        return said;
    }
    /// The code of the error in a response of that status.
    std::string code(registry::api_response const& response, unsigned status) {
        CHECK(response.status == status);
        auto const& answer = read(response);
        REQUIRE(answer.error);
        CHECK_FALSE(answer.error->message.empty());
        return answer.error->code;
    }
    /// Registers node `n` as a client does, challenge and all.
    registry::lease_id register_node(unsigned n, std::string const& domain = "example.test") {
        registry::registration asked;
        asked.record = test_support::registry_record(n);
        asked.domain = domain;
        asked.found_by = "dns";
        CHECK(code(post("/api/register", to_json(asked)), 401) == "challenge");
        auto const proof =
            peerkit::crypto::sign_challenge(fake_identity{n}, test_support::registry_network, said.challenge);
        REQUIRE(proof);
        asked.proof.assign(proof->begin(), proof->end());
        auto const response = post("/api/register", to_json(asked));
        CHECK(response.status == 200);
        CHECK(read(response).status == "registered");
        CHECK(said.id == fake_identity{n}.id());
        CHECK(said.lease);
        return said.lease;
    }
    static std::string lease_body(unsigned n, registry::lease_id const& lease) {
        return to_json(registry::heartbeat{fake_identity{n}.id(), lease});
    }
    std::vector<std::string> names(registry::api_response const& response) {
        std::vector<std::string> found;
        for (auto const& node : read(response).nodes) found.emplace_back(node.name);
        return found;
    }

    registry::moment at{peerkit::time_point{1000s}, 1'790'000'000'000};
    registry::registry_outbox out{};
    logic_type logic;
    registry::registry_api<logic_type> api{logic};
    registry::answer_reader reader{};
    registry::answer said{};
};

std::string header(registry::api_response const& response, std::string_view name) {
    for (auto const& [known, value] : response.headers) {
        if (known == name) return value;
    }
    return {};
}
std::vector<registry::header_field> replica_headers(std::string token = "between registries") {
    return {
        {"authorization", "Bearer " + std::move(token)}, {"peerkit-replica", "west"}, {"peerkit-role", "integrated"}};
}

} // namespace

TEST_CASE("a node proves its key, is registered, listed, beats and goes") {
    desk d;
    auto const lease = d.register_node(3);
    CHECK(d.said.heartbeat_interval_s == 30);
    CHECK(d.said.nodes.empty()); // no peers yet
    CHECK_FALSE(d.out.changes.empty());

    auto const list = d.get("/api/nodes");
    CHECK(list.status == 200);
    REQUIRE(d.read(list).nodes.size() == 1);
    CHECK(d.said.nodes[0].name == "node3");
    CHECK(d.said.nodes[0].found_by == "dns");
    CHECK(d.said.nodes[0].domain == "example.test");
    CHECK_FALSE(d.said.nodes[0].lease); // nobody's business

    auto const beat = d.post("/api/heartbeat", desk::lease_body(3, lease));
    CHECK(beat.status == 200);
    CHECK(d.read(beat).status == "ok");
    CHECK_FALSE(d.said.lease);

    auto const gone = d.post("/api/deregister", desk::lease_body(3, lease));
    CHECK(gone.status == 200);
    CHECK(d.read(gone).status == "deregistered");
    CHECK(d.names(d.get("/api/nodes")).empty());
    CHECK(d.code(d.post("/api/heartbeat", desk::lease_body(3, lease)), 404) == "unknown_node");
}

TEST_CASE("a registration is told online peers that follow it, itself left out") {
    desk d;
    for (unsigned n = 1; n <= 20; ++n) d.register_node(n);
    CHECK(d.said.nodes.size() == registry::registry_api<logic_type>::peers_told);
    for (auto const& peer : d.said.nodes) CHECK(peer.id != fake_identity{20}.id());
    d.register_node(21);
    std::vector<peerkit::node_id> first, second;
    for (auto const& peer : d.said.nodes) first.push_back(peer.id);
    d.register_node(22);
    for (auto const& peer : d.said.nodes) second.push_back(peer.id);
    CHECK(first != second);
}

TEST_CASE("a lease is shown to its registrant only, and another does not do") {
    desk d;
    auto lease = d.register_node(1);
    CHECK(d.get("/api/snapshot").body.find(lease.to_string()) == std::string::npos);
    CHECK(d.get("/api/snapshot").body.find("lease") == std::string::npos);
    auto const shown = d.get("/api/snapshot", replica_headers());
    CHECK(shown.body.find(lease.to_string()) != std::string::npos);
    lease.bytes[0] ^= std::byte{1};
    CHECK(d.code(d.post("/api/heartbeat", desk::lease_body(1, lease)), 404) == "unknown_node");
    CHECK(d.code(d.post("/api/deregister", desk::lease_body(1, lease)), 404) == "unknown_node");
    CHECK(d.names(d.get("/api/nodes")).size() == 1);
}

TEST_CASE("a recorded registration registers nobody") {
    desk d;
    registry::registration asked;
    asked.record = test_support::registry_record(1);
    auto const challenged = d.post("/api/register", to_json(asked));
    CHECK(d.code(challenged, 401) == "challenge");
    CHECK(header(challenged, "www-authenticate") == "Peerkit-Challenge");
    auto const proof =
        peerkit::crypto::sign_challenge(fake_identity{1}, test_support::registry_network, d.said.challenge);
    asked.proof.assign(proof->begin(), proof->end());
    d.at.now += 2min;
    CHECK(d.code(d.post("/api/register", to_json(asked)), 401) == "challenge");
    CHECK(d.names(d.get("/api/nodes")).empty());
    // Somebody else's proof.
    auto const other =
        peerkit::crypto::sign_challenge(fake_identity{2}, test_support::registry_network, d.said.challenge);
    asked.proof.assign(other->begin(), other->end());
    CHECK(d.code(d.post("/api/register", to_json(asked)), 401) == "challenge");
}

TEST_CASE("what is no registration is refused with a code, counted, and changes nothing") {
    desk d;
    auto const state = d.logic.state();
    CHECK(d.code(d.post("/api/register", ""), 400) == "malformed");
    CHECK(d.code(d.post("/api/register", "{}"), 400) == "malformed");
    CHECK(d.said.error->field == "record");
    CHECK(d.code(d.post("/api/register", R"({"record":"AQID"})"), 400) == "bad_record");
    CHECK(d.code(d.post("/api/register", std::string(70'000, ' ')), 413) == "too_large");
    registry::registration asked;
    asked.record = test_support::registry_record(1);
    asked.network = peerkit::network_id{};
    CHECK(d.code(d.post("/api/register", to_json(asked)), 400) == "wrong_network");
    asked.network.reset();
    asked.name = "other";
    CHECK(d.code(d.post("/api/register", to_json(asked)), 400) == "mismatch");
    CHECK(d.said.error->field == "node_name");
    CHECK(d.code(d.post("/api/heartbeat", "[]"), 400) == "malformed");
    CHECK(d.code(d.post("/api/deregister", "{}"), 400) == "malformed");
    CHECK(d.logic.state() == state);
    CHECK(d.out.requests.empty());
    CHECK(d.logic.counters().refusals(registry_error::malformed) == 4);
    CHECK(d.logic.counters().refusals(registry_error::too_large) == 1);
    CHECK(d.api.counts().of(0, 400) == 5);
    CHECK(d.api.counts().of(0, 413) == 1);
}

TEST_CASE("a route that is not there and a method it does not take are told apart") {
    desk d;
    CHECK(d.code(d.get("/"), 404) == "not_found");
    CHECK(d.code(d.get("/api/nodes/"), 404) == "not_found");
    CHECK(d.code(d.get("nodes"), 400) == "bad_query");
    auto const wrong = d.get("/api/register");
    CHECK(d.code(wrong, 405) == "method_not_allowed");
    CHECK(header(wrong, "allow") == "POST");
    CHECK(header(d.post("/api/nodes", ""), "allow") == "GET");
}

TEST_CASE("a list is filtered by everything that is asked for at once") {
    desk d;
    for (unsigned n = 1; n <= 6; ++n) d.register_node(n, n <= 4 ? "example.test" : "other.test");
    using list = std::vector<std::string>;
    auto const sorted = [&](std::string_view query) {
        auto found = d.names(d.get("/api/nodes?" + std::string{query}));
        std::sort(found.begin(), found.end());
        return found;
    };
    CHECK(sorted("").size() == 6);
    CHECK(sorted("domain=Example.TEST.") == list{"node1", "node2", "node3", "node4"});
    CHECK(sorted("role=database") == list{"node2", "node4", "node6"});
    CHECK(sorted("label=zone%3Deu-west") == list{"node3", "node6"});
    CHECK(sorted("label=zone!%3Deu-west&role=worker") == list{"node1", "node5"});
    CHECK(sorted("name=node1") == list{"node1"});
    CHECK(sorted("found_by=dns").size() == 6);
    CHECK(sorted("found_by=mdns").empty());
    CHECK(sorted("status=offline").empty());
    CHECK(sorted("status=any&limit=10000").size() == 6);
    CHECK(d.read(d.get("/api/nodes?form=compact")).nodes.size() == 6);
    CHECK(d.said.nodes[0].name.empty()); // its record says it
}

TEST_CASE("a parameter that is wrong or unknown is refused by name") {
    desk d;
    auto const refused = [&](std::string const& target) {
        CAPTURE(target);
        CHECK(d.code(d.get(target), 400) == "bad_query");
        return d.said.error->field;
    };
    CHECK(refused("/api/nodes?domian=x") == "query");
    CHECK(refused("/api/nodes?status=up") == "status");
    CHECK(refused("/api/nodes?limit=0") == "limit");
    CHECK(refused("/api/nodes?limit=10001") == "limit");
    CHECK(refused("/api/nodes?limit=-1") == "limit");
    CHECK(refused("/api/nodes?cursor=abc") == "cursor");
    CHECK(refused("/api/nodes?label=%21%21") == "label");
    CHECK(refused("/api/nodes?form=short") == "form");
    CHECK(refused("/api/nodes?wait=soon") == "wait");
    CHECK(refused("/api/nodes?epoch=12") == "epoch");
    CHECK(refused("/api/nodes?role=" + std::string(32, 'r')) == "role");
    CHECK(refused("/api/changes?epoch=0000000000000001") == "since");
    CHECK(refused("/api/changes?since=1") == "epoch");
    CHECK(refused("/api/changes?since=18446744073709551616&epoch=0000000000000001") == "since");
    CHECK(refused("/api/nodes?%zz") == "target");
}

TEST_CASE("pages follow each other to the end, each node once") {
    desk d;
    for (unsigned n = 1; n <= 10; ++n) d.register_node(n);
    std::vector<std::string> all;
    std::string target = "/api/nodes?limit=4";
    std::size_t pages = 0;
    for (;; ++pages) {
        for (auto const& name : d.names(d.get(target))) all.push_back(name);
        if (d.said.next.empty()) break;
        target = "/api/nodes?limit=4&cursor=" + d.said.next;
    }
    CHECK(pages == 2);
    std::sort(all.begin(), all.end());
    CHECK(all.size() == 10);
    CHECK(std::unique(all.begin(), all.end()) == all.end());
}

TEST_CASE("who has the list already is told so without it, and hears when it is another") {
    desk d;
    auto const lease = d.register_node(1);
    auto const first = d.get("/api/nodes");
    std::string const tag = header(first, "etag");
    REQUIRE_FALSE(tag.empty());
    std::vector<registry::header_field> const known{{"if-none-match", "\"x\", " + tag}};
    auto const same = d.get("/api/nodes", known);
    CHECK(same.status == 304);
    CHECK(same.body.empty());
    CHECK(header(same, "etag") == tag);

    // A long poll: parked until something is another, or the time is over.
    registry::api_request waiting{.method = "GET", .target = "/api/nodes?wait=55", .headers = known};
    auto const parked = d.raw(waiting);
    REQUIRE(std::holds_alternative<registry::parked_request>(parked));
    CHECK(std::get<registry::parked_request>(parked).until == d.at.now + 55s);
    CHECK(std::get<registry::parked_request>(parked).state == d.logic.state());
    waiting.waited = true;
    CHECK(d.ask(waiting).status == 304);
    waiting.waited = false;

    static_cast<void>(d.post("/api/heartbeat", desk::lease_body(1, lease)));
    CHECK(std::holds_alternative<registry::parked_request>(d.raw(waiting))); // a heartbeat is no change
    d.register_node(2);
    CHECK_FALSE(std::get<registry::parked_request>(parked).state == d.logic.state());
    auto const changed = d.ask(waiting);
    CHECK(changed.status == 200);
    CHECK(header(changed, "etag") != tag);
    CHECK(d.get("/api/nodes", {{"if-none-match", "*"}}).status == 304);
}

TEST_CASE("a version that was seen is waited for, one that is not of now is answered at once") {
    desk d;
    d.register_node(1);
    std::string const version = std::to_string(d.logic.state().version);
    auto const asked = [&](std::string const& query) {
        return d.raw({.method = "GET", .target = "/api/nodes?" + query});
    };
    auto const parked = [](registry::api_answer const& answer) {
        return std::holds_alternative<registry::parked_request>(answer);
    };
    CHECK(parked(asked("wait=5&version=" + version)));
    CHECK_FALSE(parked(asked("wait=0&version=" + version)));
    CHECK_FALSE(parked(asked("version=" + version)));
    CHECK_FALSE(parked(asked("wait=5&version=0")));
    CHECK_FALSE(parked(asked("wait=5&version=999")));
    CHECK_FALSE(parked(asked("wait=5&epoch=0123456789abcdef&version=" + version)));
    auto const long_wait = asked("wait=100000&version=" + version);
    REQUIRE(parked(long_wait));
    CHECK(std::get<registry::parked_request>(long_wait).until ==
          d.at.now + registry::registry_api<logic_type>::max_wait);
}

TEST_CASE("changes since a version are what changed, and a wrong place leads to a snapshot") {
    desk d;
    d.register_node(1);
    auto const lease = d.register_node(2);
    REQUIRE(d.read(d.get("/api/snapshot")).to_page());
    auto const page = *d.said.to_page();
    CHECK(page.rows.size() == 2);
    CHECK(page.hash);
    CHECK_FALSE(page.more);
    d.register_node(3);
    CHECK(d.post("/api/deregister", desk::lease_body(2, lease)).status == 200);

    std::array<std::byte, 8> bytes{};
    peerkit::store_big(bytes.data(), page.epoch);
    std::string const epoch = peerkit::to_hex(bytes), here = "/api/changes?epoch=" + epoch + "&since=";
    auto const delta = d.get(here + std::to_string(page.to));
    REQUIRE(d.read(delta).to_page());
    auto const change = *d.said.to_page();
    REQUIRE(change.rows.size() == 1);
    CHECK(change.rows[0].name() == "node3");
    REQUIRE(change.removed.size() == 1);
    CHECK(change.removed[0].name == "node2");
    CHECK(change.to == d.logic.state().version);

    CHECK(d.code(d.get(here + "999"), 410) == "snapshot_needed");
    CHECK(d.code(d.get("/api/changes?epoch=0123456789abcdef&since=1"), 410) == "snapshot_needed");
    std::string const now = here + std::to_string(change.to);
    CHECK(d.read(d.get(now)).nodes.empty());
    registry::api_request waiting{.method = "GET", .target = {}};
    std::string const target = now + "&wait=55";
    waiting.target = target;
    CHECK(std::holds_alternative<registry::parked_request>(d.raw(waiting)));
    waiting.waited = true;
    CHECK(d.read(d.ask(waiting)).nodes.empty());
}

TEST_CASE("who says it is a replica shows the token, and only replicas hand on heartbeats") {
    desk d;
    d.register_node(1);
    std::string const body = to_json(registry::heartbeats_request{"", {fake_identity{1}.id()}});
    CHECK(d.code(d.post("/api/heartbeats", body), 403) == "unauthorized");
    CHECK(d.code(d.post("/api/heartbeats", body, replica_headers("wrong")), 403) == "unauthorized");
    CHECK(d.code(d.get("/api/nodes", {{"peerkit-replica", "west"}}), 403) == "unauthorized");
    CHECK(d.get("/api/nodes", {{"authorization", "Bearer of a proxy"}}).status == 200);
    CHECK(d.code(d.post("/api/heartbeats", "{}", replica_headers()), 400) == "malformed");
    auto const beaten = d.post("/api/heartbeats", body, replica_headers());
    CHECK(beaten.status == 200);
    CHECK(d.read(beaten).status == "ok");
    CHECK(d.logic.counters().heartbeats == 1);
    // A replica's registration needs no proof: it checked one.
    registry::registration asked;
    asked.record = test_support::registry_record(5);
    asked.lease.bytes[0] = std::byte{5};
    auto const forwarded = d.post("/api/register", to_json(asked), replica_headers());
    CHECK(forwarded.status == 200);
    CHECK(d.read(forwarded).lease == asked.lease);
}

TEST_CASE("a replica without its root serves what it has and says so, and keeps writes") {
    desk d{options_of(registry::registry_role::secondary)};
    d.at.now += 75s;
    auto const list = d.get("/api/nodes");
    CHECK(list.status == 200);
    CHECK(d.read(list).mark.stale);
    CHECK(d.said.mark.behind_s == 75);
    CHECK(header(list, "peerkit-stale") == "75");
    CHECK(d.read(d.get("/health")).status == "stale");
    CHECK(d.code(d.get("/nowhere"), 404) == "not_found");
    CHECK(d.said.mark.stale);

    registry::registration asked;
    asked.record = test_support::registry_record(1);
    CHECK(d.code(d.post("/api/register", to_json(asked)), 401) == "challenge");
    auto const proof =
        peerkit::crypto::sign_challenge(fake_identity{1}, test_support::registry_network, d.said.challenge);
    asked.proof.assign(proof->begin(), proof->end());
    auto const queued = d.post("/api/register", to_json(asked));
    CHECK(queued.status == 202);
    CHECK(d.read(queued).status == "queued");
    CHECK(d.said.lease);
}

TEST_CASE("two replicas with writes of their own do not call their lists by the same name") {
    std::vector<std::string> tags;
    for (unsigned const n : {1U, 2U}) {
        desk d{options_of(registry::registry_role::secondary), n};
        std::string const before = header(d.get("/api/nodes"), "etag");
        registry::registration asked;
        asked.record = test_support::registry_record(n);
        CHECK(d.code(d.post("/api/register", to_json(asked)), 401) == "challenge");
        auto const proof =
            peerkit::crypto::sign_challenge(fake_identity{n}, test_support::registry_network, d.said.challenge);
        asked.proof.assign(proof->begin(), proof->end());
        REQUIRE(d.post("/api/register", to_json(asked)).status == 202);
        tags.push_back(header(d.get("/api/nodes"), "etag"));
        CHECK(tags.back() != before);
        CHECK(d.get("/api/nodes", {{"if-none-match", tags.back()}}).status == 304);
        if (n == 2) CHECK(d.get("/api/nodes", {{"if-none-match", tags.front()}}).status == 200);
    }
    CHECK(tags[0] != tags[1]);
}

TEST_CASE("a write that waits for the root is answered when the root has") {
    desk d{options_of(registry::registry_role::secondary)};
    auto const& api_answer =
        d.api.respond(registry::write_answer{registry::write_answer::kind::registered, false, fake_identity{1}.id(),
                                             registry::lease_id{{std::byte{1}}}, 7, 30s},
                      d.at);
    CHECK(api_answer.status == 200);
    CHECK(d.read(api_answer).status == "registered");
    auto const refused = d.api.respond(peerkit::fail(registry_error::name_taken, 0, "node_name"), d.at);
    CHECK(d.code(refused, 409) == "name_taken");
    CHECK(d.api.counts().of(0, 200) == 1);
}

TEST_CASE("a source that asks too much is told how long to wait") {
    registry::registry_options o = options_of();
    o.requests = {1, 2};
    desk d{o};
    CHECK(d.get("/api/nodes").status == 200);
    CHECK(d.get("/api/nodes").status == 200);
    auto const refused = d.get("/api/nodes");
    CHECK(d.code(refused, 429) == "rate_limited");
    CHECK(d.said.error->retry_after_s >= 1);
    CHECK(header(refused, "retry-after") == std::to_string(d.said.error->retry_after_s));
    CHECK(d.said.error->to_error() == registry_error::rate_limited);
    registry::api_request local{
        .method = "GET", .target = "/api/nodes", .source = peerkit::ip_address::v4(127, 0, 0, 1)};
    for (int i = 0; i < 10; ++i) CHECK(d.ask(local).status == 200);
}

TEST_CASE("metrics are families with help and type, and count what was answered") {
    desk d;
    d.register_node(1);
    auto const metrics = d.get("/metrics");
    CHECK(metrics.status == 200);
    CHECK(metrics.content_type == "text/plain; version=0.0.4; charset=utf-8");
    auto const has = [&](std::string_view line) {
        return metrics.body.find(std::string{line} + "\n") != std::string::npos;
    };
    CHECK(has("# TYPE peerkit_registry_nodes gauge"));
    CHECK(has(R"(peerkit_registry_nodes{status="online"} 1)"));
    CHECK(has(R"(peerkit_registry_events_total{kind="registered"} 1)"));
    CHECK(has(R"(peerkit_registry_refused_total{code="challenge"} 1)"));
    CHECK(has(R"(peerkit_registry_responses_total{route="/api/register",status="401"} 1)"));
    CHECK(has(R"(peerkit_registry_responses_total{route="/api/register",status="200"} 1)"));
    CHECK(has(R"(peerkit_registry_info{role="root"} 1)"));
}

TEST_CASE("health says role, state and size") {
    desk d;
    d.register_node(1);
    auto const health = d.get("/health");
    CHECK(health.status == 200);
    CHECK(
        health.body.starts_with(R"({"status":"ok","role":"root","name":"here","nodes_known":1,"queued":0,"epoch":")"));
}
