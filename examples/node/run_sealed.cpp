// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs a node of a network whose members share a key.
#include "program.hpp"

namespace node_program {

int run_sealed(run_settings settings) { return program<peerkit::net::node>{std::move(settings)}.run(); }

} // namespace node_program
