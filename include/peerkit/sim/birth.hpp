// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One life of a simulated node: what it is made from.
#ifndef PEERKIT_SIM_BIRTH_HPP
#define PEERKIT_SIM_BIRTH_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/shared_records.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/sim/trace.hpp>

#include <cstdint>
#include <string>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What a world needs to make one life of a node.
struct birth {
    node_index index = 0;
    std::uint32_t life = 1;                        ///< 1 for the first, one more after every restart
    std::string name;                              ///< "n0", "n1", ... or as given to `spawn`
    ip_endpoint where;                             ///< the node's only address
    std::uint64_t identity_seed = 0;               ///< the same in every life: the node's key comes from it
    std::uint64_t rng_seed = 0;                    ///< another in every life
    std::uint64_t incarnation = 1;                 ///< to begin with, see `memory`
    byte_view stored;                              ///< what an earlier life asked to persist, if it survived
    std::vector<node::remembered_peer> remembered; ///< peers an earlier life knew, if that survived
    membership::shared_records* shared = nullptr;  ///< the world's: nodes may hold records there, see `gossip::engine`
};

/// What survives a crash. A node's first incarnation is minted as the shell does it, `max(stored + 1, microseconds on
/// the wall clock)`, so it grows with every life unless the wall clock is wrong too.
enum class memory : std::uint8_t {
    kept,                 ///< what the node asked to persist
    lost,                 ///< its key, and the time
    lost_and_clock_wrong, ///< its key only: it begins with incarnation 1
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
