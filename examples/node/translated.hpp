// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Replaces addresses of candidates that are reached elsewhere from here.
#ifndef PEERKIT_NODE_TRANSLATED_HPP
#define PEERKIT_NODE_TRANSLATED_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/discovery/candidate.hpp>

#include <utility>
#include <vector>

namespace node_program {

/// For `discovery::filtered`: keeps every candidate, and says where it is reached: behind address translation, behind
/// published ports of containers, or where tunnels end on this machine. Other addresses stay as they are.
struct translated {
    std::vector<std::pair<peerkit::ip_address, peerkit::ip_endpoint>> places;

    bool operator()(peerkit::discovery::candidate& found) const {
        auto const addresses = std::exchange(found.addresses, {});
        for (peerkit::ip_endpoint there : addresses) {
            for (auto const& [from, to] : places) {
                if (there.address != from) continue;
                there = to;
                break;
            }
            static_cast<void>(found.addresses.push_back(there)); // as many as there were
        }
        return true;
    }
};

} // namespace node_program

#endif
