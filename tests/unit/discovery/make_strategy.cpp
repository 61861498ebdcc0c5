// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the providers that come with peerkit: what their options lead to.
#include <peerkit/discovery/make_strategy.hpp>

#include <support/run_strategy.hpp>

#include "support/provider_page.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::any_strategy;
using discovery::discovery_error;
using discovery::make_strategy;
using discovery::strategy_context;
using peerkit::core_error;
using peerkit_test::check_page_keys;
using peerkit_test::kind_of;
using peerkit_test::known_keys;
using peerkit_test::page_lines;
using peerkit_test::reply;
using peerkit_test::run;
using peerkit_test::run_report;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

any_strategy made(std::string_view text, strategy_context const& context = {}) {
    CAPTURE(text);
    auto one = make_strategy(text, context);
    REQUIRE(one);
    return std::move(*one);
}
/// Nothing can be done in this world.
std::optional<reply> nowhere(discovery::effect const&, peerkit::time_point) {
    return reply{peerkit::error{discovery_error::unavailable, 13}};
}
/// What the strategy of a text asks for in a world where nothing can be done.
run_report asked(std::string_view text, strategy_context const& context = {}) {
    any_strategy one = made(text, context);
    return run(one, nowhere);
}
texts found_by(any_strategy& one, peerkit_test::world const& world) {
    auto const report = run(one, world);
    REQUIRE(report.answer);
    texts all;
    for (auto const& c : *report.answer) all.push_back(c.addresses.front().to_string());
    return all;
}
void check_refused(std::string_view text, peerkit::error const& expected) {
    CAPTURE(text);
    auto const one = make_strategy(text, {});
    REQUIRE_FALSE(one);
    CHECK(one.error() == expected);
    CHECK(one.error().position() == expected.position());
    CHECK(one.error().field() == expected.field());
}

TEST_CASE("all providers are there, each with a few words on itself and its keys") {
    std::set<std::string> names;
    auto const table = discovery::standard_providers();
    for (auto const& one : table.providers()) {
        CAPTURE(one.schema.name);
        names.insert(one.schema.name);
        CHECK(std::string_view{one.schema.help} != "");
        for (auto const& key : one.schema.keys) CHECK(std::string_view{key.help} != "");
        CHECK((one.make != nullptr) != (one.schema.is_list || one.schema.unsupported != nullptr));
    }
    CHECK(names == std::set<std::string>{"none", "first_of", "all_of", "static", "file", "environment", "command",
                                         "tailscale", "dns_pattern", "dns_name", "dns_service", "mdns"});
}

TEST_CASE("static: peers with labels, the context's port, this node left out") {
    strategy_context context{.port = 7000};
    context.self.addresses = {peerkit::ip_address::v4(192, 0, 2, 3)};
    context.self.port = 7000;
    any_strategy list = made("static peers=\"192.0.2.1 zone=a, 192.0.2.2:9100 192.0.2.3\"", context);
    CHECK(list.name() == "static");
    CHECK(found_by(list, nowhere) == texts{"192.0.2.1:7000", "192.0.2.2:9100"});
    any_strategy other = made("static peers=192.0.2.1,192.0.2.2 port=7100", context);
    CHECK(found_by(other, nowhere) == texts{"192.0.2.1:7100", "192.0.2.2:7100"});
    CHECK(asked("static peers=a.example resolve_timeout=3s").of<discovery::resolve_name>().at(0).timeout == 3s);
}

TEST_CASE("static: a refused entry is placed in the text") {
    check_refused("static peers=192.0.2.1,db:99999", {discovery_error::bad_entry, 26, "port"});
    check_refused("first_of(none, static peers=\"a, b zo!ne=x\")", {discovery_error::bad_entry, 36, "label key"});
    check_refused("static peers=\"a k=" + std::string(200, 'v') + "\"",
                  {discovery_error::bad_entry, 14, "label value"});
    check_refused("static peers=", {discovery_error::bad_option, 13, "peers"});
}

TEST_CASE("file, environment and command read where their options say") {
    CHECK(asked("file path=/etc/peers").of<discovery::read_file>().at(0).path == "/etc/peers");
    CHECK(asked("environment").of<discovery::read_environment>().at(0).variable == "PEERKIT_PEERS");
    CHECK(asked("environment variable=SITE").of<discovery::read_environment>().at(0).variable == "SITE");
    auto const command =
        asked(R"(command run="list-peers --site \"a b\"" run_timeout=30s)").of<discovery::run_command>();
    REQUIRE(command.size() == 1);
    CHECK(command[0].argv == texts{"list-peers", "--site", "a b"});
    CHECK(command[0].timeout == 30s);
    for (char const* const text : {"file path=x port=7100", "environment port=7100", "command run=x port=7100"}) {
        any_strategy one = made(text);
        CHECK(found_by(one, [](discovery::effect const& wanted, auto) -> std::optional<reply> {
                  if (std::holds_alternative<discovery::read_file>(wanted))
                      return reply{discovery::file_text{"192.0.2.1", {}}};
                  if (std::holds_alternative<discovery::run_command>(wanted))
                      return reply{discovery::command_exit{0, "192.0.2.1", {}}};
                  return reply{discovery::environment_value{"192.0.2.1"}};
              }) == texts{"192.0.2.1:7100"});
    }
    check_refused("file", {discovery_error::missing_option, 0, "path"});
    check_refused("environment variable=A=B", {discovery_error::bad_option, 21, "variable"});
    check_refused("command run=\"\\\"\\\" x\"", {discovery_error::bad_option, 0, "command"});
}

TEST_CASE("tailscale: where it asks, and which machines it takes") {
    auto const at_home = asked("tailscale tries=1");
    CHECK(at_home.of<discovery::http_get>().size() == discovery::tailscale_options{}.sockets.size());
    CHECK_FALSE(at_home.of<discovery::run_command>().empty());
    auto const told = asked("tailscale sockets=\"/a /b\" tries=1");
    CHECK(told.of<discovery::http_get>().size() == 2);
    CHECK(told.of<discovery::run_command>().empty());
    CHECK(asked("tailscale commands=\"/opt/ts --socket /x\" tries=1").of<discovery::http_get>().empty());
    CHECK(asked("tailscale tries=1", {.tailscale_sockets = {"/from/the/environment"}})
              .of<discovery::http_get>()
              .at(0)
              .socket_path == "/from/the/environment");

    constexpr std::string_view document = R"({"BackendState": "Running", "Peer": {
        "a": {"DNSName": "db1.tail.example.", "TailscaleIPs": ["100.64.0.1", "fd7a:115c:a1e0::1"], "Online": true,
              "Tags": ["tag:db"]},
        "b": {"DNSName": "db2.tail.example.", "TailscaleIPs": ["100.64.0.2", "fd7a:115c:a1e0::2"], "Online": false,
              "Tags": ["tag:db"]},
        "c": {"DNSName": "db3.tail.example.", "TailscaleIPs": ["100.64.0.3"], "Online": true},
        "d": {"DNSName": "web.tail.example.", "TailscaleIPs": ["100.64.0.4"], "Online": true, "Tags": ["tag:db"]}}})";
    auto const world = [document](discovery::effect const& wanted, auto) -> std::optional<reply> {
        CHECK(std::get<discovery::read_file>(wanted).path == "status.json");
        return reply{discovery::file_text{std::string{document}, {}}};
    };
    auto const found = [&](std::string const& options) {
        any_strategy one = made("tailscale file=status.json " + options);
        texts all = found_by(one, world);
        std::sort(all.begin(), all.end());
        return all;
    };
    CHECK(found("prefix=db") == texts{"100.64.0.1:9000", "100.64.0.3:9000"});
    CHECK(found("prefix=d?1 port=7100") == texts{"100.64.0.1:7100"});
    CHECK(found("tag=tag:db offline=exclude") == texts{"100.64.0.1:9000", "100.64.0.4:9000"});
    CHECK(found("prefix=db tag=tag:db offline=include") == texts{"100.64.0.1:9000", "100.64.0.2:9000"});
    CHECK(found("prefix=db family=v6") == texts{"[fd7a:115c:a1e0::1]:9000"});
    check_refused("tailscale prefix=a%b", {discovery_error::bad_pattern, 18, "prefix"});
    check_refused("tailscale offline=maybe", {discovery_error::bad_option, 18, "offline"});
}

TEST_CASE("tailscale waits for its tailnet only where nobody else is asked afterwards") {
    auto const tries = [](std::string_view text) { return asked(text).of<discovery::wait_until>().size(); };
    CHECK(tries("tailscale file=x interval=1ms") == 29);
    CHECK(tries("tailscale file=x interval=1ms tries=5") == 4);
    CHECK(tries("first_of(tailscale file=x interval=1ms, none)") == 0);
    CHECK(tries("first_of(none, tailscale file=x interval=1ms)") == 29);
    CHECK(tries("first_of(tailscale file=x tries=3 interval=1ms, none)") == 2);
}

TEST_CASE("dns_pattern: names, numbers and limits") {
    auto const report =
        asked("dns_pattern prefix=tw_node domain=example.org detect_wildcard=no family=v4 concurrency=4 "
              "query_timeout=2s query_tries=3");
    auto const lookups = report.of<discovery::resolve_name>();
    REQUIRE(lookups.size() == 99);
    CHECK(report.most_under_way == 4);
    CHECK(lookups[0].families == discovery::address_families::v4);
    CHECK(lookups[0].timeout == 2s);
    CHECK(lookups[0].tries == 3);
    CHECK(
        std::any_of(lookups.begin(), lookups.end(), [](auto const& l) { return l.host == "tw_node01.example.org."; }));
    auto const few = asked("dns_pattern pattern=n*.example.org first=8 last=12 step=2 width=3 detect_wildcard=no");
    CHECK(few.of<discovery::resolve_name>().size() == 3);
    CHECK(std::any_of(few.asked.begin(), few.asked.end(), [](auto const& a) {
        auto const* lookup = std::get_if<discovery::resolve_name>(&a.what);
        return lookup != nullptr && lookup->host == "n010.example.org.";
    }));
    any_strategy nodes = made("dns_pattern pattern=n*.example.org last=1 detect_wildcard=no", {.port = 7000});
    CHECK(found_by(nodes, [](auto const&, auto) -> std::optional<reply> {
              return reply{discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 1)}, {}}};
          }) == texts{"192.0.2.1:7000"});
}

TEST_CASE("dns_pattern: errors are placed in the text") {
    check_refused("dns_pattern", {discovery_error::missing_option, 0, "pattern"});
    check_refused("dns_pattern prefix=n", {discovery_error::missing_option, 0, "domain"});
    check_refused("dns_pattern pattern=n*.example.org prefix=n", {discovery_error::bad_option, 20, "pattern"});
    check_refused("dns_pattern pattern=node.example.org", {discovery_error::bad_pattern, 24, "pattern"});
    check_refused("dns_pattern pattern=n*.exa%mple.org", {discovery_error::bad_pattern, 26, "pattern"});
    check_refused("dns_pattern prefix=n% domain=example.org", {discovery_error::bad_pattern, 20, "prefix"});
    check_refused("dns_pattern prefix=n domain=exa%mple.org", {discovery_error::bad_pattern, 31, "domain"});
    check_refused("dns_pattern pattern=n*.example.org first=5 last=4", {discovery_error::bad_range, 48, "last"});
    check_refused("dns_pattern pattern=n*.example.org first=100", {discovery_error::bad_range, 41, "first"});
    check_refused("dns_pattern pattern=n*.example.org last=100000", {discovery_error::too_large, 40, "last"});
    check_refused("dns_pattern pattern=n*.example.org last=x", {discovery_error::bad_option, 40, "last"});
}

TEST_CASE("dns_name and dns_service: names, ports and limits") {
    auto const names = asked("dns_name names=\"a.example, b.example\" family=v6 query_timeout=3s");
    REQUIRE(names.of<discovery::resolve_name>().size() == 2);
    CHECK(names.of<discovery::resolve_name>()[0].host == "a.example.");
    CHECK(names.of<discovery::resolve_name>()[0].families == discovery::address_families::v6);
    CHECK(names.of<discovery::resolve_name>()[0].timeout == 3s);
    CHECK(asked("dns_name names=a absolute=no").of<discovery::resolve_name>()[0].host == "a");
    any_strategy pods = made("dns_name names=pods.example,other.example:9200 port=7100");
    CHECK(found_by(pods, [](auto const&, auto) -> std::optional<reply> {
              return reply{discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 1)}, {}}};
          }) == texts{"192.0.2.1:7100", "192.0.2.1:9200"});
    check_refused("dns_name", {discovery_error::missing_option, 0, "names"});
    check_refused("dns_name names=a,!", {discovery_error::bad_entry, 15, "host name"});

    auto const service = asked("dns_service service=_peerkit._udp.example.org query_tries=4");
    REQUIRE(service.of<discovery::resolve_service>().size() == 1);
    CHECK(service.of<discovery::resolve_service>()[0].name == "_peerkit._udp.example.org.");
    CHECK(service.of<discovery::resolve_service>()[0].tries == 4);
    CHECK(service.of<discovery::resolve_text>().empty());
    CHECK(asked("dns_service service=x.example text=yes").of<discovery::resolve_text>().size() == 1);
    check_refused("dns_service service=!", {discovery_error::bad_entry, 20, "service"});
}

TEST_CASE("mdns: service, network and how long it listens") {
    auto const plain = asked("mdns").of<discovery::browse_services>();
    REQUIRE(plain.size() == 1);
    CHECK(plain[0].service == "_peerkit._udp");
    CHECK(plain[0].listen == discovery::mdns_options{}.listen);
    auto const told = asked("mdns service=_db._tcp listen=250ms").of<discovery::browse_services>();
    CHECK(told.at(0).service == "_db._tcp");
    CHECK(told.at(0).listen == 250ms);
    any_strategy ours = made("mdns network=abc");
    discovery::service_instance one{.instance = "a", .host = "a.local", .port = 9000};
    one.addresses = {peerkit::ip_address::v4(192, 0, 2, 1)};
    one.text = {"v=1", "net=abc"};
    discovery::service_instance other = one;
    other.addresses = {peerkit::ip_address::v4(192, 0, 2, 2)};
    other.text = {"v=1", "net=xyz"};
    CHECK(found_by(ours, [&](auto const&, auto) -> std::optional<reply> {
              return reply{discovery::service_instances{{one, other}}};
          }) == texts{"192.0.2.1:9000"});
    check_refused("mdns service=x", {discovery_error::bad_option, 13, "service"});
}

TEST_CASE("docs/providers.md: every strategy on the page is one") {
    texts const lines = page_lines("providers.md", "strategy");
    CHECK(lines.size() >= 20);
    for (std::string const& line : lines) {
        CAPTURE(line);
        auto const one = make_strategy(line, {});
        CHECK_MESSAGE(one, discovery::point_at(line, one ? peerkit::error{core_error::empty} : one.error()));
    }
    std::string text;
    for (std::string const& line : page_lines("providers.md", "peers")) text += line + "\n";
    auto const peers = discovery::parse_peers(text);
    REQUIRE(peers);
    CHECK(peers->refused.empty());
    CHECK(peers->entries.size() == 5);
}

TEST_CASE("docs/providers.md: every provider and every key has its line, with its kind, and there are no others") {
    auto known = known_keys(discovery::standard_providers());
    for (auto const& key : discovery::provider_modifiers) {
        known.insert("What every strategy can have " + std::string{key.name} + " " + kind_of(key));
    }
    check_page_keys("providers.md", known);
}

TEST_CASE("a long composition is made in one go") {
    any_strategy all =
        made("first_of(tailscale tag=tag:peerkit timeout=5s, all_of(dns_pattern prefix=n domain=example.org "
             "last=20, dns_service service=_peerkit._udp.example.org retry=2) filter=n* keep=1h, "
             "file path=/etc/peers where=role=db, static peers=\"a, b zone=x\") keep=24h",
             {.seed = 1});
    CHECK(all.name() == "first_of");
    auto const report = run(all, nowhere);
    CHECK_FALSE(report.answer);
    CHECK_FALSE(report.of<discovery::http_get>().empty());
    CHECK_FALSE(report.of<discovery::resolve_service>().empty());
    CHECK_FALSE(report.of<discovery::read_file>().empty());
}

} // namespace
