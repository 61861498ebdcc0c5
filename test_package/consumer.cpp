// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Uses the packaged library, links every one of its dependencies, and runs.
#include <peerkit/core/endpoint.hpp>

#if CONSUMER_HAS_DNS
#    include <peerkit/net/cares_resolver.hpp>
#endif
#if CONSUMER_HAS_HTTP
#    include <peerkit/net/http_client.hpp>
#endif
#if CONSUMER_HAS_LZ4
#    include <peerkit/wire/lz4.hpp>
#endif
#if CONSUMER_HAS_SQLITE
#    include <peerkit/store/sqlite_connection.hpp>
#endif

#include <array>
#include <asio/io_context.hpp>
#include <cstddef>
#include <simdjson.h>
#include <sodium.h>
#include <tl/expected.hpp>

int main() {
    asio::io_context loop;
    simdjson::ondemand::parser parser;
    tl::expected<int, int> const ready = sodium_init();
    auto const address = peerkit::endpoint::parse("[2001:db8::7]:9100");
#if CONSUMER_HAS_DNS
    peerkit::net::cares_resolver resolver{loop.get_executor()};
    if (resolver.under_way() != 0) return 1;
#endif
#if CONSUMER_HAS_HTTP
    peerkit::net::http_client client{loop.get_executor()};
    if (client.under_way() != 0) return 1;
#endif
#if CONSUMER_HAS_LZ4
    peerkit::wire::lz4_compression compression;
    std::array<std::byte, 64> const zeros{};
    std::array<std::byte, 64> room{};
    if (compression.compress(zeros, room) == 0) return 1;
#endif
#if CONSUMER_HAS_SQLITE
    if (!peerkit::store::sqlite_connection::open(":memory:")) return 1;
#endif
    return ready.value() >= 0 && loop.run() == 0 && address && address->port() == 9100 ? 0 : 1;
}
