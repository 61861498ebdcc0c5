// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_resolver names the member of Resolver a type does not have, and the page that explains it.
// expect: peerkit: a Resolver must be movable without throwing; see docs/concepts/resolver\.md
// expect: `asio::awaitable<result<discovery::resolved>> resolve\(.*, discovery::resolve_name\)`; see docs/concepts/res
// expect: `asio::awaitable<result<discovery::service_records>> resolve\(.*, discovery::resolve_service\)`; see docs
// expect: `asio::awaitable<result<discovery::text_records>> resolve\(.*, discovery::resolve_text\)`; see docs
// expect: `asio::awaitable<result<discovery::named>> resolve\(.*, discovery::resolve_address\)`; see docs
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/resolver.hpp>

using namespace peerkit;

/// Finds addresses and nothing else.
struct only_addresses {
    net::lookup_of<discovery::resolve_name> resolve(std::shared_ptr<net::stop_state>, discovery::resolve_name asked) {
        return net::unsupported_lookup(std::move(asked));
    }
};

struct stays_here {
    stays_here(stays_here const&) = delete;
};

#if PEERKIT_COMPILE_FAIL
static_assert(net::check_resolver<only_addresses>());
static_assert(net::check_resolver<stays_here>());
#else
static_assert(net::check_resolver<net::any_resolver>());
static_assert(!net::Resolver<only_addresses>);
#endif
