// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what parameters ask for, and of their defaults.
#include <peerkit/registry/api_query.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace registry = peerkit::registry;
using namespace std::chrono_literals;
using registry::registry_error;

namespace {

registry::list_request list_of(std::string const& query) {
    auto const read = registry::read_list_query(*registry::request_target::parse("/api/nodes?" + query));
    REQUIRE(read);
    return *read;
}
registry::change_request changes_of(std::string const& query, bool everything) {
    auto const read = registry::read_change_query(*registry::request_target::parse("/x?" + query), everything);
    REQUIRE(read);
    return *read;
}

} // namespace

TEST_CASE("a list without parameters is everybody, in full, at once") {
    auto const all = list_of("");
    CHECK_FALSE(all.nodes.domain);
    CHECK(all.nodes.role.empty());
    CHECK(all.nodes.labels.empty());
    CHECK_FALSE(all.nodes.status);
    CHECK(all.nodes.limit == 1000);
    CHECK_FALSE(all.nodes.after);
    CHECK(all.form == registry::row_form::full);
    CHECK(all.wait == peerkit::duration::zero());
}

TEST_CASE("every parameter is taken") {
    std::string const id(64, 'a');
    auto const some =
        list_of("domain=Example.Test.&role=db&label=gpu&status=offline&found_by=dns&name=we&limit=7&cursor=" + id +
                "&form=compact&wait=20&version=9&epoch=00000000000000ff");
    CHECK(some.nodes.domain == "example.test");
    CHECK(some.nodes.role == "db");
    CHECK_FALSE(some.nodes.labels.empty());
    CHECK(some.nodes.status == registry::node_status::offline);
    CHECK(some.nodes.found_by == "dns");
    CHECK(some.nodes.name_prefix == "we");
    CHECK(some.nodes.limit == 7);
    REQUIRE(some.nodes.after);
    CHECK(some.nodes.after->to_string() == id);
    CHECK(some.form == registry::row_form::compact);
    CHECK(some.wait == 20s);
    CHECK(some.version == 9);
    CHECK(some.epoch == 255);
    CHECK(list_of("domain=").nodes.domain == ""); // those that said none
    CHECK(list_of("wait=18446744073709551615").wait == 1h);
}

TEST_CASE("changes are asked for behind a place, everything from the start") {
    auto const behind = changes_of("since=7&epoch=00000000000000ab", false);
    CHECK(behind.cursor == registry::change_cursor{0xab, 7, 7});
    CHECK(changes_of("since=7&epoch=00000000000000ab&base=3&wait=55", false).cursor.base == 3);
    CHECK(changes_of("", true).cursor == registry::change_cursor{});
    CHECK(changes_of("since=7&epoch=00000000000000ab&base=9", true).cursor == registry::change_cursor{0xab, 7, 9});
    auto const lost = registry::read_change_query(*registry::request_target::parse("/x"), false);
    REQUIRE_FALSE(lost);
    CHECK(lost.error() == registry_error::bad_query);
    CHECK(lost.error().field() == "since");
    CHECK_FALSE(registry::read_change_query(*registry::request_target::parse("/x?limit=1"), true));
}
