// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the numbers of a registry.
#include <peerkit/registry/registry_options.hpp>

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;

TEST_CASE("the defaults agree with each other and are those that are promised") {
    registry_options o;
    CHECK(check(o));
    CHECK(o.heartbeat_interval == 30s);
    CHECK(o.offline_after() == 95s);
    o.role = registry_role::secondary;
    CHECK(o.queue_size() == 5'000);
    CHECK(check(o).error().field() == "name");
    o.name = "east";
    CHECK(check(o));
    o.role = registry_role::integrated;
    CHECK(o.queue_size() == 1'000);
    o.queue_limit = 7;
    CHECK(o.queue_size() == 7);
}

TEST_CASE("an option outside its range is named") {
    auto const field = [](auto&& change) {
        registry_options o;
        change(o);
        auto const ok = check(o);
        return ok ? std::string_view{} : ok.error().field();
    };
    CHECK(field([](registry_options& o) { o.heartbeat_interval = 0s; }) == "heartbeat_interval");
    CHECK(field([](registry_options& o) { o.missed_heartbeats = 0; }) == "missed_heartbeats");
    CHECK(field([](registry_options& o) { o.heartbeat_grace = -1s; }) == "heartbeat_grace");
    CHECK(field([](registry_options& o) { o.expire_after = -1s; }) == "expire_after");
    CHECK(field([](registry_options& o) { o.name_hold = -1s; }) == "name_hold");
    CHECK(field([](registry_options& o) { o.remember_removals = 1s; }) == "remember_removals");
    CHECK(field([](registry_options& o) { o.table.max_rows = 0; }) == "max_rows");
    CHECK(field([](registry_options& o) { o.table.max_removals = 0; }) == "max_removals");
    CHECK(field([](registry_options& o) { o.name = std::string(64, 'x'); }) == "name");
    CHECK(field([](registry_options& o) { o.refresh_interval = 0s; }) == "refresh_interval");
    CHECK(field([](registry_options& o) { o.fetch_timeout = 0s; }) == "fetch_timeout");
    CHECK(field([](registry_options& o) { o.long_poll = -1s; }) == "long_poll");
    CHECK(field([](registry_options& o) { o.retry_first = 2min; }) == "retry_first");
    CHECK(field([](registry_options& o) { o.retry_most = 25h; }) == "retry_most");
    CHECK(field([](registry_options& o) { o.answer_wait = -1s; }) == "answer_wait");
    CHECK(field([](registry_options& o) { o.beat_interval = 31s; }) == "beat_interval");
    CHECK(field([](registry_options& o) { o.page_rows = 0; }) == "page_rows");
}

TEST_CASE("a role reads as it is written, and another word is none") {
    for (auto const role : {registry_role::root, registry_role::secondary, registry_role::integrated}) {
        CHECK(parse_role(to_string(role)) == role);
    }
    CHECK(parse_role("boss") == std::nullopt);
}
