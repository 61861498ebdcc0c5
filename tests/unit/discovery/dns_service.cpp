// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of SRV records: their order, their hosts, what is remembered, and labels from TXT; in virtual time.
#include <peerkit/discovery/dns_service.hpp>

#include <doctest/doctest.h>
#include <support/dns_zone.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::address_families;
using discovery::discovery_error;
using discovery::dns_service;
using discovery::dns_service_options;
using discovery::notice;
using discovery::resolve_name;
using discovery::resolve_service;
using discovery::resolve_text;
using discovery::service_record;
using discovery::service_records;
using discovery::text_records;
using peerkit::error;
using peerkit::label;
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
std::string const service = "_peerkit._udp.example.org";

dns_service make(dns_service_options options = {}) {
    if (options.service.empty()) options.service = service;
    auto made = dns_service::create(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
service_record record(std::uint16_t priority, std::uint16_t weight, std::uint16_t port, std::string target,
                      peerkit::duration time_to_live = {}) {
    return {priority, weight, port, std::move(target), time_to_live};
}
/// Three hosts; the one of priority 5 comes first, c is the last resort.
dns_zone three_hosts() {
    dns_zone zone;
    zone.services[service + "."] =
        service_records{{record(20, 0, 9003, "c.example.org", 300s), record(10, 1, 9002, "b.example.org", 300s),
                         record(5, 0, 9001, "A.example.org", 20s)}};
    zone.names["a.example.org."] = addresses({"192.0.2.1"}, 60s);
    zone.names["b.example.org."] = addresses({"192.0.2.2", "2001:db8::2"}, 60s);
    zone.names["c.example.org."] = addresses({"192.0.2.3"});
    return zone;
}

TEST_CASE("hosts come in the order of their priorities, with the ports of their records") {
    dns_service strategy = make();
    dns_zone const zone = three_hosts();
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report) == texts{"a.example.org 192.0.2.1:9001", "b.example.org 192.0.2.2:9002,[2001:db8::2]:9002",
                                 "c.example.org 192.0.2.3:9003"});
    CHECK(report.notices.empty());
    CHECK(report.took == 6ms);
    auto const& found = *report.answer;
    CHECK(found[0].time_to_live == 20s);
    CHECK(found[1].time_to_live == 60s);
    CHECK(found[2].time_to_live == 0s);
    CHECK(found[0].source == discovery::provenance::dns);
    CHECK(found[0].strategy.view() == "dns_service");
    CHECK(found[0].labels.empty());
    REQUIRE(report.of<resolve_service>().size() == 1);
    CHECK(report.of<resolve_service>()[0] == resolve_service{service + ".", 1s, 2});
    CHECK(report.of<resolve_text>().empty());
    for (resolve_name const& lookup : report.of<resolve_name>()) {
        CHECK(lookup == resolve_name{lookup.host, 1s, address_families::both, 2});
        CHECK(lookup.host.ends_with(".example.org."));
    }
    CHECK(strategy.statistics().records == 3);
    CHECK(strategy.statistics().targets == discovery::lookup_counts{3, 3, 0, 0, 0, 0, 0});
    CHECK(strategy.statistics().took == 6ms);
}

TEST_CASE("within a priority a record comes first as often as its weight says") {
    std::map<std::string, unsigned> first;
    std::set<std::string> orders;
    peerkit::seeded_rng rng{5};
    constexpr unsigned draws = 10'000;
    for (unsigned i = 0; i < draws; ++i) {
        std::vector<service_record> records{record(1, 30, 1, "heavy"), record(1, 10, 1, "light"),
                                            record(1, 0, 1, "never"), record(0, 0, 1, "best"), record(2, 9, 1, "last")};
        order_services(records, rng);
        REQUIRE(records.size() == 5);
        CHECK(records[0].target == "best");
        CHECK(records[4].target == "last");
        ++first[records[1].target];
        orders.insert(records[1].target + records[2].target + records[3].target);
    }
    // 30, 10 and 1 of 41 (RFC 2782: a weight of 0 has "a very small chance").
    CHECK(first["heavy"] > draws * 30 / 41 - 400);
    CHECK(first["heavy"] < draws * 30 / 41 + 400);
    CHECK(first["light"] > draws * 10 / 41 - 400);
    CHECK(first["light"] < draws * 10 / 41 + 400);
    CHECK(first["never"] > 0);
    CHECK(first["never"] < draws * 1 / 41 + 200);
    CHECK(orders.size() == 6);

    // One of weight 1 and one without: half each.
    unsigned weightless = 0;
    for (unsigned i = 0; i < draws; ++i) {
        std::vector<service_record> records{record(0, 1, 1, "one"), record(0, 0, 1, "none")};
        order_services(records, rng);
        weightless += records[0].target == "none" ? 1U : 0U;
    }
    CHECK(weightless > draws / 2 - 400);
    CHECK(weightless < draws / 2 + 400);
    std::vector<service_record> none;
    order_services(none, rng);
    CHECK(none.empty());
}

TEST_CASE("of records without weight any may be first") {
    std::map<std::string, unsigned> first;
    peerkit::seeded_rng rng{5};
    for (unsigned i = 0; i < 3000; ++i) {
        std::vector<service_record> records{record(0, 0, 1, "a"), record(0, 0, 1, "b"), record(0, 0, 1, "c")};
        order_services(records, rng);
        ++first[records[0].target];
    }
    for (auto const& [target, times] : first) CHECK(times > 800);
    CHECK(first.size() == 3);
}

TEST_CASE("the greatest weights do not overflow") {
    peerkit::seeded_rng rng{6};
    std::vector<service_record> records(5000, record(0, 65535, 1, "x"));
    order_services(records, rng);
    CHECK(records.size() == 5000);
}

TEST_CASE("the order is drawn anew in every run") {
    dns_zone zone;
    service_records many;
    for (unsigned i = 0; i < 20; ++i) {
        std::string const host = "h" + std::to_string(i) + ".org";
        many.records.push_back(record(1, 1, 9000, host));
        zone.names[host + "."] = addresses({"192.0.2." + std::to_string(i + 1)});
    }
    zone.services[service + "."] = many;
    dns_service one = make(), two = make({.seed = 1});
    texts const first = shown(run(one, zone.as_world(), time_point{}));
    CHECK(first.size() == 20);
    CHECK_FALSE(shown(run(one, zone.as_world(), time_point{60s})) == first);
    CHECK_FALSE(shown(run(two, zone.as_world(), time_point{})) == first);
    dns_service same = make();
    CHECK(shown(run(same, zone.as_world(), time_point{})) == first);
}

TEST_CASE("never more hosts than allowed are asked for at a time, each once") {
    dns_zone zone;
    service_records many;
    for (unsigned i = 0; i < 50; ++i) {
        many.records.push_back(record(1, 1, static_cast<std::uint16_t>(9000 + i), i % 2 == 0 ? "even.org" : "odd.org"));
        std::string const host = "h" + std::to_string(i) + ".org";
        many.records.push_back(record(1, 1, 9000, host));
        zone.names[host + "."] = addresses({"192.0.2." + std::to_string(i + 1)});
    }
    zone.names["even.org."] = addresses({"198.51.100.1"});
    zone.names["odd.org."] = addresses({"198.51.100.2"});
    zone.services[service + "."] = many;
    dns_service strategy = make();
    run_report const report = run(strategy, zone.as_world());
    CHECK(report.most_under_way == 16);
    CHECK(report.of<resolve_name>().size() == 52);
    CHECK(shown(report).size() == 100);
    dns_service one_by_one = make({.concurrency = 1});
    CHECK(run(one_by_one, zone.as_world()).most_under_way == 1);
}

TEST_CASE("the target of a dot says that the service is decidedly not there") {
    dns_zone zone = three_hosts();
    dns_service strategy = make();
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    for (std::string const target : {"", "."}) {
        zone.services[service + "."] = service_records{{record(0, 0, 0, target)}};
        run_report const report = run(strategy, zone.as_world());
        CHECK(shown(report).empty());
        CHECK(report.of<resolve_name>().empty());
        REQUIRE(report.notices.size() == 1);
        CHECK(report.notices[0].level == notice::severity::info);
        CHECK(report.notices[0].what == discovery_error::unresolved);
    }
    // Forgotten with it: when the server fails, nobody is known.
    zone.services[service + "."] = server_failed;
    CHECK_FALSE(run(strategy, zone.as_world()).answer);
}

TEST_CASE("a name without records is nobody, and earlier records are forgotten") {
    dns_zone zone = three_hosts();
    dns_service strategy = make({.text = true});
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    zone.services.clear();
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report).empty());
    CHECK(report.told(discovery_error::unresolved));
    CHECK(strategy.statistics().records == 0);
    zone.services[service + "."] = server_failed;
    CHECK_FALSE(run(strategy, zone.as_world()).answer);
    // A run that failed is over and done with.
    zone.services.clear();
    CHECK(shown(run(strategy, zone.as_world())).empty());
    // Nothing is left of the hosts either.
    zone = three_hosts();
    zone.names.clear();
    zone.otherwise = server_failed;
    CHECK_FALSE(run(strategy, zone.as_world()).answer);
}

TEST_CASE("without an answer the records of an earlier run stay, and their hosts are looked up again") {
    for (error const& why : {server_failed, silence, error{discovery_error::bad_reply}}) {
        dns_service strategy = make();
        dns_zone zone = three_hosts();
        auto const good = zone.services[service + "."];
        zone.services[service + "."] = why;
        run_report first = run(strategy, zone.as_world());
        REQUIRE_FALSE(first.answer);
        CHECK(first.answer.error() == why);
        CHECK(first.told(why));
        CHECK(first.of<resolve_name>().empty());

        zone.services[service + "."] = good;
        CHECK(shown(run(strategy, zone.as_world())).size() == 3);
        zone.services[service + "."] = why;
        zone.names["a.example.org."] = addresses({"192.0.2.11"}, 60s);
        for (int i = 0; i < 3; ++i) {
            run_report const report = run(strategy, zone.as_world());
            CHECK(shown(report).front() == "a.example.org 192.0.2.11:9001");
            CHECK(shown(report).size() == 3);
            CHECK(report.answer->front().time_to_live == 60s);
            REQUIRE(report.notices.size() == 1);
            CHECK(report.notices[0].what == why);
            CHECK(report.notices[0].text == service + ".; the records of an earlier run stay");
        }
    }
}

TEST_CASE("a host that cannot be told keeps its addresses, one that does not exist loses them") {
    dns_service strategy = make();
    dns_zone zone = three_hosts();
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    zone.names["a.example.org."] = server_failed;
    zone.names["b.example.org."] = no_such_name;
    zone.names["c.example.org."] = silence;
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report) == texts{"a.example.org 192.0.2.1:9001", "c.example.org 192.0.2.3:9003"});
    CHECK(report.answer->front().time_to_live == 0s);
    CHECK(report.told(discovery_error::server_failed));
    CHECK(report.told(discovery_error::timed_out));
    CHECK(report.told(discovery_error::unresolved));
    CHECK(strategy.statistics().targets == discovery::lookup_counts{3, 0, 1, 1, 1, 0, 2});
}

TEST_CASE("records whose hosts all do not exist are nobody; hosts that could not be told make the run fail") {
    dns_zone zone = three_hosts();
    zone.names.clear();
    dns_service strategy = make();
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report).empty());
    CHECK(report.told(discovery_error::unresolved));
    zone.names["c.example.org."] = server_failed;
    run_report const unsure = run(strategy, zone.as_world());
    REQUIRE_FALSE(unsure.answer);
    CHECK(unsure.answer.error() == discovery_error::server_failed);
}

TEST_CASE("the run ends at its bound, with what is known by then") {
    dns_zone zone = three_hosts();
    zone.names["b.example.org."] = error{discovery_error::timed_out, 20'000};
    dns_service strategy = make({.timeout = 10s});
    run_report const report = run(strategy, zone.as_world());
    CHECK(report.took == 5s);
    CHECK(shown(report) == texts{"a.example.org 192.0.2.1:9001", "c.example.org 192.0.2.3:9003"});
    CHECK(report.told(discovery_error::timed_out));
    CHECK(strategy.statistics().targets.cut_off == 1);

    auto const nothing = [](auto const&, auto) { return std::nullopt; };
    run_report const silent = run(strategy, nothing);
    CHECK(silent.took == 5s);
    CHECK(shown(silent).size() == 2);
    CHECK(silent.told(discovery_error::timed_out));
    dns_service fresh = make({.text = true, .bound = 300ms});
    run_report const failed = run(fresh, nothing);
    CHECK(failed.took == 300ms);
    REQUIRE_FALSE(failed.answer);
    CHECK(failed.answer.error() == discovery_error::timed_out);
    CHECK(failed.answer.error().position() == 300);
}

TEST_CASE("a resolver that knows no SRV is told from a service that is not there") {
    dns_zone zone;
    zone.services[service + "."] = error{discovery_error::unsupported};
    dns_service strategy = make();
    run_report const report = run(strategy, zone.as_world());
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::unsupported);
}

TEST_CASE("records that cannot be used are left out; an answer of nothing else is a failure") {
    dns_zone zone = three_hosts();
    auto const good = std::get<service_records>(zone.services[service + "."]);
    service_records mixed = good;
    mixed.records.push_back(record(0, 0, 0, "b.example.org"));
    mixed.records.push_back(record(0, 0, 9000, "no host"));
    mixed.records.push_back(record(0, 0, 9000, "192.0.2.1"));
    mixed.records.push_back(record(0, 0, 9000, "b.example.org:1"));
    mixed.records.push_back(record(0, 0, 9000, "."));
    zone.services[service + "."] = mixed;
    dns_service strategy = make();
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    CHECK(strategy.statistics().refused == 4);
    CHECK(strategy.statistics().records == 3);

    zone.services[service + "."] = service_records{{record(0, 0, 0, "b.example.org")}};
    run_report const kept = run(strategy, zone.as_world());
    CHECK(shown(kept).size() == 3);
    CHECK(kept.told(discovery_error::bad_reply));
    zone.services[service + "."] = service_records{};
    CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    dns_service fresh = make();
    run_report const failed = run(fresh, zone.as_world());
    REQUIRE_FALSE(failed.answer);
    CHECK(failed.answer.error() == discovery_error::bad_reply);
}

TEST_CASE("of too many records the most important ones are kept") {
    dns_zone zone;
    service_records many;
    for (unsigned i = 0; i < 300; ++i) {
        std::string const host = "h" + std::to_string(i) + ".org";
        many.records.push_back(record(static_cast<std::uint16_t>(1000 - i), 0, 9000, host));
    }
    zone.names["h299.org."] = addresses({"192.0.2.1"});
    zone.services[service + "."] = many;
    dns_service strategy = make({.max_records = 10});
    run_report const report = run(strategy, zone.as_world());
    CHECK(shown(report) == texts{"h299.org 192.0.2.1:9000"});
    CHECK(report.of<resolve_name>().size() == 10);
    CHECK(strategy.statistics().refused == 290);
    REQUIRE(report.told(discovery_error::too_large));
    CHECK(report.notices[0].what.position() == 300);
}

TEST_CASE("this node is not asked for by name, and its addresses are left out") {
    dns_zone const zone = three_hosts();
    dns_service by_name = make({.self = {.addresses = {}, .port = 9001, .host_names = {"a.example.ORG"}, .id = {}}});
    run_report const report = run(by_name, zone.as_world());
    CHECK(shown(report).size() == 2);
    CHECK(report.of<resolve_name>().size() == 2);
    CHECK(by_name.statistics().skipped == 1);
    dns_service by_address = make({.self = {.addresses = {ip("192.0.2.2")}, .port = 9002, .host_names = {}, .id = {}}});
    CHECK(shown(run(by_address, zone.as_world()))[1] == "b.example.org [2001:db8::2]:9002");
    // Nobody but this node: an answer.
    dns_zone alone = three_hosts();
    alone.services[service + "."] = service_records{{record(5, 0, 9001, "a.example.org")}};
    CHECK(shown(run(by_name, alone.as_world())).empty());
}

TEST_CASE("one family only is asked for and taken") {
    dns_zone const zone = three_hosts();
    dns_service v6 = make({.families = address_families::v6});
    run_report const report = run(v6, zone.as_world());
    CHECK(shown(report) == texts{"b.example.org [2001:db8::2]:9002"});
    for (resolve_name const& lookup : report.of<resolve_name>()) CHECK(lookup.families == address_families::v6);
}

TEST_CASE("TXT strings become labels of all candidates, asked for beside the records") {
    dns_zone zone = three_hosts();
    zone.texts[service + "."] = text_records{{"zone=a", "role=db", "ready", "=x", "zone=b", "bad key=1"}, 60s};
    dns_service strategy = make({.text = true});
    run_report const report = run(strategy, zone.as_world());
    REQUIRE(shown(report).size() == 3);
    CHECK(report.took == 6ms);
    REQUIRE(report.of<resolve_text>().size() == 1);
    CHECK(report.of<resolve_text>()[0] == resolve_text{service + ".", 1s, 2});
    std::vector<label> const wanted{{"zone", "a"}, {"role", "db"}, {"ready", ""}};
    for (auto const& c : *report.answer) CHECK((c.labels == wanted));

    // Silence keeps them, and is no reason to fail; no record takes them away.
    zone.texts[service + "."] = silence;
    run_report const kept = run(strategy, zone.as_world());
    CHECK((kept.answer->front().labels == wanted));
    CHECK(kept.took == 2s);
    REQUIRE(kept.notices.size() == 1);
    CHECK(kept.notices[0].level == notice::severity::info);
    CHECK(kept.notices[0].what == discovery_error::timed_out);
    CHECK(kept.notices[0].what.field() == "TXT");
    zone.texts.clear();
    CHECK(run(strategy, zone.as_world()).answer->front().labels.empty());
}

TEST_CASE("labels are bounded, and only what a node may carry") {
    texts strings{std::string(32, 'k') + "=v", "k=" + std::string(128, 'v'), "k=a\nb", "", "a=b=c", "e="};
    for (unsigned i = 0; i < 40; ++i) strings.push_back("n" + std::to_string(i) + "=1");
    auto const labels = discovery::labels_of(strings);
    REQUIRE(labels.size() == 16);
    CHECK((labels[0] == label{"a", "b=c"}));
    CHECK((labels[1] == label{"e", ""}));
    CHECK((labels[15] == label{"n13", "1"}));
    CHECK(discovery::labels_of({}).empty());
    texts const longest{std::string(31, 'k') + "=" + std::string(127, 'v')};
    CHECK(discovery::labels_of(longest).size() == 1);
}

TEST_CASE("options that cannot be meant are refused by name") {
    auto const refused = [](dns_service_options options) {
        auto const made = dns_service::create(std::move(options));
        REQUIRE_FALSE(made);
        return std::pair{made.error(), std::string{made.error().field()}};
    };
    using refusal = std::pair<error, std::string>;
    CHECK(refused({}) == refusal{discovery_error::missing_option, "service"});
    for (std::string const bad : {"no service", "192.0.2.1", "_a._udp.example.org:9000", "a..b"}) {
        CHECK(refused({.service = bad}) == refusal{discovery_error::bad_entry, "service"});
    }
    CHECK(refused({.service = service, .concurrency = 0}) == refusal{discovery_error::bad_option, "concurrency"});
    CHECK(refused({.service = service, .timeout = 0s}) == refusal{discovery_error::bad_option, "timeout"});
    CHECK(refused({.service = service, .tries = 0}) == refusal{discovery_error::bad_option, "tries"});
    CHECK(refused({.service = service, .bound = 0s}) == refusal{discovery_error::bad_option, "bound"});
    CHECK(refused({.service = service, .max_records = 0}) == refusal{discovery_error::bad_option, "max_records"});
    CHECK(refused({.service = service, .max_addresses = 0}) == refusal{discovery_error::bad_option, "max_addresses"});
}

TEST_CASE("an outcome nobody asked for ends the run, and the next run is a good one") {
    dns_zone const zone = three_hosts();
    for (discovery::ticket const strange : {2U, 3U, 4294967295U}) {
        dns_service strategy = make();
        REQUIRE_FALSE(strategy.begin(time_point{}).ended());
        discovery::step const last = strategy.resume(strange, no_such_name, time_point{});
        REQUIRE(last.ended());
        REQUIRE_FALSE(last.answer());
        CHECK(last.answer().error() == discovery_error::unexpected_answer);
        CHECK(shown(run(strategy, zone.as_world())).size() == 3);
    }
}

TEST_CASE("whatever the world does, runs end in time and count every host") {
    peerkit::seeded_rng rng{78};
    for (int i = 0; i < 300; ++i) {
        std::size_t const window = 1 + static_cast<std::size_t>(uniform(rng, std::uint64_t{20}));
        dns_service strategy = make({.text = i % 2 == 0, .concurrency = window, .max_records = 30});
        for (int again = 0; again < 4; ++again) {
            auto const world = [&](discovery::effect const& wanted, time_point) -> std::optional<peerkit_test::reply> {
                peerkit::duration const after = uniform(rng, peerkit::duration{2s});
                std::uint64_t const what = uniform(rng, std::uint64_t{8});
                if (what == 0) return std::nullopt;
                if (what == 1) return peerkit_test::reply{server_failed, after};
                if (what == 2) return peerkit_test::reply{no_such_name, after};
                if (what == 3) return peerkit_test::reply{discovery::elapsed{}, after};
                if (std::holds_alternative<resolve_service>(wanted)) {
                    service_records made;
                    for (std::uint64_t n = uniform(rng, std::uint64_t{50}); n != 0; --n) {
                        auto const draw = [&rng](std::uint64_t bound) {
                            return static_cast<std::uint16_t>(uniform(rng, bound));
                        };
                        std::string const host = "h" + std::to_string(draw(40)) + ".org";
                        made.records.push_back(record(draw(3), draw(3), draw(5), host));
                    }
                    return peerkit_test::reply{std::move(made), after};
                }
                if (std::holds_alternative<resolve_text>(wanted)) {
                    return peerkit_test::reply{text_records{{"a=b"}, {}}, after};
                }
                return peerkit_test::reply{addresses({"192.0.2." + std::to_string(uniform(rng, std::uint64_t{255}))}),
                                           after};
            };
            run_report const report = run(strategy, world);
            CHECK(report.took <= 5s);
            CHECK(report.most_under_way <= window + 2);
            auto const& did = strategy.statistics();
            auto const& c = did.targets;
            CHECK(c.asked == c.found + c.holes + c.server_failures + c.timeouts + c.cut_off);
            CHECK(c.asked <= 30);
            CHECK(did.records <= 30);
        }
    }
}

} // namespace
