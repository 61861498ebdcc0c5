// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the registry protocol concept: what is one, and what lacks something.
#include <peerkit/registry/protocol.hpp>

#include "support/plain_registry.hpp"

#include <doctest/doctest.h>

using namespace peerkit;

namespace {

static_assert(registry::check_protocol<peerkit_test::plain_protocol>());
static_assert(!registry::RegistryProtocol<int>);

struct without_forget : peerkit_test::plain_protocol {
    void forget() = delete;
};
static_assert(!registry::RegistryProtocol<without_forget> && !registry::HasProtocolForget<without_forget>);
static_assert(registry::HasProtocolAnswer<without_forget>);

} // namespace

TEST_CASE("a refusal is by default a bad reply of one registry, for which another one is no remedy") {
    registry::refused const no;
    CHECK(no.why == discovery::discovery_error::bad_reply);
    CHECK_FALSE(no.elsewhere);
    CHECK(registry::registrant{}.begins);
}
