// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What GET /members was asked for.
#ifndef PEERKIT_NODE_MEMBER_CHOICE_HPP
#define PEERKIT_NODE_MEMBER_CHOICE_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/gossip/member_query.hpp>

#include <tl/expected.hpp>

#include <cstddef>
#include <map>
#include <string>

namespace node_program {

/// Read from the parameters `filter` (an expression over labels), `name`, `role`, `capability`, `service`, `passing`,
/// `departed`, `nearest` (a number) and `explain` (a node id). Flags are on if they are there and not 0.
struct member_choice {
    peerkit::gossip::member_query query;
    std::size_t nearest = 0; ///< 0: all of them
    peerkit::node_id explain;

    /// The error is a sentence that names the parameter.
    static tl::expected<member_choice, std::string> of(std::multimap<std::string, std::string> const& parameters);
};

} // namespace node_program

#endif
