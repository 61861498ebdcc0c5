// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of small changes to a description.
#include <peerkit/core/description_edit.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace peerkit;

namespace {

description sample() {
    return {.name = "db1",
            .roles = {"worker"},
            .capabilities = {"gpu"},
            .labels = {{"zone", "a"}},
            .services = {{"sql", 5432, "primary"}}};
}

/// The edit fails in this way and has changed nothing.
template <typename Edit>
void check_refused(description const& from, Edit&& edit, core_error what, std::uint64_t position,
                   std::string_view field) {
    CAPTURE(field);
    description d = from;
    auto const done = edit(d);
    REQUIRE_FALSE(done);
    CHECK(done.error() == what);
    CHECK(done.error().position() == position);
    CHECK(done.error().field() == field);
    CHECK(d == from);
}

} // namespace

TEST_CASE("a label is set, set again, and taken away") {
    description d = sample();
    CHECK(set_label(d, "rack", "r1"));
    CHECK(set_label(d, "zone", "b"));
    CHECK(d.labels == std::vector<label>{{"zone", "b"}, {"rack", "r1"}});
    CHECK(erase_label(d, "zone"));
    CHECK(d.labels == std::vector<label>{{"rack", "r1"}});
}

TEST_CASE("a label that cannot be is refused and named") {
    auto const set = [](std::string key, std::string value) {
        return [=](description& d) { return set_label(d, key, value); };
    };
    check_refused(sample(), set("", "x"), core_error::empty, 0, "label key");
    check_refused(sample(), set("a b", "x"), core_error::bad_character, 1, "label key");
    check_refused(sample(), set("zone", "a\n"), core_error::bad_character, 1, "label value");
    check_refused(sample(), set("zone", std::string(limits::label_value + 1, 'v')), core_error::too_long,
                  limits::label_value + 1, "label value");
    check_refused(
        sample(), [](description& d) { return erase_label(d, "zon"); }, core_error::not_found, 0, "label key");
    description d = sample();
    while (d.labels.size() < limits::labels) REQUIRE(set_label(d, "k" + std::to_string(d.labels.size()), ""));
    check_refused(d, set("more", ""), core_error::too_long, limits::labels + 1, "labels");
    CHECK(set_label(d, "zone", "there is room for what is there"));
}

TEST_CASE("roles and capabilities are added once and taken away") {
    description d = sample();
    CHECK(add_role(d, "coordinator"));
    CHECK(add_role(d, "worker"));
    CHECK(d.roles == std::vector<std::string>{"worker", "coordinator"});
    CHECK(erase_role(d, "worker"));
    CHECK(d.roles == std::vector<std::string>{"coordinator"});
    CHECK(add_capability(d, "ssd"));
    CHECK(add_capability(d, "gpu"));
    CHECK(d.capabilities == std::vector<std::string>{"gpu", "ssd"});
    CHECK(erase_capability(d, "gpu"));
    CHECK(d.capabilities == std::vector<std::string>{"ssd"});
}

TEST_CASE("roles and capabilities that cannot be are refused and named") {
    check_refused(sample(), [](description& d) { return add_role(d, "a b"); }, core_error::bad_character, 1, "role");
    check_refused(sample(), [](description& d) { return erase_role(d, "gpu"); }, core_error::not_found, 0, "role");
    check_refused(sample(), [](description& d) { return add_capability(d, ""); }, core_error::empty, 0, "capability");
    check_refused(
        sample(), [](description& d) { return erase_capability(d, "worker"); }, core_error::not_found, 0, "capability");
    description d = sample();
    while (d.roles.size() < limits::roles) REQUIRE(add_role(d, "r" + std::to_string(d.roles.size())));
    while (d.capabilities.size() < limits::capabilities)
        REQUIRE(add_capability(d, "c" + std::to_string(d.capabilities.size())));
    check_refused(
        d, [](description& e) { return add_role(e, "more"); }, core_error::too_long, limits::roles + 1, "roles");
    check_refused(
        d, [](description& e) { return add_capability(e, "more"); }, core_error::too_long, limits::capabilities + 1,
        "capabilities");
    CHECK(add_role(d, "worker"));
    CHECK(add_capability(d, "gpu"));
}

TEST_CASE("a service is added, replaced, changed and taken away") {
    description d = sample();
    CHECK(upsert_service(d, {"http", 80, ""}));
    CHECK(upsert_service(d, {"sql", 5433, "replica", service_health::warning}));
    CHECK(d.services == std::vector<service>{{"sql", 5433, "replica", service_health::warning}, {"http", 80, ""}});
    CHECK(set_service_health(d, "http", service_health::passing));
    CHECK(set_service_info(d, "http", "v2"));
    CHECK(*d.find_service("http") == service{"http", 80, "v2", service_health::passing});
    CHECK(erase_service(d, "sql"));
    CHECK(d.services.size() == 1);
}

TEST_CASE("a service that cannot be is refused and named") {
    check_refused(
        sample(), [](description& d) { return upsert_service(d, {"s q", 1, ""}); }, core_error::bad_character, 1,
        "service name");
    check_refused(
        sample(), [](description& d) { return upsert_service(d, {"s", 1, "\x01"}); }, core_error::bad_character, 0,
        "service info");
    check_refused(
        sample(), [](description& d) { return set_service_info(d, "sql", "\x01"); }, core_error::bad_character, 0,
        "service info");
    check_refused(
        sample(), [](description& d) { return set_service_info(d, "s", "x"); }, core_error::not_found, 0,
        "service name");
    check_refused(
        sample(), [](description& d) { return set_service_health(d, "s", service_health::passing); },
        core_error::not_found, 0, "service name");
    check_refused(
        sample(), [](description& d) { return erase_service(d, "s"); }, core_error::not_found, 0, "service name");
    description d = sample();
    while (d.services.size() < limits::services)
        REQUIRE(upsert_service(d, {"s" + std::to_string(d.services.size()), 1, ""}));
    check_refused(
        d, [](description& e) { return upsert_service(e, {"more", 1, ""}); }, core_error::too_long,
        limits::services + 1, "services");
    CHECK(upsert_service(d, {"sql", 1, ""}));
}
