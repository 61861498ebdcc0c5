// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what is known of a name, and how the lookups of a run are counted and told.
#include <peerkit/discovery/dns_lookup.hpp>

#include <doctest/doctest.h>
#include <support/dns_zone.hpp>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::address_families;
using discovery::candidate;
using discovery::discovery_error;
using discovery::known_addresses;
using discovery::lookup_end;
using discovery::lookup_report;
using discovery::lookup_rules;
using discovery::notice;
using peerkit::error;
using peerkit::time_point;
using peerkit_test::addresses;
using peerkit_test::ip;
using namespace std::chrono_literals;

namespace {

error const no_such_name{discovery_error::unresolved, 4};
error const server_failed{discovery_error::server_failed, 2};
error const silence{discovery_error::timed_out, 2000};

lookup_end given(known_addresses& known, discovery::outcome got, lookup_rules const& rules = {}) {
    known.begin_run();
    known.asked();
    known.take(std::move(got), rules);
    return known.end();
}

TEST_CASE("an answer replaces what was known and says how long it is good") {
    known_addresses known;
    CHECK(given(known, addresses({"192.0.2.2", "192.0.2.1", "192.0.2.2"}, 30s)) == lookup_end::found);
    CHECK(known.addresses().size() == 2);
    CHECK(known.addresses()[0] == ip("192.0.2.2"));
    CHECK(known.time_to_live() == 30s);
    CHECK_FALSE(known.remembered());
    CHECK(given(known, addresses({"192.0.2.3"})) == lookup_end::found);
    REQUIRE(known.addresses().size() == 1);
    CHECK(known.addresses()[0] == ip("192.0.2.3"));
    CHECK(known.time_to_live() == 0s);
}

TEST_CASE("what the name service could not tell leaves the last answer") {
    known_addresses known;
    CHECK(given(known, server_failed) == lookup_end::server_failed);
    CHECK_FALSE(known.remembered());
    CHECK(given(known, addresses({"192.0.2.1"}, 30s)) == lookup_end::found);
    for (int run = 0; run < 10; ++run) {
        CHECK(given(known, server_failed) == lookup_end::server_failed);
        CHECK(known.why() == discovery_error::server_failed);
        CHECK(given(known, silence) == lookup_end::timed_out);
        CHECK(given(known, error{discovery_error::bad_reply}) == lookup_end::server_failed);
        CHECK(given(known, discovery::elapsed{}) == lookup_end::server_failed);
        known.cut_off();
        CHECK(known.remembered());
        CHECK(known.addresses().size() == 1);
        CHECK(known.time_to_live() == 0s);
    }
}

TEST_CASE("a name that does not exist is forgotten when that was said often enough") {
    lookup_rules const patient{.forget_after = 3};
    known_addresses known;
    CHECK(given(known, addresses({"192.0.2.1"}), patient) == lookup_end::found);
    CHECK(given(known, no_such_name, patient) == lookup_end::hole);
    CHECK(given(known, no_such_name, patient) == lookup_end::hole);
    CHECK(known.remembered());
    // Seen again: counted from the beginning.
    CHECK(given(known, addresses({"192.0.2.1"}), patient) == lookup_end::found);
    CHECK(given(known, no_such_name, patient) == lookup_end::hole);
    CHECK(given(known, server_failed, patient) == lookup_end::server_failed);
    CHECK(given(known, no_such_name, patient) == lookup_end::hole);
    CHECK(known.remembered());
    CHECK(given(known, no_such_name, patient) == lookup_end::hole);
    CHECK_FALSE(known.remembered());

    CHECK(given(known, addresses({"192.0.2.1"})) == lookup_end::found);
    CHECK(given(known, no_such_name) == lookup_end::hole);
    CHECK_FALSE(known.remembered());
}

TEST_CASE("addresses of no node, or of another family, are no answer") {
    known_addresses known;
    CHECK(given(known, addresses({"0.0.0.0", "::", "224.0.0.1", "255.255.255.255"})) == lookup_end::hole);
    CHECK(known.why() == discovery_error::unresolved);
    CHECK(given(known, addresses({"0.0.0.0", "192.0.2.1"})) == lookup_end::found);
    CHECK(known.addresses().size() == 1);
    CHECK(given(known, addresses({"192.0.2.1", "2001:db8::1"}), {.families = address_families::v6}) ==
          lookup_end::found);
    REQUIRE(known.addresses().size() == 1);
    CHECK(known.addresses()[0] == ip("2001:db8::1"));
    CHECK(given(known, addresses({"2001:db8::1"}), {.families = address_families::v4}) == lookup_end::hole);
    CHECK(given(known, addresses({"192.0.2.1", "2001:db8::1"}), {.families = address_families::v4}) ==
          lookup_end::found);
    REQUIRE(known.addresses().size() == 1);
    CHECK(known.addresses()[0] == ip("192.0.2.1"));
}

TEST_CASE("no name keeps more addresses than allowed") {
    known_addresses known;
    discovery::resolved many;
    for (std::uint8_t i = 1; i < 200; ++i) many.addresses.push_back(peerkit::ip_address::v4(192, 0, 2, i));
    CHECK(given(known, many, {.max_addresses = 7}) == lookup_end::found);
    CHECK(known.addresses().size() == 7);
}

TEST_CASE("lookups are counted, and each kind of failure is told once") {
    lookup_report report{5s};
    known_addresses known;
    CHECK(given(known, addresses({"192.0.2.1"})) == lookup_end::found);
    report.add("a1", known);
    for (std::string_view const name : {"b1", "b2", "b3", "b4"}) {
        CHECK(given(known, server_failed) == lookup_end::server_failed);
        report.add(name, known);
    }
    known_addresses fresh;
    CHECK(given(fresh, silence) == lookup_end::timed_out);
    report.add("c1", fresh);
    fresh.cut_off();
    report.add("d1", fresh);
    CHECK(given(fresh, no_such_name) == lookup_end::hole);
    report.add("e1", fresh);
    fresh.begin_run();
    report.add("nobody asked for this one", fresh);

    CHECK(report.counts() == discovery::lookup_counts{8, 1, 1, 4, 1, 1, 4});
    CHECK_FALSE(report.counts().certain());
    CHECK(report.why() == discovery_error::server_failed);
    CHECK(report.why().position() == 2);
    auto const told = report.notices("x*.org");
    REQUIRE(told.size() == 3);
    CHECK(told[0].text == "x*.org: 4 of 8 (b1, b2, b3, ...); the addresses of an earlier run stay for 4");
    CHECK(told[0].what == discovery_error::server_failed);
    CHECK(told[0].level == notice::severity::warning);
    CHECK(told[1].text == "x*.org: 1 of 8 (c1)");
    CHECK(told[1].what == discovery_error::timed_out);
    CHECK(told[1].what.position() == 2000);
    CHECK(told[2].text == "x*.org: 1 of 8 (d1)");
    CHECK(told[2].what == discovery_error::timed_out);
    CHECK(told[2].what.position() == 5000);
    CHECK(told[2].what.field() == "whole run");
}

TEST_CASE("holes are told only where somebody was, or where every name matters") {
    lookup_rules const patient{.forget_after = 2};
    known_addresses gone, never;
    CHECK(given(gone, addresses({"192.0.2.1"}), patient) == lookup_end::found);
    CHECK(given(gone, no_such_name, patient) == lookup_end::hole);
    CHECK(given(never, no_such_name, patient) == lookup_end::hole);
    for (bool const all : {false, true}) {
        lookup_report report{5s, all};
        report.add("never", never);
        report.add("gone", gone);
        CHECK(report.counts().certain());
        auto const told = report.notices("s");
        REQUIRE(told.size() == 1);
        CHECK(told[0].level == notice::severity::info);
        CHECK(told[0].what == discovery_error::unresolved);
        CHECK(told[0].text == (all ? "s: 2 of 2 (never, gone); the addresses of an earlier run stay for 1"
                                   : "s: 1 of 2 (gone); the addresses of an earlier run stay for 1"));
    }
}

TEST_CASE("the reason of a run that knows nothing is what failed most often") {
    known_addresses failed, silent, late;
    CHECK(given(failed, server_failed) == lookup_end::server_failed);
    CHECK(given(silent, silence) == lookup_end::timed_out);
    late.cut_off();
    lookup_report report{5s};
    report.add("late", late);
    CHECK(report.why() == discovery_error::timed_out);
    CHECK(report.why().position() == 5000);
    report.add("silent", silent);
    CHECK(report.why().position() == 2000);
    report.add("failed", failed);
    CHECK(report.why() == discovery_error::timed_out);
    report.add("failed, too", failed);
    CHECK(report.why() == discovery_error::server_failed);
}

TEST_CASE("a name is one node with two families, and several with several addresses of one") {
    auto const made = [](std::initializer_list<std::string_view> texts, bool each = false) {
        known_addresses known;
        CHECK(given(known, addresses(texts, 7s)) == lookup_end::found);
        peerkit_test::run_report report;
        std::vector<candidate> found;
        add_candidates(found, "n", known, {discovery::provenance::dns, "test", 9, each});
        for (candidate const& c : found) {
            CHECK(c.source == discovery::provenance::dns);
            CHECK(c.strategy.view() == "test");
            CHECK(c.time_to_live == 7s);
        }
        report.answer = std::move(found);
        return peerkit_test::shown(report);
    };
    using texts = std::vector<std::string>;
    CHECK(made({"192.0.2.1"}) == texts{"n 192.0.2.1:9"});
    CHECK(made({"2001:db8::1", "192.0.2.1"}) == texts{"n [2001:db8::1]:9,192.0.2.1:9"});
    CHECK(made({"192.0.2.2", "192.0.2.1"}) == texts{"n 192.0.2.2:9", "n 192.0.2.1:9"});
    CHECK(made({"192.0.2.1", "2001:db8::1", "2001:db8::2"}) ==
          texts{"n 192.0.2.1:9", "n [2001:db8::1]:9", "n [2001:db8::2]:9"});
    CHECK(made({"192.0.2.1", "2001:db8::1"}, true) == texts{"n 192.0.2.1:9", "n [2001:db8::1]:9"});
    std::vector<candidate> none;
    add_candidates(none, "n", known_addresses{}, {});
    CHECK(none.empty());
}

TEST_CASE("every run, seed and node draws other numbers, the same run the same ones") {
    discovery::own_identity one{.addresses = {ip("192.0.2.1")}, .port = 9000, .host_names = {"a"}, .id = {}};
    auto const drawn = [](std::uint64_t seed, discovery::own_identity const& self, peerkit::duration at) {
        return discovery::rng_of_run(seed, self, time_point{at})();
    };
    std::uint64_t const first = drawn(0, one, 1s);
    CHECK(drawn(0, one, 1s) == first);
    std::set<std::uint64_t> all{first, drawn(1, one, 1s), drawn(0, one, 2s), drawn(0, {}, 1s)};
    discovery::own_identity other = one;
    other.addresses = {ip("192.0.2.2")};
    all.insert(drawn(0, other, 1s));
    other = one;
    other.port = 9001;
    all.insert(drawn(0, other, 1s));
    other = one;
    other.host_names = {"b"};
    all.insert(drawn(0, other, 1s));
    other = one;
    other.id.bytes[3] = std::byte{1};
    all.insert(drawn(0, other, 1s));
    CHECK(all.size() == 8);
}

} // namespace
