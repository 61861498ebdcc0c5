// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One peer as it is carried over from one life of a node to the next.
#ifndef PEERKIT_NODE_REMEMBERED_PEER_HPP
#define PEERKIT_NODE_REMEMBERED_PEER_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/node/provenance_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// What a node remembers of another: its announcement as received, and what only this node knows of it.
struct remembered_peer {
    std::vector<std::byte> record;  ///< signed by its subject; checked again by whoever reads it from a store
    provenance_set sources;         ///< in which ways it was found, `stored` not among them
    ip_endpoint last_endpoint;      ///< where this node reached it last
    std::int64_t last_heard_ms = 0; ///< unix time; only ever compared with others of its kind, to keep the latest

    [[nodiscard]] friend bool operator==(remembered_peer const&, remembered_peer const&) noexcept = default;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
