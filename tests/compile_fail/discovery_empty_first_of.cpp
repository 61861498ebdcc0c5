// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A list of no strategies is refused with a sentence.
// expect: peerkit: first_of needs at least one strategy
#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/static_list.hpp>

#if PEERKIT_COMPILE_FAIL
static_assert(sizeof(peerkit::discovery::first_of<>) > 0);
#else
static_assert(sizeof(peerkit::discovery::first_of<peerkit::discovery::static_list>) > 0);
#endif
