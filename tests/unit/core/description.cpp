// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a node says of itself: names, texts, and the bounds and order normalize() checks.
#include <peerkit/core/description.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using peerkit::address_kind;
using peerkit::core_error;
using peerkit::description;
using peerkit::ip_address;
namespace limits = peerkit::limits;

namespace {

static_assert(peerkit::check_name("db-1_a.b/c:D9", 20, "name").has_value(), "usable in constant expressions");
static_assert(peerkit::check_name("a b", 20, "name").error() == core_error::bad_character);
static_assert(peerkit::check_text("", 0, "text").has_value());
static_assert(std::is_trivially_copyable_v<peerkit::typed_address>);
static_assert(sizeof(address_kind) == 1);
// These travel: another number is another protocol.
static_assert(static_cast<int>(peerkit::service_health::unknown) == 0 &&
              static_cast<int>(peerkit::service_health::passing) == 1 &&
              static_cast<int>(peerkit::service_health::warning) == 2 &&
              static_cast<int>(peerkit::service_health::critical) == 3);
static_assert(static_cast<int>(address_kind::unspecified) == 0 && static_cast<int>(address_kind::local) == 1 &&
              static_cast<int>(address_kind::overlay) == 2 && static_cast<int>(address_kind::global) == 3 &&
              static_cast<int>(address_kind::observed) == 4);

/// The result of normalize(), with what must be known of an error in one place.
void check_refused(description d, core_error expected, std::uint64_t position, std::string_view field) {
    CAPTURE(field);
    auto const done = peerkit::normalize(d);
    REQUIRE(!done);
    CHECK(done.error() == expected);
    CHECK(done.error().position() == position);
    CHECK(done.error().field() == field);
}

description valid() { return {.name = "db1"}; }

std::string numbered(std::string_view prefix, std::size_t number) {
    std::string digits = std::to_string(number);
    return std::string{prefix} + std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits;
}

/// A description with every list and text at its bound.
description full() {
    description d;
    d.name.assign(limits::name, 'n');
    d.version.assign(limits::version_text, 'v');
    d.api_port = 8000;
    for (std::size_t i = 0; i < limits::addresses; ++i) {
        d.addresses.push_back({ip_address::v4(192, 0, 2, static_cast<std::uint8_t>(i)), 0, address_kind::global});
    }
    for (std::size_t i = 0; i < limits::roles; ++i) {
        d.roles.push_back(numbered(std::string(limits::role - 3, 'r'), i));
    }
    for (std::size_t i = 0; i < limits::capabilities; ++i) {
        d.capabilities.push_back(numbered(std::string(limits::capability - 3, 'c'), i));
    }
    for (std::size_t i = 0; i < limits::labels; ++i) {
        d.labels.push_back(
            {numbered(std::string(limits::label_key - 3, 'k'), i), std::string(limits::label_value, 'w')});
    }
    for (std::size_t i = 0; i < limits::services; ++i) {
        d.services.push_back(
            {numbered(std::string(limits::service_name - 3, 's'), i), 0, std::string(limits::service_info, 'i')});
    }
    return d;
}

} // namespace

TEST_CASE("a name is one or more letters, digits and five signs") {
    int allowed = 0;
    for (int c = 0; c < 256; ++c) {
        char const text[] = {'a', static_cast<char>(c), 'z'};
        auto const done = peerkit::check_name({text, 3}, 3, "role");
        bool const fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '/' || c == ':';
        CHECK(done.has_value() == fine);
        allowed += done ? 1 : 0;
        if (!done) {
            CHECK(done.error() == core_error::bad_character);
            CHECK(done.error().position() == 1);
            CHECK(done.error().field() == "role");
        }
    }
    CHECK(allowed == 26 + 26 + 10 + 5);
}

TEST_CASE("a wrong character is found wherever it stands in a name or text") {
    for (std::size_t i = 0; i < 5; ++i) {
        std::string text = "abcde";
        text[i] = '\n';
        CHECK(peerkit::check_name(text, 5, "name").error().position() == i);
        CHECK(peerkit::check_text(text, 5, "text").error().position() == i);
    }
}

TEST_CASE("a name has a length from one to its limit") {
    auto const none = peerkit::check_name("", 5, "name");
    REQUIRE(!none);
    CHECK(none.error() == core_error::empty);
    CHECK(none.error().field() == "name");
    for (std::size_t size = 1; size < 10; ++size) {
        auto const done = peerkit::check_name(std::string(size, 'a'), 5, "name");
        CHECK(done.has_value() == (size <= 5));
        if (!done) {
            CHECK(done.error() == core_error::too_long);
            CHECK(done.error().position() == size);
        }
    }
    // The length is judged first: of a text both too long and wrong, it says too long.
    CHECK(peerkit::check_name("a b c d", 5, "name").error() == core_error::too_long);
}

TEST_CASE("free text is anything but control characters, of any length up to its limit") {
    for (int c = 0; c < 256; ++c) {
        char const text[] = {'a', 'b', static_cast<char>(c)};
        auto const done = peerkit::check_text({text, 3}, 3, "label value");
        CHECK(done.has_value() == (c >= 0x20 && c != 0x7f));
        if (!done) {
            CHECK(done.error() == core_error::bad_character);
            CHECK(done.error().position() == 2);
            CHECK(done.error().field() == "label value");
        }
    }
    for (std::size_t size = 0; size < 10; ++size) {
        auto const done = peerkit::check_text(std::string(size, ' '), 5, "version");
        CHECK(done.has_value() == (size <= 5));
        if (!done) {
            CHECK(done.error() == core_error::too_long);
            CHECK(done.error().position() == size);
            CHECK(done.error().field() == "version");
        }
    }
}

TEST_CASE("a description with a name alone is enough") {
    description d = valid();
    CHECK(peerkit::normalize(d).has_value());
    CHECK(d == valid());
    CHECK(d.gossip_port == 9000);
    CHECK(d.api_port == 0);
}

TEST_CASE("a description at every bound at once is accepted") {
    description d = full();
    CHECK(peerkit::normalize(d).has_value());
    CHECK(d == full());
}

TEST_CASE("normalizing sorts roles, capabilities, labels and services and leaves everything else") {
    description d = valid();
    d.capabilities = {"ssd", "gpu", "GPU"};
    d.roles = {"worker", "db", "Db", "a"};
    d.labels = {{"zone", "a"}, {"rack", "7"}, {"disk", ""}};
    d.services = {{"sql", 5432, "x"}, {"http", 80, ""}, {"metrics", 0, "y"}};
    d.addresses = {{ip_address::v4(9, 9, 9, 9), 5, address_kind::observed},
                   {ip_address::v4(1, 1, 1, 1), 0, address_kind::local}};
    auto const addresses = d.addresses;
    REQUIRE(peerkit::normalize(d));
    CHECK(d.roles == std::vector<std::string>{"Db", "a", "db", "worker"});
    CHECK(d.capabilities == std::vector<std::string>{"GPU", "gpu", "ssd"});
    CHECK(d.labels == std::vector<peerkit::label>{{"disk", ""}, {"rack", "7"}, {"zone", "a"}});
    CHECK(d.services == std::vector<peerkit::service>{{"http", 80, ""}, {"metrics", 0, "y"}, {"sql", 5432, "x"}});
    // Addresses are in order of preference, which is the host's.
    CHECK(d.addresses == addresses);
    CHECK(d.name == "db1");
}

TEST_CASE("any order of the same entries becomes the same description, and doing it twice changes nothing") {
    description expected = full();
    peerkit::seeded_rng rng{21};
    for (int round = 0; round < 50; ++round) {
        description d = full();
        peerkit::shuffle(std::span{d.roles}, rng);
        peerkit::shuffle(std::span{d.labels}, rng);
        peerkit::shuffle(std::span{d.services}, rng);
        CHECK(d != expected);
        REQUIRE(peerkit::normalize(d));
        CHECK(d == expected);
        REQUIRE(peerkit::normalize(d));
        CHECK(d == expected);
    }
}

TEST_CASE("a bad name is refused") {
    description d;
    check_refused(d, core_error::empty, 0, "name");
    d.name.assign(limits::name + 1, 'n');
    check_refused(d, core_error::too_long, limits::name + 1, "name");
    d.name = "my node";
    check_refused(d, core_error::bad_character, 2, "name");
}

TEST_CASE("a bad version is refused") {
    description d = valid();
    d.version.assign(limits::version_text + 1, 'v');
    check_refused(d, core_error::too_long, limits::version_text + 1, "version");
    d.version = "1.0\n";
    check_refused(d, core_error::bad_character, 3, "version");
}

TEST_CASE("a gossip port of zero is refused and an api port of zero means none") {
    description d = valid();
    d.gossip_port = 0;
    check_refused(d, core_error::bad_port, 0, "gossip port");
    d.gossip_port = 1;
    CHECK(peerkit::normalize(d).has_value());
    d.gossip_port = 65535;
    CHECK(peerkit::normalize(d).has_value());
}

TEST_CASE("too many addresses, or one that is none, are refused") {
    description d = full();
    d.addresses.push_back(d.addresses.front());
    check_refused(d, core_error::too_long, limits::addresses + 1, "addresses");
    for (std::size_t i = 0; i < limits::addresses; ++i) {
        d = full();
        d.addresses[i].address = {};
        check_refused(d, core_error::bad_address, i, "addresses");
    }
}

TEST_CASE("too many, bad and duplicate roles are refused") {
    description d = full();
    d.roles.push_back("z");
    check_refused(d, core_error::too_long, limits::roles + 1, "roles");
    d = valid();
    d.roles = {"a", ""};
    check_refused(d, core_error::empty, 0, "role");
    d.roles = {std::string(limits::role + 1, 'r')};
    check_refused(d, core_error::too_long, limits::role + 1, "role");
    d.roles = {"db;x"};
    check_refused(d, core_error::bad_character, 2, "role");
    d.roles = {"b", "c", "a", "c"};
    check_refused(d, core_error::duplicate_key, 3, "roles");
    d.roles = {"a", "a"};
    check_refused(d, core_error::duplicate_key, 1, "roles");
}

TEST_CASE("too many, bad and duplicate labels are refused") {
    description d = full();
    d.labels.push_back({"z", ""});
    check_refused(d, core_error::too_long, limits::labels + 1, "labels");
    d = valid();
    d.labels = {{"", "v"}};
    check_refused(d, core_error::empty, 0, "label key");
    d.labels = {{std::string(limits::label_key + 1, 'k'), ""}};
    check_refused(d, core_error::too_long, limits::label_key + 1, "label key");
    d.labels = {{"a=b", ""}};
    check_refused(d, core_error::bad_character, 1, "label key");
    d.labels = {{"k", std::string(limits::label_value + 1, 'w')}};
    check_refused(d, core_error::too_long, limits::label_value + 1, "label value");
    d.labels = {{"k", "a\tb"}};
    check_refused(d, core_error::bad_character, 1, "label value");
    d.labels = {{"z", "1"}, {"a", ""}, {"z", "2"}};
    check_refused(d, core_error::duplicate_key, 2, "labels");
    d.labels = {{"z", "1"}, {"z", "1"}};
    check_refused(d, core_error::duplicate_key, 1, "labels");
}

TEST_CASE("too many, bad and duplicate capabilities are refused") {
    description d = full();
    d.capabilities.push_back("z");
    check_refused(d, core_error::too_long, limits::capabilities + 1, "capabilities");
    d = valid();
    d.capabilities = {"gpu", ""};
    check_refused(d, core_error::empty, 0, "capability");
    d.capabilities = {std::string(limits::capability + 1, 'c')};
    check_refused(d, core_error::too_long, limits::capability + 1, "capability");
    d.capabilities = {"g pu"};
    check_refused(d, core_error::bad_character, 1, "capability");
    d.capabilities = {"b", "a", "b"};
    check_refused(d, core_error::duplicate_key, 2, "capabilities");
}

TEST_CASE("too many, bad and duplicate services are refused") {
    description d = full();
    d.services.push_back({"z", 0, ""});
    check_refused(d, core_error::too_long, limits::services + 1, "services");
    d = valid();
    d.services = {{"", 1, ""}};
    check_refused(d, core_error::empty, 0, "service name");
    d.services = {{std::string(limits::service_name + 1, 's'), 1, ""}};
    check_refused(d, core_error::too_long, limits::service_name + 1, "service name");
    d.services = {{"s q l", 1, ""}};
    check_refused(d, core_error::bad_character, 1, "service name");
    d.services = {{"sql", 1, std::string(limits::service_info + 1, 'i')}};
    check_refused(d, core_error::too_long, limits::service_info + 1, "service info");
    d.services = {{"sql", 1, std::string{"\x7f"}}};
    check_refused(d, core_error::bad_character, 0, "service info");
    // Another port or text does not make it another service.
    d.services = {{"sql", 1, "x"}, {"sql", 2, "y"}};
    check_refused(d, core_error::duplicate_key, 1, "services");
}

TEST_CASE("a refused description has lost nothing") {
    description d = valid();
    d.roles = {"b", "a", "b"};
    d.labels = {{"y", "1"}, {"x", "2"}};
    description sorted = d;
    std::sort(sorted.roles.begin(), sorted.roles.end());
    std::swap(sorted.labels[0], sorted.labels[1]);
    REQUIRE(!peerkit::normalize(d));
    CHECK(d == sorted);
}

TEST_CASE("a service is looked up by its name, and its health has a word") {
    using peerkit::service_health;
    description d = valid();
    d.services = {{"sql", 5432, "", service_health::warning}, {"http", 80}};
    REQUIRE(d.find_service("sql") != nullptr);
    CHECK(d.find_service("sql")->port == 5432);
    CHECK(d.find_service("http")->health == service_health::unknown);
    CHECK(d.find_service("sq") == nullptr);
    CHECK(to_string(service_health::unknown) == "unknown");
    CHECK(to_string(service_health::passing) == "passing");
    CHECK(to_string(service_health::warning) == "warning");
    CHECK(to_string(service_health::critical) == "critical");
}

TEST_CASE("a label is looked up by its key, a role and a capability by its name") {
    description d = valid();
    d.capabilities = {"gpu"};
    CHECK(d.has_capability("gpu"));
    CHECK(!d.has_capability("gp"));
    d.labels = {{"zone", "a"}, {"empty", ""}};
    d.roles = {"worker"};
    CHECK(d.label_value("zone") == "a");
    CHECK(d.label_value("empty") == "");
    CHECK(!d.label_value("zon").has_value());
    CHECK(!d.label_value("").has_value());
    CHECK(d.has_role("worker"));
    CHECK(!d.has_role("work"));
    CHECK(!d.has_role(""));
}

TEST_CASE("descriptions are equal if everything in them is") {
    auto const differs = [](auto change) {
        description d = full();
        change(d);
        return d != full();
    };
    CHECK(full() == full());
    CHECK(differs([](description& d) { d.name = "x"; }));
    CHECK(differs([](description& d) { d.gossip_port = 1; }));
    CHECK(differs([](description& d) { d.api_port = 1; }));
    CHECK(differs([](description& d) { d.version = "x"; }));
    CHECK(differs([](description& d) { d.addresses[0].port = 1; }));
    CHECK(differs([](description& d) { d.addresses[0].kind = address_kind::local; }));
    CHECK(differs([](description& d) { d.addresses[0].address = ip_address::v4(1, 1, 1, 1); }));
    CHECK(differs([](description& d) { d.roles[0] = "x"; }));
    CHECK(differs([](description& d) { d.labels[0].key = "x"; }));
    CHECK(differs([](description& d) { d.labels[0].value = "x"; }));
    CHECK(differs([](description& d) { d.services[0].name = "x"; }));
    CHECK(differs([](description& d) { d.services[0].port = 1; }));
    CHECK(differs([](description& d) { d.services[0].info = "x"; }));
    CHECK(differs([](description& d) { d.services[0].health = peerkit::service_health::passing; }));
    CHECK(differs([](description& d) { d.services[0].version = 1; }));
    CHECK(differs([](description& d) { d.capabilities[0] = "x"; }));
}
