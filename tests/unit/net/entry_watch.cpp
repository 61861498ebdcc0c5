// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of who is told of changed entries.
#include <peerkit/net/entry_watch.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace peerkit;
using net::entry_change;
using net::entry_watch;

TEST_CASE("handlers are told of the keys that begin as theirs, in the order they were set") {
    entry_watch watch;
    std::vector<std::string> told;
    auto const note = [&](char const* who) {
        return [&told, who](entry_change const& c) { told.push_back(who + std::string{":"} + std::string{c.key}); };
    };
    CHECK(watch.empty());
    watch.set("shard/", note("shards"));
    watch.set("", note("all"));
    watch.set("shard/1", note("ones"));
    auto const tell = [&](char const* key) { watch.tell({node_id{}, key, as_bytes("v"), 1, false}); };
    tell("shard/12");
    tell("shar");
    using list = std::vector<std::string>;
    CHECK((told == list{"shards:shard/12", "all:shard/12", "ones:shard/12", "all:shar"}));
    told.clear();
    watch.set("", nullptr);
    watch.set("shard/", note("other"));
    tell("shard/12");
    CHECK((told == list{"ones:shard/12", "other:shard/12"}));
    watch.clear();
    CHECK(watch.empty());
}

TEST_CASE("a handler may take itself away, and set others, while it is told") {
    entry_watch watch;
    int first = 0, second = 0;
    watch.set("a", [&](entry_change const& c) {
        ++first;
        CHECK(c.text() == "value");
        watch.set("a", nullptr);
        watch.set("ab", [&](entry_change const&) { ++second; });
    });
    watch.tell({node_id{}, "abc", as_bytes("value"), 1, false});
    CHECK(first == 1);
    CHECK(second == 0);
    watch.tell({node_id{}, "abc", as_bytes("value"), 2, false});
    CHECK(first == 1);
    CHECK(second == 1);
}
