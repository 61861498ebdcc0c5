// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// first_of says which of its strategies lacks what, not only that one of them does.
// expect: first_of<[^>]*forgets_const
// expect: check_strategy(<| ?\(\) \[with S = )forgets_const
// expect: peerkit: a discovery strategy needs `std::string_view name\(\) const noexcept`; see docs/concepts
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/first_of.hpp>

#include <string_view>

struct forgets_const {
#if PEERKIT_COMPILE_FAIL
    std::string_view name() noexcept;
#else
    std::string_view name() const noexcept;
#endif
    peerkit::discovery::step begin(peerkit::time_point now);
    peerkit::discovery::step resume(peerkit::discovery::ticket which, peerkit::discovery::outcome got,
                                    peerkit::time_point now);
};

static_assert(sizeof(peerkit::discovery::first_of<peerkit::discovery::any_strategy, forgets_const>) > 0);
