// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a resolver chosen at run time.
#include <peerkit/net/any_resolver.hpp>

#include "unit/net/support.hpp"

#include <peerkit/net/cancellation.hpp>

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using namespace net_test;
using namespace peerkit::discovery;
using peerkit::ip_address;
using peerkit::net::any_resolver;
using peerkit::net::stop_state;

namespace {

/// Answers with what it was asked, so that one sees that nothing is mixed up; can only be moved.
class echo {
public:
    explicit echo(std::shared_ptr<stop_state>& last_stop) : last_stop_{&last_stop}, life_{std::make_unique<int>(1)} {}

    peerkit::net::lookup_of<resolve_name> resolve(std::shared_ptr<stop_state> stop, resolve_name asked) {
        *last_stop_ = std::move(stop);
        resolved answer;
        answer.addresses = {ip_address::parse(asked.host).value()};
        co_return answer;
    }
    peerkit::net::lookup_of<resolve_service> resolve(std::shared_ptr<stop_state> stop, resolve_service asked) {
        *last_stop_ = std::move(stop);
        co_return service_records{{service_record{.target = asked.name}}};
    }
    peerkit::net::lookup_of<resolve_text> resolve(std::shared_ptr<stop_state> stop, resolve_text asked) {
        *last_stop_ = std::move(stop);
        co_return text_records{{asked.name}, {}};
    }
    peerkit::net::lookup_of<resolve_address> resolve(std::shared_ptr<stop_state> stop, resolve_address asked) {
        *last_stop_ = std::move(stop);
        co_return named{asked.address.to_string()};
    }

private:
    std::shared_ptr<stop_state>* last_stop_;
    std::unique_ptr<int> life_;
};

} // namespace

static_assert(std::is_nothrow_move_constructible_v<any_resolver>);
static_assert(!std::constructible_from<any_resolver, int>);

TEST_CASE("every kind of lookup, and its stop, reaches the resolver that is held") {
    asio::io_context loop;
    std::shared_ptr<stop_state> seen;
    any_resolver first{echo{seen}};
    REQUIRE(first);
    any_resolver held = std::move(first);
    auto const stop = std::make_shared<stop_state>();

    resolve_name name;
    name.host = "192.0.2.7";
    CHECK(finish(loop, held.resolve(stop, name)).value().addresses.front() == ip_address::v4(192, 0, 2, 7));
    CHECK(std::exchange(seen, nullptr) == stop);

    resolve_service service;
    service.name = "_peerkit._udp.example";
    CHECK(finish(loop, held.resolve(stop, service)).value().records.front().target == service.name);
    CHECK(std::exchange(seen, nullptr) == stop);

    resolve_text text;
    text.name = "txt.example";
    CHECK(finish(loop, held.resolve(stop, text)).value().strings.front() == text.name);
    CHECK(std::exchange(seen, nullptr) == stop);

    resolve_address address;
    address.address = ip_address::v4(192, 0, 2, 8);
    CHECK(finish(loop, held.resolve(stop, address)).value().host == "192.0.2.8");
    CHECK(std::exchange(seen, nullptr) == stop);
}

TEST_CASE("holding none, every lookup is unsupported") {
    asio::io_context loop;
    any_resolver none;
    CHECK_FALSE(none);
    auto const stop = std::make_shared<stop_state>();
    CHECK(finish(loop, none.resolve(stop, resolve_name{})).error() == discovery_error::unsupported);
    CHECK(finish(loop, none.resolve(stop, resolve_service{})).error() == discovery_error::unsupported);
    CHECK(finish(loop, none.resolve(stop, resolve_text{})).error() == discovery_error::unsupported);
    CHECK(finish(loop, none.resolve(stop, resolve_address{})).error() == discovery_error::unsupported);
}
