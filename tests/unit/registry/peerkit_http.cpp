// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the protocol of peerkit's registries: against a registry in virtual time, and reply by reply.
#include <peerkit/registry/peerkit_http.hpp>

#include "support/registry_life.hpp"
#include "support/scripted_strategy.hpp"

#include <peerkit/core/rng.hpp>
#include <peerkit/registry/api.hpp>
#include <peerkit/registry/client.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
namespace registry = peerkit::registry;
using discovery::discovery_error;
using peerkit::duration;
using peerkit::time_point;
using peerkit::crypto::fake_identity;
using registry::client_task;
using registry::enrollment_state;
using registry::peerkit_http;
using registry::registry_error;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;
static_assert(std::is_nothrow_move_constructible_v<peerkit_http>);

/// A whole registry, without a network between.
class served_registry {
public:
    using logic_type = registry::registry_logic<fake_identity, peerkit::seeded_rng>;

    explicit served_registry(std::uint64_t seed = 1) : logic_{options(), peerkit::seeded_rng{seed}, time_point{}} {
        registry::registry_outbox out;
        REQUIRE(logic_.start({}, false, {time_point{}, 1'790'000'000'000}, out));
    }
    [[nodiscard]] registry_life::server shared() {
        return [this](auto const& asked, time_point now) { return (*this)(asked, now); };
    }
    [[nodiscard]] std::optional<reply> operator()(discovery::http_request const& asked, time_point now) {
        log.push_back(asked.target.substr(0, asked.target.find('?')));
        registry::moment const at{now, 1'790'000'000'000 + now.time_since_epoch() / 1ms};
        std::vector<registry::header_field> headers;
        for (auto const& h : asked.headers) {
            std::string name = h.name;
            std::transform(name.begin(), name.end(), name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
            headers.emplace_back(name, h.value);
        }
        registry::registry_outbox out;
        logic_.poll(at, out);
        auto got = api_.handle({.method = asked.method == discovery::http_method::get ? "GET" : "POST",
                                .target = asked.target,
                                .headers = headers,
                                .body = asked.body,
                                .source = peerkit::ip_address::v4(192, 0, 2, 200)},
                               at, out);
        auto* const response = std::get_if<registry::api_response>(&got);
        if (response == nullptr) return std::nullopt; // waits
        discovery::http_reply made{.status = response->status, .body = std::move(response->body)};
        for (auto const& [name, value] : response->headers) made.headers.push_back({name, value});
        return reply{std::move(made), 2ms};
    }
    [[nodiscard]] std::size_t size() const { return logic_.table().size(); }

    words log{};

private:
    static registry::registry_options options() {
        registry::registry_options o;
        o.role = registry::registry_role::root;
        return o;
    }
    logic_type logic_;
    registry::registry_api<logic_type> api_{logic_};
};

constexpr char const* url = "http://10.0.0.1:8000";

registry::client<peerkit_http> made(std::string domain = "example.test") {
    auto one = registry::client<peerkit_http>::make(
        {.domain = std::move(domain), .registries = {"10.0.0.1"}, .integrated = false});
    REQUIRE(one);
    return std::move(*one);
}

} // namespace

TEST_CASE("nodes prove who they are to a registry, and find each other there") {
    served_registry server;
    registry_life one{.number = 1}, two{.number = 2};
    one.servers[url] = two.servers[url] = server.shared();
    auto first = made(), second = made();
    one.run_once(first);
    CHECK(first.state() == enrollment_state::registered);
    CHECK(server.log == words{"/api/nodes", "/api/register", "/api/register"});
    CHECK(server.size() == 1);
    CHECK(one.labels == std::vector<peerkit::label>{{"registry", "10.0.0.1:8000"}});
    two.run_once(second);
    CHECK(names(two.last) == words{"node1"});
    CHECK(two.last.answer->front().state == discovery::presence::online);
    one.live(first, time_point{3s});
    CHECK(names(one.last) == words{"node2"});
    CHECK(two.leave(second).answer);
    CHECK(server.size() == 1);
    one.live(first, time_point{6s});
    CHECK(names(one.last).empty());
}

TEST_CASE("a node stays registered by heartbeats as often as the registry says") {
    served_registry server;
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    life.live(how, time_point{1h}, 2h);
    auto const beats = life.times_of("/api/heartbeat");
    CHECK(beats.size() > 100);
    CHECK(beats.size() < 140);
    CHECK(how.generation() == 1);
    CHECK(server.size() == 1);
}

TEST_CASE("a registry that lost its memory is told again, and so is one that takes its place") {
    served_registry server, another{2};
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    life.servers[url] = another.shared();
    life.live(how, time_point{40s}, 2h);
    CHECK(another.size() == 1);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 2);
}

TEST_CASE("a newer announcement is registered, with a proof of its own") {
    served_registry server;
    registry_life one{.number = 1}, two{.number = 2};
    one.servers[url] = two.servers[url] = server.shared();
    auto first = made(), second = made();
    one.run_once(first);
    one.live(first, time_point{2s}, 1h);
    one.labels.push_back({"zone", "a"});
    one.incarnation = 70;
    one.live(first, time_point{4s}, 1h);
    two.now = one.now;
    two.run_once(second);
    REQUIRE(two.last.answer->size() == 1);
    CHECK(two.last.answer->front().labels.size() == 2);
}

TEST_CASE("a name of another key is told by the registry's own words, and the list is used all the same") {
    served_registry server;
    registry_life life;
    life.servers[url] = [&](discovery::http_request const& asked, time_point now) -> std::optional<reply> {
        if (!asked.target.starts_with("/api/register")) return server(asked, now);
        return reply{discovery::http_reply{
            409, R"({"error":{"code":"name_taken","message":"the name belongs to another key"}})", {}}};
    };
    auto how = made();
    life.run_once(how);
    CHECK(life.last.answer);
    REQUIRE(life.last.notices.size() == 1);
    CHECK(life.last.notices[0].what == registry_error::name_taken);
    CHECK(life.last.notices[0].text.find("the name belongs to another key") != std::string::npos);
}

TEST_CASE("domains are kept apart, and all pages of a list are read") {
    served_registry server;
    std::vector<registry_life> lives(12);
    for (std::uint8_t i = 0; i < lives.size(); ++i) {
        lives[i].number = static_cast<std::uint8_t>(i + 1);
        lives[i].servers[url] = server.shared();
        auto how = made(i < 10 ? "example.test" : "other.test");
        lives[i].run_once(how);
    }
    registry_life life{.number = 99};
    std::size_t pages = 0;
    life.servers[url] = [&](discovery::http_request asked, time_point now) {
        if (auto const at = asked.target.find("limit=1000"); at != std::string::npos)
            (asked.target.replace(at, 10, "limit=3"), ++pages);
        return server(asked, now);
    };
    auto how = made();
    CHECK(names(life.run_once(how)).size() == 10);
    CHECK(pages == 4);
    // One page or four: what has not changed is not sent again.
    life.live(how, time_point{5s}, 1h);
    pages = 0;
    life.run_once(how);
    CHECK(pages == 1);
    CHECK(names(life.last).size() == 10);
}

TEST_CASE("a watch asks for no more than that something changed") {
    served_registry server;
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    auto const watch = std::find_if(life.last.watches.begin(), life.last.watches.end(),
                                    [](auto const& w) { return std::holds_alternative<discovery::http_request>(w); });
    REQUIRE(watch != life.last.watches.end());
    auto const& asked = std::get<discovery::http_request>(*watch);
    CHECK(asked.target == "/api/nodes?form=compact&status=online&limit=1&domain=example.test&wait=55");
    CHECK(asked.headers.back().name == "If-None-Match");
    CHECK(asked.timeout > 55s);
}

TEST_CASE("answers mean what docs/registry.md says") {
    peerkit_http protocol;
    registry::registrant who;
    auto const record = record_of(1);
    who.record = record;
    auto const says = [&](client_task task, unsigned status, std::string body,
                          std::vector<discovery::http_header> headers = {}) {
        return protocol.answer(task, {status, std::move(body), std::move(headers)}, who);
    };
    auto const error = [](std::string const& code) {
        return R"({"error":{"code":")" + code + R"(","message":"words"}})";
    };
    CHECK(std::holds_alternative<registry::unchanged>(says(client_task::list, 304, "")));
    CHECK(std::holds_alternative<registry::lost>(says(client_task::renew, 404, error("unknown_node"))));
    auto const challenge =
        says(client_task::enroll, 401,
             R"({"error":{"code":"challenge","message":"x"},"challenge":"00112233445566778899aabbccddeeff"})");
    REQUIRE(std::holds_alternative<registry::challenged>(challenge));
    CHECK(std::get<registry::challenged>(challenge).challenge.size() == 16);

    auto const refusal = [&](unsigned status, std::string body, std::vector<discovery::http_header> headers = {}) {
        auto const meant = says(client_task::enroll, status, std::move(body), std::move(headers));
        REQUIRE(std::holds_alternative<registry::refused>(meant));
        return std::get<registry::refused>(meant);
    };
    CHECK(refusal(409, error("name_taken")).why == registry_error::name_taken);
    CHECK_FALSE(refusal(409, error("name_taken")).elsewhere);
    CHECK(refusal(503, error("queue_full"), {{"retry-after", "7"}}).retry_after == 7s);
    CHECK(refusal(503, error("queue_full")).elsewhere);
    CHECK(refusal(429, error("rate_limited")).elsewhere);
    CHECK(refusal(500, error("something new")).elsewhere);
    CHECK(refusal(404, "<html>not here</html>").elsewhere); // a web server that is no registry
    CHECK(refusal(502, "").why == discovery_error::bad_reply);
    CHECK(refusal(502, "", {{"retry-after", "9"}}).retry_after == 9s);
    CHECK(refusal(502, "", {{"retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"}}).retry_after == 0s);
    // A registration of somebody else, or without a lease, is none.
    auto const other = fake_identity{2}.id().to_string(), own = fake_identity{1}.id().to_string();
    CHECK(refusal(200,
                  R"({"status":"registered","node_id":")" + other + R"(","lease":"00112233445566778899aabbccddeeff"})")
              .why == discovery_error::bad_reply);
    CHECK(refusal(200, R"({"status":"registered","node_id":")" + own + "\"}").why == discovery_error::bad_reply);
    auto const stale = says(client_task::list, 200, R"({"nodes":[],"stale":true,"behind_s":75})");
    CHECK(std::get<registry::listed>(stale).behind == 75s);
}
