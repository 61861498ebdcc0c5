// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The one place where the stage of most tests of the engine is compiled.
#include "compiled_stage.hpp"

template class peerkit::gossip::engine<tests::fake_policies<>>;
template class tests::basic_stage<tests::fake_engine>;
