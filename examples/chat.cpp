// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A line typed here is read everywhere; "/who" asks each member. Try: K=$(openssl rand -hex 32); chat $K 9000 "" ann
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

#include <cstdio>
#include <cstdlib>
#include <string>

using peerkit::as_bytes, peerkit::as_text;

void print(std::string_view who, std::string_view what) {
    std::printf("%.*s: %.*s\n", static_cast<int>(who.size()), who.data(), static_cast<int>(what.size()), what.data());
    std::fflush(stdout);
}

asio::awaitable<void> talk(peerkit::net::node& node) {
    asio::posix::stream_descriptor input{node.executor(), ::dup(STDIN_FILENO)};
    std::string text;
    for (asio::error_code end;;) {
        auto const size = co_await asio::async_read_until(input, asio::dynamic_buffer(text, 4096), '\n',
                                                          asio::redirect_error(asio::use_awaitable, end));
        if (end) break;
        std::string const line = text.substr(0, size - 1);
        text.erase(0, size);
        if (line == "/who") {
            for (auto const& member : node.members({.others = true})) {
                auto const answer = co_await node.request(member.id, "who", {}, std::chrono::seconds{2});
                print(member.name, answer ? as_text(*answer) : answer.error().sentence());
            }
        } else if (auto const said = node.broadcast("chat", as_bytes(line)); !said) {
            print("not sent", said.error().message());
        }
    }
    co_await node.leave();
}

int main(int argc, char** argv) {
    auto const fail = [](auto const& e) { return std::fprintf(stderr, "%s\n", e.message().c_str()), EXIT_FAILURE; };
    if (argc != 5) return std::fputs("usage: chat <network key> <port> <peers> <your name>\n", stderr), 2;
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
    auto const name_of = [&](peerkit::node_id const& id) { return node->find(id).value().name; };
    (void)node->on_message("chat", [&](peerkit::gossip::incoming const& m) { print(name_of(m.what.from), m.text()); });
    (void)node->on_message("who",
                           [&](auto const& m) { return "I am " + node->self().name + ", " + name_of(m.what.from); });
    node->on_event([&](peerkit::gossip::event const& e) {
        if (e.kind == peerkit::gossip::event_kind::member_up) print("came", name_of(e.subject));
    });
    if (auto const started = node->start(); !started) return fail(started.error());
    asio::co_spawn(loop, talk(*node), asio::detached);
    loop.run();
}
