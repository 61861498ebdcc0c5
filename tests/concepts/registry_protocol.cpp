// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The archetype and the exemplar of RegistryProtocol that docs/concepts/registry_protocol.md quotes.
#include <peerkit/registry/protocol.hpp>

#include "support/registry_life.hpp"
#include "support/scripted_strategy.hpp"

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/registry/client.hpp>
#include <peerkit/registry/record_candidate.hpp>
#include <peerkit/wire/record.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

/// The least a protocol can be: no default constructor, no copy, no assignment.
class least_protocol {
public:
    static least_protocol make() noexcept { return {}; }
    least_protocol(least_protocol&&) noexcept = default;
    least_protocol& operator=(least_protocol&&) = delete;

    [[nodiscard]] std::string_view name() const noexcept { return "least"; }
    [[nodiscard]] std::uint16_t default_port() const noexcept { return 1; }
    [[nodiscard]] std::optional<peerkit::discovery::http_request> request(peerkit::registry::client_task,
                                                                          peerkit::registry::registrant const&) {
        return std::nullopt;
    }
    [[nodiscard]] peerkit::registry::client_answer answer(peerkit::registry::client_task,
                                                          peerkit::discovery::http_reply,
                                                          peerkit::registry::registrant const&) {
        return peerkit::registry::refused{};
    }
    void forget() {}

private:
    least_protocol() noexcept = default;
};
static_assert(peerkit::registry::check_protocol<least_protocol>());

// [exemplar]
/// Any web server that keeps files for a while will do: a node PUTs its announcement under its identity, a GET of the
/// folder is one announcement per line in Base64. Whoever does not PUT again in time is taken away by the server.
class web_folder {
public:
    [[nodiscard]] std::string_view name() const noexcept { return "web_folder"; }
    [[nodiscard]] std::uint16_t default_port() const noexcept { return 80; }

    [[nodiscard]] std::optional<peerkit::discovery::http_request> request(
        peerkit::registry::client_task task, peerkit::registry::registrant const& who) const {
        using peerkit::discovery::http_method;
        using peerkit::registry::client_task;
        if (task == client_task::watch) return std::nullopt; // the folder is read now and then
        if (task == client_task::list) return peerkit::discovery::http_request{.target = "/peers"};
        auto const record = peerkit::wire::record_view::parse(who.record);
        if (!record) return std::nullopt;
        return peerkit::discovery::http_request{
            .method = task == client_task::leave ? http_method::remove : http_method::put,
            .target = "/peers/" + record->id().to_string(),
            .headers = {{"Authorization", "Bearer " + std::string{who.token}}},
            .body = task == client_task::leave ? std::string{} : peerkit::to_base64(who.record)};
    }

    [[nodiscard]] peerkit::registry::client_answer answer(peerkit::registry::client_task task,
                                                          peerkit::discovery::http_reply const& reply,
                                                          peerkit::registry::registrant const&) const {
        using namespace peerkit;
        using registry::client_task;
        if (reply.status >= 500) // this server has a problem; another one may do
            return registry::refused{discovery::discovery_error::server_failed, {}, {}, true};
        if (reply.status >= 400)
            return registry::refused{discovery::discovery_error::unavailable, reply.body, {}, false};
        if (task == client_task::leave) return registry::gone{};
        if (task != client_task::list) return registry::known{};
        registry::listed all;
        for (std::string_view rest = reply.body; !rest.empty();) {
            std::string_view const line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            std::array<std::byte, limits::record> bytes{};
            auto const size = from_base64(line, bytes);
            if (!size) continue; // not one of ours
            if (auto one = registry::candidate_of(byte_view{bytes}.first(*size))) all.found.push_back(std::move(*one));
        }
        return all;
    }

    void forget() {}
};
static_assert(peerkit::registry::check_protocol<web_folder>());
// [/exemplar]

} // namespace

TEST_CASE("the least protocol finds nobody and makes nobody known") {
    using namespace peerkit;
    peerkit_test::registry_life life;
    auto how = registry::client<least_protocol>::make({.integrated = true}, least_protocol::make());
    REQUIRE(how);
    CHECK_FALSE(life.run_once(*how).answer);
    CHECK(life.leave(*how).answer);
    CHECK(life.sent.empty());
}

TEST_CASE("nodes find each other through a folder of a web server") {
    using namespace peerkit;
    std::map<std::string, std::string> files;
    auto const server = [&files](discovery::http_request const& asked,
                                 time_point) -> std::optional<peerkit_test::reply> {
        discovery::http_reply reply{.status = 200};
        if (asked.method == discovery::http_method::put) files[asked.target] = asked.body;
        if (asked.method == discovery::http_method::remove) files.erase(asked.target);
        if (asked.method == discovery::http_method::get) {
            for (auto const& [name, text] : files) reply.body += text + "\n";
        }
        return peerkit_test::reply{std::move(reply), std::chrono::milliseconds{1}};
    };
    peerkit_test::registry_life one{.number = 1}, two{.number = 2};
    one.servers["http://192.0.2.100:80"] = two.servers["http://192.0.2.100:80"] = server;
    registry::client_options const options{.registries = {"192.0.2.100"}, .integrated = false};
    auto first = *registry::client<web_folder>::make(options), second = *registry::client<web_folder>::make(options);
    CHECK(one.run_once(first).answer->empty());
    CHECK(peerkit_test::names(two.run_once(second)) == std::vector<std::string>{"node1"});
    CHECK(peerkit_test::names(one.run_once(first)) == std::vector<std::string>{"node2"});
    CHECK(two.leave(second).answer);
    CHECK(one.run_once(first).answer->empty());
}

TEST_CASE("the page of RegistryProtocol quotes the exemplar as it is compiled here") {
    auto const read = [](char const* path) {
        std::ifstream in{std::string{PEERKIT_TEST_DATA} + path};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    std::string const source = read("/../concepts/registry_protocol.cpp");
    std::string const page = read("/../../docs/concepts/registry_protocol.md");
    std::size_t const first = source.find("// [exemplar]\n") + 14, last = source.find("// [/exemplar]");
    REQUIRE(last > first);
    REQUIRE(last != std::string::npos);
    CHECK(page.find(source.substr(first, last - first)) != std::string::npos);
}
