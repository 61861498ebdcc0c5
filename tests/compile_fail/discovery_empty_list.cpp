// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A list of no strategies is refused with a sentence.
// expect: peerkit: first_of needs at least one strategy
// expect: peerkit: all_of needs at least one strategy
#include <peerkit/discovery/all_of.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/first_of.hpp>

using namespace peerkit::discovery;

#if PEERKIT_COMPILE_FAIL
static_assert(sizeof(first_of<>) > 0);
static_assert(sizeof(all_of<>) > 0);
#else
static_assert(sizeof(first_of<any_strategy>) > 0);
static_assert(sizeof(all_of<any_strategy>) > 0);
#endif
