// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_clock names the requirement of SteadyClock a type does not meet, and the page that explains it.
// expect: peerkit: a SteadyClock needs `now\(\)`; see docs/concepts/clock\.md
// expect: `now\(\)` to return peerkit::time_point, not another clock's time; see docs/concepts/clock\.md
#include <peerkit/core/clock.hpp>

#include <chrono>

struct without_now {};

#if PEERKIT_COMPILE_FAIL
static_assert(peerkit::check_clock<without_now>());
static_assert(peerkit::check_clock<std::chrono::steady_clock>());
#else
static_assert(peerkit::check_clock<peerkit::system_steady_clock>());
static_assert(!peerkit::SteadyClock<without_now>);
#endif
