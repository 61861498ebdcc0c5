// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the static list, driven by hand: no resolver, no network.
#include <peerkit/discovery/static_list.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::discovery_error;
using discovery::outcome;
using discovery::refused_entry;
using discovery::resolved;
using discovery::static_list;
using discovery::static_list_options;
using discovery::step;
using peerkit::ip_address;
using peerkit::time_point;

namespace {

static_assert(discovery::check_strategy<static_list>());

ip_address ip(std::string_view text) {
    auto const made = ip_address::parse(text);
    REQUIRE(made);
    return *made;
}
static_list list_of(std::string_view text, static_list_options options = {}) {
    auto made = static_list::parse(text, std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
std::vector<std::string> addresses_of(candidate const& c) {
    std::vector<std::string> texts;
    for (auto const& there : c.addresses) texts.push_back(there.to_string());
    return texts;
}
/// The addresses of all candidates, in order; a comma between those of one candidate.
std::vector<std::string> found_by(step const& last) {
    REQUIRE(last.ended());
    REQUIRE(last.answer());
    std::vector<std::string> texts;
    for (candidate const& c : *last.answer()) {
        std::string text;
        for (std::string const& one : addresses_of(c)) text.append(text.empty() ? "" : ",").append(one);
        texts.push_back(text);
    }
    return texts;
}
std::vector<std::string> asked_by(step const& asking) {
    std::vector<std::string> hosts;
    for (auto const& e : asking.effects()) {
        auto const* lookup = std::get_if<discovery::resolve_name>(&e);
        REQUIRE(lookup != nullptr);
        hosts.push_back(lookup->host);
    }
    return hosts;
}
step answer(static_list& list, std::vector<outcome> outcomes) { return list.resume(outcomes, time_point{}); }
using texts = std::vector<std::string>;

TEST_CASE("addresses are candidates at once, with port 9000 unless they say another") {
    static_list list = list_of("192.0.2.1, 192.0.2.2:9100 2001:db8::1\n[2001:db8::2]\t[2001:db8::3]:9200,,");
    CHECK(list.size() == 5);
    CHECK(found_by(list.begin(time_point{})) ==
          texts{"192.0.2.1:9000", "192.0.2.2:9100", "[2001:db8::1]:9000", "[2001:db8::2]:9000", "[2001:db8::3]:9200"});
}

TEST_CASE("the default port can be another") {
    static_list_options options;
    options.default_port = 7000;
    static_list list = list_of("192.0.2.1 192.0.2.2:9000", options);
    CHECK(found_by(list.begin(time_point{})) == texts{"192.0.2.1:7000", "192.0.2.2:9000"});
}

TEST_CASE("a default port of 0 is a bad option") {
    static_list_options options;
    options.default_port = 0;
    auto const made = static_list::parse("192.0.2.1", options);
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::bad_option);
}

TEST_CASE("a candidate of a static list says where it comes from") {
    static_list list = list_of("192.0.2.1 db1.example.org");
    static_cast<void>(list.begin(time_point{}));
    step const last = answer(list, {resolved{{ip("192.0.2.7")}}});
    REQUIRE(last.answer()->size() == 2);
    candidate const& written = (*last.answer())[0];
    CHECK(written.source == discovery::provenance::static_list);
    CHECK(written.strategy.view() == "static");
    CHECK(written.name.view() == "192.0.2.1:9000");
    CHECK((*last.answer())[1].name.view() == "db1.example.org");
}

TEST_CASE("every refused entry is named with its index, place and reason") {
    std::vector<refused_entry> refused;
    auto const made = static_list::parse("192.0.2.1, db:99999 ok.example, [2001:db8::1, 0.0.0.0 1.2.3", {}, &refused);
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::bad_entry);
    CHECK(made.error().position() == 1);
    CHECK(made.error().field() == "port");
    REQUIRE(refused.size() == 4);
    CHECK(refused[0].index == 1);
    CHECK(refused[0].offset == 11);
    CHECK(refused[0].text == "db:99999");
    CHECK(refused[0].why == peerkit::core_error::bad_port);
    CHECK(refused[1].index == 3);
    CHECK(refused[1].offset == 32);
    CHECK(refused[1].why == peerkit::core_error::unclosed_bracket);
    CHECK(refused[2].text == "0.0.0.0");
    CHECK(refused[2].why == peerkit::core_error::bad_address);
    CHECK(refused[3].text == "1.2.3");
    CHECK(refused[3].why == peerkit::core_error::bad_host_name);
}

TEST_CASE("entries given as a list are one endpoint each") {
    auto made = static_list::from({"192.0.2.1", "192.0.2.2:9001"});
    REQUIRE(made);
    CHECK(found_by(made->begin(time_point{})) == texts{"192.0.2.1:9000", "192.0.2.2:9001"});
    auto const two_in_one = static_list::from({"192.0.2.1 192.0.2.2"});
    REQUIRE_FALSE(two_in_one);
    CHECK(two_in_one.error().position() == 0);
    std::vector<refused_entry> refused;
    CHECK_FALSE(static_list::from({"ok", ""}, {}, &refused));
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].index == 1);
    CHECK(refused[0].why == peerkit::core_error::empty);
}

TEST_CASE("a list longer than its limit is refused with its length") {
    static_list_options options;
    options.max_entries = 2;
    CHECK(static_list::parse("a b", options));
    auto const made = static_list::parse("a b c", options);
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::too_large);
    CHECK(made.error().position() == 3);
}

TEST_CASE("an empty list finds nobody, which is no failure") {
    static_list list = list_of("  ,\n");
    CHECK(found_by(list.begin(time_point{})).empty());
}

TEST_CASE("an entry written twice is one candidate") {
    static_list list = list_of("192.0.2.1 192.0.2.1:9000");
    CHECK(found_by(list.begin(time_point{})) == texts{"192.0.2.1:9000"});
}

TEST_CASE("host names are looked up all at once, and their addresses become candidates in the order of the list") {
    static_list_options options;
    options.resolve_timeout = std::chrono::seconds{3};
    static_list list = list_of("a.example 192.0.2.9 b.example:9100", options);
    step const asking = list.begin(time_point{});
    CHECK(asked_by(asking) == texts{"a.example", "b.example"});
    CHECK(std::get<discovery::resolve_name>(asking.effects()[0]).timeout == std::chrono::seconds{3});
    step const last = answer(list, {resolved{{ip("192.0.2.1")}}, resolved{{ip("2001:db8::2")}}});
    CHECK(found_by(last) == texts{"192.0.2.1:9000", "192.0.2.9:9000", "[2001:db8::2]:9100"});
}

TEST_CASE("a name with one address per family is one candidate, tried in the resolver's order") {
    static_list list = list_of("a.example");
    static_cast<void>(list.begin(time_point{}));
    CHECK(found_by(answer(list, {resolved{{ip("2001:db8::1"), ip("192.0.2.1")}}})) ==
          texts{"[2001:db8::1]:9000,192.0.2.1:9000"});
}

TEST_CASE("a name with several addresses of one family is as many candidates") {
    static_list list = list_of("a.example");
    static_cast<void>(list.begin(time_point{}));
    CHECK(found_by(answer(list, {resolved{{ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")}}})) ==
          texts{"192.0.2.1:9000", "192.0.2.2:9000", "[2001:db8::1]:9000"});
}

TEST_CASE("a name that does not resolve is told and hides nobody") {
    static_list list = list_of("a.example b.example 192.0.2.9");
    static_cast<void>(list.begin(time_point{}));
    step const last = answer(list, {peerkit::error{discovery_error::unresolved, 11}, resolved{{ip("192.0.2.2")}}});
    CHECK(found_by(last) == texts{"192.0.2.2:9000", "192.0.2.9:9000"});
    REQUIRE(last.notices().size() == 1);
    CHECK(last.notices()[0].level == discovery::notice::severity::warning);
    CHECK(last.notices()[0].what == discovery_error::unresolved);
    CHECK(last.notices()[0].what.position() == 11);
    CHECK(last.notices()[0].text == "a.example:9000");
}

TEST_CASE("a name that resolved before keeps its addresses when the resolver fails") {
    static_list list = list_of("a.example");
    static_cast<void>(list.begin(time_point{}));
    static_cast<void>(answer(list, {resolved{{ip("192.0.2.1")}}}));
    static_cast<void>(list.begin(time_point{}));
    step const later = answer(list, {peerkit::error{discovery_error::timed_out, 5000}});
    CHECK(found_by(later) == texts{"192.0.2.1:9000"});
    REQUIRE(later.notices().size() == 1);
    CHECK(later.notices()[0].text == "a.example:9000, using the addresses of an earlier run");
}

TEST_CASE("a name that changes is followed") {
    static_list list = list_of("a.example");
    static_cast<void>(list.begin(time_point{}));
    static_cast<void>(answer(list, {resolved{{ip("192.0.2.1")}}}));
    CHECK(asked_by(list.begin(time_point{})) == texts{"a.example"});
    CHECK(found_by(answer(list, {resolved{{ip("192.0.2.2")}}})) == texts{"192.0.2.2:9000"});
}

TEST_CASE("if names are all there is and none resolves, the run fails with the reason") {
    static_list list = list_of("a.example b.example");
    static_cast<void>(list.begin(time_point{}));
    step const last =
        answer(list, {peerkit::error{discovery_error::unresolved}, peerkit::error{discovery_error::timed_out}});
    REQUIRE(last.ended());
    REQUIRE_FALSE(last.answer());
    CHECK(last.answer().error() == discovery_error::timed_out);
    CHECK(last.notices().size() == 2);
}

TEST_CASE("a name that resolves to no unicast address does not resolve") {
    static_list list = list_of("a.example");
    static_cast<void>(list.begin(time_point{}));
    step const last = answer(list, {resolved{{ip("0.0.0.0"), ip("224.0.0.1")}}});
    REQUIRE_FALSE(last.answer());
    CHECK(last.answer().error() == discovery_error::unresolved);
}

TEST_CASE("this node is left out by address and port, before and after names are resolved") {
    static_list_options options;
    options.self.addresses = {ip("192.0.2.1"), ip("127.0.0.1")};
    options.self.port = 9000;
    static_list list = list_of("192.0.2.1 192.0.2.1:9001 127.0.0.1:9000 127.0.0.1:9001 me.example", options);
    static_cast<void>(list.begin(time_point{}));
    CHECK(found_by(answer(list, {resolved{{ip("192.0.2.1")}}})) == texts{"192.0.2.1:9001", "127.0.0.1:9001"});
}

TEST_CASE("this node's own host name is not even looked up") {
    static_list_options options;
    options.self.port = 9000;
    options.self.host_names = {"me.example"};
    static_list list = list_of("ME.example. me.example:9001", options);
    CHECK(asked_by(list.begin(time_point{})) == texts{"me.example"});
    CHECK(found_by(answer(list, {resolved{{ip("192.0.2.1")}}})) == texts{"192.0.2.1:9001"});
    static_list only_me = list_of("me.example", options);
    CHECK(found_by(only_me.begin(time_point{})).empty());
}

TEST_CASE("answers that were not asked for fail the run") {
    static_list list = list_of("a.example b.example");
    static_cast<void>(list.begin(time_point{}));
    step const too_few = answer(list, {resolved{{ip("192.0.2.1")}}});
    REQUIRE_FALSE(too_few.answer());
    CHECK(too_few.answer().error() == discovery_error::unexpected_answer);
    static_cast<void>(list.begin(time_point{}));
    step const too_many = answer(list, std::vector<outcome>(3, outcome{resolved{{ip("192.0.2.1")}}}));
    REQUIRE_FALSE(too_many.answer());
    CHECK(too_many.answer().error() == discovery_error::unexpected_answer);
    static_cast<void>(list.begin(time_point{}));
    step const wrong = answer(list, std::vector<outcome>(2, outcome{discovery::elapsed{}}));
    REQUIRE_FALSE(wrong.answer());
    CHECK(wrong.answer().error() == discovery_error::unexpected_answer);
}

} // namespace
