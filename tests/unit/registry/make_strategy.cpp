// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of registries as text: every key has its effect, and the page says so.
#include <peerkit/registry/make_strategy.hpp>

#include "support/provider_page.hpp"
#include "support/registry_life.hpp"
#include "support/scripted_strategy.hpp"

#include <peerkit/discovery/provider.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace discovery = peerkit::discovery;
namespace registry = peerkit::registry;
using discovery::any_strategy;
using discovery::discovery_error;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;

any_strategy made(std::string_view text) {
    auto one = registry::make_strategy(text, {.seed = 3});
    REQUIRE_MESSAGE(one, discovery::point_at(text, one ? peerkit::error{discovery_error::stalled} : one.error()));
    return std::move(*one);
}
/// The URLs that one run asks, when nothing answers.
words urls(std::string_view text, registry_life life = {}) {
    any_strategy one = made(text);
    life.run_once(one);
    words all;
    for (auto const& [at, request] : life.sent) all.push_back(request.url);
    return all;
}

} // namespace

TEST_CASE("registries are looked for where the text says") {
    CHECK(urls("etcd") == words{"http://127.0.0.1:2379"});
    CHECK(urls("registry") == words{"http://127.0.0.1:8000"});
    CHECK(urls("consul service=x") == words{"http://127.0.0.1:8500"});
    CHECK(urls("etcd servers=10.0.0.1,10.0.0.2:81") == words{"http://10.0.0.1:2379", "http://10.0.0.2:81"});
    CHECK(urls("etcd servers=10.0.0.1 integrated=yes") == words{"http://127.0.0.1:2379", "http://10.0.0.1:2379"});
    CHECK(urls("etcd servers=10.0.0.1 tls=yes") == words{"https://10.0.0.1:2379"});
    CHECK(urls("etcd servers=10.0.0.1 remembered=etcd://10.0.0.9:1") ==
          words{"http://10.0.0.9:1", "http://10.0.0.1:2379"});
    registry_life life;
    life.names["tnr.example.test."] = {peerkit::ip_address::v4(10, 0, 0, 5)};
    CHECK(urls("etcd domain=example.test integrated=no", life) == words{"http://10.0.0.5:2379"});
    life.announced = {"etcd://10.0.0.6:2379"};
    CHECK(urls("etcd integrated=no", life) == words{"http://10.0.0.6:2379"});
    CHECK(urls("etcd announced=no", life) == words{"http://127.0.0.1:2379"});
}

TEST_CASE("requests carry what the text says") {
    registry_life life;
    life.files["/etc/token"] = "from-file\n";
    any_strategy one = made("etcd servers=10.0.0.1 token_file=/etc/token request_timeout=700ms prefix=/x/ domain=d");
    life.run_once(one);
    REQUIRE(life.sent.size() == 1);
    auto const& asked = life.sent[0].second;
    CHECK(asked.headers.back() == discovery::http_header{"Authorization", "from-file"});
    CHECK(asked.timeout == 700ms);
    CHECK(asked.body.find(peerkit::to_base64(peerkit::as_bytes("/x/d/"))) != std::string::npos);
    any_strategy named = made("etcd servers=https://10.0.0.1 token=shown ca_file=/etc/ca.pem");
    life.run_once(named);
    CHECK(life.sent.back().second.headers.back() == discovery::http_header{"Authorization", "shown"});
    CHECK(life.sent.back().second.ca_file == "/etc/ca.pem");
    any_strategy user = made("etcd servers=10.0.0.1 user=me password=secret");
    life.run_once(user);
    CHECK(life.sent.back().second.target == "/v3/auth/authenticate");
    CHECK(life.sent.back().second.body == R"({"name":"me","password":"secret"})");
}

TEST_CASE("what cannot be is refused at its place") {
    auto const refused = [](std::string_view text) {
        auto const one = registry::make_strategy(text, {});
        REQUIRE_FALSE(one);
        return std::string{one.error().field()} + "@" + std::to_string(one.error().position());
    };
    CHECK(refused("etcd servers=10.0.0.1:x") == "servers@13");
    CHECK(refused("etcd domain=a..b") == "domain@12");
    CHECK(refused("etcd ttl=2s") == "ttl@9");
    CHECK(refused("etcd token=a token_file=b") == "token_file@24");
    CHECK(refused("etcd remembered=10.0.0.1:1") == "remembered@16");
    CHECK(refused("etcd port=1") == "etcd@5");
    CHECK(refused("consul service=a/b") == "service@15");
}

TEST_CASE("registries go into lists, with all that strategies can have") {
    any_strategy both = made("first_of(etcd servers=10.0.0.1 timeout=5s, static peers=192.0.2.9) keep=1h");
    registry_life life;
    CHECK(life.run_once(both).answer->size() == 1);
    CHECK(life.last.watches.size() >= 1); // the registry is tried again all the same
}

TEST_CASE("docs/registry_client.md: every strategy on the page is one, every key has its line, and no others") {
    for (std::string const& line : page_lines("registry_client.md", "strategy")) {
        CAPTURE(line);
        CHECK(registry::make_strategy(line, {}));
    }
    auto known = known_keys(registry::standard_providers());
    for (std::string const& other : known_keys(discovery::standard_providers())) known.erase(other);
    CHECK(known.size() > 10);
    check_page_keys("registry_client.md", known);
}
