// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the keys that a strategy written as text may have, and of their values.
#include <peerkit/discovery/provider_schema.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::check_options;
using discovery::discovery_error;
using discovery::option_kind;
using discovery::provider_schema;
using discovery::provider_text;
using discovery::provider_values;
using peerkit::core_error;
using namespace std::chrono_literals;

namespace {

provider_schema const office{.name = "office",
                             .keys = {{.name = "room", .required = true},
                                      {.name = "names", .kind = option_kind::list},
                                      {.name = "run", .kind = option_kind::words},
                                      {.name = "port", .kind = option_kind::port},
                                      {.name = "floor", .kind = option_kind::number, .min = 2, .max = 9},
                                      {.name = "wait", .kind = option_kind::time, .min = 10, .max = 60'000},
                                      {.name = "open", .kind = option_kind::flag},
                                      {.name = "wing", .kind = option_kind::choice, .choices = "east|west"}}};

provider_text parsed(std::string_view text) {
    auto made = discovery::parse_provider(text);
    REQUIRE(made);
    return std::move(*made);
}
peerkit::error refused(std::string_view text, provider_schema const& schema = office) {
    auto const ok = check_options(parsed(text), schema);
    REQUIRE_FALSE(ok);
    return ok.error();
}
void check(peerkit::error const& got, peerkit::error const& expected) {
    CHECK(got == expected);
    CHECK(got.position() == expected.position());
    CHECK(got.field() == expected.field());
}

TEST_CASE("options that fit are read by type; those not given have the value passed along") {
    provider_text const text =
        parsed(R"(office room="a b" names="x, y z" run="list \"a b\" c\"d\"e" port=9100 floor=3 wait=2s
                                         open=yes wing=west)");
    REQUIRE(check_options(text, office));
    provider_values const values{text, office};
    CHECK(values.text("room") == "a b");
    CHECK(values.list("names") == std::vector<std::string>{"x", "y", "z"});
    CHECK(values.words("run") == std::vector<std::string>{"list", "a b", "cde"});
    CHECK(values.port("port", 1) == 9100);
    CHECK(values.number("floor", 7U) == 3);
    CHECK(values.duration_of("wait", 1h) == 2s);
    CHECK(values.flag("open", false));
    CHECK(values.text("wing", "east") == "west");
    CHECK(values.has("wing"));

    provider_text const bare = parsed("office room=x");
    provider_values const none{bare, office};
    CHECK_FALSE(none.has("wing"));
    CHECK(none.text("wing", "east") == "east");
    CHECK(none.list("names").empty());
    CHECK(none.words("run").empty());
    CHECK(none.port("port", 1) == 1);
    CHECK(none.number("floor", 7U) == 7);
    CHECK(none.duration_of("wait", 1h) == 1h);
    CHECK(none.flag("open", true));
}

TEST_CASE("times have a unit") {
    auto const wait = [](std::string const& value) {
        provider_text const text = parsed("office room=x keep=" + value);
        REQUIRE(check_options(text, office));
        return provider_values{text, office}.duration_of("keep", {});
    };
    CHECK(wait("250ms") == 250ms);
    CHECK(wait("5s") == 5s);
    CHECK(wait("10m") == 10min);
    CHECK(wait("24h") == 24h);
    for (char const* const bad : {"5", "s", "1.5s", "-5s", "5 s", "5S", "5d", "18446744073709551616ms", "87601h",
                                  "18446744073709551615h", "5124095576031h", "0s"}) {
        CAPTURE(bad);
        CHECK(refused("office room=x keep=\"" + std::string{bad} + "\"") == discovery_error::bad_option);
    }
    CHECK(wait("87600h") == 87600h);
}

TEST_CASE("values that are not of their kind, or outside their bounds, are named with key and place") {
    for (char const* const bad : {"port=0",
                                  "port=65536",
                                  "port=x",
                                  "port=+1",
                                  "port=1.0",
                                  "port=",
                                  "floor=1",
                                  "floor=10",
                                  "floor=",
                                  "floor=99999999999999999999",
                                  "wait=9ms",
                                  "wait=61s",
                                  "open=maybe",
                                  "open=",
                                  "wing=north",
                                  "wing=",
                                  "wing=east|west",
                                  "names=\",\"",
                                  "names=",
                                  "run=",
                                  "run=\"a \\\"b\"",
                                  "run=\"\\\"\\\\x\\\"\"",
                                  "room="}) {
        std::string const text = "office " + std::string{bad};
        CAPTURE(text);
        std::string_view const key = std::string_view{bad}.substr(0, std::string_view{bad}.find('='));
        peerkit::error const got = refused(text);
        CHECK(got == discovery_error::bad_option);
        CHECK(got.field() == key);
        std::size_t const quoted = text.find("=\"") != std::string::npos ? 1 : 0;
        CHECK(got.position() == 7 + key.size() + 1 + quoted);
    }
    for (char const* const good :
         {"port=65535", "port=1", "floor=2", "floor=9", "wait=10ms", "wait=1m", "open=off", "wing=east"}) {
        CHECK(check_options(parsed("office room=x " + std::string{good}), office));
    }
}

TEST_CASE("unknown, repeated and missing keys are named") {
    check(refused("office room=x colour=red"), {discovery_error::unknown_option, 14, "office"});
    check(refused("office room=x room=y"), {core_error::duplicate_key, 14, "room"});
    check(refused("office room=x keep=1h keep=2h"), {core_error::duplicate_key, 22, "keep"});
    check(refused("  office port=1"), {discovery_error::missing_option, 2, "room"});
}

TEST_CASE("every strategy has the modifiers") {
    CHECK(check_options(parsed("office room=x filter=db* where=zone=a timeout=5s retry=3 keep=1h"), office));
    check(refused("office room=x retry=0"), {discovery_error::bad_option, 20, "retry"});
    check(refused("office room=x retry=101"), {discovery_error::bad_option, 20, "retry"});
    check(refused("office room=x timeout=0ms"), {discovery_error::bad_option, 22, "timeout"});
}

TEST_CASE("parentheses belong to lists, and lists need them") {
    check(refused("office(mdns) room=x"), {core_error::bad_character, 6, "parenthesis"});
    provider_schema const list{.name = "list", .is_list = true};
    CHECK(check_options(parsed("list(a, b) keep=1h"), list));
    check(refused("list keep=1h", list), {discovery_error::missing_option, 0, "strategies in parentheses"});
}

TEST_CASE("a provider that cannot be used says why, whatever its options") {
    provider_schema const later{.name = "later", .unsupported = "later: not yet"};
    check(refused(" later url=x", later), {discovery_error::unsupported, 1, "later: not yet"});
}

TEST_CASE("an error inside a value is placed in the text") {
    provider_text const text = parsed(R"(office room=a.b names="x \"y\"")");
    provider_values const values{text, office};
    peerkit::error const inner{core_error::bad_character, 1, "label"};
    check(values.place(inner, "room"), {core_error::bad_character, 13, "room"});
    check(values.place(inner, "room", false), {core_error::bad_character, 12, "room"});
    check(values.place(inner.at(77, ""), "room"), {core_error::bad_character, 12, "room"});
    // Escapes move everything behind them: the beginning is right at least.
    check(values.place(inner, "names"), {core_error::bad_character, 23, "names"});
    check(values.place(inner, "wing"), {core_error::bad_character, 0, "wing"});
}

} // namespace
