// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of candidates: provenance has stable numbers and names, equality sees every member.
#include <peerkit/discovery/candidate.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::provenance;
using peerkit::ip_address;

namespace {

TEST_CASE("the numbers of provenance, which are stored with peers, do not change") {
    CHECK(static_cast<int>(provenance::unknown) == 0);
    CHECK(static_cast<int>(provenance::static_list) == 1);
    CHECK(static_cast<int>(provenance::tailscale) == 2);
    CHECK(static_cast<int>(provenance::dns) == 3);
    CHECK(static_cast<int>(provenance::registry) == 4);
    CHECK(static_cast<int>(provenance::mdns) == 5);
    CHECK(static_cast<int>(provenance::stored) == 6);
    CHECK(static_cast<int>(provenance::gossip) == 7);
    CHECK(static_cast<int>(provenance::host) == 8);
}

TEST_CASE("every provenance has a name of its own, and a number of a later version is unknown") {
    std::set<std::string_view> names;
    for (int value = 0; value <= 8; ++value) CHECK(names.insert(to_string(static_cast<provenance>(value))).second);
    CHECK(to_string(static_cast<provenance>(200)) == "unknown");
}

TEST_CASE("a new candidate claims nothing") {
    candidate const c;
    CHECK(c.name.empty());
    CHECK(c.addresses.empty());
    CHECK(c.source == provenance::unknown);
    CHECK(c.state == discovery::presence::unknown);
    CHECK(c.time_to_live == peerkit::duration::zero());
    CHECK_FALSE(c.id);
}

TEST_CASE("candidates that differ in any one member are not equal") {
    std::vector<std::function<void(candidate&)>> const changes{
        [](candidate& c) { c.name = c.name.cut("x"); },
        [](candidate& c) { c.addresses = {{ip_address::v4(192, 0, 2, 1), 1}}; },
        [](candidate& c) { c.source = provenance::dns; },
        [](candidate& c) { c.state = discovery::presence::offline; },
        [](candidate& c) { c.strategy = c.strategy.cut("x"); },
        [](candidate& c) { c.time_to_live = peerkit::duration{1}; },
        [](candidate& c) { c.id.bytes[3] = std::byte{1}; },
        [](candidate& c) { c.labels.push_back({"k", "v"}); },
    };
    CHECK(candidate{} == candidate{});
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        candidate c;
        changes[i](c);
        CHECK(c != candidate{});
    }
}

} // namespace
