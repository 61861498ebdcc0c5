// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the multicast DNS strategy: instances on the link become candidates.
#include <peerkit/discovery/mdns.hpp>

#include <doctest/doctest.h>

#include "support/run_strategy.hpp"

#include <peerkit/core/rng.hpp>
#include <peerkit/discovery/mdns_responder.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using discovery::candidate;
using discovery::discovery_error;
using discovery::mdns;
using discovery::service_instance;

namespace {

static_assert(discovery::check_strategy<mdns>());

std::string const id_text(64, 'a');

service_instance instance(std::string name) {
    return {std::move(name), "host.local", 9000, {ip_address::v4(192, 0, 2, 7)}, {"v=1", "id=" + id_text}, 100s};
}
peerkit_test::run_report run(mdns& strategy, discovery::outcome what) {
    return peerkit_test::run(strategy,
                             [&](discovery::effect const& wanted, time_point) -> std::optional<peerkit_test::reply> {
                                 REQUIRE(std::holds_alternative<discovery::browse_services>(wanted));
                                 return peerkit_test::reply{what, 1s};
                             });
}
std::vector<candidate> candidates(std::vector<service_instance> heard, discovery::mdns_options options = {}) {
    mdns strategy = mdns::make(std::move(options)).value();
    auto report = run(strategy, discovery::service_instances{std::move(heard)});
    REQUIRE(report.answer);
    return *report.answer;
}
ip_address v6(std::string const& text) { return ip_address::parse(text).value(); }

} // namespace

TEST_CASE("the link is asked for the service, for a time, and no more than a number is taken") {
    mdns strategy = mdns::make({.service = "_other._tcp", .listen = 3s, .max_instances = 2}).value();
    auto const report = run(strategy, discovery::service_instances{{instance("a"), instance("b"), instance("c")}});
    REQUIRE(report.asked.size() == 1);
    CHECK(report.of<discovery::browse_services>().at(0) == discovery::browse_services{"_other._tcp", 3s, 2});
    CHECK(report.answer->size() == 2);
    CHECK(strategy.name() == "mdns");
}

TEST_CASE("an instance becomes a candidate with identity, name, labels and what is left of its life") {
    service_instance one = instance("peerkit-0123");
    one.addresses = {ip_address::v4(192, 0, 2, 7), v6("2001:db8::7")};
    one.text = {"v=1", "id=" + id_text, "name=db1", "api=8000", "zone=a", "ZONE=b", "flag"};
    auto const found = candidates({one});
    REQUIRE(found.size() == 1);
    candidate const& c = found[0];
    CHECK(c.name.view() == "db1");
    CHECK(c.id == node_id::parse(id_text).value());
    CHECK(c.source == discovery::provenance::mdns);
    CHECK(c.strategy.view() == "mdns");
    CHECK(c.state == discovery::presence::online);
    CHECK(c.time_to_live == 100s);
    REQUIRE(c.addresses.size() == 2);
    CHECK(c.addresses[0] == ip_endpoint{ip_address::v4(192, 0, 2, 7), 9000});
    CHECK(c.addresses[1] == ip_endpoint{v6("2001:db8::7"), 9000});
    CHECK(c.labels == std::vector<label>{{"api", "8000"}, {"zone", "a"}, {"flag", ""}});
}

TEST_CASE("without a name in the text the instance gives the name, and a wrong identity is none") {
    service_instance one = instance("printer\x1b[2J \x7f");
    one.text = {"id=xyz", "v=1"};
    auto const found = candidates({one});
    REQUIRE(found.size() == 1);
    CHECK(found[0].name.view() == "printer?[2J ?");
    CHECK_FALSE(found[0].id);
    CHECK(found[0].labels.empty());
}

TEST_CASE("texts that cannot be labels are left out, and there are no more labels than a node may have") {
    service_instance one = instance("a");
    one.text = {"key with blank=1", std::string(40, 'k') + "=1", "v2=" + std::string(200, 'x'), "bell=\a", "ok=="};
    CHECK(candidates({one}).at(0).labels == std::vector<label>{{"ok", "="}});
    one.text.clear();
    for (int i = 0; i < 40; ++i) one.text.push_back("k" + std::to_string(i) + "=1");
    CHECK(candidates({one}).at(0).labels.size() == limits::labels);
}

TEST_CASE("addresses that cannot be dialled are left out, and instances without any are reported") {
    service_instance good = instance("good"), bad = instance("bad"), no_port = instance("no port");
    good.addresses = {ip_address::v4(169, 254, 1, 1), v6("fe80::1"), ip_address::v4(10, 0, 0, 1),
                      ip_address::v4(224, 0, 0, 1)};
    bad.addresses = {v6("fe80::1")};
    no_port.port = 0;
    mdns strategy = mdns::make().value();
    auto const report = run(strategy, discovery::service_instances{{good, bad, no_port}});
    REQUIRE(report.answer);
    REQUIRE(report.answer->size() == 1);
    auto const& addresses = report.answer->at(0).addresses;
    REQUIRE(addresses.size() == 2);
    CHECK(addresses[0].address == ip_address::v4(10, 0, 0, 1));
    CHECK(addresses[1].address == ip_address::v4(169, 254, 1, 1));
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].what == discovery_error::bad_entry);
    CHECK(report.notices[0].what.position() == 2);
    CHECK(report.notices[0].text.find("bad") != std::string::npos);
}

TEST_CASE("this node is left out, by identity and by address and port") {
    discovery::mdns_options options;
    options.self.id = node_id::parse(id_text).value();
    CHECK(candidates({instance("me")}, options).empty());
    options.self = {};
    options.self.addresses = {ip_address::v4(192, 0, 2, 7)};
    options.self.port = 9000;
    CHECK(candidates({instance("me")}, options).empty());
    options.self.port = 9001;
    CHECK(candidates({instance("another on this host")}, options).size() == 1);
}

TEST_CASE("nodes that say that they belong to another network are left out") {
    service_instance ours = instance("ours"), theirs = instance("theirs"), silent = instance("silent");
    ours.text.push_back("net=1234");
    theirs.text.push_back("net=5678");
    CHECK(candidates({ours, theirs, silent}, {.network = "1234"}).size() == 2);
    CHECK(candidates({ours, theirs, silent}).size() == 3);
}

TEST_CASE("nobody there is an answer, a link that cannot be asked is none") {
    CHECK(candidates({}).empty());
    mdns strategy = mdns::make().value();
    auto report = run(strategy, error{discovery_error::unsupported});
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::unsupported);
    report = run(strategy, discovery::elapsed{});
    CHECK(report.answer.error() == discovery_error::unexpected_answer);
}

TEST_CASE("options that cannot be are refused") {
    CHECK(mdns::make({.service = "peerkit"}).error().field() == "service");
    CHECK(mdns::make({.listen = 0s}).error().field() == "listen");
    CHECK(mdns::make({.max_instances = 0}).error().field() == "instances");
}

TEST_CASE("what a node publishes of itself is what others read") {
    discovery::mdns_facts const facts{.id = node_id::parse(id_text).value(),
                                      .gossip_port = 9000,
                                      .api_port = 8000,
                                      .name = "db1",
                                      .version = "1.2",
                                      .network = "1234",
                                      .labels = {{"zone", "a"}, {"id", "fake"}, {"net", "fake"}}};
    auto const text = discovery::mdns_text(facts);
    CHECK(text == std::vector<std::string>{"v=1", "id=" + id_text, "gossip=9000", "api=8000", "name=db1", "version=1.2",
                                           "net=1234", "zone=a"});
    CHECK(discovery::mdns_text({}) == std::vector<std::string>{"v=1"});
    service_instance one = instance("x");
    one.text = text;
    auto const found = candidates({one}, {.network = "1234"});
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == facts.id);
    CHECK(found[0].name.view() == "db1");
    CHECK(found[0].labels.back() == label{"zone", "a"});
}

TEST_CASE("labels that do not fit are left out, so that there is always something to publish") {
    discovery::mdns_facts facts{.id = node_id::parse(id_text).value(), .name = std::string(63, 'n')};
    for (int i = 0; i < 16; ++i)
        facts.labels.push_back({std::to_string(i) + std::string(29, 'k'), std::string(127, 'v')});
    facts.labels.push_back({"small", "1"});
    auto const text = discovery::mdns_text(facts);
    std::size_t octets = 0;
    for (auto const& one : text) octets += 1 + one.size();
    CHECK(octets <= discovery::mdns_text_limit);
    CHECK(octets > discovery::mdns_text_limit - 200);
    CHECK(text.back() == "small=1");
    seeded_rng random{1};
    CHECK(discovery::mdns_responder<seeded_rng>::make({.instance = std::string(63, 'x'), .port = 1, .text = text},
                                                      random));
    std::vector<std::string> const full(4, std::string(199, 'x')); // exactly the limit
    CHECK(discovery::mdns_responder<seeded_rng>::make({.host = std::string(63, 'x'), .port = 1, .text = full}, random));
}
