// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of finding numbered names, in virtual time against a name service that lies, fails and is silent.
#include <peerkit/discovery/dns_pattern.hpp>

#include <doctest/doctest.h>
#include <support/dns_zone.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::address_families;
using discovery::discovery_error;
using discovery::dns_pattern;
using discovery::dns_pattern_options;
using discovery::notice;
using discovery::resolve_name;
using peerkit::error;
using peerkit::time_point;
using peerkit_test::addresses;
using peerkit_test::dns_zone;
using peerkit_test::ip;
using peerkit_test::run;
using peerkit_test::run_report;
using peerkit_test::shown;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;

namespace {

error const no_such_name{discovery_error::unresolved, 4};
error const server_failed{discovery_error::server_failed, 2};
error const silence{discovery_error::timed_out, 2000};

dns_pattern make(dns_pattern_options options) {
    if (options.pattern.empty()) options.pattern = "tw_node*.example.org";
    auto made = dns_pattern::create(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
std::string name_of(unsigned number) {
    return "tw_node" + std::string(number < 10 ? "0" : "") + std::to_string(number) + ".example.org.";
}
/// The names of the test network: 01, 02 and 07.
dns_zone small_zone() {
    dns_zone zone;
    zone.names[name_of(1)] = addresses({"192.0.2.1"}, 60s);
    zone.names[name_of(2)] = addresses({"192.0.2.2", "2001:db8::2"}, 30s);
    zone.names[name_of(7)] = addresses({"2001:db8::7"});
    return zone;
}
bool is_numbered(std::string_view name) {
    for (unsigned i = 1; i < 100; ++i) {
        if (name == name_of(i)) return true;
    }
    return false;
}
/// The names of the pattern that were asked for, in order; the probes for a wildcard left out.
texts numbered(run_report const& report) {
    texts asked;
    for (resolve_name const& lookup : report.of<resolve_name>()) {
        if (is_numbered(lookup.host)) asked.push_back(lookup.host);
    }
    return asked;
}
/// Every name answered like this, unless the zone knows it.
dns_zone wildcard_zone(discovery::resolved answer) {
    dns_zone zone = small_zone();
    zone.otherwise = std::move(answer);
    return zone;
}

TEST_CASE("nodes 01, 02 and 07 are found although the others do not exist") {
    dns_pattern strategy = make({});
    dns_zone const zone = small_zone();
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report) == texts{"tw_node01 192.0.2.1:9000", "tw_node02 192.0.2.2:9000,[2001:db8::2]:9000",
                                 "tw_node07 [2001:db8::7]:9000"});
    CHECK(report.notices.empty());
    discovery::candidate const& first = report.answer->front();
    CHECK(first.source == discovery::provenance::dns);
    CHECK(first.strategy.view() == "dns_pattern");
    CHECK(first.time_to_live == 60s);
    CHECK((*report.answer)[2].time_to_live == 0s);
    auto const& did = strategy.statistics();
    CHECK(did.names == discovery::lookup_counts{99, 3, 96, 0, 0, 0, 0});
    CHECK(did.took == report.took);
    CHECK(did.skipped == 0);
    CHECK_FALSE(did.wildcard);
    CHECK_FALSE(did.stopped_early);
}

TEST_CASE("every name is asked for exactly once, absolute, with the time and tries of one name") {
    dns_pattern strategy = make({.timeout = 700ms, .tries = 3});
    dns_zone const zone = small_zone();
    run_report const report = run(strategy, zone.as_world());
    texts asked = numbered(report);
    CHECK(report.of<resolve_name>().size() == 99 + 3);
    std::sort(asked.begin(), asked.end());
    texts wanted;
    for (unsigned i = 1; i < 100; ++i) wanted.push_back(name_of(i));
    CHECK(asked == wanted);
    for (resolve_name const& lookup : report.of<resolve_name>()) {
        CHECK(lookup.host.ends_with(".example.org."));
        CHECK(lookup.timeout == 700ms);
        CHECK(lookup.tries == 3);
        CHECK(lookup.families == address_families::both);
    }
}

TEST_CASE("the order is another one in each run, on each node and for each seed, and the same for the same") {
    dns_zone const zone = small_zone();
    auto const order = [&zone](dns_pattern_options options, time_point at) {
        dns_pattern strategy = make(std::move(options));
        return numbered(run(strategy, zone.as_world(), at));
    };
    discovery::own_identity const other{.addresses = {ip("192.0.2.99")}, .port = 9000, .host_names = {}, .id = {}};
    texts const one = order({}, time_point{});
    CHECK(order({}, time_point{}) == one);
    CHECK_FALSE(order({.seed = 1}, time_point{}) == one);
    CHECK_FALSE(order({.self = other}, time_point{}) == one);
    dns_pattern strategy = make({});
    CHECK(numbered(run(strategy, zone.as_world(), time_point{})) == one);
    CHECK_FALSE(numbered(run(strategy, zone.as_world(), time_point{60s})) == one);
    CHECK_FALSE(std::is_sorted(one.begin(), one.end()));
}

TEST_CASE("never more names than allowed are asked for at a time, and no fewer while there are some") {
    dns_zone const zone = small_zone();
    for (std::size_t const window : {1U, 2U, 5U, 16U}) {
        dns_pattern strategy = make({.concurrency = window});
        run_report const report = run(strategy, zone.as_world());
        CHECK(report.most_under_way == window);
        CHECK(strategy.statistics().names.found == 3);
        // 102 names in rounds of `window`, 3 ms each.
        CHECK(report.took == 3ms * ((102 + window - 1) / window));
    }
    dns_pattern strategy = make({.concurrency = 1000});
    CHECK(run(strategy, zone.as_world()).took == 3ms);
}

TEST_CASE("nobody is an answer where the name service says so") {
    dns_pattern strategy = make({});
    dns_zone const zone;
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report).empty());
    CHECK(report.notices.empty());
    CHECK(strategy.statistics().names.holes == 99);
}

TEST_CASE("a silent server is waited for until the bound, then the run fails") {
    dns_pattern strategy = make({});
    dns_zone zone;
    zone.otherwise = silence;
    run_report const report = run(strategy, zone.as_world());
    CHECK(report.took == 5s);
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::timed_out);
    CHECK(report.abandoned == 16);
    CHECK(report.told(discovery_error::timed_out));
    auto const& did = strategy.statistics();
    // Two rounds of 16 end by themselves, three names of them probes.
    CHECK(did.names.timeouts == 29);
    CHECK(did.names.cut_off == 70);
    CHECK(did.names.asked == 99);
    CHECK(did.took == 5s);
    CHECK(report.notices.size() == 2);
}

TEST_CASE("what was found when the time is over counts") {
    dns_zone zone = small_zone();
    zone.otherwise = error{discovery_error::timed_out, 10'000};
    dns_pattern slow = make({.concurrency = 200, .timeout = 5s});
    run_report const report = run(slow, zone.as_world());
    CHECK(report.took == 5s);
    CHECK(shown(report).size() == 3);
    CHECK(report.told(discovery_error::timed_out));
    CHECK(slow.statistics().names.cut_off == 96);
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].what.position() == 5000);
    CHECK(report.notices[0].text.starts_with("tw_node*.example.org: 96 of 99 (tw_node03, tw_node04, tw_node05, ...)"));
}

TEST_CASE("a world in which nothing is ever done ends at the bound") {
    dns_pattern strategy = make({.bound = 700ms});
    run_report const report = run(strategy, [](auto const&, auto) { return std::nullopt; });
    CHECK(report.took == 700ms);
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::timed_out);
    CHECK(report.answer.error().position() == 700);
    CHECK(strategy.statistics().names.cut_off == 99);
}

TEST_CASE("servers that fail for every name make the run fail, with how many") {
    dns_pattern strategy = make({});
    dns_zone zone;
    zone.otherwise = server_failed;
    run_report const report = run(strategy, zone.as_world());
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::server_failed);
    CHECK(report.answer.error().position() == 2);
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].text == "tw_node*.example.org: 99 of 99 (tw_node01, tw_node02, tw_node03, ...)");
    CHECK(strategy.statistics().names.server_failures == 99);
}

TEST_CASE("one name that could not be told is enough not to know that nobody is there") {
    dns_pattern strategy = make({});
    dns_zone zone;
    zone.names[name_of(40)] = server_failed;
    run_report const report = run(strategy, zone.as_world());
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::server_failed);
    // Found somebody: an answer, with a notice.
    zone.names[name_of(41)] = addresses({"192.0.2.41"});
    run_report const again = run(strategy, zone.as_world());
    CHECK(shown(again) == texts{"tw_node41 192.0.2.41:9000"});
    CHECK(again.told(discovery_error::server_failed));
}

TEST_CASE("a name keeps its last good answer while the server fails or is silent") {
    dns_pattern strategy = make({.concurrency = 200});
    dns_zone zone = small_zone();
    texts const all = shown(run(strategy, zone.as_world()));
    zone.names[name_of(1)] = server_failed;
    zone.names[name_of(7)] = silence;
    zone.names[name_of(2)] = addresses({"192.0.2.22"});
    for (int i = 0; i < 5; ++i) {
        run_report const report = run(strategy, zone.as_world());
        CHECK(shown(report) ==
              texts{"tw_node01 192.0.2.1:9000", "tw_node02 192.0.2.22:9000", "tw_node07 [2001:db8::7]:9000"});
        CHECK(report.told(discovery_error::server_failed));
        CHECK(report.told(discovery_error::timed_out));
        CHECK(report.notices[0].text ==
              "tw_node*.example.org: 1 of 99 (tw_node01); the addresses of an earlier run stay for 1");
        CHECK(report.answer->front().time_to_live == 0s);
        CHECK(strategy.statistics().names.remembered == 2);
    }
    // The whole server is away: nobody is lost, and the run does not fail.
    dns_zone dead;
    dead.otherwise = silence;
    CHECK(shown(run(strategy, dead.as_world())).size() == 3);
}

TEST_CASE("a name that does not exist any more is forgotten in the third run that says so") {
    dns_zone zone = small_zone();
    dns_zone without = small_zone();
    without.names.erase(name_of(7));
    dns_pattern strategy = make({});
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    for (int i = 0; i < 2; ++i) {
        run_report const report = run(strategy, without.as_world());
        CHECK(shown(report).size() == 3);
        REQUIRE(report.notices.size() == 1);
        CHECK(report.notices[0].level == notice::severity::info);
        CHECK(report.notices[0].what == discovery_error::unresolved);
    }
    CHECK(shown(run(strategy, without.as_world())).size() == 2);
    CHECK(shown(run(strategy, without.as_world())).size() == 2);
    dns_pattern hasty = make({.forget_after = 1});
    CHECK(shown(run(hasty, zone.as_world())).size() == 3);
    CHECK(shown(run(hasty, without.as_world())).size() == 2);
}

TEST_CASE("the search stops when enough are found, and what is under way is dropped") {
    dns_zone zone;
    for (unsigned i = 1; i < 100; ++i) zone.names[name_of(i)] = addresses({"192.0.2." + std::to_string(i)});
    dns_pattern strategy = make({.stop_after = 4});
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report).size() == 4);
    CHECK(strategy.statistics().stopped_early);
    CHECK(strategy.statistics().names == discovery::lookup_counts{4, 4, 0, 0, 0, 0, 0});
    CHECK(report.abandoned > 1);
    CHECK(numbered(report).size() < 40);
    CHECK(report.notices.empty());
    // Other ones in another run.
    CHECK_FALSE(shown(run(strategy, zone.as_world(), time_point{60s})) == shown(report));
    // Fewer than wanted: all are asked for.
    dns_pattern greedy = make({.stop_after = 4});
    dns_zone const few = small_zone();
    CHECK(shown(run(greedy, few.as_world())).size() == 3);
    CHECK_FALSE(greedy.statistics().stopped_early);
}

TEST_CASE("answers of a wildcard and this node itself are not enough") {
    dns_zone zone = wildcard_zone(addresses({"198.51.100.1"}));
    dns_pattern strategy = make({.stop_after = 3});
    CHECK(shown(run(strategy, zone.as_world())).size() == 4); // the wildcard's address, too
    CHECK(strategy.statistics().names.found == 3);
    CHECK(strategy.statistics().wildcard_dropped > 0);

    // Nor while it is not known yet that it is a wildcard.
    auto const late_probes = [&](discovery::effect const& wanted, time_point now) {
        auto reply = zone(wanted, now);
        auto const* lookup = std::get_if<resolve_name>(&wanted);
        if (lookup != nullptr && !is_numbered(lookup->host)) reply->after = 50ms;
        return reply;
    };
    dns_pattern patient = make({.stop_after = 3});
    CHECK(shown(run(patient, late_probes)).size() == 4);
    CHECK(patient.statistics().names.found == 3);

    dns_zone const few = small_zone();
    discovery::own_identity const me{.addresses = {ip("192.0.2.1")}, .port = 9000, .host_names = {}, .id = {}};
    dns_pattern me_too = make({.stop_after = 3, .self = me});
    CHECK(shown(run(me_too, few.as_world())).size() == 2);
    CHECK_FALSE(me_too.statistics().stopped_early);
    dns_pattern elsewhere = make({.stop_after = 3});
    CHECK(shown(run(elsewhere, few.as_world())).size() == 3);
    CHECK(elsewhere.statistics().stopped_early);
}

TEST_CASE("of a wildcard's answers one candidate is kept, and real names stay") {
    dns_pattern strategy = make({});
    dns_zone const zone = wildcard_zone(addresses({"198.51.100.1"}, 9s));
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report) == texts{"tw_node01 192.0.2.1:9000", "tw_node02 192.0.2.2:9000,[2001:db8::2]:9000",
                                 "tw_node07 [2001:db8::7]:9000", "tw_node* 198.51.100.1:9000"});
    CHECK(report.answer->back().time_to_live == 9s);
    REQUIRE(report.told(discovery_error::wildcard_answer));
    REQUIRE(report.notices.size() == 1);
    CHECK(report.notices[0].what.position() == 96);
    CHECK(report.notices[0].text == "tw_node*.example.org");
    CHECK(strategy.statistics().wildcard);
    CHECK(strategy.statistics().wildcard_dropped == 96);
    CHECK(strategy.statistics().names == discovery::lookup_counts{3, 3, 0, 0, 0, 0, 0});
}

TEST_CASE("a wildcard that answers with a changing part of its addresses is recognised") {
    dns_zone zone = small_zone();
    // Two of three addresses, another two for each name asked for.
    unsigned turn = 0;
    auto const world = [&](discovery::effect const& wanted, time_point now) {
        auto reply = zone(wanted, now);
        auto const* failed = std::get_if<error>(&reply->what);
        static constexpr std::string_view pool[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3"};
        if (failed != nullptr) {
            ++turn;
            reply->what = addresses({pool[turn % 3], pool[(turn + 1) % 3]});
        }
        return reply;
    };
    dns_pattern strategy = make({});
    run_report const report = run(strategy, world);
    CHECK(strategy.statistics().wildcard_dropped == 96);
    CHECK(report.answer->size() == 6);
}

TEST_CASE("a name with an address of its own beside the wildcard's is kept whole") {
    dns_zone zone = wildcard_zone(addresses({"198.51.100.1"}));
    zone.names[name_of(9)] = addresses({"198.51.100.1", "2001:db8::9"});
    dns_pattern strategy = make({});
    run_report const report = run(strategy, zone.as_world());
    CHECK(strategy.statistics().names.found == 4);
    CHECK(shown(report)[3] == "tw_node09 198.51.100.1:9000,[2001:db8::9]:9000");
    // The wildcard's own candidate has an address of this one and is merged into it.
    CHECK(report.answer->size() == 4);
}

TEST_CASE("names answered by a wildcard are not remembered as nodes when it is gone") {
    dns_zone const before = wildcard_zone(addresses({"198.51.100.1"}));
    dns_zone const after = small_zone();
    dns_pattern strategy = make({});
    CHECK(shown(run(strategy, before.as_world())).size() == 4);
    run_report const report = run(strategy, after.as_world());
    CHECK(shown(report).size() == 3);
    CHECK(report.notices.empty());
    CHECK_FALSE(strategy.statistics().wildcard);
}

TEST_CASE("a wildcard stays known while the probes for it fail") {
    dns_zone zone = wildcard_zone(addresses({"198.51.100.1"}));
    dns_pattern strategy = make({});
    CHECK(shown(run(strategy, zone.as_world())).size() == 4);
    auto const probes_fail = [&](discovery::effect const& wanted, time_point now) {
        auto reply = zone(wanted, now);
        auto const* lookup = std::get_if<resolve_name>(&wanted);
        if (lookup != nullptr && !is_numbered(lookup->host)) reply->what = server_failed;
        return reply;
    };
    CHECK(shown(run(strategy, probes_fail)).size() == 4);
    CHECK(strategy.statistics().wildcard_dropped == 96);
}

TEST_CASE("a wildcard is recognised when the time is over before every probe is answered") {
    dns_zone const zone = wildcard_zone(addresses({"198.51.100.1"}));
    auto const one_probe_is_lost = [&](discovery::effect const& wanted,
                                       time_point now) -> std::optional<peerkit_test::reply> {
        auto const* lookup = std::get_if<resolve_name>(&wanted);
        bool const number = lookup != nullptr && !is_numbered(lookup->host) && lookup->host[7] <= '9';
        return number ? std::nullopt : zone(wanted, now);
    };
    dns_pattern strategy = make({});
    run_report const report = run(strategy, one_probe_is_lost);
    CHECK(report.took == 5s);
    CHECK(shown(report).size() == 4);
    CHECK(report.told(discovery_error::wildcard_answer));
    CHECK(strategy.statistics().wildcard_dropped == 96);
}

TEST_CASE("the probes cannot exist: letters twice, and a number out of range") {
    dns_pattern strategy = make({});
    dns_zone const zone = small_zone();
    auto const probes = [&](time_point at) {
        texts names;
        for (resolve_name const& lookup : run(strategy, zone.as_world(), at).of<resolve_name>()) {
            if (!is_numbered(lookup.host)) names.push_back(lookup.host);
        }
        return names;
    };
    texts const first = probes(time_point{});
    REQUIRE(first.size() == 3);
    CHECK(first[0].size() == std::string_view{"tw_nodeabcdefghijkl.example.org."}.size());
    CHECK_FALSE(first[0] == first[1]);
    CHECK(first[2].size() == std::string_view{"tw_node1234567890.example.org."}.size());
    texts const second = probes(time_point{60s});
    for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(first[i] == second[i]);
    dns_pattern without = make({.detect_wildcard = false});
    CHECK(run(without, zone.as_world()).of<resolve_name>().size() == 99);
    // A label without room for ten digits.
    dns_pattern full = make({.pattern = std::string(60, 'a') + "*.org"});
    CHECK(run(full, zone.as_world()).of<resolve_name>().size() == 99 + 2);
}

TEST_CASE("without looking for wildcards all names of one are one place") {
    dns_zone const zone = wildcard_zone(addresses({"198.51.100.1"}));
    dns_pattern strategy = make({.detect_wildcard = false});
    CHECK(shown(run(strategy, zone.as_world())).size() == 4);
    CHECK(strategy.statistics().names.found == 99);
}

TEST_CASE("this node is not asked for by name, and its addresses are left out") {
    dns_zone const zone = small_zone();
    discovery::own_identity me{.addresses = {}, .port = 9000, .host_names = {"TW_Node01"}, .id = {}};
    dns_pattern by_label = make({.self = me});
    run_report report = run(by_label, zone.as_world());
    CHECK(shown(report).size() == 2);
    CHECK(by_label.statistics().skipped == 1);
    texts const asked = numbered(report);
    CHECK(asked.size() == 98);
    CHECK(std::find(asked.begin(), asked.end(), name_of(1)) == asked.end());

    me.host_names = {"tw_node02.example.org", "tw_node01.example.com"};
    dns_pattern by_name = make({.self = me});
    CHECK(shown(run(by_name, zone.as_world())) == texts{"tw_node01 192.0.2.1:9000", "tw_node07 [2001:db8::7]:9000"});

    me.host_names.clear();
    me.addresses = {ip("192.0.2.2"), ip("192.0.2.1")};
    dns_pattern by_address = make({.self = me});
    CHECK(shown(run(by_address, zone.as_world())) ==
          texts{"tw_node02 [2001:db8::2]:9000", "tw_node07 [2001:db8::7]:9000"});

    // Another port is another node on this host.
    dns_pattern neighbour = make({.port = 9001, .self = me});
    CHECK(shown(run(neighbour, zone.as_world())).size() == 3);
}

TEST_CASE("a pattern that names nobody but this node asks for nothing and finds nobody") {
    discovery::own_identity const me{.addresses = {}, .port = 9000, .host_names = {"tw_node05"}, .id = {}};
    dns_pattern strategy = make({.numbers = {.first = 5, .last = 5}, .detect_wildcard = false, .self = me});
    dns_zone const zone;
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report).empty());
    CHECK(report.asked.empty());
}

TEST_CASE("one family only is asked for and taken") {
    dns_zone const zone = small_zone();
    dns_pattern v4 = make({.families = address_families::v4});
    run_report report = run(v4, zone.as_world());
    CHECK(shown(report) == texts{"tw_node01 192.0.2.1:9000", "tw_node02 192.0.2.2:9000"});
    for (resolve_name const& lookup : report.of<resolve_name>()) CHECK(lookup.families == address_families::v4);
    dns_pattern v6 = make({.families = address_families::v6});
    report = run(v6, zone.as_world());
    CHECK(shown(report) == texts{"tw_node02 [2001:db8::2]:9000", "tw_node07 [2001:db8::7]:9000"});
    for (resolve_name const& lookup : report.of<resolve_name>()) CHECK(lookup.families == address_families::v6);
}

TEST_CASE("a name with several addresses of one family stands for several nodes") {
    dns_zone zone;
    zone.names[name_of(3)] = addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1"});
    dns_pattern strategy = make({.port = 7000});
    CHECK(shown(run(strategy, zone.as_world())) ==
          texts{"tw_node03 192.0.2.1:7000", "tw_node03 192.0.2.2:7000", "tw_node03 [2001:db8::1]:7000"});
}

TEST_CASE("two names of one address are one place") {
    dns_zone zone;
    zone.names[name_of(3)] = addresses({"192.0.2.1"});
    zone.names[name_of(4)] = addresses({"192.0.2.1"});
    dns_pattern strategy = make({});
    CHECK(shown(run(strategy, zone.as_world())) == texts{"tw_node03 192.0.2.1:9000"});
}

TEST_CASE("a run that is abandoned leaves nothing behind") {
    dns_pattern strategy = make({});
    dns_zone const zone = small_zone();
    discovery::step next = strategy.begin(time_point{});
    CHECK(next.requests().size() == 17);
    next = strategy.resume(1, no_such_name, time_point{1ms});
    CHECK(next.requests().size() == 1);
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    CHECK(strategy.statistics().names.asked == 99);
}

TEST_CASE("an outcome nobody asked for ends the run") {
    dns_zone const zone = small_zone();
    for (discovery::ticket const strange : {50000U, 103U, 4294967295U}) {
        dns_pattern strategy = make({});
        REQUIRE_FALSE(strategy.begin(time_point{}).ended());
        discovery::step const last = strategy.resume(strange, no_such_name, time_point{1ms});
        REQUIRE(last.ended());
        REQUIRE_FALSE(last.answer());
        CHECK(last.answer().error() == discovery_error::unexpected_answer);
    }
    dns_pattern strategy = make({});
    REQUIRE_FALSE(strategy.begin(time_point{}).ended());
    REQUIRE_FALSE(strategy.resume(1, no_such_name, time_point{1ms}).ended());
    CHECK(strategy.resume(1, no_such_name, time_point{1ms}).ended());
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
}

TEST_CASE("options that cannot be meant are refused by name") {
    auto const refused = [](dns_pattern_options options) {
        auto const made = dns_pattern::create(std::move(options));
        REQUIRE_FALSE(made);
        return std::pair{made.error(), std::string{made.error().field()}};
    };
    using refusal = std::pair<error, std::string>;
    std::string const good = "n*.x.org";
    CHECK(refused({}) == refusal{discovery_error::missing_option, "pattern"});
    CHECK(refused({.pattern = good, .prefix = "n"}) == refusal{discovery_error::bad_option, "pattern"});
    CHECK(refused({.prefix = "n"}) == refusal{discovery_error::missing_option, "domain"});
    CHECK(refused({.pattern = "n.x.org"}) == refusal{discovery_error::bad_pattern, "star"});
    CHECK(refused({.pattern = good, .numbers = {.first = 2, .last = 1}}) ==
          refusal{discovery_error::bad_range, "range"});
    CHECK(refused({.pattern = good, .port = 0}) == refusal{discovery_error::bad_option, "port"});
    CHECK(refused({.pattern = good, .concurrency = 0}) == refusal{discovery_error::bad_option, "concurrency"});
    CHECK(refused({.pattern = good, .timeout = 0s}) == refusal{discovery_error::bad_option, "timeout"});
    CHECK(refused({.pattern = good, .tries = 0}) == refusal{discovery_error::bad_option, "tries"});
    CHECK(refused({.pattern = good, .bound = 0s}) == refusal{discovery_error::bad_option, "bound"});
    CHECK(refused({.pattern = good, .max_addresses = 0}) == refusal{discovery_error::bad_option, "max_addresses"});
    CHECK(refused({.pattern = good, .numbers = {.first = 1, .last = 5000}}) ==
          refusal{discovery_error::too_large, "numbers"});
    auto const parts = dns_pattern::create({.prefix = "n", .domain = "x.org"});
    REQUIRE(parts);
    CHECK(parts->names().text() == "n*.x.org");
}

TEST_CASE("the bound is never passed, whatever the world does") {
    peerkit::seeded_rng rng{77};
    for (int i = 0; i < 300; ++i) {
        std::size_t const window = 1 + static_cast<std::size_t>(uniform(rng, std::uint64_t{40}));
        dns_pattern strategy =
            make({.concurrency = window, .stop_after = static_cast<std::size_t>(uniform(rng, std::uint64_t{4}))});
        for (int again = 0; again < 3; ++again) {
            auto const world = [&](discovery::effect const&, time_point) -> std::optional<peerkit_test::reply> {
                peerkit::duration const after = uniform(rng, peerkit::duration{2s});
                switch (uniform(rng, std::uint64_t{7})) {
                case 0: return std::nullopt;
                case 1: return peerkit_test::reply{server_failed, after};
                case 2: return peerkit_test::reply{silence, after};
                case 3: return peerkit_test::reply{addresses({"198.51.100.1"}), after};
                case 4: return peerkit_test::reply{discovery::elapsed{}, after};
                case 5:
                    return peerkit_test::reply{
                        addresses({"192.0.2." + std::to_string(uniform(rng, std::uint64_t{255}))}), after};
                default: return peerkit_test::reply{no_such_name, after};
                }
            };
            run_report const report = run(strategy, world);
            CHECK(report.took <= 5s);
            CHECK(report.most_under_way <= window);
            auto const& c = strategy.statistics().names;
            CHECK(c.asked == c.found + c.holes + c.server_failures + c.timeouts + c.cut_off);
            CHECK(c.asked + strategy.statistics().wildcard_dropped <= 99);
        }
    }
}

} // namespace
