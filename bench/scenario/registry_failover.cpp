// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The root of a registry ends while somebody reads through a secondary: how long a read takes then, at most.
#include <support/measure.hpp>

#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/net/http_client.hpp>
#include <peerkit/net/registry_thread.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t node_count = 200;

[[noreturn]] void give_up(char const* what) {
    std::fprintf(stderr, "registry_failover: %s\n", what);
    std::exit(1);
}

net::registry_config config_of(registry::registry_role role) {
    net::registry_config made;
    made.options.role = role;
    made.options.network = crypto::network_id_of("bench");
    made.options.token = "0123456789abcdef";
    made.http.address = ip_address::v4(127, 0, 0, 1);
    made.http.port = 0;
    return made;
}
registry::saved_state some_nodes() {
    registry::saved_state made{.epoch = 7, .version = node_count};
    auto const network = crypto::network_id_of("bench");
    for (std::size_t i = 0; i < node_count; ++i) {
        auto const identity = crypto::ed25519_identity::generate();
        description self{.name = "n" + std::to_string(i),
                         .addresses = {{ip_address::v4(127, 0, 0, 1), 0, address_kind::local}}};
        if (!identity || !normalize(self)) give_up("no node");
        std::vector<std::byte> room(limits::record);
        auto const record = crypto::sign_record(*identity, network, self, 1, false, room);
        if (!record) give_up("no record");
        registry::node_row row{.id = identity->id()};
        row.record.assign(record->bytes().begin(), record->bytes().end());
        row.version = i + 1;
        made.rows.push_back(std::move(row));
    }
    return made;
}

/// The body of one GET on a connection of its own; empty if there was no answer with status 200.
std::string read_nodes(std::uint16_t port) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string got;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
        constexpr std::string_view request = "GET /api/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
        char block[65536];
        for (ssize_t size = 0; (size = ::recv(fd, block, sizeof block, 0)) > 0;) {
            got.append(block, static_cast<std::size_t>(size));
        }
    }
    ::close(fd);
    return got.starts_with("HTTP/1.1 200 ") ? got : std::string{};
}
bool whole(std::string const& body) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = body.find("\"record\":", at)) != std::string::npos; ++at) ++count;
    return count == node_count;
}

} // namespace

int main() {
    auto made = net::registry_thread::start([](asio::any_io_executor const&) {
        auto config = config_of(registry::registry_role::root);
        config.saved = some_nodes();
        return config;
    });
    if (!made) give_up("no root");
    std::optional<net::registry_thread> root{std::move(*made)};
    auto const secondary = net::registry_thread::start([&](asio::any_io_executor const& executor) {
        auto config = config_of(registry::registry_role::secondary);
        config.root = "http://" + root->local().to_string();
        config.client = net::http_client{executor};
        return config;
    });
    if (!secondary) give_up("no secondary");
    std::uint16_t const port = secondary->local().port;
    auto const begin = clock_type::now();
    while (!whole(read_nodes(port))) {
        if (clock_type::now() - begin > std::chrono::seconds{30}) give_up("the secondary does not follow its root");
    }

    clock_type::duration longest{};
    std::size_t reads = 0;
    bool stale = false;
    auto const started = clock_type::now();
    std::optional<clock_type::time_point> killed;
    while (!killed || clock_type::now() - *killed < std::chrono::seconds{3}) {
        if (!killed && clock_type::now() - started > std::chrono::milliseconds{500}) {
            root.reset();
            killed = clock_type::now();
        }
        auto const at = clock_type::now();
        std::string const body = read_nodes(port);
        if (!whole(body)) give_up("a read failed");
        if (killed) longest = std::max(longest, clock_type::now() - at);
        stale = stale || body.find("\"stale\":true") != std::string::npos;
        ++reads;
    }
    if (!stale) give_up("the secondary does not say that it is stale");
    std::printf("%zu reads of %zu nodes, none failed\n", reads, node_count);
    measure::report("registry.failover_s", std::chrono::duration<double>(longest).count());
}
