// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the selection of peers without any document: the rules by themselves, and that tables are reused cleanly.
#include <peerkit/discovery/tailscale_selection.hpp>

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::peer_drop;
using discovery::tailscale_filter;
using discovery::tailscale_node;
using discovery::tailscale_selection;
using discovery::tailscale_status;
using peerkit::ip_family;

namespace {

tailscale_node node(std::string_view id, std::string_view name, std::string_view address) {
    tailscale_node made;
    made.id = id;
    made.dns_name = name;
    REQUIRE(made.addresses.push_back(address));
    return made;
}
std::vector<std::string> addresses_of(tailscale_node const& n, ip_family family) {
    std::vector<std::string> found;
    n.for_each_address(family, [&found](auto const& a) { found.push_back(a.to_string()); });
    return found;
}
using texts = std::vector<std::string>;

TEST_CASE("a node is called by the first label of its DNS name, or by its host name") {
    tailscale_node n;
    n.host_name = "Some Host";
    CHECK(n.label() == "Some Host");
    n.dns_name = "db.tail.ts.net";
    CHECK(n.label() == "db");
    n.dns_name = "db";
    CHECK(n.label() == "db");
}

TEST_CASE("a node's addresses come from its list, else from the old field, else from its host routes") {
    tailscale_node n;
    REQUIRE(n.host_routes.push_back("10.0.0.1/32"));
    CHECK(addresses_of(n, ip_family::v4) == texts{"10.0.0.1"});
    n.old_address = "10.0.0.2";
    CHECK(addresses_of(n, ip_family::v4) == texts{"10.0.0.2"});
    REQUIRE(n.addresses.push_back("fd00::3"));
    CHECK(addresses_of(n, ip_family::v4).empty());
    CHECK(addresses_of(n, ip_family::v6) == texts{"fd00::3"});
}

TEST_CASE("a cleared node says nothing any more") {
    tailscale_node n = node("n1", "db.tail.ts.net", "100.64.0.2");
    n.sharer = 3;
    n.online = n.online_known = n.sharee = n.expired = n.tagged = n.mullvad = true;
    n.host_name = n.os = n.key_expiry = n.old_address = "x";
    REQUIRE(n.host_routes.push_back("x"));
    n.malformed = discovery::discovery_error::wrong_type;
    n.clear();
    tailscale_node const fresh;
    CHECK(n.id == fresh.id);
    CHECK(n.dns_name == fresh.dns_name);
    CHECK((n.host_name.empty() && n.os.empty() && n.key_expiry.empty() && n.old_address.empty()));
    CHECK((n.addresses.empty() && n.host_routes.empty()));
    CHECK((n.sharer == 0 && !n.malformed));
    CHECK_FALSE((n.online || n.online_known || n.sharee || n.expired || n.tagged || n.mullvad));
}

TEST_CASE("a peer passed over by its name is counted like one judged by it") {
    tailscale_filter filter;
    filter.names = *discovery::name_pattern::parse("db*");
    tailscale_status status;
    tailscale_selection selection;
    selection.start(filter, status);
    CHECK_FALSE(selection.wants("web.tail.ts.net"));
    CHECK(selection.wants("db7.tail.ts.net"));
    selection.pass_over();
    selection.take_peer(node("n1", "web.tail.ts.net", "100.64.0.2"));
    selection.take_peer(node("n2", "db.tail.ts.net", "100.64.0.3"));
    selection.finish();
    CHECK(status.peers == 3);
    CHECK(status.dropped_for(peer_drop::name) == 2);
    CHECK(status.candidates.size() == 1);
}

TEST_CASE("a list begun anew forgets the one before") {
    tailscale_filter const filter;
    tailscale_status status;
    tailscale_selection selection;
    for (int round = 0; round < 2; ++round) {
        selection.start(filter, status);
        selection.take_peer(node("n1", "a.tail.ts.net", "100.64.0.2"));
        selection.take_peer(node("n1", "b.tail.ts.net", "100.64.0.3"));
        selection.finish();
        CHECK(status.peers == 2);
        CHECK(status.candidates.size() == 1);
        CHECK(status.dropped_for(peer_drop::duplicate) == 1);
    }
}

TEST_CASE("a machine that replaces its offline entry leaves others their addresses") {
    tailscale_filter filter;
    filter.offline = discovery::offline_peers::include;
    tailscale_status status;
    tailscale_selection selection;
    selection.start(filter, status);
    tailscale_node offline = node("n1", "a.tail.ts.net", "100.64.0.2");
    offline.online_known = true;
    selection.take_peer(offline);
    selection.take_peer(node("n2", "b.tail.ts.net", "100.64.0.3"));
    tailscale_node again = node("n1", "a-1.tail.ts.net", "100.64.0.3");
    REQUIRE(again.addresses.push_back("100.64.0.4"));
    selection.take_peer(again);
    selection.finish();
    REQUIRE(status.candidates.size() == 2);
    CHECK(status.candidates[0].name.view() == "a-1");
    REQUIRE(status.candidates[0].addresses.size() == 1);
    CHECK(status.candidates[0].addresses.front().to_string() == "100.64.0.4:9000");
    CHECK(status.candidates[1].name.view() == "b");
}

TEST_CASE("whatever the peers, each is accounted for once and no address has two candidates") {
    peerkit::seeded_rng rng{7};
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        tailscale_filter filter;
        filter.offline = static_cast<discovery::offline_peers>(uniform(rng, std::uint64_t{3}));
        filter.max_candidates = 12;
        tailscale_status status;
        tailscale_selection selection;
        std::deque<std::string> kept;
        auto const text = [&kept](std::string made) -> std::string_view { return kept.emplace_back(std::move(made)); };
        selection.start(filter, status);
        auto const count = uniform(rng, std::uint64_t{20});
        for (std::uint64_t i = 0; i < count; ++i) {
            tailscale_node n;
            if (happens(rng, 800'000)) n.id = text("n" + std::to_string(uniform(rng, std::uint64_t{8})));
            n.dns_name = text("a" + std::to_string(i) + ".tail.ts.net");
            for (auto k = uniform(rng, std::uint64_t{4}); k > 0; --k) {
                REQUIRE(n.addresses.push_back(text("100.64.0." + std::to_string(uniform(rng, std::uint64_t{12})))));
            }
            n.online_known = happens(rng, 700'000);
            n.online = happens(rng, 500'000);
            selection.take_peer(n);
        }
        selection.finish();
        std::size_t sum = status.candidates.size();
        for (std::uint32_t const dropped : status.dropped) sum += dropped;
        CHECK(sum == count);
        for (std::size_t i = 0; i < status.candidates.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                for (auto const& there : status.candidates[i].addresses) {
                    CHECK_FALSE(status.candidates[k].addresses.contains(there));
                }
            }
        }
    }
}

} // namespace
