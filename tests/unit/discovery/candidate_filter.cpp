// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what is taken out of a list of candidates.
#include <peerkit/discovery/candidate_filter.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::own_identity;
using peerkit::ip_address;
using peerkit::ip_endpoint;
using peerkit::node_id;

namespace {

ip_address ip(std::string_view text) {
    auto const made = ip_address::parse(text);
    REQUIRE(made);
    return *made;
}
candidate at(std::initializer_list<std::pair<std::string_view, std::uint16_t>> places, unsigned char id = 0) {
    candidate c;
    for (auto const& [text, port] : places) REQUIRE(c.addresses.push_back({ip(text), port}));
    c.id.bytes[0] = std::byte{id};
    return c;
}

TEST_CASE("an address is this node only with this node's port") {
    own_identity const me{.addresses = {ip("192.0.2.1"), ip("::1")}, .port = 9000, .host_names = {}, .id = {}};
    CHECK(me.is_me(ip_endpoint{ip("192.0.2.1"), 9000}));
    CHECK(me.is_me(ip_endpoint{ip("::1"), 9000}));
    CHECK_FALSE(me.is_me(ip_endpoint{ip("192.0.2.1"), 9001}));
    CHECK_FALSE(me.is_me(ip_endpoint{ip("192.0.2.2"), 9000}));
}

TEST_CASE("a host name is compared without case and final dot, together with the port") {
    own_identity const me{.addresses = {}, .port = 9000, .host_names = {"DB1.example.org"}, .id = {}};
    CHECK(me.is_me("db1.EXAMPLE.org.", 9000));
    CHECK_FALSE(me.is_me("db1.example.org", 9001));
    CHECK_FALSE(me.is_me("db1.example.orgs", 9000));
    CHECK_FALSE(me.is_me("", 9000));
}

TEST_CASE("a node that does not know its port takes nothing for itself") {
    own_identity const me{.addresses = {ip("192.0.2.1")}, .port = 0, .host_names = {"db1"}, .id = {}};
    CHECK_FALSE(me.is_me(ip_endpoint{ip("192.0.2.1"), 0}));
    CHECK_FALSE(me.is_me("db1", 0));
}

TEST_CASE("a node without identity is not any other without identity") { CHECK_FALSE(own_identity{}.is_me(node_id{})); }

TEST_CASE("addresses are sorted into those of one node and those of another machine") {
    struct row {
        std::string_view text;
        bool unicast, remote;
    };
    for (row const& r : std::initializer_list<row>{{"192.0.2.1", true, true},
                                                   {"100.64.0.1", true, true},
                                                   {"fd7a:115c:a1e0::1", true, true},
                                                   {"10.0.0.1", true, true},
                                                   {"127.0.0.1", true, false},
                                                   {"::1", true, false},
                                                   {"169.254.1.1", true, false},
                                                   {"fe80::1", true, false},
                                                   {"0.0.0.0", false, false},
                                                   {"::", false, false},
                                                   {"224.0.0.1", false, false},
                                                   {"ff02::1", false, false},
                                                   {"255.255.255.255", false, false}}) {
        CAPTURE(r.text);
        CHECK(discovery::is_unicast(ip(r.text)) == r.unicast);
        CHECK(discovery::is_remote(ip(r.text)) == r.remote);
    }
    CHECK_FALSE(discovery::is_unicast(ip_address{}));
}

TEST_CASE("this node is dropped by identity, and address by address") {
    own_identity me{.addresses = {ip("192.0.2.1")}, .port = 9000, .host_names = {}, .id = {}};
    me.id.bytes[0] = std::byte{7};
    std::vector<candidate> found{at({{"192.0.2.9", 9000}}, 7), at({{"192.0.2.1", 9000}}),
                                 at({{"192.0.2.1", 9000}, {"192.0.2.2", 9000}}), at({{"192.0.2.1", 9001}})};
    CHECK(discovery::drop_self(found, me) == 2);
    CHECK(found == std::vector{at({{"192.0.2.2", 9000}}), at({{"192.0.2.1", 9001}})});
}

TEST_CASE("addresses that no other machine can mean are dropped, and candidates left without any") {
    std::vector<candidate> found{at({{"127.0.0.1", 9000}}), at({{"fe80::1", 9000}, {"192.0.2.1", 9000}}),
                                 at({{"224.0.0.1", 9000}}), at({{"192.0.2.3", 0}}), candidate{}};
    CHECK(discovery::drop_unreachable(found) == 4);
    CHECK(found == std::vector{at({{"192.0.2.1", 9000}})});
}

TEST_CASE("candidates that share an address become one, in the place of the first, with all addresses") {
    candidate named = at({{"192.0.2.2", 9000}, {"192.0.2.3", 9000}}, 4);
    named.name = named.name.cut("db2");
    named.state = discovery::presence::offline;
    named.labels = {{"zone", "a"}};
    std::vector<candidate> found{at({{"192.0.2.1", 9000}, {"192.0.2.2", 9000}}), at({{"192.0.2.9", 9000}}), named};
    CHECK(discovery::merge_duplicates(found) == 1);
    candidate merged = at({{"192.0.2.1", 9000}, {"192.0.2.2", 9000}, {"192.0.2.3", 9000}}, 4);
    merged.name = merged.name.cut("db2");
    merged.state = discovery::presence::offline;
    merged.labels = {{"zone", "a"}};
    CHECK(found == std::vector{merged, at({{"192.0.2.9", 9000}})});
}

TEST_CASE("a candidate somewhere called online stays online when merged with an offline one") {
    std::vector<candidate> found{at({{"192.0.2.1", 9000}}), at({{"192.0.2.1", 9000}})};
    found[0].state = discovery::presence::online;
    found[1].state = discovery::presence::offline;
    CHECK(discovery::merge_duplicates(found) == 1);
    CHECK(found[0].state == discovery::presence::online);
}

TEST_CASE("candidates with the same identity become one") {
    std::vector<candidate> found{at({{"192.0.2.1", 9000}}, 1), at({{"192.0.2.2", 9000}}, 2),
                                 at({{"192.0.2.3", 9000}}, 1)};
    CHECK(discovery::merge_duplicates(found) == 1);
    CHECK(found == std::vector{at({{"192.0.2.1", 9000}, {"192.0.2.3", 9000}}, 1), at({{"192.0.2.2", 9000}}, 2)});
}

TEST_CASE("two identities on one address stay two candidates, even with one of unknown identity between") {
    std::vector<candidate> found{at({{"192.0.2.1", 9000}}, 1), at({{"192.0.2.1", 9000}}), at({{"192.0.2.1", 9000}}, 2)};
    CHECK(discovery::merge_duplicates(found) == 1);
    REQUIRE(found.size() == 2);
    CHECK(found[0].id != found[1].id);
}

TEST_CASE("the same address with another port is another node") {
    std::vector<candidate> found{at({{"192.0.2.1", 9000}}), at({{"192.0.2.1", 9001}})};
    CHECK(discovery::merge_duplicates(found) == 0);
    CHECK(found.size() == 2);
}

TEST_CASE("a chain of shared addresses is one candidate, whatever the order") {
    std::vector<candidate> found{at({{"192.0.2.1", 1}}), at({{"192.0.2.3", 1}}),
                                 at({{"192.0.2.2", 1}, {"192.0.2.3", 1}}), at({{"192.0.2.1", 1}, {"192.0.2.2", 1}})};
    CHECK(discovery::merge_duplicates(found) == 3);
    REQUIRE(found.size() == 1);
    CHECK(found[0].addresses.size() == 3);
    CHECK(found[0].addresses.front() == ip_endpoint{ip("192.0.2.1"), 1});
}

} // namespace
