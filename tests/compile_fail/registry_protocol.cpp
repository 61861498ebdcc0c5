// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_protocol names each member a registry protocol lacks, and the page that explains it.
// expect: peerkit: a registry protocol must be movable without throwing; see docs/concepts/registry_protocol\.md
// expect: peerkit: a registry protocol needs `std::string_view name\(\) const noexcept`; see docs
// expect: peerkit: a registry protocol needs `std::uint16_t default_port\(\) const noexcept`; see docs
// expect: `std::optional<discovery::http_request> request\(registry::client_task, registry::registrant const&\)`; see
// expect: `registry::client_answer answer\(registry::client_task, discovery::http_reply, registry::registrant const&\)`
// expect: peerkit: a registry protocol needs `void forget\(\)`; see docs/concepts/registry_protocol\.md
#include <peerkit/registry/protocol.hpp>

struct lacks_everything {
    lacks_everything(lacks_everything&&) = delete;
};

#if PEERKIT_COMPILE_FAIL
static_assert(peerkit::registry::check_protocol<lacks_everything>());
#else
static_assert(!peerkit::registry::RegistryProtocol<lacks_everything>);
#endif
