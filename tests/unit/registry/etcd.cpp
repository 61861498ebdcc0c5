// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the etcd protocol: against a model of etcd in virtual time, and reply by reply.
#include <peerkit/registry/etcd.hpp>

#include "support/registry_life.hpp"
#include "support/scripted_strategy.hpp"

#include <peerkit/registry/client.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
namespace registry = peerkit::registry;
using discovery::discovery_error;
using peerkit::as_bytes;
using peerkit::as_text;
using peerkit::duration;
using peerkit::json_writer;
using peerkit::time_point;
using registry::client_task;
using registry::enrollment_state;
using registry::etcd;
using registry::json_reply;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;
static_assert(std::is_nothrow_move_constructible_v<etcd>);

/// As much of etcd as the protocol uses, with the answers of 3.4.23: numbers of 64 bits are texts, zeros are left out.
class etcd_model {
public:
    struct row {
        std::string value;
        std::uint64_t modified;
        std::string lease;
    };
    std::map<std::string, row> keys{};
    std::map<std::string, std::pair<std::uint64_t, time_point>> leases{}; ///< seconds, expiry
    std::uint64_t revision = 1, compacted = 0;
    std::string password{}; ///< empty: everybody may
    std::string valid_token{};
    std::string outdated_token{}; ///< issued before a user or role was changed: a JWT names the revision
    int outdated_code = 3;
    bool leaderless = false;
    words log{};

    void drop_expired(time_point now) {
        for (auto at = leases.begin(); at != leases.end();) {
            if (at->second.second > now)
                ++at;
            else
                at = revoke(at);
        }
    }
    [[nodiscard]] registry_life::server shared() {
        return [this](auto const& asked, time_point now) { return (*this)(asked, now); };
    }
    [[nodiscard]] std::optional<reply> operator()(discovery::http_request const& asked, time_point now) {
        drop_expired(now);
        log.push_back(asked.target);
        REQUIRE(asked.method == discovery::http_method::post);
        std::map<std::string, std::string> in;
        json_reply reader;
        auto const take = [&](std::string_view key, json_reply::value& v) {
            return json_reply::read(v, in[std::string{key}], 4096);
        };
        REQUIRE(reader.read_object(asked.body, [&](std::string_view key, json_reply::value& v) {
            return key == "create_request" ? json_reply::object_in(v, take) : take(key, v);
        }));
        for (char const* const name : {"key", "range_end", "value"}) {
            if (auto const at = in.find(name); at != in.end()) {
                std::vector<std::byte> bytes(4096);
                auto const size = peerkit::from_base64(at->second, bytes);
                REQUIRE(size);
                at->second = as_text(peerkit::byte_view{bytes}.first(*size));
            }
        }
        if (asked.target == "/v3/auth/authenticate") {
            if (in["password"] != password)
                return error(400, 3, "etcdserver: authentication failed, invalid user ID or password");
            valid_token = "token." + std::to_string(++tokens_);
            return says(R"({"header":{},"token":")" + valid_token + "\"}");
        }
        std::string shown;
        for (auto const& h : asked.headers) {
            if (h.name == "Authorization") shown = h.value;
        }
        if (!password.empty() && shown.empty()) return error(400, 3, "etcdserver: user name is empty");
        if (!shown.empty() && shown == outdated_token) {
            return outdated_code == 3 ? error(400, 3, "etcdserver: revision of auth store is old")
                                      : error(500, 2, "auth: revision in header is old");
        }
        if (!password.empty() && shown != valid_token) return error(401, 16, "etcdserver: invalid auth token");
        if (leaderless) return error(503, 14, "etcdserver: no leader");
        if (asked.target == "/v3/lease/grant") {
            std::string const id = std::to_string(7587000000000000000ULL + ++leases_);
            std::uint64_t const seconds = std::stoull(in["TTL"]);
            leases[id] = {seconds, now + std::chrono::seconds{seconds}};
            return says(head() + R"(,"ID":")" + id + R"(","TTL":")" + in["TTL"] + "\"}");
        }
        if (asked.target == "/v3/kv/put") {
            if (!leases.contains(in["lease"])) return error(404, 5, "etcdserver: requested lease not found");
            keys[in["key"]] = {in["value"], ++revision, in["lease"]};
            return says(head() + "}");
        }
        if (asked.target == "/v3/lease/keepalive") {
            auto const at = leases.find(in["ID"]);
            std::string text = R"({"result":)" + head() + R"(,"ID":")" + in["ID"] + '"';
            if (at != leases.end()) {
                at->second.second = now + std::chrono::seconds{at->second.first};
                text += R"(,"TTL":")" + std::to_string(at->second.first) + '"';
            }
            return says(text + "}}\n");
        }
        if (asked.target == "/v3/lease/revoke") {
            auto const at = leases.find(in["ID"]);
            if (at == leases.end()) return error(404, 5, "etcdserver: requested lease not found");
            revoke(at);
            return says(head() + "}");
        }
        if (asked.target == "/v3/watch") {
            std::uint64_t const from = std::stoull(in["start_revision"]);
            REQUIRE(asked.enough_lines == 2);
            std::string const first = R"({"result":)" + head() + ",\"created\":true}}\n";
            if (from <= compacted)
                return says(first + R"({"result":)" + head() + R"(,"canceled":true,"compact_revision":"9"}})" + '\n');
            if (from > revision) return std::nullopt;
            return says(first + R"({"result":)" + head() + ",\"events\":[{}]}}\n");
        }
        REQUIRE(asked.target == "/v3/kv/range");
        std::string text = head();
        std::size_t count = 0;
        for (auto at = keys.lower_bound(in["key"]); at != keys.lower_bound(in["range_end"]); ++at, ++count) {
            text += count == 0 ? ",\"kvs\":[" : ",";
            text += R"({"key":")" + peerkit::to_base64(as_bytes(at->first)) +
                    R"(","create_revision":"2","mod_revision":")" + std::to_string(at->second.modified) +
                    R"(","version":"1","value":")" + peerkit::to_base64(as_bytes(at->second.value)) + R"(","lease":")" +
                    at->second.lease + "\"}";
        }
        if (count != 0) text += R"(],"count":")" + std::to_string(count) + '"';
        return says(text + "}");
    }

private:
    std::map<std::string, std::pair<std::uint64_t, time_point>>::iterator revoke(
        std::map<std::string, std::pair<std::uint64_t, time_point>>::iterator which) {
        if (std::erase_if(keys, [&](auto const& k) { return k.second.lease == which->first; }) != 0) ++revision;
        return leases.erase(which);
    }
    [[nodiscard]] static reply says(std::string body) { return {discovery::http_reply{200, std::move(body), {}}, 2ms}; }
    [[nodiscard]] static reply error(unsigned status, int code, std::string const& text) {
        return {discovery::http_reply{status,
                                      R"({"error":")" + text + R"(","message":")" + text + R"(","code":)" +
                                          std::to_string(code) + "}",
                                      {}},
                1ms};
    }
    [[nodiscard]] std::string head() const {
        return R"({"header":{"cluster_id":"14841639068965178418","revision":")" + std::to_string(revision) +
               R"(","raft_term":"2"})";
    }
    std::uint64_t leases_ = 0, tokens_ = 0;
};

constexpr char const* url = "http://10.0.0.1:2379";

registry::client<etcd> made(registry::etcd_options options = {}, std::string domain = {}, std::string token = {}) {
    auto one = registry::client<etcd>::make(
        {.domain = std::move(domain), .registries = {"10.0.0.1"}, .integrated = false, .token = std::move(token)},
        etcd{std::move(options)});
    REQUIRE(one);
    return std::move(*one);
}

} // namespace

TEST_CASE("nodes find each other through etcd, and one that leaves is gone at once") {
    etcd_model server;
    registry_life one{.number = 1}, two{.number = 2};
    one.servers[url] = two.servers[url] = server.shared();
    auto first = made(), second = made();
    one.run_once(first);
    CHECK(first.state() == enrollment_state::registered);
    CHECK(server.log == words{"/v3/kv/range", "/v3/lease/grant", "/v3/kv/put"});
    REQUIRE(server.keys.size() == 1);
    CHECK(server.keys.begin()->first == "/peerkit/" + peerkit::crypto::fake_identity{1}.id().to_string());
    two.run_once(second);
    CHECK(names(two.last) == words{"node1"});
    one.live(first, time_point{2s});
    CHECK(names(one.last) == words{"node2"});
    CHECK(two.leave(second).answer);
    CHECK(server.keys.size() == 1);
    CHECK(server.leases.size() == 1);
    one.live(first, time_point{4s});
    CHECK(names(one.last).empty());
}

TEST_CASE("the lease is kept alive, and a node that is silent vanishes") {
    etcd_model server;
    registry_life one{.number = 1}, two{.number = 2};
    one.servers[url] = two.servers[url] = server.shared();
    auto first = made(), second = made();
    one.run_once(first);
    two.run_once(second);
    one.live(first, time_point{1h}, 2h);
    CHECK(first.generation() == 1);
    CHECK(names(one.last).empty());
    CHECK(server.leases.size() == 1);
    // Most runs found that nothing had changed, and did not decode a list again.
    CHECK(one.times_of("/v3/lease/keepalive").size() > 200);
}

TEST_CASE("a lease that is gone is noticed by its missing time to live, and by the put of a newer announcement") {
    etcd_model server;
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    server.drop_expired(time_point{24h});
    CHECK(server.keys.empty());
    SUBCASE("keepalive") { life.live(how, time_point{20s}, 1h); }
    SUBCASE("put") {
        life.incarnation = 60;
        life.live(how, time_point{3s}, 1h);
    }
    CHECK(how.state() == enrollment_state::registered);
    CHECK(server.keys.size() == 1);
    CHECK(server.leases.size() == 1);
}

TEST_CASE("a newer announcement is put under the same lease") {
    etcd_model server;
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    life.live(how, time_point{2s}, 1h);
    life.incarnation = 60;
    life.live(how, time_point{4s}, 1h);
    CHECK(server.leases.size() == 1);
    REQUIRE(server.keys.size() == 1);
    auto const newest = record_of(1, 60, life.labels);
    CHECK(server.keys.begin()->second.value == as_text(newest));
}

TEST_CASE("a node whose announcement changes every few seconds keeps its lease, though a put renews none") {
    etcd_model server;
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    CHECK(life.times_of("/v3/lease/keepalive").empty()); // a lease just granted needs none
    for (int i = 1; i <= 60; ++i) {
        life.incarnation += 1;
        life.live(how, time_point{i * 5s}, 1h);
        server.drop_expired(life.now);
        REQUIRE(server.keys.size() == 1);
    }
    CHECK(life.times_of("/v3/lease/grant").size() == 1);
    CHECK(life.times_of("/v3/lease/keepalive").size() <= life.times_of("/v3/kv/put").size());
}

TEST_CASE("the watch begins behind the list; one that was compacted leads to the list, and to a watch from there") {
    etcd_model server;
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    life.run_once(how);
    life.live(how, time_point{4s}, 1h);
    auto const watched = [&] {
        for (auto const& w : life.last.watches) {
            if (auto const* r = std::get_if<discovery::http_request>(&w)) return r->body;
        }
        return std::string{};
    };
    CHECK(watched().find(R"("start_revision":"3")") != std::string::npos);
    server.revision = 500;
    server.compacted = 400;
    life.live(how, time_point{8s}, 1h);
    CHECK(watched().find(R"("start_revision":"501")") != std::string::npos);
    CHECK(life.last.answer);
}

TEST_CASE("a domain is a folder of its own") {
    etcd_model server;
    registry_life one{.number = 1}, two{.number = 2}, three{.number = 3};
    one.servers[url] = two.servers[url] = three.servers[url] = server.shared();
    auto first = made({}, "a.test"), second = made({}, "b.test"), third = made({}, "a.test");
    one.run_once(first);
    CHECK(names(two.run_once(second)).empty());
    CHECK(names(three.run_once(third)) == words{"node1"});
}

TEST_CASE("with a user a token is fetched, and again when it has expired") {
    etcd_model server;
    server.password = "secret";
    registry_life life;
    life.servers[url] = server.shared();
    SUBCASE("the right password") {
        auto how = made({.user = "peerkit", .password = "secret"});
        life.run_once(how);
        CHECK(how.state() == enrollment_state::registered);
        server.valid_token = "another";
        life.live(how, time_point{1min}, 1h);
        CHECK(how.generation() == 1);
        CHECK(life.times_of("/v3/auth/authenticate").size() == 2);
    }
    SUBCASE("a user or role was changed since, and tokens name the revision") {
        SUBCASE("as etcd says it") { server.outdated_code = 3; }
        SUBCASE("as its store of users says it") { server.outdated_code = 2; }
        auto how = made({.user = "peerkit", .password = "secret"});
        life.run_once(how);
        server.outdated_token = server.valid_token;
        life.live(how, time_point{1min}, 1h);
        CHECK(life.last.answer);
        CHECK(how.generation() == 1);
        CHECK(life.times_of("/v3/auth/authenticate").size() == 2);
    }
    SUBCASE("a wrong one is told, and not tried in a loop") {
        auto how = made({.user = "peerkit", .password = "wrong"});
        life.run_once(how);
        CHECK_FALSE(life.last.answer);
        CHECK(texts(life.last).size() >= 1);
        CHECK(life.sent.size() < 6);
    }
    SUBCASE("no user, and a token from the options") {
        server.valid_token = "given";
        auto how = made({}, {}, "given");
        life.run_once(how);
        CHECK(how.state() == enrollment_state::registered);
    }
    SUBCASE("neither") {
        auto how = made();
        life.run_once(how);
        CHECK_FALSE(life.last.answer);
    }
}

TEST_CASE("a token that is of an old revision again and again is fetched once in a task, and then told") {
    etcd protocol{{.user = "peerkit", .password = "secret"}};
    registry::registrant who;
    for (int i = 0; i < 2; ++i) {
        auto const asked = protocol.request(client_task::list, who);
        REQUIRE(asked);
        CHECK(asked->target == "/v3/auth/authenticate");
        who.begins = false;
        REQUIRE(std::holds_alternative<registry::more>(
            protocol.answer(client_task::list, {200, R"({"token":"t"})", {}}, who)));
        CHECK(protocol.request(client_task::list, who)->target == "/v3/kv/range");
        auto const meant = protocol.answer(
            client_task::list, {400, R"({"error":"etcdserver: revision of auth store is old","code":3})", {}}, who);
        CHECK(std::holds_alternative<registry::more>(meant) == (i == 0));
        if (auto const* no = std::get_if<registry::refused>(&meant)) CHECK(no->why == discovery_error::not_permitted);
    }
}

TEST_CASE("a member of the cluster that has no leader is passed over") {
    etcd_model alone, server;
    alone.leaderless = true;
    registry_life life;
    life.servers[url] = alone.shared();
    life.servers["http://10.0.0.2:2379"] = server.shared();
    auto how = *registry::client<etcd>::make({.registries = {"10.0.0.1", "10.0.0.2"}, .integrated = false});
    life.run_once(how);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.in_use() == "etcd://10.0.0.2:2379");
}

TEST_CASE("keys of others, values that are no announcements, and announcements under another's name are left out") {
    etcd_model server;
    auto const put = [&](std::string const& key, std::vector<std::byte> const& value) {
        server.keys[key] = {std::string{as_text(value)}, ++server.revision, "0"};
    };
    auto const id = [](std::uint8_t n) { return peerkit::crypto::fake_identity{n}.id().to_string(); };
    put("/peerkit/" + id(4), record_of(4));
    put("/peerkit/" + id(5), record_of(6));
    put("/peerkit/" + id(7), {std::byte{1}});
    put("/peerkit/else", record_of(8));
    put("/peerkit/sub/" + id(9), record_of(9));
    put("/peerkit0", record_of(9));
    put("/peerkit/" + id(10), record_of(10, 1, {}, true)); // has left
    registry_life life;
    life.servers[url] = server.shared();
    auto how = made();
    CHECK(names(life.run_once(how)) == words{"node4"});
}

TEST_CASE("replies that are none of etcd are refused, and another registry may do") {
    etcd protocol;
    registry::registrant who;
    auto const record = record_of(1);
    who.record = record;
    auto const says = [&](client_task task, unsigned status, std::string body) {
        return protocol.answer(task, {status, std::move(body), {}}, who);
    };
    for (std::string const body :
         {"", "{}", "[]", "null", "{\"ID\":", R"({"ID":"x","TTL":"5"})", R"({"ID":"5"})", R"({"TTL":"5"})",
          R"({"ID":5.5,"TTL":"5"})", "<html></html>", R"({"ID":"99999999999999999999999","TTL":"5"})"}) {
        CAPTURE(body);
        for (client_task const task : {client_task::enroll, client_task::renew, client_task::list}) {
            auto const meant = says(task, 200, body);
            REQUIRE(std::holds_alternative<registry::refused>(meant));
            CHECK(std::get<registry::refused>(meant).elsewhere);
        }
    }
    CHECK(std::get<registry::refused>(says(client_task::list, 404, "no such page")).elsewhere);
    CHECK(std::get<registry::refused>(says(client_task::list, 500, "")).elsewhere);
    auto const denied = std::get<registry::refused>(
        says(client_task::enroll, 403, R"({"error":"etcdserver: permission denied","code":7})"));
    CHECK(denied.why == discovery_error::not_permitted);
    CHECK_FALSE(denied.elsewhere);
    CHECK(denied.said == "etcdserver: permission denied");
    auto const wordy = std::get<registry::refused>(
        says(client_task::enroll, 400, R"({"error":")" + std::string(5000, 'x') + R"(","code":3})"));
    CHECK(wordy.said.size() == registry::refused::most_words);
    auto const renewal = says(client_task::renew, 200, R"({"result":{"ID":"7","TTL":"999999999999"}})");
    CHECK(std::get<registry::known>(renewal).time_to_live == 24h);
    CHECK(std::holds_alternative<registry::refused>(
        says(client_task::renew, 200, R"({"error":{"grpc_code":14,"message":"x"}})")));
}
