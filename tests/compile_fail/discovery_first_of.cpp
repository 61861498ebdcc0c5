// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// first_of says which of its strategies lacks what, not only that one of them does.
// expect: forgets_const
// expect: peerkit: a discovery strategy needs `std::string_view name\(\) const noexcept`; see docs/concepts
#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/static_list.hpp>

#include <span>
#include <string_view>

struct forgets_const {
#if PEERKIT_COMPILE_FAIL
    std::string_view name() noexcept;
#else
    std::string_view name() const noexcept;
#endif
    peerkit::discovery::step begin(peerkit::time_point now);
    peerkit::discovery::step resume(std::span<peerkit::discovery::outcome> outcomes, peerkit::time_point now);
};

static_assert(sizeof(peerkit::discovery::first_of<peerkit::discovery::static_list, forgets_const>) > 0);
