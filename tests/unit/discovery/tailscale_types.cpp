// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the vocabulary of the Tailscale strategy.
#include <peerkit/discovery/tailscale_types.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <set>
#include <string_view>

namespace discovery = peerkit::discovery;
using discovery::backend_state;
using discovery::peer_drop;
using discovery::tailscale_status;

namespace {

TEST_CASE("the states of the daemon are known by name, and other names are an unknown state") {
    struct row {
        std::string_view text;
        backend_state state;
    };
    for (row const& r : {
             row{"NoState", backend_state::no_state},
             {"InUseOtherUser", backend_state::in_use_other_user},
             {"NeedsLogin", backend_state::needs_login},
             {"NeedsMachineAuth", backend_state::needs_machine_auth},
             {"Stopped", backend_state::stopped},
             {"Starting", backend_state::starting},
             {"Running", backend_state::running},
             {"", backend_state::unreported},
             {"running", backend_state::unknown},
             {"Hibernating", backend_state::unknown},
         }) {
        CAPTURE(r.text);
        CHECK(discovery::parse_backend_state(r.text) == r.state);
    }
}

TEST_CASE("only a running daemon is ready") {
    tailscale_status status;
    for (backend_state const state :
         {backend_state::no_state, backend_state::in_use_other_user, backend_state::needs_login,
          backend_state::needs_machine_auth, backend_state::stopped, backend_state::starting, backend_state::unknown}) {
        status.state = state;
        status.peers = 3;
        CHECK_FALSE(status.ready());
    }
    status.state = backend_state::running;
    status.peers = 0;
    CHECK(status.ready());
}

TEST_CASE("a daemon too old to say its state is ready if it has an address or peers") {
    tailscale_status status;
    CHECK_FALSE(status.ready());
    status.self.emplace();
    CHECK_FALSE(status.ready());
    REQUIRE(status.self->addresses.push_back(peerkit::ip_address::v4(100, 64, 0, 1)));
    CHECK(status.ready());
    status.self.reset();
    status.peers = 1;
    CHECK(status.ready());
}

TEST_CASE("a cleared status says nothing any more") {
    tailscale_status status;
    status.state = backend_state::running;
    status.state_text = "Running";
    status.version = "1";
    status.tun = false;
    status.dns_suffix = "x";
    status.self.emplace();
    status.candidates.emplace_back();
    status.peers = 1;
    status.dropped[0] = 1;
    status.first_malformed = discovery::discovery_error::wrong_type;
    status.clear();
    CHECK(status.state == backend_state::unreported);
    CHECK(status.state_text.empty());
    CHECK(status.version.empty());
    CHECK_FALSE(status.tun.has_value());
    CHECK(status.dns_suffix.empty());
    CHECK_FALSE(status.self.has_value());
    CHECK(status.candidates.empty());
    CHECK(status.peers == 0);
    CHECK(status.dropped_for(peer_drop::name) == 0);
    CHECK_FALSE(status.first_malformed.has_value());
}

TEST_CASE("every reason to drop a peer has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < discovery::peer_drop_count; ++i) {
        std::string_view const name = to_string(static_cast<peer_drop>(i));
        CHECK_FALSE(name.empty());
        CHECK(names.insert(name).second);
    }
    CHECK(static_cast<std::size_t>(peer_drop::over_limit) + 1 == discovery::peer_drop_count);
}

} // namespace
