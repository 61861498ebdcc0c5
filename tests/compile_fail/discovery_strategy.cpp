// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_strategy names each member a strategy lacks, and the page that explains it.
// expect: peerkit: a discovery strategy must be movable without throwing; see docs/concepts/discovery_strategy\.md
// expect: peerkit: a discovery strategy needs `std::string_view name\(\) const noexcept`
// expect: peerkit: a discovery strategy needs `discovery::step begin\(time_point now\)`
// expect: `discovery::step resume\(discovery::ticket which, discovery::outcome got, time_point now\)`; see docs
// expect: peerkit: the farewell of a discovery strategy is `discovery::step farewell\(time_point now\)`; see docs
#include <peerkit/discovery/strategy.hpp>

struct lacks_everything {
    lacks_everything(lacks_everything&&) = delete;
    void farewell();
};

#if PEERKIT_COMPILE_FAIL
static_assert(peerkit::discovery::check_strategy<lacks_everything>());
#else
static_assert(!peerkit::discovery::DiscoveryStrategy<lacks_everything>);
#endif
