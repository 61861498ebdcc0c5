// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs a node of a network that anybody may join.
#include "program.hpp"

namespace node_program {

int run_open(run_settings settings) { return program<peerkit::net::open_node>{std::move(settings)}.run(); }

} // namespace node_program
