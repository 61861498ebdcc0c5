// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads a variable of the process environment, as a discovery strategy asks for it.
#ifndef PEERKIT_NET_ENVIRONMENT_HPP
#define PEERKIT_NET_ENVIRONMENT_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>

#include <cstdlib>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Carries out `discovery::read_environment`. As getenv: nobody may change the environment at the same time.
[[nodiscard]] inline discovery::environment_value read_environment(discovery::read_environment const& wanted) {
    discovery::environment_value found;
    if (char const* const text = std::getenv(wanted.variable.c_str()); text != nullptr) found.text = text;
    return found;
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
