// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The documents GET /health and GET /members answer with.
#ifndef PEERKIT_NODE_HEALTH_HPP
#define PEERKIT_NODE_HEALTH_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/gossip/counters.hpp>
#include <peerkit/gossip/explanation.hpp>
#include <peerkit/net/entry_watch.hpp>
#include <peerkit/net/node_config.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace node_program {

/// What a node can say of itself at one moment.
struct health {
    bool well = false; ///< running, and not about to leave
    std::string network;
    bool open = false; ///< the network has no key
    std::chrono::seconds uptime{};
    peerkit::gossip::counters counters;
    std::vector<peerkit::net::member_info> members; ///< this node among them
    std::vector<peerkit::net::candidate_info> candidates;
    peerkit::net::memory_status memory;
};

/// @code
/// {"status":"ok","id":"..","name":"a","incarnation":1,"network":"peerkit","open":false,"uptime_s":7,
///  "counts":{"alive":2,"suspect":0,"dead":0,"left":0},"refused":0,
///  "members":[{"name":"a","id":"..","state":"alive","self":true,"endpoint":"127.0.0.1:9000",
///              "addresses":["127.0.0.1:9000"],"api_port":8000,..},..],
///  "memory":{"store":"file","recalled":3,"left_out":0,"saves":7},
///  "candidates":[{"name":"db2","sources":"static+dns","addresses":["192.0.2.7:9000"],"last":"answered"},..]}
/// @endcode
std::string to_json(health const& h);

/// What GET /members answers with: {"members":[..]}, each as above.
std::string to_json(std::vector<peerkit::net::member_info> const& members);
/// What GET /members?explain=ID answers with: the parts, and `text` for people.
std::string to_json(peerkit::gossip::explanation const& why);
/// Entries of members' maps; a value that is no text shows as far as it is.
std::string to_json(std::vector<peerkit::net::entry_info> const& entries);
/// {"error":".."}
std::string error_document(std::string const& what);

} // namespace node_program

#endif
