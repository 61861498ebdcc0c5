// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry in the process of the node: --serve-registry.
#ifndef PEERKIT_NODE_HOSTED_REGISTRY_HPP
#define PEERKIT_NODE_HOSTED_REGISTRY_HPP

#include "flags.hpp"
#include "settings.hpp"

#include <peerkit/discovery/strategy.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace node_program {

/// What --serve-registry and its flags say; none where it is not given. @throws refusal
std::optional<registry_settings> check_registry(flags const& f);

/// Runs until it is destroyed, on a thread of its own.
class hosted_registry {
public:
    /// @param tell called on the registry's thread. @throws refusal
    hosted_registry(run_settings const& settings, std::function<void(peerkit::discovery::notice const&)> tell);
    ~hosted_registry();
    hosted_registry(hosted_registry const&) = delete;
    hosted_registry& operator=(hosted_registry const&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// "integrated registry on 127.0.0.1:8000"
    [[nodiscard]] std::string describe() const;

private:
    struct state;
    std::unique_ptr<state> state_;
    std::uint16_t port_ = 0;
};

/// Has every registry strategy of the text look first at this port of this machine.
void look_first_at(std::uint16_t port, peerkit::discovery::provider_text& strategy);

} // namespace node_program

#endif
