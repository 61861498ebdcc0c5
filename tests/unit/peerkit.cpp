// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The umbrella: one include is enough for a complete member.
#include <peerkit/peerkit.hpp>

#include <doctest/doctest.h>

#include <asio/io_context.hpp>
#include <support/compiled_node.hpp>

TEST_CASE("with the umbrella alone a node finds another through a composed strategy") {
    using namespace peerkit;
    REQUIRE(crypto::ensure_sodium());
    asio::io_context loop;
    std::string const secret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    auto const configured = [&](std::string name) {
        net::node_config config;
        config.self.name = std::move(name);
        config.listen = {ip_address::v4(127, 0, 0, 1), 0};
        config.key = std::move(*crypto::network_key::parse(secret));
        config.tunables = gossip::local();
        return config;
    };
    auto first = net::node::create(loop.get_executor(), configured("first"));
    REQUIRE(first);
    net::node_config config = configured("second");
    auto listed = discovery::static_list::parse(first->local().to_string());
    REQUIRE(listed);
    auto nobody = discovery::static_list::parse("");
    config.discovery = discovery::first_of{std::move(*nobody), std::move(*listed)};
    auto second = net::node::create(loop.get_executor(), std::move(config));
    REQUIRE(second);

    int joined = 0;
    second->on_event([&](gossip::event const& e) {
        if (e.kind != gossip::event_kind::member_up) return;
        ++joined;
        first->stop();
        second->stop();
    });
    REQUIRE(first->start());
    REQUIRE(second->start());
    loop.run_for(std::chrono::seconds{20});
    CHECK(joined == 1);
}
