// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What is signed when a node signs bytes for one purpose and one network: neither can be taken for another.
#ifndef PEERKIT_CRYPTO_SIGNED_BYTES_HPP
#define PEERKIT_CRYPTO_SIGNED_BYTES_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Where the bytes that are signed are put together; keeps its memory from one signature to the next.
using signing_room = std::vector<std::byte>;

namespace detail {

/// Domain, network id, then the bytes themselves. Valid until `room` is used again.
[[nodiscard]] inline byte_view bytes_to_sign(std::string_view domain, network_id const& network, byte_view bytes,
                                             signing_room& room) {
    std::size_t const prefix = domain.size() + network.bytes.size();
    if (room.size() < prefix + bytes.size()) room.resize(prefix + bytes.size());
    copy_bytes(as_bytes(domain), room);
    copy_bytes(network.bytes, byte_span{room}.subspan(domain.size()));
    copy_bytes(bytes, byte_span{room}.subspan(prefix));
    return byte_view{room}.first(prefix + bytes.size());
}

} // namespace detail
} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
