// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_http_client names the member of HttpClient a type does not have, and the page that explains it.
// expect: peerkit: an HttpClient must be movable without throwing; see docs/concepts/http_client\.md
// expect: `asio::awaitable<result<discovery::http_reply>> request\(.*, discovery::http_request\)`; see docs/concepts/ht
#include <peerkit/net/any_http_client.hpp>

using namespace peerkit;

/// Takes no stop.
struct cannot_be_stopped {
    net::http_answer request(discovery::http_request what) { co_return discovery::http_reply{200, what.target, {}}; }
};

struct stays_here {
    stays_here(stays_here const&) = delete;
};

#if PEERKIT_COMPILE_FAIL
static_assert(net::check_http_client<cannot_be_stopped>());
static_assert(net::check_http_client<stays_here>());
#else
static_assert(net::check_http_client<net::any_http_client>());
static_assert(!net::HttpClient<cannot_be_stopped>);
#endif
