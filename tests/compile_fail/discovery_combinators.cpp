// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Every combinator says which of its strategies lacks what.
// expect: all_of<[^>]*forgets_name
// expect: check_strategy(<| ?\(\) \[with S = )forgets_name
// expect: peerkit: a discovery strategy needs `std::string_view name\(\) const noexcept`; see docs/concepts
// expect: with_retry<forgets_begin
// expect: peerkit: a discovery strategy needs `discovery::step begin\(time_point now\)`; see docs/concepts
// expect: with_timeout<forgets_ticket
// expect: needs `discovery::step resume\(discovery::ticket which, discovery::outcome got, time_point now\)`; see docs
// expect: keep_last_good<throws_when_moved
// expect: peerkit: a discovery strategy must be movable without throwing; see docs
// expect: filtered<forgets_everything
// expect: check_strategy(<| ?\(\) \[with S = )forgets_everything
// expect: peerkit: filtered needs a function `bool\(discovery::candidate&\)`, movable without throwing; see docs
// expect: peerkit: an Rng needs `operator\(\)\(\)` to return std::uint64_t; see docs/concepts/rng\.md
#include <peerkit/discovery/all_of.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/filtered.hpp>
#include <peerkit/discovery/keep_last_good.hpp>
#include <peerkit/discovery/with_retry.hpp>
#include <peerkit/discovery/with_timeout.hpp>

#include <string_view>

using namespace peerkit::discovery;
using peerkit::time_point;

struct forgets_name {
    step begin(time_point now);
    step resume(ticket which, outcome got, time_point now);
};
struct forgets_begin {
    std::string_view name() const noexcept;
    step resume(ticket which, outcome got, time_point now);
};
struct forgets_ticket {
    std::string_view name() const noexcept;
    step begin(time_point now);
    step resume(outcome got, time_point now);
};
struct throws_when_moved {
    throws_when_moved(throws_when_moved&&) noexcept(false);
    std::string_view name() const noexcept;
    step begin(time_point now);
    step resume(ticket which, outcome got, time_point now);
};
struct forgets_everything {};
struct dice {
    int operator()() noexcept;
};
bool keep_all(candidate&);

#if PEERKIT_COMPILE_FAIL
static_assert(sizeof(all_of<any_strategy, forgets_name>) > 0);
static_assert(sizeof(with_retry<forgets_begin>) > 0);
static_assert(sizeof(with_timeout<forgets_ticket>) > 0);
static_assert(sizeof(keep_last_good<throws_when_moved>) > 0);
static_assert(sizeof(filtered<forgets_everything, bool (*)(candidate&)>) > 0);
static_assert(sizeof(filtered<any_strategy, int>) > 0);
static_assert(sizeof(with_retry<any_strategy, dice>) > 0);
#else
static_assert(
    check_strategy<with_retry<keep_last_good<with_timeout<filtered<all_of<any_strategy>, bool (*)(candidate&)>>>>>());
#endif
