// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Settings that every node knows of every other: "key=value" sets one here, "key" erases it.
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/net/node.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

asio::awaitable<void> take_settings(peerkit::net::node& node) {
    asio::posix::stream_descriptor input{node.executor(), ::dup(STDIN_FILENO)};
    std::string text;
    for (asio::error_code end;;) {
        auto const size = co_await asio::async_read_until(input, asio::dynamic_buffer(text, 4096), '\n',
                                                          asio::redirect_error(asio::use_awaitable, end));
        if (end) break;
        std::string const line = text.substr(0, size - 1);
        text.erase(0, size);
        std::size_t const equals = line.find('=');
        auto const done = equals == line.npos
                              ? node.erase(line)
                              : node.put(line.substr(0, equals), peerkit::as_bytes(line).subspan(equals + 1));
        if (!done) std::cout << line << ": " << done.error().message() << std::endl;
    }
    co_await node.leave();
}

int main(int argc, char** argv) {
    auto const fail = [](auto const& e) { return std::cerr << e.message() << '\n', EXIT_FAILURE; };
    if (argc != 5) return std::cerr << "usage: shared_settings <network key> <port> <peers> <name>\n", 2;
    auto key = peerkit::crypto::network_key::parse(argv[1]);
    if (!key) return fail(key.error());
    auto peers = peerkit::discovery::static_list::parse(argv[3]);
    if (!peers) return fail(peers.error());
    peerkit::net::node_config config;
    config.key = std::move(*key);
    config.self.name = argv[4];
    config.discovery = std::move(*peers);
    config.listen.port = static_cast<std::uint16_t>(std::atoi(argv[2]));

    asio::io_context loop;
    auto node = peerkit::net::node::create(loop.get_executor(), std::move(config));
    if (!node) return fail(node.error());
    node->on_entry("", [&](peerkit::net::entry_change const& c) {
        std::cout << node->find(c.owner)->name << ": " << c.key << (c.erased ? " is gone" : " = ") << c.text()
                  << std::endl;
    });
    if (auto const started = node->start(); !started) return fail(started.error());
    asio::co_spawn(loop, take_settings(*node), asio::detached);
    loop.run();
}
