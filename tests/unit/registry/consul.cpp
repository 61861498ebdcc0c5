// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the Consul protocol: against a model of an agent in virtual time, and reply by reply.
#include <peerkit/registry/consul.hpp>

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
using peerkit::time_point;
using registry::client_task;
using registry::consul;
using registry::enrollment_state;
using registry::json_reply;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;
static_assert(std::is_nothrow_move_constructible_v<consul>);

/// As much of an agent as the protocol uses. Rows are kept as they were registered, with what agents add around them.
class agent_model {
public:
    struct row {
        std::string service, tag, body; ///< body: the registration
        time_point passes_until;
    };
    std::map<std::string, row> services{};
    std::uint64_t index = 10;
    std::string token{};

    [[nodiscard]] registry_life::server shared() {
        return [this](auto const& asked, time_point now) { return (*this)(asked, now); };
    }
    [[nodiscard]] std::optional<reply> operator()(discovery::http_request const& asked, time_point now) {
        std::string shown;
        for (auto const& h : asked.headers) {
            if (h.name == "X-Consul-Token") shown = h.value;
        }
        if (shown != token) return says(403, "Permission denied: anonymous token lacks permission 'service:write'");
        for (auto& [id, one] : services) {
            if (one.passes_until <= now && one.passes_until != time_point{}) (one.passes_until = {}, ++index);
        }
        std::string const pass = "/v1/agent/check/pass/service:", drop = "/v1/agent/service/deregister/";
        if (asked.target == "/v1/agent/service/register") {
            REQUIRE(asked.method == discovery::http_method::put);
            row made;
            std::string id, ttl;
            json_reply reader;
            REQUIRE(reader.read_object(asked.body, [&](std::string_view key, json_reply::value& v) {
                if (key == "ID") return json_reply::read(v, id, 200);
                if (key == "Name") return json_reply::read(v, made.service, 200);
                if (key == "Tags")
                    return json_reply::array_in(
                        v, [&](json_reply::value& t) { return json_reply::read(t, made.tag, 200); });
                if (key == "Meta") {
                    return json_reply::object_in(v, [&](std::string_view, json_reply::value& text) {
                        std::string value;
                        bool const sound = json_reply::read(text, value, 5000);
                        CHECK(value.size() <= 512); // longer ones are refused
                        return sound;
                    });
                }
                return key != "Check" || json_reply::object_in(v, [&](std::string_view inner, json_reply::value& f) {
                           return inner != "TTL" || json_reply::read(f, ttl, 20);
                       });
            }));
            made.body = asked.body;
            made.passes_until = now + std::chrono::seconds{std::stoi(ttl)};
            services[id] = made;
            ++index;
            return says(200, "");
        }
        if (asked.target.starts_with(pass)) {
            auto const found = services.find(asked.target.substr(pass.size()));
            if (found == services.end())
                return says(404,
                            "Unknown check ID \"service:x\". Ensure that the check ID is passed, not the check name.");
            found->second.passes_until = now + 45s;
            return says(200, "");
        }
        if (asked.target.starts_with(drop)) {
            if (services.erase(asked.target.substr(drop.size())) == 0) return says(404, "Unknown service ID");
            ++index;
            return says(200, "");
        }
        if (auto const at = asked.target.find("&index="); at != std::string::npos) {
            if (std::stoull(asked.target.substr(at + 7)) == index) return says(200, list(asked.target), 55s);
            return says(200, list(asked.target));
        }
        return says(200, list(asked.target));
    }

private:
    [[nodiscard]] std::string list(std::string const& target) const {
        std::string all = "[";
        for (auto const& [id, one] : services) {
            if (one.passes_until == time_point{}) continue;
            if (!target.starts_with("/v1/health/service/" + one.service + "?passing=1")) continue;
            auto const tag = target.find("&tag=");
            if (tag != std::string::npos && target.substr(tag + 5, target.find('&', tag + 5) - tag - 5) != one.tag)
                continue;
            all += (all.size() > 1 ? "," : "") +
                   std::string{R"({"Node":{"Node":"n","Address":"10.9.9.9"},"Service":)"} + one.body +
                   R"(,"Checks":[]})";
        }
        return all + "]";
    }
    [[nodiscard]] reply says(unsigned status, std::string body, peerkit::duration after = 1ms) const {
        return {discovery::http_reply{status, std::move(body), {{"x-consul-index", std::to_string(index)}}}, after};
    }
};

constexpr char const* url = "http://127.0.0.1:8500";

registry::client<consul> made(std::string domain = {}, std::string token = {}) {
    auto one = registry::client<consul>::make({.domain = std::move(domain), .token = std::move(token)});
    REQUIRE(one);
    return std::move(*one);
}

} // namespace

TEST_CASE("nodes find each other through an agent, and one that leaves is gone at once") {
    agent_model agent;
    registry_life one{.number = 1}, two{.number = 2};
    one.servers[url] = two.servers[url] = agent.shared();
    auto first = made(), second = made();
    one.run_once(first);
    CHECK(first.state() == enrollment_state::registered);
    CHECK(one.labels.empty()); // an agent on this machine is nothing to tell others of
    two.run_once(second);
    CHECK(names(two.last) == words{"node1"});
    CHECK(two.last.answer->front().id == peerkit::crypto::fake_identity{1}.id());
    one.live(first, time_point{3s});
    CHECK(names(one.last) == words{"node2"});
    CHECK(two.leave(second).answer);
    CHECK(agent.services.size() == 1);
    one.live(first, time_point{6s});
    CHECK(names(one.last).empty());
}

TEST_CASE("the check is passed in time, and a node that is silent is not listed any more") {
    agent_model agent;
    registry_life one{.number = 1}, two{.number = 2};
    one.servers[url] = two.servers[url] = agent.shared();
    auto first = made(), second = made();
    one.run_once(first);
    two.run_once(second);
    one.live(first, time_point{10min}, 1h);
    CHECK(first.generation() == 1);
    CHECK(names(one.last).empty());
    two.now = one.now;
    CHECK(names(two.run_once(second)) == words{"node1"});
}

TEST_CASE("an agent that does not know the check is told of the node again") {
    agent_model agent;
    registry_life life;
    life.servers[url] = agent.shared();
    auto how = made();
    life.run_once(how);
    agent.services.clear(); // it was restarted
    life.live(how, time_point{20s}, 1h);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 2);
    CHECK(agent.services.size() == 1);
}

TEST_CASE("a domain is a tag, and a token is shown") {
    agent_model agent;
    agent.token = "secret";
    registry_life one{.number = 1}, two{.number = 2}, three{.number = 3};
    one.servers[url] = two.servers[url] = three.servers[url] = agent.shared();
    auto first = made("a.test", "secret"), second = made("b.test", "secret"), third = made("a.test", "secret");
    one.run_once(first);
    CHECK(names(two.run_once(second)).empty());
    CHECK(names(three.run_once(third)) == words{"node1"});
    auto stranger = made("a.test", "wrong");
    one.run_once(stranger);
    CHECK(one.last.told(discovery_error::not_permitted));
}

TEST_CASE("an announcement as large as can be comes through in parts") {
    agent_model agent;
    registry_life one{.number = 1}, two{.number = 2};
    for (int i = 0; i < 6; ++i) one.labels.push_back({"k" + std::to_string(i), std::string(120, 'v')});
    one.servers[url] = two.servers[url] = agent.shared();
    // The label of the registry in use would replace these; on this machine there is none to tell of.
    auto first = registry::client<consul>::make({}, consul{});
    REQUIRE(first);
    auto const big = record_of(1, 1, one.labels);
    CHECK(big.size() > 800);
    consul protocol;
    registry::registrant who;
    who.record = big;
    auto const asked = protocol.request(client_task::enroll, who);
    REQUIRE(asked);
    CHECK(agent(*asked, time_point{}));
    auto second = made();
    two.run_once(second);
    REQUIRE(two.last.answer->size() == 1);
    CHECK(two.last.answer->front().labels.size() == 6);
}

TEST_CASE("the index of a blocking query: none or 0 counts as 1, one that went back is taken as it is") {
    consul protocol;
    registry::registrant who;
    auto const watch_after = [&](std::vector<discovery::http_header> headers) {
        REQUIRE(std::holds_alternative<registry::listed>(
            protocol.answer(client_task::list, {200, "[]", std::move(headers)}, who)));
        return protocol.request(client_task::watch, who)->target;
    };
    CHECK_FALSE(protocol.request(client_task::watch, who));
    CHECK(watch_after({{"x-consul-index", "42"}}).ends_with("&index=42&wait=55s"));
    CHECK(watch_after({{"x-consul-index", "7"}}).ends_with("&index=7&wait=55s"));
    CHECK(watch_after({{"x-consul-index", "0"}}).ends_with("&index=1&wait=55s"));
    CHECK(watch_after({{"x-consul-index", "7x"}}).ends_with("&index=1&wait=55s"));
    CHECK(watch_after({}).ends_with("&index=1&wait=55s"));
    CHECK(protocol.request(client_task::watch, who)->timeout > 55s + 55s / 16);
}

TEST_CASE("instances that somebody registered by hand count with their address, the node's if they have none") {
    consul protocol;
    auto const meant = protocol.answer(
        client_task::list,
        {200,
         R"([{"Node":{"Address":"10.0.0.1"},"Service":{"ID":"a","Address":"","Port":9000}},)"
         R"({"Node":{"Address":"10.0.0.1"},"Service":{"ID":"b","Address":"10.0.0.2","Port":9001}},)"
         R"({"Node":{"Address":"10.0.0.1"},"Service":{"ID":"c","Address":"host","Port":9001}},)"
         R"({"Node":{"Address":"10.0.0.1"},"Service":{"ID":"d","Port":0}},)"
         R"({"Node":{"Address":"0.0.0.0"},"Service":{"ID":"e","Port":1}},)"
         R"({"Node":{"Address":"10.0.0.1"},"Service":{"ID":"f","Port":1,"Meta":{"peerkit-record-0":"AAAA"}}},)"
         R"({"Node":null,"Service":null},7])",
         {}},
        {});
    auto const& found = std::get<registry::listed>(meant).found;
    REQUIRE(found.size() == 2);
    CHECK(found[0].name.view() == "a");
    CHECK(found[0].addresses[0].to_string() == "10.0.0.1:9000");
    CHECK(found[1].addresses[0].to_string() == "10.0.0.2:9001");
}

TEST_CASE("errors of an agent mean what they say") {
    consul protocol;
    registry::registrant who;
    auto const says = [&](client_task task, unsigned status, std::string body) {
        return protocol.answer(task, {status, std::move(body), {{"retry-after", "3"}}}, who);
    };
    CHECK(std::holds_alternative<registry::lost>(says(client_task::renew, 404, "Unknown check ID")));
    CHECK(std::holds_alternative<registry::lost>(says(client_task::renew, 500, "Unknown check \"service:x\"")));
    CHECK(std::holds_alternative<registry::lost>(says(client_task::leave, 404, "Unknown service ID")));
    auto const refusal = [&](client_task task, unsigned status, std::string body) {
        return std::get<registry::refused>(says(task, status, std::move(body)));
    };
    CHECK(refusal(client_task::list, 500, "No cluster leader\nmore").said == "No cluster leader");
    CHECK(refusal(client_task::list, 500, "No cluster leader").elsewhere);
    CHECK(refusal(client_task::list, 429, "").retry_after == 3s);
    CHECK(refusal(client_task::list, 404, "<html>").elsewhere);
    CHECK(refusal(client_task::enroll, 403, "ACL not found").why == discovery_error::not_permitted);
    CHECK_FALSE(refusal(client_task::enroll, 400, "Invalid").elsewhere);
    CHECK(refusal(client_task::enroll, 400, std::string(5000, 'x')).said.size() == registry::refused::most_words);
    for (std::string const body : {"", "{}", "null", "[", "[{]", "<html>"})
        CHECK(refusal(client_task::list, 200, body).why == discovery_error::bad_reply);
}
