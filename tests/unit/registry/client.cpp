// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the registry client in virtual time: registering, renewing, failing over, hedging, doubting, leaving.
#include <peerkit/registry/client.hpp>

#include "support/plain_registry.hpp"
#include "support/registry_life.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
namespace registry = peerkit::registry;
using discovery::discovery_error;
using peerkit::duration;
using peerkit::ip_address;
using peerkit::time_point;
using registry::client_options;
using registry::enrollment_state;
using namespace std::chrono_literals;
using namespace peerkit_test;

namespace {

using words = std::vector<std::string>;
using client = registry::client<plain_protocol>;
static_assert(discovery::check_strategy<client>());
static_assert(discovery::HasStrategyFarewell<client>);

client made(client_options options) {
    options.seed = 7;
    auto one = client::make(std::move(options));
    REQUIRE(one);
    return std::move(*one);
}
client_options with(std::vector<std::string> registries) {
    client_options o;
    o.registries = std::move(registries);
    o.integrated = false;
    return o;
}
constexpr char const *first_url = "http://10.0.0.1:8000", *second_url = "http://10.0.0.2:8000";

} // namespace

TEST_CASE("a node is made known, its announcement names the registry beforehand, and it finds the others") {
    registry_life life;
    plain_server server;
    server.add(2);
    server.add(3);
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    CHECK(how.state() == enrollment_state::unregistered);
    life.run_once(how);
    CHECK(names(life.last) == words{"node2", "node3"});
    CHECK(life.last.notices.empty());
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 1);
    CHECK(server.log == words{"/list", "/enroll"});
    // The record that arrived is the one with the label, so that one registration was enough.
    CHECK(life.labels == std::vector<peerkit::label>{{"registry", "plain://10.0.0.1:8000"}});
    auto const mine = record_of(1, 2, life.labels);
    CHECK(server.nodes.at("lease1").first == peerkit::as_text(mine));
    CHECK(how.in_use() == "plain://10.0.0.1:8000");
    // The next run, begun because the list changed, leaves this node out.
    life.now = life.due();
    life.run_once(how);
    CHECK(names(life.last) == words{"node2", "node3"});
    CHECK(server.log == words{"/list", "/enroll", "/watch", "/list"});
}

TEST_CASE("a registration is renewed every third of its time to live, give or take a tenth, and never runs out") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    life.live(how, time_point{600s}, 1h);
    auto const times = life.times_of("/renew");
    REQUIRE(times.size() > 30);
    duration shortest = 1h, longest{};
    for (std::size_t i = 1; i < times.size(); ++i) {
        shortest = std::min(shortest, times[i] - times[i - 1]);
        longest = std::max(longest, times[i] - times[i - 1]);
    }
    CHECK(shortest >= 13500ms);
    CHECK(longest <= 16600ms);
    CHECK(longest - shortest > 500ms);
    CHECK(life.times_of("/enroll").size() == 1);
    CHECK(server.nodes.size() == 1);
}

TEST_CASE("two clients started together do not stay together") {
    words all;
    for (std::uint64_t seed : {1U, 2U}) {
        registry_life life;
        plain_server server;
        life.servers[first_url] = server.shared();
        client_options o = with({"10.0.0.1"});
        o.seed = seed;
        client how = *client::make(o);
        life.run_once(how);
        life.live(how, time_point{40s}, 1h);
        all.push_back(std::to_string(life.times_of("/renew").back().time_since_epoch().count()));
    }
    CHECK(all[0] != all[1]);
}

TEST_CASE("what the registry says of times counts, within bounds") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    SUBCASE("its interval") {
        server.instead["/enroll"] = "known 90 60 lease";
        life.run_once(how);
        auto const& wait = std::get<discovery::wait_until>(
            *std::find_if(life.last.watches.begin(), life.last.watches.end(),
                          [](auto const& w) { return std::holds_alternative<discovery::wait_until>(w); }));
        CHECK(wait.at >= time_point{54s});
        CHECK(wait.at <= time_point{67s});
    }
    SUBCASE("no nonsense") {
        server.instead["/enroll"] = "known 999999999 999999999 lease";
        life.run_once(how);
        CHECK(life.due() <= time_point{27h});
    }
}

TEST_CASE("a registration that is not known any more is made again at once, and once") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    server.nodes.clear(); // the registry lost its memory
    life.live(how, time_point{20s}, 1h);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 2);
    CHECK(life.times_of("/enroll").size() == 2);
    CHECK(server.nodes.size() == 1);
}

TEST_CASE("a registry that forgets at once is not asked for ever") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    server.instead["/enroll"] = "lost";
    life.run_once(how);
    CHECK(life.times_of("/enroll").size() <= 4);
    CHECK(how.state() != enrollment_state::registered);
    CHECK(life.last.answer); // it is no reason not to have the list
    CHECK(life.last.notices.size() == 1);
}

TEST_CASE("a new announcement of the node is made known without waiting for the renewal") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    life.live(how, time_point{3s}, 1h);
    life.incarnation = 50;
    life.live(how, time_point{5s}, 1h);
    CHECK(life.times_of("/enroll").size() == 2);
    auto const newest = record_of(1, 50, life.labels);
    CHECK(std::any_of(server.nodes.begin(), server.nodes.end(),
                      [&](auto const& n) { return n.second.first == peerkit::as_text(newest); }));
    CHECK(how.generation() == 1);
}

TEST_CASE("a challenge is signed by the node") {
    registry_life life;
    plain_server server;
    server.asks_for_proof = true;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(server.log == words{"/list", "/enroll", "/enroll"});
    auto const& proof = life.sent.back().second.headers.at(0);
    CHECK(proof.name == "proof");
    std::vector<std::byte> bytes(64);
    REQUIRE(peerkit::from_hex(proof.value, bytes));
    CHECK(peerkit::crypto::verify_challenge<peerkit::crypto::fake_identity>(
        peerkit::crypto::fake_identity{1}.id(), peerkit::network_id{}, peerkit::as_bytes("this-please"), bytes));
}

TEST_CASE("a registry that asks for proof after proof, or page after page, is left after a while") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    SUBCASE("proofs") {
        server.instead["/enroll"] = "sign this";
        life.run_once(how);
        CHECK(life.last.answer);
        CHECK(how.state() != enrollment_state::registered);
    }
    SUBCASE("pages") {
        server.instead["/list"] = "more";
        life.run_once(how);
        CHECK(life.last.answer.error() == discovery_error::bad_reply);
    }
    CHECK(life.sent.size() < 300);
}

TEST_CASE("the next registry is asked when one does not answer; the one that worked is asked first from then on") {
    registry_life life;
    plain_server second;
    second.add(2);
    life.servers[second_url] = second.shared();
    client how = made(with({"10.0.0.1", "10.0.0.2"}));
    life.run_once(how);
    CHECK(names(life.last) == words{"node2"});
    REQUIRE(life.sent.size() == 3);
    CHECK(life.sent[0].second.url == first_url);
    CHECK(life.sent[1].second.url == second_url);
    life.sent.clear();
    plain_server first = second;
    life.servers[first_url] = first.shared(); // it is back
    life.live(how, time_point{100s}, 1h);
    for (auto const& [at, request] : life.sent) CHECK(request.url == second_url);
    life.servers.erase(second_url);
    life.live(how, time_point{200s}, 1h);
    CHECK(life.sent.back().second.url == first_url);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(life.labels == std::vector<peerkit::label>{{"registry", "plain://10.0.0.1:8000"}});
}

TEST_CASE("a registry that fails rests while others work") {
    registry_life life;
    plain_server second;
    life.servers[second_url] = second.shared();
    client how = made(with({"10.0.0.1", "10.0.0.2"}));
    for (int i = 0; i < 4; ++i) {
        life.run_once(how);
        life.now += 1s;
    }
    CHECK(std::count_if(life.sent.begin(), life.sent.end(), [](auto const& s) { return s.second.url == first_url; }) ==
          1);
}

TEST_CASE("when no registry answers the node goes on with the last good list, and says so once") {
    registry_life life;
    plain_server server;
    server.add(2);
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    life.servers.clear();
    std::size_t told = 0;
    for (int i = 0; i < 40; ++i) {
        life.now = std::max(life.due(), life.now);
        life.run_once(how);
        CHECK(names(life.last) == words{"node2"});
        told += life.last.notices.size();
    }
    CHECK(told == 1);
    CHECK(how.state() == enrollment_state::lost); // after its time to live
    life.servers[first_url] = server.shared();
    life.live(how, life.now + 40s, 1h);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 2);
}

TEST_CASE("the last good list stands in for a failure for so long") {
    registry_life life;
    plain_server server;
    server.add(2);
    life.servers[first_url] = server.shared();
    client_options o = with({"10.0.0.1"});
    o.keep = 10min;
    client how = made(o);
    life.run_once(how);
    life.servers.clear();
    life.live(how, time_point{9min}, 1h);
    CHECK(life.last.answer);
    life.live(how, time_point{11min}, 1h);
    CHECK(life.last.answer.error() == discovery_error::unavailable);
}

TEST_CASE("tries after a failure are pauses of full jitter apart: short at first, up to half a minute") {
    registry_life life;
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    CHECK(life.last.answer.error() == discovery_error::unavailable);
    life.live(how, time_point{20min}, 1h);
    auto const times = life.times_of("/list");
    REQUIRE(times.size() > 10);
    CHECK(times[1] - times[0] <= 1100ms);
    duration longest{};
    bool short_ones = false;
    for (std::size_t i = 8; i < times.size(); ++i) {
        longest = std::max(longest, times[i] - times[i - 1]);
        short_ones = short_ones || times[i] - times[i - 1] < 8s;
    }
    CHECK(longest > 15s);
    CHECK(longest <= 31s);
    CHECK(short_ones);
}

TEST_CASE("a run during a pause asks nobody, whatever it was begun for") {
    registry_life life;
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    life.live(how, time_point{2min}, 1h);
    life.now = life.due(); // fails, and a pause begins
    life.run_once(how);
    std::size_t const before = life.sent.size();
    life.run_once(how);
    CHECK(life.sent.size() == before);
    CHECK_FALSE(life.last.answer);
}

TEST_CASE("a pause that a registry asks for is kept, within bounds") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    SUBCASE("before it is asked for anything again") {
        server.instead["/list"] = "busy 90";
        life.run_once(how);
        life.live(how, time_point{89s}, 1h);
        CHECK(life.sent.size() == 1);
        server.instead.clear();
        life.live(how, time_point{95s}, 1h);
        CHECK(how.state() == enrollment_state::registered);
    }
    SUBCASE("before the node is made known again") {
        server.instead["/enroll"] = "busy 90";
        life.run_once(how);
        CHECK(life.last.answer);
        life.live(how, time_point{89s}, 1h);
        CHECK(life.times_of("/enroll").size() == 1);
        server.instead.clear();
        life.live(how, time_point{125s}, 1h);
        CHECK(how.state() == enrollment_state::registered);
    }
    SUBCASE("not for ever") {
        server.instead["/list"] = "busy 100000000";
        life.run_once(how);
        server.instead.clear();
        life.live(how, time_point{11min}, 1h);
        CHECK(how.state() == enrollment_state::registered);
    }
}

TEST_CASE("a refusal is told and tried again, and the list is used all the same") {
    registry_life life;
    plain_server server;
    server.add(2);
    server.instead["/enroll"] = "no the name is taken";
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    CHECK(names(life.last) == words{"node2"});
    CHECK(texts(life.last) == words{"plain: http://10.0.0.1:8000: the name is taken"});
    life.live(how, time_point{60s}, 1h);
    CHECK(life.times_of("/enroll").size() >= 3);
    CHECK(life.last.notices.empty());
    server.instead.clear();
    life.live(how, time_point{120s}, 1h);
    CHECK(how.state() == enrollment_state::registered);
}

TEST_CASE("a read is sent to a second registry when the first one is slow, and the first good answer counts") {
    registry_life life;
    plain_server slow, fast;
    slow.delay = 3s;
    slow.add(2);
    fast.add(3);
    life.servers[first_url] = slow.shared();
    life.servers[second_url] = fast.shared();
    client how = made(with({"10.0.0.1", "10.0.0.2"}));
    SUBCASE("the second one's") {
        life.run_once(how);
        CHECK(names(life.last) == words{"node3"});
        CHECK(life.last.took < 600ms);
        CHECK(life.last.cancelled == 1);
        CHECK(fast.nodes.size() == 2); // writes follow it, and are never sent twice
        CHECK(slow.log == words{"/list"});
    }
    SUBCASE("the first one's, if that is sooner") {
        slow.delay = 700ms;
        fast.delay = 3s;
        life.run_once(how);
        CHECK(names(life.last) == words{"node2"});
        CHECK(slow.nodes.size() == 2);
        CHECK(fast.log == words{"/list"});
    }
    SUBCASE("the first one's, if the second one fails") {
        life.servers.erase(second_url);
        life.run_once(how);
        CHECK(names(life.last) == words{"node2"});
        CHECK(slow.nodes.size() == 2);
    }
    SUBCASE("the second one's, if the first one fails meanwhile") {
        slow.instead["/list"] = "nonsense";
        slow.delay = 700ms;
        fast.delay = 1s;
        life.run_once(how);
        CHECK(names(life.last) == words{"node3"});
        CHECK(life.last.took < 3s);
        CHECK(how.in_use() == "plain://10.0.0.2:8000");
        CHECK(fast.nodes.size() == 2);
    }
    SUBCASE("none, if both fail") {
        life.servers.erase(second_url);
        slow.instead["/list"] = "nonsense";
        life.run_once(how);
        CHECK_FALSE(life.last.answer);
    }
    SUBCASE("and no second one is bothered if the first one is fast") {
        slow.delay = 499ms;
        life.run_once(how);
        CHECK(fast.log.empty());
    }
}

TEST_CASE("a list that lost more than half is believed when it was seen twice") {
    registry_life life;
    plain_server server;
    for (std::uint8_t i = 2; i < 12; ++i) server.add(i);
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    life.live(how, time_point{2s}, 1h);
    CHECK(names(life.last).size() == 10);
    server.nodes.clear(); // the registry was restarted
    server.add(12);
    SUBCASE("twice") {
        life.now = time_point{5s};
        life.run_once(how);
        CHECK(names(life.last).size() == 11);
        CHECK(life.last.told(discovery_error::fewer_found));
        life.live(how, time_point{9s}, 1h);
        CHECK(names(life.last) == words{"node12"});
    }
    SUBCASE("once, and they are back") {
        life.now = time_point{5s};
        life.run_once(how);
        for (std::uint8_t i = 2; i < 11; ++i) server.add(i);
        life.live(how, time_point{9s}, 1h);
        CHECK(names(life.last).size() == 10);
    }
}

TEST_CASE("registries are this machine, the addresses of tnr in the domain, those configured, those announced") {
    registry_life life;
    life.names["tnr.example.test."] = {ip_address::v4(10, 0, 0, 5), *ip_address::parse("2001:db8::5"),
                                       ip_address::v4(10, 0, 0, 6)};
    life.announced = {"plain://10.0.0.9:8100", "etcd://10.0.0.10:1", "plain://127.0.0.1:7", "plain+tls://r.example:1"};
    client_options o;
    o.domain = "example.test";
    o.registries = {"https://r.example.org", "10.0.0.7:8100"};
    client how = made(o);
    life.run_once(how);
    words urls;
    for (auto const& [at, request] : life.sent) urls.push_back(request.url);
    CHECK(urls == words{"http://127.0.0.1:8000", "http://[2001:db8::5]:8000", "http://10.0.0.5:8000",
                        "http://10.0.0.6:8000", "https://r.example.org:8000", "http://10.0.0.7:8100",
                        "http://10.0.0.9:8100", "https://r.example:1"});
}

TEST_CASE("the name is looked up again when no registry answers, and a failed lookup takes nothing away") {
    registry_life life;
    plain_server server;
    client_options o;
    o.domain = "example.test";
    client how = made(o);
    life.run_once(how);
    CHECK_FALSE(life.last.answer);
    CHECK(life.last.of<discovery::resolve_name>().size() == 1);
    life.names["tnr.example.test."] = {ip_address::v4(10, 0, 0, 1)};
    life.servers[first_url] = server.shared();
    life.live(how, time_point{20s}, 1h);
    CHECK(how.state() == enrollment_state::registered);
    life.names.clear();
    life.live(how, time_point{1h}, 1h);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 1);
}

TEST_CASE("registries that have moved are found by the name, long before its records are over") {
    registry_life life;
    plain_server server;
    life.names["tnr.example.test."] = {ip_address::v4(10, 0, 0, 1)};
    life.servers[first_url] = server.shared();
    client_options o;
    o.domain = "example.test";
    o.integrated = false;
    client how = made(o);
    life.run_once(how);
    CHECK(how.state() == enrollment_state::registered);
    life.servers.clear();
    life.names["tnr.example.test."] = {ip_address::v4(10, 0, 0, 2)};
    life.servers[second_url] = server.shared();
    life.live(how, time_point{60s}, 1h);
    CHECK(how.in_use() == "plain://10.0.0.2:8000");
}

TEST_CASE("with TLS the name is the registry, and the certificates are those given") {
    registry_life life;
    client_options o;
    o.domain = "example.test.";
    o.tls = true;
    o.ca_file = "/etc/ca.pem";
    o.integrated = false;
    client how = made(o);
    life.run_once(how);
    CHECK(life.last.of<discovery::resolve_name>().empty());
    REQUIRE(life.sent.size() == 1);
    CHECK(life.sent[0].second.url == "https://tnr.example.test:8000");
    CHECK(life.sent[0].second.ca_file == "/etc/ca.pem");
}

TEST_CASE("a token is shown to registries that the user named, not to those that somebody announced") {
    registry_life life;
    plain_server server;
    life.servers["http://10.0.0.9:8000"] = server.shared();
    life.announced = {"plain://10.0.0.9:8000"};
    client_options o = with({"10.0.0.1"});
    SUBCASE("from the options") {
        o.token = "secret";
        client how = made(o);
        life.run_once(how);
        CHECK(life.sent[0].second.headers == std::vector<discovery::http_header>{{"token", "secret"}});
        CHECK(how.state() == enrollment_state::registered);
        for (auto const& [at, request] : life.sent) CHECK(request.headers.empty() == (request.url != first_url));
    }
    SUBCASE("from a file, as it is now") {
        o.token_file = "/etc/token";
        client how = made(o);
        life.run_once(how);
        CHECK(life.last.told(discovery_error::unavailable));
        life.files["/etc/token"] = "one\n";
        life.now += 1min;
        life.sent.clear();
        life.servers.clear();
        life.run_once(how);
        life.files["/etc/token"] = "two\n";
        life.now += 10min;
        life.run_once(how);
        words shown;
        for (auto const& [at, request] : life.sent) {
            if (request.url == first_url) shown.push_back(request.headers.at(0).value);
        }
        CHECK(shown == words{"one", "two"});
    }
}

TEST_CASE("the registry of an earlier life is asked first, without a token") {
    registry_life life;
    plain_server server;
    life.servers["http://10.0.0.8:8000"] = server.shared();
    client_options o = with({"10.0.0.1"});
    o.remembered = "plain://10.0.0.8:8000";
    o.token = "secret";
    client how = made(o);
    life.run_once(how);
    CHECK(life.sent[0].second.url == "http://10.0.0.8:8000");
    CHECK(life.sent[0].second.headers.empty());
    CHECK(how.state() == enrollment_state::registered);
}

TEST_CASE("without a node the client looks, and makes nobody known") {
    registry_life life;
    plain_server server;
    server.add(2);
    life.servers[first_url] = server.shared();
    client_options o = with({"10.0.0.1"});
    SUBCASE("the driver runs for none") {
        life.has_node = false;
        client how = made(o);
        life.run_once(how);
        CHECK(names(life.last) == words{"node2"});
    }
    SUBCASE("it was not asked to") {
        o.enroll = false;
        client how = made(o);
        life.run_once(how);
        CHECK(names(life.last) == words{"node2"});
    }
    SUBCASE("it is not up yet, and made known when it is") {
        life.up = false;
        client how = made(o);
        life.run_once(how);
        CHECK(server.log == words{"/list"});
        life.up = true;
        life.live(how, time_point{3s}, 1h);
        CHECK(how.state() == enrollment_state::registered);
        return;
    }
    CHECK(server.log == words{"/list"});
}

TEST_CASE("a node that leaves is taken out; one that comes back is made known again") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1", "10.0.0.2"}));
    SUBCASE("before anything was said there is nothing to take back") {
        CHECK(life.leave(how).answer);
        CHECK(life.sent.empty());
        return;
    }
    life.run_once(how);
    CHECK(server.nodes.size() == 1);
    SUBCASE("at the registry in use") {
        CHECK(life.leave(how).answer);
        CHECK(server.nodes.empty());
        life.run_once(how);
        CHECK(server.nodes.size() == 1);
        CHECK(how.generation() == 2);
    }
    SUBCASE("at another one, if that is away") {
        life.servers.clear();
        life.servers[second_url] = server.shared();
        CHECK(life.leave(how).answer);
        CHECK(server.nodes.empty());
    }
    SUBCASE("or it says why not") {
        life.servers.clear();
        CHECK(life.leave(how).answer.error() == discovery_error::unavailable);
    }
    SUBCASE("and a registry that does not know it is fine") {
        server.nodes.clear();
        CHECK(life.leave(how).answer);
    }
}

TEST_CASE("a run that is given up while it makes the node known begins again") {
    registry_life life;
    plain_server server;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    time_point const t{};
    static_cast<void>(how.begin(t));
    auto const answer = [&](discovery::effect const& what) { return life.answer(what, t)->what; };
    auto next = how.resume(0, answer(discovery::read_announcement{}), t);
    next = how.resume(next.requests().at(0).id, answer(next.requests().at(0).what), t); // list
    next = how.resume(next.requests().at(0).id, answer(next.requests().at(0).what), t); // use_registry
    next = how.resume(next.requests().at(0).id, answer(next.requests().at(0).what), t); // announcement
    REQUIRE(how.state() == enrollment_state::registering);
    life.run_once(how);
    CHECK(how.state() == enrollment_state::registered);
    CHECK(how.generation() == 1);
}

TEST_CASE("answers that are too large, and lists that are too long, do no harm") {
    registry_life life;
    plain_server server;
    for (std::uint8_t i = 2; i < 30; ++i) server.add(i);
    life.servers[first_url] = server.shared();
    client_options o = with({"10.0.0.1"});
    SUBCASE("bytes") {
        o.max_list = 1000;
        client how = made(o);
        life.run_once(how);
        CHECK(life.last.answer.error() == discovery_error::too_large);
        CHECK(how.state() == enrollment_state::registered);
    }
    SUBCASE("nodes") {
        o.max_candidates = 5;
        client how = made(o);
        life.run_once(how);
        CHECK(names(life.last).size() == 5);
    }
}

TEST_CASE("a watch that ends again and again although nothing changes is begun less often") {
    registry_life life;
    plain_server server;
    server.add(2);
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    std::size_t lists = 0;
    life.servers[first_url] = [&](discovery::http_request const& asked, time_point now) {
        if (asked.target.starts_with("/list")) (++lists, ++server.version); // the version moves, the nodes stay
        if (asked.target.starts_with("/watch"))
            return std::optional<reply>{{discovery::http_reply{200, "changed", {}}, 1ms}};
        return server(asked, now);
    };
    life.live(how, time_point{120s}, 1h);
    CHECK(lists < 25);
    CHECK(lists > 4);
}

TEST_CASE("a list that is old is told once, and used") {
    registry_life life;
    plain_server server;
    auto const hex = peerkit::to_hex(record_of(2));
    server.instead["/list"] = "listed 7 90 " + hex;
    life.servers[first_url] = server.shared();
    client how = made(with({"10.0.0.1"}));
    life.run_once(how);
    CHECK(names(life.last) == words{"node2"});
    CHECK(life.last.told(discovery_error::stale_answer));
    life.now += 1min;
    life.run_once(how);
    CHECK(life.last.notices.empty());
}

TEST_CASE("options that make no sense are refused by name") {
    auto const field = [](client_options o) {
        auto const one = client::make(std::move(o));
        return one ? std::string{} : std::string{one.error().field()};
    };
    CHECK(field({}) == "");
    CHECK(field({.domain = "a b"}) == "domain");
    CHECK(field({.domain = "a:9"}) == "domain");
    CHECK(field({.registries = {"10.0.0.1", "http://:8"}}) == "registries");
    CHECK(field({.remembered = "etcd://10.0.0.1:1"}) == "remembered");
    CHECK(field({.token = "a", .token_file = "b"}) == "token_file");
    CHECK(field({.token = "a\r\nb"}) == "token");
    CHECK(field({.time_to_live = 2s}) == "ttl");
    CHECK(field({.max_list = 0}) == "max_list");
}
