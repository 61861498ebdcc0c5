// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A whole member of a network. Try: K=$(openssl rand -hex 32); hello $K 9000 "" & hello $K 9001 127.0.0.1
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/net/node.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    auto const fail = [](auto const& e) { return std::fprintf(stderr, "%s\n", e.message().c_str()), EXIT_FAILURE; };
    if (argc != 4) return std::fputs("usage: hello <network key, 64 hex digits> <port> <peers>\n", stderr), 2;
    peerkit::net::node_config config;
    auto key = peerkit::crypto::network_key::parse(argv[1]);
    if (!key) return fail(key.error());
    auto peers = peerkit::discovery::static_list::parse(argv[3]);
    if (!peers) return fail(peers.error());
    config.key = std::move(*key);
    config.discovery = std::move(*peers);
    config.listen.port = static_cast<std::uint16_t>(std::atoi(argv[2]));

    asio::io_context loop;
    auto node = peerkit::net::node::create(loop.get_executor(), std::move(config));
    if (!node) return fail(node.error());
    node->on_event([&](peerkit::gossip::event const& e) {
        std::printf("%s %s: %zu alive\n", to_string(e.kind).data(), to_string(e.subject.short_id()).c_str(),
                    node->alive_count());
        std::fflush(stdout);
    });
    if (auto started = node->start(); !started) return fail(started.error());
    asio::signal_set stop{loop, SIGINT, SIGTERM};
    stop.async_wait([&](auto, int) { asio::co_spawn(loop, node->leave(), asio::detached); });
    loop.run();
}
