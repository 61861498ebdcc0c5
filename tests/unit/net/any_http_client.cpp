// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A client of any type, or none, behind one type.
#include <peerkit/net/any_http_client.hpp>

#include <doctest/doctest.h>

#include <peerkit/net/cancellation.hpp>

#include "support.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <utility>

using namespace peerkit;
using namespace net_test;

namespace {

/// Answers with the target it was asked for.
struct echoing_client {
    std::unique_ptr<int> asked = std::make_unique<int>(0); // cannot be copied
    net::http_answer request(std::shared_ptr<net::stop_state>, discovery::http_request what) {
        ++*asked;
        co_return discovery::http_reply{200, std::move(what.target), {}};
    }
};
static_assert(net::check_http_client<echoing_client>());

struct asks_nobody {};
static_assert(!net::HttpClient<asks_nobody>);

} // namespace

TEST_CASE("Without a client every HTTP request is unsupported") {
    asio::io_context loop;
    net::any_http_client none;
    CHECK_FALSE(static_cast<bool>(none));
    auto const got = finish(loop, none.request(std::make_shared<net::stop_state>(), {}));
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error() == discovery::discovery_error::unsupported);
}

TEST_CASE("The client that is held answers, also after a move") {
    asio::io_context loop;
    net::any_http_client first = echoing_client{};
    net::any_http_client second = std::move(first);
    CHECK(static_cast<bool>(second));
    discovery::http_request asked;
    asked.target = "/here";
    CHECK(finish(loop, second.request(std::make_shared<net::stop_state>(), asked))->body == "/here");
}
