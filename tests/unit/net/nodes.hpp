// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Nodes for tests on loopback: quick numbers, one key, seeds given by hand.
#ifndef PEERKIT_TESTS_UNIT_NET_NODES_HPP
#define PEERKIT_TESTS_UNIT_NET_NODES_HPP

#include <peerkit/net/node.hpp>

#include <support/compiled_node.hpp>

#include "unit/net/support.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net_test {

using peerkit::ip_address;
using peerkit::ip_endpoint;
using peerkit::gossip::event;
using peerkit::gossip::event_kind;
using peerkit::membership::member_state;
using peerkit::net::node;
using peerkit::net::node_config;

/// A strategy that answers with the same endpoints each time.
struct seeds {
    std::vector<ip_endpoint> where;
    [[nodiscard]] std::string_view name() const noexcept { return "seeds"; }
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point) {
        std::vector<peerkit::discovery::candidate> found;
        for (ip_endpoint const& e : where) {
            peerkit::discovery::candidate c;
            c.addresses = {e};
            c.source = peerkit::discovery::provenance::static_list;
            found.push_back(c);
        }
        return peerkit::discovery::step::found(std::move(found));
    }
    [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket, peerkit::discovery::outcome const&,
                                                  peerkit::time_point) {
        return peerkit::discovery::step::failed(peerkit::discovery::discovery_error::unexpected_answer);
    }
};

inline peerkit::crypto::network_key test_key(unsigned char seed = 1) {
    std::array<std::byte, 32> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(seed + i);
    return peerkit::crypto::network_key::from_bytes(bytes).value();
}

inline node_config quick(std::string name, std::vector<ip_endpoint> where = {}) {
    node_config config;
    config.network = "test";
    config.key = test_key();
    config.self.name = std::move(name);
    config.listen.address = ip_address::v4(127, 0, 0, 1);
    config.listen.port = 0;
    config.tunables = peerkit::gossip::local();
    config.schedule.retry_first = 200ms;
    config.schedule.retry_most = 1s;
    config.schedule.contact_period = 500ms;
    config.discovery = seeds{std::move(where)};
    return config;
}

inline node make(asio::any_io_executor executor, node_config config) {
    auto made = node::create(std::move(executor), std::move(config));
    if (!made) MESSAGE(made.error().message());
    REQUIRE(made.has_value());
    return std::move(*made);
}

/// Names of the members in a state, sorted.
inline std::vector<std::string> names(node const& of, member_state state = member_state::alive) {
    std::vector<std::string> found;
    for (auto const& m : of.members()) {
        if (m.state == state) found.push_back(m.name);
    }
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace net_test

#endif
