// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of nodes that find each other by multicast DNS, on the loopback interface.
#include <peerkit/net/mdns_local_link.hpp>

#include "unit/net/nodes.hpp"
#include "unit/net/support.hpp"

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace net_test;
namespace discovery = peerkit::discovery;
namespace net = peerkit::net;

namespace {

node_config on_link(std::string name, std::uint16_t port, bool publish, std::string network = "test") {
    node_config config = quick(std::move(name));
    discovery::mdns_options options;
    options.listen = 200ms;
    options.network = network;
    config.discovery = discovery::mdns::make(std::move(options)).value();
    net::mdns_presence how;
    how.publish = publish;
    how.network = std::move(network);
    how.link = {.port = port, .interfaces = {"lo"}, .loopback = net::mdns_loopback::always, .v6 = false};
    config.link = net::mdns_on_link(std::move(how));
    return config;
}

} // namespace

TEST_CASE("nodes that know nothing of each other meet on the local link, also those that do not publish") {
    asio::io_context loop;
    std::uint16_t const port = free_port();
    std::vector<node> nodes;
    nodes.push_back(make(loop.get_executor(), on_link("a", port, true)));
    nodes.push_back(make(loop.get_executor(), on_link("b", port, true)));
    nodes.push_back(make(loop.get_executor(), on_link("c", port, false)));
    for (node& n : nodes) REQUIRE(n.start());
    CHECK(eventually(loop, [&] {
        return std::all_of(nodes.begin(), nodes.end(), [](node const& n) { return names(n).size() == 3; });
    }));
}

TEST_CASE("a node of another network on the same link is not called, one of the same network is") {
    asio::io_context loop;
    std::uint16_t const port = free_port();
    node a = make(loop.get_executor(), on_link("a", port, true, "one"));
    node b = make(loop.get_executor(), on_link("b", port, true, "two"));
    node c = make(loop.get_executor(), on_link("c", port, true, "one"));
    // Published before the others look: whoever hears c has had as much time to hear b.
    REQUIRE(b.start());
    REQUIRE(c.start());
    CHECK_FALSE(eventually(loop, [] { return false; }, 2s));
    REQUIRE(a.start());
    std::size_t runs = 0;
    a.on_event([&](event const& e) {
        if (e.kind == event_kind::discovery_found) ++runs;
    });
    CHECK(eventually(loop, [&] { return names(a).size() == 2; }));
    CHECK(names(a) == std::vector<std::string>{"a", "c"});
    for (auto const& known : a.candidates()) {
        CHECK(std::find(known.addresses.begin(), known.addresses.end(), b.local()) == known.addresses.end());
    }
    CHECK(runs > 0);
}
