// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The stage of most tests of the engine, compiled once for all of them: compiled_stage.cpp.
#ifndef PEERKIT_TESTS_SUPPORT_COMPILED_STAGE_HPP
#define PEERKIT_TESTS_SUPPORT_COMPILED_STAGE_HPP

#include "stage.hpp"

extern template class peerkit::gossip::engine<tests::fake_policies<>>;
extern template class tests::basic_stage<tests::fake_engine>;

#endif
