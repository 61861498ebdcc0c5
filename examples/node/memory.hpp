// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Where the node keeps what has to survive a restart.
#ifndef PEERKIT_NODE_MEMORY_HPP
#define PEERKIT_NODE_MEMORY_HPP

#include "settings.hpp"

#include <peerkit/store/any_store.hpp>

namespace node_program {

/// What `--store` and `--state-dir` ask for; empty without either. Touches nothing yet. @throws refusal
peerkit::store::any_store make_store(run_settings const& settings);

} // namespace node_program

#endif
